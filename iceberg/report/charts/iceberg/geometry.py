"""The geometry of a laid-out iceberg: columns, lines of text, entries of its list, outlines of the ice, one linear scale.

Pixels run downwards from the top left; `BergLayout.depth` turns them into customers (above the water positive, below it
negative). Across, positions are counted in slots, one per category.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

WIDE_PX = 780  # narrowest desktop column of the page (1280 px less sidebar and margins); a wider one only adds room
NARROW_PX = 340  # a phone of 390 px less margins
LINE = 1.22  # line height, in font sizes

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Label:
    """One line of text. `x` is in slots, `y` in pixels at the middle of the line; `ink` names a colour of the palette."""

    text: str
    x: float
    y: float
    size: float
    ink: str
    bold: bool = False
    align: str = "center"
    category: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry of the list under the berg: where its chip of colour stands and what area it takes (slots and pixels)."""

    category: str
    left: float
    right: float
    top: float
    bottom: float
    chip: float


@dataclass(frozen=True)
class Sizes:
    """Font sizes that the number of categories allows."""

    title: float
    name: float
    value: float
    range: float

    @classmethod
    def fitting(cls, number: int, *, narrow: bool) -> Sizes:
        """Smaller as columns get thinner; never under 10 px."""
        if narrow:
            return cls(title=14, name=11, value=12, range=11)
        if number <= 6:
            return cls(title=17, name=13, value=16, range=12)
        if number <= 9:
            return cls(title=17, name=12, value=14, range=11)
        return cls(title=17, name=11, value=13, range=10)


@dataclass(frozen=True)
class BergLayout:
    """Everything the picture needs.

    Attributes:
        columns: One row per category from left to right: the frame's columns and slot (centre), bar_left, bar_right,
            cap_left, cap_right (in slots) and rank (1 = most silent leavers) and mark (its letter).
        labels: Every line of text.
        above, below: Outline of the ice as (slot, customers) corners, from the left shore to the right one.
        width_px, height_px, waterline_px: Size of the picture; `width_px` is the narrowest it is made for.
        customers_per_px: The one scale, above and below.
        slots: Ends of the x axis, in slots.
        entries: The list under the berg, where names do not fit on the columns.
        leaders: Thin lines from the names of the largest categories to their columns, where the others have letters: corners in slots and pixels.
    """

    columns: pd.DataFrame
    labels: tuple[Label, ...]
    above: Outline
    below: Outline
    width_px: float
    height_px: float
    waterline_px: float
    customers_per_px: float
    slots: tuple[float, float]
    entries: tuple[Entry, ...] = ()
    leaders: tuple[tuple[str, Outline], ...] = ()

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

    def slot_at(self, x_px: float) -> float:
        """Position in slots at a distance from the left edge, at the design width."""
        low, high = self.slots
        return low + x_px / self.width_px * (high - low)
