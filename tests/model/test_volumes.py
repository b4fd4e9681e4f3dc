"""Evidence level 1: complaint volumes beside customers; what months can say of the total, and that the books are kept."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.departures import volumes
from iceberg.model.departures.volumes import correct_by_months, months_can_tell
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.ratio.cells import spread_over_segments
from iceberg.simulation.company import simulate_world

from .build import linked_counts
from .companies import window_of

ASSUMED = Assumptions(draws=600)


def unlinked(tables_from_frames, name: str, seed: int):  # counts and truth
    company = simulate_world(name, seed)
    months = company.complaints["complaint_date"].dt.to_period("M").dt.to_timestamp().rename("month")
    volumes = company.complaints.groupby([months, "category"]).size().rename("complaints").reset_index()
    tables = tables_from_frames(customers=company.customers, volumes=volumes)
    return reduce_tables(tables, window=window_of(company)), company.truth


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_total_from_volumes_holds_the_truth(tables_from_frames, seed: int) -> None:
    """Small companies of known silent churn; read as capped assumption the totals came out x1.2, x2.0 and x4.5."""
    counts, truth = unlinked(tables_from_frames, "small", seed)
    estimate = estimate_iceberg(counts, assumptions=ASSUMED)
    assert estimate.evidence.level == "1"
    total = estimate.total.silent_churn
    assert total.lower <= truth["silent_churn"] <= total.upper
    assert total.median < 2 * truth["silent_churn"]
    assert total.upper < 0.95 * counts.silent_leavers  # not the cap alone


def test_where_nothing_is_silent_the_low_end_is_near_zero(tables_from_frames) -> None:
    counts, _ = unlinked(tables_from_frames, "none", 0)
    total = estimate_iceberg(counts, assumptions=ASSUMED).total.silent_churn
    assert total.lower < 0.01 * counts.silent_leavers
    assert total.median < 0.15 * counts.silent_leavers


def series(complaints: list[int], departures: list[int]) -> CohortCounts:
    """One category and one segment of 10,000 customers, month by month."""
    counts = linked_counts({"billing": 0}, silent_leavers=0, segments=("",))
    exits = np.zeros_like(counts.silent_exits)
    exits[0, :, 1] = departures
    return replace(
        counts, silent_exits=exits, silent_exit_revenue_known=exits, complaints=np.array([complaints]), has_linked_complaints=False
    )


def test_departures_that_follow_complaints_raise_the_answer() -> None:
    """Twelve months, 1,200 departures in all; in one series they rise in the months of the complaints, in the other they do not."""
    waves = [20, 20, 200, 200, 20, 20, 20, 200, 200, 20, 20, 20]
    after = [60, 60, 160, 200, 110, 60, 60, 160, 190, 100, 60, 60]
    answers = []
    for departures in (after, [90] * 12):
        drawn = correct_by_months(
            series(waves, departures), assumptions=ASSUMED, rng=np.random.default_rng(1), progress=lambda step, share: None
        )
        answers.append(float(np.median(drawn.silent_churn.sum(axis=(1, 2, 3)))))
    assert answers[0] > 2 * answers[1]
    assert 200 < answers[0] < 800  # about 480 more than 60 a month


def test_a_moved_assumption_takes_the_fit_of_the_first_estimate_and_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    waves = [20, 20, 200, 200, 20, 20, 20, 200, 200, 20, 20, 20]
    counts = series(waves, [60, 60, 160, 200, 110, 60, 60, 160, 190, 100, 60, 60])
    other = replace(ASSUMED, ratio=SilentRatioPrior.around(6.0))
    first, cold = estimate_iceberg(counts, assumptions=ASSUMED), estimate_iceberg(counts, assumptions=other)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(volumes, "fit_excess_hazard", refuse)
    again = estimate_iceberg(counts, assumptions=other, warm=first.fit_state)
    assert again.categories == cold.categories
    assert again.draws.silent_churn.sum() < first.draws.silent_churn.sum()


def test_few_months_and_empty_files_have_no_pattern() -> None:
    waves = [10] * 12
    assert months_can_tell(series(waves, waves))
    assert not months_can_tell(series([0] * 12, waves))
    assert not months_can_tell(series(waves, [0] * 12))
    assert not months_can_tell(series([10] * 5 + [0] * 7, [10] * 5 + [0] * 7))


def test_months_are_shared_out_like_the_leavers_and_the_books_are_exact() -> None:
    """8 of 40 leavers of a month: 2 of the 10 of one segment, 6 of the 30 of the other."""
    churn = np.array([[[8, 0], [4, 3]]])
    leavers = np.array([[10.0, 0.0], [30.0, 3.0]])
    cells, natural = spread_over_segments(churn, leavers=leavers)
    assert cells[0, 0, :, 0] == pytest.approx([2, 6], rel=1e-4)
    assert cells[0, 1, :, 1] == pytest.approx([0, 3], rel=1e-4)
    assert np.array_equal(cells.sum(axis=1) + natural, leavers[None].astype(np.float32))
    assert natural.min() >= 0


def test_a_survey_beside_volumes_pins_the_ratio(tables_from_frames) -> None:
    """Nine of ten complain: hardly anybody is silent, whatever the months look like."""
    counts, _ = unlinked(tables_from_frames, "small", 0)
    size = len(counts.categories)
    none = np.zeros((size, len(counts.segments)), dtype=np.int64)
    asked = replace(counts, observed=ObservedSilence(none, none, survey=np.array([[3000, 1000, 900]] * size)))
    plain, surveyed = (estimate_iceberg(one, assumptions=ASSUMED).total.silent_churn for one in (counts, asked))
    assert surveyed.upper < plain.median
