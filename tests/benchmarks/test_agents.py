"""The companies whose customers live day by day: what their generator promises, and that the truth is the one the product is asked about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration.agents.company import WARM_DAYS, Notice, Records, draw_company
from benchmarks.calibration.agents.days import NATURAL, NEVER, live
from benchmarks.calibration.agents.exports import PAST_DAYS, export, recorded_end, true_silence
from benchmarks.calibration.agents.kinds import KINDS, draw_history
from benchmarks.calibration.hostile.files import Files
from benchmarks.calibration.hostile.judge import count_files


def history_of(seed=3, **changes):
    rng = np.random.default_rng(seed)
    return live(replace(draw_company(rng, customers=(2_000, 2_500), services=(3, 4)), **changes), rng)


@pytest.fixture(scope="module")
def history():
    return history_of()


def counts_of(history):
    return count_files(Files(export(history, np.random.default_rng(1)), past_days=PAST_DAYS))


def test_the_silent_leavers_of_the_truth_are_those_that_the_product_counts(history):
    counts = counts_of(history)
    truth = true_silence(history, counts)
    assert truth["silent_leavers"] == counts.silent_leavers > truth["silent_churn"] > 30
    assert sum(one["silent_churn"] for one in truth["categories"].values()) == truth["silent_churn"]


def test_nobody_leaves_before_they_came_and_nobody_complains_who_is_not_there(history):
    assert (history.end > history.start).all()
    who, day = history.said[:, 0], history.said[:, 1]
    assert (day >= history.start[who]).all()
    assert (day <= history.end[who]).all()


def test_where_failures_are_harmless_nobody_leaves_because_of_them():
    rng = np.random.default_rng(3)
    company = draw_company(rng, customers=(2_000, 2_500)).each(lose=0.0)
    assert (live(company, rng).cause == NATURAL).all()


def test_about_as_many_leave_because_of_one_failure_as_was_asked():
    rng = np.random.default_rng(8)
    company = draw_company(rng, customers=(6_000, 6_001), services=(3, 3)).each(lose=0.2, memory_days=20.0, per_year=0.2, newcomers=1.0)
    history = live(replace(company, natural=1e-6, ease=0.01, luck=0.01, again=0.0), rng)
    left = ((history.end < NEVER) & (history.end >= WARM_DAYS)).sum()
    there = ((history.end >= WARM_DAYS) & (history.start < company.days - 1)).sum() + (history.end >= company.days - 1).sum()
    years = (company.days - WARM_DAYS) / 365.25
    assert left == pytest.approx(0.2 * 0.6 * years * there / 2, rel=0.25)


def test_contracts_end_with_the_quarter_after_the_notice():
    history = history_of(notice=Notice(days=30, months=3))
    end = pd.DatetimeIndex(history.company.dates[history.end[history.end < NEVER]])
    assert end.is_quarter_end.all()


def test_a_billing_run_enters_departures_on_its_days_and_never_before_they_happen():
    history = history_of(records=Records(run_days=(1, 15)))
    recorded = recorded_end(history)
    known = recorded < NEVER
    inside = known & (recorded < history.company.days)
    assert set(pd.DatetimeIndex(history.company.dates[recorded[inside]]).day) == {1, 15}
    assert (recorded[known] >= history.end[known]).all()


def test_more_tickets_change_no_truth():
    plain, echoing = history_of(), history_of(records=Records(echoes=1.5))
    assert (plain.end == echoing.end).all()
    assert len(export(echoing, np.random.default_rng(1))["complaints"]) > 2 * len(export(plain, np.random.default_rng(1))["complaints"])
    assert true_silence(plain, counts_of(plain)) == true_silence(echoing, counts_of(echoing))


def test_the_same_kind_and_number_are_the_same_company():
    (one, _), (again, _), (other, _) = (draw_history("few_large", seed) for seed in (1, 1, 2))
    assert (one.end == again.end).all()
    assert (one.said == again.said).all()
    assert len(other.end) != len(one.end)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_draws_a_company_with_a_window_of_two_to_four_years(name):
    company = KINDS[name].company(np.random.default_rng(1))
    assert 3 <= len(company.services) <= 9
    assert 24 <= round((company.as_of - company.since).days / 30.4) <= 48
    assert company.calendar.shape == (len(company.regions), company.days)


def test_the_figures_of_the_documentation_are_those_of_the_results():
    root = Path(__file__).parents[2]
    text = (root / "docs/explanation/how-often-it-is-right.md").read_text(encoding="utf-8")
    said = " ".join(text.partition("## Customers who live day by day")[2].partition("\n## ")[0].split())
    now = json.loads((root / "benchmarks/calibration/results/agents.json").read_text(encoding="utf-8"))
    everybody = now["all"]
    before = (root / "benchmarks/calibration/results/agents_before.txt").read_text(encoding="utf-8")
    columns = next(line.split() for line in before.splitlines() if line.startswith("all "))
    assert f"{everybody['coverage']:.2f} of the categories ({columns[2]} before)" in said
    assert f"{everybody['totals_inside']:.2f} of the totals ({columns[3]} before)" in said
    assert f"x{everybody['total_over_truth']:.2f} in the median" in said
    groups = [value for kind in ("few_large", "households") for value in now["kinds"][kind]["each_total_over_truth"]]
    assert f"now {min(groups):.1f} to {max(groups):.1f} times" in said
    for code, kinds in now["diagnostics"].items():
        if code in {"departures_in_groups", "complaints_at_notice"}:
            assert set(kinds) <= {"few_large", "households", "goodbye"}
    for kind in ("few_large", "households"):
        assert now["diagnostics"]["departures_in_groups"][kind] == [4, 4]
