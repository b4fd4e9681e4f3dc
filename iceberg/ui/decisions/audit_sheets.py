"""The filled sheets of an audit on the upload page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.sample import audit_files
from iceberg.ui.session.study import SEED
from iceberg.ui.session.work import files_of_session
from iceberg.ui.upload.file_boxes import offer_download, take_file

if TYPE_CHECKING:
    from iceberg.cohort.audit.record import HumsAudit
    from iceberg.cohort.counts import CohortCounts

TABLE = "audit"  # as the box of files calls it; no table of customers


def take_audit(frame: Frame) -> None:
    """The box of the filled sheets, which change no estimate."""
    with st.expander(frame.words.text("ui.upload.audit"), icon=":material/diversity_3:", key="audit"):
        st.caption(plain(frame.words.text("ui.upload.audit_lead")))
        take_file(frame, TABLE, st.container())
        with st.container(horizontal=True):
            for name, path in audit_files(frame.language).items():
                offer_download(frame, name, path)


def read_audit(counts: CohortCounts) -> HumsAudit | None:
    """What the sheets of this session say; None without any.

    Raises:
        IcebergError: A sheet does not fit, or names a category that the complaints do not have.
    """
    parts = files_of_session().get(TABLE, ())
    if not parts:
        return None
    from iceberg.cohort.audit.sheet import read_sheets
    from iceberg.model.audit.estimate import audit_of

    known = None if counts.grouped_categories else counts.categories
    return audit_of(read_sheets([source for source, _ in parts], categories=known), seed=SEED)
