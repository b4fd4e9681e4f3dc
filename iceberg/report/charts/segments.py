"""Draws segments beside each other: a row per segment, a dot per category whose area is the rate, the whole rate in words at the left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import category_scale, finish, note, palette_of, range_texts, ratio_expr, worded_tooltip
from iceberg.report.charts.dots import MOST_SEGMENTS, ROW_PX, row_labels, rows_axis
from iceberg.report.charts.iceberg.text_width import wrapped
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.takeaways import rate_text, segment_range, segment_value, takeaway_segment_dots, takeaway_segment_pair

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
        range_text=[segment_range(row, measure, translator) for _, row in data.iterrows()],
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


def build_segment_pair(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, pair: tuple[str, str], categories: Sequence[str], narrow: bool = False
) -> LayeredChart:
    """Two segments, a row per category: a disc for the first, a diamond for the second, each with its 90 % range.

    Args:
        frame: `iceberg.report.tables.segments.segment_pair`.
        translator: Language.
        theme: ``light`` or ``dark``.
        pair: Names of the two.
        categories: All categories in the order of the study, for their colours.
        narrow: Phone.
    """
    palette = palette_of(theme)
    names = [name or translator.text("report.all_categories") for name in frame["category"]]
    labels = row_labels(names, narrow=narrow)
    colours = dict(zip(category_scale(categories, theme).domain, category_scale(categories, theme).range, strict=True))
    parts = []
    for place, (stem, name) in enumerate(zip(("first", "second"), pair, strict=True)):
        own = frame[["category"]].assign(
            lower=frame[f"{stem}_lower"], median=frame[f"{stem}_median"], upper=frame[f"{stem}_upper"], label=labels, name=names,
            segment=name or translator.text("report.all_segments"), place=place, ink=[colours.get(one, palette.text) for one in frame["category"]],
        )  # fmt: skip
        own["range_text"] = range_texts(own["lower"], own["upper"], rate_text, translator, key="report.range_words")
        own["value_text"] = [rate_text(value, translator) for value in own["median"]]
        parts.append(own)
    data = pd.concat(parts, ignore_index=True)
    said = [name or translator.text("report.all_segments") for name in pair]
    shape = alt.Shape(
        "segment:N",
        scale=alt.Scale(domain=said, range=["circle", "diamond"]),
        legend=alt.Legend(title=None, orient="top", symbolFillColor=palette.text, symbolStrokeColor=palette.text, labelLimit=0),
    )
    offset = alt.YOffset("place:O", scale=alt.Scale(domain=[0, 1], paddingInner=0.4))
    title = translator.text("where.axis_short" if narrow else "where.axis")
    axis = alt.Axis(title=title, labelExpr=ratio_expr(translator), tickCount=4 if narrow else 6)
    y, ink = rows_axis(labels, narrow=narrow), alt.Color("ink:N", scale=None)
    hints = worded_tooltip(translator, segment="segment", name="category", value_text="rate", range_text="range")
    base = drawing(data)
    layers = [
        base.marked("rule", strokeWidth=5, strokeCap="round", opacity=0.4).encode(
            x=alt.X("lower:Q", axis=axis), x2="upper", y=y, yOffset=offset, color=ink, tooltip=hints
        ),
        base.marked("point", size=110, filled=True, opacity=1, stroke=palette.page).encode(
            x=alt.X("median:Q"), y=y, yOffset=offset, color=ink, shape=shape, tooltip=hints
        ),
    ]
    return finish(layers, theme, description=takeaway_segment_pair(frame, pair, translator), height=(ROW_PX[narrow] + 4) * len(labels) + 10)
