"""Versions of published studies, loaded once per server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceberg.store.studies import StoredVersion, VersionEntry
from iceberg.ui.session.lru_cache import Shelf
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate

_LOADED = Shelf(12)  # versions as the store gave them: counts and, once, the estimate


def _loaded(entry: VersionEntry) -> StoredVersion:
    key = f"{entry.study_id}|{entry.number}|{entry.published_at}"
    return _LOADED.get(key, lambda: open_store().load(entry.study_id, entry.number))


def stored_version(entry: VersionEntry) -> StoredVersion:
    """A version with its content, read once per server."""
    return _loaded(entry)


def stored_estimate(entry: VersionEntry) -> IcebergEstimate | None:
    """The estimate as it was published; None where another version of the method made it."""
    return _loaded(entry).estimate
