"""Owns ``python -m iceberg``: demo, check, estimate, publish, studies. Parse, call, print; every number comes from the library.

Exit status: 0 done, 2 the user's files or options, 1 a fault of ours.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli.check import _check
from iceberg.cli.estimate import Estimated, _make_estimate
from iceberg.cli.option_types import UsageError, choose_language
from iceberg.cli.options import Options, parse_options
from iceberg.cli.terminal import DONE, INTERRUPTED, OUR_FAULT, PIPE_CLOSED, USER_FAULT, prepare_streams, print_result, say, write_whole
from iceberg.errors import IcebergError, MappingError
from iceberg.locale import FALLBACK, Translator, load_conventions
from iceberg.version import __version__

if TYPE_CHECKING:
    pass

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
        return _run_for_user(typed, words)
    except Exception as fault:  # the last line of defence: one sentence instead of a traceback
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        # Where, not what it says: an exception's text can quote a customer's cell.
        where = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        say(words.text("cli.fault.ours", version=__version__, kind=type(fault).__name__, place=place))
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
        "dashboard": _dashboard,
    }
    return commands[options.command](options, words)


def _dashboard(options: Options, words: Translator) -> int:
    from iceberg.ui.serving.launch import run_dashboard

    return run_dashboard(port=options.port)


def _demo(options: Options, words: Translator) -> int:
    from iceberg.simulation.sample import build_sample

    folder = options.out
    assert folder is not None  # noqa: S101  # parse_options saw to it
    sample = build_sample()
    own, english = words.conventions.sample, load_conventions(FALLBACK).sample  # the same company as a CRM in each language exports it
    places = [english["customers"], english["complaints"], "truth.json", own["customers"], own["complaints"]]
    files = {folder / Path(place).name: sample[place] for place in places}
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


def _estimate(options: Options, words: Translator) -> int:
    from iceberg.cli.text import build_estimate_text, build_rows_text

    made = _make_estimate(options, words)
    _write_files(made, options, words)
    print_result(build_estimate_text(made.estimate, made.counts, words) + build_rows_text(made.report, words))
    return DONE


def _publish(options: Options, words: Translator) -> int:
    from iceberg.cli.publish import find_published, publish_estimate, require_inputs
    from iceberg.cli.store import open_store
    from iceberg.cli.text import build_rows_text
    from iceberg.report.words import headline_sentence

    require_inputs(options)
    open_store(options).close()  # what is wrong with it is said before the work, not after
    made = _make_estimate(options, words, known=lambda *counted: find_published(options, *counted))
    published = publish_estimate(made, options, words)
    _write_files(made, options, words)
    print_result(f"{headline_sentence(made.estimate, words)}\n{build_rows_text(made.report, words)}{published}")
    return DONE


def _studies(options: Options, words: Translator) -> int:
    from iceberg.cli.studies import run_studies

    print_result(run_studies(options, words))
    return DONE


def _compare(options: Options, words: Translator) -> int:
    from iceberg.cli.compare import run_compare

    shown, files = run_compare(options, words, _make_estimate)
    for path, content in files:
        write_whole(path, content)
    print_result(shown)
    return DONE


def _write_files(made: Estimated, options: Options, words: Translator) -> None:
    from iceberg.cli.estimate import build_reports
    from iceberg.report.export import build_document, document_to_json

    if options.json is not None:
        document = build_document(made.estimate, made.counts, rows=made.rows, language=words.language)
        write_whole(options.json, document_to_json(document).encode())
    for path, content in build_reports(options, made.estimate, made.counts, made.rows):
        write_whole(path, content)


def _offer_proposal(problem: MappingError, words: Translator) -> None:
    """Write the mapping as far as it could be recognised, as a file to correct, and say where it is.

    A file that says anything else is never overwritten: it may be the one that is being corrected.
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
        content = ("".join(f"# {line}\n" for line in comment.splitlines()) + proposal).encode()
        if not path.exists() or (path.is_file() and path.read_bytes() == content):
            try:
                write_whole(path, content)
            except UsageError as unwritable:
                say(unwritable.message(words.language))
            else:
                say(words.text("cli.problems.proposal_written", **values))
            return


