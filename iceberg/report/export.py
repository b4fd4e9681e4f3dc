"""Builds the JSON document of an estimate, as the command line promises it to other programs.

Every key is always present, but those of what was given beside: `stated_reasons` (why leavers left), `declared` (scores of customers), `positives`
(good moments), `journey` (steps and channels of complaints), `service` (complaints closed in time), `spheres` (promises, priorities),
`audit` (how complaints were answered) and `rhythm` (an activity log).
Unknown values are null, never 0; NaN and infinity do not exist.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reasons.answers import NONE_OF_THESE, StatedReasons
from iceberg.locale import Translator
from iceberg.model.decision.verdict import Judgement, judge_category, judge_study
from iceberg.model.evidence import cannot_say
from iceberg.model.results import INTERVAL_MASS, CategoryEstimate, CredibleInterval, Diagnostic, IcebergEstimate, PredictiveCheck
from iceberg.report.words import diagnostic_sentences

SCHEMA_VERSION = 1
_DECIMALS = 6  # finer than any figure means; coarse enough to keep the file readable
_TABLES = ("customers", "complaints")
_NO_ROWS = {"read": 0, "kept": 0, "rejected": 0}


def build_document(
    estimate: IcebergEstimate, counts: CohortCounts, *, rows: Mapping[str, Mapping[str, int]], language: str = "en", smallest: int = 0
) -> dict[str, Any]:
    """The estimate as the contract's document, ready for `json`.

    Args:
        estimate: What `iceberg.model.estimate.estimate_iceberg` returned.
        counts: The counts it was made from; they hold the window.
        rows: ``{"customers": {"read": .., "kept": .., "rejected": ..}, "complaints": {...}}``; a table that was not
            given holds zeros. Where complaints come as volumes, hand the totals of that file over as "complaints".
        language: Of the diagnostics' messages, one of `iceberg.locale.LANGUAGES`.
        smallest: Smallest number of customers of a segment that may be shown; 0 shows every number.
    """
    known_departures = counts.has_customers
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "since": counts.window.since.isoformat() if counts.has_calendar else None,
        "as_of": counts.window.as_of.isoformat() if counts.has_calendar else None,
        "seed": estimate.seed,
        "evidence_level": str(estimate.evidence.level),
        "interval_mass": INTERVAL_MASS,
        "rows": {table: {key: int(rows.get(table, _NO_ROWS)[key]) for key in _NO_ROWS} for table in _TABLES},
        "silent_leavers": int(estimate.silent_leavers) if known_departures else None,
        "natural_departures": _interval(estimate.natural_departures) if known_departures else None,
        "total": {
            "verdict": judge_study(estimate).verdict,
            "vocal_customers": int(estimate.total.vocal_customers),
            "silent_churn": _interval(estimate.total.silent_churn),
            "revenue_lost": _interval(estimate.total.revenue_lost),
            "folk_estimate": _number(estimate.total.folk_estimate),
            "placebo": _interval(estimate.total.placebo),
            "second_opinion": _interval(estimate.total.second_opinion),
            "common_cause": _interval(estimate.total.common_cause),
        },
        "categories": [_category(entry, judge_category(estimate, entry)) for entry in estimate.categories],
        "negative_controls": [
            {
                "category": one.category,
                "vocal_customers": one.vocal_customers,
                "found": _interval(one.found),
                "placebo": _interval(one.placebo),
                "above_chance": one.above_chance,
            }
            for one in estimate.controls
        ],
        "segments": _segments(estimate, smallest),
        "checks": [_check(entry) for entry in estimate.checks],
        **({"stated_reasons": [_stated(one, counts, whole=not smallest) for one in counts.stated]} if counts.stated else {}),
        **_declared(estimate, counts, smallest),
        **_positives(estimate, counts, smallest),
        **_journey(estimate, counts, smallest),
        **_service(estimate, counts, smallest),
        **_spheres(estimate, counts, smallest),
        **_audit(estimate, counts, smallest),
        **_rhythm(counts, smallest),
        "diagnostics": [_diagnostic(entry, Translator(language)) for entry in estimate.diagnostics],
    }
    return _without_ranges(document) if cannot_say(estimate) else document


def _without_ranges(document: dict[str, Any]) -> dict[str, Any]:
    """The document of an estimate that refuses a range: what rests on assumption alone is unknown."""
    refused = ("silent_churn", "revenue_lost", "probability_worst", "excess_probability", "placebo", "second_opinion", "common_cause")
    for part in (document["total"], *document["categories"]):
        part |= {name: None for name in refused if name in part}
    for part in document["categories"]:
        part["silent_ratio"] = part["silent_ratio"] | {"posterior": None}
    for control in document["negative_controls"]:
        control |= {"found": None, "placebo": None, "above_chance": None}
    return document | {"natural_departures": None, "segments": []}


def document_to_json(document: Mapping[str, Any]) -> str:
    """The document as text: two spaces, accents kept, a closing newline.

    Raises:
        ValueError: When a number is not finite: a defect, never written.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _segments(estimate: IcebergEstimate, smallest: int) -> list[dict[str, Any]]:
    """Levels of each segment column, then the segments, which are the cells of these columns; empty where there is one segment or none is known."""
    from iceberg.report.small_cells import shown_columns, shown_segments  # brings pandas

    cells = estimate.cells if estimate.categories else None
    if cells is None or len(cells.segments) < 2:
        return []
    rows = [*shown_columns(estimate, smallest=smallest).to_dict("records"), *shown_segments(estimate, smallest=smallest).to_dict("records")]
    return [
        {
            "column": row.get("column"),
            "segment": row["segment"],
            "vocal_customers": _count(row["vocal_customers"]),
            "silent_leavers": _count(row["silent_leavers"]),
            "silent_churn": {end: _number(float(row[end])) for end in ("lower", "median", "upper")},
        }
        for row in rows
    ]


