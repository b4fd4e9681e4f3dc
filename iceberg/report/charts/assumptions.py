"""Charts about assumptions: how the answer moves with the ratio, and which assumption moves it most."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from iceberg.arrays import FloatArray
from iceberg.locale import Translator
from iceberg.report.charts.base import (
    axis_title,
    category_scale,
    finish,
    note,
    number_expr,
    palette_of,
    range_texts,
    ratio_expr,
    tooltip,
    value_axis,
    worded_tooltip,
)
from iceberg.report.charts.dots import row_labels, rows_axis
from iceberg.report.charts.iceberg.text_width import shortened, text_width
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.takeaways import takeaway_sensitivity, takeaway_tornado
from iceberg.report.words import customers, ratio

HEIGHT_PX = 320
_END_LABEL_PX = {False: 210, True: 140}
_PLOT_PX = {False: 680, True: 280}


def build_sensitivity(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    categories: Sequence[str] | None = None,
    assumed: float | None = None,
    narrow: bool = False,
) -> LayeredChart:
    """Most likely silent churn of each category as the assumed ratio moves; the band where only one category is shown.

    Args:
        frame: `iceberg.report.tables.assumptions.sensitivity_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        categories: All categories in the order of the estimate, for their colours.
        assumed: The ratio in use now, marked by a vertical line.
        narrow: Phone.
    """
    description = takeaway_sensitivity(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    data = frame.sort_values(["category", "ratio"])
    data = data.assign(
        ratio_text=[ratio(value, translator) for value in data["ratio"]],
        middle_text=[customers(value, translator) for value in data["median"]],
        range_text=range_texts(data["lower"], data["upper"], customers, translator),
    )
    low, high = float(data["ratio"].min()), float(data["ratio"].max())
    one = len(set(data["category"])) == 1
    top = float(data["upper" if one else "median"].max()) * 1.08 or 1.0
    x, y = _ratios_tried(low, high, translator, narrow=narrow), alt.Y("median:Q", scale=_up_to(top), axis=value_axis(translator))
    colour = alt.Color("category:N", scale=category_scale(categories or sorted(set(frame["category"])), theme), legend=None)
    hints = worded_tooltip(translator, category="category", ratio_text="ratio", middle_text="most_likely", range_text="range")
    base = drawing(data).encode(x=x)
    layers: list[Drawing] = []
    if one:
        layers.append(base.marked("area", opacity=0.2).encode(y=alt.Y("lower:Q", scale=_up_to(top)), y2="upper", color=colour))
    if assumed is not None and low <= assumed <= high:
        now = drawing(pd.DataFrame({"ratio": [assumed]}))
        layers.append(now.marked("rule", color=palette.folk, strokeDash=[4, 3], strokeWidth=1.5).encode(x=x))
    layers += [
        base.marked("line", strokeWidth=2.5).encode(y=y, color=colour),
        base.marked("point", size=140, opacity=0, filled=True).encode(y=y, tooltip=hints),
        *_end_labels(data, top, x, palette.text, colour, narrow=narrow),
    ]
    return finish(layers, theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.silent"))


def _ratios_tried(low: float, high: float, translator: Translator, *, narrow: bool) -> alt.X:
    """A logarithmic axis that goes on past the last ratio, where the names of the curves stand."""
    beyond = high * (high / low) ** (_END_LABEL_PX[narrow] / (_PLOT_PX[narrow] - _END_LABEL_PX[narrow]))
    axis = alt.Axis(
        title=axis_title(translator.text("report.axis.ratio"), narrow=narrow),
        labelExpr=ratio_expr(translator),
        values=[tick for tick in (0.3, 1, 3, 5, 10, 25, 50, 100, 300) if low <= tick <= high],
        grid=False,
    )
    return alt.X("ratio:Q", scale=alt.Scale(type="log", domain=[low, beyond], nice=False), axis=axis)


def _up_to(top: float) -> alt.Scale:
    return alt.Scale(domain=[0, top], nice=False)


def _end_labels(data: pd.DataFrame, top: float, x: alt.X, ink: str, colour: alt.Color, *, narrow: bool) -> list[Drawing]:
    """The name of each curve beside its last point, pushed apart where curves end close together."""
    last = data.groupby("category", sort=False).tail(1)
    wanted = ((1 - last["median"] / top) * HEIGHT_PX).to_numpy()
    placed = spread(wanted, gap=15, low=6, high=HEIGHT_PX - 6)
    labels = last.assign(
        label=[shortened(name, _END_LABEL_PX[narrow] - 14, 11) for name in last["category"]],
        label_y=(1 - placed / HEIGHT_PX) * top,
    )
    text = drawing(labels).marked("text", align="left", dx=12, baseline="middle", color=ink, fontSize=11)
    lead = drawing(labels[["category", "ratio", "median"]]).marked("circle", size=60, opacity=1)
    return [
        lead.encode(x=x, y=alt.Y("median:Q", scale=_up_to(top)), color=colour),
        text.encode(x=x, y=alt.Y("label_y:Q", scale=_up_to(top)), text="label:N"),
    ]


def spread(positions: FloatArray, *, gap: float, low: float, high: float) -> FloatArray:
    """Positions moved apart to at least `gap`, keeping their order, inside [low, high] as far as they fit."""
    order = np.argsort(positions, kind="stable")
    placed = np.clip(np.asarray(positions, dtype=float)[order], low, high)
    gap = min(gap, (high - low) / max(len(placed) - 1, 1))
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + gap)
    for index in range(len(placed) - 1, -1, -1):
        limit = high if index == len(placed) - 1 else placed[index + 1] - gap
        placed[index] = min(placed[index], limit)
    result: FloatArray = np.empty_like(placed)
    result[order] = placed
    return result


def build_tornado(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False) -> LayeredChart:
    """How far each assumption moves the total, widest first (`iceberg.report.tables.assumptions.tornado_table`); settings are written at the ends."""
    description = takeaway_tornado(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    names = [str(name) for name in frame["assumption"]]
    low, high = (
        frame[["at_low", "at_high"]].min(axis=1).astype(float),
        frame[["at_low", "at_high"]].max(axis=1).astype(float),
    )
    swapped = frame["at_low"].astype(float).to_numpy() > frame["at_high"].astype(float).to_numpy()
    settings = [
        (right, left) if swap else (left, right)
        for left, right, swap in zip(frame["low_value"], frame["high_value"], swapped, strict=True)
    ]
    data = frame.assign(
        label=row_labels(names, narrow=narrow),
        left=low,
        right=high,
        left_text=[str(translator.format(value)) for value, _ in settings],
        right_text=[str(translator.format(value)) for _, value in settings],
        range_text=range_texts(low, high, customers, translator, key="report.range_words"),
    )
    room = max(text_width(text, 11) for text in [*data["left_text"], *data["right_text"]]) + 14
    plot = 180 if narrow else 520
    span = max(float(high.max() - low.min()), 1e-9)
    margin = span * room / max(plot - 2 * room, 40)
    scale = alt.Scale(domain=[float(low.min()) - margin, float(high.max()) + margin], nice=False, zero=False)
    axis = alt.Axis(
        title=translator.text("report.axis.silent"), labelExpr=number_expr(translator), tickCount=4 if narrow else 6
    )
    y = rows_axis(data["label"].tolist(), narrow=narrow)
    hints = tooltip(
        ("assumption", translator.text("report.columns.assumption")),
        ("range_text", translator.text("report.axis.silent")),
    )
    base = drawing(data)
    layers = [
        base.marked("bar", color=palette.silent, opacity=0.8, cornerRadius=3).encode(
            x=alt.X("left:Q", scale=scale, axis=axis), x2="right", y=y, tooltip=hints
        ),
        drawing(data.head(1)).marked("rule", color=palette.text, strokeWidth=1.5).encode(x=alt.X("base:Q", scale=scale)),
        base.marked("text", align="right", dx=-6, fontSize=11, color=palette.muted_text).encode(
            x=alt.X("left:Q", scale=scale), y=y, text="left_text:N"
        ),
        base.marked("text", align="left", dx=6, fontSize=11, color=palette.muted_text).encode(
            x=alt.X("right:Q", scale=scale), y=y, text="right_text:N"
        ),
    ]
    return finish(layers, theme, description=description, height=44 * len(data) + 10)
