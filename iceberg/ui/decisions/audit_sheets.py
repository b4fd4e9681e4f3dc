"""The filled sheets of an audit on the upload page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.sample import audit_files
from iceberg.ui.session.study import SEED
from iceberg.ui.session.work import files_of_session
from iceberg.ui.upload.file_boxes import offer_download, show_contents, take_file

if TYPE_CHECKING:
    from iceberg.cohort.audit.record import HumsAudit, ScoredCases
    from iceberg.cohort.counts import CohortCounts
    from iceberg.locale import Translator

TABLE = "audit"  # as the box of files calls it; no table of customers


def take_audit(frame: Frame) -> None:
    """The box of the filled sheets, which change no estimate."""
    with st.expander(frame.words.text("ui.upload.audit"), icon=":material/diversity_3:", key="audit"):
        st.caption(plain(frame.words.text("ui.upload.audit_lead")))
        file, place = take_file(frame, TABLE, st.container())
        show_contents(frame, file, place, lambda: _contents(frame.words))
        with st.container(horizontal=True):
            for name, path in audit_files(frame.language).items():
                offer_download(frame, name, path)


def read_audit(counts: CohortCounts) -> HumsAudit | None:
    """What the sheets of this session say; None without any.

    Raises:
        IcebergError: A sheet does not fit, or names a category that the complaints do not have.
    """
    if not files_of_session().get(TABLE):
        return None
    from iceberg.model.audit.estimate import audit_of

    return audit_of(_read(None if counts.grouped_categories else counts.categories), seed=SEED)


def _read(categories: Sequence[str] | None) -> ScoredCases:
    from iceberg.cohort.audit.sheet import read_sheets

    return read_sheets([source for source, _ in files_of_session()[TABLE]], categories=categories)


def _contents(words: Translator) -> str:
    """How many cases were scored, by how many; the categories are checked once the complaints are counted."""
    scored = _read(None)
    cases = {"cases": len(scored.category), "raters": scored.raters}
    return words.text("audit.read", categories=len(scored.categories), met=scored.met, **cases)
