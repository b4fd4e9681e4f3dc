"""The charts and sentences of the executive page as data: the page shows them, and the server prepares them where it can."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from iceberg.report.advice import first_decisions, noise_sentence, tiles
from iceberg.report.files.pictures import CHART_OF, EVERY_CHART, WIDTH_PX, ChartStyle
from iceberg.report.words import certainty_sentence, comparator_sentence, evidence_badge, headline_sentence, reservations
from iceberg.ui.figure import Chart, estimate_key, read_chart, say
from iceberg.ui.frame import Frame
from iceberg.ui.session.estimates import placed_categories

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.model.results import IcebergEstimate
    from iceberg.report.palette import Theme

PLACED = {"iceberg", "waterfall", "ranking", "comparator", "months"}


SENTENCES = (
    headline_sentence, certainty_sentence, reservations, evidence_badge, tiles, first_decisions, comparator_sentence, noise_sentence,
)  # fmt: skip


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


def outcomes_chart(frame: Frame, estimate: IcebergEstimate, category: str) -> Chart:
    """The silent churn of a category as equally likely outcomes, beside what chance alone gives."""
    from iceberg.report.tables.origin import outcomes_table
    from iceberg.report.takeaways import takeaway_outcomes

    placebo = next(item.placebo for item in estimate.categories if item.category == category)
    chance = None if placebo is None else placebo.upper

    @cache
    def table() -> pd.DataFrame:
        return outcomes_table(estimate, category)

    def build(theme: Theme) -> Any:  # noqa: ANN401  # as above
        from iceberg.report.charts.outcomes import build_outcomes

        return build_outcomes(table(), frame.words, theme, chance=chance)

    return Chart(
        "outcomes",
        f"{estimate_key(estimate)}|{category}",
        partial(build, frame.theme),
        lambda: takeaway_outcomes(table(), frame.words, chance=chance),
        table,
        paper=partial(build, "light"),
    )


def executive_chart(name: str, frame: Frame, estimate: IcebergEstimate) -> Chart:
    """One of `iceberg.report.files.pictures.EVERY_CHART`, as the reader sees it."""
    chart = CHART_OF[name]

    @cache
    def table() -> pd.DataFrame:
        return chart.table(estimate)

    def build(width: float | None = None) -> Any:  # noqa: ANN401  # a chart; altair is imported where one is built
        style = ChartStyle(placed_categories(frame.study), frame.study.counts.currency, frame.theme, frame.narrow, width)
        return chart.build(table(), estimate, frame.words, style)

    def draw_on_paper() -> Any:  # noqa: ANN401  # as above
        style = ChartStyle(placed_categories(frame.study), frame.study.counts.currency, width=WIDTH_PX)
        return chart.build(table(), estimate, frame.words, style)

    return Chart(name, estimate_key(estimate), build, lambda: chart.takeaway(table(), estimate, frame.words), table, paper=draw_on_paper)
