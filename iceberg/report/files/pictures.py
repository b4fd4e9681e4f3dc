"""The list of an estimate's charts, and charts as pictures: Vega-Lite to SVG or PNG, offline, with the report's own font.

The only place that loads vl-convert.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.advice import ranking_lead
from iceberg.report.palette import FONT, Theme
from iceberg.report.small_cells import shown_months
from iceberg.report.tables.checks import checks_table
from iceberg.report.tables.estimate import (
    comparator_table,
    currency_of,
    iceberg_table,
    iceberg_totals,
    month_trend_table,
    ranking_table,
)
from iceberg.report.tables.origin import origin_table
from iceberg.report.takeaways import takeaway_comparator, takeaway_iceberg, takeaway_month_trend, takeaway_origin, takeaway_ranking

if TYPE_CHECKING:
    import pandas as pd

FAMILY = "DejaVu Sans"
MONO = "DejaVu Sans Mono"  # for fingerprints, which are read letter by letter

WIDTH_PX = 780  # the width the pictures are laid out for
_PNG_SCALE = 2.0  # a slide or a printed page takes twice the screen's pixels


@dataclass(frozen=True)
class ChartStyle:
    """How a chart is drawn: theme, names in the order of their colours, currency, a phone's width or not, a fixed width in pixels."""

    categories: Sequence[str]
    currency: str
    theme: Theme = "light"
    narrow: bool = False
    width: float | None = None


@dataclass(frozen=True)
class EstimateChart:
    """A chart of an estimate, for the page and for every file.

    Attributes:
        name: In options, file names and keys; ``ui.iceberg.<name>`` is its title where the page has no place of its own for it.
        table: The frame behind it.
        build: Draws that frame.
        takeaway: What the frame shows, in one sentence: the alternative text.
        on_paper: The frame for a picture from which counts under a smallest number are left out; None where `table` has none.
        dated: Whether it needs months.
    """

    name: str
    table: Callable[[IcebergEstimate], pd.DataFrame]
    build: Callable[[pd.DataFrame, IcebergEstimate, Translator, ChartStyle], Any]
    takeaway: Callable[[pd.DataFrame, IcebergEstimate, Translator], str]
    on_paper: Callable[[IcebergEstimate, int], pd.DataFrame] | None = None
    dated: bool = False


# Altair takes a second to load: it waits until a chart is built.


def _iceberg(frame: pd.DataFrame, estimate: IcebergEstimate, words: Translator, style: ChartStyle) -> Any:  # noqa: ANN401  # a chart of Altair
    from iceberg.report.charts.iceberg.draw import build_iceberg

    totals = iceberg_totals(estimate)
    frame = frame.assign(place=[style.categories.index(name) for name in frame["category"]])
    return build_iceberg(frame, words, style.theme, totals=totals, narrow=style.narrow, width=style.width, currency=style.currency)


def _ranking(frame: pd.DataFrame, estimate: IcebergEstimate, words: Translator, style: ChartStyle) -> Any:  # noqa: ANN401  # as above
    from iceberg.report.charts.dots import build_ranking

    return build_ranking(frame, words, style.theme, categories=style.categories, narrow=style.narrow)


def _comparator(frame: pd.DataFrame, estimate: IcebergEstimate, words: Translator, style: ChartStyle) -> Any:  # noqa: ANN401  # as above
    from iceberg.report.charts.dots import build_comparator

    return build_comparator(frame, words, style.theme, categories=style.categories, narrow=style.narrow)


def _months(frame: pd.DataFrame, estimate: IcebergEstimate, words: Translator, style: ChartStyle) -> Any:  # noqa: ANN401  # as above
    from iceberg.report.charts.trends import build_month_trend

    return build_month_trend(frame, words, style.theme, narrow=style.narrow)


def _waterfall(frame: pd.DataFrame, estimate: IcebergEstimate, words: Translator, style: ChartStyle) -> Any:  # noqa: ANN401  # as above
    from iceberg.report.charts.outcomes import build_waterfall

    return build_waterfall(frame, words, style.theme, categories=style.categories, narrow=style.narrow)


# Every chart of an estimate, in the order of the page. A chart is added here: page, pictures and reports take it by its name.
EVERY_CHART = (
    EstimateChart("iceberg", iceberg_table, _iceberg, lambda frame, one, words: takeaway_iceberg(frame, words, totals=iceberg_totals(one))),
    EstimateChart("ranking", ranking_table, _ranking, lambda frame, one, words: takeaway_ranking(frame, words, lead=ranking_lead(one, words))),
    EstimateChart("waterfall", origin_table, _waterfall, lambda frame, _, words: takeaway_origin(frame, words)),
    EstimateChart("comparator", comparator_table, _comparator, lambda frame, _, words: takeaway_comparator(frame, words)),
    EstimateChart(
        "months",
        month_trend_table,
        _months,
        lambda frame, _, words: takeaway_month_trend(frame, words),
        on_paper=lambda one, smallest: shown_months(one, smallest=smallest),
        dated=True,
    ),
)
CHART_OF = {one.name: one for one in EVERY_CHART}
CHARTS = tuple(CHART_OF)


