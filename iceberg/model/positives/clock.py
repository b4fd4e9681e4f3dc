"""`ClockPosterior`: by how much a moment lowers the rate of leaving, beside what those who have such moments differ by anyway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.positives.positive_counts import FollowedMonth
from iceberg.model.priors import MOMENT_EFFECT_SD, MOMENT_LIFE_DAYS, UNSEEN_ENGAGEMENT_SDS
from iceberg.model.results import INTERVAL_MASS, CredibleInterval

_DAYS_OF_MONTH = 365.25 / 12
_GRID, _REACH = 161, 5.0  # points of each parameter, and standard deviations of its prior to which they reach


@dataclass(frozen=True, eq=False)
class ClockPosterior:
    """The posterior of a and of the sum u of b and e on a grid.

    Departures of each month are Poisson around ``expected exp(a - u g)``. Expected departures are uncertain themselves, by one factor whose variance
    is that of the departures of matched customers; it adds to the prior variance of a.

    Attributes:
        sums, unseen: (G,) values of u and of a.
        weights: (G, G) probabilities by u and a.
        expected: (T,) departures of matched customers by month.
        clock: (T,) g in the middle of each month.
        passing_sd: Of e before anything is known.
    """

    sums: FloatArray
    unseen: FloatArray
    weights: FloatArray
    expected: FloatArray
    clock: FloatArray
    passing_sd: float

    @classmethod
    def of(cls, months: Iterable[FollowedMonth], *, sees_engagement: bool) -> ClockPosterior:
        """From what followed the moments of one kind."""
        rows = sorted(months)
        clock = clock_of(np.array([one.month for one in rows], dtype=np.float64))
        left = np.array([one.leavers for one in rows], dtype=np.float64)
        expected = np.array([one.expected for one in rows])
        error = sum(one.variance for one in rows) / expected.sum() ** 2
        lasting_sd, passing_sd = UNSEEN_ENGAGEMENT_SDS[0 if sees_engagement else 1]
        spread, both = float(np.hypot(lasting_sd, np.sqrt(error))), float(np.hypot(MOMENT_EFFECT_SD, passing_sd))
        sums, unseen = (np.linspace(-_REACH * sd, _REACH * sd, _GRID) for sd in (both, spread))
        logs = unseen[None, :, None] - sums[:, None, None] * clock
        log_density = (left * logs - expected * np.exp(logs)).sum(axis=2)
        log_density -= ((sums / both) ** 2)[:, None] / 2 + ((unseen / spread) ** 2)[None, :] / 2
        weights = np.exp(log_density - log_density.max())
        return cls(sums, unseen, weights / weights.sum(), expected, clock, passing_sd)

    def unseen_interval(self) -> CredibleInterval:
        """The central interval of a, between points of the grid."""
        mass = self.weights.sum(axis=0)
        tail = (1 - INTERVAL_MASS) / 2
        lower, median, upper = np.interp([tail, 0.5, 1 - tail], np.cumsum(mass) - mass / 2, self.unseen)
        return CredibleInterval(float(lower), float(median), float(upper), INTERVAL_MASS)

    def draw(self, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
        """Draws of b, and of the customers who stayed because of the moment: who would have left without it, less who would with it.

        Given u, b is Normal around the part of u that its prior variance has in that of both.
        """
        place, unseen = np.divmod(rng.choice(self.weights.size, draws, p=self.weights.ravel()), len(self.unseen))
        total = self.sums[place] + rng.uniform(-0.5, 0.5, draws) * (self.sums[1] - self.sums[0])
        part = MOMENT_EFFECT_SD**2 / (MOMENT_EFFECT_SD**2 + self.passing_sd**2)
        effect = part * total + rng.normal(size=draws) * MOMENT_EFFECT_SD * np.sqrt(1 - part)
        natural = self.expected * np.exp(self.unseen[unseen][:, None] - (total - effect)[:, None] * self.clock)
        return np.asarray(effect), np.asarray((natural * -np.expm1(-effect[:, None] * self.clock)).sum(axis=1))


def clock_of(months: FloatArray) -> FloatArray:
    """The values of g in the middle of each month; the month of the moment, of which half has passed on average, comes before month 0."""
    return np.asarray(np.exp(-(months + 1.0) * _DAYS_OF_MONTH / MOMENT_LIFE_DAYS))
