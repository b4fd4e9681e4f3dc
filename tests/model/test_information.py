"""What a study would tell: by hand for the answers, their likelihood, an audit and a decision; against a refit by hand; and the designer."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.stats import binom, dirichlet_multinomial, norm

import iceberg
from iceberg.errors import OptionError
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import Fix, decide
from iceberg.model.decision.information.design import SIZES, StudyTarget, design_study
from iceberg.model.decision.information.incident_audit import IncidentAudit
from iceberg.model.decision.information.reasons import FORM, answer_log_likelihood, answer_shares, simulate_answers
from iceberg.model.decision.information.sampling import plan_sample
from iceberg.model.decision.information.studies import Preposterior, Stakes, StudyKind, StudyPlan, kinds_possible, stakes_of, value_of_study
from iceberg.model.results import IcebergEstimate
from iceberg.model.survival.net_survival import SILENT_VS_VOCAL_SD
from iceberg.report.information.questions import VERSIONS, category_orders
from tests.report.examples import example_estimate

NAMES = [item.category for item in example_estimate(4).categories]


@cache
def known(draws: int = 2000) -> IcebergEstimate:
    """Two categories of 1,000 silent leavers in all: one has 100 or 300 of them, the other 200 for certain; 100 complained of each, q is 0.2."""
    made = example_estimate(4)
    cells, rng = made.cells, np.random.default_rng(1)
    assert cells is not None
    first = np.where(rng.random(draws) < 0.5, 100.0, 300.0)
    churn = np.stack([first, np.full(draws, 200.0)], axis=1)[:, :, None, None].astype(np.float32)
    natural = (1000.0 - churn.sum(axis=1)).astype(np.float32)
    items = tuple(
        replace(item, vocal_customers=100, silent_churn=replace(item.silent_churn, lower=100.0, median=200.0, upper=300.0),
                excess_probability=replace(item.excess_probability, lower=0.2, median=0.2, upper=0.2))
        for item in made.categories[:2]
    )  # fmt: skip
    kept = replace(cells, categories=tuple(NAMES[:2]), segments=("",), months=cells.months[:1], excess=np.full((draws, 2), 0.2),
                   leavers=np.array([[1000.0]]), segment_columns=(), segment_levels=())  # fmt: skip
    return replace(
        made, categories=items, silent_leavers=1000, cells=kept, diagnostics=(),
        draws=replace(made.draws, silent_churn=churn, natural=natural, revenue_lost=churn * 100, ratio=churn[:, :, 0, 0] / 100),
        assumptions=replace(made.assumptions, annual_discount_rate=0.0),
    )  # fmt: skip


def test_expected_answers_by_hand() -> None:
    """Shares .3, .2, .5; right .8, candid .9: .3 * .8 + .2 * .1 + .5 * .05 = .285, .2 * .8 + .3 * .1 + .025 = .215, .45 + .5 * .1 = .5."""
    shares = np.array([[0.3, 0.2, 0.5]])
    assert answer_shares(shares, np.array([0.8, 0.9, 1.0])) == pytest.approx(np.array([[0.285, 0.215, 0.5]]))
    assert answer_shares(shares, np.array([1.0, 1.0, 1.0])) == pytest.approx(shares)
    twice = answer_shares(shares, np.array([1.0, 1.0, 2.0]))  # those who left over a problem answer twice as often
    assert twice == pytest.approx(np.array([[0.6, 0.4, 0.5]]) / 1.5)


def test_the_likelihood_is_the_dirichlet_multinomial_of_a_library() -> None:
    shares, answers = np.array([[0.3, 0.2, 0.5], [0.1, 0.6, 0.3]]), np.array([[10, 5, 25], [3, 30, 7]])
    found = answer_log_likelihood(answers, shares, 60.0)
    expected = np.array([[dirichlet_multinomial.logpmf(row, 60.0 * at, row.sum()) for at in shares] for row in answers])
    assert found[:, 0] - found[:, 1] == pytest.approx(expected[:, 0] - expected[:, 1])


def test_simulated_answers_have_the_mean_and_the_spread_that_the_likelihood_says() -> None:
    at = np.tile([[0.3, 0.2, 0.5]], (40_000, 1))
    answers = simulate_answers(100, at, 60.0, rng=np.random.default_rng(0))
    assert answers.mean(axis=0) == pytest.approx([30, 20, 50], abs=0.2)
    assert answers[:, 0].var() == pytest.approx(100 * 0.3 * 0.7 * 160 / 61, rel=0.05)  # n p (1 - p) (n + a) / (1 + a)


def test_errors_of_reasons_have_the_ranges_that_are_stated() -> None:
    right, candid, phi = FORM.draw(1000, seed=1).T
    assert np.quantile(right, [0.05, 0.95]) == pytest.approx([0.60, 0.95], abs=0.01)
    assert np.quantile(candid, 0.5) == pytest.approx(0.81, abs=0.02)
    assert np.log(phi).std() == pytest.approx(0.25, abs=0.02)


def test_a_certain_study_is_worth_what_certainty_is() -> None:
    """One month of 100 or 300, so 1,200 or 3,600 a year, worth 100 each, at a cost of 280,000: -40,000 on average; knowing saves half of 80,000."""
    estimate = known()
    sure = Efficacy(1e9, 1.0)
    stakes = stakes_of(estimate, [Fix(NAMES[0], 280_000, efficacy=sure)], customer_value=100)
    assert stakes is not None
    share = float((stakes.values[:, 0] > 0).mean())
    assert stakes.certainty == pytest.approx(share * 80_000, rel=1e-6)
    found = decide(estimate, [Fix(NAMES[0], 280_000, efficacy=sure)], customer_value=100).value_of_certainty
    assert found == pytest.approx(stakes.certainty, rel=1e-6)
    value = value_of_study(estimate, StudyPlan(StudyKind.INTERVIEWS, 400), stakes=stakes)
    assert value.worth == pytest.approx(stakes.certainty, rel=0.03)  # 100 or 300 of 1,000 cannot be confused


def test_a_study_is_valued_with_the_names_of_the_package() -> None:
    """As the documentation shows it: a study, the decision, the worth."""
    estimate = known()
    at_stake = iceberg.stakes_of(estimate, [iceberg.Fix(NAMES[0], 280_000)], customer_value=100)
    value = iceberg.value_of_study(estimate, iceberg.StudyPlan(iceberg.StudyKind.LEAVER_SURVEY, 200), stakes=at_stake)
    assert isinstance(value, iceberg.StudyValue) and value.study.kind is iceberg.StudyKind.LEAVER_SURVEY
    assert value.gain is not None and value.worth is not None and value.gain == value.worth - 1000


def test_no_study_is_worth_more_than_certainty_nor_less_than_nothing() -> None:
    estimate = example_estimate(4)
    stakes = stakes_of(estimate, [Fix(name, 3_000.0) for name in NAMES], customer_value=300.0)
    assert stakes is not None
    for study in (StudyPlan(StudyKind.LEAVER_SURVEY, 40), StudyPlan(StudyKind.INCIDENT_AUDIT, 50, NAMES[0])):
        worth = value_of_study(estimate, study, stakes=stakes).worth
        assert worth is not None and 0 <= worth <= stakes.certainty * 1.02


def test_the_likelihood_of_an_audit_is_the_sum_over_what_is_not_known_of_the_silent() -> None:
    """Ten of 110 spoke and 30 of the others left; q of the silent and the bias of the log summed over by brute force on a fine grid."""
    excess = np.full(100, 0.2)
    audit = IncidentAudit(110, np.array([0.5, 1.0, 3.0, 6.0]), excess, 0.39)
    q = (np.arange(2000) + 0.5) / 2000
    chance = norm.pdf(q, 0.2, SILENT_VS_VOCAL_SD)
    bias = np.linspace(-3, 3, 201)
    def by_hand(ratio: float) -> float:
        odds = ratio / q[:, None] * np.exp(-0.39 * bias)
        spoke = (binom.pmf(10, 110, 1 / (1 + odds)) * norm.pdf(bias)).sum(axis=1)
        return float((chance * spoke * binom.pmf(30, 100, 1 - (1 - q) * 0.9)).sum())

    found = audit.log_likelihood(np.array([10]), np.array([30]))[0]
    expected = np.log([by_hand(ratio) for ratio in audit.ratio])
    assert found - found[1] == pytest.approx(expected - expected[1], abs=0.02)


@pytest.mark.parametrize(("ratio_sd", "excess", "bias"), [(0.9, 0.06, 0.39), (0.4, 0.4, 0.39), (0.4, 0.3, 0.0)])
def test_an_audit_is_weighed_as_it_is_simulated(ratio_sd: float, excess: float, bias: float) -> None:
    """Where complainers hardly leave more often than others, too: truths stand anywhere among the draws after their results (a uniform rank)."""
    rng = np.random.default_rng(3)
    ratio = np.exp(ratio_sd * rng.standard_normal(1500))
    audit = IncidentAudit(200, ratio, np.full(1500, excess), bias)
    log = audit.log_likelihood(*audit.simulate(np.arange(1500), rng=rng))
    weights = np.exp(log - log.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    below = (weights * (ratio < ratio[:, None])).sum(axis=1)
    assert np.quantile(below, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.05)
    assert (weights @ ratio).mean() == pytest.approx(ratio.mean(), rel=0.05)


def test_an_audit_is_believed_no_more_than_an_incident_log() -> None:
    """What a log may be wrong by is an assumption of the estimate; the worth of an audit follows it."""
    estimate = example_estimate(4)
    study = StudyPlan(StudyKind.INCIDENT_AUDIT, 160, NAMES[0])
    ratios = []
    for factor in (1.0, 1.9, 8.0):
        held = replace(estimate, assumptions=replace(estimate.assumptions, incident_bias=factor))
        ratios.append(value_of_study(held, study).width_of(NAMES[0]).ratio)
    assert ratios[0] < ratios[1] < ratios[2]


def test_a_larger_study_narrows_more_and_a_survey_ends_at_its_errors() -> None:
    estimate = example_estimate(4)
    ratios = [value_of_study(estimate, StudyPlan(StudyKind.INCIDENT_AUDIT, number, NAMES[0])).width_of(NAMES[0]).ratio for number in (10, 40, 160)]
    assert ratios[0] > ratios[1] > ratios[2]
    draws = Preposterior(estimate)
    assert draws.widths(draws.equal_weights)[0] == pytest.approx(draws.before)
    widest = [Preposterior(known()).weights(StudyPlan(StudyKind.LEAVER_SURVEY, number), simulations=50) for number in (30, 300)]
    effective = [float(np.median(1 / (one**2).sum(axis=1))) for one in widest]
    assert effective[1] <= effective[0]


def test_the_designer_finds_the_cheapest_that_reaches_and_says_what_cannot() -> None:
    estimate = known()
    found = design_study(estimate, StudyTarget(NAMES[0]))
    best = found.best
    assert best is not None
    smaller = [size for size in SIZES if size < best.value.study.number]
    if smaller:  # the next smaller one of its kind does not reach it
        draws = Preposterior(estimate, most_draws=1000)
        weights = draws.weights(replace(best.value.study, number=smaller[-1]), simulations=100)
        assert draws.widths(weights, [0]).mean() > 0.5 * draws.before[0]
    costs = [one.value.study.cost for one in found.reaches if one.reaches]
    assert costs == sorted(costs)
    dearer = design_study(estimate, StudyTarget(NAMES[0]), prices={best.value.study.kind: 10_000.0}).best
    assert dearer is not None and dearer.value.study.kind is not best.value.study.kind
    hopeless = design_study(example_estimate(4), StudyTarget(NAMES[3]))
    assert all(one.value.study.number <= 3200 for one in hopeless.reaches)


def test_two_categories_that_are_apart_need_no_study() -> None:
    estimate = known()
    apart = replace(estimate, draws=replace(estimate.draws, silent_churn=np.maximum(estimate.draws.silent_churn, [[[[400]], [[0]]]])))
    settled = design_study(apart, StudyTarget(NAMES[0], NAMES[1]))
    assert settled.is_settled and not settled.reaches
    open_question = design_study(estimate, StudyTarget(NAMES[0], NAMES[1]))
    assert open_question.wrong_pick_now == pytest.approx(0.5, abs=0.03)
    assert open_question.best is not None and (open_question.best.wrong_pick or 0.0) <= 0.1


def test_targets_are_read_and_refused_by_name() -> None:
    names = ("delivery", "fees: hidden", "waiting time")
    assert StudyTarget.parse("delivery:half", names) == StudyTarget("delivery")
    assert StudyTarget.parse("fees: hidden : moitié", names) == StudyTarget("fees: hidden")
    assert StudyTarget.parse("delivery:fees: hidden", names) == StudyTarget("delivery", "fees: hidden")
    for text in ("delivery", "nowhere:half", "delivery:delivery", "delivery:twice"):
        with pytest.raises(OptionError, match="delivery, fees: hidden, waiting time"):
            StudyTarget.parse(text, names)


@pytest.mark.parametrize(
    ("study", "code"),
    [
        (lambda: StudyPlan(StudyKind.INCIDENT_AUDIT, 10), "study_shape"),
        (lambda: StudyPlan(StudyKind.LEAVER_SURVEY, 10, "x"), "study_shape"),
        (lambda: StudyPlan(StudyKind.LEAVER_SURVEY, 0), "study_shape"),
        (lambda: StudyPlan(StudyKind.LEAVER_SURVEY, 10, price=-1.0), "study_price"),
        (lambda: value_of_study(known(), StudyPlan(StudyKind.INCIDENT_AUDIT, 10, "nowhere")), "study_unknown"),
        (lambda: value_of_study(known(), StudyPlan(StudyKind.LEAVER_SURVEY, 301)), "study_too_large"),  # three in ten of 1,000 answer
        (lambda: value_of_study(known(), StudyPlan(StudyKind.TICKET_SAMPLE, 10, NAMES[0])), "study_followed"),
        (lambda: design_study(known(), StudyTarget()), "design_no_decision"),
    ],
)
def test_a_study_that_cannot_be_made_is_refused(study: object, code: str) -> None:
    with pytest.raises(OptionError) as raised:
        study()  # type: ignore[operator]  # each is a function
    assert raised.value.code == code


def test_a_sample_of_tickets_helps_where_complaints_lead_to_no_customer() -> None:
    estimate = known()
    unlinked = replace(estimate, evidence=replace(estimate.evidence, level="1"))
    assert StudyKind.TICKET_SAMPLE in kinds_possible(unlinked) and StudyKind.TICKET_SAMPLE not in kinds_possible(estimate)
    assert value_of_study(unlinked, StudyPlan(StudyKind.TICKET_SAMPLE, 50, NAMES[0])).widths[0].ratio <= 1.0


def test_a_sample_is_drawn_in_proportion_and_in_full() -> None:
    """700, 200 and 100 leavers, 33 to ask: 23.1, 6.6 and 3.3 become 23, 7 and 3."""
    estimate = known()
    cells = estimate.cells
    assert cells is not None
    made = replace(estimate, cells=replace(cells, segments=("a", "b", "c"), leavers=np.array([[700.0], [200.0], [100.0]])))
    assert [one.to_ask for one in plan_sample(made, 33)] == [23, 7, 3]
    assert plan_sample(made, 33)[0].probability == pytest.approx(23 / 700)
    assert sum(one.to_ask for one in plan_sample(made, 1000)) == 1000
    with pytest.raises(OptionError):
        plan_sample(made, 1001)


def test_every_order_of_the_questions_holds_every_category_and_none_is_always_first() -> None:
    orders = category_orders(NAMES, seed=3)
    assert len(orders) == VERSIONS
    assert all(sorted(order) == sorted(NAMES) for order in orders)
    assert {order[0] for order in orders} == set(NAMES)


def test_a_budget_limits_what_a_study_can_change() -> None:
    values = np.array([[10.0, 1.0], [-8.0, 1.0]])
    both = Stakes(("a", "b"), values, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    one = Stakes(("a", "b"), values, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    certain = np.eye(2)
    assert both.worth(certain) == pytest.approx((11 + 1) / 2 - 2) == both.certainty  # both are best now: 1 + 1
    assert one.worth(certain) == pytest.approx((10 + 1) / 2 - 1)
