"""The hostile companies: what their generator promises, what their files hold, and how an answer is judged. Small companies, the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration.hostile.files import as_flat, as_volumes, true_silence, write_files, write_log, write_survey
from benchmarks.calibration.hostile.firm import Delay, day_number, draw_firm, draw_problems
from benchmarks.calibration.hostile.judge import count_files, judge_files
from benchmarks.calibration.hostile.kinds import KINDS, as_regions, draw_company
from benchmarks.calibration.hostile.lives import NATURAL, live
from benchmarks.calibration.hostile.marks import as_rows, as_table, standing_codes, summarise
from benchmarks.calibration.hostile.rates import MEANT_FOR, build_table, known_codes
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.model.assumptions import Assumptions
from iceberg.model.value import value_per_leaver


def small_firm(**changes):
    rng = np.random.default_rng(5)
    return replace(draw_problems(draw_firm(rng, regions=3, customers=2_500, months=12), rng, count=3, vocal=260), **changes)


@pytest.fixture(scope="module")
def lives():
    return live(small_firm(), np.random.default_rng(6))


@pytest.fixture(scope="module")
def files(lives):
    return write_files(lives)


@pytest.fixture(scope="module")
def counts(files):
    return count_files(files)


def test_nobody_leaves_before_they_came_and_every_cause_comes_first(lives):
    people = lives.people
    assert (people["departure"] >= people["start"]).all()
    assert (people["otherwise"] >= people["departure"]).all()
    caused = people[people["cause"] != NATURAL]
    assert len(caused) > 100
    assert (caused["cause_day"] <= caused["departure"]).all()
    assert (caused["cause_day"] < day_number(lives.firm.since)).any(), "problems before the window still act"
    natural = people[people["cause"] == NATURAL]
    assert (natural["otherwise"] == natural["departure"]).all()


def test_complaints_are_of_customers_who_are_there_and_their_number_is_about_what_was_asked(lives):
    people, complaints = lives.people, lives.complaints
    who = people.loc[complaints["customer"]]
    assert (complaints["day"].to_numpy() >= who["start"].to_numpy()).all()
    assert (complaints["day"].to_numpy() <= who["departure"].to_numpy()).all()
    inside = complaints[complaints["day"].between(day_number(lives.firm.since), day_number(lives.firm.as_of))]
    assert inside.drop_duplicates(["customer", "problem"]).shape[0] == pytest.approx(260, rel=0.35)


def test_who_spoke_of_an_incident_complained_of_it_unless_they_left_before(lives):
    spoke = lives.incidents[lives.incidents["spoke"]]
    said = set(zip(lives.complaints["customer"], lives.complaints["problem"], strict=True))
    pairs = list(zip(spoke["customer"], spoke["problem"], strict=True))
    assert sum(pair in said for pair in pairs) > 0.9 * len(pairs) > 100
    quiet = lives.incidents[~lives.incidents["spoke"]]
    assert sum(pair in said for pair in zip(quiet["customer"], quiet["problem"], strict=True)) < 0.2 * len(quiet)


def test_the_truth_adds_up_and_its_silent_leavers_are_those_of_the_product(lives, counts):
    truth = true_silence(lives, counts)
    parts = truth["categories"].values()
    assert sum(one["silent_churn"] for one in parts) == truth["silent_churn"] > 50
    assert sum(one["money"] for one in parts) == pytest.approx(truth["money"], abs=0.1)
    assert truth["silent_leavers"] == counts.silent_leavers > truth["silent_churn"]
    assert truth["vocal_leavers"] == counts.vocal_exits.sum()
    ahead = truth["pipeline"]
    assert 0 < ahead["30"] <= ahead["90"] <= ahead["180"]


def test_with_a_look_back_the_truth_is_still_that_of_the_product(lives, files):
    """Who complained up to ninety days before the window is not silent: fewer silent leavers, by either count."""
    firm = lives.firm
    tables, _ = load_tables(**files.tables)
    with tables:
        longer = reduce_tables(tables, window=ObservationWindow(firm.since, firm.as_of, 90), keep_months=True)
        plain = reduce_tables(tables, window=ObservationWindow(firm.since, firm.as_of, 0), keep_months=True)
    assert true_silence(lives, longer)["silent_leavers"] == longer.silent_leavers < plain.silent_leavers


def test_the_money_of_a_lost_customer_is_what_they_paid_until_they_would_have_left(lives, files, counts):
    """Counted again by hand, row by row, without and with a discount."""
    people, firm = lives.people, lives.firm
    heard_from = day_number(counts.window.since) - counts.window.look_back_days
    on_file = files.tables["complaints"].assign(day=lambda rows: rows["complaint_date"].map(lambda one: day_number(one.date())))
    first = on_file[on_file["day"] >= heard_from].groupby("customer_id")["day"].min()
    by_hand, discounted = 0.0, 0.0
    for row in people[people["cause"] != NATURAL].itertuples():
        inside = day_number(counts.window.since) <= row.departure <= day_number(counts.window.as_of)
        if inside and not row.voiced and not first.get(row.customer_id, 10**9) <= row.departure:
            years = min((row.otherwise - row.departure) / 365.25, 1.0)
            by_hand += row.revenue * years
            discounted += row.revenue * sum(1.1 ** -(years * (step + 0.5) / 200) for step in range(200)) * years / 200
    assert true_silence(lives, counts, horizon_months=12)["money"] == pytest.approx(by_hand, abs=1)
    assert true_silence(lives, counts, horizon_months=12, discount=0.1)["money"] == pytest.approx(discounted, rel=1e-4)
    assert firm.revenue_median.min() > 0


def test_a_leaver_is_worth_what_the_lost_customers_would_have_paid():
    """The product's money per leaver, laid on true silent churn by segment and month, is within 8 % of what they would have paid."""
    rng = np.random.default_rng(5)
    lives = live(draw_problems(draw_firm(rng, regions=3, customers=9_000, months=12), rng, count=3, vocal=700), rng)
    counts = count_files(write_files(lives))
    people, window = lives.people, counts.window
    heard = lives.complaints[lives.complaints["day"] >= day_number(window.since)].groupby("customer")["day"].min()
    silent = ~(heard.reindex(people.index, fill_value=10**9) <= people["departure"])
    inside = people["departure"].between(day_number(window.since), day_number(window.as_of))
    lost = people[inside & silent & (people["cause"] != NATURAL) & ~people["voiced"]]
    month = pd.to_datetime(lost["departure"], unit="D").dt.to_period("M").rank(method="dense").astype(int) - 1
    segment = [counts.segments.index(lives.firm.segments[number]) for number in lost["segment"]]
    worth = value_per_leaver(counts, assumptions=Assumptions())[segment, month]
    assert len(lost) > 500
    assert worth.sum() == pytest.approx(true_silence(lives, counts, horizon_months=12)["money"], rel=0.08)


