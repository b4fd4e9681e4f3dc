"""Lays the iceberg out: finds the one scale that leaves room for every label, then places the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.iceberg.geometry import LINE, NARROW_PX, WIDE_PX, BergLayout, Sizes
from iceberg.report.charts.iceberg.labels import (
    column_labels,
    mark_labels,
    phone_list,
    range_lines,
    title_texts,
    titles,
    wide_list,
)
from iceberg.report.charts.iceberg.leaders import band_px, name_largest, named_lines
from iceberg.report.charts.iceberg.shape import columns_of, outline
from iceberg.report.charts.iceberg.text_width import wrapped

_HEIGHT_PX = {False: 560.0, True: 340.0}  # the berg; a list comes below it
_MARGIN_PX = {False: 30.0, True: 12.0}
_LEAST_SKY_PX, _LEAST_SEA_PX = 60.0, 120.0


def lay_out(
    frame: pd.DataFrame,
    translator: Translator,
    *,
    totals: dict[str, float],
    narrow: bool = False,
    width: float | None = None,
) -> BergLayout:
    """The picture of one frame.

    Names stand on the columns where they fit; otherwise the columns carry letters and a list below gives the names. The
    phone always has the list, with the numbers in it.

    Args:
        frame: `iceberg.report.tables.estimate.iceberg_table`, at least one category.
        translator: Language of the labels.
        totals: vocal, low, high of the whole company (never the sum of the categories).
        narrow: Phone.
        width: Narrowest width in pixels it will be shown at.
    """
    width = float(width or (NARROW_PX if narrow else WIDE_PX))
    columns = columns_of(frame)
    slot_px = (width - 2 * _MARGIN_PX[narrow]) / len(columns)
    sizes = Sizes.fitting(len(columns), narrow=narrow)
    names, sizes, listed = _names(columns, sizes, slot_px - 6, narrow=narrow)
    ranges = range_lines(columns, translator, slot_px - 4, sizes.range)
    named = named_lines(columns, width) if listed and not narrow else []
    layout, bottom = _scaled(columns, names, ranges, sizes, width=width, slot_px=slot_px, narrow=narrow, band=band_px(named))
    labels = titles(layout, title_texts(translator, totals, narrow=narrow), sizes, bottom=bottom)
    if narrow:
        more, entries, end = phone_list(layout, sizes, translator)
        labels += mark_labels(layout, sizes) + more
        return replace(layout, labels=tuple(labels), entries=entries, height_px=end)
    labels += column_labels(layout, names, ranges, sizes, translator)
    if listed:
        over, leaders = name_largest(layout, named, labels, top=26 + sizes.title * LINE)
        more, entries, end = wide_list(layout, sizes)
        return replace(layout, labels=tuple(labels + over + more), entries=entries, height_px=end, leaders=leaders)
    return replace(layout, labels=tuple(labels))


def _names(columns: pd.DataFrame, sizes: Sizes, room: float, *, narrow: bool) -> tuple[list[list[str]], Sizes, bool]:
    """Names broken to fit above their columns, smaller if need be; letters where even that would cut a name."""
    if not narrow:
        for size, lines in ((sizes.name, 3), (11.0, 3), (11.0, 4), (10.0, 4)):
            names = [wrapped(name, room, size, lines=lines, bold=True) for name in columns["category"]]
            if not any(line.endswith("…") for name in names for line in name):
                return names, replace(sizes, name=size), False
    return [[mark] for mark in columns["mark"]], sizes, True


def _scaled(
    columns: pd.DataFrame,
    names: Sequence[list[str]],
    ranges: Sequence[list[str]],
    sizes: Sizes,
    *,
    width: float,
    slot_px: float,
    narrow: bool,
    band: float = 0.0,
) -> tuple[BergLayout, float]:
    """The layout without labels, and where the deepest label of a column ends, in pixels; `band` is free under the title for names."""
    top_px, bottom_px = 26 + sizes.title * LINE + band, 24 + (sizes.title + 11) * LINE
    over = [14 + (0 if narrow else sizes.value * LINE) + sizes.name * LINE * len(name) for name in names]
    under = 16.0 if narrow else 20 + sizes.value * LINE + max(len(span) for span in ranges) * sizes.range * LINE
    sky, sea, scale = _scale(columns, over, under, room=_HEIGHT_PX[narrow] - top_px - bottom_px)
    waterline, margin = top_px + sky, _MARGIN_PX[narrow] / slot_px
    layout = BergLayout(
        columns=columns,
        labels=(),
        above=outline(columns, columns["vocal_customers"], sign=1, customers_per_px=scale, lift_px=9.0, margin=margin),
        below=outline(
            columns,
            columns["silent_median"],
            sign=-1,
            customers_per_px=scale,
            lift_px=11.0 if narrow else 16.0,
            margin=margin,
        ),
        width_px=width,
        height_px=waterline + sea + bottom_px,
        waterline_px=waterline,
        customers_per_px=scale,
        slots=(-margin, len(columns) + margin),
    )
    return layout, waterline + sea


def _scale(columns: pd.DataFrame, over: Sequence[float], under: float, *, room: float) -> tuple[float, float, float]:
    """Pixels of sky and sea that the tallest columns and their labels need, and customers per pixel: as large as fits."""
    vocal = columns["vocal_customers"].to_numpy(float)
    deepest = float(columns[["silent_upper", "silent_median"]].to_numpy(float).max())

    def needed(pixels_per_customer: float) -> tuple[float, float]:
        sky = float(np.max(vocal * pixels_per_customer + np.asarray(over)))
        return max(sky, _LEAST_SKY_PX), max(deepest * pixels_per_customer + under, _LEAST_SEA_PX)

    low, high = 0.0, room / max(float(vocal.max()), deepest, 1e-9)
    for _ in range(60):  # bisection: what is needed grows with the scale
        middle = (low + high) / 2
        low, high = (middle, high) if sum(needed(middle)) <= room else (low, middle)
    pixels = low or 1e-9
    sky, sea = needed(pixels)
    return sky, max(sea, room - sky), 1 / pixels
