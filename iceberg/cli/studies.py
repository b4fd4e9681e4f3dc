"""The `studies` command: lists, shows, exports and deletes what was published."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from iceberg.cli.option_types import UsageError
from iceberg.cli.options import Options
from iceberg.cli.store import _who, open_store
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.store.studies import Store, VersionEntry


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
    from iceberg.cli.text import build_table

    found = store.studies()
    if not found:
        return words.text("store.cli.empty", store=store.name) + "\n"
    heads = [words.text(f"store.cli.{name}") for name in ("study", "title", "versions", "published", "silent")]
    rows = [[one.study_id, one.title, words.integer(one.versions), _moment(one.newest), _churn(one.newest, words)] for one in found]
    return _lines(build_table(heads, rows))


def _show(store: Store, options: Options, words: Translator) -> str:
    from iceberg.cli.text import build_table

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
    from iceberg.store.retention import delete_study

    study = _study(options)
    count = len(store.versions(study)) if options.version is None else 1
    entry = store.entry(study, options.version)
    if not options.yes:
        raise UsageError("delete_needs_yes", {"title": entry.title, "count": count})
    gone = delete_study(store, study, number=options.version, actor=options.author or _who())
    return _lines(words.text("store.cli.deleted", title=entry.title, count=gone), *_later(store, words))


def _export(store: Store, options: Options, words: Translator) -> str:
    from iceberg.store.retention import export_everything

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
    from iceberg.store.retention import expire, retention_days, set_retention

    if options.days is not None or options.for_ever:
        set_retention(store, options.days, actor=options.author or _who())
    gone = expire(store)
    days = retention_days(store)
    kept = words.text("store.cli.kept_for_ever") if days is None else words.text("store.cli.kept_days", count=days)
    return _lines(kept, *([words.text("store.cli.expired", count=gone), *_later(store, words)] if gone else []))


def _later(store: Store, words: Translator) -> list[str]:
    """What to know where deleted rows leave their bytes behind for a while."""
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
