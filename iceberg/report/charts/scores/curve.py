"""Draws who leaves by the last score: a dot and its range per score, along the scale."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, note, palette_of, percent_expr, range_texts, tooltip
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import share

HEIGHT_PX = 240


def build_score_curve(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """The share who leave within the horizon, by last score.

    Args:
        frame: `iceberg.report.scores.sentences.curve_table`.
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
        share_text=[share(value, translator) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], share, translator, key="report.range_words"),
        leavers_text=[translator.integer(value) for value in frame["leavers"]],
    )
    hints = tooltip(
        ("score", translator.text("scores.score")),
        ("share_text", translator.text("scores.left")),
        ("range_text", translator.text("report.tooltip.range")),
        ("leavers_text", translator.text("scores.leavers")),
    )
    axis = alt.Axis(title=translator.text("scores.score_axis"), labelAngle=0, labelLimit=0)
    x = alt.X("score:N", sort=list(data["score"]), axis=axis)
    scale = alt.Scale(domain=[0, max(float(data["upper"].max()) * 1.05, 1e-6)], nice=False)
    y = alt.Y("lower:Q", scale=scale, axis=alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=4 if narrow else 5))
    base = drawing(data)
    layers = [
        base.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.4, color=palette.silent).encode(x=x, y=y, y2="upper", tooltip=hints),
        base.marked("circle", size=130, opacity=1, fill=palette.silent, stroke=palette.page).encode(
            x=x, y=alt.Y("median:Q", scale=scale), tooltip=hints
        ),
    ]
    return finish(layers, theme, description=description, height=HEIGHT_PX, width=width, y_title=translator.text("scores.curve_axis"))
