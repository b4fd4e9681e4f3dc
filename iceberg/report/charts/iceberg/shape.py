"""Shapes the ice: the order of the bars that makes an iceberg, and the rough convex block around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from iceberg.report.charts.iceberg.geometry import Outline

_BAR_SHARE = 0.66  # of a slot
_CAP_SHARE = 0.16
_FEW = 4  # of fewer categories the bars are as wide as of four: one or two would be slabs


def berg_order(sizes: Sequence[float]) -> list[int]:
    """Positions from left to right so that the largest stands in the middle and the others fall away on both sides."""
    ranked = sorted(range(len(sizes)), key=lambda index: (-sizes[index], index))
    left = [index for place, index in enumerate(ranked) if place % 2]
    right = [index for place, index in enumerate(ranked) if place % 2 == 0]
    return left[::-1] + right


def columns_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame from left to right, with the place of each bar in slots and its rank.

    A column ``place`` (0 for the middle) sets the order: that of the whole study, so that a filter or another version moves no bar. Without it the
    largest of this frame stands in the middle.
    """
    sizes = -frame["place"] if "place" in frame else frame["silent_median"]
    ordered = frame.iloc[berg_order(sizes.tolist())].reset_index(drop=True)
    rank = (-ordered["place"] if "place" in ordered else ordered["silent_median"]).rank(ascending=False, method="first").astype(int)
    slot, part = np.arange(len(ordered)) + 0.5, bar_part(len(ordered))
    return ordered.assign(
        slot=slot,
        bar_left=slot - part * _BAR_SHARE / 2,
        bar_right=slot + part * _BAR_SHARE / 2,
        cap_left=slot - part * _CAP_SHARE / 2,
        cap_right=slot + part * _CAP_SHARE / 2,
        rank=rank,
        # letters, not numbers: the order of the middles is no claim about which category is first
        mark=[chr(ord("A") + place - 1) if place <= 26 else str(place) for place in rank],
    )


def bar_part(number: int) -> float:
    """The width of a bar as a part of the usual share of its slot."""
    return min(1.0, number / _FEW)


def outline(
    columns: pd.DataFrame, values: pd.Series, *, sign: int, customers_per_px: float, lift_px: float, margin: float
) -> Outline:
    """A convex block of ice around the bars, from shore to shore, roughened so that it reads as ice, not as an area chart.

    Args:
        columns: As from `columns_of`.
        values: Heights of the bars in customers, one per column.
        sign: 1 above the water, -1 below.
        customers_per_px: Scale.
        lift_px: How far the ice reaches beyond the bars.
        margin: Room left and right of the first and last slot, in slots; the shores lie inside it.
    """
    number = len(columns)
    shore = min(0.22, 0.8 * margin)
    corners = [(-shore, 0.0), (number + shore, 0.0)]
    tallest = int(values.to_numpy().argmax())
    part = bar_part(number)
    places = zip(columns["bar_left"], columns["bar_right"], columns["slot"], values, strict=True)
    for index, (left, right, slot, value) in enumerate(places):
        reach = float(value) / customers_per_px + lift_px
        corners += [(left - 0.05 * part, reach), (right + 0.05 * part, reach)]
        if index == tallest:
            corners.append((slot + part * (0.08 if sign < 0 else -0.1), reach + lift_px * 1.1))
    return tuple((x, sign * y * customers_per_px) for x, y in _roughened(_upper_hull(corners), lift_px, phase=sign))


def _roughened(hull: list[tuple[float, float]], lift_px: float, *, phase: int) -> list[tuple[float, float]]:
    rough = [hull[0]]
    for index, ((x0, y0), (x1, y1)) in enumerate(pairwise(hull)):
        pieces = max(1, round((x1 - x0) / 0.9))
        for piece in range(1, pieces):
            part = piece / pieces
            bump = lift_px * (0.25 + 0.35 * abs(math.sin(2.1 * index + 1.7 * piece + phase)))
            rough.append((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part + bump))
        rough.append((x1, y1))
    return rough


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
