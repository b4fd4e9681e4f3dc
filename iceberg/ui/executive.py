"""Owns the four charts of the executive page as data: the page draws them, and the start of the server makes those of the first visit beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from iceberg.ui.frame import Frame
from iceberg.ui.show import estimate_key

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.model.results import IcebergEstimate


@dataclass(frozen=True)
class Chart:
    """What `iceberg.ui.show.show_chart` needs to know of a chart; nothing is worked out before it is asked for."""

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
