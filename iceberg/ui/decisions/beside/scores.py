"""Declared and lived: what those who left had said before, in one sentence and one picture; the figures behind them folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import open_section, show_reach, show_remarks, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached

if TYPE_CHECKING:
    from iceberg.model.scores.estimate import Declared
    from iceberg.report.charts.layers import LayeredChart


def show_declared(frame: Frame, estimate: IcebergEstimate) -> None:
    """Nothing without scores. Viewers see the figures of all leavers only, since those of groups could be subtracted."""
    study, words = frame.study, frame.words
    if study.counts.scores is None:
        return
    # With scipy, which the page of a company without scores need not wait for
    from iceberg.model.scores.estimate import estimate_declared
    from iceberg.report.scores.sentences import declared_headline, declared_sentences, declared_table

    key = f"declared|{study.counts.digest}|{estimate.seed}"
    declared: Declared | None = cached(key, lambda: estimate_declared(study.counts, seed=estimate.seed), study=study)
    if declared is None:
        return
    whole = study.axes is None
    said = declared_headline(declared, words)
    open_section(frame, "scores", said)
    table = declared_table(declared, words, whole=whole)
    if not table.empty:
        show_section_chart(frame, "declared", f"{key}|{whole}", said, table, _bars)
    show_remarks(frame, declared_sentences(declared, words, whole=whole), key="declared.remarks")
    show_reach(frame, "scores")
    _show_curve(frame, declared, key)


def _show_curve(frame: Frame, declared: Declared, key: str) -> None:
    """Who leaves by the last score, drawn once a reader asks it."""
    words = frame.words
    folded = st.expander(words.text("scores.curve"), icon=":material/show_chart:", key="folded.score_curve", on_change="rerun")
    if not folded.open:
        return
    from iceberg.report.scores.sentences import curve_sentence, curve_table

    with folded:
        table, says = curve_table(declared), curve_sentence(declared, words)
        st.caption(plain(says))
        if table.empty:
            return
        show_section_chart(frame, "score_curve", key, says, table, _curve, unit="rate")


def _bars() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.scores.bars import build_score_bars

    return build_score_bars


def _curve() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.scores.curve import build_score_curve

    return build_score_curve