def test_yearly_customers_leave_at_an_anniversary_whatever_made_them_leave():
    lives = live(small_firm(annual_share=np.ones(3)), np.random.default_rng(6))
    gone = lives.people[lives.people["departure"] <= day_number(lives.firm.as_of)]
    past = (gone["departure"] - gone["start"]) % 365.25
    assert ((past < 4) | (past > 364)).all()
    assert (gone["cause"] != NATURAL).sum() > 50


def test_a_complaint_that_is_handled_puts_off_a_natural_departure(lives):
    kept = live(small_firm(goodwill=1.0), np.random.default_rng(6)).people
    people = lives.people
    vocal = np.zeros(len(people), dtype=bool)
    vocal[lives.complaints["customer"]] = True
    natural = (people["cause"] == NATURAL) & (people["departure"] <= day_number(lives.firm.as_of))
    assert (kept["departure"] > people["departure"])[natural & vocal].all()
    assert (kept["departure"] == people["departure"])[natural & ~vocal].mean() > 0.95


@pytest.mark.parametrize("form", ["weibull", "lognormal", "mixture"])
def test_a_delay_has_about_the_mean_it_states(form):
    days = Delay(form, 40.0, {"weibull": 1.5, "lognormal": 0.6, "mixture": 0.67}[form]).draw(20_000, np.random.default_rng(1))
    assert days.min() > 0
    assert days.mean() == pytest.approx(40, rel=0.1)
    exponential = 1 - np.exp(-np.sort(days) / days.mean())
    assert np.abs(exponential - np.arange(20_000) / 20_000).max() > 0.08


