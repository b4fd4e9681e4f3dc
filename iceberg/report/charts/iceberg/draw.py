"""Draws the iceberg that `layout.lay_out` has laid out."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import category_scale, finish, note, palette_of, worded_tooltip
from iceberg.report.charts.iceberg.geometry import BergLayout
from iceberg.report.charts.iceberg.layout import lay_out
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Palette, Theme
from iceberg.report.takeaways import amount, takeaway_iceberg
from iceberg.report.words import customers, share

SELECTION = "category"


def build_iceberg(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    totals: dict[str, float],
    narrow: bool = False,
    width: float | None = None,
    selected: str | None = None,
    currency: str = "EUR",
) -> LayeredChart:
    """The iceberg: waterline at zero, complainants above, silent leavers with 90 % whiskers below, the largest in the middle.

    A click on a column selects it: the selection is named ``category`` and holds the field ``category``.

    Args:
        frame: `iceberg.report.tables.estimate.iceberg_table`; a column ``place`` sets the order of bars and colours.
        translator: Language.
        theme: ``light`` or ``dark``.
        totals: vocal, low, high of the whole company (`iceberg_totals`); complainants of several categories count once there.
        narrow: The phone's picture: letters on the columns and a list below them.
        width: Narrowest width it will be shown at; the chart fills its container (narrow: exactly this width).
        selected: Category to show as already chosen.
        currency: ISO code for the tooltip.
    """
    description = takeaway_iceberg(frame, translator, totals=totals)
    if frame.empty or not (frame["vocal_customers"].sum() or frame["silent_upper"].sum()):
        return note(description, theme, height=200, width=width)
    if "place" in frame:
        frame = frame.sort_values("place", ignore_index=True)  # the colours follow it too
    palette = palette_of(theme)
    layout = lay_out(frame, translator, totals=totals, narrow=narrow, width=width)
    columns = _worded(layout.columns, translator, currency)
    choice = alt.TopLevelSelectionParameter(
        name=SELECTION,
        select={"type": "point", "fields": ["category"]},
        value=alt.Undefined if selected is None else [{"category": selected}],
        views=["columns"],
    )
    layers = [
        *_scenery(layout, palette),
        *_ice(layout, palette),
        *_bars(columns, frame, layout, palette, theme),
        *_leaders(layout, palette),
        *_texts(layout, palette),
        *_list_marks(frame, layout, palette, theme),
        _hit_area(columns, layout, translator),
    ]
    return finish(
        layers,
        theme,
        selection=choice,
        resolve={"scale": {"color": "independent"}},
        description=description,
        height=layout.height_px,
        width=layout.width_px if narrow else None,
    )


def _worded(columns: pd.DataFrame, translator: Translator, currency: str) -> pd.DataFrame:
    def span(row: pd.Series, stem: str) -> str:
        ends = (row[f"{stem}_lower"], row[f"{stem}_upper"])
        if any(pd.isna(end) for end in ends):
            return translator.text("report.unknown")
        unit = currency if stem == "revenue_lost" else None
        low, high = (amount(float(end), translator, unit) for end in ends)
        return translator.text("report.range", low=low, high=high)

    return columns.assign(
        vocal_text=[translator.integer(value) for value in columns["vocal_customers"]],
        middle_text=[customers(value, translator) for value in columns["silent_median"]],
        range_text=[span(row, "silent") for _, row in columns.iterrows()],
        money_text=[span(row, "revenue_lost") for _, row in columns.iterrows()],
        share_text=[
            translator.text("report.unknown") if pd.isna(value) else share(value, translator)
            for value in columns["silent_share"]
        ],
        zero=0.0,
        silent_down=-columns["silent_median"],
        lower_down=-columns["silent_lower"],
        upper_down=-columns["silent_upper"],
    )


def _x(field: str, layout: BergLayout) -> alt.X:
    scale = alt.Scale(domain=list(layout.slots), nice=False, zero=False)
    return alt.X(f"{field}:Q", scale=scale, axis=None)


def _y(field: str, layout: BergLayout) -> alt.Y:
    domain = [layout.depth(layout.height_px), layout.depth(0)]
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=domain, nice=False, zero=False), axis=None)


def _gradient(*colours: str) -> dict[str, Any]:
    stops = [{"offset": index / (len(colours) - 1), "color": colour} for index, colour in enumerate(colours)]
    return {"gradient": "linear", "x1": 0, "y1": 0, "x2": 0, "y2": 1, "stops": stops}


def _scenery(layout: BergLayout, palette: Palette) -> list[Drawing]:
    """Sky, sea, a few swells of light under the surface, and the waterline itself, at zero."""
    low, high = layout.slots
    top, bottom = layout.depth(0), layout.depth(layout.height_px)
    ground = pd.DataFrame({"left": [low], "right": [high], "surface": [0.0], "top": [top], "bottom": [bottom]})
    base = drawing(ground)
    sky = base.marked("rect", color=_gradient(*palette.sky), cornerRadiusTopLeft=10, cornerRadiusTopRight=10)
    sea = base.marked("rect", color=_gradient(*palette.sea), cornerRadiusBottomLeft=10, cornerRadiusBottomRight=10)
    swells = pd.DataFrame(
        [
            {
                "swell": swell,
                "x": low + (high - low) * step / 48,
                "y": layout.depth(layout.waterline_px + 7 + 9 * swell + 2.2 * math.sin(step / (2.6 + swell) + swell)),
            }
            for swell in range(3)
            for step in range(49)
        ]
    )
    return [
        sky.encode(x=_x("left", layout), x2="right", y=_y("top", layout), y2="surface"),
        sea.encode(x=_x("left", layout), x2="right", y=_y("surface", layout), y2="bottom"),
        drawing(swells)
        .marked("line", color=palette.waterline, opacity=0.16, strokeWidth=1.2, interpolate="monotone")
        .encode(x=_x("x", layout), y=_y("y", layout), detail="swell:N"),
    ]


def _ice(layout: BergLayout, palette: Palette) -> list[Drawing]:
    """The block of ice behind the bars, faceted: light falls from the upper left."""
    above = _facets(layout.above, layout, lit=0.9, shaded=0.45)
    below = _facets(layout.below, layout, lit=0.42, shaded=0.16)
    return [
        _polygons(above, layout, palette.berg_above, palette.berg_above_shade),
        _polygons(below, layout, palette.berg_below, palette.berg_below),
    ]


def _facets(outline: tuple[tuple[float, float], ...], layout: BergLayout, *, lit: float, shaded: float) -> pd.DataFrame:
    """A fan of triangles from a point at the surface; a facet is the lighter the more it turns to the light."""
    if len(outline) < 3:
        return pd.DataFrame(columns=["facet", "order", "x", "y", "opacity"])
    apex = (sum(x for x, _ in outline) / len(outline), 0.0)
    rows = []
    for facet, (first, second) in enumerate(pairwise(outline)):
        run = (layout.x_pixels(second[0]) - layout.x_pixels(first[0])) or 1.0
        rise = layout.y_pixels(second[1]) - layout.y_pixels(first[1])
        towards_light = 0.5 + math.atan2(-rise if outline[len(outline) // 2][1] > 0 else rise, run) / math.pi
        wobble = 0.1 * math.sin(2.4 * facet)
        opacity = shaded + (lit - shaded) * min(max(towards_light + wobble, 0.0), 1.0)
        rows += [
            {"facet": facet, "order": order, "x": x, "y": y, "opacity": round(opacity, 3)}
            for order, (x, y) in enumerate((apex, first, second))
        ]
    return pd.DataFrame(rows)


def _polygons(facets: pd.DataFrame, layout: BergLayout, fill: str, edge: str) -> Drawing:
    return (
        drawing(facets)
        .marked("line", filled=True, fill=fill, stroke=edge, strokeWidth=0.6, strokeOpacity=0.35, strokeJoin="round")
        .encode(
            x=_x("x", layout),
            y=_y("y", layout),
            order="order:Q",
            detail="facet:N",
            fillOpacity=alt.FillOpacity("opacity:Q", scale=None, legend=None),
        )
    )


def _bars(
    columns: pd.DataFrame,
    frame: pd.DataFrame,
    layout: BergLayout,
    palette: Palette,
    theme: Theme,
) -> list[Drawing]:
    """Complainants above, silent leavers below, the whisker of the range; a keel in the colour the category has in every chart."""
    base = drawing(columns)
    dimmed = {"condition": {"param": SELECTION, "value": 1.0}, "value": 0.35}
    keel = alt.Color("category:N", scale=category_scale(frame["category"].tolist(), theme), legend=None)
    vocal = base.marked("rect", color=palette.vocal, cornerRadiusTopLeft=4, cornerRadiusTopRight=4).encode(
        x=_x("bar_left", layout), x2="bar_right", y=_y("vocal_customers", layout), y2="zero", opacity=dimmed
    )
    silent = base.marked("rect", color=_gradient(palette.ice, palette.ice_shade), cornerRadiusBottomLeft=2, cornerRadiusBottomRight=2
    ).encode(x=_x("bar_left", layout), x2="bar_right", y=_y("zero", layout), y2="silent_down", opacity=dimmed)
    ends = base.marked("rule", strokeWidth=5).encode(
        x=_x("bar_left", layout), x2="bar_right", y=_y("silent_down", layout), color=keel, opacity=dimmed
    )
    surface = (
        drawing(pd.DataFrame({"waterline": [0.0]}))
        .marked("rule", color=palette.waterline, strokeWidth=2)
        .encode(y=_y("waterline", layout))
    )
    on_ice = base.marked("rule", color=palette.whisker_on_ice, strokeWidth=2)
    in_sea = base.marked("rule", color=palette.sea_text, strokeWidth=2)
    return [
        vocal,
        silent,
        ends,
        on_ice.encode(x=_x("slot", layout), y=_y("lower_down", layout), y2="silent_down"),
        on_ice.encode(x=_x("cap_left", layout), x2="cap_right", y=_y("lower_down", layout)),
        in_sea.encode(x=_x("slot", layout), y=_y("silent_down", layout), y2="upper_down"),
        in_sea.encode(x=_x("cap_left", layout), x2="cap_right", y=_y("upper_down", layout)),
        surface,
    ]


def _leaders(layout: BergLayout, palette: Palette) -> list[Drawing]:
    """Thin lines from the names of the largest categories down to their columns."""
    if not layout.leaders:
        return []
    rows = [
        {"category": category, "corner": place, "x": x, "y": layout.depth(y)}
        for category, corners in layout.leaders
        for place, (x, y) in enumerate(corners)
    ]
    style = {"color": palette.sky_text, "strokeWidth": 1, "opacity": 0.55}
    return [drawing(pd.DataFrame(rows)).marked("line", **style).encode(x=_x("x", layout), y=_y("y", layout), order="corner:Q", detail="category:N")]


def _texts(layout: BergLayout, palette: Palette) -> list[Drawing]:
    """One layer per style of text; text in the sea has a halo so that it reads on ice and on deep water alike."""
    styles: dict[tuple[str, float, bool, str], list[dict[str, Any]]] = {}
    for label in layout.labels:
        row = {"text": label.text, "x": label.x, "y": layout.depth(label.y), "category": label.category}
        styles.setdefault((label.ink, label.size, label.bold, label.align), []).append(row)
    charts = []
    for (ink, size, bold, align), rows in styles.items():
        base = drawing(pd.DataFrame(rows))
        style = {"fontSize": size, "fontWeight": 700 if bold else 400, "align": align, "baseline": "middle", "limit": 0}
        place = {"x": _x("x", layout), "y": _y("y", layout), "text": alt.Text("text:N")}
        if ink.startswith("sea"):
            deep = palette.sea[1]
            halo = {"stroke": deep, "color": deep, "strokeWidth": 3, "strokeOpacity": 0.75, "strokeJoin": "round"}
            charts.append(base.marked("text", **style, **halo, aria=False).encode(**place))
        charts.append(base.marked("text", **style, color=getattr(palette, ink)).encode(**place))
    return charts


def _list_marks(frame: pd.DataFrame, layout: BergLayout, palette: Palette, theme: Theme) -> list[Drawing]:
    """Narrow picture: a chip of the category's colour before each entry of the list."""
    if not layout.entries:
        return []
    chips = pd.DataFrame(
        [
            {"category": entry.category, "x": entry.chip, "y": layout.depth(_chip_height(layout, entry.category))}
            for entry in layout.entries
        ]
    )
    return [
        drawing(chips)
        .marked("point", shape="square", size=110, filled=True, stroke=palette.sea_text, strokeWidth=1.2, opacity=1)
        .encode(
            x=_x("x", layout),
            y=_y("y", layout),
            fill=alt.Fill("category:N", scale=category_scale(frame["category"].tolist(), theme), legend=None),
        )
    ]


