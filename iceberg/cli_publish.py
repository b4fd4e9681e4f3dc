"""Owns ``publish`` and ``studies``: what was estimated goes into the store, and what the store holds is listed, taken along and deleted."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli_files import name_files
from iceberg.cli_options import INPUTS, STANDARD_INPUT, Options, UsageError
from iceberg.errors import FileError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cli import Estimated
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.results import IcebergEstimate
    from iceberg.store.studies import Published, SourceFile, Store, VersionEntry

DEFAULT_TITLE = "Silent churn"
ADDRESS = "ICEBERG_URL"  # where the dashboard answers; makes the link whole


def require_inputs(options: Options) -> None:
    """One line, before anything is read, when an input is missing: a scheduler's run ends here.

    Raises:
        FileError: ``file_not_found`` or ``no_file_fits``.
    """
    for name in (*INPUTS, "mapping"):
        given = getattr(options, name)
        for source in [given] if isinstance(given, str | Path) else given or []:
            text = str(source)
            addressed = text == STANDARD_INPUT or ":" in text.partition("/")[0]  # a stream, or a table in a database
            places = [text, text.rpartition("#")[0]]  # book.xlsx#Sheet
            if not addressed and not any(place and (Path(place).expanduser().exists() or glob(place, recursive=True)) for place in places):  # noqa: PTH207  # a pattern may be absolute
                raise FileError("no_file_fits" if has_magic(text) else "file_not_found", {"file": text})


def open_store(options: Options) -> Store:
    """The store that was named; versions that have outlived their retention are gone from it."""
    from iceberg.store.keeping import expire
    from iceberg.store.studies import Store

    store = Store(options.store)
    expire(store)
    return store


def find_published(
    options: Options, counts: CohortCounts, report: IngestReport, mapping: MappingSet | None, assumptions: Assumptions
) -> IcebergEstimate | None:
    """The estimate that was published from the same files, read and assumed alike: nothing needs to be estimated again.

    Raises:
        StoreError: When the store cannot be read.
    """
    from iceberg.ingest.as_read import mapping_as_read
    from iceberg.store.naming import identify

    identity = identify(counts, assumptions, options.seed, _sources(report, options), mapping_as_read(report, mapping).to_toml())
    store = open_store(options)
    try:
        found = store.find(options.title or DEFAULT_TITLE, identity)
    finally:
        store.close()
    return None if found is None else found.estimate


def publish_estimate(made: Estimated, options: Options, words: Translator) -> str:
    """Keep what was estimated, and say where.

    Raises:
        StoreError: When the store cannot take it; nothing is kept then.
    """
    from iceberg.ingest.as_read import mapping_as_read
    from iceberg.report.export import build_document
    from iceberg.store.studies import Publication

    store = open_store(options)
    publication = Publication(
        title=options.title or DEFAULT_TITLE,
        counts=made.counts,
        estimate=made.estimate,
        summary=build_document(made.estimate, made.counts, rows=made.rows, language=words.language),
        sources=_sources(made.report, options),
        mapping=mapping_as_read(made.report, made.mapping).to_toml(),
        author=options.author or _who(),
    )
    published = store.publish(publication)
    told = _told(store, published, publication.title, words)
    store.close()
    return told


def _told(store: Store, published: Published, title: str, words: Translator) -> str:
    outcome = "new" if published.is_new else "same"
    base = os.environ.get(ADDRESS, "").rstrip("/")
    lines = [
        words.text(f"store.cli.published_{outcome}", title=title, version=str(published.number)),
        words.text("store.cli.link", link=f"{base}/?study={published.study_id}", store=store.name),
    ]
    return "".join(f"{line}\n" for line in lines)


def _sources(report: IngestReport, options: Options) -> tuple[SourceFile, ...]:
    from iceberg.store.studies import SourceFile

    named = name_files(options)
    found = []
    for file in named:
        table = "surveys" if file.table == "survey" else file.table
        alone = sum(one.table == file.table for one in named) == 1
        totals = report.rows.get(table) if alone else None
        rows = (totals.read, totals.kept, totals.rejected) if totals is not None else (None, None, None)
        found.append(SourceFile(table, file.name, file.sha256 or None, file.size_bytes, *rows))
    return tuple(found)


def _who() -> str:
    with suppress(OSError, KeyError, ImportError):  # a container without a user database
        return getpass.getuser()
    return ""


def run_studies(options: Options, words: Translator) -> str:
    """One of ``studies list|show|delete|export|retain|audit``.

    Returns:
        What is printed.

    Raises:
        StoreError: When the store has not what was asked for.
    """
    actions: dict[str, Callable[[Store, Options, Translator], str]] = {
        "list": _list,
        "show": _show,
        "delete": _delete,
        "export": _export,
        "retain": _retain,
        "audit": _audit,
    }
    store = open_store(options)
    try:
        return actions[options.action](store, options, words)
    finally:
        store.close()


def _list(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli_print import build_table

    found = store.studies()
    if not found:
        return words.text("store.cli.empty", store=store.name) + "\n"
    heads = [words.text(f"store.cli.{name}") for name in ("study", "title", "versions", "published", "silent")]
    rows = [[one.study_id, one.title, words.integer(one.versions), _moment(one.newest), _churn(one.newest, words)] for one in found]
    return _lines(build_table(heads, rows))


def _show(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli_print import build_table

    entries = [store.entry(_study(options), options.version)] if options.version else list(store.versions(_study(options)))
    heads = [words.text(f"store.cli.{name}") for name in ("version", "published", "author", "since", "as_of", "level", "silent")]
    rows = [
        [str(one.number), _moment(one), one.author, one.since or "", one.as_of or "", one.evidence_level, _churn(one, words)] for one in entries
    ]
    lines = [words.text("store.cli.about", title=entries[0].title, study=entries[0].study_id), "", build_table(heads, rows).rstrip("\n"), ""]
    newest = entries[0]
    lines.append(words.text("store.cli.made_from", version=str(newest.number), product=newest.product_version))
    lines += [
        words.text("store.cli.file", table=words.text(f"ingest.tables.{file.table}"), name=file.name, sha256=file.sha256 or "-")
        for file in newest.sources
    ]
    return _lines("\n".join(lines))


def _delete(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.keeping import delete_study

    study = _study(options)
    count = len(store.versions(study)) if options.version is None else 1
    entry = store.entry(study, options.version)
    if not options.yes:
        raise UsageError("delete_needs_yes", {"title": entry.title, "count": count})
    gone = delete_study(store, study, number=options.version, actor=options.author or _who())
    return _lines(words.text("store.cli.deleted", title=entry.title, count=gone), *_later(store, words))


def _export(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.keeping import export_everything

    if options.out is None:
        raise UsageError("export_needs_out")
    target = options.out
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        count = export_everything(store, draft, study_id=options.study, actor=options.author or _who())
        draft.replace(target)
    except OSError as problem:
        raise UsageError("cannot_write", {"file": str(target), "reason": problem.strerror or type(problem).__name__}) from problem
    finally:
        draft.unlink(missing_ok=True)
    return words.text("store.cli.exported", count=count, file=str(target)) + "\n"


def _retain(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.keeping import expire, retention_days, set_retention

    if options.days is not None or options.for_ever:
        set_retention(store, options.days, actor=options.author or _who())
    gone = expire(store)
    days = retention_days(store)
    kept = words.text("store.cli.kept_for_ever") if days is None else words.text("store.cli.kept_days", count=days)
    return _lines(kept, *([words.text("store.cli.expired", count=gone), *_later(store, words)] if gone else []))


def _later(store: Store, words: Translator) -> list[str]:
    """What to know where deleted rows leave their bytes behind for a while."""
    from iceberg.store.keeping import overwrites_at_once

    return [] if overwrites_at_once(store) else [words.text("store.cli.overwritten_later")]


def _audit(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli_print import build_table
    from iceberg.store.audit import read_audit

    trail = read_audit(store.engine, study_id=options.study)
    heads = [words.text(f"store.cli.{name}") for name in ("when", "who", "what", "study", "version", "detail")]
    rows = [
        [
            f"{line.at:%Y-%m-%d %H:%M:%S}",
            line.actor,
            words.text(f"store.actions.{line.action}"),
            line.study_id or "",
            str(line.version or ""),
            " ".join(f"{name}={value}" for name, value in line.detail.items()),
        ]
        for line in trail
    ]
    return _lines(build_table(heads, rows))


def _study(options: Options) -> str:
    if options.study is None:
        raise UsageError("study_missing", {"action": options.action})
    return options.study


def _churn(entry: VersionEntry, words: Translator) -> str:
    churn = entry.summary["total"]["silent_churn"]
    return words.text("cli.estimate.span", low=words.integer(churn["lower"]), high=words.integer(churn["upper"]))


def _moment(entry: VersionEntry) -> str:
    return f"{entry.published_at:%Y-%m-%d %H:%M}"


def _lines(*texts: str) -> str:
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)


