"""What a simulated company promises: its truth can be counted again from what happened."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration.companies import count_company, lost_revenue
from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.window import ObservationWindow
from iceberg.simulation.company import observe_history, simulate_company, simulate_world
from iceberg.simulation.worlds import FAMILIES, OTHER_WORLDS, WORLDS, CategoryTruth, CompanyTruth

WINDOW = ObservationWindow(date(2025, 1, 1), date(2025, 12, 31))


def small_company(seed=0, **category):
    rates = {
        "monthly_rate": 0.05,
        "complaint_probability": 0.3,
        "silent_leave_probability": 0.3,
        "vocal_leave_probability": 0.2,
    }
    kinds = (CategoryTruth("late", **(rates | category)), CategoryTruth("rude", **(rates | {"monthly_rate": 0.02})))
    truth = CompanyTruth(
        kinds, window=WINDOW, customers=2000, segments=("a", "b"), segment_shares=(0.4, 0.6),
        natural_segment=(1.0, 2.0), revenue_median=(100.0, 200.0),
    )  # fmt: skip
    return simulate_company(truth, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def company():
    return small_company()


@pytest.fixture(scope="module")
def rows(company):
    """One row per customer: last day, first complaint in the window, whether silent."""
    first = company.complaints.groupby("customer_id")["complaint_date"].min().rename("first_complaint")
    return company.customers.merge(first, left_on="customer_id", right_index=True, how="left")


def test_every_silent_leaver_is_either_natural_or_counted_in_exactly_one_category(company, rows):
    truth = company.truth
    silent = rows["end_date"].notna() & rows["first_complaint"].isna()
    assert truth["silent_leavers"] == silent.sum()
    by_category = sum(kind["silent_churn"] for kind in truth["categories"].values())
    assert by_category == truth["silent_churn"] > 0
    assert truth["silent_churn"] + truth["natural_departures"] == truth["silent_leavers"]
    assert truth["silent_leavers"] + truth["vocal_leavers"] == truth["departures"] == rows["end_date"].notna().sum()


def test_segments_months_and_revenue_add_up_to_the_category(company):
    for kind in company.truth["categories"].values():
        assert sum(kind["by_segment"].values()) == kind["silent_churn"]
        assert sum(kind["by_month"].values()) == kind["silent_churn"]
        assert list(kind["by_month"]) == [f"2025-{month:02d}" for month in range(1, 13)]
    revenue = sum(kind["silent_revenue"] for kind in company.truth["categories"].values())
    assert revenue == pytest.approx(company.truth["silent_revenue"], abs=0.05)


def test_vocal_customers_are_distinct_complainers(company):
    counted = company.complaints.groupby("category")["customer_id"].nunique()
    assert {name: kind["vocal_customers"] for name, kind in company.truth["categories"].items()} == counted.to_dict()
    assert company.truth["vocal_customers"] == company.complaints["customer_id"].nunique()
    assert company.truth["complaints"] == len(company.complaints)


def test_dates_are_possible(company, rows):
    """No customer leaves before the first day, complains outside the time as a customer, or appears outside the window."""
    since, as_of = pd.Timestamp(WINDOW.since), pd.Timestamp(WINDOW.as_of)
    assert (rows["start_date"] <= as_of).all()
    ended = rows.dropna(subset="end_date")
    assert (ended["start_date"] <= ended["end_date"]).all()
    assert ended["end_date"].between(since, as_of).all()
    for events, column in ((company.complaints, "complaint_date"), (company.incidents, "incident_date")):
        joined = events.merge(rows, on="customer_id")
        assert len(joined) == len(events) > 0
        assert events[column].between(since, as_of).all()
        assert (joined[column] >= joined["start_date"]).all()
        assert (joined["end_date"].isna() | (joined[column] <= joined["end_date"])).all()


def test_the_stock_is_left_truncated_and_newcomers_join(company):
    starts = company.customers["start_date"]
    assert (starts < pd.Timestamp(WINDOW.since)).mean() == pytest.approx(0.85, abs=0.12)
    assert starts.min() < pd.Timestamp(WINDOW.since) - pd.Timedelta(days=5 * 365)


def test_the_same_seed_gives_the_same_company_and_another_seed_another(company):
    again, other = small_company(), small_company(seed=1)
    pd.testing.assert_frame_equal(company.customers, again.customers)
    pd.testing.assert_frame_equal(company.complaints, again.complaints)
    assert company.truth == again.truth
    assert other.truth != company.truth


def test_a_company_that_nothing_happens_to_loses_nobody():
    """Hand-countable: no natural attrition, no problems."""
    truth = CompanyTruth((), window=WINDOW, customers=50, natural_monthly_rate=0.0)
    quiet = simulate_company(truth, np.random.default_rng(0))
    assert len(quiet.customers) == 50
    assert quiet.customers["end_date"].isna().all()
    assert (quiet.truth["departures"], quiet.truth["silent_churn"], quiet.truth["complaints"]) == (0, 0, 0)


def test_a_company_where_the_first_problem_kills_in_silence_can_be_counted_by_hand():
    """No natural attrition, no complaints, all who are struck leave that day: every departure is silent churn."""
    deadly = CategoryTruth("fatal", 0.05, 0.0, 1.0, 1.0, delay_mean_days=1e-6)
    truth = CompanyTruth((deadly,), window=WINDOW, customers=400, natural_monthly_rate=0.0)
    company = simulate_company(truth, np.random.default_rng(3))
    ends = company.customers.dropna(subset="end_date")
    assert len(company.complaints) == 0
    assert 80 < company.truth["silent_churn"] == len(ends)
    struck = company.incidents.merge(ends, on="customer_id")
    assert (struck["incident_date"] == struck["end_date"]).all()
    assert set(struck["customer_id"]) == set(ends["customer_id"])


def test_where_everybody_speaks_nobody_leaves_in_silence_because_of_a_problem():
    loud = small_company(complaint_probability=1.0, complaint_delay_days=0.0)
    assert loud.truth["categories"]["late"]["silent_churn"] == 0
    assert loud.truth["vocal_leavers"] > 0


def test_rates_are_the_ones_asked_for():
    """5 % a month, 30 % speak: over 2,000 customers the shares are within four standard errors."""
    company = small_company(
        seed=5,
        silent_leave_probability=0.0,
        vocal_leave_probability=0.0,
        complaint_delay_days=0.0,
        repeat_complaints=0.0,
    )
    late = company.truth["categories"]["late"]
    frame = company.customers
    low = frame["start_date"].clip(lower=pd.Timestamp(WINDOW.since))
    months = ((frame["end_date"].fillna(pd.Timestamp(WINDOW.as_of)) - low).dt.days + 1).sum() / 30.4375
    assert late["incidents"] == pytest.approx(0.05 * months, abs=4 * np.sqrt(0.05 * months))
    assert late["complaints"] / late["incidents"] == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / late["incidents"]))


def test_natural_attrition_follows_its_segments():
    truth = CompanyTruth(
        (), window=WINDOW, customers=8000, segments=("a", "b"), segment_shares=(0.5, 0.5), natural_segment=(1.0, 2.0),
        natural_monthly_rate=0.02, revenue_median=(1.0, 1.0),
    )  # fmt: skip
    frame = simulate_company(truth, np.random.default_rng(1)).customers
    low = frame["start_date"].clip(lower=pd.Timestamp(WINDOW.since))
    months = ((frame["end_date"].fillna(pd.Timestamp(WINDOW.as_of)) - low).dt.days + 1) / 30.4375
    rate = frame["end_date"].notna().groupby(frame["segment"]).sum() / months.groupby(frame["segment"]).sum()
    assert rate["a"] == pytest.approx(0.02, rel=0.12)
    assert rate["b"] == pytest.approx(0.04, rel=0.12)


def test_the_pipeline_is_what_the_following_half_year_brings(company):
    """Seen 90 days earlier, the pipeline equals the silent leavers that later files show from incidents of before."""
    earlier = ObservationWindow(WINDOW.since, WINDOW.as_of - timedelta(days=90))
    past = observe_history(company.history, earlier)
    people = company.history.people
    cut = (earlier.as_of - date(1970, 1, 1)).days
    soon = people[
        (people["departure_day"] > cut) & (people["departure_day"] <= cut + 90) & (people["cause_day"] <= cut)
    ]
    later = company.customers.set_index("customer_id")
    silent = ~soon["customer_id"].isin(company.complaints["customer_id"]) & ~soon["cause_voiced"]
    assert past.truth["pipeline"]["90"] == silent.sum() > 0
    assert later.loc[soon.loc[silent, "customer_id"], "end_date"].notna().all()
    assert past.truth["pipeline"]["30"] <= past.truth["pipeline"]["90"] <= past.truth["pipeline"]["180"]


def test_an_earlier_look_at_the_same_company_never_sees_later_events(company):
    earlier = ObservationWindow(WINDOW.since, date(2025, 6, 30))
    past = observe_history(company.history, earlier)
    assert past.customers["end_date"].max() <= pd.Timestamp(earlier.as_of)
    assert past.complaints["complaint_date"].max() <= pd.Timestamp(earlier.as_of)
    assert past.truth["departures"] < company.truth["departures"]


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_is_a_plausible_company(name):
    world = simulate_world(name, 0)
    truth = world.truth
    assert truth["customers"] == len(world.customers) == world.history.truth.customers
    assert 0.05 < truth["departures"] / truth["customers"] < 0.6
    assert truth["silent_churn"] + truth["natural_departures"] == truth["silent_leavers"]
    assert truth["vocal_customers"] > 80
    assert (truth["silent_churn"] == 0) == (name == "none")


def test_the_twelve_families_of_the_method_are_there():
    assert len(FAMILIES) == 12
    assert not set(FAMILIES) & set(OTHER_WORLDS)
    assert set(WORLDS) == set(FAMILIES) | set(OTHER_WORLDS)


def test_two_seeds_of_a_family_are_two_different_companies():
    first, second = (WORLDS["mixed"](np.random.default_rng(seed)) for seed in (0, 1))
    assert [kind.complaint_probability for kind in first.categories] != [
        kind.complaint_probability for kind in second.categories
    ]


def test_a_young_company_has_no_customer_older_than_its_window():
    world = simulate_world("young", 0)
    assert world.customers["start_date"].min() >= pd.Timestamp(world.truth["since"])


@pytest.mark.parametrize("name", ["small", "young", "repeat_complainers"])
def test_the_reduction_counts_what_numpy_counts(name):
    """Two ways from rows to counts that share no code: SQL over differences, and numpy over customers."""
    world = simulate_world(name, 1)
    ours, direct = count_company(world), count_directly(world)
    assert (ours.segments, ours.categories, ours.window) == (direct.segments, direct.categories, direct.window)
    for field in (
        "silent_person_days", "silent_exits", "silent_exit_revenue_known", "vocal_person_days", "vocal_exits",
        "complainants", "complainants_any", "complaints",
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(ours, field), getattr(direct, field), err_msg=field)
    np.testing.assert_allclose(ours.silent_exit_revenue, direct.silent_exit_revenue, atol=0.01)
    for table in ("tenure_days", "clock"):
        for column, values in getattr(ours, table).columns.items():
            np.testing.assert_array_equal(values, getattr(direct, table).columns[column], err_msg=f"{table}.{column}")


def test_but_for_the_problem_a_customer_would_have_left_later_or_not_at_all(company):
    people = company.history.people
    caused = people["cause"] >= 0
    assert (people["otherwise_day"] >= people["departure_day"]).all()
    assert (people["otherwise_day"] == people["departure_day"])[~caused].all()
    later = people.loc[caused, "otherwise_day"] - people.loc[caused, "departure_day"]
    assert (later > 0).mean() > 0.95
    assert (later < 365).any(), "some would have left soon all the same"


def test_lost_revenue_is_what_each_silent_leaver_would_have_paid(company, rows):
    """Counted again by customer: revenue of a year, times the share of the year for which they would have stayed."""
    people = company.history.people.merge(rows[["customer_id", "first_complaint", "end_date"]], on="customer_id")
    lost = people[people["end_date"].notna() & people["first_complaint"].isna() & (people["cause"] >= 0) & ~people["cause_voiced"]]
    assert len(lost) == company.truth["silent_churn"]
    years = ((lost["otherwise_day"] - lost["departure_day"]) / 365.25).clip(upper=1.0)
    found = lost_revenue(company, horizon_months=12, annual_discount_rate=0.0)
    assert sum(found.values()) == pytest.approx((lost["revenue"] * years).sum(), rel=1e-4)
    assert sum(found.values()) < company.truth["silent_revenue"]
    cheaper = lost_revenue(company, horizon_months=12, annual_discount_rate=0.2)
    assert 0.8 < sum(cheaper.values()) / sum(found.values()) < 0.95
    assert list(found) == list(company.truth["categories"])
