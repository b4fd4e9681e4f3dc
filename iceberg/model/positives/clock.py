"""`ClockPosterior`: by how much a moment lowers the rate of leaving, beside what those who have such moments differ by anyway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.positives.positive_counts import FollowedMonth
from iceberg.model.priors import MOMENT_EFFECT_SD, MOMENT_LIFE_DAYS, UNSEEN_ENGAGEMENT_SDS
from iceberg.model.results import INTERVAL_MASS, CredibleInterval

_DAYS_OF_MONTH = 365.25 / 12
_GRID, _REACH = 161, 5.0  # points of each parameter, and standard deviations of its prior to which they reach


@dataclass(frozen=True, eq=False)
class ClockPosterior:
    """The posterior of a and b on a grid.

    Departures of each month are Poisson around ``expected exp(a - b g)``. Expected departures are uncertain themselves, by one factor whose variance
    is that of the departures of matched customers; it adds to the prior variance of a.

    Attributes:
        effects, unseen: (G,) values of b and of a.
        weights: (G, G) probabilities by b and a.
        expected: (T,) departures of matched customers by month.
        clock: (T,) g in the middle of each month.
    """

    effects: FloatArray
    unseen: FloatArray
    weights: FloatArray
    expected: FloatArray
    clock: FloatArray

    @classmethod
    def of(cls, months: Iterable[FollowedMonth], *, sees_engagement: bool) -> ClockPosterior:
        """From what followed the moments of one kind."""
        rows = sorted(months)
        clock = clock_of(np.array([one.month for one in rows], dtype=np.float64))
        left = np.array([one.leavers for one in rows], dtype=np.float64)
        expected = np.array([one.expected for one in rows])
        error = sum(one.variance for one in rows) / expected.sum() ** 2
        spread = float(np.sqrt(UNSEEN_ENGAGEMENT_SDS[0 if sees_engagement else 1] ** 2 + error))
        effects, unseen = (np.linspace(-_REACH * sd, _REACH * sd, _GRID) for sd in (MOMENT_EFFECT_SD, spread))
        logs = unseen[None, :, None] - effects[:, None, None] * clock
        log_density = (left * logs - expected * np.exp(logs)).sum(axis=2)
        log_density -= ((effects / MOMENT_EFFECT_SD) ** 2)[:, None] / 2 + ((unseen / spread) ** 2)[None, :] / 2
        weights = np.exp(log_density - log_density.max())
        return cls(effects, unseen, weights / weights.sum(), expected, clock)

    def interval(self, name: Literal["effect", "unseen"]) -> CredibleInterval:
        """The central interval of b or of a, between points of the grid."""
        values, mass = (self.effects, self.weights.sum(axis=1)) if name == "effect" else (self.unseen, self.weights.sum(axis=0))
        below = np.cumsum(mass) - mass / 2
        tail = (1 - INTERVAL_MASS) / 2
        lower, median, upper = np.interp([tail, 0.5, 1 - tail], below, values)
        return CredibleInterval(float(lower), float(median), float(upper), INTERVAL_MASS)

    def draw_saved(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """Draws of the customers who stayed because of the moment: those who would have left without it, less those who would with it."""
        effect, unseen = np.divmod(rng.choice(self.weights.size, draws, p=self.weights.ravel()), len(self.unseen))
        natural = self.expected * np.exp(self.unseen[unseen])[:, None]
        return np.asarray((natural * -np.expm1(-self.effects[effect][:, None] * self.clock)).sum(axis=1))


def clock_of(months: FloatArray) -> FloatArray:
    """The values of g in the middle of each month; the month of the moment, of which half has passed on average, comes before month 0."""
    return np.asarray(np.exp(-(months + 1.0) * _DAYS_OF_MONTH / MOMENT_LIFE_DAYS))
