"""How complaints were answered: one sentence and one picture, and what they rest on folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import open_section, show_reach, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain

if TYPE_CHECKING:
    from iceberg.cohort.audit.record import HumsAudit
    from iceberg.report.charts.layers import LayeredChart


def show_audit(frame: Frame, estimate: IcebergEstimate) -> None:
    """The sentence and the picture; nothing without an audit."""
    words, audit = frame.words, _audit(frame, estimate)
    if audit is None:
        return
    from iceberg.report.audit.sentences import audit_headline, audit_sentences, audit_table

    said, table = audit_headline(audit, words), audit_table(audit)
    open_section(frame, "audit", said)
    if not table.empty:
        key = f"audit|{frame.study.digest}|{frame.study.axes is None}"
        show_section_chart(frame, "hums", key, said, table, _hums)
    with st.expander(words.text("ui.iceberg.audit_rests_on"), icon=":material/fact_check:", key="folded.audit"):
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in audit_sentences(audit, words)))
    show_reach(frame, "audit")


def answered_line(frame: Frame, estimate: IcebergEstimate, category: str) -> str:
    """How customers of a category were answered; "" without an audit."""
    audit = _audit(frame, estimate)
    if audit is None:
        return ""
    from iceberg.report.audit.sentences import category_sentence

    return category_sentence(audit, category, frame.words)


def _audit(frame: Frame, estimate: IcebergEstimate) -> HumsAudit | None:
    """The audit; viewers see the categories that the estimate shows them."""
    audit = frame.study.counts.audit
    if audit is None:
        return None
    return audit.among([item.category for item in estimate.categories] if frame.study.axes is not None else None)


def _hums() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.answers.hums import build_hums

    return build_hums
