"""The `compare` command: two periods of the same files, estimated together or apart, or two published studies."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import STANDARD_INPUT, Options
from iceberg.cli.decisions.interventions import Followed, follow_interventions, follow_up_text, keep_interventions
from iceberg.cli.estimate import Estimated, make_estimate
from iceberg.cli.terminal import DONE, print_result, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.model.compare import Comparison


def run_compare(options: Options, words: Translator) -> int:
    """Compare, write the files that were asked for and print the comparison.

    Raises:
        OptionError: When the periods cannot be compared.
        StoreError: When a study does not exist.
    """
    from iceberg.report.files import comparison_bytes
    from iceberg.report.files.comparison import Compared

    sources: tuple[str, ...] = ()
    moment = None
    followed = Followed()
    made = None
    if options.compared:
        comparison, sources, moment = _compare_published(options, words)
    elif options.apart:
        comparison = _compare_apart(options, words)
    else:
        made = make_estimate(options, words)
        followed = follow_interventions(made.estimate, made.counted.counts, made.counted.mapping)
        comparison = _compare_together(made, followed, options)
    text = follow_up_text(followed, words) + _text(comparison, options, words, sources)
    if options.reports and not sources:
        sources = _describe_files(options, words)
    category = options.category or (followed.found[0].intervention.category if followed.found else None)
    compared = Compared(comparison, category, sources if options.reports else (), options.author, moment, followed.found)
    written = []
    for path in (*options.reports, *([options.json] if options.json is not None else [])):
        name = "json" if path is options.json else path.suffix.lower().removeprefix(".")
        written.append((path, comparison_bytes(compared, format=name, language=words.language)))
    for path, content in written:
        write_whole(path, content)
    if made is not None and options.keep is not None:
        keep_interventions(options.keep, followed, made.counted.report, made.counted.mapping)
    print_result(text)
    return DONE


def _compare_published(options: Options, words: Translator) -> tuple[Comparison, tuple[str, ...], datetime]:
    """Two published versions, a sentence about each and the moment of the later; a version without an estimate is estimated again."""
    from iceberg.cli.store import open_store
    from iceberg.model.compare import compare_studies
    from iceberg.model.estimate import estimate_iceberg

    with closing(open_store(options)) as store:
        before, after = (store.load(*version) for version in options.compared)
    estimates = [
        version.estimate or estimate_iceberg(version.counts, assumptions=version.entry.assumptions, seed=version.entry.seed)
        for version in (before, after)
    ]
    comparison = compare_studies(estimates[0], before.counts, estimates[1], after.counts)
    sentences = tuple(
        words.text(
            "compare.report.study",
            side=words.text(f"compare.terminal.{side}"),
            title=version.entry.title,
            version=str(version.entry.number),
            day=version.entry.published_at.date(),
            author=version.entry.author or "–",
        )
        for side, version in (("before", before), ("after", after))
    )
    return comparison, sentences, after.entry.published_at


def _describe_files(options: Options, words: Translator) -> tuple[str, ...]:
    """A sentence about each file that was read, for the foot of a report."""
    from iceberg.cli.source_names import name_files
    from iceberg.report.files.document.method_section import table_name

    return tuple(
        words.text("compare.report.file", table=table_name(file.table, words), name=file.name, sha256=file.sha256 or "–")
        for file in name_files(options)
    )


def _compare_together(made: Estimated, followed: Followed, options: Options) -> Comparison:
    """Two periods of one estimate; without periods those that the first fix compares.

    Raises:
        UsageError: Without either.
    """
    from iceberg.model.compare import compare_periods

    if not options.periods and not followed.found:
        raise UsageError("two_periods")
    before, after = options.periods or (followed.found[0].months_before, followed.found[0].months_after)
    return compare_periods(made.estimate, made.counted.counts, before=before, after=after)


def _compare_apart(options: Options, words: Translator) -> Comparison:
    from iceberg.model.compare import compare_studies

    if STANDARD_INPUT in options.given.values():
        raise UsageError("apart_reads_twice")
    before, after = (
        make_estimate(replace(options, since=first, as_of=_last_day(last), window_months=None), words) for first, last in options.periods
    )
    return compare_studies(before.estimate, before.counted.counts, after.estimate, after.counted.counts)


def _last_day(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1) - timedelta(days=1)


def _text(comparison: Comparison, options: Options, words: Translator, studies: tuple[str, ...]) -> str:
    from iceberg.cli.text import wrap
    from iceberg.report.comparison import comparison_headline, period_names, remark_sentences, unit_text

    categories = [change.category for change in comparison.categories]
    if options.category is not None and options.category not in categories:
        raise UsageError("category_unknown", {"value": options.category, "known": ", ".join(str(name) for name in categories)})
    before, after = period_names(comparison, words)
    parts = [
        *([wrap(comparison_headline(comparison, words, category=options.category))] if options.category is not None else []),
        wrap(comparison_headline(comparison, words)),
        "",
        *(wrap(line) for line in studies),
        wrap(words.text("compare.terminal.periods", before=before, after=after, unit=unit_text(comparison, words))),
        "",
        _table(comparison, words),
        "",
        *(wrap(sentence, indent="  ", first="! " if severity == "warning" else "- ") for severity, sentence in remark_sentences(comparison, words)),
    ]
    return "\n".join(parts) + "\n"


def _table(comparison: Comparison, words: Translator) -> str:
    """One line per category within the width of a terminal: both rates, the range of the change, the verdict."""
    from iceberg.cli.text import build_table
    from iceberg.report.comparison import comparison_table, rate_text, verdict_text
    from iceberg.report.words import share

    names = ("category", "verdict", "probability", "before", "after", "change")
    rows = []
    for row in comparison_table(comparison, words).to_dict("records"):
        low, high = (rate_text(row[f"rate_change_{end}"], words) for end in ("lower", "upper"))
        rates = (rate_text(row[f"rate_{side}_median"], words) for side in ("before", "after"))
        change = words.text("report.range_words", low=low, high=high)
        rows.append([row["category"], verdict_text(row["verdict"], words), share(row["probability_fell"], words), *rates, change])
    return build_table([words.text(f"compare.terminal.{name}") for name in names], rows)
