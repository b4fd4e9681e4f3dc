"""What a fix brings: by hand on draws that do not vary, joint over categories, the best set of a budget, and the mirror."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from iceberg.errors import OptionError
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import LONGEST_YEARS, MOST_FIXES, Fix, decide, draw_fixes, payback_months, present_months
from iceberg.model.decision.mirror import hold_mirror
from iceberg.model.results import Diagnostic, IcebergEstimate
from tests.report.examples import example_estimate

SURE = Efficacy(3e8, 7e8)  # 30 %, and no doubt of it
NAMES = [item.category for item in example_estimate(4).categories]


def constant(customers: tuple[float, ...] = (1200.0, 600.0, 240.0, 0.0), value: float = 100.0) -> IcebergEstimate:
    """Four categories with so many silent leavers in each twelve of the 24 months, in every draw, each worth so much."""
    made = example_estimate(4)
    churn = np.zeros_like(made.draws.silent_churn)
    share = np.array(customers)[None, :, None, None] / 12 / churn.shape[2]
    churn[:] = share
    draws = replace(made.draws, silent_churn=churn, revenue_lost=churn * value)
    return replace(made, draws=draws, assumptions=replace(made.assumptions, annual_discount_rate=0.0))


def test_kept_money_value_and_payback_by_hand() -> None:
    """1,200 a year, half of it reached, 30 % of that goes away: 180 customers, 18,000 a year; costs 10,000 and 6,000 a year: +2,000 after a year."""
    one = decide(constant(), [Fix(NAMES[0], 10_000, 6_000, 0.5, SURE)]).outcomes[0]
    assert one.idle.median == pytest.approx(1200)
    assert one.kept.median == pytest.approx(180, rel=1e-3)
    assert one.money is not None and one.money.median == pytest.approx(18_000, rel=1e-3)
    assert one.net_present_value is not None and one.net_present_value.median == pytest.approx(2_000, rel=0.02)
    assert one.payback_months is not None and one.payback_months.median == 10.0  # 10,000 of 1,000 a month
    assert one.break_even_efficacy == pytest.approx(16_000 / 60_000)
    assert one.probability_pays == 1.0
    assert one.efficacy_share == pytest.approx(1.0, abs=1e-6)  # nothing else varies


def test_money_to_come_is_discounted_month_by_month() -> None:
    made = constant()
    made = replace(made, assumptions=replace(made.assumptions, annual_discount_rate=0.10))
    one = decide(made, [Fix(NAMES[0], 0.0, 0.0, 1.0, SURE)], years=3).outcomes[0]
    by_hand = 3_000 * sum(1.10 ** (-month / 12) for month in range(1, 37))
    assert one.net_present_value is not None and one.net_present_value.median == pytest.approx(by_hand, rel=1e-3)
    assert present_months(0.0, 12) == 12
    assert payback_months(3_000.0, np.array([12_000.0]), 0.10)[0] == 4.0  # three months of 1,000 are worth less than 3,000
    assert np.isinf(payback_months(1e9, np.array([12_000.0]), 0.0)[0])
    assert np.isinf(payback_months(1.0, np.array([-5.0]), 0.1)[0])


def test_every_silent_leaver_is_saved_once() -> None:
    """All categories fixed for certain keep at most those who left, in every draw; the order of the actions changes nothing."""
    made = example_estimate(4)
    actions = [Fix(name, 1.0, efficacy=Efficacy(1e9, 1.0)) for name in NAMES]
    drawn = draw_fixes(made, actions)
    total = made.draws.silent_churn[..., -12:].sum(axis=(1, 2, 3))
    assert (drawn.kept.sum(axis=1) <= total * (1 + 1e-5)).all()
    turned = draw_fixes(made, actions[::-1])
    assert np.array_equal(drawn.kept, turned.kept[:, ::-1])


def test_the_best_set_is_that_of_trying_every_set() -> None:
    made = example_estimate(4)
    actions = [Fix(name, cost) for name, cost in zip(NAMES, (9_000.0, 4_000.0, 2_500.0, 6_000.0), strict=True)]
    value = draw_fixes(made, actions, customer_value=400.0).net_present_value
    assert value is not None
    budget = 12_000.0
    sets = [chosen for size in range(5) for chosen in combinations(range(4), size) if sum(actions[place].cost for place in chosen) <= budget]
    expected = {chosen: float(value[:, list(chosen)].sum(axis=1).mean()) for chosen in sets}
    best, second = sorted(expected, key=lambda chosen: -expected[chosen])[:2]
    found = decide(made, actions, budget=budget, customer_value=400.0)
    assert found.best is not None and found.runner_up is not None
    assert found.best.categories == tuple(NAMES[place] for place in best)
    assert found.runner_up.categories == tuple(NAMES[place] for place in second)
    assert found.regret == pytest.approx(expected[best] - expected[second], rel=1e-9)
    assert found.value_of_certainty is not None and found.value_of_certainty >= 0
    of_draws = np.column_stack([value[:, list(chosen)].sum(axis=1) for chosen in sets])
    assert found.value_of_certainty == pytest.approx(of_draws.max(axis=1).mean() - expected[best], rel=1e-9)
    most = [any(place in sets[column] for _ in [0]) for column in of_draws.argmax(axis=1) for place in [0]]
    assert found.outcomes[0].probability_in_best_set == pytest.approx(np.mean(most))


def test_without_money_customers_are_kept_and_nothing_is_said_of_paying() -> None:
    made = constant()
    poor = replace(made, draws=replace(made.draws, revenue_lost=None))
    found = decide(poor, [Fix(NAMES[0], 10_000, efficacy=SURE)])
    assert found.outcomes[0].kept.median == pytest.approx(360, rel=1e-3)
    assert (found.best, found.outcomes[0].probability_pays, found.outcomes[0].money) == (None, None, None)
    assert decide(poor, [Fix(NAMES[0], 10_000, efficacy=SURE)], customer_value=100.0).outcomes[0].probability_pays == 1.0


def test_a_range_of_efficacy_is_the_beta_that_has_it() -> None:
    rng = np.random.default_rng(0)
    for low, high in ((0.13, 0.48), (0.02, 0.9), (0.6, 0.7)):
        drawn = Efficacy.between(low, high).draw(rng, 200_000)
        assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx([low, high], abs=0.01)
    assert np.quantile(Efficacy().draw(rng, 200_000), [0.05, 0.95]) == pytest.approx([0.15, 0.48], abs=0.01)
    assert Efficacy.around(0.5).mean == 0.5


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("decide_nothing", lambda made: decide(made, [])),
        ("decide_unknown", lambda made: decide(made, [Fix("nobody", 5.0)])),
        ("decide_twice", lambda made: decide(made, [Fix(NAMES[0], 5.0), Fix(NAMES[0], 6.0)])),
        ("decide_budget", lambda made: decide(made, [Fix(NAMES[0], 5.0, 1.0)], budget=5.5)),
        ("decide_budget", lambda made: decide(made, [Fix(NAMES[0], 5.0)], budget=float("nan"))),
        ("decide_years", lambda made: decide(made, [Fix(NAMES[0], 5.0)], years=LONGEST_YEARS + 1)),
        ("decide_value", lambda made: decide(made, [Fix(NAMES[0], 5.0)], customer_value=0.0)),
        ("decide_cost", lambda made: Fix(NAMES[0], -1.0)),
        ("decide_cost", lambda made: Fix(NAMES[0], float("nan"))),
        ("decide_extent", lambda made: Fix(NAMES[0], 1.0, extent=0.0)),
        ("efficacy_range", lambda made: Efficacy.between(0.5, 0.2)),
        ("efficacy_range", lambda made: Efficacy.around(1.0)),
        ("decide_no_range", lambda made: decide(refused(made), [Fix(NAMES[0], 1.0)])),
    ],
)
def test_what_cannot_be_decided_is_refused(code: str, call) -> None:
    with pytest.raises(OptionError) as raised:
        call(example_estimate(4))
    assert raised.value.code == code


def test_more_fixes_than_can_be_tried_in_every_set_are_refused() -> None:
    made = example_estimate(4)
    many = tuple(replace(made.categories[0], category=f"number {place}") for place in range(MOST_FIXES + 1))
    with pytest.raises(OptionError) as raised:
        decide(replace(made, categories=many), [Fix(item.category, 1.0) for item in many])
    assert raised.value.code == "decide_too_many"


def refused(made: IcebergEstimate) -> IcebergEstimate:
    return replace(made, diagnostics=(Diagnostic("renewals_not_fitted_evidence", "warning"),))


def test_the_mirror_by_hand() -> None:
    """Complaints 3 to 1, silent leavers 1 to 3 in every draw: gaps of half, index one half, and it names both."""
    made = constant((100.0, 300.0, 0.0, 0.0))
    heard = (300, 100, 0, 0)
    largest = (0.1, 0.9, 0.0, 0.0)
    read = zip(made.categories, heard, largest, strict=True)
    categories = tuple(replace(item, vocal_customers=number, probability_worst=chance) for item, number, chance in read)
    mirror = hold_mirror(replace(made, categories=categories))
    assert mirror is not None
    assert [(one.category, one.heard) for one in mirror.reflections] == [(NAMES[0], 0.75), (NAMES[1], 0.25)]
    assert [one.gap.median for one in mirror.reflections] == pytest.approx([-0.5, 0.5], abs=1e-6)
    assert mirror.index.median == pytest.approx(0.5, abs=1e-6)
    assert (mirror.loudest, mirror.costliest, mirror.probability, mirror.agrees) == (NAMES[0], NAMES[1], 0.9, False)


def test_the_mirror_is_empty_where_nothing_can_be_read() -> None:
    made = example_estimate(4)
    assert hold_mirror(refused(made)) is None
    assert hold_mirror(replace(made, evidence=replace(made.evidence, ranks=False))) is None
    assert hold_mirror(example_estimate(1)) is None
    nobody = replace(made, draws=replace(made.draws, silent_churn=np.zeros_like(made.draws.silent_churn)))
    assert hold_mirror(nobody) is None
