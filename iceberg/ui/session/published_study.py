"""The published study on screen: opened by a link, at one of its versions; and publishing the study of this session.

A version never changes, so its study is shared by every session of the server; whether it still exists is queried in every run. A viewer gets the
veiled estimate (`iceberg.report.viewers`), never the whole one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.errors import StoreError
from iceberg.locale import Translator
from iceberg.report.small_cells import SMALLEST
from iceberg.store.annotations.places import read_places
from iceberg.store.studies import Publication, Published, VersionEntry
from iceberg.ui.access.access import Access, current_access
from iceberg.ui.counters import count
from iceberg.ui.session.caches import stored_version, version_key
from iceberg.ui.session.choices import forget_choices
from iceberg.ui.session.estimates import unmoved_estimate
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.session.open_versions import open_versions
from iceberg.ui.session.study import Study
from iceberg.ui.study_store import has_store, open_store

if TYPE_CHECKING:
    from iceberg.model.results import CredibleInterval, IcebergEstimate

LEADS_NOWHERE = {"study_unknown", "version_unknown"}
SAMPLE_LINK = "sample"  # in a link, in place of a study: the sample company, also where studies are published
_OPENED = "opened_study"  # (study, version or None for the newest)
_STUDIES = LruCache(48)  # by version and kind of reader


def opened_study(language: str, *, follow_newest: bool) -> Study | None:
    """The study that the link names, or the one opened earlier in this session, or the newest one. None: no study, or the sample was asked for.

    Args:
        language: Of the names that a viewer sees.
        follow_newest: Whether the newest study is opened where no link names one.

    Raises:
        StoreError: One of `LEADS_NOWHERE`, and the page shows nothing until another study is opened; ``version_closed``, and the link names the
            newest version from now on; or the store does not answer, and the link stays.
    """
    asked = st.query_params.get("study")
    if asked is not None:
        version = st.query_params.get("version", "")
        _open((asked, int(version) if version.isdecimal() else None))
    access = current_access()
    opened: tuple[str, int | None] | None = st.session_state.get(_OPENED)
    if wants_sample():
        return None
    if opened is None:
        if not follow_newest or not has_store():
            return None
        newest = open_store().newest()
        if newest is None:
            return None
        opened = (newest.study_id, None)
        _open(opened)
    try:
        if not has_store():  # opening it would make one
            raise StoreError("study_unknown", {"study": opened[0]})
        entry = open_store().entry(*opened)
        if not access.sees_everything and entry.number not in (numbers := open_versions(open_store().versions(entry.study_id)).numbers):
            raise StoreError("version_closed", {"version": str(entry.number), "newest": str(numbers[0]), "smallest": SMALLEST})
    except StoreError as problem:
        if problem.code in LEADS_NOWHERE:  # the link stays in the address: a page drawn again says the same
            st.session_state.pop(_OPENED, None)
            forget_choices()
        elif problem.code == "version_closed":
            choose_version(opened[0], None)
        raise
    return study_for(access, entry, language)


def wants_sample() -> bool:
    """Whether the sample company was asked for by name."""
    return bool(st.session_state.get(_OPENED) == (SAMPLE_LINK, None))


def open_sample() -> None:
    """Put the sample company on screen, whatever is published."""
    close_study()
    _open((SAMPLE_LINK, None))
    st.query_params["study"] = SAMPLE_LINK


def _open(which: tuple[str, int | None]) -> None:
    if st.session_state.get(_OPENED) != which:
        before = st.session_state.get(_OPENED)
        st.session_state[_OPENED] = which
        if before is not None:  # the sliders were set for another study
            forget_choices()


def choose_version(study_id: str, number: int | None) -> None:
    """Show another version; None follows the newest one."""
    if number is None:
        st.query_params.pop("version", None)
    else:
        st.query_params["version"] = str(number)
    st.query_params["study"] = study_id
    _open((study_id, number))


def close_study() -> None:
    """Take the published study off the screen."""
    if st.session_state.pop(_OPENED, None) is not None:
        forget_choices()
    for name in ("study", "version"):
        if name in st.query_params:
            del st.query_params[name]


def study_for(access: Access, entry: VersionEntry, language: str) -> Study:
    """The study as this person may see it; one object for all readers of the same kind."""
    opened = None if access.sees_everything else open_versions(open_store().versions(entry.study_id))
    groups = None if opened is None else opened.groups
    bare = opened is not None and entry.number in opened.bare
    kind = "whole" if groups is None else f"{hash(groups):x}.{'bare' if bare else 'viewer'}.{language}"

    def make() -> Study:
        whole = Study(
            counts=stored_version(entry).counts,
            digest=f"{entry.counts_digest}.{entry.study_id}.{entry.number}",
            name=entry.title,
            origin="published",
            published=entry,
            sources=entry.sources,
            mapping=entry.mapping,
            places=read_places(open_store().engine, entry.study_id),
        )
        if groups is None:
            return whole
        from iceberg.report.viewers import veil_estimate, without_beside

        _, axes = veil_estimate(unmoved_estimate(whole), Translator(language), groups=groups)
        counts = without_beside(whole.counts) if bare else whole.counts
        return replace(whole, counts=counts, digest=f"{whole.digest}.{kind}", axes=axes, counts_key=whole.digest)

    return _STUDIES.get(f"{version_key(entry)}|{entry.title}|{entry.counts_digest}|{kind}", make)


def publish_study(study: Study, estimate: IcebergEstimate, *, title: str, author: str, access: Access, language: str) -> Published:
    """Add the study on screen to the store.

    Args:
        study: Of this session.
        estimate: Whole, not a slice.
        title: The study it becomes a version of.
        author: The name that readers see.
        access: The person who publishes; the role is checked again here, and the audit trail has their account.
        language: Of the diagnostics' sentences.

    Raises:
        StoreError: When it cannot be stored; nothing is then.
    """
    from iceberg.report.export import build_document
    from iceberg.store.retention import expire

    if not access.may("analyst"):
        raise StoreError("publish_refused")
    totals = study.report.rows if study.report is not None else {}
    rows = {name: {"read": one.read, "kept": one.kept, "rejected": one.rejected} for name, one in totals.items()}
    if "flat" in rows:
        rows["customers"] = rows["flat"]
    if "complaints" not in rows and "volumes" in rows:
        rows["complaints"] = rows["volumes"]
    store = open_store()
    expire(store)
    published = store.publish(
        Publication(
            title=title,
            counts=study.counts,
            estimate=estimate,
            summary=build_document(estimate, study.counts, rows=rows, language=language, smallest=SMALLEST),
            sources=study.sources,
            mapping=study.mapping,
            author=author,
            actor=access.name,
        )
    )
    count("iceberg_publishes_total", 'outcome="new"' if published.is_new else 'outcome="same"')
    return published


def summary_interval(entry: VersionEntry) -> CredibleInterval:
    """Silent churn of all categories, as it was published."""
    from iceberg.model.results import CredibleInterval as Interval

    ends = entry.summary["total"]["silent_churn"]
    return Interval(float(ends["lower"]), float(ends["median"]), float(ends["upper"]))
