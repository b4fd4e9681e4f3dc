"""`Enchantment`: whether good moments keep customers, where that can be distinguished from engagement; beside the estimate, and never in it.

The clock. A customer t days after a moment leaves at ``h(t) = natural(t) exp(a - (b + e) g(t))`` with ``g(t) = exp(-t / 90)``: b is what the moment
does, and fades; a is what customers who have such moments differ by anyway; e is engagement that happens to be high when they have one and passes,
which no departure can distinguish from b. `b ~ Normal(0, 0.25)`: that good moments keep customers is far from certain, as the service recovery
paradox holds for satisfaction, not for repurchase (de Matos, Henrique, Rossi 2007, Journal of Service Research 10(1)). Without a log of visits e is
as large as b may be, so that next to nothing is ever said; with one, visits show it.

The placebo. Departures before a moment are no placebo: who had one was still there. Nor is a moment moved to an earlier day, since between that
and the true one nobody of them can have left; nor one given by lot, which is fair whatever engagement does. What can be measured before a moment
is how often customers came: in the fourth to sixth month before it and in its own month up to its day, which the bands of engagement do not see,
they must have come as often as matched customers. The first shows engagement that lasts, the second engagement that passes. What can be measured
after it is a: once the moment has faded, they must leave as often as matched customers. Where an interval
excludes 1, the answer is that nothing can be distinguished from engagement. Complaints before the moment are no placebo, since gestures
and call-backs go to those who complain; they are matched instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.positives.positive_counts import EVERY_KIND, JUST_BEFORE, LONG_BEFORE, PositiveCounts
from iceberg.model.positives.clock import ClockPosterior
from iceberg.model.priors import LEAST_EXPECTED_LEAVERS
from iceberg.model.results import INTERVAL_MASS, CredibleInterval

Reading = Literal["few", "engagement", "unclear", "protects", "harms"]
DRAWS = 4_000
_STREAM = 20_261  # of random numbers: no other part of an estimate draws from it
_VISITS_MASS, _NORMAL = 0.95, 1.959963984540054  # of two placebos each is wider, so that both together are as strict as one of 90 %


@dataclass(frozen=True)
class MomentEffect:
    """What became of customers after moments of one kind, or of any.

    Attributes:
        kind: Place in `PositiveCounts.kinds`, or `EVERY_KIND`.
        customers: With a matched moment.
        leavers, expected: Who left within a year, and who would have at the rate of matched customers.
        reading: What can be said; of the rest only what it allows is ever shown.
        effect: b; None where too few departures are expected.
        faded: The placebo after the moment, exp(a): how often customers leave once it has faded, over matched ones; None likewise.
        long_before, just_before: The placebos before it: visits over those of matched customers; None without a log that reaches so far.
        saved: Customers who stayed because of the moment, within a year of it; None likewise.
    """

    kind: int
    customers: int
    leavers: int
    expected: float
    reading: Reading
    effect: CredibleInterval | None = None
    faded: CredibleInterval | None = None
    long_before: CredibleInterval | None = None
    just_before: CredibleInterval | None = None
    saved: CredibleInterval | None = None


@dataclass(frozen=True)
class Enchantment:
    """What good moments did.

    Attributes:
        positives: The counts.
        whole: All moments.
        kinds: By kind, most customers first; empty where there is one kind, or where nothing can be distinguished from engagement.
    """

    positives: PositiveCounts
    whole: MomentEffect
    kinds: tuple[MomentEffect, ...]


def estimate_enchantment(counts: CohortCounts, *, seed: int = 0, draws: int = DRAWS) -> Enchantment | None:
    """What good moments did; None without a file of them.

    Args:
        counts: With those of the moments.
        seed: The same counts and seed give the same figures.
        draws: Of the customers who stayed.
    """
    positives = counts.positives
    if positives is None:
        return None
    rng = np.random.default_rng([seed, _STREAM])
    whole = _effect_of(positives, EVERY_KIND, rng, draws=draws)
    by_kind = len(positives.kinds) > 1 and whole.reading != "engagement"
    kinds = (_effect_of(positives, kind, rng, draws=draws) for kind in range(len(positives.kinds)))
    return Enchantment(positives, whole, tuple(kinds) if by_kind else ())


def _effect_of(positives: PositiveCounts, kind: int, rng: np.random.Generator, *, draws: int) -> MomentEffect:
    """The effect of one kind, read as the module says."""
    months = [one for one in positives.months if one.kind == kind]
    leavers, expected = sum(one.leavers for one in months), sum(one.expected for one in months)
    found = (kind, positives.customers_of(kind), leavers, expected)
    long_before, just_before = (visits_ratio(positives, kind, period) for period in (LONG_BEFORE, JUST_BEFORE))
    if expected < LEAST_EXPECTED_LEAVERS:
        return MomentEffect(*found, "few", None, None, long_before, just_before)
    posterior = ClockPosterior.of(months, sees_engagement=positives.sees_engagement)
    effects, saved = posterior.draw(rng, draws)
    effect, unseen = CredibleInterval.of(effects), posterior.unseen_interval()
    faded = CredibleInterval(float(np.exp(unseen.lower)), float(np.exp(unseen.median)), float(np.exp(unseen.upper)), INTERVAL_MASS)
    reading: Reading = "protects" if effect.lower > 0 else "harms" if effect.upper < 0 else "unclear"
    if any(one is not None and not one.lower <= 1 <= one.upper for one in (long_before, just_before, faded)):
        reading = "engagement"
    return MomentEffect(*found, reading, effect, faded, long_before, just_before, CredibleInterval.of(saved))


def visits_ratio(positives: PositiveCounts, kind: int, period: int) -> CredibleInterval | None:
    """Visits before the moment over those of matched customers, with its interval on the log scale; None without visits in that period."""
    found = [one for one in positives.before if (one.kind, one.period) == (kind, period)]
    visits, expected = sum(one.visits for one in found), sum(one.expected for one in found)
    if not visits or expected <= 0:
        return None
    ratio, error = visits / expected, float(np.sqrt(sum(one.variance for one in found))) / visits
    return CredibleInterval(ratio * float(np.exp(-_NORMAL * error)), ratio, ratio * float(np.exp(_NORMAL * error)), _VISITS_MASS)
