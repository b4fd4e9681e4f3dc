"""Owns the geometry of the iceberg picture: one linear scale above and below the water, room for every label, the outline of the ice.

Pure arithmetic on the tidy frame of `iceberg.report.tables.iceberg_table`; `iceberg.report.charts.berg` only draws what is laid out here.
Pixels run downwards from the top left; `BergLayout.depth` turns them into customers (above the water positive, below negative).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.text_width import shortened, text_width, wrapped
from iceberg.report.words import customers

WIDE_PX = 780  # narrowest desktop column of the page (1280 px less sidebar and margins); a wider one only adds room
NARROW_PX = 340  # a phone of 390 px less margins
_HEIGHT_PX = {False: 560, True: 330}  # the berg itself; the narrow picture adds its list
_MARGIN_PX = {False: 30.0, True: 12.0}
_LINE = 1.22  # line height, in font sizes
_BAR_SHARE = 0.66  # of a slot
_CAP_SHARE = 0.16


@dataclass(frozen=True)
class Label:
    """One line of text. `x` is in slots, `y` in pixels at the middle of the line; `ink` names a colour role of the palette."""

    text: str
    x: float
    y: float
    size: float
    ink: str
    bold: bool = False
    align: str = "center"
    category: str = ""

    @property
    def width_px(self) -> float:
        """Widest it can be on screen."""
        return text_width(self.text, self.size, bold=self.bold)

    def box(self, layout: BergLayout) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels at the design width."""
        anchor = layout.x_pixels(self.x)
        left = anchor - {"center": self.width_px / 2, "left": 0.0, "right": self.width_px}[self.align]
        return left, self.y - 0.6 * self.size, left + self.width_px, self.y + 0.6 * self.size


@dataclass(frozen=True)
class Sizes:
    """Font sizes that the number of categories allows."""

    title: float
    name: float
    value: float
    range: float


@dataclass(frozen=True)
class BergLayout:
    """Everything the picture needs.

    Attributes:
        columns: One row per category from left to right: category, slot (centre, in slots), bar_left, bar_right, cap_left, cap_right, the
            columns of the frame.
        labels: Every line of text.
        above, below: Outline of the ice as (slot, customers) corners, from the left shore to the right one.
        width_px, height_px, waterline_px, customers_per_px, slots: Size and scale; `slots` is the x domain.
        list_rows: Narrow picture only: (category, top px, bottom px) of its list.
    """

    columns: pd.DataFrame
    labels: tuple[Label, ...]
    above: tuple[tuple[float, float], ...]
    below: tuple[tuple[float, float], ...]
    width_px: float
    height_px: float
    waterline_px: float
    customers_per_px: float
    slots: tuple[float, float]
    list_rows: tuple[tuple[str, float, float], ...] = ()

    def depth(self, y_px: float) -> float:
        """Customers at a height on the picture."""
        return (self.waterline_px - y_px) * self.customers_per_px

    def y_pixels(self, value: float) -> float:
        """Height on the picture of a number of customers."""
        return self.waterline_px - value / self.customers_per_px

    def x_pixels(self, slot: float) -> float:
        """Distance from the left edge, at the design width."""
        low, high = self.slots
        return (slot - low) / (high - low) * self.width_px


def berg_order(sizes: Sequence[float]) -> list[int]:
    """Positions from left to right so that the largest stands in the middle and the others fall away on both sides."""
    ranked = sorted(range(len(sizes)), key=lambda index: (-sizes[index], index))
    left = [index for place, index in enumerate(ranked) if place % 2]
    right = [index for place, index in enumerate(ranked) if place % 2 == 0]
    return left[::-1] + right


def lay_out(
    frame: pd.DataFrame,
    translator: Translator,
    *,
    totals: dict[str, float],
    narrow: bool = False,
    width: float | None = None,
) -> BergLayout:
    """The picture for one frame.

    Args:
        frame: `iceberg_table`, one row per category.
        translator: Language of the labels.
        totals: vocal, low, high of the whole company (never the sum of the categories).
        narrow: Phone: columns carry their rank, a list below them the names and numbers.
        width: Narrowest width in pixels it will be shown at.
    """
    width = width or (NARROW_PX if narrow else WIDE_PX)
    margin = _MARGIN_PX[narrow]
    ordered = frame.iloc[berg_order(frame["silent_median"].tolist())].reset_index(drop=True)
    number = max(len(ordered), 1)
    slot_px = (width - 2 * margin) / number
    sizes = _sizes(number, narrow)
    names = (
        {}
        if narrow
        else {row.category: wrapped(row.category, slot_px - 6, sizes.name, bold=True) for row in ordered.itertuples()}
    )
    ranges = _range_lines(ordered, translator, slot_px - 4, sizes.range)
    header, footer = _title_lines(translator, totals, width, narrow=narrow)
    top_px = 16 + len(header) * sizes.title * _LINE + 10
    bottom_px = 12 + sum(size * _LINE for _, size in footer) + 12
    over = [
        14 + sizes.value * (0 if narrow else _LINE) + sizes.name * _LINE * len(names.get(name, ["1"]))
        for name in ordered["category"]
    ]
    lines = max((len(item) for item in ranges), default=1)
    under = 16.0 if narrow else 20 + sizes.value * _LINE + lines * sizes.range * _LINE
    sky, sea, scale = _scale(ordered, over, under, room=_HEIGHT_PX[narrow] - top_px - bottom_px)
    waterline = top_px + sky
    columns = _columns(ordered)
    layout = BergLayout(
        columns=columns,
        labels=(),
        above=_outline(columns, columns["vocal_customers"], 1, scale, lift_px=9),
        below=_outline(columns, columns["silent_median"], -1, scale, lift_px=16),
        width_px=width,
        height_px=waterline + sea + bottom_px,
        waterline_px=waterline,
        customers_per_px=scale,
        slots=(-margin / slot_px, number + margin / slot_px),
    )
    labels = _titles(layout, header, footer, sizes, bottom=waterline + sea)
    if narrow:
        return _with_list(layout, labels, translator, sizes)
    labels += [
        label
        for row, lines_of_row in zip(columns.itertuples(), ranges, strict=True)
        for label in _column_labels(row, names[str(row.category)], lines_of_row, layout, sizes, translator)
    ]
    return _replace(layout, labels=tuple(labels))


