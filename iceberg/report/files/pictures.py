"""Owns the charts as pictures: Vega-Lite to SVG or PNG, offline, with the report's own font. The only place that loads vl-convert."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.palette import FONT
from iceberg.report.small_cells import shown_months
from iceberg.report.tables import comparator_table, iceberg_table, iceberg_totals, month_trend_table, ranking_table
from iceberg.report.takeaways import takeaway_comparator, takeaway_iceberg, takeaway_month_trend, takeaway_ranking

FAMILY = "DejaVu Sans"
MONO = "DejaVu Sans Mono"  # for fingerprints, which are read letter by letter

ChartName = Literal["iceberg", "ranking", "comparator", "months"]
CHARTS: tuple[ChartName, ...] = ("iceberg", "ranking", "comparator", "months")
WIDTH_PX = 780  # the width the pictures are laid out for
_PNG_SCALE = 2.0  # a slide or a printed page takes twice the screen's pixels


def available_charts(estimate: IcebergEstimate) -> tuple[ChartName, ...]:
    """The charts this estimate can fill: no months without dates, and no silhouette, ranking or folk figure without a complainant."""
    if estimate.total.vocal_customers == 0:
        return ()
    dated = estimate.cells is not None and estimate.cells.has_calendar and len(estimate.cells.months) > 1
    return tuple(name for name in CHARTS if name != "months" or dated)


def chart_takeaway(name: ChartName, estimate: IcebergEstimate, words: Translator) -> str:
    """What a chart shows, in one sentence: its alternative text."""
    says: dict[ChartName, Callable[[], str]] = {
        "iceberg": lambda: takeaway_iceberg(iceberg_table(estimate), words, totals=iceberg_totals(estimate)),
        "ranking": lambda: takeaway_ranking(ranking_table(estimate), words),
        "comparator": lambda: takeaway_comparator(comparator_table(estimate), words),
        "months": lambda: takeaway_month_trend(month_trend_table(estimate), words),
    }
    return says[name]()


def chart_specification(
    name: ChartName, estimate: IcebergEstimate, words: Translator, *, width: int = WIDTH_PX, smallest: int = 0
) -> dict[str, Any]:
    """The Vega-Lite of one chart at a fixed width, in the report's font, for white paper; counts under `smallest` are left out.

    Raises:
        OptionError: ``report_chart_unknown``, or ``report_no_chart`` where the estimate cannot fill it.
    """
    if name not in CHARTS:
        raise OptionError("report_chart_unknown", {"chart": str(name), "known": ", ".join(CHARTS)})
    if name not in available_charts(estimate):
        raise OptionError("report_no_chart", {"chart": name})
    from iceberg.report.charts import build_comparator, build_iceberg, build_month_trend, build_ranking
    from iceberg.report.charts.specification import build_specification
    from iceberg.report.tables import currency_of

    names = [item.category for item in estimate.categories]
    builders: dict[ChartName, Callable[[], Any]] = {
        "iceberg": lambda: build_iceberg(
            iceberg_table(estimate), words, totals=iceberg_totals(estimate), width=width, currency=currency_of(estimate)
        ),
        "ranking": lambda: build_ranking(ranking_table(estimate), words, categories=names),
        "comparator": lambda: build_comparator(comparator_table(estimate), words, categories=names),
        "months": lambda: build_month_trend(shown_months(estimate, smallest=smallest), words),
    }
    return on_paper(build_specification(builders[name]), width=width)


def on_paper(specification: str, *, width: int = WIDTH_PX) -> dict[str, Any]:
    """A page's specification as a picture: a fixed width, the report's font, a white ground, nothing that waits for a mouse."""
    plain: dict[str, Any] = json.loads(specification.replace(json.dumps(FONT)[1:-1], FAMILY))
    if not isinstance(plain.get("width"), int | float):
        plain["width"] = width
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