def test_a_log_holds_the_shares_it_says(lives):
    everything = write_log(lives, np.random.default_rng(1), vocal=1.0, silent=1.0, spurious=0.0)
    spoken = write_log(lives, np.random.default_rng(1), vocal=1.0, silent=0.0, spurious=0.0)
    false = write_log(lives, np.random.default_rng(1), vocal=1.0, silent=1.0, spurious=0.2)
    assert 0 < len(spoken) < len(everything)
    assert len(false) == round(len(everything) / 0.8)
    assert set(false["customer_id"]) <= set(lives.people["customer_id"])


def test_a_poor_memory_hides_problems_and_claims_add_complaints(lives):
    honest = write_survey(lives, np.random.default_rng(1), recall=1.0, claims=0.0)
    poor = write_survey(lives, np.random.default_rng(1), recall=0.5, claims=0.0)
    boast = write_survey(lives, np.random.default_rng(1), recall=1.0, claims=1.0)
    assert poor["had_problem"].sum() < honest["had_problem"].sum()
    assert poor["complained"].sum() == honest["complained"].sum()
    assert (boast["complained"] == boast["had_problem"]).all()


def test_volumes_hold_every_complaint_and_a_sheet_every_customer(lives, files, counts):
    volumes = as_volumes(files, lives.firm)
    assert "complaints" not in volumes.tables
    since = pd.Timestamp(lives.firm.since)
    assert volumes.tables["volumes"]["complaints"].sum() == (files.tables["complaints"]["complaint_date"] >= since).sum()
    sheet = count_files(as_flat(files, lives.firm))
    truth = true_silence(lives, sheet)
    assert sorted(sheet.categories) == sorted(one.name for one in lives.firm.problems)
    assert truth["silent_leavers"] == sheet.silent_leavers
    assert truth["vocal_leavers"] == sheet.vocal_exits.sum()


def test_kinds_share_no_company_and_a_seed_is_one_company():
    ours, again, other = (draw_company("small", 1)[1], draw_company("small", 1)[1], draw_company("small", 2)[1])
    pd.testing.assert_frame_equal(ours.tables["customers"], again.tables["customers"])
    assert len(ours.tables["customers"]) != len(other.tables["customers"])
    plain = np.random.default_rng(0)
    firms = {name: kind.firm(plain) for name, kind in KINDS.items()}
    assert len({firm.customers for firm in firms.values()}) > len(firms) - 3


def test_a_file_of_a_migration_holds_nobody_who_left_before_it():
    lives, files = draw_company("migration", 3)
    ends = files.tables["customers"]["end_date"].min()
    assert ends > pd.Timestamp(lives.firm.since) + pd.Timedelta(days=0.15 * lives.firm.window_days - 1)
    assert files.tables["complaints"]["complaint_date"].min() < ends - pd.Timedelta(days=90)


def test_a_branch_belongs_to_one_region(files):
    names = ["region 1 branch 001", "region 2 branch 017"]
    customers = files.tables["customers"].head(2).assign(segment=names)
    assert list(as_regions(files.changed(customers=customers)).tables["customers"]["segment"]) == ["region 1", "region 2"]


def test_an_answer_lies_beside_the_truth(lives, files, counts):
    """A category renamed half way is judged as one problem: as many answers as problems, and the same truth."""
    complaints = files.tables["complaints"].copy()
    old = lives.firm.problems[0].name
    complaints.loc[(complaints["category"] == old) & (complaints.index % 2 == 0), "category"] = "new name"
    record = judge_files(lives, replace(files.changed(complaints=complaints), stands_for={"new name": old}), seed=1)
    truth = true_silence(lives, counts)
    assert {one["category"]: one["truth"] for one in record["categories"]} == {name: one["silent_churn"] for name, one in truth["categories"].items()}
    for one in [record["total"], *record["categories"]]:
        assert one["lower"] <= one["median"] <= one["upper"]
        assert one["inside"] == (one["lower"] <= one["truth"] <= one["upper"])
        assert one["money"]["value"] == pytest.approx(one["money"]["truth"], rel=0.5)
    assert sum(one["chance_largest"] for one in record["categories"]) == pytest.approx(1, abs=0.01)
    assert [one["is_largest"] for one in record["categories"]].count(True) >= 1
    assert record["silent_leavers"] == record["leavers_counted"]


