"""Simulated cases and raters: true scores of categories, cases around them, raters who are harsh or mild, and scores rounded to 0 to 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.audit.draw import allocate
from iceberg.cohort.audit.record import FEWEST_CASES, ITEMS, ScoredCases
from iceberg.model.audit.agreement import krippendorff_alpha

CATEGORIES = 6
ITEM_SD = 0.35  # of an item beside its HUM, in one case


@dataclass(frozen=True)
class Family:
    """One kind of company.

    Attributes:
        raters, cases: How many.
        low, high: Of the mean scores of categories; near an end many scores are 0 or 4.
        rater_sd: How far raters differ.
        strata: Whether each category has a small stratum that is answered worse and drawn far more often.
        uneven: Whether one rater scores most categories and another the rest, but for the cases that both score.
    """

    raters: int = 2
    cases: int = 90
    low: float = 1.0
    high: float = 3.0
    rater_sd: float = 0.25
    strata: bool = False
    uneven: bool = False


FAMILIES = {
    "usual": Family(),
    "four_raters": Family(raters=4),
    "large": Family(cases=240, raters=3),
    "near_the_end": Family(low=0.2, high=1.2),
    "harsh_and_mild": Family(rater_sd=0.6, raters=3),
    "strata_drawn_unevenly": Family(strata=True, cases=120),
    "raters_by_category": Family(uneven=True),
}
ICCS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, eq=False)
class Truth:
    """The company behind the scores.

    Attributes:
        scored: What the raters wrote.
        category: (C, 3) mean score on each HUM by the average rater, of all cases of the category, as scored from 0 to 4.
        alpha: Krippendorff's alpha of the first item if these raters scored very many such cases in pairs.
    """

    scored: ScoredCases
    category: FloatArray
    alpha: float


def simulate(family: Family, icc: float, seed: int) -> Truth:
    """One company and its audit. `icc` is the share of the variance between scores of a category that two raters of a case have in common."""
    rng = np.random.default_rng([seed, round(100 * icc)])
    means = rng.uniform(family.low, family.high, (CATEGORIES, 3))
    spread = 0.9
    harsh = rng.normal(0, family.rater_sd, (family.raters, 3))
    small = -0.9 if family.strata else 0.0
    sizes = {place: int(rng.integers(80, 900)) for place in range(CATEGORIES)}
    category, stratum, weight = [], [], []
    for place, wanted in allocate(sizes, family.cases, least=FEWEST_CASES).items():
        parts = {0: sizes[place] - sizes[place] // 8, 1: sizes[place] // 8} if family.strata else {0: sizes[place]}
        given = {0: wanted - wanted // 2, 1: wanted // 2} if family.strata else {0: wanted}
        for part, number in given.items():
            category += [place] * number
            stratum += [part] * number
            weight += [parts[part] / number] * number
    cases = len(category)
    own = means[category] + small * np.array(stratum)[:, None] + rng.normal(0, spread * np.sqrt(icc), (cases, 3))
    order = rng.permutation(cases)
    twice = max(int(np.ceil(cases / 5)), 8)
    case, rater = [], []
    for place, one in enumerate(order):
        first = place % family.raters if not family.uneven else int(category[one] >= 4)
        case.append(int(one))
        rater.append(first)
        if place < twice:
            case.append(int(one))
            rater.append((first + 1) % family.raters)
    scores = _score(own[case] + harsh[rater], icc, spread, rng)
    truth = np.array([[_truth(means[place, hum], small, spread, family, rng) for hum in range(3)] for place in range(CATEGORIES)])
    scored = ScoredCases(
        categories=tuple(f"category {place}" for place in range(CATEGORIES)),
        category=np.array(category, dtype=np.int64),
        weight=np.array(weight),
        case=np.array(case, dtype=np.int64),
        rater=np.array(rater, dtype=np.int64),
        scores=scores,
    )
    return Truth(scored, truth, _true_alpha(own[:, :1], harsh[:, :1], icc, spread, rng))


def _true_alpha(own: FloatArray, harsh: FloatArray, icc: float, spread: float, rng: np.random.Generator) -> float:
    """Alpha of the first item over very many cases like those drawn, each scored by two raters at random."""
    number = 40_000
    base = own[rng.integers(0, len(own), number), 0] + rng.normal(0, 0.05, number)
    pairs = np.argsort(rng.random((number, len(harsh))), axis=1)[:, :2]
    noise = rng.normal(0, np.sqrt(spread**2 * (1 - icc) + ITEM_SD**2), (number, 2))
    return float(krippendorff_alpha(np.clip(np.round(base[:, None] + harsh[pairs, 0] + noise), 0, 4))[0])


def _score(value: FloatArray, icc: float, spread: float, rng: np.random.Generator) -> FloatArray:
    """(R, 12) whole numbers from (R, 3) sides of a case as a rater sees them."""
    seen = value + rng.normal(0, spread * np.sqrt(1 - icc), value.shape)
    items = np.repeat(seen, len(ITEMS) // 3, axis=1) + rng.normal(0, ITEM_SD, (len(value), len(ITEMS)))
    return np.clip(np.round(items), 0, 4)


def _truth(mean: float, small: float, spread: float, family: Family, rng: np.random.Generator) -> float:
    """The mean score that raters without number would give all cases of a category."""
    number = 20_000
    parts = (rng.random(number) < (1 / 8 if family.strata else 0.0)) * small
    value = mean + parts + rng.normal(0, np.sqrt(spread**2 + ITEM_SD**2), number) + rng.normal(0, family.rater_sd, number)
    return float(np.clip(np.round(value), 0, 4).mean())
