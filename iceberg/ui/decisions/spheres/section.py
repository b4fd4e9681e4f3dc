"""Priorities, beliefs, targets and promises beside what customers did: one sentence, and importance beside performance as one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import draw_table, estimate_key, open_section, show_reach, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached

if TYPE_CHECKING:
    from iceberg.model.journey.spheres import Spheres
    from iceberg.report.charts.layers import LayeredChart


def show_spheres(frame: Frame, estimate: IcebergEstimate) -> None:
    """Nothing without a sheet. Viewers see the categories of the estimate, and no share closed in time of one."""
    words, found = frame.words, _spheres(frame, estimate)
    if found is None:
        return
    from iceberg.report.journey.spheres import (
        BLANK,
        DELIVERY_COLUMNS,
        VISION_COLUMNS,
        quadrant_names,
        quadrants_headline,
        quadrants_note,
        quadrants_table,
        spheres_headline,
        spheres_sentences,
        spheres_table,
    )

    open_section(frame, "spheres", spheres_headline(found, words))
    if said := quadrants_headline(found, words):
        table, names = quadrants_table(found), quadrant_names(found, words)
        st.markdown(f"{plain(said)} {plain(quadrants_note(found, words))}")
        show_section_chart(frame, "quadrants", _key(frame, estimate), said, table, _bars, unit="rate", names=names)
    with st.expander(words.text("spheres.gaps_title"), icon=":material/target:", key="folded.spheres"):
        gaps = spheres_table(found, words)
        for key, wanted in (("vision", VISION_COLUMNS), ("delivery", DELIVERY_COLUMNS)):  # one table would be wider than a page
            if shown := [name for name in wanted if (gaps[name] != BLANK).any()]:
                columns = {name: words.text(f"spheres.gaps.{name}") for name in shown}
                title = f"{words.text('spheres.gaps_title')}: {', '.join(columns.values())}"
                columns = {"category": words.text("spheres.category")} | columns
                draw_table(gaps[list(columns)], columns=columns, alt_text=title, key=f"spheres.{key}")
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in spheres_sentences(found, words)))
    show_reach(frame, "spheres")


def lived_line(frame: Frame, estimate: IcebergEstimate, category: str) -> str:
    """What the company says of a category, against what was lived; "" without a sheet or where it says nothing of it."""
    found = _spheres(frame, estimate)
    if found is None:
        return ""
    from iceberg.report.journey.spheres import category_sentence

    return category_sentence(found, category, frame.words)


def _spheres(frame: Frame, estimate: IcebergEstimate) -> Spheres | None:
    """The sheet beside what happened; None without one."""
    study = frame.study
    if study.counts.spheres is None:
        return None
    # With scipy, which the page of a company without a sheet need not wait for
    from iceberg.model.journey.spheres import estimate_spheres

    return cached(_key(frame, estimate), lambda: estimate_spheres(estimate, study.counts, whole=study.axes is None), study=study)


def _key(frame: Frame, estimate: IcebergEstimate) -> str:
    return f"spheres|{frame.study.counts.digest}|{estimate_key(estimate)}|{frame.study.axes is None}"


def _bars() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.journey.quadrants import build_quadrants

    return build_quadrants
