"""The `callback` command: a local list of recent silent leavers to be asked why they left; the only command whose output names customers."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from iceberg.cli.arguments.options import Options
from iceberg.cli.estimate import CountedFiles, count_files, estimate_counts, print_reading
from iceberg.cli.terminal import DONE, ProgressLine, say, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.silent_leavers import SilentDays
    from iceberg.ingest.tables import Tables
    from iceberg.model.decision.callback import CallPlan, CallStratum

COLUMNS = ("customer_id", "stratum", "left_on", "chance_a_problem_drove_it", "likeliest_categories", "draw_order", "group")
KEPT_DAYS = 90


def run_callback(options: Options, words: Translator) -> int:
    """Count, estimate, draw, and write the list while the rows are open; what is expected of it goes to standard error, and to the JSON document.

    Raises:
        OptionError: When nobody is to be called; nothing is written then.
    """
    made: list[CallPlan] = []

    with ProgressLine(words, quiet=options.quiet) as progress:

        def write(tables: Tables, counted: CountedFiles) -> None:
            from iceberg.ingest.silent_leavers import count_silent_leavers, stream_silent_leavers
            from iceberg.model.decision.callback import plan_callback

            days = _days(counted.counts, options.months)
            estimate = estimate_counts(counted, options, progress)
            sizes: dict[str, int] = {}
            for segment, number in count_silent_leavers(tables, days).items():
                name = _segment(segment, counted.counts)
                sizes[name] = sizes.get(name, 0) + number
            plan = plan_callback(estimate, counted.counts, sizes, people=options.n, control=options.control, months=options.months)
            content = _content(plan, stream_silent_leavers(tables, days), counted.counts, words)
            document = _document(plan)
            assert options.call_list is not None  # noqa: S101  # parse_options checked it
            write_whole(options.call_list, content, private=True)
            if options.json is not None:
                write_whole(options.json, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
            made.append(plan)

        counted = count_files(options, progress, while_open=write)
    print_reading(counted.report, options, words)
    _say_expected(made[0], options, words)
    return DONE


def _days(counts: CohortCounts, months: int) -> SilentDays:
    """The last months counted, and which complaints end a silence."""
    from iceberg.ingest.silent_leavers import SilentDays

    counted = [one for one in counts.cancellations if not one.overruled]
    return SilentDays(
        first=max(counts.months[-min(months, len(counts.months))], counts.window.since),
        last=counts.window.as_of,
        earliest=counts.window.since - timedelta(days=counts.window.look_back_days),
        cancelled=tuple(one.category for one in counted),
        within_days=max((one.days for one in counted), default=0),
    )


def _segment(name: str, counts: CohortCounts) -> str:
    """The segment of the counts in which customers of a segment of the files are: its own, or the one that holds the rest."""
    return name if name in counts.segments else counts.segments[-1]


def _content(plan: CallPlan, leavers: Iterable[tuple[str, str, date]], counts: CohortCounts, words: Translator) -> bytes:
    """The file: its purpose and how long it may be kept, how each stratum was drawn, and a row per person in the order in which to call."""
    from iceberg.report.files.formula_guard import safe_cell
    from iceberg.report.words import chance_text, share

    seen = [0] * len(plan.strata)
    rows: list[tuple[int, list[str]]] = []
    named = [_name(one, words) for one in plan.strata]
    chances = [chance_text(one.chance, words) for one in plan.strata]
    likeliest = [
        words.text("callback.between").join(words.text("callback.category", category=name, share=share(part, words)) for name, part in one.categories)
        for one in plan.strata
    ]
    for customer_id, segment, left_on in leavers:
        place = plan.stratum_of(_segment(segment, counts))
        if place is None:
            continue
        drawn = plan.places[place].get(seen[place])
        seen[place] += 1
        if drawn is not None:
            order, held_out = drawn
            cells = [customer_id, named[place], left_on.isoformat(), chances[place], likeliest[place], str(order)]
            rows.append((order, [*map(safe_cell, cells), "held out" if held_out else "call"]))
    target = io.StringIO()
    target.write("".join(f"# {line}\r\n" for line in _preamble(plan, named, words)))
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(row for _, row in sorted(rows))
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def _preamble(plan: CallPlan, named: list[str], words: Translator) -> list[str]:
    """What stands above the rows: purpose, days, objections, and with which probability each stratum was drawn."""
    today = date.today()
    lines = [words.text("callback.purpose"), words.text("callback.dates", written=today, until=today + timedelta(days=KEPT_DAYS))]
    lines.append(words.text("callback.objected"))
    for name, one in zip(named, plan.strata, strict=True):
        drawn = {"drawn": one.drawn, "leavers": one.leavers, "held": one.held_out, "probability": words.percent(one.probability, 1)}
        lines.append(words.text("callback.stratum", stratum=name, **drawn))
    return lines


def _name(stratum: CallStratum, words: Translator) -> str:
    if len(stratum.segments) > 1:
        return words.text("callback.together")
    return stratum.segments[0] or words.text("callback.everybody")


def _say_expected(plan: CallPlan, options: Options, words: Translator) -> None:
    """What calling them can be expected to find, on standard error: standard output stays free of anything about the list."""
    from iceberg.report.words import customers_range

    until = date.today() + timedelta(days=KEPT_DAYS)
    counted = {"drawn": plan.drawn, "held": plan.held_out, "called": plan.drawn - plan.held_out, "file": str(options.call_list)}
    if plan.drawn < options.n:
        say(words.text("callback.fewer", drawn=plan.drawn, months=plan.months))
    say(words.text("callback.written", **counted, **customers_range(plan.hits, words)))
    say(words.text("callback.guard", until=until))


def _document(plan: CallPlan) -> dict[str, Any]:
    """Counts, and what is expected; no id, and nothing of a single person."""

    def ends(one: Any) -> dict[str, float]:  # noqa: ANN401  # an interval
        return {"lower": round(one.lower, 6), "median": round(one.median, 6), "upper": round(one.upper, 6)}

    return {
        "schema_version": 1,
        "drawn": plan.drawn,
        "to_call": plan.drawn - plan.held_out,
        "held_out": plan.held_out,
        "months": plan.months,
        "expected_hits": ends(plan.hits),
        "strata": [
            {
                "segments": list(one.segments),
                "silent_leavers": one.leavers,
                "drawn": one.drawn,
                "held_out": one.held_out,
                "probability": round(one.probability, 6),
                "chance_a_problem_drove_it": ends(one.chance),
                "likeliest_categories": [{"category": name, "share": round(share, 6)} for name, share in one.categories],
            }
            for one in plan.strata
        ],
    }
