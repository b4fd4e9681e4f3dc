"""Draws what good moments did as buoys: customers who stayed because of them with the range, hollow where it holds nothing at all."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import axis_title, finish, note, number_expr, palette_of, tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme

_CERTAIN = ("protects", "harms")
_DASH = [5, 4]


def build_buoys(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """A buoy per kind of moment: right of the heavy line customers stayed because of it, left of it more left.

    Args:
        frame: `iceberg.report.positives.sentences.positives_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    shown = frame[frame["median"].notna()]
    if shown.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    labels = row_labels(shown["name"].tolist(), narrow=narrow)
    data = shown.assign(
        label=labels,
        certain=["yes" if reading in _CERTAIN else "no" for reading in shown["reading"]],
        middle_text=[translator.integer(value) for value in shown["median"]],
    )
    low, high = float(shown["lower"].min()), float(shown["upper"].max())
    least = 0.1 * max(abs(low), abs(high), 10.0)  # so that the line of nothing never is the edge
    x_scale = alt.Scale(domain=[min(1.06 * low, -least), max(1.06 * high, least)], nice=False)
    title = axis_title(translator.text("positives.axis"), narrow=narrow)
    axis = alt.Axis(title=title, labelExpr=number_expr(translator), tickCount=4 if narrow else 6)
    y = rows_axis(labels, narrow=narrow)
    hints = tooltip(
        ("name", translator.text("positives.kind")),
        ("middle_text", translator.text("positives.axis")),
        ("saved", translator.text("report.tooltip.range")),
        ("customers", translator.text("positives.customers")),
        ("says", translator.text("positives.reading")),
    )
    base = drawing(data)
    x, middle = alt.X("lower:Q", scale=x_scale, axis=axis), alt.X("median:Q", scale=x_scale)
    zero = [
        drawing(data.iloc[:1].assign(zero=0.0)).marked("rule", strokeWidth=2, color=palette.text).encode(x=alt.X("zero:Q", scale=x_scale, axis=axis)),
    ]
    layers = [
        base.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.5, color=palette.silent).where("certain", "yes").encode(
            x=x, x2="upper", y=y, tooltip=hints
        ),
        base.marked("rule", strokeWidth=2, strokeDash=_DASH, color=palette.silent).where("certain", "no").encode(x=x, x2="upper", y=y, tooltip=hints),
        base.marked("circle", size=130, opacity=1, fill=palette.silent, stroke=palette.page).where("certain", "yes").encode(
            x=middle, y=y, tooltip=hints
        ),
        base.marked("circle", size=110, opacity=1, fill=palette.page, stroke=palette.silent, strokeWidth=2).where("certain", "no").encode(
            x=middle, y=y, tooltip=hints
        ),
    ]
    # A layer without marks would be a picture without a name to a screen reader.
    seen = [one for one in layers if one.only is None or one.only["equal"] in set(data["certain"])]
    return finish([*zero, *seen], theme, description=description, height=(ROW_PX[narrow] + 8) * len(labels) + 10, width=width)