def _chip_height(layout: BergLayout, category: str) -> float:
    """A chip stands at the height of the first line of its entry."""
    entry = next(entry for entry in layout.entries if entry.category == category)
    return next(label.y for label in layout.labels if label.category == category and label.y > entry.top)


def _hit_area(columns: pd.DataFrame, layout: BergLayout, translator: Translator) -> Drawing:
    """Invisible, over the whole column (and list entry): what is clicked and hovered, however small the bar."""
    bottom = min((entry.top for entry in layout.entries), default=layout.height_px)
    areas = columns.assign(
        hit_left=columns["slot"] - 0.5,
        hit_right=columns["slot"] + 0.5,
        hit_top=layout.depth(0),
        hit_bottom=layout.depth(bottom),
    )
    if layout.entries:
        listed = columns.set_index("category").loc[[entry.category for entry in layout.entries]].reset_index()
        listed = listed.assign(
            hit_left=[entry.left for entry in layout.entries],
            hit_right=[entry.right for entry in layout.entries],
            hit_top=[layout.depth(entry.top) for entry in layout.entries],
            hit_bottom=[layout.depth(entry.bottom) for entry in layout.entries],
        )
        areas = pd.concat([areas, listed], ignore_index=True)
    texts = {"vocal_text": "vocal", "middle_text": "most_likely", "range_text": "range", "share_text": "share", "money_text": "money"}
    tips = worded_tooltip(translator, category="category", **texts)
    return (
        drawing(areas)
        .marked("rect", fill="#ffffff", fillOpacity=0.001, cursor="pointer")
        .encode(x=_x("hit_left", layout), x2="hit_right", y=_y("hit_top", layout), y2="hit_bottom", tooltip=tips)
    )
