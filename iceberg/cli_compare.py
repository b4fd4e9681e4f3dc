"""Owns ``compare``: two periods of the same files, from one estimate or estimated apart; its sentences and its table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from iceberg.cli_options import INPUTS, STANDARD_INPUT, Options, UsageError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cli import Estimated
    from iceberg.model.compare import Comparison

Make = Callable[[Options, Translator], "Estimated"]


def run_compare(options: Options, words: Translator, make: Make) -> tuple[str, str]:
    """Compare, and say it.

    Args:
        options: With two periods.
        words: Language.
        make: From options to an estimate, as ``estimate`` goes.

    Returns:
        What a terminal shows, and the JSON document.

    Raises:
        OptionError: When the periods cannot be compared.
    """
    from iceberg.report.comparing import comparison_document

    compared = _apart(options, words, make) if options.apart else _together(options, words, make)
    shown = _text(compared, options, words)
    return shown, json.dumps(comparison_document(compared, words), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _together(options: Options, words: Translator, make: Make) -> Comparison:
    from iceberg.model.compare import compare_periods

    before, after = options.periods
    made = make(options, words)
    return compare_periods(made.estimate, made.counts, before=before, after=after)


def _apart(options: Options, words: Translator, make: Make) -> Comparison:
    from iceberg.model.compare import compare_studies

    if STANDARD_INPUT in [getattr(options, table) for table in INPUTS]:
        raise UsageError("apart_reads_twice")
    made = [make(replace(options, since=first, as_of=_last_day(last), window_months=None), words) for first, last in options.periods]
    return compare_studies(made[0].estimate, made[0].counts, made[1].estimate, made[1].counts)


def _last_day(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1) - timedelta(days=1)


def _text(compared: Comparison, options: Options, words: Translator) -> str:
    from iceberg.cli_print import wrap
    from iceberg.report.comparing import comparison_headline, period_names, remark_sentences, unit_text

    named = [one.category for one in compared.categories]
    if options.category is not None and options.category not in named:
        raise UsageError("category_unknown", {"value": options.category, "known": ", ".join(str(name) for name in named)})
    before, after = period_names(compared, words)
    parts = [
        *([wrap(comparison_headline(compared, words, category=options.category))] if options.category is not None else []),
        wrap(comparison_headline(compared, words)),
        "",
        wrap(words.text("compare.terminal.periods", before=before, after=after, unit=unit_text(compared, words))),
        "",
        _table(compared, words),
        "",
        *(wrap(sentence, indent="  ", first="! " if severity == "warning" else "- ") for severity, sentence in remark_sentences(compared, words)),
    ]
    return "\n".join(parts) + "\n"


def _table(compared: Comparison, words: Translator) -> str:
    """One line per category within the width of a terminal: both rates, the range of the change, the verdict."""
    from iceberg.cli_print import build_table
    from iceberg.report.comparing import comparison_table, rate_text, verdict_text
    from iceberg.report.words import share

    names = ("category", "verdict", "probability", "before", "after", "change")
    rows = []
    for row in comparison_table(compared, words).to_dict("records"):
        low, high = (rate_text(row[f"rate_change_{end}"], words) for end in ("lower", "upper"))
        rates = (rate_text(row[f"rate_{side}_median"], words) for side in ("before", "after"))
        change = words.text("report.range_words", low=low, high=high)
        rows.append([row["category"], verdict_text(row["verdict"], words), share(row["probability_fell"], words), *rates, change])
    return build_table([words.text(f"compare.terminal.{name}") for name in names], rows)
