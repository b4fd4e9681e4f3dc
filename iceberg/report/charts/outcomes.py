"""Draws how a number came about: the steps from the counts to the silent leavers, and its uncertainty as equally likely outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from iceberg.locale import Translator, visible
from iceberg.report.charts.base import axis_title, finish, note, number_expr, palette_of, worded_tooltip
from iceberg.report.charts.iceberg.text_width import wrapped
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme, category_colours
from iceberg.report.takeaways import takeaway_origin, takeaway_outcomes
from iceberg.report.words import customers

DOT_PX = 15
ROW_PX = {1: 34, 2: 34, 3: 46, 4: 60}  # by the lines that the longest name takes
MOST_LINES = {False: 3, True: 4}  # of a name; on a phone it has half the width
LABEL_PX, NARROW_LABEL_PX = 210, 118
LABEL_SIZE = 12
COLUMNS_OF_DOTS = 14  # judgement: so many places along the axis keep the heaps low and the shape visible


def build_waterfall(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, categories: Sequence[str] = (), narrow: bool = False
) -> LayeredChart:
    """One bar per step from the counts to each category (`iceberg.report.tables.origin.origin_table`), with its number beside it.

    Args:
        frame: One row per step.
        translator: Language.
        theme: ``light`` or ``dark``.
        categories: In the order of their colours.
        narrow: Phone.
    """
    description = takeaway_origin(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    colours = category_colours(categories or list(frame["category"]), theme)
    of_step = {"complained": palette.vocal, "left": palette.muted_text, "natural": palette.noise, "caused": palette.silent, "others": palette.prior}
    names = [_name(row, translator) for row in frame.to_dict("records")]
    room = NARROW_LABEL_PX if narrow else LABEL_PX
    shown = frame.assign(
        place=range(len(frame)),
        name=names,
        colour=[of_step.get(step) or colours[category] for step, category in zip(frame["step"], frame["category"], strict=True)],
        label=[_number(row, translator) for row in frame.to_dict("records")],
        labels_at=np.maximum(frame["end"], np.where(frame["step"] == "caused", frame["upper"], 0.0)),
    )
    lines = [wrapped(name, room, LABEL_SIZE, lines=MOST_LINES[narrow]) for name in names]
    row_px = ROW_PX[max(map(len, lines))]
    shown["short"] = ["\n".join([f"{place:02d}{name[0]}", *name[1:]]) for place, name in enumerate(lines)]
    rows = alt.Axis(title=None, labelExpr="split(slice(datum.label, 2), '\\n')", labelLimit=room + 20, ticks=False, domain=False)
    y = alt.Y("short:N", sort=None, axis=rows)
    base = drawing(shown).encode(y=y)
    scale = alt.Scale(domain=[0, float(shown["labels_at"].max()) * (1.8 if narrow else 1.3)], nice=False)
    x = alt.X("start:Q", scale=scale, axis=alt.Axis(title=axis_title(translator.text("report.axis.customers"), narrow=narrow), tickCount=4,
                                                   labelExpr=number_expr(translator)))  # fmt: skip
    hints = worded_tooltip(translator, name="step", label="value")
    total = shown[shown["step"] == "caused"]
    layers = [
        base.marked("bar", height=20, cornerRadius=2).encode(x=x, x2="end", color=alt.Color("colour:N", scale=None), tooltip=hints),
        drawing(total).marked("rule", strokeWidth=2, color=palette.text).encode(y=y, x=alt.X("lower:Q"), x2="upper"),
        base.marked("text", align="left", dx=6, fontSize=LABEL_SIZE).encode(x=alt.X("labels_at:Q"), text="label:N"),
    ]
    return finish(layers, theme, description=description, height=row_px * len(frame))


def _name(row: Mapping[Any, Any], translator: Translator) -> str:
    return visible(str(row["category"])) if row["step"] == "category" else translator.text(f"report.origin.{row['step']}")


def _number(row: Mapping[Any, Any], translator: Translator) -> str:
    """Counts in full, estimates as a range."""
    if row["step"] in {"complained", "left"}:
        return translator.integer(float(str(row["median"])))
    low, high = (customers(float(str(row[end])), translator) for end in ("lower", "upper"))
    return translator.text("report.range", low=low, high=high)


def build_outcomes(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, chance: float | None = None) -> LayeredChart:
    """Equally likely outcomes as dots (`iceberg.report.tables.origin.outcomes_table`), with a line where chance alone ends.

    Args:
        frame: One row per dot.
        translator: Language.
        theme: ``light`` or ``dark``.
        chance: What chance alone gives at most; None without a test.
    """
    description = takeaway_outcomes(frame, translator, chance=chance)
    if frame.empty or not frame["value"].max():
        return note(description, theme)
    palette = palette_of(theme)
    high = max(float(frame["value"].max()), chance or 0.0)
    width = high / COLUMNS_OF_DOTS
    column = (frame["value"] // width).clip(upper=COLUMNS_OF_DOTS - 1)
    above, within = translator.text("report.chart.above_chance"), translator.text("report.chart.within_chance")
    shown = frame.assign(
        at=(column + 0.5) * width,
        height=column.groupby(column).cumcount() + 0.5,
        kind=[within if chance is not None and value <= chance else above for value in frame["value"]],
        label=[customers(value, translator) for value in frame["value"]],
    )
    tallest = float(shown["height"].max()) + 0.5
    tested = chance is not None
    kinds = [above, within] if tested else [above]
    legend = alt.Legend(symbolType="circle", symbolSize=120) if tested else None
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[palette.silent, palette.muted_text][: len(kinds)]), legend=legend)
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, high * 1.05], nice=False),
              axis=alt.Axis(title=translator.text("report.axis.silent"), labelExpr=number_expr(translator), tickCount=5, grid=False))  # fmt: skip
    layers = [
        drawing(shown).marked("circle", size=DOT_PX * DOT_PX * 0.8, opacity=1).encode(
            x=x,
            y=alt.Y("height:Q", axis=None, scale=alt.Scale(domain=[0, tallest], nice=False)),
            color=colour,
            tooltip=worded_tooltip(translator, label="value"),
        )
    ]
    if tested:
        line = pd.DataFrame({"chance": [chance]})
        layers.append(drawing(line).marked("rule", strokeDash=[4, 3], strokeWidth=2, color=palette.muted_text).encode(x=alt.X("chance:Q")))
    return finish(layers, theme, description=description, height=DOT_PX * tallest + 8)
