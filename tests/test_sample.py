"""The sample company: regenerable, the same in both languages, and counted by the product as its truth says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
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
