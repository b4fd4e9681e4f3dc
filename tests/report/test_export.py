"""The JSON document has the contract's keys, all of them, and only finite numbers."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import IcebergEstimate
from iceberg.report.export import build_document, document_to_json
from tests.report.examples import example_checks, example_counts, example_estimate


def example(*, level: str, money: bool) -> tuple[IcebergEstimate, CohortCounts]:
    counts = replace(example_counts(revenue=money), has_customers=level != "0", has_revenue=money)
    return example_estimate(level=level, revenue=money), counts


INTERVAL = {"lower": 0, "median": 0, "upper": 0}
CONTRACT: dict[str, Any] = {
    "schema_version": 1,
    "since": "2024-07-01",
    "as_of": "2026-06-30",
    "seed": 0,
    "evidence_level": "3",
    "interval_mass": 0.9,
    "rows": {"customers": {"read": 0, "kept": 0, "rejected": 0}, "complaints": {"read": 0, "kept": 0, "rejected": 0}},
    "silent_leavers": 8370,
    "natural_departures": INTERVAL,
    "total": {
        "verdict": "fix",
        "vocal_customers": 0,
        "silent_churn": INTERVAL,
        "revenue_lost": INTERVAL,
        "folk_estimate": 0,
        "placebo": INTERVAL,
        "second_opinion": INTERVAL,
        "common_cause": INTERVAL,
    },
    "categories": [
        {
            "category": "billing",
            "verdict": "fix",
            "verdict_reason": "clear",
            "vocal_customers": 0,
            "silent_churn": INTERVAL,
            "revenue_lost": INTERVAL,
            "silent_ratio": {"prior": INTERVAL, "posterior": INTERVAL},
            "excess_probability": INTERVAL,
            "prior_share": 0.0,
            "probability_worst": 0.0,
            "placebo": INTERVAL,
            "second_opinion": INTERVAL,
            "common_cause": INTERVAL,
        }
    ],
    "negative_controls": [],
    "segments": [{"column": None, "segment": "North", "vocal_customers": 0, "silent_leavers": 0, "silent_churn": INTERVAL}],
    "checks": [],
    "diagnostics": [{"code": "few_complaints", "message": "...", "category": "billing", "severity": "caution", "values": {}}],
}


OPEN = ".diagnostics[].values"  # what a remark names: other keys for each remark


def keys_of(value: Any, path: str = "") -> set[str]:
    """All key paths of a document; the entries of a list share one path."""
    if isinstance(value, dict) and path != OPEN:
        return {found for key, inner in value.items() for found in {f"{path}.{key}"} | keys_of(inner, f"{path}.{key}")}
    if isinstance(value, list):
        return {found for inner in value for found in keys_of(inner, f"{path}[]")}
    return set()


def leaves_of(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves_of(inner, f"{path}[]")
    else:
        yield path, value


ROWS = {"customers": {"read": 12, "kept": 10, "rejected": 2}}


@pytest.mark.parametrize("level", ["0", "1", "2", "3", "F"])
@pytest.mark.parametrize("with_money", [True, False])
def test_the_document_has_exactly_the_keys_of_the_contract(level: str, with_money: bool) -> None:
    """What is unknown is null and its key is still there: an interval that is null hides only its three ends."""
    document = build_document(*example(level=level, money=with_money), rows=ROWS)
    missing = keys_of(CONTRACT) - keys_of(document)
    unknown = {path for path, value in leaves_of(document) if value is None}
    assert {path for path in missing if not any(path.startswith(f"{parent}.") for parent in unknown)} == set()
    assert keys_of(document) - keys_of(CONTRACT) == set()
    assert list(document) == list(CONTRACT), "in the contract's order"
    assert list(document["categories"][0]) == list(CONTRACT["categories"][0])


def test_values_have_the_types_of_the_contract() -> None:
    document = build_document(*example(level="3", money=True), rows=ROWS)
    expected = dict(leaves_of(CONTRACT))
    for path, value in leaves_of(document):
        if path.startswith(".rows"):
            assert isinstance(value, int)
        elif path.startswith(OPEN):
            assert isinstance(value, str) or math.isfinite(value), path
        elif path == ".diagnostics[].category":
            assert value is None or isinstance(value, str)
        elif isinstance(expected[path], str):
            assert isinstance(value, str)
        elif value is not None:
            assert isinstance(value, int | float), path
            assert math.isfinite(value), path


def test_a_table_that_was_not_given_holds_zeros() -> None:
    document = build_document(*example(level="2", money=True), rows=ROWS)
    assert document["rows"] == {"customers": ROWS["customers"], "complaints": {"read": 0, "kept": 0, "rejected": 0}}


def test_departures_nobody_counted_are_null_not_zero() -> None:
    document = build_document(*example(level="0", money=False), rows={})
    assert document["silent_leavers"] is None
    assert document["natural_departures"] is None
    assert document["total"]["revenue_lost"] is None


def test_what_is_not_finite_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        document_to_json({"value": math.nan})


def test_the_text_is_json_with_accents_and_a_closing_newline() -> None:
    text = document_to_json({"category": "Réclamation"})
    assert text.endswith("}\n")
    assert "Réclamation" in text
    assert json.loads(text) == {"category": "Réclamation"}


def test_diagnostics_speak_the_language_asked_for() -> None:
    estimate, counts = example(level="2", money=True)
    english = build_document(estimate, counts, rows={}, language="en")["diagnostics"]
    french = build_document(estimate, counts, rows={}, language="fr")["diagnostics"]
    assert [entry["code"] for entry in english] == [entry["code"] for entry in french]
    assert all(entry["message"] for entry in english + french)
    assert [entry["message"] for entry in english] != [entry["message"] for entry in french]


def test_checks_are_written_with_every_place() -> None:
    estimate, counts = example(level="3", money=True)
    written = build_document(replace(estimate, checks=example_checks()), counts, rows=ROWS)["checks"]
    assert [(one["what"], one["axis"]) for one in written] == [("departures", axis) for axis in ("month", "tenure", "entry", "segment")]
    assert written[2] == {
        "what": "departures",
        "axis": "entry",
        "discrepancy": 11.9,
        "p_value": 0,
        "places": [
            {"place": place, "observed": observed, "predicted": {"lower": 80, "median": 100, "upper": 120}}
            for place, observed in (("2024-10-01", 190), ("2025-01-01", 70), ("rest", 100))
        ],
    }
