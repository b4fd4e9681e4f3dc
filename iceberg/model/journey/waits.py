"""How long complainants waited for the first reply and the closing of their case, with those who still wait.

h_t      ~ Beta(d_t, r_t - d_t)   share of those still waiting at t whose wait ends then (d_t of r_t); 1 where all of them do
S(t)     = product of 1 - h_u for u <= t
median   the first t with S(t) at most one half

References: Hjort 1990 (beta processes; here without a prior, the Bayesian bootstrap for censored data of Lo 1993). To the day, or the hour, as
the file says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.service_counts import CLOSED, FIRST_REPLY, Wait
from iceberg.model.priors import LEAST_OF_GROUP
from iceberg.model.results import CredibleInterval

MEASURES = (FIRST_REPLY, CLOSED)
DRAWS = 2_000
HOURS_OF = {"hours": 1, "days": 24}
_STREAM = 20_264  # of random numbers: no other part of an estimate draws from it
_REACHED = 0.95  # judgement: share of the draws in which half of the waits have ended; with fewer a median would be a guess


@dataclass(frozen=True)
class WaitEstimate:
    """How long the complainants of one category waited.

    Attributes:
        category: Its name; "" for all cases.
        measure: One of `MEASURES`.
        done, still: Complainants whose wait ended, and who still waited when it is last known.
        unit: ``days`` where every wait is known to the day, else ``hours``.
        median: Of the wait, in `unit`; None where half of the waits have not ended, or for too few.
    """

    category: str
    measure: str
    done: int
    still: int
    unit: str
    median: CredibleInterval | None


class WaitCurve:
    """Draws of the share still waiting."""

    def __init__(self, waits: Sequence[Wait], rng: np.random.Generator, draws: int = DRAWS) -> None:
        """Draw (K, T) shares still waiting after each of the T hours at which a wait ended."""
        done, still = _by_hour(waits, "done"), _by_hour(waits, "still")
        self.hours: IntArray = np.array([hour for hour in sorted(done) if done[hour]], dtype=np.int64)
        left = sum(done.values()) + sum(still.values())
        ended, waiting = [], []
        for hour in sorted(done.keys() | still.keys()):  # who still waits at an hour was there when others' waits ended at it
            if done.get(hour):
                ended.append(done[hour])
                waiting.append(left)
            left -= done.get(hour, 0) + still.get(hour, 0)
        stay = np.array(waiting) - np.array(ended)
        parts = rng.beta(np.array(ended), np.maximum(stay, 1), size=(draws, len(ended)))
        self.left: FloatArray = np.cumprod((1 - parts) * (stay > 0), axis=1, dtype=np.float64)
        self._cases, self._rng = sum(done.values()) + sum(still.values()), rng

    def median(self, *, hours: int = 1) -> CredibleInterval | None:
        """The median wait in units of `hours`; None where half of the waits have not ended."""
        below = self.left <= 0.5
        reached = below.any(axis=1)
        if reached.mean() < _REACHED:
            return None
        return CredibleInterval.of(self.hours[below.argmax(axis=1)][reached] / hours)

    def within(self, hours: float) -> FloatArray:
        """(K,) draws of the share whose wait ended within so many hours.

        Half a case on either side (Jeffreys): without it the share would be known for certain where all waits end sooner, or none does. Where every
        wait has ended it is Beta(within + 1/2, others + 1/2).
        """
        place = int(np.searchsorted(self.hours, hours, side="right")) - 1
        share = np.zeros(len(self.left)) if place < 0 else 1 - self.left[:, place]
        cases, yes, no = self._rng.standard_gamma((self._cases, 0.5, 0.5), (len(share), 3)).T
        return np.asarray((share * cases + yes) / (cases + yes + no), dtype=np.float64)


def estimate_waits(counts: CohortCounts, *, seed: int = 0) -> tuple[WaitEstimate, ...]:
    """Every measure that the files have, all cases first, then the categories in the order of the counts; categories of too few are left out."""
    if counts.service is None:
        return ()
    rng = np.random.default_rng([seed, _STREAM])
    found = []
    for measure in MEASURES:
        own = [one for one in counts.service.waits if one.measure == measure]
        unit = "days" if all(one.hours % HOURS_OF["days"] == 0 for one in own) else "hours"
        for place, name in ((None, ""), *enumerate(counts.categories)):
            waits = own if place is None else [one for one in own if one.category == place]
            done, still = sum(one.done for one in waits), sum(one.still for one in waits)
            if done + still >= LEAST_OF_GROUP and done:
                median = WaitCurve(waits, rng).median(hours=HOURS_OF[unit])
                found.append(WaitEstimate(name, measure, done, still, unit, median))
    return tuple(found)


def closing_curves(counts: CohortCounts, rng: np.random.Generator, draws: int) -> Mapping[str, WaitCurve]:
    """By category of enough cases, the draws of how long closing took; empty where no column says it."""
    curves = {}
    for place, name in enumerate(counts.categories):
        waits = [one for one in (counts.service.waits if counts.service is not None else ()) if (one.category, one.measure) == (place, CLOSED)]
        if sum(one.done + one.still for one in waits) >= LEAST_OF_GROUP and any(one.done for one in waits):
            curves[name] = WaitCurve(waits, rng, draws)
    return curves


def _by_hour(waits: Sequence[Wait], name: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in waits:
        found[one.hours] = found.get(one.hours, 0) + int(getattr(one, name))
    return found
