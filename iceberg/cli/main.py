"""The entry point of ``python -m iceberg``: parses the arguments and runs one command; every number comes from the library.

Exit status: 0 done, 2 the user's files or options, 1 a fault of ours, 3 published but a message was not sent.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from iceberg.cli.arguments.option_types import UsageError, choose_language
from iceberg.cli.arguments.options import Options, parse_options
from iceberg.cli.audit.command import run_audit
from iceberg.cli.check import run_check
from iceberg.cli.compare import run_compare
from iceberg.cli.decide import run_decide
from iceberg.cli.decisions.callback import run_callback
from iceberg.cli.design import run_design
from iceberg.cli.estimate import run_estimate
from iceberg.cli.publish import run_publish
from iceberg.cli.rhythm.command import run_rhythm
from iceberg.cli.spheres.command import run_spheres
from iceberg.cli.studies import run_studies
from iceberg.cli.terminal import (
    DONE,
    OUR_FAULT,
    PIPE_CLOSED,
    SIGNALLED,
    USER_FAULT,
    Writes,
    ended_by_signals,
    noting_writes,
    prepare_streams,
    print_result,
    say,
    write_whole,
)
from iceberg.errors import IcebergError, MappingError
from iceberg.ingest.engine.workspace import sweep_left_folders
from iceberg.locale import FALLBACK, Translator, load_conventions
from iceberg.version import __version__

DEBUG_VARIABLE = "ICEBERG_DEBUG"


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
        with ended_by_signals() as received:
            return _run_until_ended(typed, words, received)
    except Exception as fault:  # the last line of defence: one sentence instead of a traceback
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        # Where, not what it says: an exception's text can quote a customer's cell.
        where = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        say(words.text("cli.fault.ours", version=__version__, kind=type(fault).__name__, place=place))
        return OUR_FAULT


def _run_until_ended(typed: Sequence[str], words: Translator, received: Sequence[int]) -> int:
    """Run the command, to its end or to a signal."""
    with noting_writes() as writes:
        try:
            return _run_for_user(typed, words)
        except (KeyboardInterrupt, Exception) as end:  # DuckDB, Spark and PostgreSQL each end an interrupted query with an error of their own
            if not received and not isinstance(end, KeyboardInterrupt):
                raise
            say(_stopped_text(writes, words))
            return SIGNALLED + (received[0] if received else signal.SIGINT)


def _stopped_text(writes: Writes, words: Translator) -> str:
    """The sentence of a stopped command: what it had written by then, or that this is nothing."""
    stands = [*writes.sentences, *(words.text("cli.fault.written_before", file=str(path)) for path in writes.files)]
    return words.text("cli.fault.interrupted_after", stands=" ".join(stands)) if stands else words.text("cli.fault.interrupted")


def _run_for_user(typed: Sequence[str], words: Translator) -> int:
    """Run the command; errors that the user can mend become a sentence and a status, all others are raised."""
    try:
        status = _run(parse_options(typed), words)
    except IcebergError as problem:
        say(problem.message(words.language))
        if isinstance(problem, MappingError):
            _offer_proposal(problem, words)
        status = USER_FAULT
    except BrokenPipeError:
        status = PIPE_CLOSED  # the reader (head, less) has seen enough
    return status


def _run(options: Options, words: Translator) -> int:
    if options.text:
        print_result(options.text)
        return DONE
    for folder in {None, options.temp_dir}:
        sweep_left_folders(folder)
    commands: dict[str, Callable[[Options, Translator], int]] = {
        "demo": _demo,
        "check": run_check,
        "estimate": run_estimate,
        "publish": run_publish,
        "studies": run_studies,
        "compare": run_compare,
        "decide": run_decide,
        "design": run_design,
        "callback": run_callback,
        "rhythm": run_rhythm,
        "audit": run_audit,
        "spheres": run_spheres,
        "dashboard": _dashboard,
    }
    return commands[options.command](options, words)


def _dashboard(options: Options, words: Translator) -> int:
    from iceberg.ui.serving.launch import run_dashboard

    return run_dashboard(port=options.port)


def _demo(options: Options, words: Translator) -> int:
    folder = options.out
    assert folder is not None  # noqa: S101  # parse_options checked it
    files = {folder / name: content for name, content in _files_of(options.company, words).items()}
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


def _files_of(company: str, words: Translator) -> dict[str, bytes]:
    """The files of a sample company by name."""
    if company == "gym":
        from iceberg.simulation.gym import gym_files

        return gym_files()
    from iceberg.simulation.sample import build_sample

    sample = build_sample()
    translated, english = words.conventions.sample, load_conventions(FALLBACK).sample  # the same company as a CRM in each language exports it
    places = [english["customers"], english["complaints"], "truth.json", translated["customers"], translated["complaints"]]
    return {Path(place).name: sample[place] for place in places}


def _offer_proposal(problem: MappingError, words: Translator) -> None:
    """Write the mapping as far as it was recognised to a file that the user can correct, and name the file.

    A file with other content is never overwritten: it may be the one that is being corrected.
    """
    from iceberg.ingest.columns.mapping import FieldChoice

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
        if values["headers"]:
            comment += "\n" + words.text("cli.problems.proposal_headers", **values)
        content = ("".join(f"# {line}\n" for line in comment.splitlines()) + proposal).encode()
        if not path.exists() or (path.is_file() and path.read_bytes() == content):
            try:
                write_whole(path, content)
            except UsageError as unwritable:
                say(unwritable.message(words.language))
            else:
                say(words.text("cli.problems.proposal_written", **values))
            return
