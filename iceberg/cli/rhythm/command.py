"""The `rhythm` command: reads the log, counts breaks of rhythm, writes the document and the private list, and prints what they say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from iceberg.cli.arguments.activity_types import SETTLED
from iceberg.cli.arguments.options import Options
from iceberg.cli.estimate import load_given, saved_mapping
from iceberg.cli.terminal import DONE, ProgressLine, print_result, say, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.rhythm.counts import RhythmCounts
    from iceberg.cohort.rhythm.people import BrokenRhythm
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.decision.ripple import RippleScenario


def run_rhythm(options: Options, words: Translator) -> int:
    """Count, write what was asked for while the rows are open, and print.

    Raises:
        EvidenceError: The log holds no rhythms; the message says why. Nothing is written then.
    """
    from iceberg.cohort.rhythm.read import without_inactivity
    from iceberg.cohort.rhythm.reduce import reduce_rhythm
    from iceberg.model.decision.ripple import ripple_scenario
    from iceberg.report.rhythm.document import rhythm_document

    listed: list[int] = []

    def write_list(_: RhythmCounts, people: Iterator[BrokenRhythm]) -> None:
        from iceberg.cli.rhythm.list_file import list_content

        content, number = list_content(people, words)
        assert options.call_list is not None  # noqa: S101  # parse_options checked it
        write_whole(options.call_list, content, private=True)
        listed.append(number)

    mapping = without_inactivity(saved_mapping(options))
    settled = options.settled or (mapping.joining.settled if mapping is not None else 0) or SETTLED
    with ProgressLine(words, quiet=options.quiet) as progress:
        tables, report = load_given(options, mapping, progress)
        with tables:
            progress("counting", 0.1)
            listing = write_list if options.call_list is not None else None
            counts = reduce_rhythm(tables, false_alarms=options.false_alarms, settled=settled, while_listed=listing)
    _print_reading(report, options, words)
    scenario = ripple_scenario(counts, options.members_brought)
    if options.json is not None:
        document = rhythm_document(counts, words, rows=_rows(report), scenario=scenario)
        write_whole(options.json, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
    print_result(build_rhythm_text(counts, words, scenario))
    if listed:
        from iceberg.cli.rhythm.list_file import KEPT_DAYS

        say(words.text("rhythm.list.written", count=listed[0], file=str(options.call_list)))
        say(words.text("callback.guard", until=date.today() + timedelta(days=KEPT_DAYS)))
    return DONE


def _rows(report: IngestReport) -> dict[str, dict[str, int]]:
    """Totals per table that was read; customers who are only put together from the log are none."""
    derived = report.joining is not None and report.joining.derived
    return {
        name: {"read": one.read, "kept": one.kept, "rejected": one.rejected}
        for name, one in sorted(report.rows.items())
        if name != "customers" or not derived
    }


def _print_reading(report: IngestReport, options: Options, words: Translator) -> None:
    """How the files were read, without what inactivity would say: here it says nothing."""
    from iceberg.cli.text import build_notes_text, build_readings_text, build_rules_text

    if not options.quiet:
        sys.stderr.write(f"{build_readings_text(report, words)}\n{build_notes_text(report, words)}{build_rules_text(report, words)}")


def build_rhythm_text(counts: RhythmCounts, words: Translator, scenario: RippleScenario | None = None) -> str:
    """The headline, the sentences, and a table each for categories, segments, the last year and the back-test; then the remarks."""
    from iceberg.cli.text import build_table, wrap
    from iceberg.report.rhythm.sentences import (
        backtest_table,
        category_table,
        period_table,
        remark_sentence,
        rhythm_headline,
        rhythm_sentences,
        ripple_sentence,
        segment_table,
    )

    parts = [wrap(rhythm_headline(counts, words)), "", *(wrap(one, indent="  ", first="- ") for one in rhythm_sentences(counts, words))]
    if scenario is not None:
        parts += ["", wrap(ripple_sentence(scenario, words))]
    tables = {"categories": category_table, "segments": segment_table, "periods": period_table, "backtest": backtest_table}
    for name, build in tables.items():
        headers, rows = build(counts, words)
        if rows:
            parts += ["", wrap(words.text(f"rhythm.titles.{name}")), build_table(headers, rows)]
    if counts.remarks:
        parts += ["", *(wrap(remark_sentence(one, words), indent="  ", first="- ") for one in counts.remarks)]
    return "\n".join(parts) + "\n"
