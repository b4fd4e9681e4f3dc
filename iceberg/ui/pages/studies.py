"""The page of published studies; for owners also their retention, their export and the audit trail."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from iceberg.locale import Translator
from iceberg.store.audit import read_audit
from iceberg.store.retention import expire, export_bytes, retention_days, set_retention
from iceberg.ui.access.access import require
from iceberg.ui.figure import show_figures
from iceberg.ui.frame import Frame, current_frame, errors_in_words
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.study_cards import show_study_cards
from iceberg.ui.study_store import has_store, open_store

DAYS_OF_A_YEAR = 365
KEEP_DAYS: tuple[int | None, ...] = (90, 180, 365, 2 * 365, 3 * 365, 5 * 365)  # judgement: the periods that policies name


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
        show_study_cards(studies, frame.access, words)
        if frame.access.may("owner"):
            _show_retention(frame)
            _show_trail(frame)


def _show_retention(frame: Frame) -> None:
    words = frame.words
    store = open_store()
    st.header(words.text("ui.studies.keeping"), anchor=False)
    days = retention_days(store)
    ladder = sorted({*KEEP_DAYS, days} - {None}, key=lambda one: one or 0)
    chosen = st.selectbox(
        words.text("ui.studies.retention"),
        [None, *ladder],
        index=0 if days is None else 1 + ladder.index(days),
        format_func=lambda one: _keep_text(one, words),
        help=words.text("ui.studies.retention_help"),
        key="retention",
        width=320,
    )
    if chosen != days and st.button(words.text("ui.studies.retention_run"), key="retention.run", type="primary"):
        set_retention(store, chosen, actor=frame.access.name)
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


def _keep_text(days: int | None, words: Translator) -> str:
    """A retention in words: whole years as years."""
    if days is None:
        return words.text("ui.studies.keep_for_ever")
    unit, size = ("years", DAYS_OF_A_YEAR) if days % DAYS_OF_A_YEAR == 0 else ("days", 1)
    return words.text(f"ui.studies.keep_{unit}", count=days // size)


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
