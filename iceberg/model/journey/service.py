"""`Service`: how many complaints were closed in time, and how many of those customers left because of the problem all the same.

q_in, q_late = 1 - S / S_expected over the horizon, on the clock from the deadline of the case on for both (a landmark: Anderson, Cain, Gelber 1983;
Ederer II: the expected hazard is that of never-complainers of the same segment, tenure and month).

How hard a problem was is not in the files: where late cases are the hard ones, q_late - q_in is not what closing them sooner would bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import poisson

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY
from iceberg.cohort.journey.service_counts import IN_TIME, UNDECIDED, ServiceCounts
from iceberg.model.journey.waits import WaitEstimate, estimate_waits
from iceberg.model.priors import LEAST_OF_GROUP
from iceberg.model.results import CredibleInterval
from iceberg.model.survival.net_survival import clock_of, excess_draws, matched_hazard

DRAWS = 4_000
_STREAM = 20_262  # of random numbers: no other part of an estimate draws from it
_MOSTLY_ABOVE_ZERO = 0.5  # judgement: share of the draws that must be above zero before departures are ascribed to the problem
_STAY_SHARE, _BEYOND_DOUBT = 0.5, 0.001  # judgement: complainants may well be the more loyal ones, but not by this much
SURE_DIFFERENCE = 0.95  # judgement: from this probability on late cases are said to leave more, with the reservation


@dataclass(frozen=True)
class ServiceEstimate:
    """The complainants of one category, or of any.

    Attributes:
        category: Its name; "" for the first complaint of any category.
        in_time, late: Complainants whose case was closed in time, or not, and who were still there then.
        share: Of them in time.
        left_in_time, left_late: Share who left within the horizon beyond what others do; None for too few.
        in_time_of_lost: Of those who left because of their problem, the share whose case was closed in time; None likewise.
        probability_later_worse: That more leave after a late case.
    """

    category: str
    in_time: int
    late: int
    share: CredibleInterval
    left_in_time: CredibleInterval | None = None
    left_late: CredibleInterval | None = None
    in_time_of_lost: CredibleInterval | None = None
    probability_later_worse: float | None = None

    @property
    def differs(self) -> bool:
        """Whether more leave after a late case, beyond doubt of the draws: as it would be where late cases are the hard ones."""
        return self.probability_later_worse is not None and self.probability_later_worse >= SURE_DIFFERENCE


@dataclass(frozen=True)
class Service:
    """Service as customers lived it.

    Attributes:
        everybody: Of the first complaint of any category; None where no case is decided.
        categories: By category, those of most cases first.
        undecided: Complainants by category of whose case nothing is known, added up.
        gone: Complainants who left before the deadline of their case.
        by_dates: Whether the file has deadlines.
        unread: Fields whose days cannot be read in one way.
        horizon_days: Days after which a departure no longer counts.
        waits: For the first reply and the closing; empty where no column says them.
        left_open: Complainants who left and whose case has no day of closing.
        only_present: Whether complainants leave so much less than others that the file may hold those of present customers alone.
    """

    everybody: ServiceEstimate | None
    categories: tuple[ServiceEstimate, ...]
    undecided: int
    gone: int
    by_dates: bool
    unread: tuple[str, ...]
    horizon_days: int
    waits: tuple[WaitEstimate, ...] = ()
    left_open: int = 0
    only_present: bool = False


def estimate_service(counts: CohortCounts, *, horizon_days: int, seed: int = 0) -> Service | None:
    """What became of those whose complaint was closed in time, and of the others; None where the files do not say.

    Args:
        counts: With those of the service.
        horizon_days: Of the estimate.
        seed: The same counts and seed give the same figures.
    """
    found = counts.service
    if found is None:
        return None
    rng = np.random.default_rng([seed, _STREAM])
    people = cases_in_time(counts).ravel()
    matched = matched_hazard(counts) if found.clock.rows else None
    estimates = []
    for place, name in enumerate((*counts.categories, "")):
        if matched is not None and people[2 * place : 2 * place + 2].sum():
            estimates.append(_estimate(counts, found, matched, name, place, people, horizon_days, rng))
    categories = sorted((one for one in estimates if one.category), key=lambda one: (-one.in_time - one.late, one.category))
    return Service(
        next((one for one in estimates if not one.category), None),
        tuple(categories),
        sum(one.customers for one in found.cases if one.place == UNDECIDED),
        found.gone,
        found.by_dates,
        found.unread,
        horizon_days,
        estimate_waits(counts, seed=seed),
        sum(one.customers for one in found.left_open),
        holds_only_present(counts),
    )


def holds_only_present(counts: CohortCounts) -> bool:
    """Whether complainants leave less than half as often as others, beyond doubt: as where complaints of those who left are missing."""
    if not counts.clock.rows or not counts.has_calendar:
        return False
    clock = clock_of(counts, ANY_CATEGORY, matched_hazard(counts))
    expected = float(clock.person_days @ clock.expected_hazard)
    return bool(poisson.cdf(clock.exits.sum(), expected * _STAY_SHARE) < _BEYOND_DOUBT)


def case_outcomes(counts: CohortCounts) -> IntArray:
    """(C, 3) complainants by category: late, in time, and those of whose case the file says nothing; customers who left before the deadline too."""
    found = np.zeros((len(counts.categories), 3), dtype=np.int64)
    if counts.service is None:
        return found
    if not counts.service.outcomes:  # counts that were stored before these were counted
        found[:, :UNDECIDED] = cases_in_time(counts)[:-1]
    for one in counts.service.outcomes:
        found[one.category, one.place] += one.customers
    return found


def cases_in_time(counts: CohortCounts) -> IntArray:
    """(C + 1, 2) complainants by category, then of any: late, in time; those who left before their deadline and undecided cases are in neither."""
    people = np.zeros(2 * len(counts.categories) + 2, dtype=np.int64)
    if counts.service is not None:
        np.add.at(people, counts.service.clock.category, counts.service.clock.exited + counts.service.clock.censored)
    return people.reshape(-1, 2)


def _estimate(
    counts: CohortCounts,
    found: ServiceCounts,
    matched: FloatArray,
    name: str,
    place: int,
    people: IntArray,
    horizon_days: int,
    rng: np.random.Generator,
) -> ServiceEstimate:
    late, in_time = (int(people[2 * place + which]) for which in (0, IN_TIME))
    share = rng.beta(in_time + 0.5, late + 0.5, DRAWS)

    def left(which: int) -> FloatArray | None:
        if people[2 * place + which] < LEAST_OF_GROUP:
            return None
        return excess_draws(counts, 2 * place + which, matched, rng, horizon_days=horizon_days, source=found.clock, draws=DRAWS)

    after_late, after_in_time = left(0), left(IN_TIME)
    part, worse = None, None
    if after_late is not None and after_in_time is not None:
        lost = np.maximum(after_in_time, 0) * in_time, np.maximum(after_late, 0) * late
        some = lost[0] + lost[1] > 0
        part = CredibleInterval.of(lost[0][some] / (lost[0] + lost[1])[some]) if some.mean() > _MOSTLY_ABOVE_ZERO else None
        worse = float((after_late > after_in_time).mean())
    return ServiceEstimate(
        name,
        in_time,
        late,
        CredibleInterval.of(share),
        None if after_in_time is None else CredibleInterval.of(after_in_time),
        None if after_late is None else CredibleInterval.of(after_late),
        part,
        worse,
    )
