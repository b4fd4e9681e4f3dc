"""Names the largest categories in place where the others have letters: their names in the sky, each with a thin line down to its column."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from iceberg.report.charts.iceberg.geometry import LINE, BergLayout, Label, Outline
from iceberg.report.charts.iceberg.text_width import wrapped

NAMED = 3  # judgement: what an executive remembers of a picture
_SIZE, _LINES = 11.0, 3
_EDGE_PX, _GAP_PX, _STEP_PX = 16.0, 14.0, 4.0


def named_lines(columns: pd.DataFrame, width: float) -> list[tuple[str, list[str]]]:
    """The largest categories from left to right, their names broken into lines of a third of the width."""
    room = (width - 2 * _EDGE_PX) / NAMED - _GAP_PX
    largest = columns.loc[columns["rank"] <= NAMED].sort_values("slot")["category"]
    return [(name, wrapped(name, room, _SIZE, lines=_LINES, bold=True, anywhere=True)) for name in largest]


def band_px(named: Sequence[tuple[str, list[str]]]) -> float:
    """The height that the names and the bends of their lines take."""
    if not named:
        return 0.0
    return max(len(lines) for _, lines in named) * _SIZE * LINE + (NAMED + 2) * _STEP_PX


def name_largest(
    layout: BergLayout, named: Sequence[tuple[str, list[str]]], labels: Sequence[Label], *, top: float
) -> tuple[list[Label], tuple[tuple[str, Outline], ...]]:
    """The names under the title, each in its third, and the lines from there to the label of the column.

    Lines bend at heights of their own, so that none crosses another: names and columns stand in the same order from left to right.
    """
    texts: list[Label] = []
    leaders: list[tuple[str, Outline]] = []
    third = (layout.width_px - 2 * _EDGE_PX) / max(len(named), 1)
    slots = dict(zip(layout.columns["category"], layout.columns["slot"], strict=True))
    lowest = top + max((len(lines) for _, lines in named), default=0) * _SIZE * LINE
    for place, (category, lines) in enumerate(named):
        centre, slot = layout.slot_at(_EDGE_PX + (place + 0.5) * third), float(slots[category])
        texts += [
            Label(line, centre, top + (row + 0.5) * _SIZE * LINE, _SIZE, "sky_text", bold=True, category=category) for row, line in enumerate(lines)
        ]
        end = min(label.y - label.size * LINE / 2 for label in labels if label.category == category) - 2
        bend = lowest + _STEP_PX * (1 + (len(named) - 1 - place if slot > centre else place))
        start = top + len(lines) * _SIZE * LINE + 1
        leaders.append((category, ((centre, start), (centre, bend), (slot, bend), (slot, max(end, bend)))))
    return texts, tuple(leaders)
