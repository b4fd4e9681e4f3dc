"""Draws the journey as a coastline: steps from left to right, complainants above the water, the silent churn below it with its range, and buoys."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import LABEL_SIZE, finish, note, number_expr, palette_of, range_texts, tooltip
from iceberg.report.charts.iceberg.text_width import shortened
from iceberg.report.charts.journey.sea_floor import sea_floor
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Palette, Theme
from iceberg.report.words import share

HEIGHT_PX = {False: 340, True: 300}
_NAME_PX = {False: 130, True: 110}  # on a phone names stand in two rows in turn, and so have the room of two steps
_ROW_PX = LABEL_SIZE * 1.35
_BUOY_AT = {False: 0.3, True: 0.38}  # beside the bar of its step
_BUOY_SIZE, _BUOY_PX = 420, 16  # area and room of a buoy: names stand above it
_DASH = [3, 3]
_APART = 0.5  # what has no step stands so much further away


def build_coastline(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, narrow: bool = False, width: float | None = None
) -> LayeredChart:
    """Depth below the waterline is the silent churn of each step, its whisker the 90 % range; bars above it are complainants; buoys are good moments.

    A buoy has a number where its kind keeps customers beyond doubt; elsewhere it is dashed. Its size says nothing.

    Args:
        frame: `iceberg.report.journey.sentences.journey_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    if frame.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    data = _rows(frame, translator, narrow=narrow)
    steps = data[data["kind"] == "step"]
    floor = sea_floor(steps["at"].to_numpy(), steps["depth"].to_numpy())
    x_scale, y_scale = _scales(data, narrow=narrow)
    axis = alt.Axis(title=None, labelExpr=_depth_expr(translator), tickCount=5)
    x = alt.X("at:Q", scale=x_scale, axis=None)
    hints = tooltip(
        ("stage", translator.text("journey.stage")),
        ("lost_text", translator.text("journey.silent")),
        ("range_text", translator.text("report.tooltip.range")),
        ("share_text", translator.text("journey.share")),
        ("chance_text", translator.text("journey.probability")),
        ("heard_text", translator.text("journey.vocal")),
        ("categories", translator.text("journey.categories")),
        *((("buoy_says", translator.text("journey.buoy_moments")),) if (data["buoy"] != "").any() else ()),
    )
    points = drawing(data)
    outside = points.marked("circle", size=110, opacity=1, fill=palette.page, stroke=palette.prior, strokeWidth=2).where("kind", "none")
    # A layer without marks would be a picture without a name to a screen reader.
    unplaced = [outside.encode(x=x, y=alt.Y("depth:Q", scale=y_scale), tooltip=hints)] if (data["kind"] == "none").any() else []
    layers = []
    if not floor.empty:
        sea = drawing(floor).marked("area", color=palette.berg_below, opacity=0.55, line=False)
        layers.append(sea.encode(x=x, y=alt.Y("surface:Q", scale=y_scale, axis=axis), y2="depth"))
    bar = points.marked("bar", color=palette.vocal, opacity=0.9, size=14 if narrow else 26)
    layers += [
        bar.encode(x=x, y=alt.Y("surface:Q", scale=y_scale, axis=axis), y2="heard", tooltip=hints),
        drawing(data.iloc[:1].assign(start=-0.5, end=_reach(data) + 0.5)).marked("rule", strokeWidth=2, color=palette.text).encode(
            x=alt.X("start:Q", scale=x_scale, axis=None), x2=alt.X2("end"), y=alt.Y("surface:Q", scale=y_scale)
        ),
        points.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.4, color=palette.silent).encode(
            x=x, y=alt.Y("low_depth:Q", scale=y_scale), y2="high_depth", tooltip=hints
        ),
        points.marked("circle", size=130, opacity=1, fill=palette.silent, stroke=palette.page).where("kind", "step").encode(
            x=x, y=alt.Y("depth:Q", scale=y_scale), tooltip=hints
        ),
        *unplaced,
        *_buoys(points, data, palette, x_scale, y_scale, hints),
        *(
            points.marked("text", baseline="bottom", dy=-4 - int(row) * _ROW_PX, fontSize=LABEL_SIZE, fontWeight="bold").where("row", row).encode(
                x=x, y=alt.Y("top:Q", scale=y_scale), text="label:N"
            )
            for row in sorted(set(data["row"]))
        ),
        points.marked("text", baseline="top", dy=8, color=palette.muted_text, fontSize=LABEL_SIZE).encode(
            x=x, y=alt.Y("high_depth:Q", scale=y_scale), text="share_text:N"
        ),
    ]
    title = translator.text(f"journey.depth_axis{'_short' if narrow else ''}")
    return finish(layers, theme, description=description, height=HEIGHT_PX[narrow], width=width, y_title=title)


def _scales(data: pd.DataFrame, *, narrow: bool) -> tuple[alt.Scale, alt.Scale]:
    """Along the steps and down; where there are buoys, names stand above them, which `data` is changed for."""
    deepest, highest = float(data["upper"].max()), float(data["heard"].max())
    bottom, top = max(deepest, 1.0) * 1.14, max(highest, 0.12 * deepest, 1.0)
    if (data["buoy"] != "").any():
        clear = (top + bottom) * _BUOY_PX / HEIGHT_PX[narrow]
        data["top"] = data["top"].clip(lower=clear)
        top = max(top, 1.5 * clear)
    highest_name = top + (0.14 * (top + bottom) if narrow else 0.25 * top)
    return alt.Scale(domain=[-0.5, _reach(data) + 0.5], nice=False), alt.Scale(domain=[-bottom, highest_name], nice=False)


def _reach(data: pd.DataFrame) -> float:
    return float(data["at"].max())


def _buoys(
    points: Drawing, data: pd.DataFrame, palette: Palette, x_scale: alt.Scale, y_scale: alt.Scale, hints: list[alt.Tooltip]
) -> list[Drawing]:
    """A round mark at the waterline per step with good moments, dashed where nothing is certain, with a number where it is."""
    layers = []
    x, y = alt.X("buoy_at:Q", scale=x_scale, axis=None), alt.Y("surface:Q", scale=y_scale)
    for kind in ("certain", "open"):
        if (data["buoy"] == kind).any():
            line: dict[str, Any] = {"strokeWidth": 3} if kind == "certain" else {"strokeWidth": 2, "strokeDash": _DASH}
            mark = points.marked("circle", size=_BUOY_SIZE, opacity=1, fill=palette.page, stroke=palette.text, **line)
            layers.append(mark.where("buoy", kind).encode(x=x, y=y, tooltip=hints))
            text = points.marked("text", baseline="middle", fontSize=LABEL_SIZE, fontWeight="bold").where("buoy", kind)
            layers.append(text.encode(x=x, y=y, text="buoy_text:N", tooltip=hints))
    return layers


def _rows(frame: pd.DataFrame, translator: Translator, *, narrow: bool) -> pd.DataFrame:
    """One row per step with its place, depths below 0, and texts."""
    places = np.arange(len(frame), dtype=float) + np.where(frame["placed"], 0.0, _APART)
    heard = frame["vocal"].astype("Float64").fillna(0).astype(float)
    unknown = translator.text("report.unknown") if translator.has("report.unknown") else "–"
    return frame.assign(
        at=places,
        buoy_at=places + _BUOY_AT[narrow],
        surface=0.0,
        heard=heard,
        top=heard.max() if narrow else heard,
        row=[str(place % 2) if narrow else "0" for place in range(len(frame))],
        depth=-frame["median"],
        low_depth=-frame["lower"],
        high_depth=-frame["upper"],
        kind=["step" if placed else "none" for placed in frame["placed"]],
        label=[shortened(name, _NAME_PX[narrow], LABEL_SIZE) for name in frame["stage"]],
        lost_text=[translator.integer(value) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], lambda value, words: words.integer(value), translator, key="report.range_words"),
        share_text=[share(value, translator) for value in frame["share_median"]],
        chance_text=[unknown if value is None or np.isnan(value) else share(value, translator) for value in frame["probability"].astype(float)],
        heard_text=[unknown if value is None or pd.isna(value) else translator.integer(value) for value in frame["vocal"]],
    )


def _depth_expr(translator: Translator) -> str:
    """Depths are written without their sign."""
    return number_expr(translator).replace("datum.value", "abs(datum.value)")
