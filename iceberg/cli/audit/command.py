"""The `audit` command: draws cases into a sheet per rater, or reads filled sheets and says how customers were answered."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from iceberg.cli.arguments.options import Options
from iceberg.cli.audit.text import build_audit_text, build_tickets_text
from iceberg.cli.estimate import load_given, saved_mapping
from iceberg.cli.terminal import DONE, ProgressLine, print_result, say, write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceberg.cohort.audit.draw import Draw
    from iceberg.cohort.audit.record import TicketIndicators
    from iceberg.ingest.tables import IngestReport, Tables


def run_audit(options: Options, words: Translator) -> int:
    """Draw or read, write what was asked for, and say it.

    Raises:
        IcebergError: When files or sheets do not fit; the message names the place. Nothing is written then.
    """
    return _draw(options, words) if options.draw is not None else _read(options, words)


def _draw(options: Options, words: Translator) -> int:
    import numpy as np

    from iceberg.cli.audit.sheet_file import sheet_content
    from iceberg.cohort.audit.draw import draw_cases

    drawn: list[Draw] = []

    def draw(tables: Tables) -> None:
        rng, number = np.random.default_rng(options.seed), options.draw or 0
        further = {"months": options.audit_months, "by": options.by, "case_column": options.case_column}
        drawn.append(draw_cases(tables, number=number, raters=options.raters, rng=rng, **further))  # type: ignore[arg-type]  # of each the type

    report = _with_tables(options, words, draw)
    _print_reading(report, options, words)
    [found] = drawn
    files = options.rater_files
    kind = files[0].suffix.lower().removeprefix(".")
    for rater, path in enumerate(files, 1):
        write_whole(path, sheet_content([one for one in found.rows if one.rater == rater], kind, words), private=True)
    if options.json is not None:
        _write_json(options, _draw_document(found, options))
    _say_draw(found, options, words)
    return DONE


def _read(options: Options, words: Translator) -> int:
    from iceberg.cohort.audit.sheet import read_sheets
    from iceberg.model.audit.estimate import audit_of
    from iceberg.report.audit.document import audit_document, tickets_document

    counted: list[TicketIndicators] = []
    categories: list[str] = []

    def count(tables: Tables) -> None:
        from iceberg.cohort.audit.indicators import count_indicators

        counted.append(count_indicators(tables, columns=dict(options.ticket_columns), reply_text=options.reply_text))
        categories.extend(str(one.category) for one in counted[0].categories)

    report = _with_tables(options, words, count) if options.complaints is not None else None
    scored = read_sheets(options.sheets, language=words.language, categories=categories if report is not None else None)
    audit = audit_of(scored, seed=options.seed)
    if report is not None:
        _print_reading(report, options, words)
    if options.json is not None:
        tickets = {"tickets": tickets_document(counted[0])} if counted else {}
        _write_json(options, {"audit": audit_document(audit), **tickets})
    print_result(build_audit_text(audit, words) + (build_tickets_text(counted[0], words) if counted else ""))
    return DONE


def _with_tables(options: Options, words: Translator, work: Callable[[Tables], None]) -> IngestReport:
    """Do `work` while the complaints are open."""
    mapping = saved_mapping(options)
    with ProgressLine(words, quiet=options.quiet) as progress:
        tables, report = load_given(options, mapping, progress)
        with tables:
            progress("counting", 0.1)
            work(tables)
    return report


def _print_reading(report: IngestReport, options: Options, words: Translator) -> None:
    from iceberg.cli.text import build_readings_text, build_rules_text

    if not options.quiet:
        sys.stderr.write(f"{build_readings_text(report, words)}\n{build_rules_text(report, words)}")


def _write_json(options: Options, document: dict[str, Any]) -> None:
    assert options.json is not None  # noqa: S101  # of the callers
    document = {"schema_version": 1, "seed": options.seed, **document}
    write_whole(options.json, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _draw_document(found: Draw, options: Options) -> dict[str, Any]:
    """Counts of what was drawn; no number of a case."""
    strata: dict[tuple[str, str], tuple[float, set[str]]] = {}
    for one in found.rows:
        strata.setdefault((one.category, one.stratum), (one.probability, set()))[1].add(one.case_id)
    listed = [
        {"category": category, "stratum": stratum, "drawn": len(cases), "probability": round(probability, 6)}
        for (category, stratum), (probability, cases) in sorted(strata.items())
    ]
    return {"drawn": found.cases, "scored_twice": found.twice, "raters": options.raters, "months": options.audit_months, "strata": listed}


def _say_draw(found: Draw, options: Options, words: Translator) -> None:
    from iceberg.cohort.audit.record import FEWEST_CASES

    files = [str(path) for path in options.rater_files]
    counted = {"cases": found.cases, "population": sum(found.population.values()), "months": options.audit_months, "twice": found.twice}
    say(words.text("audit.draw.said", **counted, files=", ".join(files)))
    if found.cases < (options.draw or 0):
        say(words.text("audit.draw.fewer", cases=found.cases))
    for category, drawn in found.drawn.items():
        say("  " + words.text("audit.draw.category", category=category, drawn=drawn, population=found.population[category]))
    thin = [category for category, drawn in found.drawn.items() if drawn < FEWEST_CASES]
    if thin:
        say(words.text("audit.draw.thin", names=", ".join(thin), needed=FEWEST_CASES))
    if found.lines:
        say(words.text("audit.draw.lines"))
    say(words.text("audit.draw.guard", reads=" ".join(f"--read {shlex.quote(name)}" for name in files)))
