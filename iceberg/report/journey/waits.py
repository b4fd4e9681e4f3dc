"""Says how long complainants waited for the first reply and for the closing of their case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iceberg.locale import Translator, visible
from iceberg.model.journey.waits import MEASURES, WaitEstimate
from iceberg.model.results import CredibleInterval
from iceberg.report.small_cells import SMALLEST

_DECIMALS = 6  # as in the whole document


def wait_sentences(waits: Sequence[WaitEstimate], words: Translator) -> list[str]:
    """One sentence per measure: the median of all cases, with its range."""
    return [words.text(f"service.waits.{one.measure}", wait=wait_text(one.median, one.unit, words)) for one in waits if not one.category]


def wait_text(median: CredibleInterval | None, unit: str, words: Translator) -> str:
    """A median with its range and unit, or that half of the waits have not ended."""
    if median is None:
        return words.text("service.waits.not_reached")
    ends = {name: _number(value, words) for name, value in (("low", median.lower), ("middle", median.median), ("high", median.upper))}
    return words.text(f"service.waits.in_{unit}", count=median.median, **ends)


def _number(value: float, words: Translator) -> str:
    return words.integer(round(value)) if float(value).is_integer() else words.decimal(value, 1)


def wait_grid(waits: Sequence[WaitEstimate], words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: all complaints and each category, with the median of each measure and how many cases it is of; nothing without waits."""
    measures = [name for name in MEASURES if any(one.measure == name for one in waits)]
    names = list(dict.fromkeys(one.category for one in waits))
    if not measures or len(names) < 2:
        return [], []
    headers = [words.text("service.group")]
    headers += [text for name in measures for text in (words.text(f"service.waits.median_{name}"), words.text(f"service.waits.cases_{name}"))]
    return headers, [[visible(name) if name else words.text("service.waits.all"), *_cells(waits, name, measures, words)] for name in names]


def _cells(waits: Sequence[WaitEstimate], category: str, measures: Sequence[str], words: Translator) -> list[str]:
    cells = []
    for measure in measures:
        one = next((one for one in waits if (one.category, one.measure) == (category, measure)), None)
        unknown = words.text("report.unknown")
        cells += [unknown, unknown] if one is None else [wait_text(one.median, one.unit, words), words.integer(one.done + one.still)]
    return cells


def wait_entries(waits: Sequence[WaitEstimate], *, whole: bool) -> list[dict[str, Any]]:
    """Builds the list ``service.waits`` of the JSON document; numbers of one to four customers are null.

    Args:
        waits: The figures.
        whole: Whether categories are written.
    """
    return [
        {
            "category": one.category,
            "measure": one.measure,
            "unit": one.unit,
            "median": None
            if one.median is None
            else {name: round(getattr(one.median, name), _DECIMALS) for name in ("lower", "median", "upper")},
            "ended": None if 0 < one.done < SMALLEST else one.done,
            "waiting": None if 0 < one.still < SMALLEST else one.still,
        }
        for one in waits
        if whole or not one.category
    ]
