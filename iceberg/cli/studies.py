"""The `studies` command: lists, shows, exports and deletes published studies, sets their retention and shows the audit trail."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import Options
from iceberg.cli.store import author_of, open_store
from iceberg.cli.terminal import DONE, note_write, print_result
from iceberg.errors import FileError
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.store.studies import Store, VersionEntry

_CHANGES = ("delete", "export", "import", "retain", "rollback")  # what may have changed the store, or written a file, when it is stopped


def run_studies(options: Options, words: Translator) -> int:
    """Run one of ``studies list|show|delete|export|import|retain|audit|rollback`` and print its result.

    Raises:
        StoreError: When the store does not have the study or the version.
    """
    actions: dict[str, Callable[[Store, Options, Translator], str]] = {
        "list": _list,
        "show": _show,
        "delete": _delete,
        "export": _export,
        "import": _import,
        "retain": _retain,
        "audit": _audit,
        "rollback": _roll_back,
    }
    with closing(open_store(options)) as store:
        try:
            print_result(actions[options.action](store, options, words))
        except KeyboardInterrupt:
            if options.action in _CHANGES:
                note_write(words.text("store.cli.changed_perhaps"))
            raise
    return DONE


def _list(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli.text import build_table

    studies = store.studies()
    if not studies:
        return words.text("store.cli.empty", store=store.name) + "\n"
    heads = [words.text(f"store.cli.{name}") for name in ("study", "title", "versions", "published", "silent")]
    rows = [[study.study_id, study.title, words.integer(study.versions), _moment(study.newest), _churn(study.newest, words)] for study in studies]
    return _lines(build_table(heads, rows))


def _show(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli.text import build_table

    entries = [store.entry(_study(options), options.version)] if options.version else list(store.versions(_study(options)))
    heads = [words.text(f"store.cli.{name}") for name in ("version", "published", "author", "since", "as_of", "level", "silent")]
    rows = [
        [str(entry.number), _moment(entry), entry.author, entry.since or "", entry.as_of or "", entry.evidence_level, _churn(entry, words)]
        for entry in entries
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
    from iceberg.store.retention import delete_study

    study = _study(options)
    count = len(store.versions(study)) if options.version is None else 1
    entry = store.entry(study, options.version)
    if not options.yes:
        raise UsageError("delete_needs_yes", {"title": entry.title, "count": count})
    deleted = delete_study(store, study, number=options.version, actor=author_of(options))
    return _lines(words.text("store.cli.deleted", title=entry.title, count=deleted), *_overwritten_later(store, words))


def _export(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.retention import export_everything

    if options.out is None:
        raise UsageError("export_needs_out")
    target = options.out
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        count = export_everything(store, draft, study_id=options.study, actor=author_of(options))
        draft.replace(target)
    except OSError as problem:
        raise UsageError("cannot_write", {"file": str(target), "reason": problem.strerror or type(problem).__name__}) from problem
    finally:
        draft.unlink(missing_ok=True)
    return words.text("store.cli.exported", count=count, file=str(target)) + "\n"


def _import(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.retention import import_everything

    if options.study is None:
        raise UsageError("import_needs_file")
    source = Path(options.study)
    try:
        new, known = import_everything(store, source, actor=author_of(options))
    except OSError as problem:
        raise FileError("file_not_found" if not source.exists() else "file_unreadable", {"file": str(source)}) from problem
    lines = [words.text("store.cli.imported", count=new, store=store.name)]
    return _lines(*lines, *([words.text("store.cli.known", count=known)] if known else []))


def _roll_back(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.connection import roll_back

    if not options.yes:
        raise UsageError("rollback_needs_yes")
    return _lines(words.text("store.cli.rolled_back", revision=roll_back(store.engine), store=store.name))


def _retain(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.retention import expire, retention_days, set_retention

    if options.days is not None or options.for_ever:
        set_retention(store, options.days, actor=author_of(options))
    expired = expire(store)
    days = retention_days(store)
    retention = words.text("store.cli.kept_for_ever") if days is None else words.text("store.cli.kept_days", count=days)
    return _lines(retention, *([words.text("store.cli.expired", count=expired), *_overwritten_later(store, words)] if expired else []))


def _overwritten_later(store: Store, words: Translator) -> list[str]:
    """A remark for databases that do not overwrite deleted rows at once."""
    from iceberg.store.retention import overwrites_at_once

    return [] if overwrites_at_once(store) else [words.text("store.cli.overwritten_later")]


def _audit(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli.text import build_table
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
