"""Owns the evidence ladder: which level the counts reach, and why. Reasons are codes under ``evidence.reasons``."""

from __future__ import annotations

from typing import Literal

from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import Evidence, EvidenceLevel, IcebergEstimate

# Judgements: below these there is nothing in the departures for the ratio to be read from.
LEAST_COMPLAINANTS = 20
LEAST_SILENT_LEAVERS = 20
LEAST_MONTHS = 6
# Judgement: less than half of the answer is assumption.
DATA_LED_SHARE = 0.5

Reason = tuple[str, dict[str, object]]


def judge_evidence(counts: CohortCounts) -> Evidence:
    """The rung that the files reach and the reasons for it, before anything is estimated."""
    if not counts.has_customers:
        return Evidence("0", "assumption_led", (("volumes_only", {"complaints": int(counts.complaints.sum())}),))
    reasons: list[Reason] = [("departures_cap", {"silent_leavers": counts.silent_leavers})]
    if not counts.has_linked_complaints:
        return Evidence("1", "assumption_led", (*reasons, ("complaints_not_linked", {})))
    reasons.append(("complainers_followed", {"vocal_customers": counts.vocal_customers_total}))
    if counts.vocal_customers_total == 0:
        return Evidence("1", "assumption_led", (*reasons[:1], ("no_complainers", {})))
    missing = what_is_missing_for_level_3(counts)
    if missing:
        return Evidence("2", "mixed", (*reasons, *missing))
    return Evidence("2", "mixed", (*reasons, ("could_carry_more", {"segments": len(counts.segments)})))


def what_is_missing_for_level_3(counts: CohortCounts) -> tuple[Reason, ...]:
    """Why the departures cannot move the ratio; empty when they can."""
    reasons: list[Reason] = []
    telling = ((counts.silent_exits.sum(axis=(0, 2)) > 0) | (counts.complainants_any.sum(axis=(0, 2)) > 0)).sum()
    segments = int((counts.silent_person_days.sum(axis=(1, 2)) > 0).sum())
    if segments < 2 and telling < LEAST_MONTHS:
        reasons.append(("too_little_variation", {"segments": segments, "months": int(telling), "needed": LEAST_MONTHS}))
    if counts.vocal_customers_total < LEAST_COMPLAINANTS:
        reasons.append(
            ("too_few_complainants", {"vocal_customers": counts.vocal_customers_total, "needed": LEAST_COMPLAINANTS})
        )
    if counts.silent_leavers < LEAST_SILENT_LEAVERS:
        reasons.append(("too_few_leavers", {"silent_leavers": counts.silent_leavers, "needed": LEAST_SILENT_LEAVERS}))
    return tuple(reasons)


def kind_of(level: EvidenceLevel, estimate: IcebergEstimate) -> Literal["assumption_led", "mixed", "data_led"]:
    """The badge: whose answer it is, from how much of it is still prior (weighted by vocal customers)."""
    if level in ("0", "1"):
        return "assumption_led"
    heard = sum(category.vocal_customers for category in estimate.categories)
    share = sum(one.prior_share * one.vocal_customers for one in estimate.categories) / heard if heard else 1.0
    return "data_led" if level in ("3", "4", "F") and share < DATA_LED_SHARE else "mixed"
