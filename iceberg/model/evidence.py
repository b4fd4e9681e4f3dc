"""The evidence ladder: which level the counts reach, and why. Reasons are codes under ``evidence.reasons``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import Diagnostic, Evidence, EvidenceLevel, IcebergEstimate

# Judgements: below these there is nothing in the departures for the ratio to be read from.
LEAST_COMPLAINANTS = 20
LEAST_SILENT_LEAVERS = 20
LEAST_MONTHS = 6
# Judgement: less than half of the answer is assumption.
DATA_LED_SHARE = 0.5

NO_RANGE = "renewals_not_fitted"  # how the codes of these diagnostics begin

Reason = tuple[str, dict[str, object]]
Kind = Literal["assumption_led", "mixed", "data_led"]


def judge_evidence(counts: CohortCounts) -> Evidence:  # noqa: PLR0911  # one per level
    """The evidence level that the files reach, and the reasons for it."""
    if not counts.has_customers:
        return Evidence(EvidenceLevel.VOLUMES, "assumption_led", (("volumes_only", {"complaints": int(counts.complaints.sum())}),))
    reasons: list[Reason] = [("departures_cap", {"silent_leavers": counts.silent_leavers})]
    if not counts.has_calendar:
        return Evidence(EvidenceLevel.FLAT, "mixed", (*reasons, *_what_the_sheet_holds(counts)), ranks=_every_ratio_was_measured(counts))
    if not counts.has_linked_complaints:
        return Evidence(EvidenceLevel.DEPARTURES, "assumption_led", (*reasons, ("complaints_not_linked", {})))
    reasons.append(("complainers_followed", {"vocal_customers": counts.vocal_customers_total}))
    if counts.vocal_customers_total == 0:
        return Evidence(EvidenceLevel.DEPARTURES, "assumption_led", (*reasons[:1], ("no_complainers", {})))
    measured = _what_was_measured(counts)
    if measured:
        return Evidence(EvidenceLevel.MEASURED, "mixed", (*reasons, *measured))
    missing = what_is_missing_for_level_3(counts)
    if missing:
        return Evidence(EvidenceLevel.LINKED, "mixed", (*reasons, *missing))
    reasons.append(("departures_vary", {"segments": len(counts.segments), "months": len(counts.months)}))
    return Evidence(EvidenceLevel.VARIED, "mixed", tuple(reasons))


def with_answers(evidence: Evidence, counts: CohortCounts) -> Evidence:
    """The evidence with the reasons that leavers gave: level 4 where complainants are followed, one more reason for the level elsewhere."""
    said: tuple[Reason, ...] = tuple(
        (f"reasons_{one.source}", {"answers": one.number, "asked": one.asked, "reached": one.reached, "told": one.informed}) for one in counts.stated
    )
    measured = evidence.level in {EvidenceLevel.LINKED, EvidenceLevel.VARIED}
    return replace(evidence, level=EvidenceLevel.MEASURED if measured else evidence.level, reasons=(*evidence.reasons, *said))


def waits_for_renewals(counts: CohortCounts) -> bool:
    """Whether customers leave at the renewals of contracts: what complainers do within a horizon then says little about what they will do."""
    return counts.renewals is not None and counts.renewals.unmodelled != "unconfirmed"


def _what_the_sheet_holds(counts: CohortCounts) -> tuple[Reason, ...]:
    """Level F: what a flat sheet can and cannot say."""
    if counts.vocal_customers_total == 0:
        return (("flat_no_complaints", {"customers": counts.customers}),)
    bands = int((counts.complainants_any.sum(axis=(0, 1)) > 0).sum())
    heard: dict[str, object] = {"vocal_customers": counts.vocal_customers_total, "bands": bands}
    return (("flat_compared", heard), ("flat_ratio_assumed", {}), *_what_was_measured(counts))


def _what_was_measured(counts: CohortCounts) -> tuple[Reason, ...]:
    """Level 4: a log or a survey that met the problems of categories with complainers; empty where none did."""
    if counts.observed is None:
        return ()
    heard = counts.vocal_customers > 0
    struck, voiced = counts.observed.incidents[heard].sum(axis=0)
    _, had_problem, complained = counts.observed.survey[heard].sum(axis=0)
    reasons: list[Reason] = []
    if struck:
        reasons.append(("incidents_logged", {"struck": int(struck), "voiced": int(voiced)}))
        followed = counts.observed.clock.exited.sum() + counts.observed.clock.censored.sum()
        reasons.append(("silent_followed", {"silent": int(followed)}))
    if had_problem:
        reasons.append(("survey_asked", {"had_problem": int(had_problem), "complained": int(complained)}))
    return tuple(reasons)


def _every_ratio_was_measured(counts: CohortCounts) -> bool:
    """Whether a log or a survey met the problem of every category with complainers: the assumed ratio is the same for all, so it orders nothing."""
    if counts.observed is None:
        return False
    met = counts.observed.incidents[:, 0] + counts.observed.survey[:, 1]
    return bool((met[counts.vocal_customers > 0] > 0).all())


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
    if counts.renewals is not None and counts.renewals.blocks:
        reasons.append(("renewals_not_modelled", {"term": counts.renewals.term_months}))
    if counts.silent_leavers < LEAST_SILENT_LEAVERS:
        reasons.append(("too_few_leavers", {"silent_leavers": counts.silent_leavers, "needed": LEAST_SILENT_LEAVERS}))
    return tuple(reasons)


def cannot_say(estimate: IcebergEstimate) -> bool:
    """Whether no range can be given: what is shown instead is assumed, and limited by the departures alone."""
    return any(one.code.startswith(NO_RANGE) for one in estimate.diagnostics)


def kind_of(level: EvidenceLevel, estimate: IcebergEstimate) -> Kind:
    """Whose answer it is, from how much of it is still prior (weighted by vocal customers)."""
    if not level.follows_complainers or cannot_say(estimate):
        return "assumption_led"
    heard = sum(category.vocal_customers for category in estimate.categories)
    share = sum(one.prior_share * one.vocal_customers for one in estimate.categories) / heard if heard else 1.0
    return "data_led" if level.corrects_ratio and share < DATA_LED_SHARE else "mixed"


def with_badge(estimate: IcebergEstimate, remarks: Sequence[Diagnostic]) -> Evidence:
    """The evidence with its badge. Data-led means that the data pin the number and that no check objects to it.

    A narrow range says nothing of an assumption that is broken.
    """
    evidence, kind = estimate.evidence, kind_of(estimate.evidence.level, estimate)
    objections = {one.code for one in remarks if one.is_objection}
    if kind != "data_led" or not objections:
        return replace(evidence, kind=kind)
    return replace(evidence, kind="mixed", reasons=(*evidence.reasons, ("checks_object", {"count": len(objections)})))
