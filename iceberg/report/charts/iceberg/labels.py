"""Writes on the iceberg: titles, the text of each column, and the list below where names do not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.iceberg.geometry import LINE, BergLayout, Entry, Label, Sizes
from iceberg.report.charts.iceberg.text_width import text_width, wrapped
from iceberg.report.words import customers

_EDGE_PX = 16
_GAP_PX = 5
_LIST_PHONE_PX = 40  # height of one entry: two lines
_LIST_WIDE_PX = 22


def range_lines(columns: pd.DataFrame, translator: Translator, room: float, size: float) -> list[list[str]]:
    """The printed 90 % range of each column: on one line where all fit, on two otherwise."""
    ends = [
        (customers(low, translator), customers(high, translator))
        for low, high in zip(columns["silent_lower"], columns["silent_upper"], strict=True)
    ]
    single = [translator.text("report.range", low=low, high=high) for low, high in ends]
    if all(text_width(text, size) <= room for text in single):
        return [[text] for text in single]
    return [[f"{low}–", high] for low, high in ends]


def title_texts(translator: Translator, totals: dict[str, float], *, narrow: bool) -> tuple[str, str, str]:
    """What is heard, what is not, and how to read a column."""
    suffix = "_short" if narrow else ""
    low, high = customers(totals["low"], translator), customers(totals["high"], translator)
    return (
        translator.text(f"report.chart.hear{suffix}", vocal=round(totals["vocal"])),
        translator.text(f"report.chart.not_hear{suffix}", low=low, high=high),
        translator.text("report.chart.legend"),
    )


def titles(layout: BergLayout, texts: tuple[str, str, str], sizes: Sizes, *, bottom: float) -> list[Label]:
    """The three titles: in the sky, and from `bottom` pixels in the deep."""
    x, small = layout.slot_at(_EDGE_PX), 11.0
    hear, not_hear, legend = texts
    below = bottom + 10 + sizes.title * LINE / 2
    return [
        Label(hear, x, 16 + sizes.title * LINE / 2, sizes.title, "sky_vocal_text", bold=True, align="left"),
        Label(not_hear, x, below, sizes.title, "sea_text", bold=True, align="left"),
        Label(legend, x, below + (sizes.title + small) * LINE / 2, small, "sea_muted_text", align="left"),
    ]


def column_labels(
    layout: BergLayout, names: Sequence[list[str]], ranges: Sequence[list[str]], sizes: Sizes, translator: Translator
) -> list[Label]:
    """Name and complainants above each bar, silent leavers and their range below its whisker."""
    labels: list[Label] = []
    for row, name, span in zip(layout.columns.to_dict("records"), names, ranges, strict=True):
        place: dict[str, Any] = {"x": row["slot"], "category": row["category"]}
        y = layout.y_pixels(row["vocal_customers"]) - _GAP_PX - sizes.value * LINE / 2
        vocal = translator.integer(row["vocal_customers"])
        labels.append(Label(vocal, y=y, size=sizes.value, ink="sky_vocal_text", bold=True, **place))
        y -= (sizes.value + sizes.name) * LINE / 2
        for line in reversed(name):
            labels.append(Label(line, y=y, size=sizes.name, ink="sky_text", bold=True, **place))
            y -= sizes.name * LINE
        y = layout.y_pixels(-max(row["silent_upper"], row["silent_median"])) + 8 + sizes.value * LINE / 2
        middle = customers(row["silent_median"], translator)
        labels.append(Label(middle, y=y, size=sizes.value, ink="sea_text", bold=True, **place))
        y += (sizes.value + sizes.range) * LINE / 2
        for line in span:
            labels.append(Label(line, y=y, size=sizes.range, ink="sea_muted_text", **place))
            y += sizes.range * LINE
    return labels


def mark_labels(layout: BergLayout, sizes: Sizes) -> list[Label]:
    """Only the letter, above each bar: the phone's columns."""
    return [
        Label(
            row["mark"],
            row["slot"],
            layout.y_pixels(row["vocal_customers"]) - _GAP_PX - sizes.name * LINE / 2,
            sizes.name,
            "sky_text",
            bold=True,
            category=row["category"],
        )
        for row in layout.columns.to_dict("records")
    ]


