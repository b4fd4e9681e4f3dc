"""Owns the charts and the words of the executive page as data: the page shows them, and the server makes them beforehand where it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from iceberg.ui.figure import estimate_key, read_chart, say
from iceberg.ui.frame import Frame

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.model.results import IcebergEstimate
    from iceberg.report.words import Badge, Decision, Tile

DECISIONS = 3  # the first three: past them an executive reads the ranking


def prepare_page(frame: Frame, estimate: IcebergEstimate) -> None:
    """Work out all that the page says and draws of `estimate`, for whoever opens it."""
    for words in (headline, reservation, badge, tiles, decisions, comparison, noise):
        words(frame, estimate)
    for chart in executive_charts(frame, estimate):
        read_chart(frame, chart.name, key=chart.key, build=chart.build, takeaway=chart.takeaway)


def headline(frame: Frame, estimate: IcebergEstimate) -> str:
    """The sentence."""
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
        from iceberg.report.tables import ranking_table
        from iceberg.report.words import decision

        return tuple(decision(estimate, category, frame.words) for category in ranking_table(estimate)["category"].head(DECISIONS))

    return say(frame, "decisions", estimate, decide)


def comparison(frame: Frame, estimate: IcebergEstimate) -> str:
    """The folk ratio beside what the departures support, as a sentence."""
    from iceberg.report.words import comparator_sentence

    return say(frame, "comparator", estimate, lambda: comparator_sentence(estimate, frame.words))


def noise(frame: Frame, estimate: IcebergEstimate) -> str | None:
    """Which categories cannot be told from noise."""
    from iceberg.report.words import noise_sentence

    return say(frame, "noise", estimate, lambda: noise_sentence(estimate, frame.words))


@dataclass(frozen=True)
class Chart:
    """What `iceberg.ui.figure.show_chart` needs to know of a chart; nothing is worked out before it is asked for."""

    name: str
    key: str
    build: Callable[[], Any]
    takeaway: Callable[[], str]
    table: Callable[[], pd.DataFrame]


def executive_charts(frame: Frame, estimate: IcebergEstimate) -> tuple[Chart, ...]:
    """Every chart of the page that can be shown for this study, the picture first."""
    charts = (picture(frame, estimate), ranking(frame, estimate), comparator(frame, estimate))
    return (*charts, month_trend(frame, estimate)) if frame.study.counts.has_calendar else charts


def picture(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """The iceberg."""

    @cache
    def table() -> pd.DataFrame:
        from iceberg.report.tables import iceberg_table

        return iceberg_table(estimate)

    def build(width: float | None = None) -> Any:  # noqa: ANN401  # a chart; altair is imported where one is built
        from iceberg.report.charts import build_iceberg
        from iceberg.report.tables import iceberg_totals

        currency, totals = frame.study.counts.currency, iceberg_totals(estimate)
        return build_iceberg(table(), frame.words, frame.theme, totals=totals, narrow=frame.narrow, width=width, currency=currency)

    def takeaway() -> str:
        from iceberg.report.tables import iceberg_totals
        from iceberg.report.takeaways import takeaway_iceberg

        return takeaway_iceberg(table(), frame.words, totals=iceberg_totals(estimate))

    return Chart("iceberg", estimate_key(estimate), build, takeaway, table)


def ranking(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """Which category to act on first, and how sure that is."""

    @cache
    def table() -> pd.DataFrame:
        from iceberg.report.tables import ranking_table

        return ranking_table(estimate)

    def build() -> Any:  # noqa: ANN401  # as above
        from iceberg.report.charts import build_ranking

        return build_ranking(table(), frame.words, frame.theme, categories=frame.study.categories, narrow=frame.narrow)

    def takeaway() -> str:
        from iceberg.report.takeaways import takeaway_ranking

        return takeaway_ranking(table(), frame.words)

    return Chart("ranking", estimate_key(estimate), build, takeaway, table)


def comparator(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """The folk 1:25 beside what the departures support."""

    @cache
    def table() -> pd.DataFrame:
        from iceberg.report.tables import comparator_table

        return comparator_table(estimate)

    def build() -> Any:  # noqa: ANN401  # as above
        from iceberg.report.charts import build_comparator

        return build_comparator(table(), frame.words, frame.theme, categories=frame.study.categories, narrow=frame.narrow)

    def takeaway() -> str:
        from iceberg.report.takeaways import takeaway_comparator

        return takeaway_comparator(table(), frame.words)

    return Chart("comparator", estimate_key(estimate), build, takeaway, table)


def month_trend(frame: Frame, estimate: IcebergEstimate) -> Chart:
    """Silent churn month by month."""

    @cache
    def table() -> pd.DataFrame:
        from iceberg.report.tables import month_trend_table

        return month_trend_table(estimate)

    def build() -> Any:  # noqa: ANN401  # as above
        from iceberg.report.charts import build_month_trend

        return build_month_trend(table(), frame.words, frame.theme, narrow=frame.narrow)

    def takeaway() -> str:
        from iceberg.report.takeaways import takeaway_month_trend

        return takeaway_month_trend(table(), frame.words)

    return Chart("months", estimate_key(estimate), build, takeaway, table)
