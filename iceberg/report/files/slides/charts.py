"""Draws the charts on slides: native ones that PowerPoint edits, each with its workbook inside, and 90 % ranges as error bars."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iceberg.report.files.formula_guard import safe_cell

INK, MUTED, SILENT, VOCAL, GRID = "0B2440", "4A6178", "0F5C8C", "E8772E", "DBE6EE"
_C = "http://schemas.openxmlformats.org/drawingml/2006/chart"


@dataclass(frozen=True)
class Ranges:
    """Bars with ranges: one value, and its 90 % range, per label."""

    labels: Sequence[str]
    lower: Sequence[float]
    median: Sequence[float]
    upper: Sequence[float]
    names: tuple[str, str, str]  # most likely, low, high: the columns of the workbook inside


@dataclass(frozen=True)
class Lines:
    """Lines over months."""

    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[float], str, bool]]  # name, values, colour, dashed


def add_ranges(slide: Any, place: tuple[Any, Any, Any, Any], data: Ranges, *, horizontal: bool, stamp: datetime) -> Any:  # noqa: ANN401  # python-pptx has no types
    """Bars at the most likely value with the 90 % range as error bars; editable, the range too (columns E and F of the workbook inside)."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    held = CategoryChartData(number_format="#,##0")
    held.categories = [safe_cell(label) for label in data.labels]
    held.add_series(safe_cell(data.names[0]), [round(value) for value in data.median])
    kind = XL_CHART_TYPE.BAR_CLUSTERED if horizontal else XL_CHART_TYPE.COLUMN_CLUSTERED
    frame = slide.shapes.add_chart(kind, *place, held)
    chart = frame.chart
    _style(chart, legend=False, top=max(data.upper, default=0.0))
    plot = chart.plots[0]
    plot.gap_width = 60
    series = plot.series[0]
    series.format.fill.solid()
    series.format.fill.fore_color.rgb = _colour("8CC4E4")
    if horizontal:
        chart.category_axis.reverse_order = True
    minus = [round(m) - round(low) for m, low in zip(data.median, data.lower, strict=True)]
    plus = [round(high) - round(m) for m, high in zip(data.median, data.upper, strict=True)]
    _add_error_bars(series, plus, minus)
    columns: list[tuple[str, Sequence[Any]]] = [
        ("", [safe_cell(label) for label in data.labels]),
        (data.names[0], [round(value) for value in data.median]),
        (data.names[1], [round(value) for value in data.lower]),
        (data.names[2], [round(value) for value in data.upper]),
        ("+", plus),
        ("-", minus),
    ]
    chart.part.chart_workbook.update_from_xlsx_blob(_workbook(columns, stamp))
    return frame


def add_lines(slide: Any, place: tuple[Any, Any, Any, Any], data: Lines, *, stamp: datetime) -> Any:  # noqa: ANN401  # as above
    """Lines over months, editable."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.enum.dml import MSO_LINE
    from pptx.util import Pt

    held = CategoryChartData(number_format="#,##0")
    held.categories = [safe_cell(label) for label in data.labels]
    for name, values, _, _ in data.series:
        held.add_series(safe_cell(name), [round(value) for value in values])
    frame = slide.shapes.add_chart(XL_CHART_TYPE.LINE, *place, held)
    _style(frame.chart, legend=True)
    for series, (_, _, colour, dashed) in zip(frame.chart.plots[0].series, data.series, strict=True):
        series.smooth = False
        series.format.line.color.rgb = _colour(colour)
        series.format.line.width = Pt(1.5 if dashed else 2.5)
        if dashed:
            series.format.line.dash_style = MSO_LINE.DASH
    columns: list[tuple[str, Sequence[Any]]] = [("", [safe_cell(label) for label in data.labels])]
    columns += [(name, [round(value) for value in values]) for name, values, _, _ in data.series]
    frame.chart.part.chart_workbook.update_from_xlsx_blob(_workbook(columns, stamp))
    return frame


def _workbook(columns: Sequence[tuple[str, Sequence[Any]]], stamp: datetime) -> bytes:
    """The workbook inside a chart. python-pptx would write a name that starts with = as a formula."""
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": stamp.replace(tzinfo=None)})
    page = book.add_worksheet("Sheet1")  # the name that the chart's references use
    page.set_column(0, 0, 32)
    for place, (header, values) in enumerate(columns):
        page.write_string(0, place, safe_cell(header))
        for line, value in enumerate(values, 1):
            if isinstance(value, str):
                page.write_string(line, place, value)
            else:
                page.write_number(line, place, value)
    book.close()
    return target.getvalue()


def _style(chart: Any, *, legend: bool, top: float = 0.0) -> None:  # noqa: ANN401  # as above
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
    from pptx.util import Pt

    chart.font.size = Pt(12)
    chart.font.color.rgb = _colour(INK)
    chart.has_title = False
    chart.has_legend = legend
    if legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
    chart.value_axis.has_major_gridlines = True
    chart.value_axis.major_gridlines.format.line.color.rgb = _colour(GRID)
    chart.value_axis.format.line.fill.background()
    chart.value_axis.minimum_scale = 0
    if top > 0:  # the axis must hold the ranges too, which PowerPoint does not count
        chart.value_axis.maximum_scale = _round_up(top)
        chart.value_axis.major_unit = _round_up(top) / 5
    chart.value_axis.tick_labels.number_format = "#,##0"
    chart.value_axis.tick_labels.number_format_is_linked = False
    chart.category_axis.format.line.color.rgb = _colour(MUTED)
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value)


def _colour(name: str) -> Any:  # noqa: ANN401  # as above
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(name)


def _element(tag: str, *children: Any, text: str | None = None, **attributes: str) -> Any:  # noqa: ANN401  # lxml
    from pptx.oxml.xmlchemy import OxmlElement

    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(name, value)
    made.text = text
    made.extend(children)
    return made


def _add_error_bars(series: Any, plus: Sequence[float], minus: Sequence[float]) -> None:  # noqa: ANN401  # as above
    """Ranges as custom error bars (ECMA-376 21.2.2.55): python-pptx has no call for them. They refer to columns E and F of the workbook inside."""
    bars = _element("c:errBars")
    for tag, setting in (("c:errBarType", "both"), ("c:errValType", "cust"), ("c:noEndCap", "0")):
        bars.append(_element(tag, val=setting))
    for tag, column, values in (("c:plus", "E", plus), ("c:minus", "F", minus)):
        formula = _element("c:f", text=f"Sheet1!${column}$2:${column}${len(values) + 1}")
        points = [_element("c:pt", _element("c:v", text=str(value)), idx=str(place)) for place, value in enumerate(values)]
        cache = _element("c:numCache", _element("c:formatCode", text="General"), _element("c:ptCount", val=str(len(values))), *points)
        bars.append(_element(tag, _element("c:numRef", formula, cache)))
    fill = _element("a:solidFill", _element("a:srgbClr", val=INK))
    bars.append(_element("c:spPr", _element("a:ln", fill, w="19050")))
    series._element.find(f"{{{_C}}}cat").addprevious(bars)  # the schema's order: ... dPt, dLbls, trendline, errBars, cat, val
