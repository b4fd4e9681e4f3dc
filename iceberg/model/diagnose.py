"""Finds what a reader must know before trusting a number: diagnostics as codes and values, never as sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.cohort.window import UNKNOWN_TENURE_MONTHS
from iceberg.model.assumptions import FOLK_RATIO
from iceberg.model.entry.wave import find_wave
from iceberg.model.evidence import NO_RANGE, with_badge
from iceberg.model.leaks import find_leaks
from iceberg.model.priors import COMMON_EXCESS
from iceberg.model.ratio.measurements import remark_on_measurements
from iceberg.model.recording.changes import RecordingFactors
from iceberg.model.recording.names import find_renamed
from iceberg.model.recording.steps import unanswered_steps
from iceberg.model.results import Diagnostic, IcebergEstimate
from iceberg.model.survival.notice import find_complaints_at_notice

# Judgements.
FEW_COMPLAINTS = 30  # below this a category's own complainers say next to nothing
REVENUE_KNOWN_SHARE = 0.8


def diagnose(estimate: IcebergEstimate, counts: CohortCounts) -> IcebergEstimate:
    """The estimate with its diagnostics, the most serious first, and the badge that they leave it with."""
    readings = [one for one in estimate.diagnostics if one.code == "recording_readings"]  # stands behind the question that it rests on
    found = [
        *(one for one in estimate.diagnostics if one not in readings),
        *about_months(counts),
        *about_reading(counts),
        *about_cancellations(counts),
        *_about_entry(estimate, counts),
        *about_recording(counts),
        *readings,
        *_about_a_mass_end(counts),
        *_about_groups(estimate, counts),
        *_about_notice(estimate, counts),
        *_about_renewals(estimate, counts),
        *_about_files(counts),
        *_about_volumes(estimate, counts),
        *_about_complaints(estimate, counts),
        *remark_on_measurements(counts, assumptions=estimate.assumptions),
        *_about_the_cap(estimate),
        *_about_the_fit(estimate),
        *_about_leaks(counts),
        *_about_money(estimate, counts),
    ]
    order = {"warning": 0, "caution": 1, "info": 2}
    named = replace(estimate, diagnostics=tuple(sorted(found, key=lambda one: order[one.severity])))
    return replace(named, evidence=with_badge(named, found))


_READING: dict[str, Literal["info", "caution", "warning"]] = {  # gravity of what reading found
    "undated_departures": "warning",
    "undated_ignored": "warning",
    "no_end_date": "warning",
    "flag_without_date": "caution",
    "several_currencies": "caution",
    "ids_do_not_match": "warning",
    "revenue_times_4": "info",
    "revenue_times_12": "info",
    "revenue_times_52": "info",
    "revenue_by_row": "info",
    "revenue_by_row_unknown": "caution",
    "ids_made_alike": "info",
    "departures_collapse": "info",
    "departures_both": "info",
}


def about_reading(counts: CohortCounts) -> list[Diagnostic]:
    """What reading the files found that changes what can be believed."""
    # A mapped column without a departure to apply it to is no lack of revenue, and what it was multiplied by moves nothing.
    found = [one for one in counts.reading if not one.code.startswith("revenue_") or counts.has_revenue]
    return [
        Diagnostic(one.code, _READING.get(one.code, "caution"), dict(one.values), objects=False if one.code == "several_currencies" else None)
        for one in found
    ]


def about_months(counts: CohortCounts) -> list[Diagnostic]:
    """A warning per run of months that are no evidence: what is missing from them, and whether they are counted all the same."""
    warnings = []
    for run in counts.unrecorded:
        code = f"months_kept_{run.what}" if run.overruled else f"months_without_{run.what}_{run.place}"
        warnings.append(Diagnostic(code, "warning", {"first": run.first, "last": run.following - timedelta(days=1)}))
    return warnings


def about_cancellations(counts: CohortCounts) -> list[Diagnostic]:
    """A warning per category with cancellations logged as complaints: how many, and whether they are counted all the same."""
    return [
        Diagnostic(
            "cancellations_kept" if one.overruled else "cancellations_left_out",
            "warning",
            {"complainants": one.complainants, "left": one.left, "days": one.days, "removed": one.removed, "others": round(100 * one.others, 1)},
            one.category,
        )
        for one in counts.cancellations
    ]


def _about_entry(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    """The months of entry whose customers leave far more often than others of their tenure, where the departures decide."""
    wave = find_wave(counts) if estimate.evidence.level.corrects_ratio else None
    if wave is None:
        return []
    values: dict[str, object] = {"months": len(wave.strong), "first": wave.strong[0], "last": wave.strong[-1], "times": wave.strongest}
    return [Diagnostic("acquisition_wave", "caution", values)]



def about_recording(counts: CohortCounts) -> list[Diagnostic]:
    """A question per step of the complaint rates that the user has not spoken of, and a proposal per category that seems to have another name."""
    cautions = []
    for one in find_renamed(counts):
        merge = " ".join(f'--merge-category "{one.name}={other}"' for other in one.names)
        cautions.append(Diagnostic("category_renamed", "caution", {"names": ", ".join(one.names), "day": one.month, "merge": merge}, one.name))
    for step in unanswered_steps(counts):
        change = str(RecordingChange(step.day, step.category))
        values: dict[str, object] = {"day": step.day, "factor": step.factor, "lower": step.lower, "upper": step.upper, "change": change}
        kind = "own_step" if step.category else "step"
        code = f"recording_{kind}_{'more' if step.factor > 1 else 'fewer'}"
        cautions.append(Diagnostic(code, "caution", values, step.category or None))
    return cautions


def about_changes(counts: CohortCounts, recording: RecordingFactors | None) -> tuple[Diagnostic, ...]:
    """What became of each change that the user names: taken out with its factor, or outside the window."""
    found = []
    if recording is not None:
        for change, draws in zip(recording.changes, recording.log_factor.T, strict=True):
            lower, factor, upper = (float(value) for value in np.exp(np.quantile(draws, [0.05, 0.5, 0.95])))
            values: dict[str, object] = {"day": change.day, "factor": factor, "lower": lower, "upper": upper}
            found.append(Diagnostic("recording_changed", "info", values, change.category or None))
    taken = recording.changes if recording is not None else ()
    outside = [str(change) for change in counts.recording_changes or () if change not in taken]
    return (*found, Diagnostic("recording_change_outside", "info", {"changes": ", ".join(outside)})) if outside else tuple(found)


def _about_a_mass_end(counts: CohortCounts) -> list[Diagnostic]:
    """Most departures on one day: when these customers left says nothing about their complaints."""
    end = counts.mass_end
    if end is None:
        return []
    values: dict[str, object] = {"day": end.day, "leavers": end.leavers, "departures": end.departures, "share": end.leavers / end.departures}
    return [Diagnostic("mass_end", "warning", values)]

def _about_groups(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    """Customers who leave together, where the departures decide: the range knows of it."""
    if counts.groups is None or not estimate.evidence.level.corrects_ratio:
        return []
    values: dict[str, object] = {"size": round(counts.groups.size, 1), "departures": counts.departures}
    return [Diagnostic("departures_in_groups", "caution", values | {"decisions": round(counts.departures / counts.groups.size)}, objects=False)]


def _about_notice(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    """Complaints that are made when notice is given, where the departures decide: the range is wider for it."""
    found = find_complaints_at_notice(counts) if estimate.evidence.level.corrects_ratio else None
    if found is None:
        return []
    values: dict[str, object] = {"first": found.first_day, "last": found.last_day, "share": round(100 * found.share)}
    return [Diagnostic("complaints_at_notice", "caution", values)]


def _about_renewals(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    """Contracts: that the model follows their renewals, or that no range can be given because it does not."""
    renewals, level = counts.renewals, estimate.evidence.level
    if renewals is None or not level.follows_complainers:
        return []
    values: dict[str, object] = {"term": renewals.term_months, "share": round(100 * renewals.departures)}
    unseen = [Diagnostic("renewals_column_not_seen", "caution", {})] if renewals.column_unseen else []
    if renewals.unmodelled == "unconfirmed":
        return unseen or [Diagnostic("renewals_not_seen", "caution", values)]
    if renewals.modelled and level.corrects_ratio:
        weight = np.maximum(counts.customers_at_risk, 1e-9)
        values["bound"] = round(100 * float(np.average(renewals.bound, weights=weight)))
        if renewals.terms:
            under = np.average(renewals.shares_under(counts.band_edges_months).sum(axis=0), weights=counts.person_days.sum(axis=1))
            values |= {"terms": ", ".join(map(str, renewals.all_terms)), "under": round(100 * float(under))}
            return [Diagnostic("renewals_by_column", "info", values)]
        return [*unseen, Diagnostic("renewals_first" if renewals.first_only else "renewals_modelled", "info", values)]
    return [*unseen, Diagnostic(f"{NO_RANGE}_{renewals.unmodelled or 'evidence'}", "warning", values | {"lost": counts.silent_leavers})]


def _about_volumes(estimate: IcebergEstimate, counts: CohortCounts) -> list[Diagnostic]:
    """How many customers the complaints were taken for, where they name none."""
    if counts.has_linked_complaints or not counts.complaints.sum():
        return []
    repeat = estimate.assumptions.complaints_per_complainant
    values: dict[str, object] = {"complaints": int(counts.complaints.sum()), "complainants": estimate.total.vocal_customers, "repeat": repeat}
    return [Diagnostic("repeats_assumed", "info", values)]


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
    if estimate.total.revenue_lost is None:  # without a departure there is no revenue to lose, whatever the file holds
        held_back = counts.silent_leavers == 0 or any(one.code == "several_currencies" for one in counts.reading)
        return [] if held_back else [Diagnostic("no_revenue", "info")]
    held = estimate.assumptions
    values: dict[str, object] = {"months": held.residual_horizon_months, "discount": held.annual_discount_rate}
    found = [Diagnostic("money_horizon", "info", values)]
    known = int(counts.silent_exit_revenue_known.sum())
    if known < REVENUE_KNOWN_SHARE * counts.silent_leavers:
        found.append(Diagnostic("revenue_partly_known", "caution", {"known": known, "leavers": counts.silent_leavers}, objects=False))
    return found
