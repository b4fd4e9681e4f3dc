"""Agreement of raters and pooled scores: published figures, hand-worked ones, and simulated truth that is found again."""

import numpy as np
import pytest

from benchmarks.audit.raters import FAMILIES, simulate
from iceberg.cohort.audit.record import FEWEST_CASES, FEWEST_MET, HUMS, ITEMS, HumsAudit, ScoredCases
from iceberg.model.audit.agreement import alpha_interval, cronbach_alpha, krippendorff_alpha
from iceberg.model.audit.estimate import audit_of
from iceberg.model.audit.pooling import pool_scores

N = np.nan
# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability: four observers, twelve units.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
).T


@pytest.mark.parametrize(("metric", "published"), [("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_published_example(metric: str, published: float) -> None:
    assert krippendorff_alpha(PUBLISHED, metric=metric)[0] == pytest.approx(published, abs=0.0006)


def test_raters_who_agree_have_alpha_one_and_those_who_score_at_random_about_none() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (4000, 1)).astype(float)
    assert krippendorff_alpha(np.hstack([scores, scores]))[0] == pytest.approx(1)
    assert krippendorff_alpha(np.hstack([scores, rng.permutation(scores)]))[0] == pytest.approx(0, abs=0.05)


def test_a_case_counted_twice_is_two_cases() -> None:
    twice = np.array([[2.0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1]])
    rows = np.vstack([PUBLISHED[[0, 0]], PUBLISHED[[1, 2]], PUBLISHED[4:]])
    assert krippendorff_alpha(PUBLISHED, repeats=twice)[0] == pytest.approx(krippendorff_alpha(rows)[0])


def test_too_few_cases_scored_twice_and_scores_all_alike_say_nothing() -> None:
    rng = np.random.default_rng(1)
    few = np.full((30, 2), 2.0)
    few[FEWEST_MET - 1 :, 1] = np.nan
    assert alpha_interval(few, rng) == (None, "few")
    assert alpha_interval(np.full((FEWEST_MET, 2), 3.0), rng) == (None, "constant")


def test_agreement_is_read_by_the_usual_limits() -> None:
    rng = np.random.default_rng(2)
    true = rng.integers(0, 5, (60, 1)).astype(float)
    readings = []
    for noise in (0.05, 0.25, 0.9):
        other = np.where(rng.random((60, 1)) < noise, rng.integers(0, 5, (60, 1)), true)
        span, reading = alpha_interval(np.hstack([true, other]), rng)
        assert span is not None and span.lower <= span.median <= span.upper <= 1
        readings.append(reading)
    assert readings == ["firm", "tentative", "grey"]


def test_cronbach_alpha_of_a_hand_worked_table() -> None:
    # Variances 1, 1 and 1; of the sum 19/3: 3/2 * (1 - 3 / (19/3)) = 15/19.
    rows = np.array([[1.0, 1, 2], [2, 3, 1], [3, 2, 3]])
    assert cronbach_alpha(rows) == pytest.approx(1.5 * (1 - 3 / rows.sum(axis=1).var(ddof=1)))
    assert cronbach_alpha(np.array([[1.0, 1], [2, 2], [3, 3]])) == pytest.approx(1)
    assert cronbach_alpha(rows[:2]) is None and cronbach_alpha(np.ones((5, 4))) is None


def pooled(score: np.ndarray, category: np.ndarray, weight: np.ndarray) -> np.ndarray:
    cases = len(category)
    rng = np.random.default_rng(3)
    first, twice = rng.integers(0, 2, cases), np.flatnonzero(rng.random(cases) < 0.25)
    case, rater = np.concatenate([np.arange(cases), twice]), np.concatenate([first, 1 - first[twice]])
    values = score[case] + rng.normal(0, 0.2, len(case))
    found = pool_scores(values, case=case, rater=rater, category=category, weight=weight, rng=rng)
    return np.median(found.category, axis=0)


def test_many_cases_leave_the_weighted_mean_of_a_category() -> None:
    """A stratum of a tenth that is drawn as often as the rest counts for a tenth."""
    category = np.repeat([0, 1], 800)
    bad = np.tile([True, False], 800)
    score = np.where(bad, 0.5, 3.0)
    weight = np.where(bad, 1.0, 9.0)
    assert pooled(score, category, weight) == pytest.approx([2.75, 2.75], abs=0.15)
    assert pooled(score, category, np.ones(1600)) == pytest.approx([1.75, 1.75], abs=0.15)


def test_a_category_of_few_cases_is_drawn_towards_the_others() -> None:
    rng = np.random.default_rng(4)
    category = np.repeat(np.arange(6), [40, 40, 40, 40, 40, 3])
    score = 2 + rng.normal(0, 0.9, len(category))
    score[category == 5] = 3.6
    found = pooled(score, category, np.ones(len(category)))
    assert 2.0 < found[5] < 3.4


def test_the_same_rows_in_another_order_say_the_same_of_every_category() -> None:
    scored = simulate(FAMILIES["usual"], 0.7, 1).scored
    order = np.random.default_rng(0).permutation(len(scored.case))
    other = ScoredCases(scored.categories, scored.category, scored.weight, scored.case[order], scored.rater[order], scored.scores[order])
    for one, two in zip(audit_of(scored).items, audit_of(other).items, strict=True):
        assert one.alpha is not None and two.alpha is not None and one.alpha.median == pytest.approx(two.alpha.median)


def test_an_audit_finds_what_was_simulated_and_comes_back_from_the_store() -> None:
    covered = []
    for seed in range(4):
        truth = simulate(FAMILIES["four_raters"], 0.8, seed)
        audit = audit_of(truth.scored, seed=seed)
        assert audit == audit_of(truth.scored, seed=seed)
        assert [one.name for one in audit.items] == list(ITEMS) and [one.name for one in audit.hums] == list(HUMS)
        spans = [(one.scores[hum], truth.category[place, number]) for place, one in enumerate(audit.categories) for number, hum in enumerate(HUMS)]
        covered += [span.lower <= value <= span.upper for span, value in spans]
        assert HumsAudit.from_dict(audit.to_dict()) == audit
    assert np.mean(covered) > 0.75


def test_a_category_below_the_fewest_cases_has_no_scores() -> None:
    scored = simulate(FAMILIES["usual"], 0.7, 2).scored
    keep = np.flatnonzero(scored.category == 0)[FEWEST_CASES - 1 :]
    rows = ~np.isin(scored.case, keep)
    left = np.setdiff1d(np.arange(len(scored.category)), keep)
    place = np.full(len(scored.category), -1)
    place[left] = np.arange(len(left))
    fewer = ScoredCases(
        scored.categories, scored.category[left], scored.weight[left], place[scored.case[rows]], scored.rater[rows], scored.scores[rows]
    )
    first, *others = audit_of(fewer).categories
    assert first.cases == FEWEST_CASES - 1 and not first.scores
    assert all(set(one.scores) == set(HUMS) for one in others)
