"""The versions of a study that a viewer may open, and what is taken together in them, so that no two of them single out a small group.

The newest version can always be opened. An older one can where its difference from every other open version is nobody or at least five customers in
every cell that a viewer sees. What is taken together is stored with the study: a later version only merges it further.

What stands beside the estimate (scores, good moments, cases closed in time) differs by a few customers from month to month: an older version of which
that is true is shown without it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iceberg.errors import StoreError
from iceberg.store.studies import VersionEntry
from iceberg.ui.session.caches import version_key
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.report.viewers import CountedCells, StudyGroups

_CELLS, _STUDIES = LruCache(200), LruCache(48)  # by version; by the versions of a study


@dataclass(frozen=True)
class OpenVersions:
    """What viewers may open of a study.

    Attributes:
        numbers: Of the versions, the newest first.
        groups: What is taken together in each of them.
        bare: Those that are shown without what stands beside the estimate.
    """

    numbers: tuple[int, ...]
    groups: StudyGroups
    bare: frozenset[int] = frozenset()


def open_versions(entries: tuple[VersionEntry, ...]) -> OpenVersions:
    """What viewers may open of the study with these versions, the newest first.

    Raises:
        StoreError: When the store cannot be read.
    """
    key = "|".join(f"{version_key(entry)}|{entry.counts_digest}" for entry in entries)
    return _STUDIES.get(key, lambda: _find_open(entries))


def _find_open(entries: tuple[VersionEntry, ...]) -> OpenVersions:
    from iceberg.report.small_cells import beside_differs_safely
    from iceberg.report.viewers import differs_safely

    groups = _study_groups(entries)
    chosen = [entries[0]]
    for entry in entries[1:]:
        if all(differs_safely(_cells(entry), _cells(other), groups) for other in chosen):
            chosen.append(entry)
    whole = [entries[0]]
    for entry in chosen[1:]:
        if all(beside_differs_safely(entry.summary, other.summary) for other in whole):
            whole.append(entry)
    return OpenVersions(tuple(entry.number for entry in chosen), groups, frozenset(entry.number for entry in chosen if entry not in whole))


def _study_groups(entries: tuple[VersionEntry, ...]) -> StudyGroups:
    """The groups that are stored, merged with the versions that they do not cover yet, and stored again."""
    from iceberg.report.viewers import StudyGroups, merge_groups

    store, study_id = open_store(), entries[0].study_id
    document, covered = store.groups(study_id)
    groups = StudyGroups.from_dict(document)
    later = [entry for entry in reversed(entries) if entry.number > covered]
    for entry in later:
        groups = merge_groups(groups, _cells(entry))
    if later:
        with suppress(StoreError):  # a store that this server can only read: the same versions give the same groups
            store.save_groups(study_id, groups.to_dict(), later[-1].number)
    return groups


def _cells(entry: VersionEntry) -> CountedCells:
    from iceberg.report.viewers import cells_of_counts

    return _CELLS.get(version_key(entry), lambda: cells_of_counts(open_store().counts(entry), entry.assumptions))
