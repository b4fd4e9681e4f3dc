"""Draws how far the model is right: counts beside the range that the fit predicts for them, and how often ranges hold the truth."""

from __future__ import annotations

from datetime import date

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.model.departures.predictive import REST
from iceberg.report.charts.base import (
    axis_title,
    finish,
    note,
    palette_of,
    percent_expr,
    range_texts,
    ratio_expr,
    stroke_legend,
    worded_tooltip,
)
from iceberg.report.charts.dots import row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.tables.coverage import EVERYTHING
from iceberg.report.takeaways import band_text, takeaway_checks, takeaway_coverage
from iceberg.report.words import share

ROW_PX = {False: 30, True: 44}
COVERAGE_PX = 340
LEAST_REACH = 2.0  # half-widths left and right of the middle that are always in the picture


def build_checks(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False) -> LayeredChart:
    """One row per pattern, one dot per place; the band in the middle is where nine of ten dots should lie.

    Args:
        frame: `iceberg.report.tables.checks.checks_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        narrow: Phone.
    """
    description = takeaway_checks(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    kinds = [translator.text("report.chart.check_fits"), translator.text("report.chart.check_missed")]
    patterns = [translator.text(f"report.checks.{what}_{axis}") for what, axis in zip(frame["what"], frame["axis"], strict=True)]
    names = list(dict.fromkeys(patterns))
    label_of = dict(zip(names, row_labels(names, narrow=narrow), strict=True))
    data = frame[["deviation"]].assign(
        label=[label_of[pattern] for pattern in patterns],
        pattern=patterns,
        kind=[kinds[bool(misfit)] for misfit in frame["misfit"]],
        place=[place_text(axis, place, translator) for axis, place in zip(frame["axis"], frame["place"], strict=True)],
        observed_text=[translator.integer(value) for value in frame["observed_customers"]],
        range_text=range_texts(frame["predicted_lower"], frame["predicted_upper"], lambda value, words: words.integer(value), translator),
    )
    bands = data[["label"]].drop_duplicates().assign(from_end=-1.0, to_end=1.0)
    reach = max(float(frame["deviation"].abs().max()) * 1.08, LEAST_REACH)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    title = axis_title(translator.text("report.axis.deviation"), narrow=narrow)
    x = alt.X("deviation:Q", scale=scale, axis=alt.Axis(title=title, labelExpr=ratio_expr(translator), tickCount=5, grid=False))
    y = rows_axis(list(label_of.values()), narrow=narrow)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[palette.silent, palette.folk]),
        legend=alt.Legend(symbolType="circle", symbolOpacity=1, columns=1 if narrow else 2),
    )
    hints = worded_tooltip(translator, pattern="pattern", place="place", observed_text="observed", range_text="predicted")
    layers = [
        drawing(bands).marked("bar", color=palette.grid, opacity=0.9, height=ROW_PX[narrow] * 0.55).encode(
            x=alt.X("from_end:Q", scale=scale), x2="to_end", y=y
        ),
        drawing(data).marked("circle", size=60, opacity=0.8).encode(x=x, y=y, color=colour, tooltip=hints),
    ]
    return finish(layers, theme, description=description, height=ROW_PX[narrow] * len(names) + 10)


def place_text(axis: str, place: str, translator: Translator) -> str:
    """A month, a quarter, a tenure band or a segment in words."""
    if place == REST:
        return translator.text("report.checks.rest")
    if axis in {"month", "entry"}:
        month = translator.month(date.fromisoformat(place))
        return translator.text("report.checks.quarter", month=month) if axis == "entry" else month
    if axis == "tenure":
        low, _, high = place.partition("-")
        return band_text(float(low), float(high or "nan"), translator, unit="months")
    return place or translator.text("report.all_segments")


def written_checks(frame: pd.DataFrame, translator: Translator) -> pd.DataFrame:
    """The rows of `checks_table` with their patterns and places in words."""
    return frame.assign(
        what=[translator.text(f"report.checks.{what}_{axis}") for what, axis in zip(frame["what"], frame["axis"], strict=True)],
        place=[place_text(axis, place, translator) for axis, place in zip(frame["axis"], frame["place"], strict=True)],
    ).drop(columns="axis")


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
    return finish(layers, theme, description=description, height=COVERAGE_PX, y_title=translator.text("report.axis.actual"))
