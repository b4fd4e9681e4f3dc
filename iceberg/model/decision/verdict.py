"""The verdict on a category and on a study: fix it, measure first, only watch, or nothing stands out.

One function decides, and every place that advises (title, tiles, pages, reports, slides, terminal, JSON) asks it. *Fix* needs all of: a test
against chance that the estimate passes over its whole range, an order in time (the complaint came before the departure), an answer that is mostly
data, and no remark that says otherwise. The absence of a test never passes one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from iceberg.model.decision.chance_test import ChanceTest, chance_test
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CategoryEstimate, CredibleInterval, IcebergEstimate

MOSTLY_ASSUMPTION = 0.5  # judgement: past half, the answer is still more assumption than data
LEAST_CUSTOMERS = 0.5  # an estimate whose upper end rounds to nobody
# Remarks beside which nothing is to be fixed yet. On a category: its complaints may have followed the decision to leave. On the whole: the dates of
# departures say little, something else moves complaints and departures, the fit is not settled, or it contradicts what was measured.
DOUBTS = frozenset({"leak", "cancellations_kept", "mass_end", "common_cause_likely", "fit_not_settled", "measured_conflict"})

Ground = Literal[
    "clear", "low_end", "assumption", "no_order", "no_test", "doubted", "inside", "total_only", "untested", "none_found", "no_complaints", "control",
    "no_range",
]  # fmt: skip


class Verdict(StrEnum):
    """What to do, strongest first."""

    FIX = "fix"
    MEASURE = "measure_first"
    UNTESTED = "not_tested"
    WATCH = "watch"
    NOTHING = "nothing_stands_out"


@dataclass(frozen=True)
class Judgement:
    """A verdict and why; no verdict (None) where there is nothing to decide on.

    Attributes:
        verdict: None without complaints, for a negative control, and where no range can be given.
        reason: What decided.
    """

    verdict: Verdict | None
    reason: Ground

    @property
    def strength(self) -> int:
        """0 for the strongest verdict; without a verdict last."""
        return list(Verdict).index(self.verdict) if self.verdict is not None else len(Verdict)


def judge_range(churn: CredibleInterval, *, tested: ChanceTest, prior_share: float, in_order: bool, doubted: bool = False) -> Judgement:
    """The verdict on one range of silent churn.

    Args:
        churn: Customers.
        tested: How it stands against chance.
        prior_share: 0 = the answer is the data's, 1 = the assumption's.
        in_order: Whether the files say that complaints came before departures.
        doubted: Whether a remark of `DOUBTS` holds.
    """
    if churn.upper < LEAST_CUSTOMERS:
        return Judgement(Verdict.NOTHING, "none_found")
    if tested == "untested":
        return Judgement(Verdict.UNTESTED, "untested")
    if tested == "inside":
        return Judgement(Verdict.WATCH, "inside")
    reservations: list[tuple[bool, Ground]] = [
        (not in_order, "no_order"),
        (prior_share > MOSTLY_ASSUMPTION, "assumption"),
        (tested == "none", "no_test"),
        (doubted, "doubted"),
        (tested == "low_end", "low_end"),
    ]
    reason = next((reason for holds, reason in reservations if holds), None)
    return Judgement(Verdict.FIX, "clear") if reason is None else Judgement(Verdict.MEASURE, reason)


def judge_category(estimate: IcebergEstimate, item: CategoryEstimate) -> Judgement:
    """The verdict on a category of `estimate`."""
    if cannot_say(estimate):
        return Judgement(None, "no_range")
    if item.category in {one.category for one in estimate.controls}:
        return Judgement(None, "control")
    if item.vocal_customers == 0:
        return Judgement(None, "no_complaints")
    return judge_range(
        item.silent_churn,
        tested=chance_test(estimate, item),
        prior_share=item.prior_share,
        in_order=estimate.evidence.level.orders_events,
        doubted=any(one.code in DOUBTS and one.category in {None, item.category} for one in estimate.diagnostics),
    )


def judge_study(estimate: IcebergEstimate) -> Judgement:
    """The verdict on the whole: the strongest one of its categories; without one, whether at least the total stands out."""
    if cannot_say(estimate):
        return Judgement(None, "no_range")
    if estimate.total.vocal_customers == 0:
        return Judgement(None, "no_complaints")
    if estimate.total.silent_churn.upper < LEAST_CUSTOMERS:
        return Judgement(Verdict.NOTHING, "none_found")
    judged = [judge_category(estimate, item) for item in estimate.categories]
    strongest = min(judged, key=lambda one: one.strength, default=Judgement(None, "no_complaints"))
    if strongest.verdict in {Verdict.WATCH, Verdict.NOTHING}:
        stands_out = chance_test(estimate) in {"clear", "low_end"}
        return Judgement(Verdict.WATCH, "total_only") if stands_out else Judgement(Verdict.NOTHING, "inside")
    return strongest


def has_ranks(estimate: IcebergEstimate) -> bool:
    """Whether its categories are ranked: there are two at least, and the files can order them."""
    return len(estimate.categories) > 1 and estimate.evidence.ranks


def by_urgency(estimate: IcebergEstimate) -> tuple[CategoryEstimate, ...]:
    """The categories to speak of first: by verdict, then as ranked; by name where the files cannot order them."""

    def place(item: CategoryEstimate) -> tuple[object, ...]:
        rank = (-(item.probability_worst or 0.0), -item.silent_churn.median) if estimate.evidence.ranks else ()
        return (judge_category(estimate, item).strength, *rank, item.category)

    return tuple(sorted(estimate.categories, key=place))