def _replace(layout: BergLayout, **changes: object) -> BergLayout:
    from dataclasses import replace

    return replace(layout, **changes)  # type: ignore[arg-type]  # the caller names fields of the class


def _sizes(number: int, narrow: bool) -> Sizes:
    if narrow:
        return Sizes(title=14, name=11, value=12, range=12)
    if number <= 6:
        return Sizes(title=17, name=13, value=16, range=12)
    if number <= 9:
        return Sizes(title=17, name=12, value=14, range=11)
    return Sizes(title=17, name=11, value=13, range=10)


def _range_lines(frame: pd.DataFrame, translator: Translator, room: float, size: float) -> list[list[str]]:
    """The printed 90 % range of each column: on one line where all fit, on two otherwise."""
    ends = [
        (customers(row.silent_lower, translator), customers(row.silent_upper, translator)) for row in frame.itertuples()
    ]
    single = [translator.text("report.range", low=low, high=high) for low, high in ends]
    if all(text_width(text, size) <= room for text in single):
        return [[text] for text in single]
    return [[f"{low}–", high] for low, high in ends]


def _title_lines(
    translator: Translator, totals: dict[str, float], width: float, *, narrow: bool
) -> tuple[list[str], list[tuple[str, float]]]:
    vocal = round(totals["vocal"])
    low, high = customers(totals["low"], translator), customers(totals["high"], translator)
    suffix = "_short" if narrow else ""
    header = [translator.text(f"report.chart.hear{suffix}", vocal=vocal)]
    title_size = _sizes(1, narrow).title
    footer = [(translator.text(f"report.chart.not_hear{suffix}", low=low, high=high), title_size)]
    footer.append((translator.text("report.chart.legend"), 11.0 if narrow else 12.0))
    return header, footer


def _scale(frame: pd.DataFrame, over: list[float], under: float, *, room: float) -> tuple[float, float, float]:
    """Pixels of sky and sea that the tallest columns and their labels need, and customers per pixel: as large as fits in `room`."""
    vocal, upper = (
        frame["vocal_customers"].to_numpy(float),
        frame[["silent_upper", "silent_median"]].max(axis=1).to_numpy(float),
    )

    def needed(pixels_per_customer: float) -> tuple[float, float]:
        sky = max((v * pixels_per_customer + o for v, o in zip(vocal, over, strict=True)), default=80.0)
        sea = max((u * pixels_per_customer + under for u in upper), default=160.0)
        return max(sky, 60.0), max(sea, 120.0)

    low, high = 0.0, room / max(float(np.max(vocal, initial=0.0)), float(np.max(upper, initial=0.0)), 1e-9)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(needed(middle)) <= room else (low, middle)
    pixels = low if low > 0 else 1.0
    sky, sea = needed(pixels)
    return sky, max(sea, room - sky), 1 / pixels


def _columns(ordered: pd.DataFrame) -> pd.DataFrame:
    slot = np.arange(len(ordered)) + 0.5
    half, cap = _BAR_SHARE / 2, _CAP_SHARE / 2
    return ordered.assign(
        slot=slot,
        bar_left=slot - half,
        bar_right=slot + half,
        cap_left=slot - cap,
        cap_right=slot + cap,
        rank=ordered["silent_median"].rank(ascending=False, method="first").astype(int),
    )