def category_order(estimate: IcebergEstimate) -> tuple[str, ...]:
    """The categories from most to least silent churn: their colours and places, which so do not hang on names or on a language."""
    return tuple(item.category for item in sorted(estimate.categories, key=lambda item: (-item.silent_churn.median, item.category)))


def available_charts(estimate: IcebergEstimate) -> tuple[str, ...]:
    """The charts this estimate can fill: no months without dates, nothing without a complainant or where no range can be given."""
    if estimate.total.vocal_customers == 0 or cannot_say(estimate):
        return ()
    dated = estimate.cells is not None and estimate.cells.has_calendar and len(estimate.cells.months) > 1
    return tuple(one.name for one in EVERY_CHART if dated or not one.dated)


def chart_takeaway(name: str, estimate: IcebergEstimate, words: Translator) -> str:
    """What a chart shows, in one sentence: its alternative text."""
    chart = CHART_OF[name]
    return chart.takeaway(chart.table(estimate), estimate, words)


def chart_specification(name: str, estimate: IcebergEstimate, words: Translator, *, smallest: int = 0) -> dict[str, Any]:
    """The Vega-Lite of one chart at a fixed width, in the report's font, for white paper; counts under `smallest` are left out.

    Raises:
        OptionError: ``report_chart_unknown``, or ``report_no_chart`` where the estimate cannot fill it.
    """
    if name not in CHARTS:
        raise OptionError("report_chart_unknown", {"chart": str(name), "known": ", ".join(CHARTS)})
    if name not in available_charts(estimate):
        raise OptionError("report_no_chart", {"chart": name})
    from iceberg.report.charts.specification import build_specification

    chart = CHART_OF[name]
    frame = chart.table(estimate) if chart.on_paper is None else chart.on_paper(estimate, smallest)
    style = ChartStyle(category_order(estimate), currency_of(estimate), width=WIDTH_PX)
    return on_paper(build_specification(lambda: chart.build(frame, estimate, words, style)))


def checks_specification(estimate: IcebergEstimate, words: Translator) -> dict[str, Any]:
    """The Vega-Lite of what the model does not reproduce, for white paper."""
    from iceberg.report.charts.checks import build_checks
    from iceberg.report.charts.specification import build_specification

    return on_paper(build_specification(lambda: build_checks(checks_table(estimate), words)))


def on_paper(specification: str) -> dict[str, Any]:
    """A page's specification as a picture: a fixed width, the report's font, a white ground, nothing that waits for a mouse."""
    plain: dict[str, Any] = json.loads(specification.replace(json.dumps(FONT)[1:-1], FAMILY))
    if not isinstance(plain.get("width"), int | float):
        plain["width"] = WIDTH_PX
    plain["background"] = "#ffffff"
    plain.get("config", {}).pop("background", None)
    for layer in plain["layer"]:
        layer.get("encoding", {}).pop("tooltip", None)
    return plain


def draw_svg(specification: dict[str, Any]) -> bytes:
    """The chart as SVG: text stays text."""
    drawn: str = _converter().vegalite_to_svg(specification, allowed_base_urls=[])
    return _numbered_anew(drawn).encode()


def _numbered_anew(svg: str) -> str:
    """The same drawing with its gradients and clips counted from the first: the converter counts on from the drawing before."""
    names: dict[str, str] = {}
    for name in re.findall(r'\bid="([A-Za-z]+_?\d+)"', svg):
        names.setdefault(name, f"part_{len(names)}")
    return re.sub(r'(?<=id=")[A-Za-z]+_?\d+(?=")|(?<=url\(#)[A-Za-z]+_?\d+(?=\))', lambda found: names.get(found[0], found[0]), svg)


def draw_png(specification: dict[str, Any]) -> bytes:
    """The chart as PNG at twice the screen's pixels."""
    drawn: bytes = _converter().vegalite_to_png(specification, scale=_PNG_SCALE, allowed_base_urls=[])
    return drawn


def png_of_svg(drawn: bytes) -> bytes:
    """A drawing of `draw_svg` as PNG at twice the screen's pixels."""
    picture: bytes = _converter().svg_to_png(drawn.decode(), scale=_PNG_SCALE)
    return picture


@cache
def _converter() -> Any:  # noqa: ANN401  # a module
    import vl_convert

    vl_convert.register_font_directory(str(font_folder()))
    return vl_convert


@cache
def font_folder() -> Path:
    """The folder that holds the font files. Matplotlib itself is not imported: that would take half a second.

    Raises:
        FileNotFoundError: When matplotlib is installed without its fonts: a broken installation.
    """
    found = find_spec("matplotlib")
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" if found is not None and found.origin else Path()
    if not (folder / "DejaVuSans.ttf").is_file():
        raise FileNotFoundError("DejaVuSans.ttf is not beside matplotlib; reinstall requirements.txt")
    return folder
