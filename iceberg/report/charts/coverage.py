"""Draws nominal against actual coverage: does a 90 % range hold the truth nine times in ten?"""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import finish, note, palette_of, percent_expr, stroke_legend, worded_tooltip
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.tables.coverage import EVERYTHING
from iceberg.report.takeaways import takeaway_coverage
from iceberg.report.words import share

HEIGHT_PX = 340


def build_coverage(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False) -> LayeredChart:
    """One pale line per family of simulated companies, a thick one for all, and the diagonal on which a range keeps its promise.

    Args:
        frame: `iceberg.report.tables.coverage_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        narrow: Phone.
    """
    description = takeaway_coverage(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    kinds = [translator.text(f"report.chart.coverage_{kind}") for kind in ("all", "family", "promise")]
    data = frame.assign(
        kind=[kinds[0] if family == EVERYTHING else kinds[1] for family in frame["family"]],
        name=[translator.text(f"report.families.{family}") for family in frame["family"]],
        nominal_text=[share(value, translator) for value in frame["nominal"]],
        actual_text=[share(value, translator) for value in frame["actual"]],
    )
    low = min(float(frame["nominal"].min()), float(frame["actual"].min())) - 0.03
    promise = pd.DataFrame({"nominal": [low, 1.0], "actual": [low, 1.0], "kind": kinds[2]})
    percents = percent_expr(translator)
    x = alt.X(
        "nominal:Q",
        scale=alt.Scale(domain=[low, 1], nice=False),
        axis=alt.Axis(title=translator.text("report.axis.nominal"), labelExpr=percents, values=[0.5, 0.8, 0.9, 0.95], grid=False),
    )
    y = alt.Y(
        "actual:Q",
        scale=alt.Scale(domain=[low, 1], nice=False),
        axis=alt.Axis(title=None, labelExpr=percents, tickCount=5),
    )
    colours = alt.Scale(domain=kinds, range=[palette.silent, palette.prior, palette.muted_text])
    colour = alt.Color("kind:N", scale=colours, legend=stroke_legend(kinds, narrow=narrow))
    hints = worded_tooltip(translator, name="family", nominal_text="nominal", actual_text="actual")
    families, together = drawing(data[data["family"] != EVERYTHING]), drawing(data[data["family"] == EVERYTHING])
    layers = [
        drawing(promise).marked("line", strokeWidth=1.5, strokeDash=[5, 4]).encode(x=x, y=y, color=colour),
        families.marked("line", strokeWidth=1.5, opacity=0.55).encode(x=x, y=y, color=colour, detail="name:N"),
        families.marked("circle", size=40, opacity=0.7).encode(x=x, y=y, color=colour, tooltip=hints),
        together.marked("line", strokeWidth=4).encode(x=x, y=y, color=colour),
        together.marked("circle", size=110, opacity=1).encode(x=x, y=y, color=colour, tooltip=hints),
    ]
    return finish(layers, theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.actual"))
