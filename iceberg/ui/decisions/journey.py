"""Where on the journey: the step of most silent churn in one sentence, the coastline, and the channels folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.decisions.beside.positives import enchantment_of
from iceberg.ui.figure import draw_table, estimate_key, open_section, show_reach, show_remarks, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached
from iceberg.ui.session.estimates import estimate_study

if TYPE_CHECKING:
    from iceberg.model.journey.stages import Journey
    from iceberg.report.charts.layers import LayeredChart


def show_journey(frame: Frame) -> None:
    """Nothing where neither a mapping nor a column says anything of the journey; always the whole study. Viewers see shares and no counts."""
    study, words = frame.study, frame.words
    counts = study.counts.journey
    if counts is None:
        return
    # With scipy, which the page of a company without a journey need not wait for
    from iceberg.model.journey.stages import estimate_journey
    from iceberg.report.journey.sentences import journey_headline, journey_sentences, journey_table

    estimate = estimate_study(study, frame.view.assumptions)
    key = f"journey|{study.counts.digest}|{estimate_key(estimate)}"
    journey: Journey | None = cached(key, lambda: estimate_journey(estimate, study.counts), study=study)
    if journey is None:
        return
    whole, moments = study.axes is None, enchantment_of(frame, estimate)
    said = journey_headline(journey, words)
    open_section(frame, "journey", said)
    table = journey_table(journey, words, whole=whole, moments=moments)
    if not table.empty:
        show_section_chart(frame, "journey", f"{key}|{whole}", said, table, _coastline)
    show_remarks(frame, journey_sentences(journey, words, whole=whole, moments=moments), key="journey.remarks")
    show_reach(frame, "journey")
    if whole and journey.channels:
        _show_channels(frame, journey, estimate, channel_is_place=counts.channel_is_place)


def _show_channels(frame: Frame, journey: Journey, estimate: IcebergEstimate, *, channel_is_place: bool) -> None:
    """By channel: where a problem was reported, which is not where it happened."""
    words = frame.words
    with st.expander(words.text("journey.channels"), icon=":material/call:", key="folded.channels"):
        from iceberg.report.journey.sentences import channel_sentences, channel_table

        for sentence in channel_sentences(journey, words, channel_is_place=channel_is_place):
            st.caption(plain(sentence))
        table = channel_table(journey, words)
        names = ["channel", "vocal", "excess"] + (["silent"] if table["silent"].astype(bool).any() else [])
        draw_table(
            table[names],
            columns={name: words.text(f"journey.{name}", days=estimate.assumptions.horizon_days) for name in names},
            alt_text=words.text("journey.channels"),
            key="channels",
        )


def _coastline() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.journey.coastline import build_coastline

    return build_coastline
