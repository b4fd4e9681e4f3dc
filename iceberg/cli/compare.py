"""Owns ``compare``: two periods of the same files, from one estimate or estimated apart, or two published studies; its sentences, table and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli.option_types import UsageError
from iceberg.cli.options import STANDARD_INPUT, Options
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cli.estimate import Estimated
    from iceberg.model.compare import Comparison

Make = Callable[[Options, Translator], "Estimated"]


def run_compare(options: Options, words: Translator, make: Make) -> tuple[str, list[tuple[Path, bytes]]]:
    """Compare, and say it.

    Args:
        options: With two periods, or two studies.
        words: Language.
        make: From options to an estimate, as ``estimate`` goes.

    Returns:
        What a terminal shows, and every file that was asked for, ready to be written.

    Raises:
        OptionError: When the periods cannot be compared.
        StoreError: When a study is not there.
    """
    from iceberg.report.files import comparison_bytes
    from iceberg.report.files.comparison import Compared

    told: tuple[str, ...] = ()
    moment = None
    if options.compared:
        compared, told, moment = _studies(options, words)
    else:
        compared = _apart(options, words, make) if options.apart else _together(options, words, make)
    shown = _text(compared, options, words, told)
    asked = [*options.reports, *([options.json] if options.json is not None else [])]
    held = Compared(compared, options.category, told or _files(options, words) if options.reports else (), options.author, moment)
    formats = [path.suffix.lower().removeprefix(".") for path in options.reports] + ["json"]
    written = [(path, comparison_bytes(held, format=name, language=words.language)) for path, name in zip(asked, formats, strict=False)]
    return shown, written


def _studies(options: Options, words: Translator) -> tuple[Comparison, tuple[str, ...], datetime]:
    """Two versions as they were published; one that another method made is estimated anew."""
    from iceberg.cli.store import open_store
    from iceberg.model.compare import compare_studies
    from iceberg.model.estimate import estimate_iceberg

    store = open_store(options)
    try:
        before, after = (store.load(*which) for which in options.compared)
    finally:
        store.close()
    estimates = [
        one.estimate or estimate_iceberg(one.counts, assumptions=one.entry.assumptions, seed=one.entry.seed) for one in (before, after)
    ]
    compared = compare_studies(estimates[0], before.counts, estimates[1], after.counts)
    told = tuple(
        words.text(
            "compare.report.study",
            side=words.text(f"compare.terminal.{side}"),
            title=one.entry.title,
            version=str(one.entry.number),
            day=one.entry.published_at.date(),
            author=one.entry.author or "–",
        )
        for side, one in (("before", before), ("after", after))
    )
    return compared, told, after.entry.published_at


def _files(options: Options, words: Translator) -> tuple[str, ...]:
    """What was read, for the foot of a report."""
    from iceberg.cli.source_names import name_files
    from iceberg.report.files.document.method_section import table_name

    return tuple(
        words.text("compare.report.file", table=table_name(file.table, words), name=file.name, sha256=file.sha256 or "–")
        for file in name_files(options)
    )


def _together(options: Options, words: Translator, make: Make) -> Comparison:
    from iceberg.model.compare import compare_periods

    before, after = options.periods
    made = make(options, words)
    return compare_periods(made.estimate, made.counts, before=before, after=after)


def _apart(options: Options, words: Translator, make: Make) -> Comparison:
    from iceberg.model.compare import compare_studies

    if STANDARD_INPUT in options.given.values():
        raise UsageError("apart_reads_twice")
    made = [make(replace(options, since=first, as_of=_last_day(last), window_months=None), words) for first, last in options.periods]
    return compare_studies(made[0].estimate, made[0].counts, made[1].estimate, made[1].counts)


def _last_day(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1) - timedelta(days=1)


def _text(compared: Comparison, options: Options, words: Translator, told: tuple[str, ...]) -> str:
    from iceberg.cli.text import wrap
    from iceberg.report.comparison import comparison_headline, period_names, remark_sentences, unit_text

    named = [one.category for one in compared.categories]
    if options.category is not None and options.category not in named:
        raise UsageError("category_unknown", {"value": options.category, "known": ", ".join(str(name) for name in named)})
    before, after = period_names(compared, words)
    parts = [
        *([wrap(comparison_headline(compared, words, category=options.category))] if options.category is not None else []),
        wrap(comparison_headline(compared, words)),
        "",
        *(wrap(line) for line in told),
        wrap(words.text("compare.terminal.periods", before=before, after=after, unit=unit_text(compared, words))),
        "",
        _table(compared, words),
        "",
        *(wrap(sentence, indent="  ", first="! " if severity == "warning" else "- ") for severity, sentence in remark_sentences(compared, words)),
    ]
    return "\n".join(parts) + "\n"


def _table(compared: Comparison, words: Translator) -> str:
    """One line per category within the width of a terminal: both rates, the range of the change, the verdict."""
    from iceberg.cli.text import build_table
    from iceberg.report.comparison import comparison_table, rate_text, verdict_text
    from iceberg.report.words import share

    names = ("category", "verdict", "probability", "before", "after", "change")
    rows = []
    for row in comparison_table(compared, words).to_dict("records"):
        low, high = (rate_text(row[f"rate_change_{end}"], words) for end in ("lower", "upper"))
        rates = (rate_text(row[f"rate_{side}_median"], words) for side in ("before", "after"))
        change = words.text("report.range_words", low=low, high=high)
        rows.append([row["category"], verdict_text(row["verdict"], words), share(row["probability_fell"], words), *rates, change])
    return build_table([words.text(f"compare.terminal.{name}") for name in names], rows)