def phone_list(
    layout: BergLayout, sizes: Sizes, translator: Translator
) -> tuple[list[Label], tuple[Entry, ...], float]:
    """One entry per category, largest first: letter, name and numbers. Also the bottom of the list in pixels."""
    labels: list[Label] = []
    entries: list[Entry] = []
    rank_x, name_x, end_x = layout.slot_at(44), layout.slot_at(50), layout.slot_at(layout.width_px - 14)
    y = layout.height_px
    for row in layout.columns.sort_values("rank").to_dict("records"):
        middle = translator.text("report.chart.about", value=customers(row["silent_median"], translator))
        low, high = customers(row["silent_lower"], translator), customers(row["silent_upper"], translator)
        room = layout.width_px - 50 - 14 - 10 - text_width(middle, sizes.value, bold=True)
        name, *more = wrapped(row["category"], room, sizes.value, bold=True, anywhere=True)
        heard = translator.text("report.chart.list_heard", count=int(row["vocal_customers"]))
        span = translator.text("report.range", low=low, high=high)
        first: dict[str, Any] = {"y": y + 10, "size": sizes.value, "ink": "sea_text", "bold": True}
        for place, line in enumerate(more):  # the whole name can be read: it takes lines of its own below
            labels.append(Label(line, name_x, y + 25 + 15 * place, sizes.value, "sea_text", bold=True, align="left", category=row["category"]))
        entry = _LIST_PHONE_PX + 15 * len(more)
        second: dict[str, Any] = {"y": y + entry - 14, "size": sizes.range}
        labels += [
            Label(row["mark"], rank_x, align="right", category=row["category"], **first),
            Label(name, name_x, align="left", category=row["category"], **first),
            Label(middle, end_x, align="right", category=row["category"], **first),
            Label(heard, name_x, align="left", ink="sea_vocal_text", category=row["category"], **second),
            Label(span, end_x, align="right", ink="sea_muted_text", category=row["category"], **second),
        ]
        entries.append(
            Entry(row["category"], layout.slots[0], layout.slots[1], y - 5, y + entry - 5, layout.slot_at(18))
        )
        y += entry
    return labels, tuple(entries), y + 4


def wide_list(layout: BergLayout, sizes: Sizes) -> tuple[list[Label], tuple[Entry, ...], float]:
    """Letter and full name of every category in two or three columns, read down: where names do not fit above thin bars."""
    labels: list[Label] = []
    entries: list[Entry] = []
    ordered = layout.columns.sort_values("rank").to_dict("records")
    longest = max(text_width(row["category"], 12.0) for row in ordered) + 50
    number = 3 if 3 * longest <= layout.width_px - 2 * _EDGE_PX else 2
    rows = math.ceil(len(ordered) / number)
    span = (layout.width_px - 2 * _EDGE_PX) / number
    names = {row["category"]: wrapped(row["category"], span - 42 - 8, 12.0, lines=2, anywhere=True) for row in ordered}
    height = _LIST_WIDE_PX + 14 * (max(map(len, names.values())) - 1)
    top = layout.height_px + 4
    for place, row in enumerate(ordered):
        left, y = _EDGE_PX + span * (place // rows), top + height * (place % rows)
        style: dict[str, Any] = {
            "y": y + _LIST_WIDE_PX / 2,
            "size": 12.0,
            "ink": "sea_text",
            "category": row["category"],
        }
        labels.append(Label(row["mark"], layout.slot_at(left + 36), bold=True, align="right", **style))
        for line, name in enumerate(names[row["category"]]):
            labels.append(Label(name, layout.slot_at(left + 42), align="left", **(style | {"y": style["y"] + 14 * line})))
        edges = layout.slot_at(left), layout.slot_at(left + span)
        entries.append(Entry(row["category"], *edges, y, y + height, layout.slot_at(left + 8)))
    return labels, tuple(entries), top + height * rows + 12
