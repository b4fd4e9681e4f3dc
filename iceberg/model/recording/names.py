"""Finds categories that stop where others start: probably one category under several names, as after a new list of reasons.

A category stops (starts) at the month that divides its complaints best, if the quiet side, the month next to the other side apart, holds at most
`SHARE_LEFT` of the rate of the other, at which `LEAST_EXPECTED` complaints were due. What stops and what starts within a month of each other is
matched: first by words that the names share, then by rates that are alike, a sum of several where one name takes their place. A proposal is never
carried out unasked.
All limits are judgement (grade D).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow

SHARE_LEFT = 0.1
LEAST_EXPECTED = 8.0
LEAST_MONTHS = 2  # on either side
ALIKE, ALIKE_BY_WORDS, ALIKE_AMONG_MANY = 2.5, 4.0, 1.6  # largest factor between the rates
LETTERS = 5  # of a word, at most, that are compared; shorter words than four letters say nothing


@dataclass(frozen=True)
class RenamedCategory:
    """`names` that stand on one side of `month` and are probably `name`, which stands on the other."""

    name: str
    names: tuple[str, ...]
    month: date


@dataclass(frozen=True)
class _Turn:
    """A category that stops or starts around a month, and its complaints per day where it is used."""

    name: str
    month: int
    rate: float
    starts: bool


def find_renamed(counts: CohortCounts) -> tuple[RenamedCategory, ...]:
    """The proposals of `counts` by the rule of this module, in the order of their months."""
    if not counts.has_calendar or len(counts.months) < 2 * LEAST_MONTHS + 1:
        return ()
    days = days_of_months(counts.window)
    named = counts.categories[:-1] if counts.grouped_categories else counts.categories
    turns = [_turn(name, row.astype(np.float64), days) for name, row in zip(named, counts.complaints, strict=False)]
    going_on = counts.complaints[[place for place, turn in enumerate(turns) if turn is None]].sum(axis=0)
    starts = [turn for turn in turns if turn is not None and turn.starts]
    stops = [replace(turn, rate=turn.rate * _shift(turn, turns, going_on, days)) for turn in turns if turn is not None and not turn.starts]
    found = _match(stops, starts, by_words=True)
    taken = {name for one in found for name in (one[0].name, *(other.name for other in one[1]))}
    found += _match([turn for turn in stops if turn.name not in taken], [turn for turn in starts if turn.name not in taken], by_words=False)
    proposals = [RenamedCategory(one.name, tuple(sorted(other.name for other in others)), counts.months[one.month]) for one, others in found]
    return tuple(sorted(proposals, key=lambda one: (one.month, one.name)))


def days_of_months(window: ObservationWindow) -> FloatArray:
    """(M,) days of each calendar month that lie in the window."""
    edges = [*(max(month, window.since) for month in window.months), window.as_of]
    days = [(later - earlier).days for earlier, later in pairwise(edges)]
    days[-1] += 1
    return np.array(days, dtype=np.float64)


def _turn(name: str, complaints: FloatArray, days: FloatArray) -> _Turn | None:
    """Where a category stops or starts; None where it does neither."""
    best, found = 0.0, None
    for month in range(LEAST_MONTHS, len(days) - LEAST_MONTHS + 1):
        rates = complaints[:month].sum() / days[:month].sum(), complaints[month:].sum() / days[month:].sum()
        starts, loud = bool(rates[0] < rates[1]), float(max(rates))
        quiet = slice(0, month - 1) if starts else slice(month + 1, None)  # the month of the change may hold both names
        quiet_days, left = float(days[quiet].sum()), float(complaints[quiet].sum())
        if left > SHARE_LEFT * loud * quiet_days or loud * quiet_days < LEAST_EXPECTED:
            continue
        parts = (complaints[:month].sum(), rates[0]), (complaints[month:].sum(), rates[1])
        gain = sum(float(total * np.log(rate / (complaints.sum() / days.sum()))) for total, rate in parts if total)
        if gain > best:
            best, found = gain, _Turn(name, month, loud, starts)
    return found


def _shift(stop: _Turn, turns: Sequence[_Turn | None], going_on: IntArray, days: FloatArray) -> float:
    """How many times as many complaints of all kinds are recorded from where a category stops: as the other categories show it, else the new ones."""
    before, after = going_on[: stop.month].sum(), going_on[stop.month :].sum()
    if min(before, after) >= LEAST_EXPECTED:
        return float(after / days[stop.month :].sum() / (before / days[: stop.month].sum()))
    beside = [turn for turn in turns if turn is not None and abs(turn.month - stop.month) <= 1]
    ended, begun = (sum(turn.rate for turn in beside if turn.starts == starts) for starts in (False, True))
    return begun / ended if begun else 1.0


def _match(stops: Sequence[_Turn], starts: Sequence[_Turn], *, by_words: bool) -> list[tuple[_Turn, list[_Turn]]]:
    """Each name that stays with those that it takes the place of, or that take its place."""
    limit = ALIKE_BY_WORDS if by_words else ALIKE
    found: list[tuple[_Turn, list[_Turn]]] = []
    taken: set[str] = set()
    for one in sorted(starts, key=lambda turn: -turn.rate):
        beside = [turn for turn in stops if turn.name not in taken and abs(turn.month - one.month) <= 1]
        rivals = [turn for turn in starts if turn.name not in taken and abs(turn.month - one.month) <= 1]
        if by_words:
            beside = [turn for turn in beside if _words(turn.name) & _words(one.name)]
        elif len(rivals) > 1 and len(beside) > 1:  # a new list of reasons: only rates that are close say which is which
            nearest = min(beside, key=lambda turn: _apart(turn.rate, one.rate))
            beside = [nearest] if _apart(nearest.rate, one.rate) <= ALIKE_AMONG_MANY else []
        elif len(rivals) > 1 and beside and _apart(sum(turn.rate for turn in rivals), beside[0].rate) <= limit:
            found.append((beside[0], rivals))  # one name became several
            taken |= {beside[0].name, *(turn.name for turn in rivals)}
            continue
        if one.name not in taken and beside and _apart(sum(turn.rate for turn in beside), one.rate) <= limit:
            found.append((one, beside))
            taken |= {one.name, *(turn.name for turn in beside)}
    return found


def _apart(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return {word[:LETTERS] for word in re.findall(r"[a-z]+", plain) if len(word) >= 4}
