"""Good moments: whether they keep customers, in one sentence and, where something can be said, one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import draw_table, open_section, show_reach, show_remarks, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.session.caches import cached

if TYPE_CHECKING:
    from iceberg.model.positives.estimate import Enchantment
    from iceberg.report.charts.layers import LayeredChart


def show_enchantment(frame: Frame, estimate: IcebergEstimate) -> None:
    """Nothing without a file of good moments. Viewers see all moments together only."""
    study, words = frame.study, frame.words
    if study.counts.positives is None:
        return
    from iceberg.report.positives.sentences import TABLE_COLUMNS, positives_headline, positives_sentences, positives_table

    found = enchantment_of(frame, estimate)
    if found is None:
        return
    whole = study.axes is None
    said = positives_headline(found, words)
    open_section(frame, "positives", said)
    table = positives_table(found, words, whole=whole)
    if table["median"].notna().any():
        show_section_chart(frame, "positives", f"{_key(frame, estimate)}|{whole}", said, table, _buoys)
    show_remarks(frame, positives_sentences(found, words), key="positives.remarks")
    show_reach(frame, "positives")
    if len(table) > 1:
        with st.expander(words.text("positives.details"), icon=":material/support:", key="folded.positives"):
            columns = {name: words.text(f"positives.{label}") for name, label in TABLE_COLUMNS.items()}
            draw_table(table[list(TABLE_COLUMNS)], columns=columns, alt_text=words.text("positives.details"), key="positives.table")


def enchantment_of(frame: Frame, estimate: IcebergEstimate) -> Enchantment | None:
    """What good moments did; None without a file of them."""
    study = frame.study
    if study.counts.positives is None:
        return None
    from iceberg.model.positives.estimate import estimate_enchantment

    return cached(_key(frame, estimate), lambda: estimate_enchantment(study.counts, seed=estimate.seed), study=study)


def _key(frame: Frame, estimate: IcebergEstimate) -> str:
    return f"positives|{frame.study.counts.digest}|{estimate.seed}"


def _buoys() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.journey.buoys import build_buoys

    return build_buoys
