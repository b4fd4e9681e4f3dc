"""The page of published studies; for owners also their retention, their export and the audit trail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from iceberg.report.words import customers_range
from iceberg.store.audit import read_audit
from iceberg.store.retention import (
    LONGEST_RETENTION_DAYS,
    delete_study,
    expire,
    export_bytes,
    overwrites_at_once,
    retention_days,
    set_retention,
)
from iceberg.store.studies import StudyEntry
from iceberg.ui.access.access import current_access, require
from iceberg.ui.figure import show_figures
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.plain_text import plain
from iceberg.ui.session.published_study import close_study, summary_interval
from iceberg.ui.study_store import has_store, open_store

HOME = page_file("iceberg")
NO_LIMIT = 0


def show_page() -> None:
    """The studies first; the owners' part stands below."""
    require("studies")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.studies.title"), anchor=False)
    with errors_in_words(words):
        studies = open_store().studies() if has_store() else ()
        if not studies:
            st.info(words.text("ui.studies.empty"), icon=":material/folder_open:")
            return
        for study in studies:
            _show_study(frame, study)
        if frame.access.may("owner"):
            _show_retention(frame)
            _show_trail(frame)


def _show_study(frame: Frame, study: StudyEntry) -> None:
    words, newest = frame.words, study.newest
    with st.container(border=True, gap="xsmall"):
        st.header(plain(study.title), anchor=False)
        ends = customers_range(summary_interval(newest), words)
        st.markdown(plain(words.text("ui.studies.newest", low=ends["low"], high=ends["high"])))
        day = newest.published_at.date()
        st.caption(plain(words.text("ui.study.published_by", author=newest.author or "–", day=day, version=str(newest.number))))
        with st.container(horizontal=True, gap="small"):
            if st.button(words.text("ui.studies.open"), key=f"open.{study.study_id}", icon=":material/arrow_forward:"):
                st.switch_page(HOME, query_params={"study": study.study_id, "lang": frame.language})  # the address would lose it otherwise
            if frame.access.may("owner"):
                _show_delete(frame, study)


def _show_delete(frame: Frame, study: StudyEntry) -> None:
    words = frame.words
    with st.popover(words.text("ui.studies.delete"), icon=":material/delete_forever:", type="tertiary", key=f"delete.{study.study_id}"):
        st.markdown(plain(words.text("ui.studies.delete_sure", title=study.title, count=study.versions)))
        if not overwrites_at_once(open_store()):
            st.caption(words.text("store.cli.overwritten_later"))
        if st.button(words.text("ui.studies.delete_run"), key=f"delete.run.{study.study_id}", type="primary"):
            access = current_access()  # again: the button may have been on screen for hours
            if access.may("owner"):
                delete_study(open_store(), study.study_id, actor=access.name)
                close_study()
            st.rerun()


def _show_retention(frame: Frame) -> None:
    words = frame.words
    store = open_store()
    st.header(words.text("ui.studies.keeping"), anchor=False)
    days = retention_days(store)
    chosen = st.number_input(
        words.text("ui.studies.retention"),
        min_value=NO_LIMIT,
        max_value=LONGEST_RETENTION_DAYS,
        value=days or NO_LIMIT,
        help=words.text("ui.studies.retention_help"),
        key="retention",
    )
    if int(chosen) != (days or NO_LIMIT) and st.button(words.text("ui.studies.retention_run"), key="retention.run", type="primary"):
        set_retention(store, int(chosen) or None, actor=frame.access.name)
        gone = expire(store, actor=frame.access.name)
        st.success(plain(words.text("ui.studies.retention_done", count=gone)), icon=":material/check:")
    name = frame.access.name
    st.download_button(
        words.text("ui.studies.export"),
        data=lambda: export_bytes(store, actor=name),
        file_name="studies.zip",
        mime="application/zip",
        icon=":material/archive:",
        help=words.text("ui.studies.export_help"),
        key="export",
        on_click="ignore",
    )


def _show_trail(frame: Frame) -> None:
    words = frame.words
    st.header(words.text("ui.studies.trail"), anchor=False)
    rows = [
        {
            words.text("store.cli.when"): f"{line.at:%Y-%m-%d %H:%M:%S}",
            words.text("store.cli.who"): line.actor,
            words.text("store.cli.what"): words.text(f"store.actions.{line.action}"),
            words.text("store.cli.study"): line.study_id or "",
            words.text("store.cli.version"): line.version,
            words.text("store.cli.detail"): " ".join(f"{name}={value}" for name, value in line.detail.items()),
        }
        for line in read_audit(open_store().engine)
    ]
    show_figures(frame, "audit", pd.DataFrame(rows), alt_text=words.text("ui.studies.trail"))


show_page()
