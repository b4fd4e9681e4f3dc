"""How many of those who left were satisfied, in three lines that stay apart: as answered, at the bounds, and if those not heard resemble the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammainc, gammaincinv

from iceberg.arrays import FloatArray
from iceberg.model.priors import LEAST_SCORED_LEAVERS, OUT_OF_TOUCH, SCORE_RATE_WEIGHT, SURE_DIFFERENCE
from iceberg.model.results import CredibleInterval
from iceberg.model.scores.rates import StateRates

Unknowable = Literal["", "few", "no_difference", "beyond", "nobody_unheard"]
_LEAST_AGREEMENT = 0.02  # judgement, grade D: where fewer of the draws have a share that explains the departures, none does


@dataclass(frozen=True)
class SatisfiedShare:
    """The share of the satisfied among all who left.

    Attributes:
        answered: Among those heard: says nothing of the others.
        lowest, highest: If all who were not heard were not satisfied, or all were (Manski 2003): whatever they think, the share lies between.
        resembling: If satisfied customers leave as often whether or not they answer, and the others likewise, but for being out of touch.
        reason: Why there is no `resembling`; "" where there is.
    """

    answered: CredibleInterval | None
    lowest: float
    highest: float
    resembling: CredibleInterval | None = None
    reason: Unknowable = ""


def satisfied_share(satisfied: StateRates, others: StateRates, unheard: StateRates, rng: np.random.Generator, *, draws: int) -> SatisfiedShare | None:
    """The three answers described in the module; None if no customer left.

    Args:
        satisfied: Customers whose last score was satisfied.
        others: Those with another score.
        unheard: Those without a valid one.
        rng: Random numbers.
        draws: How many.
    """
    heard = satisfied.leavers + others.leavers
    total = heard + unheard.leavers
    if not total:
        return None
    answered = CredibleInterval.of(rng.beta(satisfied.leavers + 0.5, others.leavers + 0.5, draws)) if heard else None
    bounds = (satisfied.leavers / total, (satisfied.leavers + unheard.leavers) / total)
    if not unheard.leavers:
        return SatisfiedShare(answered, *bounds, reason="nobody_unheard")
    if min(satisfied.leavers, others.leavers) < LEAST_SCORED_LEAVERS:
        return SatisfiedShare(answered, *bounds, reason="few")
    inside = _departures_answer(satisfied, others, unheard, rng, draws=draws)
    if isinstance(inside, str):
        return SatisfiedShare(answered, *bounds, reason=inside)
    share = (satisfied.leavers + rng.binomial(unheard.leavers, inside)) / total
    return SatisfiedShare(answered, *bounds, resembling=CredibleInterval.of(share))


def _departures_answer(
    satisfied: StateRates, others: StateRates, unheard: StateRates, rng: np.random.Generator, *, draws: int
) -> FloatArray | Unknowable:
    """Draws of the share of the satisfied among the unheard who left; or why departures cannot say.

    Departure is a shadow variable of not answering (Miao, Liu, Li, Tchetgen Tchetgen, Geng 2024, Biometrika): given satisfaction, it does not
    depend on it. Those not heard, of whom a share pi is not satisfied, leave at ``k ((1 - pi) r_s + pi r_o)``, with k for being out of touch. Given
    r_s, r_o and k, pi uniform on 0 to 1 makes their rate uniform between ``k r_s`` and ``k r_o``: its posterior is their own Gamma cut there; each
    draw weighs as much of that Gamma as lies between, over the distance. No draw is clipped.
    """
    low, high = satisfied.draw_relative(rng, draws), others.draw_relative(rng, draws)
    if float(np.mean(high > low)) < SURE_DIFFERENCE:
        return "no_difference"
    factor = np.exp(rng.normal(*OUT_OF_TOUCH, draws))
    shape, scale = unheard.leavers + SCORE_RATE_WEIGHT, unheard.expected + SCORE_RATE_WEIGHT
    below, above = (gammainc(shape, factor * ends * scale) for ends in (np.minimum(low, high), np.maximum(low, high)))
    if float(np.mean(above - below)) < _LEAST_AGREEMENT:
        return "beyond"
    weight = (above - below) / (factor * np.maximum(np.abs(high - low), 1e-12))
    chosen = rng.choice(draws, draws, p=weight / weight.sum())
    low, high, factor = low[chosen], high[chosen], factor[chosen]
    rate = gammaincinv(shape, below[chosen] + rng.random(draws) * (above - below)[chosen]) / scale
    share = np.clip((rate / factor - low) / (high - low), 0.0, 1.0)
    return np.asarray((1 - share) * low / np.maximum((1 - share) * low + share * high, 1e-300))
