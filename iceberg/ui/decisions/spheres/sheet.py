"""The sheet of the four spheres on the upload page: downloaded with the categories of the files, filled in, and given back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.work import files_of_session
from iceberg.ui.upload.file_boxes import show_contents, take_file

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.journey.spheres import SphereSheet
    from iceberg.locale import Translator

TABLE = "spheres"  # as the box of files calls it; no table of customers


def take_spheres(frame: Frame, counts: CohortCounts) -> None:
    """The sheet to download and the box for it; it changes no estimate."""
    if not counts.categories:
        return
    from iceberg.cohort.journey.sphere_sheet import sphere_template
    from iceberg.report.files.formula_guard import safe_cell

    words = frame.words
    with st.expander(words.text("ui.upload.spheres"), icon=":material/target:", key="spheres"):
        st.caption(plain(words.text("ui.upload.spheres_lead")))
        st.download_button(
            words.text("ui.upload.spheres_template"),
            data=sphere_template([safe_cell(name) for name in counts.categories], words),
            file_name="spheres.csv",
            mime="text/csv",
            icon=":material/download:",
            type="tertiary",
            key="sample.spheres",
            on_click="ignore",
        )
        file, place = take_file(frame, TABLE, st.container())
        show_contents(frame, file, place, lambda: _contents(_read(counts), words))


def with_spheres_of_session(counts: CohortCounts) -> CohortCounts:
    """The counts with the sheet of this session; as they are without one.

    Raises:
        IcebergError: The sheet does not fit, or names a category that the complaints do not have.
    """
    return replace(counts, spheres=_read(counts)) if files_of_session().get(TABLE) else counts


def _read(counts: CohortCounts) -> SphereSheet:
    from iceberg.cohort.journey.sphere_sheet import read_sphere_sheet

    known = None if counts.grouped_categories else counts.categories
    return read_sphere_sheet([source for source, _ in files_of_session()[TABLE]], categories=known)


def _contents(sheet: SphereSheet, words: Translator) -> str:
    """How many categories have what."""
    rows = sheet.rows
    fields = {"promises": "promise_value", "targets": "target", "ranks": "priority_rank", "beliefs": "believed_leavers"}
    given = {name: sum(getattr(row, field) is not None for row in rows) for name, field in fields.items()}
    return words.text("spheres.read.sheet", categories=len(rows), **given)
