"""Filled audit sheets of a simulated company: two raters score a sample of its cases, and how customers were answered is known.

They are drawn after the company, from random numbers of their own: no other file of the sample depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.audit.record import HIGHEST, HUMS, ITEMS, LOWEST
from iceberg.simulation.company import SimulatedCompany

ITEMS_OF_A_HUM = len(ITEMS) // len(HUMS)
CASES = 12  # drawn of each category, or all where there are fewer
TWICE = 0.2  # share of the cases that both raters score
RATERS = (-0.15, 0.15)  # the first is harsher than the average rater by so many points, the second milder
CASE_SD, RATER_SD, ITEM_SD = 0.6, 0.3, 0.35  # between cases of a category; of a rater's view of a case; of an item beside its side
# How a category is answered on each side, 0 to 4, before scores are rounded. What makes the story: billing is answered by a well trained team, staff
# attitude by the rules. Judgement.
_ANSWERED: Mapping[str, tuple[float, float, float]] = {
    "billing": (3.2, 2.8, 2.6),
    "delivery": (2.6, 2.2, 2.0),
    "price": (2.0, 1.2, 1.6),
    "product quality": (2.4, 2.0, 1.8),
    "staff attitude": (1.8, 0.8, 1.2),
    "waiting time": (2.2, 1.2, 1.6),
    "website and app": (2.6, 2.4, 2.2),
}


@dataclass(frozen=True, eq=False)
class SimulatedAudit:
    """The sheets of an audit, and what is true of the cases they were drawn of.

    Attributes:
        rows: Of each rater: line of the complaints file (the header is line 1), category, probability of being drawn, twelve scores.
        truth: By category, by side: the mean score that a rater neither harsh nor mild would give all its cases of the last 12 months.
    """

    rows: tuple[tuple[tuple[int, str, float, tuple[int, ...]], ...], ...]
    truth: dict[str, dict[str, float]]


def simulate_audit(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedAudit:
    """An audit of the cases of the last 12 months of `company`, which is not changed."""
    complaints = company.complaints
    year_ago = np.datetime64(str(company.truth["as_of"])) - np.timedelta64(365, "D")
    recent = complaints["complaint_date"].to_numpy().astype("datetime64[D]") > year_ago
    category = complaints["category"].to_numpy()
    sheets: list[list[tuple[int, str, float, tuple[int, ...]]]] = [[] for _ in RATERS]
    truth: dict[str, dict[str, float]] = {}
    drawn: list[tuple[int, str, float, FloatArray]] = []
    for name in sorted(_ANSWERED):
        places = np.flatnonzero(recent & (category == name))
        answered = np.asarray(_ANSWERED[name]) + rng.normal(0, CASE_SD, (len(places), len(HUMS)))
        means = _scored(answered, rng).reshape(len(places), len(HUMS), ITEMS_OF_A_HUM).mean(axis=(0, 2))
        truth[name] = {hum: round(float(mean), 3) for hum, mean in zip(HUMS, means, strict=True)}
        chosen = rng.choice(len(places), min(CASES, len(places)), replace=False)
        drawn += [(int(places[one]) + 2, name, len(chosen) / len(places), answered[one]) for one in chosen]
    twice = int(np.ceil(TWICE * len(drawn)))
    for order, one in enumerate(rng.permutation(len(drawn))):
        line, name, probability, answered = drawn[one]
        raters = range(len(RATERS)) if order < twice else (order % len(RATERS),)
        for rater in raters:
            scores = _scored(answered[None, :] + RATERS[rater], rng)[0]
            sheets[rater].append((line, name, probability, tuple(int(score) for score in scores)))
    # In random order, so that no rater knows which cases the other scores too.
    return SimulatedAudit(tuple(tuple(rows[one] for one in rng.permutation(len(rows))) for rows in sheets), truth)


def _scored(answered: FloatArray, rng: np.random.Generator) -> IntArray:
    """(N, 12) whole numbers from 0 to 4, of (N, 3) sides as a rater meets them."""
    seen = answered + rng.normal(0, RATER_SD, answered.shape)
    items = np.repeat(seen, ITEMS_OF_A_HUM, axis=1) + rng.normal(0, ITEM_SD, (len(seen), len(ITEMS)))
    return np.asarray(np.clip(np.round(items), LOWEST, HIGHEST), dtype=np.int64)
