"""What fixing a category brings: customers kept, money, and how probable it is that a fix pays; which set of fixes a budget buys.

Everything is read off the joint draws of an estimate, so a slider never fits anything again. In each draw every silent leaver has one cause, so the
customers of two fixes are never the same: they add up, and nobody is saved twice.

    kept_c  = x_c eta_c H_c                 a year; H_c: silent leavers of the last twelve months, eta ~ Beta
    money_c = x_c eta_c R_c                 R_c: what these customers would have brought
    NPV_c   = sum over months m of (money_c - run_c) / 12 (1 + d)^(-m / 12)  -  cost_c

Sets of fixes are enumerated, all of them: no rule of thumb finds the best set of a budget for certain.

References:
    Brealey, Myers and Allen (2020), chapters 2 and 5 (net present value, pay-back); Raiffa and Schlaifer (1961) (value of perfect information).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.errors import OptionError
from iceberg.model.assumptions import Efficacy
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate

MOST_FIXES = 12  # 4,096 sets
LONGEST_YEARS = 10
_STREAM = 6_104  # keeps these random numbers apart from those of the estimate


@dataclass(frozen=True)
class Fix:
    """A fix of one category.

    Attributes:
        category: Its name.
        cost: Once, in the currency of the estimate.
        running_cost: A year.
        extent: Share of the problem that the fix reaches, 0 to 1.
        efficacy: Share of the silent churn that goes away where the fix reaches.
    """

    category: str
    cost: float
    running_cost: float = 0.0
    extent: float = 1.0
    efficacy: Efficacy = field(default_factory=Efficacy)

    def __post_init__(self) -> None:
        if not (0 <= self.cost < np.inf and 0 <= self.running_cost < np.inf):
            raise OptionError("decide_cost", {"category": self.category})
        if not 0 < self.extent <= 1:
            raise OptionError("decide_extent", {"category": self.category})

    @property
    def outlay(self) -> float:
        """What the first year takes from a budget."""
        return self.cost + self.running_cost


@dataclass(frozen=True)
class FixOutcome:
    """What one fix brings; intervals hold 90 %.

    Attributes:
        action: The fix.
        kept: Customers a year from now on who stay because of it.
        money: What they bring, a year; None where nothing is known of money.
        net_present_value: Over the years asked about; None without money.
        probability_pays: That it is above zero; None without money.
        payback_months: Months until the money has come back; upper end infinite where that is not certain within `LONGEST_YEARS`; None without money.
        break_even_efficacy: Efficacy at which it pays on average; above 1 no efficacy does; None without money or without silent churn.
        efficacy_share: Share of the variance of log money that comes from the efficacy; the rest from silent churn and its value.
        probability_in_best_set: That it belongs to the best set that the budget buys; None without money.
        idle: Customers a year who leave if nothing is done.
        idle_money: What they would have brought; None without money.
    """

    action: Fix
    kept: CredibleInterval
    money: CredibleInterval | None
    net_present_value: CredibleInterval | None
    probability_pays: float | None
    payback_months: CredibleInterval | None
    break_even_efficacy: float | None
    efficacy_share: float
    probability_in_best_set: float | None
    idle: CredibleInterval
    idle_money: CredibleInterval | None


@dataclass(frozen=True)
class FixSet:
    """A set of fixes.

    Attributes:
        categories: Their categories, in the order of the actions; empty for doing nothing.
        outlay: What its first year costs.
        net_present_value: Of all together.
        probability_pays: That it is above zero.
    """

    categories: tuple[str, ...]
    outlay: float
    net_present_value: CredibleInterval
    probability_pays: float


@dataclass(frozen=True, eq=False)
class Decisions:
    """What several fixes bring, and the best set of them.

    Attributes:
        outcomes: In the order of the actions.
        years: Horizon of the net present value.
        budget: For outlays of the first year; None for any.
        best: The set with the highest expected value; None without money.
        runner_up: The second; None without money or where the budget buys nothing else.
        regret: Expected value that the runner-up gives up.
        runner_up_better: Probability that the runner-up turns out better than the best.
        value_of_certainty: Expected value of perfect information: what it would be worth to know everything before choosing; None without money.
        months_counted: Months of the window from which a year was taken.
    """

    outcomes: tuple[FixOutcome, ...]
    years: int
    budget: float | None
    best: FixSet | None
    runner_up: FixSet | None
    regret: float
    runner_up_better: float
    value_of_certainty: float | None
    months_counted: int


@dataclass(frozen=True, eq=False)
class FixDraws:
    """Draws behind decisions, (K, N) for N actions: customers and money a year if nothing is done, kept and brought by the fix, and its NPV."""

    idle: FloatArray
    idle_money: FloatArray | None
    kept: FloatArray
    money: FloatArray | None
    net_present_value: FloatArray | None
    efficacy: FloatArray
    months: int


def decide(
    estimate: IcebergEstimate,
    actions: Sequence[Fix],
    *,
    budget: float | None = None,
    years: int = 1,
    customer_value: float | None = None,
) -> Decisions:
    """What each fix brings and which set of them is best.

    Args:
        estimate: Whole, or a selection.
        actions: At most one per category.
        budget: For the outlays of the first year; None for any.
        years: Horizon of the net present value, 1 to `LONGEST_YEARS`.
        customer_value: What a customer brings who stays, where the files say nothing of it; replaces what they say.

    Raises:
        OptionError: ``decide_nothing``, ``decide_twice``, ``decide_unknown``, ``decide_too_many``, ``decide_budget``, ``decide_years``,
            ``decide_value`` or ``decide_no_range``.
    """
    check_fixes(estimate, actions, budget, years, customer_value)
    drawn = draw_fixes(estimate, actions, years=years, customer_value=customer_value)
    outcomes = tuple(_outcome(place, one, drawn, estimate, years) for place, one in enumerate(actions))
    if drawn.net_present_value is None:
        return Decisions(outcomes, years, budget, None, None, 0.0, 0.0, None, drawn.months)
    value = drawn.net_present_value
    chosen = affordable_sets(actions, budget)  # sets, N
    of_sets = value @ chosen.T.astype(np.float64)
    expected = of_sets.mean(axis=0)
    order = np.argsort(-expected, kind="stable")
    best_in_draw = chosen[of_sets.argmax(axis=1)]
    outcomes = tuple(replace(one, probability_in_best_set=float(best_in_draw[:, place].mean())) for place, one in enumerate(outcomes))
    best = order[0]
    second = order[1] if len(order) > 1 else None
    return Decisions(
        outcomes,
        years,
        budget,
        _fix_set(actions, chosen[best], of_sets[:, best]),
        None if second is None else _fix_set(actions, chosen[second], of_sets[:, second]),
        0.0 if second is None else float(expected[best] - expected[second]),
        0.0 if second is None else float((of_sets[:, second] > of_sets[:, best]).mean()),
        float(of_sets.max(axis=1).mean() - expected[best]),
        drawn.months,
    )


def draw_fixes(estimate: IcebergEstimate, actions: Sequence[Fix], *, years: int = 1, customer_value: float | None = None) -> FixDraws:
    """The draws that `decide` sums up; category names alone decide which random numbers an action gets, so the order of actions changes nothing."""
    churn, worth, months = _last_year(estimate, customer_value)
    names = [item.category for item in estimate.categories]
    places = [names.index(one.category) for one in actions]
    efficacy = np.column_stack([
        one.efficacy.draw(np.random.default_rng([estimate.seed, _STREAM, *one.category.encode()]), len(churn)) for one in actions
    ])  # fmt: skip
    part = efficacy * np.array([one.extent for one in actions])
    idle, idle_money = churn[:, places], None if worth is None else worth[:, places]
    money = None if idle_money is None else part * idle_money
    value = None if money is None else _net_present_value(money, estimate, actions, years)
    return FixDraws(idle, idle_money, part * idle, money, value, efficacy, months)


def expected_values(estimate: IcebergEstimate, actions: Sequence[Fix], *, years: int = 1, customer_value: float | None = None) -> FloatArray | None:
    """(K, N) net present value of each fix with its efficacy at the mean: what studies of the loss can still move; None without money."""
    drawn = draw_fixes(estimate, actions, years=years, customer_value=customer_value)
    if drawn.idle_money is None:
        return None
    return _net_present_value(drawn.idle_money * np.array([one.extent * one.efficacy.mean for one in actions]), estimate, actions, years)


def _net_present_value(money: FloatArray, estimate: IcebergEstimate, actions: Sequence[Fix], years: int) -> FloatArray:
    """(K, N) of so much money a year from each fix."""
    run, cost = (np.array([getattr(one, name) for one in actions]) for name in ("running_cost", "cost"))
    return np.asarray((money - run) / 12 * present_months(estimate.assumptions.annual_discount_rate, 12 * years) - cost, dtype=np.float64)


def present_months(rate: float, months: float) -> float:
    """What one unit of money at the end of each of so many months is worth today."""
    v = (1 + rate) ** (-1 / 12)
    return months if rate == 0 else v * (1 - v**months) / (1 - v)


def _last_year(estimate: IcebergEstimate, customer_value: float | None) -> tuple[FloatArray, FloatArray | None, int]:
    """(K, C) silent leavers of a year and their money, from the last twelve months of the window or from all of a shorter one; and those months."""
    draws, cells = estimate.draws, estimate.cells
    months = _months_of(estimate)
    together = cells is not None and bool(cells.last_months)
    last = slice(-12, None) if not together and months >= 12 else slice(None)
    factor = 1.0 if last.start is not None else 12 / months
    churn = factor * draws.silent_churn[..., last].sum(axis=(2, 3), dtype=np.float64)
    if customer_value is not None:
        return churn, churn * customer_value, min(months, 12) if last.start is not None else months
    worth = None if draws.revenue_lost is None else factor * draws.revenue_lost[..., last].sum(axis=(2, 3), dtype=np.float64)
    return churn, worth, min(months, 12) if last.start is not None else months


def _months_of(estimate: IcebergEstimate) -> int:
    """Calendar months counted; 12 of a sheet without dates, which is taken as a year."""
    cells = estimate.cells
    if cells is None or not cells.has_calendar or not cells.months:
        return 12
    first, last = cells.months[0], (cells.last_months or cells.months)[-1]
    return (last.year - first.year) * 12 + last.month - first.month + 1


def check_fixes(estimate: IcebergEstimate, actions: Sequence[Fix], budget: float | None, years: int, customer_value: float | None) -> None:
    """Refuse what decides nothing; the errors are those of `decide`."""
    known = [item.category for item in estimate.categories]
    named = [one.category for one in actions]
    if cannot_say(estimate):
        raise OptionError("decide_no_range")
    if not actions:
        raise OptionError("decide_nothing", {"known": ", ".join(known)})
    for name in named:
        if name not in known:
            raise OptionError("decide_unknown", {"category": name, "known": ", ".join(known)})
        if named.count(name) > 1:
            raise OptionError("decide_twice", {"category": name})
    if len(named) > MOST_FIXES:
        raise OptionError("decide_too_many", {"count": len(named), "most": MOST_FIXES})
    if not 1 <= years <= LONGEST_YEARS:
        raise OptionError("decide_years", {"most": LONGEST_YEARS})
    if customer_value is not None and not 0 < customer_value < np.inf:
        raise OptionError("decide_value", {"value": customer_value})
    cheapest = min(actions, key=lambda one: one.outlay)
    if budget is not None and not cheapest.outlay <= budget < np.inf:
        raise OptionError("decide_budget", {"budget": budget, "category": cheapest.category, "outlay": cheapest.outlay})


def affordable_sets(actions: Sequence[Fix], budget: float | None) -> np.ndarray:
    """(sets, N) membership of every set that the budget buys, doing nothing among them."""
    number = len(actions)
    sets = (np.arange(2**number)[:, None] >> np.arange(number)) & 1
    outlays = sets @ np.array([one.outlay for one in actions])
    return sets.astype(bool) if budget is None else sets[outlays <= budget * (1 + 1e-12)].astype(bool)


def _fix_set(actions: Sequence[Fix], members: np.ndarray, value: FloatArray) -> FixSet:
    inside = [one for one, member in zip(actions, members, strict=True) if member]
    return FixSet(
        tuple(one.category for one in inside), sum(one.outlay for one in inside), CredibleInterval.of(value), float((value > 0).mean())
    )


def _outcome(place: int, action: Fix, drawn: FixDraws, estimate: IcebergEstimate, years: int) -> FixOutcome:
    rate = estimate.assumptions.annual_discount_rate
    idle, kept = drawn.idle[:, place], drawn.kept[:, place]
    positive = idle > 0
    spread = np.log((idle if drawn.idle_money is None else drawn.idle_money[:, place])[positive & (kept > 0)].clip(min=1e-12))
    of_efficacy = float(np.log(drawn.efficacy[:, place]).var())
    share = of_efficacy / max(of_efficacy + float(spread.var() if len(spread) else 0.0), 1e-12)
    if drawn.money is None or drawn.net_present_value is None or drawn.idle_money is None:
        return FixOutcome(action, CredibleInterval.of(kept), None, None, None, None, None, share, None, CredibleInterval.of(idle), None)
    money, value, idle_money = drawn.money[:, place], drawn.net_present_value[:, place], drawn.idle_money[:, place]
    paid = action.cost + action.running_cost / 12 * present_months(rate, 12 * years)
    reachable = action.extent * float(idle_money.mean()) / 12 * present_months(rate, 12 * years)
    return FixOutcome(
        action=action,
        kept=CredibleInterval.of(kept),
        money=CredibleInterval.of(money),
        net_present_value=CredibleInterval.of(value),
        probability_pays=float((value > 0).mean()),
        payback_months=_quantiles(payback_months(action.cost, money - action.running_cost, rate)),
        break_even_efficacy=None if reachable <= 0 else paid / reachable,
        efficacy_share=share,
        probability_in_best_set=None,
        idle=CredibleInterval.of(idle),
        idle_money=CredibleInterval.of(idle_money),
    )


def payback_months(cost: float, yearly: FloatArray, rate: float) -> FloatArray:
    """(K,) months until the discounted money of so much a year covers the cost; infinite where it never does within `LONGEST_YEARS`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(yearly > 0, 12 * cost / np.maximum(yearly, 1e-300), np.inf)
        if rate > 0:
            v = (1 + rate) ** (-1 / 12)
            left = 1 - needed * (1 - v) / v
            needed = np.where(left > 0, np.log(np.maximum(left, 1e-300)) / np.log(v), np.inf)
    return np.where(needed <= 12 * LONGEST_YEARS, np.ceil(needed - 1e-9), np.inf)


def _quantiles(values: FloatArray) -> CredibleInterval:
    """As `CredibleInterval.of`, by order statistics: between a number and infinity there is nothing to interpolate."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], method="higher")
    return CredibleInterval(float(low), float(middle), float(high))
