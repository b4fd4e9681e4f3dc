"""Draws how each category was answered: three dots with their ranges per category. No radar (its area misleads), no ranking of people."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.cohort.audit.record import HIGHEST, HUMS, LOWEST
from iceberg.locale import Translator
from iceberg.report.charts.base import axis_title, finish, legend_columns, note, number_expr, palette_of, tooltip
from iceberg.report.charts.dots import row_labels, row_px, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme

_SHAPES = ("circle", "square", "triangle-up")  # beside the colours, which are not the only signal
_LEAST_ROW_PX = 58.0


def build_hums(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """The scores of each category on the three HUMs, with their 90 % ranges.

    Args:
        frame: `iceberg.report.audit.sentences.audit_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    if frame.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    names = {hum: translator.text(f"audit.hums.{hum}") for hum in HUMS}
    categories = list(dict.fromkeys(frame["category"]))
    labels = row_labels(categories, narrow=narrow)
    data = frame.assign(
        label=[labels[categories.index(name)] for name in frame["category"]],
        name=[names[hum] for hum in frame["hum"]],
        middle_text=[translator.decimal(value, 1) for value in frame["median"]],
        range_text=[
            translator.text("report.range_words", low=translator.decimal(low, 1), high=translator.decimal(high, 1))
            for low, high in zip(frame["lower"], frame["upper"], strict=True)
        ],
        cases_text=[translator.integer(value) for value in frame["cases"]],
    )
    hints = tooltip(
        ("category", translator.text("audit.category")), ("name", " "), ("middle_text", translator.text("audit.score")),
        ("range_text", translator.text("report.tooltip.range")), ("cases_text", translator.text("audit.cases_of")),
    )  # fmt: skip
    domain = list(names.values())
    colours = [palette.silent, palette.vocal, palette.categories[2]]
    legend = alt.Legend(title=None, orient="top", labelLimit=0, columns=legend_columns(domain, narrow=narrow))
    colour = alt.Color("name:N", scale=alt.Scale(domain=domain, range=colours), legend=legend)
    shape = alt.Shape("name:N", scale=alt.Scale(domain=domain, range=list(_SHAPES)), legend=legend)
    axis = alt.Axis(
        title=axis_title(translator.text("audit.score"), narrow=narrow), labelExpr=number_expr(translator), values=list(range(LOWEST, HIGHEST + 1))
    )
    scale = alt.Scale(domain=[LOWEST, HIGHEST], nice=False)
    beside = alt.YOffset("name:N", scale=alt.Scale(domain=domain))
    y = rows_axis(labels, narrow=narrow)
    base = drawing(data)
    layers = [
        base.marked("rule", strokeWidth=2.5, strokeCap="round").encode(
            x=alt.X("lower:Q", scale=scale, axis=axis), x2="upper", y=y, yOffset=beside, color=colour, tooltip=hints
        ),
        base.marked("point", size=110, filled=True, opacity=1).encode(
            x=alt.X("median:Q", scale=scale, axis=axis), y=y, yOffset=beside, color=colour, shape=shape, tooltip=hints
        ),
    ]
    height = max(row_px(labels, narrow=narrow), _LEAST_ROW_PX) * len(labels) + 10
    return finish(layers, theme, description=description, height=height, width=width)
