"""Draws segments beside each other: a row per segment, a dot per category whose area is the rate, the whole rate in words at the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import category_scale, finish, note, palette_of, worded_tooltip
from iceberg.report.charts.dots import MOST_SEGMENTS, ROW_PX, row_labels, rows_axis
from iceberg.report.charts.iceberg.text_width import wrapped
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import customers

Order = Literal["rate", "customers", "name"]
_SHOWN = {False: 6, True: 2}  # categories beside the whole: the largest of the study, the others in the table
_PLOT_PX = {False: 520, True: 180}
_LARGEST_DOT = 900.0  # square pixels


def build_segment_dots(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, categories: Sequence[str], order: Order = "rate", narrow: bool = False
) -> LayeredChart:
    """Silent leavers per 1,000 customers and month of each segment and category; where there are no rates, customers.

    Args:
        frame: `iceberg.report.tables.segments.segment_matrix`.
        translator: Language.
        theme: ``light`` or ``dark``.
        categories: All categories in the order of the study: the first ones are drawn, in their colours.
        order: Of the rows: largest rate, most customers, or name.
        narrow: Phone.
    """
    measure = "rate_median" if frame["rate_median"].notna().any() else "median"
    ranked = sort_segments(frame, order)
    description = takeaway_segment_dots(frame, translator)
    if not ranked:
        return note(description, theme)
    shown = list(categories[: _SHOWN[narrow]])
    labels = dict(zip(ranked, row_labels([name or translator.text("report.all_segments") for name in ranked], narrow=narrow), strict=True))
    data = frame[frame["segment"].isin(ranked) & frame["category"].isin(["", *shown])]
    heads = _heads(["", *shown], translator, narrow=narrow)
    data = data.assign(
        label=[labels[name] for name in data["segment"]],
        column=[heads[name] for name in data["category"]],
        name=[name or translator.text("report.all_categories") for name in data["category"]],
        size=data[measure].fillna(0.0),
        value_text=[segment_value(row, measure, translator) for _, row in data.iterrows()],
        range_text=[_range(row, measure, translator) for _, row in data.iterrows()],
        heard_text=[translator.integer(value) for value in data["vocal_customers"]],
    )
    y = rows_axis([labels[name] for name in ranked], narrow=narrow)
    bare: dict[str, Any] = {"title": None, "ticks": False, "domain": False, "labelLimit": 0, "labelPadding": 14, "labelAngle": 0}
    axis = alt.Axis(orient="top", labelExpr="split(datum.value, '\\n')", **bare)
    x = alt.X("column:N", sort=list(heads.values()), axis=axis)
    hints = worded_tooltip(translator, segment="segment", name="category", value_text="rate", range_text="range", heard_text="vocal")
    whole, parts = data[data["category"] == ""], data[data["category"] != ""]
    area = alt.Size("size:Q", scale=alt.Scale(domain=[0, max(float(parts["size"].max()), 1e-9)], range=[0, _LARGEST_DOT]), legend=None)
    colour = alt.Color("category:N", scale=category_scale(categories, theme), legend=None)
    layers = [
        drawing(whole).marked("text", fontWeight=700, baseline="middle").encode(x=x, y=y, text="value_text:N", tooltip=hints),
        drawing(parts).marked("circle", opacity=0.9, stroke=palette_of(theme).page).encode(x=x, y=y, size=area, color=colour, tooltip=hints),
    ]
    return finish(layers, theme, description=description, height=ROW_PX[narrow] * len(ranked) + 10)


def _heads(names: Sequence[str], translator: Translator, *, narrow: bool) -> dict[str, str]:
    """Heads of the columns, broken to fit and kept distinct."""
    room = _PLOT_PX[narrow] / len(names) - 6
    heads: dict[str, str] = {}
    for name in names:
        text = "\n".join(wrapped(name or translator.text("where.all_short"), room, 12, lines=3))
        heads[name] = text + "\N{ZERO WIDTH SPACE}" * sum(text == other.rstrip("\N{ZERO WIDTH SPACE}") for other in heads.values())
    return heads


def sort_segments(frame: pd.DataFrame, order: Order) -> list[str]:
    """The segments of the picture in this order, at most `MOST_SEGMENTS`; those without a rate come last."""
    whole = frame[frame["category"] == ""]
    by = {"rate": ["rate_median", "median"], "customers": ["median"], "name": ["segment"]}[order]
    return list(whole.sort_values(by, ascending=order == "name", na_position="last", kind="stable")["segment"].head(MOST_SEGMENTS))


def segment_value(row: pd.Series, measure: str, translator: Translator) -> str:
    """A rate with one digit after the point, or customers; a dash where there are too few to say."""
    value = row[measure]
    if pd.isna(value):
        return translator.text("report.unknown")
    return translator.decimal(float(value), digits=2) if measure == "rate_median" else customers(float(value), translator)


def _range(row: pd.Series, measure: str, translator: Translator) -> str:
    ends = [row[measure.replace("median", end)] for end in ("lower", "upper")]
    if any(map(pd.isna, ends)):
        return translator.text("report.unknown")
    low, high = (segment_value(pd.Series({measure: end}), measure, translator) for end in ends)
    return translator.text("report.range", low=low, high=high)


def takeaway_segment_dots(frame: pd.DataFrame, translator: Translator) -> str:
    """The segment with the largest rate beside the smallest, and the category that is largest there: the alternative text."""
    whole = frame[(frame["category"] == "") & frame["rate_median"].notna()].sort_values("rate_median", ascending=False)
    if len(whole) < 2:
        return translator.text("where.none")
    most, least = whole.iloc[0], whole.iloc[-1]
    own = frame[(frame["segment"] == most["segment"]) & (frame["category"] != "")].sort_values("median", ascending=False)
    names = [row["segment"] or translator.text("report.all_segments") for row in (most, least)]
    rates = [translator.decimal(float(row["rate_median"]), digits=2) for row in (most, least)]
    spans = [_range(row, "rate_median", translator) for row in (most, least)]
    clear = "clear" if most["rate_lower"] > least["rate_upper"] else "open"
    values = {"most": names[0], "least": names[1], "high": rates[0], "low": rates[1], "high_range": spans[0], "low_range": spans[1]}
    return translator.text(f"where.{clear}", **values, category=own.iloc[0]["category"])
