"""Estimates a second time without tenure: the silent may be newer or older customers than those who complain.

The tenures at which customers complain say who complains as much as who has problems. The second opinion keeps from complaints when and where the
problems struck, and strikes customers of every tenure alike. Where both opinions say the same, the answer does not hang on tenure; where they differ,
both are shown. As a replacement the second is worse: it gives away what complaints say about newcomers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.chance import by_category
from iceberg.model.departures.fit.model import ExcessHazardFit, refit
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.ratio.prior_change import rows_under
from iceberg.model.results import CredibleInterval, Diagnostic

SECOND_DRAWS = 600
DIFFERENT = 1.5  # judgement: a factor between two medians that changes what is decided
LEAST_CUSTOMERS = 10.0  # judgement: factors between fewer customers than these mean nothing


@dataclass(frozen=True, eq=False)
class SecondOpinion:
    """Draws of the estimate without tenure: (K, C) log ratios, (K,) their level, and (K, C) customers, under the prior of the fit."""

    log_ratio: FloatArray
    level: FloatArray
    silent_churn: FloatArray

    def under(self, prior: RatioPrior, drawn_under: RatioPrior) -> FloatArray | None:
        """(K, C) customers under another prior; None where its draws cannot say."""
        rows = rows_under(prior, drawn_under, self.log_ratio, self.level)
        return None if rows is None else self.silent_churn[rows]


def ask_without_tenure(fit: ExcessHazardFit, counts: CohortCounts, *, rng: np.random.Generator, draws: int = SECOND_DRAWS) -> SecondOpinion:
    """The draws of the same model whose silent sufferers do not follow the tenures of complainants, fitted from `fit`."""
    blind = replace(fit, design=replace(fit.design, follows_tenure=False), alternatives=())
    drawn = draw_silent_churn(refit(blind, fit.shared, fit.own), counts, rng=rng, draws=draws)
    return SecondOpinion(drawn.log_ratio, drawn.level, by_category(drawn.silent_churn))


def opinions_differ(first: CredibleInterval, second: CredibleInterval) -> bool:
    """Whether two estimates of the same customers would be acted on differently: medians far apart, and one outside the other's interval."""
    low, high = sorted((first.median, second.median))
    apart = high >= DIFFERENT * max(low, LEAST_CUSTOMERS)
    return apart and not (first.lower <= second.median <= first.upper and second.lower <= first.median <= second.upper)


def compare_opinions(
    categories: tuple[str, ...], churn: SingleArray, opinions: tuple[CredibleInterval | None, ...] | None, own: BoolArray
) -> tuple[Diagnostic, ...]:
    """A remark for the total, which is that of the categories `own`, and for each category where the estimate without tenure differs."""
    if opinions is None:
        return ()
    found, customers = [], by_category(churn)
    each = (*(CredibleInterval.of(draws) for draws in customers.T), CredibleInterval.of(customers[:, own].sum(axis=1)))
    for name, first, second in zip((*categories, None), each, opinions, strict=True):
        if second is not None and opinions_differ(first, second):
            code = "second_opinion_differs" if name is None else "second_opinion_differs_category"
            found.append(Diagnostic(code, "caution", {"lower": round(second.lower), "upper": round(second.upper)}, name))
    return tuple(found)
