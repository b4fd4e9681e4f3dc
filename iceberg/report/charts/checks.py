"""Draws what the model does not reproduce: every observed count beside the range that the fit predicts for it."""

from __future__ import annotations

from datetime import date

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.model.departures.predictive import REST
from iceberg.report.charts.base import axis_title, finish, note, palette_of, range_texts, ratio_expr, worded_tooltip
from iceberg.report.charts.dots import row_labels, rows_axis
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.takeaways import band_text, takeaway_checks

ROW_PX = {False: 30, True: 44}
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
