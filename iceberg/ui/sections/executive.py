"""The charts and sentences of the executive page as data: the page shows them, and the server prepares them where it can."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from iceberg.report.files.pictures import CHART_OF, EVERY_CHART, ChartStyle
from iceberg.report.tables.estimate import ranking_table
from iceberg.report.words import (
    Decision,
    comparator_sentence,
    decision,
    evidence_badge,
    headline_reservation,
    headline_sentence,
    noise_sentence,
    tiles,
)
from iceberg.ui.figure import Chart, estimate_key, read_chart, say
from iceberg.ui.frame import Frame
from iceberg.ui.session.estimates import placed_categories

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.locale import Translator
    from iceberg.model.results import IcebergEstimate

PLACED = {"iceberg", "ranking", "comparator", "months"}
DECISIONS = 3  # judgement: the ranking has the others


def first_decisions(estimate: IcebergEstimate, words: Translator) -> tuple[Decision, ...]:
    """What to do about the first categories."""
    return tuple(decision(estimate, category, words) for category in ranking_table(estimate)["category"].head(DECISIONS))


SENTENCES = (headline_sentence, headline_reservation, evidence_badge, tiles, first_decisions, comparator_sentence, noise_sentence)


def prepare_page(frame: Frame, estimate: IcebergEstimate) -> None:
    """Work out every sentence and chart of the page, so that its readers need not wait."""
    for make in SENTENCES:
        say(frame, estimate, make)
    for chart in executive_charts(frame, estimate):
        read_chart(frame, chart)


def executive_charts(frame: Frame, estimate: IcebergEstimate) -> tuple[Chart, ...]:
    """Every chart of the page that can be shown for this study, the picture first."""
    return tuple(executive_chart(chart.name, frame, estimate) for chart in EVERY_CHART if frame.study.counts.has_calendar or not chart.dated)


def other_charts(frame: Frame, estimate: IcebergEstimate) -> tuple[Chart, ...]:
    """The charts without a place of their own on the page, which follow below the others."""
    return tuple(chart for chart in executive_charts(frame, estimate) if chart.name not in PLACED)


def executive_chart(name: str, frame: Frame, estimate: IcebergEstimate) -> Chart:
    """One of `iceberg.report.files.pictures.EVERY_CHART`, as the reader sees it."""
    chart = CHART_OF[name]

    @cache
    def table() -> pd.DataFrame:
        return chart.table(estimate)

    def build(width: float | None = None) -> Any:  # noqa: ANN401  # a chart; altair is imported where one is built
        style = ChartStyle(placed_categories(frame.study), frame.study.counts.currency, frame.theme, frame.narrow, width)
        return chart.build(table(), estimate, frame.words, style)

    return Chart(name, estimate_key(estimate), build, lambda: chart.takeaway(table(), estimate, frame.words), table)