def _count(number: float) -> int | None:
    """A number of customers; null where it is not shown."""
    return None if math.isnan(number) else round(number)


def _category(entry: CategoryEstimate, judged: Judgement) -> dict[str, Any]:
    return {
        "category": entry.category,
        "verdict": judged.verdict,
        "verdict_reason": judged.reason,
        "vocal_customers": int(entry.vocal_customers),
        "silent_churn": _interval(entry.silent_churn),
        "revenue_lost": _interval(entry.revenue_lost),
        "silent_ratio": {"prior": _interval(entry.ratio_prior), "posterior": _interval(entry.ratio_posterior)},
        "excess_probability": _interval(entry.excess_probability),
        "prior_share": _number(entry.prior_share),
        "probability_worst": None if entry.probability_worst is None else _number(entry.probability_worst),
        "placebo": _interval(entry.placebo),
        "second_opinion": _interval(entry.second_opinion),
        "common_cause": _interval(entry.common_cause),
    }


def _stated(stated: StatedReasons, counts: CohortCounts, *, whole: bool) -> dict[str, Any]:
    """The reasons that leavers gave, one file. A document for viewers says only that there is one: its counts are few, and some reasons are typed."""
    if not whole:
        return {"source": stated.source}
    named = {name: stated.of(name) for name in counts.categories}
    fields = ("asked", "reached", "vocal", "untold", "elsewhere", "unknown", "blank")
    return {
        "source": stated.source,
        "answers": stated.number,
        "reasons": [{"category": name, "answers": number} for name, number in named.items()],
        "none_of_these": stated.of(NONE_OF_THESE),
        **{name: getattr(stated, name) for name in fields},
        "told": stated.informed,
        "unmatched": [{"reason": name, "rows": rows} for name, rows in stated.unmatched],
    }


