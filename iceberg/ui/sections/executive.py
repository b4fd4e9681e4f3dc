"""The charts and sentences of the executive page as data: the page shows them, and the server prepares them where it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from iceberg.report.files.pictures import CHART_OF, EVERY_CHART, ChartStyle
from iceberg.ui.figure import estimate_key, read_chart, say
from iceberg.ui.frame import Frame

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.model.results import IcebergEstimate
    from iceberg.report.words import Badge, Decision, Tile

DECISIONS = 3  # judgement: the ranking has the others


def prepare_page(frame: Frame, estimate: IcebergEstimate) -> None:
    """Work out every sentence and chart of the page, so that its readers need not wait."""
    for words in (headline, reservation, badge, tiles, decisions, comparison, noise):
        words(frame, estimate)
    for chart in executive_charts(frame, estimate):
        read_chart(frame, chart.name, key=chart.key, build=chart.build, takeaway=chart.takeaway)


def headline(frame: Frame, estimate: IcebergEstimate) -> str:
    """The sentence at the head of the page."""
    from iceberg.report.words import headline_sentence

    return say(frame, "headline", estimate, lambda: headline_sentence(estimate, frame.words))


def reservation(frame: Frame, estimate: IcebergEstimate) -> str:
    """What to know before the sentence is repeated."""
    from iceberg.report.words import headline_reservation

    return say(frame, "reservation", estimate, lambda: headline_reservation(estimate, frame.words))


def badge(frame: Frame, estimate: IcebergEstimate) -> Badge:
    """How sure all of it is."""
    from iceberg.report.words import evidence_badge

    return say(frame, "badge", estimate, lambda: evidence_badge(estimate, frame.words))


def tiles(frame: Frame, estimate: IcebergEstimate) -> tuple[Tile, ...]:
    """Four figures."""
    from iceberg.report import words

    return say(frame, "tiles", estimate, lambda: words.tiles(estimate, frame.words))


def decisions(frame: Frame, estimate: IcebergEstimate) -> tuple[Decision, ...]:
    """What to do about the first categories."""

    def decide() -> tuple[Decision, ...]:
        from iceberg.report.tables.estimate import ranking_table
        from iceberg.report.words import decision

        return tuple(decision(estimate, category, frame.words) for category in ranking_table(estimate)["category"].head(DECISIONS))

    return say(frame, "decisions", estimate, decide)


def comparison(frame: Frame, estimate: IcebergEstimate) -> str:
    """The folk ratio beside what the departures support, as a sentence."""
    from iceberg.report.words import comparator_sentence

    return say(frame, "comparator", estimate, lambda: comparator_sentence(estimate, frame.words))


def noise(frame: Frame, estimate: IcebergEstimate) -> str | None:
    """The categories that may be noise."""
    from iceberg.report.words import noise_sentence

    return say(frame, "noise", estimate, lambda: noise_sentence(estimate, frame.words))


@dataclass(frozen=True)
class Chart:
    """A chart for `iceberg.ui.figure.show_chart`, which calls its functions only where no result is cached."""

    name: str
    key: str
    build: Callable[[], Any]
    takeaway: Callable[[], str]
    table: Callable[[], pd.DataFrame]


def executive_charts(frame: Frame, estimate: IcebergEstimate) -> tuple[Chart, ...]:
    """Every chart of the page that can be shown for this study, the picture first."""
    return tuple(_chart(one.name, frame, estimate) for one in EVERY_CHART if frame.study.counts.has_calendar or not one.dated)


def picture(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """The iceberg."""
    return _chart("iceberg", frame, estimate)


def ranking(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """Which category to act on first, and how sure that is."""
    return _chart("ranking", frame, estimate)


def comparator(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """The folk 1:25 beside what the departures support."""
    return _chart("comparator", frame, estimate)


def month_trend(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """Silent churn month by month."""
    return _chart("months", frame, estimate)


def other_charts(frame: Frame, estimate: IcebergEstimate) -> tuple[Chart, ...]:
    """The charts that have no place of their own on the page."""
    placed = {"iceberg", "ranking", "comparator", "months"}
    return tuple(chart for chart in executive_charts(frame, estimate) if chart.name not in placed)


def _chart(name: str, frame: Frame, estimate: IcebergEstimate) -> Chart:
    chart = CHART_OF[name]

    @cache
    def table() -> pd.DataFrame:
        return chart.table(estimate)

    def build(width: float | None = None) -> Any:  # noqa: ANN401  # a chart; altair is imported where one is built
        style = ChartStyle(frame.study.categories, frame.study.counts.currency, frame.theme, frame.narrow, width)
        return chart.build(table(), estimate, frame.words, style)

    return Chart(name, estimate_key(estimate), build, lambda: chart.takeaway(table(), estimate, frame.words), table)
