"""Draws importance and performance with the probability of each quadrant: a bar per category in four parts."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, legend_columns, note, palette_of, percent_expr, tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import share

MOST_ROWS = 14  # judgement: more bars are read in the table


def build_quadrants(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    names: Mapping[str, str],
    description: str,
    narrow: bool = False,
    width: float | None = None,
) -> LayeredChart:
    """The probability of each quadrant by category.

    Args:
        frame: `iceberg.report.journey.spheres.quadrants_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        names: Of the quadrants, in the order of their bars.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    shown = frame.head(MOST_ROWS)
    if shown.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    labels = row_labels(shown["category"].tolist(), narrow=narrow)
    before, parts = pd.Series(0.0, index=shown.index), []
    for place, name in enumerate(names):
        own = shown[["category"]].assign(label=labels, part=names[name], order=place, start=before, end=before + shown[name])
        own["chance_text"] = [share(value, translator) for value in shown[name]]
        parts.append(own)
        before = before + shown[name]
    data = pd.concat(parts, ignore_index=True)
    colours = [palette.vocal, palette.silent, palette.noise, palette.prior]
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(names.values()), range=colours),
        legend=alt.Legend(title=None, orient="top", labelLimit=0, columns=legend_columns(list(names.values()), narrow=narrow)),
    )
    axis = alt.Axis(title=translator.text("spheres.axis"), labelExpr=percent_expr(translator), tickCount=4, grid=False)
    x = alt.X("start:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)
    hints = tooltip(("category", translator.text("spheres.category")), ("part", " "), ("chance_text", translator.text("spheres.axis")))
    bars = drawing(data).marked("bar", stroke=palette.page, strokeWidth=1)
    bar = bars.encode(x=x, x2="end", y=rows_axis(labels, narrow=narrow), color=colour, tooltip=hints)
    return finish([bar], theme, description=description, height=ROW_PX[narrow] * len(labels) + 10, width=width)
