"""Builds the JSON document of an estimate, as the command line promises it to other programs.

Every key is always present. Unknown values are null, never 0; NaN and infinity do not exist.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import INTERVAL_MASS, CategoryEstimate, CredibleInterval, IcebergEstimate, PredictiveCheck
from iceberg.report.words import diagnostic_sentences

SCHEMA_VERSION = 1
_DECIMALS = 6  # finer than any figure means; coarse enough to keep the file readable
_TABLES = ("customers", "complaints")
_NO_ROWS = {"read": 0, "kept": 0, "rejected": 0}


def build_document(
    estimate: IcebergEstimate, counts: CohortCounts, *, rows: Mapping[str, Mapping[str, int]], language: str = "en"
) -> dict[str, Any]:
    """The estimate as the contract's document, ready for `json`.

    Args:
        estimate: What `iceberg.model.estimate.estimate_iceberg` returned.
        counts: The counts it was made from; they hold the window.
        rows: ``{"customers": {"read": .., "kept": .., "rejected": ..}, "complaints": {...}}``; a table that was not
            given holds zeros. Where complaints come as volumes, hand the totals of that file over as "complaints".
        language: Of the diagnostics' messages, one of `iceberg.locale.LANGUAGES`.
    """
    known_departures = counts.has_customers
    return {
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
            "vocal_customers": int(estimate.total.vocal_customers),
            "silent_churn": _interval(estimate.total.silent_churn),
            "revenue_lost": _interval(estimate.total.revenue_lost),
            "folk_estimate": _number(estimate.total.folk_estimate),
            "placebo": _interval(estimate.total.placebo),
            "second_opinion": _interval(estimate.total.second_opinion),
        },
        "categories": [_category(entry) for entry in estimate.categories],
        "checks": [_check(entry) for entry in estimate.checks],
        "diagnostics": [
            {"code": entry.code, "message": " ".join(diagnostic_sentences(entry, Translator(language))).strip()} for entry in estimate.diagnostics
        ],
    }


def document_to_json(document: Mapping[str, Any]) -> str:
    """The document as text: two spaces, accents kept, a closing newline.

    Raises:
        ValueError: When a number is not finite: a defect, never written.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _category(entry: CategoryEstimate) -> dict[str, Any]:
    return {
        "category": entry.category,
        "vocal_customers": int(entry.vocal_customers),
        "silent_churn": _interval(entry.silent_churn),
        "revenue_lost": _interval(entry.revenue_lost),
        "silent_ratio": {"prior": _interval(entry.ratio_prior), "posterior": _interval(entry.ratio_posterior)},
        "excess_probability": _interval(entry.excess_probability),
        "prior_share": _number(entry.prior_share),
        "probability_worst": None if entry.probability_worst is None else _number(entry.probability_worst),
        "placebo": _interval(entry.placebo),
        "second_opinion": _interval(entry.second_opinion),
    }


def _check(entry: PredictiveCheck) -> dict[str, Any]:
    return {
        "what": entry.what,
        "axis": entry.axis,
        "discrepancy": _number(entry.discrepancy),
        "p_value": _number(entry.p_value),
        "places": [{"place": point.label, "observed": _number(point.observed), "predicted": _interval(point.predicted)} for point in entry.points],
    }


def _interval(interval: CredibleInterval | None) -> dict[str, float | int] | None:
    if interval is None:
        return None
    return {"lower": _number(interval.lower), "median": _number(interval.median), "upper": _number(interval.upper)}


def _number(value: float) -> float | int:
    rounded = round(float(value), _DECIMALS)
    return int(rounded) if math.isfinite(rounded) and rounded == int(rounded) else rounded
