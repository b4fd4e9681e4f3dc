"""Evidence level F: complainers of a flat sheet against others of their tenure; a leak is a leak, not a finding."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.leaks import correlation
from iceberg.model.survival.flat_excess import expected_leavers, flat_excess
from iceberg.report.advice import decision, tiles
from iceberg.report.export import build_document
from iceberg.report.files.document.executive import ranking_grid
from iceberg.report.files.pictures import chart_takeaway
from iceberg.report.outlook import break_even_sentence
from iceberg.report.tables.estimate import ranking_table

ASSUMED = Assumptions(draws=1500)


def sheet(*groups: tuple[int, float, bool, str | None]) -> pd.DataFrame:
    """(customers, tenure months, left, complaint category) per group."""
    columns = ["tenure_months", "churned", "category"]
    rows = [[tenure, left, category] for number, tenure, left, category in groups for _ in range(number)]
    return pd.DataFrame(rows, columns=columns).assign(segment="", revenue=100.0)


@pytest.fixture
def count(tables_from_frames):
    def make(*groups: tuple[int, float, bool, str | None]) -> CohortCounts:
        return reduce_tables(tables_from_frames(flat=sheet(*groups)))

    return make


# Young customers leave often (40 %), old ones rarely (5 %); old complainers leave 35 points more than old others.
HONEST = (
    (400, 2.0, True, None), (600, 2.0, False, None), (100, 40.0, True, None), (1900, 40.0, False, None),
    (80, 40.0, True, "price"), (120, 40.0, False, "price"),
)  # fmt: skip


def test_complainers_are_compared_within_their_tenure_band(count) -> None:
    """40 % of 200 old complainers left; as old never-complainers it would have been 5 %, not the 17 % of everybody."""
    heard, left, expected = expected_leavers(count(*HONEST))
    assert (heard[0], left[0]) == (200, 80)
    assert expected[0] == pytest.approx(10, abs=0.5)
    [q] = flat_excess(count(*HONEST))
    assert q.location == pytest.approx(0.35, abs=0.03)


def test_the_estimate_is_level_f_keeps_its_books_and_never_exceeds_the_silent_leavers(count) -> None:
    estimate = estimate_iceberg(count(*HONEST), assumptions=ASSUMED)
    assert estimate.evidence.level == "F"
    assert estimate.silent_leavers == 500
    books = estimate.draws.silent_churn.sum(axis=1) + estimate.draws.natural
    assert np.allclose(books, 500)
    assert estimate.total.revenue_lost is not None
    codes = {one.code for one in estimate.diagnostics}
    assert "no_time_order" in codes
    assert "leak" not in codes


def test_where_complained_is_nearly_churned_it_is_a_leak_and_the_risk_stays_assumed(count) -> None:
    """A sheet on which 995 of 1,000 complainers left, and 5 of 4,000 others."""
    leaky = count((995, 10.0, True, "complaint"), (5, 10.0, False, "complaint"), (5, 10.0, True, None), (3995, 10.0, False, None))
    estimate = estimate_iceberg(leaky, assumptions=ASSUMED)
    assert "leak" in {one.code for one in estimate.diagnostics}
    assert estimate.total.silent_churn.upper <= 5
    assert estimate.categories[0].excess_probability.upper < 0.7


def test_a_strong_but_real_association_is_no_leak(count) -> None:
    """83 % of complainers and 10 % of the others left, most leavers never complained: a finding, with its caveat."""
    strong = count((200, 30.0, True, "complaint"), (41, 30.0, False, "complaint"), (295, 30.0, True, None), (2614, 30.0, False, None))
    assert "leak" not in {one.code for one in estimate_iceberg(strong, assumptions=ASSUMED).diagnostics}
    assert correlation(200, 241, 295, 2909) == pytest.approx(0.532, abs=0.001)


def test_a_sheet_without_complaints_invents_nothing(count) -> None:
    estimate = estimate_iceberg(count((10, 3.0, True, None), (90, 3.0, False, None)), assumptions=ASSUMED)
    assert estimate.total.silent_churn.upper == 0
    assert "no_complaints_flat" in {one.code for one in estimate.diagnostics}


def test_a_tiny_sheet_answers_without_crashing(count) -> None:
    estimate = estimate_iceberg(count((1, 0.0, True, "price"), (1, 0.0, True, None), (1, 0.0, False, None)), assumptions=ASSUMED)
    assert np.isfinite([estimate.total.silent_churn.lower, estimate.total.silent_churn.upper]).all()


TWO = (*HONEST, (20, 40.0, True, "service"), (80, 40.0, False, "service"))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_sheet_names_no_first_category_in_any_form(count, language: str) -> None:
    """The silent per complainant are assumed, the same for all: an order would be that of the complainants."""
    counts, words = count(*TWO), Translator(language)
    estimate = estimate_iceberg(counts, assumptions=ASSUMED)
    assert [one.probability_worst for one in estimate.categories] == [None, None]
    document = build_document(estimate, counts, rows={}, language=language)
    assert [one["probability_worst"] for one in document["categories"]] == [None, None]
    ranking = ranking_table(estimate)
    assert ranking[["rank", "probability_first"]].isna().all(axis=None)
    assert list(ranking["category"]) == ["price", "service"]  # by name
    said = [chart_takeaway(name, estimate, words) for name in ("iceberg", "ranking", "comparator")]
    said += [tile.on_paper[1] + tile.on_paper[2] for tile in tiles(estimate, words)]
    assert not [text for text in said if "price" in text or "service" in text]
    assert {decision(estimate, one.category, words).verdict for one in estimate.categories} == {"measure_first"}
    assert break_even_sentence(estimate, "price", words) is None
    assert all(row[-2] == "—" for row in ranking_grid(estimate, words).rows[:2])


def test_a_sheet_with_a_survey_of_every_category_has_an_order(count) -> None:
    """The ratios are then measured, each its own; a survey of one category alone orders nothing."""
    counts, none = count(*TWO), np.zeros((2, 1), dtype=np.int64)
    surveys = ([[500, 200, 100], [500, 200, 20]], [[500, 200, 100], [0, 0, 0]])
    asked = [replace(counts, observed=ObservedSilence(none, none, survey=np.array(rows))) for rows in surveys]
    full, partial = (estimate_iceberg(one, assumptions=ASSUMED) for one in asked)
    assert sum(one.probability_worst for one in full.categories) == pytest.approx(1)
    assert [one.probability_worst for one in partial.categories] == [None, None]
