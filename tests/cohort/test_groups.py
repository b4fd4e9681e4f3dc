"""Customers who leave together are found, told from regions that have a bad week, and counted as that many decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.agents.company import Notice, draw_company
from benchmarks.calibration.agents.days import live
from benchmarks.calibration.agents.exports import PAST_DAYS, export
from benchmarks.calibration.hostile.files import Files
from benchmarks.calibration.hostile.judge import count_files
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.findings.groups import DepartureGroups, find_groups
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.estimate import estimate_iceberg

FIRST = np.datetime64("2024-01-01")
DAYS = 730


def departures(rng, *, segments=5, rate=2.0, level=None):
    """Segments and days of customers who each leave when they wish; `level` (segments, days) multiplies the rate."""
    return rng.poisson(rate * (np.ones((segments, DAYS)) if level is None else level))


def found(table):
    segment, day = np.nonzero(table)
    return find_groups(segment, FIRST + day, table[segment, day], segments=len(table))


@pytest.mark.parametrize("seed", range(5))
def test_customers_who_leave_each_for_themselves_are_no_groups(seed):
    assert found(departures(np.random.default_rng(seed))) is None


@pytest.mark.parametrize("size", [2, 4, 12])
def test_the_size_of_groups_is_found(size):
    groups = found(size * departures(np.random.default_rng(1), rate=2.0 / size))
    assert groups is not None
    assert groups.size == pytest.approx(size, rel=0.15)


def test_members_who_leave_within_two_days_are_a_group():
    table = departures(np.random.default_rng(2), rate=0.7)
    together = 2 * table + np.roll(table, 1, axis=1)
    assert found(together) is not None


def test_a_region_that_has_a_bad_month_is_no_group():
    level = np.ones((5, DAYS))
    for month in range(0, 24, 3):
        level[month % 5, 30 * month : 30 * month + 20] = 3.0
    assert found(departures(np.random.default_rng(3), rate=4.0, level=level)) is None


def at_ends_of_months(table):
    ends = np.zeros_like(table)
    for month in range(24):
        ends[:, 30 * month + 29] = table[:, 30 * month : 30 * month + 30].sum(axis=1)
    return ends


def test_at_ends_of_months_a_region_that_has_a_bad_month_is_no_group_and_groups_are_found():
    level = np.exp(0.15 * np.random.default_rng(7).standard_normal((5, 25)))[:, np.arange(DAYS) // 30]
    assert found(at_ends_of_months(departures(np.random.default_rng(8), rate=6.0, level=level))) is None
    assert found(at_ends_of_months(8 * departures(np.random.default_rng(8), rate=0.2))) is not None


def test_ends_of_months_that_all_regions_share_are_no_groups():
    assert found(at_ends_of_months(departures(np.random.default_rng(4)))) is None


def test_regions_that_enter_departures_on_days_of_their_own_are_no_groups():
    table = departures(np.random.default_rng(5))
    ends, days = np.zeros_like(table), (FIRST + np.arange(DAYS)).astype("datetime64[D]")
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    for segment in range(5):
        for day in np.flatnonzero(of_month == 3 * segment):
            ends[segment, day] = table[segment, max(day - 30, 0) : day].sum()
    assert found(ends) is None


def test_one_region_says_nothing():
    assert found(4 * departures(np.random.default_rng(6), segments=1)) is None


def company_of(**changes):
    rng = np.random.default_rng(11)
    company = replace(draw_company(rng, customers=(5_000, 5_001), services=(3, 3)), **changes)
    return count_files(Files(export(live(company, rng), rng), past_days=PAST_DAYS))


@pytest.fixture(scope="module")
def sites():
    """Business customers with up to sixty sites."""
    return company_of(household=(1.0, 0.8), largest_group=60)


def test_sites_of_business_customers_are_found_and_kept_with_the_counts(sites):
    assert sites.groups is not None
    assert sites.groups.size > 3
    assert read_counts(write_counts(sites)).groups == sites.groups


def test_other_companies_have_no_groups_and_their_digest_does_not_change():
    alone = company_of()
    assert alone.groups is None
    assert b"groups" not in write_counts(alone).split(b"renewals")[0][:2_000]
    assert replace(alone, groups=DepartureGroups(2.0)).digest != alone.digest


def test_groups_leave_the_rates_and_divide_the_decisions(sites):
    one, each = LexisDesign.of(sites, lags=2), LexisDesign.of(replace(sites, groups=None), lags=2)
    assert one.exits * sites.groups.size == pytest.approx(each.exits)
    assert one.exits.sum() / one.at_risk.sum() == pytest.approx(each.exits.sum() / each.at_risk.sum())


def test_groups_widen_the_range_and_are_said(sites):
    with_groups, without = (estimate_iceberg(one, seed=1) for one in (sites, replace(sites, groups=None)))
    widths = [one.total.silent_churn.upper / max(one.total.silent_churn.lower, 1) for one in (with_groups, without)]
    assert widths[0] > 1.3 * widths[1]
    remark = next(one for one in with_groups.diagnostics if one.code == "departures_in_groups")
    assert remark.values["decisions"] == round(sites.departures / sites.groups.size)
    assert not any(one.code == "departures_in_groups" for one in without.diagnostics)
    assert with_groups.total.silent_churn.upper <= sites.silent_leavers


@pytest.mark.parametrize(("days", "months", "term"), [(30, 3, 3), (90, 12, 12)])
def test_contracts_that_end_with_a_quarter_or_a_year_get_no_range(days, months, term):
    counts = company_of(notice=Notice(days=days, months=months))
    assert counts.renewals is not None
    assert (counts.renewals.unmodelled, counts.renewals.term_months) == ("calendar", term)
    codes = {one.code for one in estimate_iceberg(counts, seed=1).diagnostics}
    assert "renewals_not_fitted_calendar" in codes


def test_contracts_that_end_with_a_month_are_estimated():
    assert company_of(notice=Notice(days=30, months=1)).renewals is None
