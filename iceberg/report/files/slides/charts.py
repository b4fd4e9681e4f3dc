"""Draws the charts on slides: native ones that PowerPoint edits, each with its workbook inside, and 90 % ranges as error bars."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iceberg.report.files.formula_guard import safe_cell
from iceberg.report.files.slides.canvas import INKS, LINE, POINTS, Box, lines_needed, paint

LABELS_SHARE = 0.42  # of the width of a chart of rows: long names need it
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
    series: Sequence[tuple[str, Sequence[float], str, bool]]  # name, values, ink, dashed


def add_ranges(slide: Any, box: Box, data: Ranges, *, horizontal: bool, stamp: datetime, own: bool = True) -> Any:  # noqa: ANN401  # python-pptx has no types
    """Bars at the most likely value with the 90 % range as error bars; editable, the range too (columns E and F of the workbook inside)."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    held = CategoryChartData(number_format="#,##0")
    held.categories = [safe_cell(label) for label in data.labels]
    held.add_series(safe_cell(data.names[0]), [round(value) for value in data.median])
    kind = XL_CHART_TYPE.BAR_CLUSTERED if horizontal else XL_CHART_TYPE.COLUMN_CLUSTERED
    frame = slide.shapes.add_chart(kind, *box.place, held)
    chart = frame.chart
    _style(chart, legend=False, top=max(data.upper, default=0.0), own=own)
    plot = chart.plots[0]
    plot.gap_width = 60
    series = plot.series[0]
    series.format.fill.solid()
    paint(series.format.fill.fore_color, "soft", own=own)
    if horizontal:
        chart.category_axis.reverse_order = True
        _reserve_labels(chart, data.labels, box)
    minus = [round(m) - round(low) for m, low in zip(data.median, data.lower, strict=True)]
    plus = [round(high) - round(m) for m, high in zip(data.median, data.upper, strict=True)]
    _add_error_bars(series, plus, minus, own=own)
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


def add_lines(slide: Any, box: Box, data: Lines, *, stamp: datetime, own: bool = True) -> Any:  # noqa: ANN401  # as above
    """Lines over months, editable."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.enum.dml import MSO_LINE
    from pptx.util import Pt

    held = CategoryChartData(number_format="#,##0")
    held.categories = [safe_cell(label) for label in data.labels]
    for name, values, _, _ in data.series:
        held.add_series(safe_cell(name), [round(value) for value in values])
    frame = slide.shapes.add_chart(XL_CHART_TYPE.LINE, *box.place, held)
    _style(frame.chart, legend=True, own=own)
    for series, (_, _, ink, dashed) in zip(frame.chart.plots[0].series, data.series, strict=True):
        series.smooth = False
        paint(series.format.line.color, ink, own=own)
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


def _style(chart: Any, *, legend: bool, own: bool, top: float = 0.0) -> None:  # noqa: ANN401  # as above
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
    from pptx.util import Pt

    chart.font.size = Pt(12)
    paint(chart.font.color, "ink", own=own)
    chart.has_title = False
    chart.has_legend = legend
    if legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
    chart.value_axis.has_major_gridlines = True
    paint(chart.value_axis.major_gridlines.format.line.color, "grid", own=own)
    chart.value_axis.format.line.fill.background()
    chart.value_axis.minimum_scale = 0
    if top > 0:  # the axis must hold the ranges too, which PowerPoint does not count
        unit = _step(top)
        chart.value_axis.maximum_scale = math.ceil(top / unit) * unit
        chart.value_axis.major_unit = unit
    chart.value_axis.tick_labels.number_format = "#,##0"
    chart.value_axis.tick_labels.number_format_is_linked = False
    paint(chart.category_axis.format.line.color, "muted", own=own)
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def _step(top: float) -> float:
    """Between gridlines: 1, 2 or 5 times a power of ten, so that at most six of them reach `top`."""
    power = 10.0 ** math.floor(math.log10(top / 5))
    return max(next(step * power for step in (1, 2, 5, 10) if math.ceil(top / (step * power)) <= 6), 1.0)


def _reserve_labels(chart: Any, labels: Sequence[str], box: Box) -> None:  # noqa: ANN401  # as above
    """Leave names their part of the width, at a size at which each one fits its row, and show every one of them."""
    from pptx.util import Pt

    row, room = 0.86 * box.height / max(len(labels), 1), LABELS_SHARE * box.width - 0.15
    fits = (size for size in (12.0, 11.0, 10.0, 9.0, 8.0) if all(lines_needed(text, room, size) * size * LINE <= row * POINTS for text in labels))
    chart.category_axis.tick_labels.font.size = Pt(next(fits, 8.0))
    axis = chart.category_axis._element
    skip = _element("c:tickLblSkip", val="1")
    last = axis.find(f"{{{_C}}}noMultiLvlLbl")
    (last.addprevious if last is not None else axis.append)(skip)
    sides = (("layoutTarget", "inner"), ("xMode", "edge"), ("yMode", "edge"))
    ends = (("x", LABELS_SHARE), ("y", 0.02), ("w", 0.97 - LABELS_SHARE), ("h", 0.88))
    manual = _element("c:manualLayout", *(_element(f"c:{name}", val=str(value)) for name, value in (*sides, *ends)))
    area = chart._chartSpace.chart.plotArea
    for old in area.findall(f"{{{_C}}}layout"):
        area.remove(old)
    area.insert(0, _element("c:layout", manual))


def _element(tag: str, *children: Any, text: str | None = None, **attributes: str) -> Any:  # noqa: ANN401  # lxml
    from pptx.oxml.xmlchemy import OxmlElement

    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(name, value)
    made.text = text
    made.extend(children)
    return made


def _add_error_bars(series: Any, plus: Sequence[float], minus: Sequence[float], *, own: bool) -> None:  # noqa: ANN401  # as above
    """Ranges as custom error bars (ECMA-376 21.2.2.55): python-pptx has no call for them. They refer to columns E and F of the workbook inside."""
    bars = _element("c:errBars")
    for tag, setting in (("c:errBarType", "both"), ("c:errValType", "cust"), ("c:noEndCap", "0")):
        bars.append(_element(tag, val=setting))
    for tag, column, values in (("c:plus", "E", plus), ("c:minus", "F", minus)):
        formula = _element("c:f", text=f"Sheet1!${column}$2:${column}${len(values) + 1}")
        points = [_element("c:pt", _element("c:v", text=str(value)), idx=str(place)) for place, value in enumerate(values)]
        cache = _element("c:numCache", _element("c:formatCode", text="General"), _element("c:ptCount", val=str(len(values))), *points)
        bars.append(_element(tag, _element("c:numRef", formula, cache)))
    ink = _element("a:srgbClr", val=INKS["ink"]) if own else _element("a:schemeClr", val="tx1")
    fill = _element("a:solidFill", ink)
    bars.append(_element("c:spPr", _element("a:ln", fill, w="19050")))
    series._element.find(f"{{{_C}}}cat").addprevious(bars)  # the schema's order: ... dPt, dLbls, trendline, errBars, cat, val
