"""Draws survival curves (Kaplan-Meier, Nelson-Aalen) with bands and numbers at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import (
    days_axis,
    finish,
    note,
    number_expr,
    palette_of,
    percent_expr,
    stroke_legend,
    value_axis,
    worded_tooltip,
)
from iceberg.report.charts.iceberg.text_width import shortened, text_width
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Theme, category_colours
from iceberg.report.tables.survival import numbers_at_risk_table, thinned
from iceberg.report.takeaways import takeaway_curves

HEIGHT_PX = 320
ROW_PX = 18
_NAME_PX, _NAME_GAP = 180, 24
MAX_POINTS = 640  # over all curves of a chart, so that its specification stays under 100 kB
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [12, 4])


def build_curves(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    kind: Literal["survival", "hazard"] = "survival",
    clock: Literal["tenure", "complaint"] = "tenure",
    colours: Mapping[str, str] | None = None,
    narrow: bool = False,
) -> LayeredChart:
    """One step curve per group with its band, and the customers still followed under the axis.

    Args:
        frame: `iceberg.report.tables.survival.curve_table`; the chart thins it.
        translator: Language.
        theme: ``light`` or ``dark``.
        kind: ``survival`` (a share, Kaplan-Meier) or ``hazard`` (cumulated, Nelson-Aalen).
        clock: Time since the first day or since the complaint, for the axis title.
        colours: Colour per group, as from `palette.category_colours`; groups that are no category fall back to the page's two.
        narrow: Phone.
    """
    description = takeaway_curves(frame, translator, percent=kind == "survival")
    if frame.empty:
        return note(description, theme)
    groups = list(dict.fromkeys(frame["group"]))
    palette = palette_of(theme)
    taken = {palette.vocal, palette.silent, *(colours or {}).values()}
    others = [colour for colour in category_colours([str(n) for n in range(12)], theme).values() if colour not in taken]
    spare = iter([palette.vocal, palette.silent, *others, palette.text, palette.muted_text])
    scheme = {group: (colours or {}).get(group) or next(spare) for group in groups}
    data = _light(thinned(frame, points=max(40, min(200, MAX_POINTS // len(groups)))), translator, kind)
    last_day = float(frame["day"].max())
    x = alt.X(
        "day:Q",
        scale=alt.Scale(domain=[0, last_day], nice=False),
        axis=days_axis(translator, "tenure" if clock == "tenure" else "since_complaint", values=risk_days(last_day, narrow=narrow)),
    )
    y = _height(frame, kind, translator)
    colour = alt.Color(
        "group:N", scale=alt.Scale(domain=groups, range=[scheme[group] for group in groups]), legend=stroke_legend(groups, narrow=narrow)
    )
    dashes = [list(_DASHES[place % len(_DASHES)]) for place in range(len(groups))]
    dash = alt.StrokeDash("group:N", scale=alt.Scale(domain=groups, range=dashes), legend=stroke_legend(groups, narrow=narrow))
    hints = worded_tooltip(translator, group="group", day="day", says="value", risk="at_risk")
    base = drawing(data).encode(x=x)
    layers = [
        base.marked("area", opacity=0.16, interpolate="step-after").encode(y=alt.Y("lower:Q"), y2="upper", color=colour),
        base.marked("line", strokeWidth=2.2, interpolate="step-after").encode(y=y, color=colour, strokeDash=dash),
        base.marked("point", size=120, opacity=0, filled=True).encode(y=y, tooltip=hints),
        *_at_risk(frame, _followed(frame, groups), scheme, translator, theme, last_day=last_day, narrow=narrow),
    ]
    y_title = translator.text(f"report.axis.{'share_still_customers' if kind == 'survival' else 'cumulative_hazard'}")
    padding = {"left": _room_for_names(groups, narrow=narrow), "right": 16, "top": 4, "bottom": 6}
    return finish(layers, theme, description=description, height=HEIGHT_PX, padding=padding, y_title=y_title)


def _followed(frame: pd.DataFrame, groups: list[str]) -> list[str]:
    """Groups with customers of their own; a formula drawn through a curve has none."""
    return [group for group in groups if frame.loc[frame["group"] == group, "at_risk"].notna().any()]


def _height(frame: pd.DataFrame, kind: str, translator: Translator) -> alt.Y:
    """A share of customers up to 1, or a cumulated hazard as high as it goes."""
    if kind == "survival":
        domain, axis = [0.0, 1.0], alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=5)
    else:
        domain, axis = [0.0, float(frame["upper"].max()) or 1.0], value_axis(translator, labelExpr=number_expr(translator, digits=1))
    return alt.Y("estimate:Q", scale=alt.Scale(domain=domain, nice=False), axis=axis)


def _room_for_names(groups: list[str], *, narrow: bool) -> float:
    """Pixels left of the plot for the names beside the numbers at risk; a phone has them on their own rows."""
    if narrow:
        return 4.0
    longest = max(text_width(shortened(group, _NAME_PX, 11), 11) for group in groups)
    return 4 + max(0.0, longest + _NAME_GAP - 56)  # 56: what the labels of the axis take anyway


def risk_days(last_day: float, *, narrow: bool) -> list[float]:
    """Round days at which customers at risk are written: also the ticks of the axis."""
    steps = 4 if narrow else 7
    raw = last_day / steps
    nice = next(
        step for step in (7, 15, 30, 60, 90, 180, 365, 730, 1461, 3653, 10 * 3653) if step >= raw or step == 10 * 3653
    )
    return [float(day) for day in np.arange(0, last_day + 0.5, nice)]


def _light(frame: pd.DataFrame, translator: Translator, kind: str) -> pd.DataFrame:
    write = translator.percent if kind == "survival" else translator.decimal
    return pd.DataFrame(
        {
            "group": frame["group"],
            "day": frame["day"].round().astype(int),
            "estimate": frame["estimate"].round(4),
            "lower": frame["lower"].round(4),
            "upper": frame["upper"].round(4),
            "says": [write(value) for value in frame["estimate"]],
            "risk": ["" if pd.isna(value) else translator.integer(value) for value in frame["at_risk"]],
        }
    )


def _at_risk(
    frame: pd.DataFrame,
    groups: list[str],
    scheme: Mapping[str, str],
    translator: Translator,
    theme: Theme,
    *,
    last_day: float,
    narrow: bool,
) -> list[Drawing]:
    """Numbers under the axis, one row per group in its colour; the name stands on its own row where there is no room beside it."""
    palette = palette_of(theme)
    table = numbers_at_risk_table(frame, days=risk_days(last_day, narrow=narrow))
    table = table[table["group"].isin(groups)]
    top, step = HEIGHT_PX + 64, ROW_PX * (2 if narrow else 1)
    place = {group: top + index * step + (ROW_PX if narrow else 0) for index, group in enumerate(groups)}
    numbers = table.assign(text=[translator.integer(value) for value in table["at_risk"]], y=table["group"].map(place))
    style = {"fontSize": 11, "baseline": "middle"}
    x = alt.X("day:Q", scale=alt.Scale(domain=[0, last_day], nice=False))
    layers = [
        drawing(part).marked("text", **style, color=palette.text).encode(x=x, y=alt.value(y), text="text:N")
        for y, part in numbers.groupby("y", sort=False)
    ]
    align = "left" if narrow else "right"
    written = [(translator.text("report.chart.at_risk"), -4 if narrow else -_NAME_GAP, top - ROW_PX, palette.muted_text)]
    for group in groups:
        name = shortened(group, 260 if narrow else _NAME_PX, 11)
        y = place[group] - (ROW_PX if narrow else 0)
        written.append((name, 0 if narrow else -_NAME_GAP, y, scheme[group] if theme == "dark" else palette.text))
    for text, left, y, colour in written:
        mark = drawing(pd.DataFrame({"text": [text]})).marked("text", **style, align=align, color=colour)
        layers.append(mark.encode(x=alt.value(left), y=alt.value(y), text="text:N"))
    return layers
