"""The figures that calibration reports, worked by hand on two invented companies."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration.companies import _judge
from benchmarks.calibration.summary import as_rows, as_table, summarise


def record(family, truth, medians, *, placebo_upper=50.0):
    """A judged company, right or wrong as the numbers say; intervals run from median / 2 to 2 x median."""

    def item(true, median):
        inside = median / 2 <= true <= median * 2
        held = {f"in_{mass}": inside for mass in ("50%", "80%", "90%", "95%")}
        return {"truth": true, "median": median, "lower": median / 2, "upper": median * 2, "rank": 0.5} | held

    categories = [
        {"category": f"c{number}", "vocal_customers": 10, "prior_share": 0.2} | item(true, median)
        for number, (true, median) in enumerate(zip(truth, medians, strict=True))
    ]
    total = item(sum(truth), sum(medians)) | {"placebo": [0.0, 10.0, placebo_upper]}
    return {
        "family": family, "seed": 0, "silent_leavers": 1000, "vocal_customers": 20, "level": "3",
        "seconds": 1.0, "cpu_seconds": 0.9, "worst": {"chance": 0.8, "right": True},
        "total": total, "categories": categories,
    }  # fmt: skip


def test_coverage_and_error_factor_by_hand():
    """Of four categories three are within a factor of two; errors are x1, x1.5, x2 and x4: median x1.75."""
    summary = summarise([record("mixed", [100, 100], [100, 150]), record("mixed", [100, 100], [200, 25])])
    figures = summary["families"]["mixed"]
    assert figures["coverage_90%"] == 0.75
    assert figures["error_factor"] == pytest.approx(1.75, abs=1e-3)
    assert figures["total_over_truth"] == pytest.approx((250 / 200 + 225 / 200) / 2, abs=1e-3)


def test_companies_without_silent_churn_are_judged_by_what_they_explain_and_by_their_placebo():
    summary = summarise([record("none", [0, 0], [20, 20]), record("mixed", [100, 100], [100, 100])])
    assert summary["families"]["none"]["explained_where_nothing_is_silent"] == pytest.approx(0.04)
    assert summary["families"]["none"]["inside_placebo"] == 1.0
    assert summary["overall"]["coverage_90%"] == 1.0
    assert summary["overall"]["coverage_90%_with_none"] == 0.5


def test_an_estimate_above_its_placebo_band_is_reported():
    figures = summarise([record("none", [0, 0], [40, 40])])["families"]["none"]
    assert figures["inside_placebo"] == 0.0


def test_families_kept_aside_are_not_pooled_with_the_others():
    summary = summarise([record("mixed", [100], [100]), record("local_outages", [100], [900])])
    assert summary["overall"]["coverage_90%"] == 1.0
    assert summary["aside"]["coverage_90%"] == 0.0


def test_the_text_table_and_the_rows_name_every_family_and_category():
    records = [record("mixed", [100, 100], [100, 150])]
    assert "mixed" in as_table(summarise(records))
    assert [row["category"] for row in as_rows(records)] == ["", "c0", "c1"]


def test_intervals_of_draws_are_central():
    judged = _judge(np.arange(101.0), 94)
    assert (judged["in_80%"], judged["in_90%"], judged["rank"]) == (False, True, pytest.approx(94.5 / 101, abs=1e-3))
