"""Draws a comparison: how far each category's rate moved, with its 90 % range, left of zero where it fell."""

from __future__ import annotations

from textwrap import wrap

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, note, palette_of, range_texts, ratio_expr, worded_tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.iceberg.text_width import text_width
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import share

_PLOT_PX = {False: 520, True: 180}  # at the narrowest
_TITLE_SIGNS = 32  # of a line under the narrow plot


def build_changes(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, axis_title: str, narrow: bool = False
) -> LayeredChart:
    """Change of each category's rate: dot at the median, 90 % range, the probability that it fell after it; colour and place tell the verdict.

    Args:
        frame: `iceberg.report.comparison.comparison_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The takeaway.
        axis_title: What a rate is per.
        narrow: Phone.
    """
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    data = frame[["category", "probability_fell"]].assign(
        lower=frame["rate_change_lower"],
        median=frame["rate_change_median"],
        upper=frame["rate_change_upper"],
        zero=0.0,
        said_at=frame["rate_change_upper"].clip(lower=0.0),  # right of the line: words that cross it cannot be read
        label=row_labels(frame["category"].tolist(), narrow=narrow),
        kind=[translator.text(f"compare.verdict.{verdict}") for verdict in frame["verdict"]],
        end_text=[_likelier(value, translator) for value in frame["probability_fell"]],
        middle_text=[_signed(value, translator) for value in frame["rate_change_median"]],
        range_text=range_texts(frame["rate_change_lower"], frame["rate_change_upper"], _signed, translator, key="report.range_words"),
        probability_text=[share(value, translator) for value in frame["probability_fell"]],
    )
    order = [translator.text(f"compare.verdict.{verdict}") for verdict in ("fell", "probably_fell", "open", "probably_rose", "rose")]
    inks = [palette.silent, palette.silent, palette.prior, palette.folk, palette.folk]
    present = [(name, ink) for name, ink in zip(order, inks, strict=True) if name in set(data["kind"])]
    colour = alt.Color("kind:N", scale=alt.Scale(domain=[name for name, _ in present], range=[ink for _, ink in present]), legend=None)
    room = max(text_width(text, 12) for text in data["end_text"]) + 14
    low, high = min(float(data["lower"].min()), 0.0), max(float(data["upper"].max()), 0.0)
    width = max(high - low, 1e-9)
    scale = alt.Scale(domain=[low - 0.03 * width, high + width * room / max(_PLOT_PX[narrow] - room, 120)], nice=False)
    axis = alt.Axis(title=wrap(axis_title, _TITLE_SIGNS) if narrow else axis_title, labelExpr=ratio_expr(translator), tickCount=4 if narrow else 6)
    y = rows_axis(data["label"].tolist(), narrow=narrow)
    hints = worded_tooltip(translator, category="category", middle_text="most_likely", range_text="range", probability_text="fell")
    base = drawing(data)
    layers = [
        drawing(data.iloc[:1]).marked("rule", strokeWidth=1.5, color=palette.text).encode(x=alt.X("zero:Q", scale=scale)),
        base.marked("rule", strokeWidth=7, strokeCap="round", opacity=0.45).encode(
            x=alt.X("lower:Q", scale=scale, axis=axis), x2="upper", y=y, color=colour, tooltip=hints
        ),
        base.marked("circle", size=150, opacity=1, stroke=palette.page, strokeWidth=1.5).encode(
            x=alt.X("median:Q", scale=scale), y=y, color=colour, tooltip=hints
        ),
        base.marked("text", align="left", dx=10, baseline="middle", color=palette.muted_text).encode(
            x=alt.X("said_at:Q", scale=scale), y=y, text="end_text:N"
        ),
    ]
    return finish(layers, theme, description=description, height=ROW_PX[narrow] * len(data) + 10)


def _likelier(fell: float, translator: Translator) -> str:
    """What is likelier of a category, that it fell or that it rose, and how likely."""
    if fell >= 0.5:
        return translator.text("compare.fell_with", probability=share(fell, translator))
    return translator.text("compare.rose_with", probability=share(1 - fell, translator))


def _signed(value: float, translator: Translator) -> str:
    return ("+" if value > 0 else "") + translator.decimal(value)
