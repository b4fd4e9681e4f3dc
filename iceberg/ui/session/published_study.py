"""Owns published studies on the page: the one a link opens, its versions, and how this session publishes its own.

A version never changes, so what was read and worked out of it is shared by every session of the server; that it still exists is asked anew in
every run. What a viewer gets is the veiled estimate (`iceberg.report.viewers`), never the whole one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from iceberg.errors import StoreError
from iceberg.locale import Translator
from iceberg.store.studies import Publication, Published, VersionEntry
from iceberg.ui.access.access import Access, current_access
from iceberg.ui.session.lru_cache import Shelf
from iceberg.ui.session.stored_versions import _loaded
from iceberg.ui.session.study import Study
from iceberg.ui.study_store import has_store, open_store

if TYPE_CHECKING:

    from iceberg.model.results import CredibleInterval, IcebergEstimate

_OPENED = "opened_study"  # (study, version or None for the newest)
_STUDIES = Shelf(48)  # as one kind of reader has them
_AXES = Shelf(48)


def opened_study(language: str) -> Study | None:
    """The study that the link names, or the one opened earlier in this session; a viewer without a link gets the newest. None: no study.

    A link that leads nowhere is said, and forgotten.

    Raises:
        StoreError: When the store cannot be opened.
    """
    asked = st.query_params.get("study")
    if asked is not None:
        version = st.query_params.get("version", "")
        _open((asked, int(version) if version.isdecimal() else None))
    access = current_access()
    opened: tuple[str, int | None] | None = st.session_state.get(_OPENED)
    if opened is None:
        if access.sees_everything or not has_store():
            return None
        newest = open_store().newest()
        if newest is None:
            return None
        opened = (newest.study_id, None)
        _open(opened)
    try:
        entry = open_store().entry(*opened)
    except StoreError as problem:  # said in words, above whatever this reader sees without the link
        close_study()
        words = Translator(language)
        st.error(problem.message(language), icon=":material/error:", title=words.text("ui.error.title"))
        return None
    return study_of(entry, access, language)


def _open(which: tuple[str, int | None]) -> None:
    if st.session_state.get(_OPENED) != which:
        before = st.session_state.get(_OPENED)
        st.session_state[_OPENED] = which
        if before is not None:  # sliders of another study say nothing about this one
            from iceberg.ui.session.choices import forget_choices

            forget_choices()


def choose_version(study_id: str, number: int | None) -> None:
    """Show another version; None is the newest, whichever that will be."""
    if number is None:
        st.query_params.pop("version", None)
    else:
        st.query_params["version"] = str(number)
    st.query_params["study"] = study_id
    _open((study_id, number))


def close_study() -> None:
    """No published study is on screen any more."""
    if st.session_state.pop(_OPENED, None) is not None:
        from iceberg.ui.session.choices import forget_choices

        forget_choices()
    for name in ("study", "version"):
        if name in st.query_params:
            del st.query_params[name]


def study_of(entry: VersionEntry, access: Access, language: str) -> Study:
    """The study as this person may have it; the same object for everyone of that kind."""
    kind = "whole" if access.sees_everything else f"viewer.{language}"
    identity = f"{entry.study_id}|{entry.number}|{entry.published_at}|{entry.counts_digest}"

    def make() -> Study:
        counts = _loaded(entry).counts
        whole = Study(
            counts=counts,
            digest=f"{entry.counts_digest}.{entry.study_id}.{entry.number}",
            name=entry.title,
            origin="published",
            published=entry,
            sources=entry.sources,
            mapping=entry.mapping,
        )
        if kind == "whole":
            return whole
        from iceberg.report.viewers import veil_estimate
        from iceberg.ui.session.estimates import prepare_estimate

        _, axes = veil_estimate(prepare_estimate(whole), Translator(language))
        return Study(**{**vars(whole), "digest": f"{whole.digest}.{kind}", "axes": axes, "counts_key": whole.digest})

    return _STUDIES.get(f"{identity}|{kind}", make)


def publish_study(study: Study, estimate: IcebergEstimate, *, title: str, access: Access, language: str) -> Published:
    """Put what is on screen into the store.

    Args:
        study: Of this session.
        estimate: Whole, not a slice.
        title: The study it becomes a version of.
        access: Who publishes; asked again here, whatever the page showed.
        language: Of the diagnostics' sentences.

    Raises:
        StoreError: When it cannot be kept; nothing is then.
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
    return store.publish(
        Publication(
            title=title,
            counts=study.counts,
            estimate=estimate,
            summary=build_document(estimate, study.counts, rows=rows, language=language),
            sources=study.sources,
            mapping=study.mapping,
            author=access.name,
        )
    )


def summary_interval(entry: VersionEntry) -> CredibleInterval:
    """Silent churn of all categories, as it was published."""
    from iceberg.model.results import CredibleInterval as Interval

    held = entry.summary["total"]["silent_churn"]
    return Interval(float(held["lower"]), float(held["median"]), float(held["upper"]))
