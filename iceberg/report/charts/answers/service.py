"""Draws who left because of their problem after a case closed in time, and after a late one: two dots with their ranges per category."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, legend_columns, note, palette_of, percent_expr, range_texts, tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import share

MOST_ROWS = 14  # judgement: more are read in the table
_SHIFT = {"in": -7, "late": 7}  # pixels from the middle of the row


def build_service_chart(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """The share who left because of their problem, in time and late.

    Args:
        frame: `iceberg.report.journey.service.service_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    shown = frame[frame["in_median"].notna() | frame["late_median"].notna()].head(MOST_ROWS)
    if shown.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    names = {"in": translator.text("service.in_time"), "late": translator.text("service.late_cases")}
    labels = row_labels(shown["name"].tolist(), narrow=narrow)
    top = float(shown[["in_upper", "late_upper"]].max().max())
    x_scale = alt.Scale(domain=[0, max(1.05 * top, 0.01)], nice=False)
    axis = alt.Axis(title=translator.text("service.axis"), labelExpr=percent_expr(translator), tickCount=4 if narrow else 6)
    y = rows_axis(labels, narrow=narrow)
    colours = alt.Scale(domain=list(names.values()), range=[palette.silent, palette.vocal])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=legend_columns(list(names.values()), narrow=narrow))
    colour = alt.Color("side:N", scale=colours, legend=legend)
    span = translator.text("report.tooltip.range")
    hints = tooltip(("name", translator.text("service.group")), ("side", " "), ("left_text", " "), ("range_text", span))
    layers = []
    for side, said in names.items():
        own = shown[["name"]].assign(
            label=labels, side=said, lower=shown[f"{side}_lower"], median=shown[f"{side}_median"], upper=shown[f"{side}_upper"]
        )
        own = own[own["median"].notna()]
        if own.empty:
            continue
        own["left_text"] = [share(value, translator) for value in own["median"]]
        own["range_text"] = range_texts(own["lower"], own["upper"], share, translator, key="report.range_words")
        base = drawing(own)
        ranges = base.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.4, yOffset=_SHIFT[side])
        dots = base.marked("circle", size=110, opacity=1, yOffset=_SHIFT[side])
        layers.append(ranges.encode(x=alt.X("lower:Q", scale=x_scale, axis=axis), x2=alt.X2("upper"), y=y, color=colour, tooltip=hints))
        layers.append(dots.encode(x=alt.X("median:Q", scale=x_scale), y=y, color=colour, tooltip=hints))
    return finish(layers, theme, description=description, height=(ROW_PX[narrow] + 8) * len(labels) + 10, width=width)
