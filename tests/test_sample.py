"""The sample company: regenerable, the same in both languages, and counted by the product as its truth says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.audit.record import HUMS
from iceberg.cohort.audit.sheet import read_sheets
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.model.audit.estimate import audit_of
from iceberg.model.positives.estimate import estimate_enchantment
from iceberg.model.scores.estimate import estimate_declared
from iceberg.simulation.sample import FRENCH_CATEGORIES, FRENCH_SEGMENTS, SAMPLE_SEED, build_sample, write_sample

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def truth():
    return json.loads((DATA / "truth.json").read_text(encoding="utf-8"))


def counted(customers, complaints):
    tables, report = load_tables(DATA / customers, DATA / complaints)
    with tables:
        return reduce_tables(tables), report


@pytest.fixture(scope="module")
def english():
    return counted("en/customers.csv", "en/complaints.csv")


def test_the_sample_files_are_regenerated_byte_for_byte(tmp_path):
    write_sample(tmp_path, seed=SAMPLE_SEED)
    for name in build_sample():
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_the_two_languages_of_the_sample_hold_the_same_company():
    english = pd.read_csv(DATA / "en/customers.csv", dtype=str, keep_default_na=False)
    french = pd.read_csv(DATA / "fr/clients.csv", sep=";", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert (english["customer_id"] == french["N° client"]).all()
    assert (english["segment"].map(FRENCH_SEGMENTS) == french["Segment"]).all()
    assert (english["annual_revenue"] == french["CA annuel"].str.replace(",", ".")).all()
    for ours, theirs in (("start_date", "Date d'entrée"), ("end_date", "Date de résiliation")):
        assert (
            pd.to_datetime(english[ours]).fillna(pd.Timestamp(0))
            == pd.to_datetime(french[theirs], format="%d/%m/%Y").fillna(pd.Timestamp(0))
        ).all()
    complaints = pd.read_csv(DATA / "en/complaints.csv")
    reclamations = pd.read_csv(DATA / "fr/reclamations.csv", sep=";", encoding="utf-8-sig")
    assert (complaints["category"].map(FRENCH_CATEGORIES) == reclamations["Motif"]).all()


def test_the_sample_tells_its_story(truth):
    """Small above the water and big below, loud but harmless; 24 months to the last day of June 2026."""
    kinds = truth["categories"]
    loudest = max(kinds, key=lambda name: kinds[name]["vocal_customers"])
    worst = max(kinds, key=lambda name: kinds[name]["silent_churn"])
    assert (loudest, worst) == ("billing", "waiting time")
    assert kinds["billing"]["silent_churn"] < 20 < 500 < kinds["waiting time"]["silent_churn"]
    assert kinds["waiting time"]["vocal_customers"] * 2 < kinds["billing"]["vocal_customers"]
    assert len(kinds) == 7
    assert truth["customers"] == 24_000
    assert 1800 < truth["complaints"] < 2200
    complaints = pd.read_csv(DATA / "en/complaints.csv")
    assert complaints["complaint_date"].min().startswith("2024-07")
    ends = pd.read_csv(DATA / "en/customers.csv")["end_date"].dropna()
    assert max(ends.max(), complaints["complaint_date"].max()) == "2026-06-30"


def test_the_sample_stays_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 2_500_000


def test_the_product_counts_what_the_truth_says(english, truth):
    """Without an option: the proposed columns, the default window and every row are the right ones."""
    counts, report = english
    assert {name: (totals.read, totals.rejected) for name, totals in report.rows.items()} == {
        "customers": (24_000, 0),
        "complaints": (truth["complaints"], 0),
    }
    assert (counts.window.since.isoformat(), counts.window.as_of.isoformat()) == (truth["since"], truth["as_of"])
    assert counts.silent_leavers == truth["silent_leavers"]
    assert counts.departures == truth["departures"]
    assert counts.vocal_customers_total == truth["vocal_customers"]
    vocal = dict(zip(counts.categories, counts.vocal_customers.tolist(), strict=True))
    assert vocal == {name: kind["vocal_customers"] for name, kind in truth["categories"].items()}


def test_both_languages_reduce_to_the_same_counts(english):
    counts, _ = english
    french, _ = counted("fr/clients.csv", "fr/reclamations.csv")
    segments = [french.segments.index(FRENCH_SEGMENTS[name]) for name in counts.segments]
    categories = [french.categories.index(FRENCH_CATEGORIES[name]) for name in counts.categories]
    for field in ("silent_person_days", "silent_exits", "vocal_person_days", "vocal_exits", "complainants_any"):
        np.testing.assert_array_equal(getattr(counts, field), getattr(french, field)[segments], err_msg=field)
    np.testing.assert_array_equal(counts.complainants, french.complainants[categories][:, segments])
    np.testing.assert_array_equal(counts.complaints, french.complaints[categories])
    np.testing.assert_allclose(counts.silent_exit_revenue, french.silent_exit_revenue[segments], rtol=1e-12)


@pytest.mark.parametrize("path", ["en/volumes.csv", "fr/volumes.csv"])
def test_the_volumes_are_the_complaints_by_month_and_category(path, english):
    tables, _ = load_tables(volumes=DATA / path)
    with tables:
        counts = reduce_tables(tables)
    assert counts.complaints.sum() == english[0].complaints.sum()
    assert counts.complaints.shape == english[0].complaints.shape


def test_incidents_and_survey_agree_with_each_other_and_with_the_customers():
    customers = set(pd.read_csv(DATA / "en/customers.csv")["customer_id"])
    incidents = pd.read_csv(DATA / "en/incidents.csv")
    survey = pd.read_csv(DATA / "en/survey.csv")
    assert set(incidents["customer_id"]) <= customers
    assert set(incidents["category"]) == {"billing", "delivery", "website and app"}
    assert set(survey["category"]) == set(FRENCH_CATEGORIES)
    assert (survey["complained"] <= survey["had_problem"]).all()
    assert (survey["had_problem"] < survey["asked"]).all()


def test_the_scores_of_the_sample_tell_what_their_truth_says():
    """Few were heard, and the share as answered is far off; the bounds and the third line hold what is true, the leak is found."""
    truth = json.loads((DATA / "scores_truth.json").read_text(encoding="utf-8"))
    found = []
    for customers, complaints, scores in (
        ("en/customers.csv", "en/complaints.csv", "en/scores.csv"),
        ("fr/clients.csv", "fr/reclamations.csv", "fr/notes.csv"),
    ):
        tables, report = load_tables(DATA / customers, DATA / complaints, scores=DATA / scores)
        with tables:
            counts = reduce_tables(tables)
        assert report.rows["scores"].rejected == 0
        found.append(estimate_declared(counts))
    english, french = found
    assert english.everybody == french.everybody
    assert [(one.low, one.high, one.leavers) for one in english.curve] == [(one.low, one.high, one.leavers) for one in french.curve]
    assert english.everybody.leavers == truth["departures"]
    true, share = truth["satisfied"] / truth["departures"], english.share
    assert share.lowest <= true <= share.highest
    assert share.resembling.lower <= true <= share.resembling.upper < share.highest
    assert not share.answered.lower <= true <= share.answered.upper
    assert english.departure_scores.found and english.departure_scores.leavers >= truth["at_cancellation"] - 5
    assert english.auc.lower > 0.5


def test_the_good_moments_of_the_sample_change_nothing_and_nothing_is_said():
    """Customers were called by lot: the range holds the true number, none, and the answer is the same in both languages."""
    truth = json.loads((DATA / "positives_truth.json").read_text(encoding="utf-8"))
    found = []
    for customers, complaints, positives in (
        ("en/customers.csv", "en/complaints.csv", "en/positives.csv"),
        ("fr/clients.csv", "fr/reclamations.csv", "fr/moments.csv"),
    ):
        tables, report = load_tables(DATA / customers, DATA / complaints, positives=DATA / positives)
        with tables:
            counts = reduce_tables(tables)
        assert report.rows["positives"].kept == truth["customers"]
        found.append(estimate_enchantment(counts))
    english, french = (one.whole for one in found)
    assert (english.customers, english.leavers, english.reading) == (french.customers, french.leavers, french.reading)
    assert english.reading == "unclear"
    assert english.saved.lower <= truth["saved"] <= english.saved.upper
    assert english.customers + found[0].positives.unmatched <= truth["customers"]


# The files that every estimate of the sample reads, and their truth: what is added to the sample may not move them.
CORE = {
    "en/customers.csv": "72b4210a9cd7f80f",
    "en/complaints.csv": "fa3a4e019a893879",
    "en/volumes.csv": "9e552339d5c9d833",
    "en/incidents.csv": "4424bb4d67bd2451",
    "en/survey.csv": "080ffe8221ae7733",
    "en/scores.csv": "afdb4d1d94990a6b",
    "fr/clients.csv": "cd0425f2bcc04110",
    "fr/reclamations.csv": "370aa65e9b897f23",
    "fr/volumes.csv": "e6fca40f2375354a",
    "fr/incidents.csv": "7cebedff4c988fe7",
    "fr/enquete.csv": "934cb821bc5c334d",
    "fr/notes.csv": "b8ee0923ad55fd4c",
    "truth.json": "7e9c77d692a1e041",
    "scores_truth.json": "f16cc8b53df60a46",
}


def test_what_was_added_to_the_sample_moved_none_of_its_other_files():
    assert {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest()[:16] for name in CORE} == CORE


AUDIT = ("{}/audit-1.csv", "{}/audit-2.csv")


def audited(language):
    return audit_of(read_sheets([DATA / name.format(language) for name in AUDIT], language=language), seed=SAMPLE_SEED)


def test_the_audit_of_the_sample_finds_how_its_customers_were_answered():
    """Staff attitude is answered by the rules, without anybody who owns it; ranges hold what is true, and the worst side is found."""
    truth = json.loads((DATA / "audit_truth.json").read_text(encoding="utf-8"))["categories"]
    english = audited("en")
    scores = {item.category: item.scores for item in english.categories}
    assert set(scores) == set(truth) == set(FRENCH_CATEGORIES)
    held = [scores[name][hum].lower <= truth[name][hum] <= scores[name][hum].upper for name in truth for hum in HUMS]
    assert len(held) == 21 and sum(held) >= 18
    assert min((truth[name]["humility"], name) for name in truth)[1] == "staff attitude"
    assert min((scores[name]["humility"].median, name) for name in scores)[1] == "staff attitude"


def test_the_sheets_are_the_same_in_both_languages_and_of_the_complaints():
    """Each case is a line of the complaints, of the last 12 months, and drawn with the share of its category that was drawn."""
    complaints = pd.read_csv(DATA / "en/complaints.csv", dtype=str)
    recent = complaints[complaints["complaint_date"] > "2025-06-30"]
    for rater, name in enumerate(AUDIT, 1):
        english = pd.read_csv(DATA / name.format("en"), dtype=str, keep_default_na=False)
        french = pd.read_csv(DATA / name.format("fr"), dtype=str, keep_default_na=False, sep=";")
        assert (english.iloc[:, 1].map(FRENCH_CATEGORIES) == french.iloc[:, 1]).all()
        assert (english.drop(columns=english.columns[1]).to_numpy() == french.drop(columns=french.columns[1]).to_numpy()).all()
        assert set(english.iloc[:, 4]) == {str(rater)}
        rows = complaints.iloc[english.iloc[:, 0].astype(int) - 2]
        assert (rows["category"].to_numpy() == english.iloc[:, 1].to_numpy()).all()
        assert rows.index.isin(recent.index).all()
        drawn = 12 / recent.groupby("category").size()
        np.testing.assert_allclose(english.iloc[:, 3].astype(float), english.iloc[:, 1].map(drawn), atol=5e-7)


@pytest.mark.parametrize(("path", "names"), [("en/journey.toml", {}), ("fr/parcours.toml", FRENCH_CATEGORIES)])
def test_the_journey_of_the_sample_places_every_category(path, names, truth):
    rules = MappingSet.load(DATA / path).journey
    assert set(rules.categories) == {names.get(name, name) for name in truth["categories"]}
    by_stage = {}
    for name, kind in truth["categories"].items():
        stage = rules.stage_of(rules.categories[names.get(name, name)])
        by_stage[stage] = by_stage.get(stage, 0) + kind["silent_churn"]
    assert by_stage == {"buying": 85, "delivery": 52, "use": 113, "help": 1135, "renewal": 4}


@pytest.mark.parametrize(
    ("language", "tables"),
    [("en", ("customers.csv", "complaints.csv", "leavers.csv")), ("fr", ("clients.csv", "reclamations.csv", "partants.csv"))],
)
def test_the_leavers_of_the_sample_say_why_they_left(language, tables):
    """In both languages the same answers count, as often right as the form is assumed to be, and none of them is a reason nobody knows."""
    customers, complaints, leavers = (DATA / language / name for name in tables)
    loaded, _ = load_tables(customers, complaints, leaver_surveys=leavers)
    with loaded:
        [stated] = reduce_tables(loaded).stated
    left = json.loads((DATA / "leavers_truth.json").read_text(encoding="utf-8"))
    assert stated.number == stated.reached
    assert (stated.asked, stated.reached, len(stated.unmatched)) == (left["asked"], left["reached"], 0)
    named = {name: sum(one.number for one in stated.answers if one.reason == name) for name in ("waiting time", "temps d'attente")}
    assert abs(sum(named.values()) - left["left_over"]["waiting time"]) <= 3
