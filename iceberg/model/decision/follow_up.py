"""Did a fix work? The category before its start against after it, set against the segments that the fix did not touch.

    delta = (log v_after - log v_before)_touched  -  (log v_after - log v_before)_others          v = Gamma(V / phi + 1/2) phi / E

V are the complainants of the category, E the customer-months in which they could complain, phi how much more the difference varies from month to
month than by chance. What the months do to everybody (a season, a market, a change of what is recorded) cancels. A study has one
ratio of silent leavers per complainant and category for all its months, so the silent leavers fall by the factor exp(delta), too; how many that are
comes from the joint draws. Their own cells are not compared: the fit shrinks what happens in some segments only towards the pattern of all, and found
about a third of the falls that were staged (benchmarks/decision). Whether the departures of the touched segments followed is checked against them.

The same statistic at earlier starts, from months before the real one only, says how often a fall like this comes by itself (placebo in time). Without
untouched segments what is left is a comparison of before and after, which says so. What was found moves what is assumed about the next fix: the Beta
of its efficacy times the likelihood of the fall.

References:
    Card and Krueger (1994), American Economic Review 84 (difference in differences); Bertrand, Duflo and Mullainathan (2004), Quarterly Journal of
    Economics 119 (placebo starts); McCullagh and Nelder (1989), section 4.5 (dispersion); Efron and Stein (1981), Annals of Statistics 9
    (jackknife); Ibrahim and Chen (2000), Statistical Science 15 (power priors: evidence of another fix counts less).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.model.assumptions import Z90, Efficacy
from iceberg.model.compare import CLEAR, DAYS_PER_MONTH, Basis, Months, Remark, basis_of, exposure_of
from iceberg.model.decision.agreed_test import AgreedTest
from iceberg.model.evidence import cannot_say
from iceberg.model.priors import PERIOD_ERROR_LOG_SD
from iceberg.model.results import CredibleInterval, IcebergEstimate

LONGEST_SIDE = 12  # months before, and months after: older ones say less about today
FEWEST_MONTHS = 3  # judgement: on either side; a season's accident is shorter
SETTLING_MONTHS = 2  # judgement: what happened before the start makes customers leave for weeks to come; those departures are left out
FEWEST_STARTS = 4  # judgement: fewer earlier starts rank nothing
UNLIKELY_BY_ITSELF = 0.2  # judgement: above it, earlier starts fell as much often enough to say so
OTHER_CATEGORY = 0.5  # judgement: the evidence of a fix of another category counts half
_STREAM = 1_994  # keeps these random numbers apart from those of the estimate
_GRID = 400

FollowUpOutcome = Literal["worked", "probably", "open", "worse"]


@dataclass(frozen=True)
class Intervention:
    """A fix that was made, written down with what was expected of it.

    Attributes:
        category: What it was to mend.
        start: First day of the month in which it started.
        segments: Names of the segments that it touched, or levels of a segment column; empty for all.
        expected: Share by which the rate was expected to fall; None where nobody said.
        extent: Share of the problem that it reached there, so that the efficacy is the fall divided by it.
        test: Agreed in advance; None asks for any fall.
        found: Log of the factor on the rate, and its standard deviation, as an earlier follow-up found them: used where this study cannot tell.
    """

    category: str
    start: date
    segments: tuple[str, ...] = ()
    expected: float | None = None
    extent: float = 1.0
    test: AgreedTest | None = None
    found: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.start.day != 1:
            raise ValueError("months are given by their first day")
        if not 0 < self.extent <= 1:
            raise OptionError("decide_extent", {"category": self.category})
        if self.expected is not None and not 0 < self.expected < 1:
            raise OptionError("follow_expected", {"category": self.category})


@dataclass(frozen=True)
class FollowUp:
    """What became of a category after a fix; intervals hold 90 %.

    Attributes:
        intervention: The fix.
        touched, untouched: Names of the segments on either side; no untouched ones: before against after only.
        months_before, months_after: First and last month compared.
        basis: What a rate is per.
        before, after: Complainants of the touched segments per thousand customers and month, or per month without customers.
        before_others, after_others: Of the untouched ones; None without them.
        fall: Share by which the problem strikes less often than without the fix; negative where it strikes more often.
        probability_fell: That it fell at all.
        probability_success: That it fell by as much as the agreed test asks for.
        kept: Customers kept in `months_after`, the first two excepted: what the touched segments would have lost in silence, times the fall.
        starts: Earlier starts at which the same was computed.
        placebo_p: Share of them, this one counted in, with a fall as clear as this; None with fewer than `FEWEST_STARTS`.
        log_effect, log_error: Mean and standard deviation of the log of the factor on the rate.
        remarks: What to know first; sentences under ``compare.remarks``.
    """

    intervention: Intervention
    touched: tuple[str, ...]
    untouched: tuple[str, ...]
    months_before: Months
    months_after: Months
    basis: Basis
    before: CredibleInterval
    after: CredibleInterval
    before_others: CredibleInterval | None
    after_others: CredibleInterval | None
    fall: CredibleInterval
    probability_fell: float
    probability_success: float
    kept: CredibleInterval
    starts: int
    placebo_p: float | None
    log_effect: float
    log_error: float
    remarks: tuple[Remark, ...] = field(default=())

    @property
    def sureness(self) -> float:
        """Probability that the agreed test asks for."""
        return CLEAR if self.intervention.test is None else self.intervention.test.sureness

    @property
    def outcome(self) -> FollowUpOutcome:
        """The conclusion: ``worked`` is the agreed test passed, and no earlier start fell as clearly as often."""
        if self.probability_fell <= 1 - CLEAR:
            return "worse"
        if self.probability_success >= self.sureness:
            doubted = {"fell_before", "departures_disagree"} & {one.code for one in self.remarks}
            return "probably" if doubted or not self.untouched else "worked"
        return "probably" if self.probability_fell >= CLEAR else "open"


@dataclass(frozen=True, eq=False)
class _Heard:
    """(M,) complainants of the category and exposure of some segments."""

    complainants: FloatArray
    exposure: FloatArray


def follow_up(estimate: IcebergEstimate, counts: CohortCounts, intervention: Intervention) -> FollowUp:
    """What became of a category after a fix.

    Args:
        estimate: Of the whole window.
        counts: The counts it was made from.
        intervention: The fix.

    Raises:
        OptionError: ``compare_no_range``, ``compare_no_dates``, ``follow_part`` for a selection, ``decide_unknown``, ``follow_segment``,
            ``follow_start`` where too few months stand before or after the start, or ``compare_nobody``.
    """
    place, touched = _check(estimate, counts, intervention)
    cells = estimate.cells
    assert cells is not None  # noqa: S101  # checked
    before, after = _periods(cells.months, intervention.start)
    others = [one for one in range(len(cells.segments)) if one not in touched] if counts.has_linked_complaints else []
    mine, beside = _side(estimate, counts, place, touched), _side(estimate, counts, place, others) if others else None
    if beside is not None and min(beside.exposure[before].sum(), beside.exposure[after].sum()) <= 0:
        others, beside = [], None
    if min(mine.exposure[before].sum(), mine.exposure[after].sum()) <= 0:
        raise OptionError("compare_nobody")
    size, rng = len(estimate.draws.silent_churn), np.random.default_rng([estimate.seed, _STREAM])
    phi = _dispersion(mine, beside, (before, after))
    rates = [_rate(mine, months, phi, size, rng) for months in (before, after)]
    rates_beside = None if beside is None else [_rate(beside, months, phi, size, rng) for months in (before, after)]
    drift = np.zeros(size) if rates_beside is None else np.log(rates_beside[1] / rates_beside[0])
    delta = np.log(rates[1] / rates[0]) - drift + PERIOD_ERROR_LOG_SD * rng.standard_normal(size)
    least = 0.0 if intervention.test is None else intervention.test.least_fall
    starts, placebo_p = _placebo(mine, beside, cells.months.index(intervention.start), estimate.seed)
    fell = float((delta < 0).mean())
    interval = CredibleInterval.of
    remarks = _remarks(estimate, intervention, untouched=beside is not None, by_itself=placebo_p if fell >= CLEAR else None)
    doubt = _departures_doubt(estimate, counts, place, (touched, others), (before, after), delta) if others else None
    return FollowUp(
        intervention=intervention,
        touched=tuple(cells.segments[one] for one in touched),
        untouched=tuple(cells.segments[one] for one in others),
        months_before=(cells.months[before[0]], cells.months[before[-1]]),
        months_after=(cells.months[after[0]], cells.months[after[-1]]),
        basis=basis_of(counts),
        before=interval(rates[0]),
        after=interval(rates[1]),
        before_others=None if rates_beside is None else interval(rates_beside[0]),
        after_others=None if rates_beside is None else interval(rates_beside[1]),
        fall=interval(-np.expm1(delta)),
        probability_fell=fell,
        probability_success=float((delta < np.log1p(-least)).mean()),
        kept=interval(_kept(estimate, counts, place, touched, (before, after), drift, delta, rng)),
        starts=starts,
        placebo_p=placebo_p,
        log_effect=float(delta.mean()),
        log_error=float(delta.std()),
        remarks=remarks if doubt is None else (doubt, *remarks),
    )


def learned_efficacy(evidence: Sequence[tuple[Intervention, float, float]], category: str, *, prior: Efficacy | None = None) -> Efficacy:
    """What past fixes say about the next one of `category`: the prior times the likelihood of each fall, as the Beta of the same mean and variance.

    Args:
        evidence: Each fix with the mean and the standard deviation of the log of its factor on the rate; a fix of another category counts
            `OTHER_CATEGORY`.
        category: The one to be fixed next.
        prior: Before any of them; None is the default of `Efficacy`.
    """
    start = prior or Efficacy()
    if not evidence:
        return start
    eta = (np.arange(_GRID) + 0.5) / _GRID
    log_weight = (start.alpha - 1) * np.log(eta) + (start.beta - 1) * np.log1p(-eta)
    for intervention, effect, error in evidence:
        weight = 1.0 if intervention.category == category else OTHER_CATEGORY
        log_weight = log_weight - 0.5 * weight * ((np.log1p(-intervention.extent * eta) - effect) / error) ** 2
    density = np.exp(log_weight - log_weight.max())
    density /= density.sum()
    mean = float(density @ eta)
    variance = max(float(density @ (eta - mean) ** 2), 1e-8)
    size = mean * (1 - mean) / variance - 1
    return Efficacy(mean * size, (1 - mean) * size)


def _check(estimate: IcebergEstimate, counts: CohortCounts, intervention: Intervention) -> tuple[int, list[int]]:
    """The place of the category, and those of the touched segments."""
    cells = estimate.cells
    if cannot_say(estimate):
        raise OptionError("compare_no_range")
    if cells is None or not cells.has_calendar:
        raise OptionError("compare_no_dates")
    if cells.segments != counts.segments or cells.months != counts.months:
        raise OptionError("follow_part")
    if intervention.category not in cells.categories:
        raise OptionError("decide_unknown", {"category": intervention.category, "known": ", ".join(cells.categories)})
    touched: set[int] = set()
    for name in intervention.segments:
        mine = [place for place, one in enumerate(cells.segments) if one == name]
        mine = mine or [place for place, levels in enumerate(cells.segment_levels) if name in levels]
        if not mine:
            known = [one for one in cells.segments if one]
            raise OptionError("follow_segment", {"segment": name, "known": ", ".join(known) or "-"})
        touched |= set(mine)
    return cells.categories.index(intervention.category), sorted(touched) or list(range(len(cells.segments)))


def _periods(months: Sequence[date], start: date) -> tuple[list[int], list[int]]:
    """Positions of the months before the start, and of those after it that are compared."""
    first = next((place for place, month in enumerate(months) if month >= start), len(months))
    known = {"start": f"{start:%Y-%m}", "first": f"{months[0]:%Y-%m}", "last": f"{months[-1]:%Y-%m}", "fewest": FEWEST_MONTHS}
    if start not in months or first < FEWEST_MONTHS or len(months) - first < FEWEST_MONTHS:
        raise OptionError("follow_start", known)
    return list(range(max(0, first - LONGEST_SIDE), first)), list(range(first, len(months)))[:LONGEST_SIDE]


def _settled(after: list[int]) -> list[int]:
    """The months after a start whose departures come from problems after it, too."""
    return after[min(SETTLING_MONTHS, len(after) - 1) :]


def _side(estimate: IcebergEstimate, counts: CohortCounts, place: int, segments: list[int]) -> _Heard:
    assert estimate.cells is not None  # noqa: S101  # checked
    if counts.has_customers:
        exposure = counts.person_days[segments].sum(axis=(0, 2)) / DAYS_PER_MONTH / 1000
    else:
        exposure = np.array([exposure_of(counts, "months", [month]) for month in range(len(counts.months))])
    return _Heard(estimate.cells.vocal[place][segments].sum(axis=0), np.asarray(exposure, dtype=np.float64))


def _rate(side: _Heard, months: list[int], phi: float, size: int, rng: np.random.Generator) -> FloatArray:
    """(K,) draws of the rate of these months: who happens to complain is chance, and some."""
    drawn = rng.standard_gamma(side.complainants[months].sum() / phi + 0.5, size) * phi
    return np.asarray(drawn / float(side.exposure[months].sum()), dtype=np.float64)


def _dispersion(mine: _Heard, others: _Heard | None, periods: Sequence[list[int]]) -> float:
    """How much more the difference varies than by chance, 1 at least.

    Without other segments it is Pearson's dispersion of the complainants of each month. With them it is the variance of the difference when one month
    after the other is left out of both sides (jackknife), over that of chance: what a month does to both cancels, and one heavy month of one side
    counts in full. In the share of the touched segments it would not: such a month raises the share and the number that the share is of.
    """
    if others is None:
        squares = freedom = 0.0
        for months in periods:
            own, at_risk = mine.complainants[months], mine.exposure[months]
            expected = own.sum() * at_risk / at_risk.sum()
            known = expected > 0
            squares += float(((own - expected)[known] ** 2 / expected[known]).sum())
            freedom += max(int(known.sum()) - 1, 0)
        return max(squares / freedom, 1.0) if freedom else 1.0
    seen = chance = 0.0
    for months in periods:
        logs = np.zeros(len(months))
        for sign, side in ((1, mine), (-1, others)):
            heard, at_risk = side.complainants[months], side.exposure[months]
            left = np.maximum(at_risk.sum() - at_risk, 1e-300)
            logs += sign * np.log((heard.sum() - heard + 0.5) / left)
            chance += 1 / (float(heard.sum()) + 0.5)
        seen += (len(months) - 1) / len(months) * float(((logs - logs.mean()) ** 2).sum())
    return max(seen / chance, 1.0)


def _kept(
    estimate: IcebergEstimate,
    counts: CohortCounts,
    place: int,
    touched: list[int],
    periods: tuple[list[int], list[int]],
    drift: FloatArray,
    delta: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """(K,) silent leavers whom the touched segments did not lose: their rate before, carried on as the others went, times the fall."""
    before, after = periods[0], _settled(periods[1])
    basis = basis_of(counts)
    at_risk = [exposure_of(counts, basis, months, segments=touched) for months in (before, after)]
    lost = np.asarray(estimate.draws.silent_churn[:, place][:, touched][:, :, before].sum(axis=(1, 2), dtype=np.float64))
    if min(at_risk) <= 0:
        return np.zeros(len(delta))
    rate = rng.standard_gamma(np.maximum(lost, 0.0) + 0.5) / at_risk[0]
    return np.asarray(rate * np.exp(drift) * at_risk[1] * -np.expm1(delta), dtype=np.float64)


def _departures_doubt(
    estimate: IcebergEstimate,
    counts: CohortCounts,
    place: int,
    sides: tuple[list[int], list[int]],
    periods: tuple[list[int], list[int]],
    delta: FloatArray,
) -> Remark | None:
    """A remark where the silent departures of the touched segments, beside those of the others, did not fall as the complaints say they should."""
    before, after = periods[0], _settled(periods[1])
    exits = counts.silent_exits.sum(axis=2)
    logs, variance = [], PERIOD_ERROR_LOG_SD**2 / 4  # of all departures: judgement, half of the error of one category
    for segments in sides:
        for months in (after, before):
            left = float(exits[segments][:, months].sum()) + 0.5
            logs.append(np.log(left / exposure_of(counts, "customer_months", months, segments=segments)))
            variance += 1 / left
    seen = (logs[0] - logs[1]) - (logs[2] - logs[3])
    lost = estimate.draws.silent_churn[:, place][:, sides[0]][:, :, before].sum(axis=(1, 2), dtype=np.float64)
    part = np.clip(lost / (float(exits[sides[0]][:, before].sum()) + 0.5), 0.0, 1.0)
    expected = np.log1p(part * np.expm1(np.minimum(delta, 0.0)))
    if seen - expected.mean() <= Z90 * np.sqrt(variance + expected.var()):
        return None
    return Remark("departures_disagree", "caution", {"observed": float(np.exp(seen)), "implied": float(np.exp(expected.mean()))})


def _placebo(mine: _Heard, others: _Heard | None, first: int, seed: int) -> tuple[int, float | None]:
    """How many earlier starts there are, and the share of all starts, the real one included, that fell as clearly as that one.

    Like is set against like: as many months before and after each start, as many as leave `FEWEST_STARTS` earlier ones. Only months before the real
    start are used for those, so the fix cannot speak.
    """
    width = min((first - FEWEST_STARTS + 1) // 2, len(mine.exposure) - first, LONGEST_SIDE)
    if width < FEWEST_MONTHS:
        return 0, None
    found = []
    for start in (*range(width, first - width + 1), first):
        periods = list(range(start - width, start)), list(range(start, start + width))
        phi = _dispersion(mine, others, periods)
        sides = [(side, months) for side in (mine, others) if side for months in periods]
        logs = [np.log((side.complainants[months].sum() + 0.5) / side.exposure[months].sum()) for side, months in sides]
        variance = PERIOD_ERROR_LOG_SD**2 + sum(phi / (side.complainants[months].sum() + 0.5) for side, months in sides)
        delta = logs[1] - logs[0] - (logs[3] - logs[2] if others else 0.0)
        found.append(float(delta / np.sqrt(variance)))
    return len(found) - 1, float(np.mean([one <= found[-1] for one in found]))


def _remarks(estimate: IcebergEstimate, intervention: Intervention, *, untouched: bool, by_itself: float | None) -> tuple[Remark, ...]:
    """What to know first; `by_itself` is how often earlier starts fell as clearly, where this one fell at all."""
    assert estimate.cells is not None  # noqa: S101  # checked
    remarks, last = [], estimate.cells.months[-1]
    if not untouched:
        remarks.append(Remark("no_untouched", "warning"))
    if not estimate.evidence.level.corrects_ratio:
        remarks.append(Remark("level_too_low", "warning", {"level": estimate.evidence.level}))
    if intervention.test is not None and intervention.test.reading > last:
        remarks.append(Remark("test_too_early", "caution", {"reading": intervention.test.reading, "last": last}))
    if by_itself is not None and by_itself > UNLIKELY_BY_ITSELF:
        remarks.append(Remark("fell_before", "caution", {"share": by_itself}))
    return (*remarks, Remark("shared_ratio_follow", "info"))
