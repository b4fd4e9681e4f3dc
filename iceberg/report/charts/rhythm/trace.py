"""Draws the average rhythm of those who broke, aligned at the week of the break. It is an average, so no single customer is shown."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import axis_title, finish, note, palette_of, percent_expr, tooltip
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme

HEIGHT_PX = 220


def build_trace(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """The share of the own rhythm by week before and after the break.

    Args:
        frame: `iceberg.report.rhythm.frames.trace_frame`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: What it shows.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    if frame.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    data = frame.assign(
        week_text=[translator.integer(week) for week in frame["week"]],
        level_text=[translator.percent(level) for level in frame["level"]],
        people_text=[translator.integer(people) for people in frame["people"]],
        usual=1.0,
        at=0,
    )
    hints = tooltip(
        ("week_text", translator.text("rhythm.picture.trace_axis")),
        ("level_text", translator.text("rhythm.picture.level")),
        ("people_text", translator.text("rhythm.picture.people")),
    )
    axis = alt.Axis(title=axis_title(translator.text("rhythm.picture.trace_axis"), narrow=narrow), grid=False, tickCount=6, tickMinStep=1)
    x = alt.X("week:Q", axis=axis, scale=alt.Scale(nice=False))
    scale = alt.Scale(domain=[0, max(1.2, 1.05 * float(frame["level"].max()))], nice=False)
    y = alt.Y("level:Q", scale=scale, axis=alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=4))
    base = drawing(data)
    layers = [
        base.marked("rule", color=palette.muted_text, strokeDash=[2, 3]).encode(x=alt.X("at:Q", scale=alt.Scale(nice=False))),
        base.marked("line", strokeWidth=2.5, color=palette.vocal).encode(x=x, y=y),
        base.marked("point", size=160, opacity=0, filled=True).encode(x=x, y=alt.Y("level:Q", scale=scale), tooltip=hints),
    ]
    return finish(layers, theme, description=description, height=HEIGHT_PX, width=width, y_title=translator.text("rhythm.picture.trace"))
