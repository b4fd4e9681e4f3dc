"""Draws what those who left had said: a bar per group, in parts that add up to it; those not heard are the pale end of it."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, legend_columns, note, palette_of, percent_expr, tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.scores.sentences import PARTS
from iceberg.report.words import share

MOST_ROWS = 14  # judgement: more bars are read in the table


def build_score_bars(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """The parts of each group of leavers, as shares of it.

    Args:
        frame: `iceberg.report.scores.sentences.declared_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    shown = frame[frame["leavers"] > 0].head(MOST_ROWS)
    if shown.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    colours = {"dissatisfied": palette.vocal, "neutral": palette.prior, "satisfied": palette.categories[2], "not_heard": palette.noise}
    names = {part: translator.text(f"scores.part_{part}") for part in PARTS}
    counted = [f"{name} ({translator.integer(number)})" for name, number in zip(shown["name"], shown["leavers"], strict=True)]
    labels = row_labels(counted, narrow=narrow)
    parts = []
    before = pd.Series(0.0, index=shown.index)
    for place, part in enumerate(PARTS):
        rate = shown[part] / shown["leavers"]
        own = shown[["name"]].assign(label=labels, part=names[part], order=place, start=before, end=before + rate)
        own["share_text"] = [share(value, translator) for value in rate]
        own["number_text"] = [translator.integer(value) for value in shown[part]]
        parts.append(own)
        before = before + rate
    data = pd.concat(parts, ignore_index=True)
    hints = tooltip(("name", translator.text("scores.group")), ("part", " "), ("share_text", " "), ("number_text", translator.text("scores.leavers")))
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=list(names.values()), range=[colours[part] for part in PARTS]),
        legend=alt.Legend(title=None, orient="top", labelLimit=0, columns=legend_columns(list(names.values()), narrow=narrow)),
    )
    axis = alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=4, grid=False)
    x = alt.X("start:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)
    bars = drawing(data).marked("bar", stroke=palette.page, strokeWidth=1).encode(
        x=x, x2="end", y=rows_axis(labels, narrow=narrow), color=colour, tooltip=hints
    )
    return finish([bars], theme, description=description, height=ROW_PX[narrow] * len(labels) + 10, width=width)
