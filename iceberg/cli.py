"""Owns ``python -m iceberg``: demo, check, estimate, publish, studies. Parse, call, print; every number comes from the library.

Exit status: 0 done, 2 the user's files or options, 1 a fault of ours.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import iceberg
from iceberg.cli_options import STANDARD_INPUT, Options, UsageError, choose_language, parse_options
from iceberg.cli_terminal import Progress, prepare_streams, print_result, say, write_whole
from iceberg.errors import IcebergError, MappingError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.window import ObservationWindow
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport, Tables
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate

DONE, OUR_FAULT, USER_FAULT = 0, 1, 2
INTERRUPTED, PIPE_CLOSED = 130, 141  # as shells name SIGINT and SIGPIPE
DEBUG_VARIABLE = "ICEBERG_DEBUG"
_SAMPLE = {"customers.csv": "en/customers.csv", "complaints.csv": "en/complaints.csv", "truth.json": "truth.json"}
# French adds the same company as a French CRM exports it.
DEMO_FILES = {
    "en": _SAMPLE,
    "fr": _SAMPLE | {"clients.csv": "fr/clients.csv", "reclamations.csv": "fr/reclamations.csv"},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        arguments: What was typed after the program's name; None takes it from `sys.argv`.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments)
    words = Translator(choose_language(typed))
    prepare_streams()
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s")
    try:
        return _run_for_user(typed, words)
    except Exception as fault:  # the last line of defence: one sentence instead of a traceback
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        # Where, not what it says: an exception's text can quote a customer's cell.
        where = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        say(words.text("cli.fault.ours", version=iceberg.__version__, kind=type(fault).__name__, place=place))
        return OUR_FAULT


def _run_for_user(typed: Sequence[str], words: Translator) -> int:
    """What the person can mend, or did, becomes a sentence and a status; anything else passes through."""
    try:
        status = _run(parse_options(typed), words)
    except IcebergError as problem:
        say(problem.message(words.language))
        if isinstance(problem, MappingError):
            _offer_proposal(problem, words)
        status = USER_FAULT
    except BrokenPipeError:
        status = PIPE_CLOSED  # the reader (head, less) has seen enough
    except KeyboardInterrupt:
        say(words.text("cli.fault.interrupted"))
        status = INTERRUPTED
    return status


def _run(options: Options, words: Translator) -> int:
    if options.text:
        print_result(options.text)
        return DONE
    commands: dict[str, Callable[[Options, Translator], int]] = {
        "demo": _demo,
        "check": _check,
        "estimate": _estimate,
        "publish": _publish,
        "studies": _studies,
        "compare": _compare,
    }
    return commands[options.command](options, words)


def _demo(options: Options, words: Translator) -> int:
    from iceberg.sample import build_sample

    folder = options.out
    assert folder is not None  # noqa: S101  # parse_options saw to it
    sample = build_sample()
    files = {folder / name: sample[place] for name, place in DEMO_FILES[words.language].items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = next(
            (path for path, content in files.items() if path.exists() and path.read_bytes() != content), None
        )
    except OSError as problem:
        raise UsageError("cannot_write", {"file": str(folder), "reason": problem.strerror or str(problem)}) from problem
    if occupied is not None:
        raise UsageError("demo_would_overwrite", {"file": str(occupied)})
    for path, content in files.items():
        write_whole(path, content)
        print_result(words.text("cli.progress.written", file=str(path)) + "\n")
    return DONE


def _check(options: Options, words: Translator) -> int:
    from iceberg.cli_print import build_check_text
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.recognise import recognise_tables
    from iceberg.ingest.sources import UploadedBytes

    mapping = _saved_mapping(options)
    if options.engine == "spark":
        from iceberg.cli_spark import check_where_they_live

        print_result(check_where_they_live(options, mapping, words))
        return DONE
    # Standard input can be read once, and is looked at twice: to recognise the table, then to load it.
    files = [
        UploadedBytes("stdin", sys.stdin.buffer.read()) if file == STANDARD_INPUT else file for file in options.files
    ]
    for number, sources in enumerate(recognise_tables(files, mapping=mapping)):
        tables, report = load_tables(
            **sources,  # type: ignore[arg-type]  # only sources are in the dictionary
            mapping=mapping,
            relate=True,
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
        )
        tables.close()
        print_result(("\n" if number else "") + build_check_text(report, words))
    return DONE


@dataclass(frozen=True, eq=False)
class Estimated:
    """What one run of the estimate holds, for whoever prints, writes or publishes it."""

    estimate: IcebergEstimate
    counts: CohortCounts
    report: IngestReport
    mapping: MappingSet | None

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """Totals per table, as the JSON document names them."""
        return _rows(self.report)


Known = Callable[["CohortCounts", "IngestReport", "MappingSet | None", "Assumptions"], "IcebergEstimate | None"]


def _estimate(options: Options, words: Translator) -> int:
    from iceberg.cli_print import build_estimate_text, build_rows_text

    made = _make_estimate(options, words)
    _write_files(made, options, words)
    print_result(build_estimate_text(made.estimate, made.counts, words) + build_rows_text(made.report, words))
    return DONE


def _publish(options: Options, words: Translator) -> int:
    from iceberg.cli_print import build_rows_text
    from iceberg.cli_publish import find_published, open_store, publish_estimate, require_inputs
    from iceberg.report.words import headline_sentence

    require_inputs(options)
    open_store(options).close()  # what is wrong with it is said before the work, not after
    made = _make_estimate(options, words, known=lambda *counted: find_published(options, *counted))
    published = publish_estimate(made, options, words)
    _write_files(made, options, words)
    print_result(f"{headline_sentence(made.estimate, words)}\n{build_rows_text(made.report, words)}{published}")
    return DONE


def _studies(options: Options, words: Translator) -> int:
    from iceberg.cli_publish import run_studies

    print_result(run_studies(options, words))
    return DONE


def _compare(options: Options, words: Translator) -> int:
    from iceberg.cli_compare import run_compare

    shown, files = run_compare(options, words, _make_estimate)
    for path, content in files:
        write_whole(path, content)
    print_result(shown)
    return DONE


def _write_files(made: Estimated, options: Options, words: Translator) -> None:
    from iceberg.cli_report import build_reports
    from iceberg.report.export import build_document, document_to_json

    if options.json is not None:
        document = build_document(made.estimate, made.counts, rows=made.rows, language=words.language)
        write_whole(options.json, document_to_json(document).encode())
    for path, content in build_reports(options, made.estimate, made.counts, made.rows):
        write_whole(path, content)


def _make_estimate(options: Options, words: Translator, *, known: Known | None = None) -> Estimated:
    """Files -> tables -> counts -> estimate; how the files were read goes to standard error.

    Args:
        options: What was typed.
        words: Language of the progress.
        known: Finds the estimate where it was made before from the same.
    """
    from iceberg.cli_print import build_joining_text, build_notes_text, build_readings_text, build_rules_text
    from iceberg.cli_spark import load_where_they_live
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.cohort.window import DEFAULT_WINDOW_MONTHS
    from iceberg.ingest.aside import Counted
    from iceberg.ingest.load import load_tables, require_rows
    from iceberg.model.assumptions import Assumptions, SilentRatioPrior
    from iceberg.model.estimate import estimate_iceberg

    assumptions = Assumptions(ratio=SilentRatioPrior.around(options.ratio), horizon_days=options.horizon_days)
    mapping = _saved_mapping(options)
    with Progress(words, quiet=options.quiet) as progress:
        progress("reading")
        tables, report = load_where_they_live(options, mapping, progress.of_file) if options.engine == "spark" else load_tables(
            options.customers,
            options.complaints,
            options.volumes,
            mapping=mapping,
            incidents=options.incidents,
            surveys=options.survey,
            subscriptions=options.subscriptions,
            events=options.events,
            activity=options.activity,
            as_of=options.as_of,
            counted=Counted(options.since, options.as_of, options.window_months or DEFAULT_WINDOW_MONTHS),
            memory_limit=options.memory_limit,
            temp_directory=options.temp_dir,
            on_file=progress.of_file,
        )
        with tables:
            progress("counting", 0.1)
            _require_visible(options, report)
            require_rows(report, mapping)
            counts = reduce_tables(tables, window=_window(options, tables))
        estimate = known(counts, report, mapping, assumptions) if known is not None else None
        if estimate is None:
            estimate = estimate_iceberg(counts, assumptions=assumptions, seed=options.seed, progress=progress)
    if not options.quiet:
        print(build_readings_text(report, words), file=sys.stderr)
        print(build_notes_text(report, words), file=sys.stderr, end="")
        print(build_joining_text(report, words), file=sys.stderr, end="")
        print(build_rules_text(report, words), file=sys.stderr, end="")
    return Estimated(estimate, counts, report, mapping)


def _saved_mapping(options: Options) -> MappingSet | None:
    from iceberg.ingest.mapping import MappingSet

    mapping = MappingSet.load(options.mapping) if options.mapping is not None else None
    if options.gap_days is None and options.inactivity_days is None:
        return mapping
    mapping = mapping or MappingSet()
    joining = mapping.joining
    gap_days = joining.gap_days if options.gap_days is None else options.gap_days
    return replace(mapping, joining=replace(joining, gap_days=gap_days, inactivity_days=options.inactivity_days or joining.inactivity_days))


def _require_visible(options: Options, report: IngestReport) -> None:
    """Days on which an activity log cannot show a departure yet are no days without departures.

    Raises:
        UsageError: ``as_of_unseen``.
    """
    found = report.joining.inactivity if report.joining is not None else None
    if found is not None and options.as_of is not None and report.last_day == found.as_of < options.as_of:
        raise UsageError("as_of_unseen", {"as_of": options.as_of, "last": found.as_of.isoformat(), "days": found.days})


def _offer_proposal(problem: MappingError, words: Translator) -> None:
    """Write the mapping as far as it could be recognised, as a file to correct, and say where it is.

    A file that says anything else is never overwritten: it may be the one that is being corrected.
    """
    from iceberg.ingest.mapping import FieldChoice

    if problem.proposal is None:
        return
    tables = {
        table: replace(mapping, choices=mapping.choices | {name: FieldChoice(name, "") for name in mapping.missing})
        for table, mapping in problem.proposal.tables.items()
    }
    proposal = replace(problem.proposal, tables=tables).to_toml()
    for number in range(1, 100):
        path = Path("iceberg-mapping.toml" if number == 1 else f"iceberg-mapping-{number}.toml")
        values = {name: str(problem.values.get(name, "")) for name in ("file", "headers")} | {"proposal": str(path)}
        comment = words.text("cli.problems.proposal_comment", **values)
        content = ("".join(f"# {line}\n" for line in comment.splitlines()) + proposal).encode()
        if not path.exists() or (path.is_file() and path.read_bytes() == content):
            try:
                write_whole(path, content)
            except UsageError as unwritable:
                say(unwritable.message(words.language))
            else:
                say(words.text("cli.problems.proposal_written", **values))
            return


def _window(options: Options, tables: Tables) -> ObservationWindow | None:
    """The days asked for; what was not asked for as `reduce_tables` chooses it."""
    from iceberg.cohort.reduce import default_window
    from iceberg.cohort.window import ObservationWindow, moving_window

    if options.since is None and options.as_of is None and options.window_months is None:
        return None
    if "flat" in tables.names:
        raise UsageError("flat_no_window")
    window = default_window(tables)
    if options.as_of is not None:
        window = ObservationWindow.ending(options.as_of, first_complaint=tables.first_complaint)
    if options.window_months is not None:
        return moving_window(window.as_of, options.window_months, first_complaint=tables.first_complaint)
    return window if options.since is None else ObservationWindow(options.since, window.as_of)


def _rows(report: IngestReport) -> dict[str, dict[str, int]]:
    """Totals per table; volumes are the complaints of a company whose complaints name no customer."""
    totals = {
        name: {"read": entry.read, "kept": entry.kept, "rejected": entry.rejected}
        for name, entry in report.rows.items()
    }
    if report.joining is not None and report.joining.repeated is not None and report.joining.repeated.folded:
        totals["customers"] = totals["subscriptions"]  # what is counted here are the rows of the file that was given
    if "flat" in totals:  # one sheet for both: a customer per row
        totals["customers"] = totals["flat"]
    if "complaints" not in totals and "volumes" in totals:
        totals["complaints"] = totals["volumes"]
    return totals
