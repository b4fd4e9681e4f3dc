"""Finds what a reader must know before trusting a number: diagnostics as codes and values, never as sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import UNKNOWN_TENURE_MONTHS
from iceberg.model.assumptions import FOLK_RATIO
from iceberg.model.evidence import with_badge
from iceberg.model.leaks import find_leaks
from iceberg.model.priors import COMMON_EXCESS
from iceberg.model.ratio.measurements import remark_on_measurements
from iceberg.model.results import Diagnostic, IcebergEstimate

# Judgements.
FEW_COMPLAINTS = 30  # below this a category's own complainers say next to nothing
REVENUE_KNOWN_SHARE = 0.8


def diagnose(estimate: IcebergEstimate, counts: CohortCounts) -> IcebergEstimate:
    """The estimate with its diagnostics, the most serious first, and the badge that they leave it with."""
    found = [
        *estimate.diagnostics,
        *about_months(counts),
        *_about_a_mass_end(counts),
        *_about_files(counts),
        *_about_complaints(estimate, counts),
        *remark_on_measurements(counts, assumptions=estimate.assumptions),
        *_about_the_cap(estimate),
        *_about_the_fit(estimate),
        *_about_leaks(counts),
        *_about_money(estimate, counts),
    ]
    order = {"warning": 0, "caution": 1, "info": 2}
    return replace(estimate, evidence=with_badge(estimate, found), diagnostics=tuple(sorted(found, key=lambda one: order[one.severity])))


def about_months(counts: CohortCounts) -> list[Diagnostic]:
    """A warning per run of months that are no evidence: what is missing from them, and whether they are counted all the same."""
    warnings = []
    for run in counts.unrecorded:
        code = f"months_kept_{run.what}" if run.overruled else f"months_without_{run.what}_{run.place}"
        warnings.append(Diagnostic(code, "warning", {"first": run.first, "last": run.following - timedelta(days=1)}))
    return warnings


def _about_a_mass_end(counts: CohortCounts) -> list[Diagnostic]:
    """Most departures on one day: when these customers left says nothing about their complaints."""
    end = counts.mass_end
    if end is None:
        return []
    values: dict[str, object] = {"day": end.day, "leavers": end.leavers, "departures": end.departures, "share": end.leavers / end.departures}
    return [Diagnostic("mass_end", "warning", values)]


def _about_files(counts: CohortCounts) -> list[Diagnostic]:
    found = []
    if not counts.has_customers:
        found.append(Diagnostic("no_customers", "caution"))
    elif not counts.has_linked_complaints and counts.complaints.sum() > 0:
        found.append(Diagnostic("complaints_not_linked", "caution"))
    if counts.has_customers and counts.silent_leavers == 0:
        found.append(_about_nothing("no_departures", counts))
    if not counts.has_calendar:
        found.append(Diagnostic("no_time_order", "caution"))
        unknown = counts.person_days[..., -1].sum() if counts.band_edges_months[-1] == UNKNOWN_TENURE_MONTHS else 0
        if unknown:
            found.append(Diagnostic("unknown_tenure", "info", {"count": int(unknown)}))
    if counts.grouped_segments:
        found.append(Diagnostic("segments_grouped", "info", {"count": counts.grouped_segments}))
    return found


def _about_nothing(code: str, counts: CohortCounts) -> Diagnostic:
    """Nothing inside the window, or on a sheet that has none."""
    if not counts.has_calendar:
        return Diagnostic(f"{code}_flat", "warning")
    return Diagnostic(code, "warning", {"since": counts.window.since, "as_of": counts.window.as_of})


def _about_complaints(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    if estimate.total.vocal_customers == 0:
        return [_about_nothing("no_complaints", counts)]
    return [
        Diagnostic("few_complaints", "caution", {"vocal": one.vocal_customers, "needed": FEW_COMPLAINTS}, one.category)
        for one in estimate.categories
        if one.vocal_customers < FEW_COMPLAINTS
    ]


def _about_the_cap(estimate: IcebergEstimate) -> list[Diagnostic]:
    cells, heard, lost = estimate.cells, estimate.total.vocal_customers, estimate.silent_leavers
    if not estimate.evidence.level.knows_departures or heard == 0 or cells is None:
        return []
    found = []
    if _asks_for_the_impossible(estimate):
        ratio = estimate.assumptions.ratio.median
        values: dict[str, object] = {"ratio": ratio, "needed": round(ratio * heard), "lost": lost}
        values |= {"leavers_allowed": lost / heard, "sufferers_allowed": estimate.total.feasible_ratio or 0.0}
        found.append(Diagnostic("ratio_impossible", "caution", values, objects=False))
    asked = cells.ratio_prior @ cells.vocal.sum(axis=(1, 2))
    excluded = float((asked > cells.leavers.sum()).mean())
    if excluded > 0.05 and not estimate.evidence.level.corrects_ratio:
        values = {"excluded": excluded, "asked": round(float(np.median(asked))), "lost": lost}
        found.append(Diagnostic("cap_binds", "caution" if excluded > 0.5 else "info", values, objects=False))
    return found


def _asks_for_the_impossible(estimate: IcebergEstimate) -> bool:
    """Whether the departures rule out the ratio that the user stated, or the whole range of the folk ratio, at the assumed risk of leaving.

    That 1:25 itself is too large for nearly every company is no news: the range around it is what is assumed.
    """
    held = estimate.assumptions
    if held.use_category_priors:  # no ratio is stated
        return False
    stated = held.ratio.median != FOLK_RATIO or held.literal_leavers
    sufferers = held.ratio.median if stated else held.ratio.lower
    return sufferers * (1.0 if held.literal_leavers else COMMON_EXCESS.mean) * estimate.total.vocal_customers > estimate.silent_leavers


def _about_the_fit(estimate: IcebergEstimate) -> list[Diagnostic]:
    """Patterns of the company's own files that the fit does not reproduce."""
    missed = [one for one in estimate.checks if one.is_misfit]
    if not missed:
        return []
    values: dict[str, object] = {"count": len(missed), "all": len(estimate.checks), "times": max(one.discrepancy for one in missed)}
    return [Diagnostic("not_reproduced", "caution", values)]


def _about_leaks(counts: CohortCounts) -> list[Diagnostic]:
    """Complaints recorded because the customer left look like complaints that drove them away, only too well."""
    return [
        Diagnostic("leak", "warning", values, counts.categories[index]) for index, values in find_leaks(counts).items()
    ]


def _about_money(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    if not counts.has_customers:
        return []
    if estimate.total.revenue_lost is None:
        return [Diagnostic("no_revenue", "info")]
    held = estimate.assumptions
    values: dict[str, object] = {"months": held.residual_horizon_months, "discount": held.annual_discount_rate}
    found = [Diagnostic("money_horizon", "info", values)]
    known = int(counts.silent_exit_revenue_known.sum())
    if known < REVENUE_KNOWN_SHARE * counts.silent_leavers:
        found.append(Diagnostic("revenue_partly_known", "caution", {"known": known, "leavers": counts.silent_leavers}, objects=False))
    return found