def _declared(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """What customers declared in satisfaction scores, beside who left; without scores nothing."""
    if counts.scores is None:
        return {}
    from iceberg.model.scores.estimate import estimate_declared  # brings scipy
    from iceberg.report.scores.document import declared_document

    found = estimate_declared(counts, seed=estimate.seed)
    return {} if found is None else {"declared": declared_document(found, whole=not smallest)}


def _positives(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """What good moments did to departures; nothing without a file of them."""
    if counts.positives is None:
        return {}
    from iceberg.model.positives.estimate import estimate_enchantment
    from iceberg.report.positives.document import positives_document

    found = estimate_enchantment(counts, seed=estimate.seed)
    return {} if found is None else {"positives": positives_document(found, whole=not smallest)}


def _journey(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """Silent churn by step of the journey and complainants by channel; nothing where no mapping and no column says anything of them."""
    if counts.journey is None:
        return {}
    from iceberg.model.journey.stages import estimate_journey  # brings scipy
    from iceberg.report.journey.document import journey_document

    found = estimate_journey(estimate, counts)
    place = counts.journey.channel_is_place
    return {} if found is None else {"journey": journey_document(found, channel_is_place=place, whole=not smallest)}


def _service(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """What became of those whose complaint was closed in time, and of the others; nothing where no column says it."""
    if counts.service is None:
        return {}
    from iceberg.model.journey.service import estimate_service  # brings scipy
    from iceberg.report.journey.service import service_document

    found = estimate_service(counts, horizon_days=estimate.assumptions.horizon_days, seed=estimate.seed)
    return {} if found is None else {"service": service_document(found, whole=not smallest)}


def _spheres(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """Priorities, beliefs, targets and promises beside what customers did; nothing without a sheet."""
    if counts.spheres is None:
        return {}
    from iceberg.model.journey.spheres import estimate_spheres  # brings scipy
    from iceberg.report.journey.spheres import spheres_document

    found = estimate_spheres(estimate, counts, whole=not smallest)
    return {} if found is None else {"spheres": spheres_document(found)}


def _audit(estimate: IcebergEstimate, counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """How complaints were answered; without an audit nothing. A document for viewers has only the categories that they see."""
    if counts.audit is None:
        return {}
    from iceberg.report.audit.document import audit_document

    shown = [item.category for item in estimate.categories] if smallest else None
    return {"audit": audit_document(counts.audit.among(shown))}


def _rhythm(counts: CohortCounts, smallest: int) -> dict[str, Any]:
    """Breaks of rhythm at the default budget of false alarms; without an activity log nothing."""
    if not counts.rhythms:
        return {}
    from iceberg.report.rhythm.document import rhythm_numbers

    return {"rhythm": rhythm_numbers(counts.rhythms[0], smallest=smallest)}


def _check(entry: PredictiveCheck) -> dict[str, Any]:
    return {
        "what": entry.what,
        "axis": entry.axis,
        "discrepancy": _number(entry.discrepancy),
        "p_value": _number(entry.p_value),
        "places": [{"place": point.label, "observed": _number(point.observed), "predicted": _interval(point.predicted)} for point in entry.points],
    }


def _diagnostic(entry: Diagnostic, words: Translator) -> dict[str, Any]:
    return {
        "code": entry.code,
        "message": " ".join(diagnostic_sentences(entry, words)).strip(),
        "category": entry.category,
        "severity": entry.severity,
        "values": {name: _plain_value(value) for name, value in entry.values.items()},
    }


def _plain_value(value: object) -> str | float | int:
    """Numbers as they are, days as ISO dates, names as text."""
    return _number(float(value)) if isinstance(value, int | float | np.integer | np.floating) else str(value)


def _interval(interval: CredibleInterval | None) -> dict[str, float | int] | None:
    if interval is None:
        return None
    return {"lower": _number(interval.lower), "median": _number(interval.median), "upper": _number(interval.upper)}


def _number(value: float) -> float | int:
    rounded = round(float(value), _DECIMALS)
    return int(rounded) if math.isfinite(rounded) and rounded == int(rounded) else rounded