def _outline(
    columns: pd.DataFrame, values: pd.Series, sign: int, scale: float, *, lift_px: float
) -> tuple[tuple[float, float], ...]:
    """A convex block of ice around the bars: corners from shore to shore, roughened a little so that it reads as ice, not as an area chart."""
    number = len(columns)
    if number == 0:
        return ()
    shore = 0.22 if number > 3 else 0.12
    corners = [(-shore, 0.0), (number + shore, 0.0)]
    tallest = int(values.to_numpy().argmax())
    for index, (row, value) in enumerate(zip(columns.itertuples(), values, strict=True)):
        reach = float(value) / scale + lift_px
        corners += [(float(row.bar_left) - 0.05, reach), (float(row.bar_right) + 0.05, reach)]
        if index == tallest:
            corners.append((float(row.slot) + (0.08 if sign < 0 else -0.1), reach + lift_px * 1.1))
    hull = _upper_hull(corners)
    rough: list[tuple[float, float]] = [hull[0]]
    for index, ((x0, y0), (x1, y1)) in enumerate(zip(hull, hull[1:], strict=False)):
        pieces = max(1, round((x1 - x0) / 0.9))
        for piece in range(1, pieces):
            part = piece / pieces
            bump = lift_px * (0.25 + 0.35 * abs(math.sin(2.1 * index + 1.7 * piece + sign)))
            rough.append((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part + bump))
        rough.append((x1, y1))
    return tuple((x, sign * y * scale) for x, y in rough)


def _upper_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Upper convex hull from the leftmost to the rightmost point (Andrew's monotone chain)."""
    hull: list[tuple[float, float]] = []
    for point in sorted(points):
        while len(hull) >= 2 and _turn(hull[-2], hull[-1], point) >= 0:
            hull.pop()
        hull.append(point)
    return hull


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _titles(
    layout: BergLayout, header: list[str], footer: list[tuple[str, float]], sizes: Sizes, *, bottom: float
) -> list[Label]:
    x = layout.slots[0] + 16 / layout.width_px * (layout.slots[1] - layout.slots[0])
    labels = [
        Label(text, x, 16 + (line + 0.5) * sizes.title * _LINE, sizes.title, "sky_vocal_text", bold=True, align="left")
        for line, text in enumerate(header)
    ]
    y = bottom + 10
    for line, (text, size) in enumerate(footer):
        labels.append(
            Label(
                text,
                x,
                y + size * _LINE / 2,
                size,
                "sea_text" if line == 0 else "sea_muted_text",
                bold=line == 0,
                align="left",
            )
        )
        y += size * _LINE
    return labels


def _column_labels(
    row: object, names: list[str], ranges: list[str], layout: BergLayout, sizes: Sizes, translator: Translator
) -> list[Label]:
    """Name and complainants above the bar, silent leavers and their range below the whisker."""
    category, slot = str(row.category), float(row.slot)  # type: ignore[attr-defined]  # a row of `columns`
    y = layout.y_pixels(float(row.vocal_customers)) - 5 - sizes.value * _LINE / 2  # type: ignore[attr-defined]
    labels = [
        Label(
            translator.integer(row.vocal_customers),
            slot,
            y,
            sizes.value,
            "sky_vocal_text",
            bold=True,
            category=category,
        )
    ]  # type: ignore[attr-defined]
    y -= (sizes.value + sizes.name) * _LINE / 2
    for line in reversed(names):
        labels.append(Label(line, slot, y, sizes.name, "sky_text", bold=True, category=category))
        y -= sizes.name * _LINE
    y = layout.y_pixels(-max(float(row.silent_upper), float(row.silent_median))) + 8 + sizes.value * _LINE / 2  # type: ignore[attr-defined]
    labels.append(
        Label(customers(row.silent_median, translator), slot, y, sizes.value, "sea_text", bold=True, category=category)
    )  # type: ignore[attr-defined]
    y += (sizes.value + sizes.range) * _LINE / 2
    for line in ranges:
        labels.append(Label(line, slot, y, sizes.range, "sea_muted_text", category=category))
        y += sizes.range * _LINE
    return labels


def _with_list(layout: BergLayout, titles: list[Label], translator: Translator, sizes: Sizes) -> BergLayout:
    """The narrow picture: a rank above each column, and under the berg one entry per category, largest first."""
    labels = list(titles)
    for row in layout.columns.itertuples():
        y = layout.y_pixels(float(row.vocal_customers)) - 5 - sizes.name * _LINE / 2
        labels.append(
            Label(str(row.rank), float(row.slot), y, sizes.name, "sky_text", bold=True, category=str(row.category))
        )
    per_px = (layout.slots[1] - layout.slots[0]) / layout.width_px
    text_x = layout.slots[0] + 46 * per_px
    rank_x = layout.slots[0] + 38 * per_px
    y, rows = layout.height_px, []
    for row in layout.columns.sort_values("rank").itertuples():
        category = str(row.category)
        name = shortened(category, layout.width_px - 46 - 10, sizes.value, bold=True)
        numbers = translator.text(
            "report.chart.list_entry",
            vocal=int(row.vocal_customers),
            middle=customers(row.silent_median, translator),
            low=customers(row.silent_lower, translator),
            high=customers(row.silent_upper, translator),
        )
        labels += [
            Label(str(row.rank), rank_x, y + 10, sizes.value, "sea_text", bold=True, align="right", category=category),
            Label(name, text_x, y + 10, sizes.value, "sea_text", bold=True, align="left", category=category),
            Label(numbers, text_x, y + 26, sizes.range, "sea_muted_text", align="left", category=category),
        ]
        rows.append((category, y, y + 40))
        y += 40
    return _replace(layout, labels=tuple(labels), list_rows=tuple(rows), height_px=y + 6)