def invented(kind, truths, medians, *, codes=(), chance=0.9, beside=None):
    """A judged company; ranges run from half to twice the median."""

    def item(true, median):
        return {"truth": true, "lower": median / 2, "median": median, "upper": median * 2, "inside": median / 2 <= true <= median * 2}

    most = max(truths)
    categories = [
        {"category": f"c{number}", "vocal": 10, "chance_largest": chance if number == 0 else 0.0, "is_largest": true == most > 0} | item(true, median)
        for number, (true, median) in enumerate(zip(truths, medians, strict=True))
    ]
    return {
        "kind": kind, "seed": 0, "level": "3", "badge": "mixed", "silent_leavers": 1000, "leavers_counted": 1000, "pipeline": [],
        "total": item(sum(truths), sum(medians)), "categories": categories, "seconds": {"files": 1.0, "estimate": 2.0}, "beside": beside or {},
        "diagnostics": [{"code": code, "severity": "warning", "category": category} for code, category in codes],
    }  # fmt: skip


def test_a_far_miss_is_silent_unless_something_was_said_of_it_or_of_the_whole():
    records = [
        invented("goodwill", [100, 300], [100, 100]),
        invented("voice", [100, 300], [100, 100], codes=[("leak", "c0")]),
        invented("delays", [100, 300], [100, 100], codes=[("leak", "c1")]),
        invented("contracts", [100, 300], [100, 100], codes=[("leak", None)]),
    ]
    figures = summarise(records)["hostile"]
    assert figures["coverage"] == 0.5
    assert figures["far_misses"] == 0.5
    assert figures["far_misses_without_word"] == 0.25
    assert figures["totals_inside"] == 1.0
    assert figures["lowest_kind"][0] == 0.5


def test_a_remark_that_stands_at_most_fair_companies_is_no_word():
    fair = [invented("plain", [100, 100], [100, 100], codes=[("ratio_impossible", None)]) | {"seed": seed} for seed in range(3)]
    missed = invented("goodwill", [100, 300], [100, 100], codes=[("ratio_impossible", None)])
    assert standing_codes([*fair, missed]) == {"ratio_impossible"}
    figures = summarise([*fair, missed])["hostile"]
    assert (figures["far_misses_without_caution"], figures["far_misses_without_word"]) == (0.0, 0.5)


def test_the_largest_is_compared_with_how_likely_it_was_said_to_be():
    """Named with 0.9 twice: once it is the largest, once the other category is."""
    rows = summarise([invented("plain", [100, 50], [100, 50]), invented("voice", [50, 100], [100, 50])])["all"]["largest"]
    assert rows == [{"said": 0.9, "happened": 0.5, "companies": 2}]


def test_where_nothing_is_silent_the_share_explained_is_the_mark():
    summary = summarise([invented("no_silent_churn", [0, 0], [20, 20]), invented("plain", [100, 50], [100, 50])])
    assert summary["kinds"]["no_silent_churn"]["explained"] == pytest.approx(0.04)
    assert summary["all"]["coverage"] == 1.0


def test_branches_are_compared_with_regions_of_the_same_companies():
    regions = invented("branches_40", [100], [100])
    for one in regions["categories"]:
        one["upper"] = 400.0
    record = invented("branches_40", [100], [100], beside={"regions": regions})
    assert summarise([record])["branch_width_over_regions"]["branches_40"] == {"by_branch": 4.0, "by_region": 8.0, "ratio": 0.5}
    assert [row["files"] for row in as_rows([record])] == ["", "", "regions", "regions"]
    assert "ratio 0.50" in as_table(summarise([record]))


def test_the_rates_name_every_diagnostic_and_count_companies():
    records = [
        invented("cancellations", [100], [100], codes=[("leak", "c0"), ("leak", None)]),
        invented("plain", [100], [100]),
        invented("voice", [100], [100], codes=[("leak", "c0")]),
    ]
    rows = {
        line.split("|")[1].strip(" `"): line for line in build_table(records, {"mixed": {"companies": 10, "diagnostics": {"leak": 0.1}}}).splitlines()
    }
    assert set(known_codes()) <= set(rows)
    assert [cell.strip() for cell in rows["leak"].split("|")[2:-1]] == ["warning", "cancellations", "1/1", "0/1", "1/10", "voice 1/1"]


def test_kinds_that_a_diagnostic_is_for_exist():
    assert set(MEANT_FOR) <= set(known_codes())
    assert {kind for kinds in MEANT_FOR.values() for kind in kinds} <= set(KINDS)
