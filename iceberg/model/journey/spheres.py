"""`Spheres`: what a company puts first, believes, aims at and promises, beside what its customers did.

vision       Kendall's tau between the priorities and the silent churn H_c of a draw, draws weighted by the mean over a of the probability of
             the priorities, each time the next with a probability in proportion to H_c^a among those left; believed leavers - H_c
standards    promise - expected value, as both were typed
delivery     share closed in time - target (or - a promise that is a percentage), share = (1 - u) a + u b, with
             a ~ Beta(in time + 1/2, late + 1/2) and u the part of the cases of which the file says nothing; the range reaches from
             b = 0 to b = 1 (Manski 1989), the quadrants draw b ~ Beta(1/2, 1/2). None to four customers of one side are none to four
quadrants    P(H_c x value above an equal share, share closed in time below its target), and the three others, from the joint draws

References: Parasuraman, Zeithaml & Berry 1985 (gap model of service quality); Martilla & James 1977 (importance-performance analysis);
Kendall 1938 (rank correlation, tau a: a tied pair counts on neither side); Plackett 1975 (probability of an order).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy.special import logsumexp

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.service_counts import CLOSED, UNDECIDED
from iceberg.cohort.journey.spheres import PERCENT, SphereRow
from iceberg.model.evidence import cannot_say
from iceberg.model.journey.service import case_outcomes, holds_only_present
from iceberg.model.journey.waits import HOURS_OF, WaitCurve, closing_curves
from iceberg.model.results import INTERVAL_MASS, CategoryEstimate, CredibleInterval, IcebergEstimate

FEWEST_RANKED = 3  # judgement: the order of two categories is right or wrong, no degree of agreement
FEWEST_PEOPLE = 5  # of a share closed in time, on either side: fewer are not counted out in public
QUADRANTS = ("work_here", "keep_up", "may_wait", "more_than_needed")
GAPS = ("rank", "believed", "believed_share", "standards", "target", "promise", "quadrants")
# How much the priorities know of the silent churn, as powers of it: as likely nothing, much, or the reverse (judgement). Without it tau is too close
# to 0, because the order of categories in a draw has noise that the people who set the priorities do not share.
_KNOWING = np.linspace(-2.0, 2.0, 9)
_MOSTLY_OPEN = 0.5  # judgement: where more cases than this are open beyond the promise, their days of closing are taken for not written
_STREAM = 20_263  # of random numbers: no other part of an estimate draws from it


@dataclass(frozen=True)
class SphereEstimate:
    """One row of the sheet beside what happened; None where it is unknown, with the reason in `unknown`.

    Attributes:
        row: As it was typed.
        rank: Place in the priorities less the place by silent churn, both among ranked categories; above 0: put later than it costs.
        believed: Believed leavers less silent churn, in customers.
        believed_inside: Whether the believed number lies inside the range of silent churn.
        believed_share: Share of believed leavers less share of silent churn, among categories with a belief.
        standards: Promise less expected value, in the unit of the promise (a share for a percentage).
        target, promise: Share closed in time less the target, and less a promise that is a percentage.
        within, closed: Of a promise that is a length of time, the share closed within it, and the median time to close, in its unit.
        quadrants: Probability of each of `QUADRANTS`; together 1.
        unknown: By name of `GAPS`, why it is unknown: a code under ``spheres.unknown`` of the sentences.
    """

    row: SphereRow
    rank: CredibleInterval | None = None
    believed: CredibleInterval | None = None
    believed_inside: bool | None = None
    believed_share: CredibleInterval | None = None
    standards: float | None = None
    target: CredibleInterval | None = None
    promise: CredibleInterval | None = None
    within: CredibleInterval | None = None
    closed: CredibleInterval | None = None
    quadrants: Mapping[str, float] | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spheres:
    """The sheet beside what happened.

    Attributes:
        rows: In the order of the sheet.
        ranked: Categories with a priority whose silent churn is known.
        agreement: Kendall's tau of priorities and silent churn, -1 to 1; None where `agreement_unknown` says why.
        first: The category put first among those, and its place by silent churn.
        first_place: The place of `first` by silent churn.
        performance: What the quadrants take for performance: ``in_time``, ``priority``, or None.
        by_money: Whether importance is money; else customers.
        agreement_unknown: A code, as those of a row.
        unsaid: By category with a share closed in time or within a promise, the part of its cases of which the file says nothing; where it is five
            customers or more.
        only_present: Whether the complaints may be those of present customers alone.
    """

    rows: tuple[SphereEstimate, ...]
    ranked: int
    agreement: CredibleInterval | None
    first: str | None
    first_place: CredibleInterval | None
    performance: str | None
    by_money: bool
    agreement_unknown: str | None = None
    unsaid: Mapping[str, float] = field(default_factory=dict)
    only_present: bool = False

    @property
    def believed(self) -> tuple[SphereEstimate, ...]:
        """Rows whose believed leavers stand beside a range."""
        return tuple(one for one in self.rows if one.believed is not None)


def estimate_spheres(estimate: IcebergEstimate, counts: CohortCounts, *, whole: bool = True) -> Spheres | None:
    """The gaps between vision, promise, delivery and what customers did; None without a sheet, or where no category of it may be shown.

    Args:
        estimate: With its joint draws.
        counts: With the sheet, and with cases closed in time where a column says it.
        whole: False for viewers: only categories of the estimate, and no share closed in time by category.
    """
    if counts.spheres is None:
        return None
    sheet = counts.spheres if whole else counts.spheres.among([one.category for one in estimate.categories])
    if not sheet.rows:
        return None
    rng = np.random.default_rng([estimate.seed, _STREAM])
    controls = {one.category for one in estimate.controls}
    places = {one.category: place for place, one in enumerate(estimate.categories) if one.category not in controls}
    refused = _refused(estimate)
    churn = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    known = {row.category: churn[:, places[row.category]] for row in sheet.rows if row.category in places and refused is None}
    done = _done_shares(counts, [row.category for row in sheet.rows], len(churn), rng) if whole else {}
    ranks, agreement, agreement_unknown = _ranks(sheet.rows, known, estimate)
    beliefs = {row.category: row.believed_leavers for row in sheet.rows if row.believed_leavers is not None and row.category in known}
    shares = _belief_shares(beliefs, known)
    cuts = _quadrants(sheet.rows, places, done, estimate) if refused is None else ({}, None)
    curves = closing_curves(counts, rng, len(churn)) if whole else {}
    rows = []
    for row in sheet.rows:
        own = _Gaps(row, refused or _missing(row, places, controls))
        own.vision(known.get(row.category), ranks.get(row.category), shares.get(row.category), agreement_unknown)
        own.delivery(done.get(row.category))
        own.duration(curves.get(row.category), _open_cases(row, counts))
        own.quadrants(cuts[0].get(row.category), estimate.categories[places[row.category]] if row.category in places else None, cuts[1])
        rows.append(SphereEstimate(row, **own.values, unknown=own.unknown))  # type: ignore[arg-type]  # of each field the type
    order = sorted((row.priority_rank, row.category) for row in sheet.rows if row.priority_rank is not None and row.category in ranks)
    first = order[0][1] if order and agreement is not None else None
    return Spheres(
        tuple(rows),
        len(order),
        agreement,
        first,
        None if first is None else CredibleInterval.of(1 - ranks[first]),
        cuts[1],
        estimate.draws.revenue_lost is not None,
        agreement_unknown,
        _unsaid(rows, counts),
        whole and holds_only_present(counts) and any(one.target or one.promise or one.within for one in rows),
    )


def _refused(estimate: IcebergEstimate) -> str | None:
    return "no_range" if cannot_say(estimate) else None


def _missing(row: SphereRow, places: Mapping[str, int], controls: Collection[str]) -> str | None:
    if row.category in controls:
        return "control"
    return None if row.category in places else "not_estimated"


@dataclass(frozen=True, eq=False)
class _Share:
    """Draws of a share of cases: if none of those of which the file says nothing counts, if all do, and if a part of them does."""

    none: FloatArray
    every: FloatArray
    some: FloatArray

    @classmethod
    def of(cls, said: FloatArray, unsaid: float, rng: np.random.Generator) -> _Share:
        """From the share among cases of which the file says it, and the part of those of which it says nothing."""
        none = (1 - unsaid) * said
        return cls(none, none + unsaid, none + unsaid * rng.beta(0.5, 0.5, len(said)) if unsaid else none)

    @classmethod
    def counted(cls, late: int, in_time: int, unsaid: int, rng: np.random.Generator, *, draws: int) -> _Share:
        """From cases. Fewer than `FEWEST_PEOPLE` of one side are none to one fewer than these: which of them would be read from the range."""
        total, most = late + in_time, FEWEST_PEOPLE - 1
        part = unsaid / (total + unsaid)
        if late > most and in_time > most:
            return cls.of(rng.beta(in_time + 0.5, late + 0.5, draws), part, rng)
        counts = (total, total - most // 2, total - most) if late <= most else (most, most // 2, 0)
        every, some, none = (rng.beta(one + 0.5, total - one + 0.5, draws) for one in counts)
        return cls((1 - part) * none, (1 - part) * every + part, cls.of(some, part, rng).some)

    def less(self, aim: float) -> CredibleInterval:
        """The share less an aim; its range allows for all and for none of the unsaid."""
        low, middle, high = (CredibleInterval.of(draws - aim) for draws in (self.none, self.some, self.every))
        return CredibleInterval(low.lower, middle.median, high.upper)


def _done_shares(counts: CohortCounts, categories: Collection[str], draws: int, rng: np.random.Generator) -> dict[str, _Share | str]:
    """The share closed in time by category; why not, where a side has too few."""
    found: dict[str, _Share | str] = {}
    people = case_outcomes(counts)
    for category in categories:
        late, in_time, unsaid = (int(one) for one in people[counts.categories.index(category)]) if category in counts.categories else (0, 0, 0)
        if counts.service is None or late + in_time == 0:
            found[category] = "no_case" if counts.service is not None and counts.service.cases else "no_column"
        elif late + in_time < 2 * FEWEST_PEOPLE:
            found[category] = "few"
        else:
            found[category] = _Share.counted(late, in_time, unsaid, rng, draws=draws)
    return found


def _open_cases(row: SphereRow, counts: CohortCounts) -> tuple[int, int]:
    """Of the cases of a row with a promised time: those that may have been closed within it although no day says so, and all.

    These are the cases of customers who left, whose day may be dropped with them; and all open beyond the promise where these are most cases.
    """
    service = counts.service
    if service is None or row.promise_value is None or row.promise_unit not in HOURS_OF or row.category not in counts.categories:
        return 0, 0
    place, hours = counts.categories.index(row.category), row.promise_value * HOURS_OF[row.promise_unit]
    waits = [one for one in service.waits if (one.category, one.measure) == (place, CLOSED)]
    cases, beyond = sum(one.done + one.still for one in waits), sum(one.still for one in waits if one.hours >= hours)
    left = sum(one.customers for one in service.left_open if one.category == place)
    return (beyond if beyond > _MOSTLY_OPEN * cases else min(left, cases)), cases


def _unsaid(rows: Collection[SphereEstimate], counts: CohortCounts) -> dict[str, float]:
    """By category whose range holds cases of which the file says nothing, the part that these are of its cases; none where they are one to four."""
    outcomes, found = case_outcomes(counts), {}
    for one in rows:
        name, (opened, cases) = one.row.category, _open_cases(one.row, counts)
        if one.within is not None and opened >= FEWEST_PEOPLE:
            found[name] = opened / cases
        if one.target is not None or one.promise is not None:
            own = outcomes[counts.categories.index(name)]
            if own[UNDECIDED] >= FEWEST_PEOPLE:
                found[name] = max(found.get(name, 0.0), float(own[UNDECIDED] / own.sum()))
    return found


def _ranks(
    rows: Collection[SphereRow], known: Mapping[str, FloatArray], estimate: IcebergEstimate
) -> tuple[dict[str, FloatArray], CredibleInterval | None, str | None]:
    """By category its place in the priorities less that by silent churn, Kendall's tau, and why there is none."""
    ranked = sorted((row.priority_rank, row.category) for row in rows if row.priority_rank is not None and row.category in known)
    if not any(row.priority_rank is not None for row in rows):
        return {}, None, "blank"
    if not known:
        return {}, None, _refused(estimate) or "not_estimated"
    if not estimate.evidence.ranks:
        return {}, None, "no_order"
    if len(ranked) < FEWEST_RANKED:
        return {}, None, "few_ranked"
    churn = np.column_stack([known[category] for _, category in ranked])
    # A place is 1 plus those that cost more, and half of those that cost as much
    above = (churn[:, None, :] > churn[:, :, None]).sum(axis=2) + 0.5 * ((churn[:, None, :] == churn[:, :, None]).sum(axis=2) - 1)
    distances = {category: place - above[:, place] for place, (_, category) in enumerate(ranked)}
    signs = [np.sign(churn[:, one] - churn[:, other]) for one, other in combinations(range(len(ranked)), 2)]
    return distances, _weighted(np.mean(signs, axis=0), _order_weights(churn)), None


def _order_weights(churn: FloatArray) -> FloatArray:
    """(K,) how well each draw explains the order of the columns, whatever the priorities know."""
    log_sizes = np.log(churn + 1.0)
    likelihood = np.zeros((len(_KNOWING), len(churn)))
    for place in range(churn.shape[1]):
        left = _KNOWING[:, None, None] * log_sizes[None, :, place:]
        likelihood += left[..., 0] - logsumexp(left, axis=2)
    weights = np.exp(likelihood - likelihood.max()).mean(axis=0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _weighted(draws: FloatArray, weights: FloatArray) -> CredibleInterval:
    """The central interval of weighted draws."""
    order = np.argsort(draws, kind="stable")
    tail = (1 - INTERVAL_MASS) / 2
    places = np.searchsorted(np.cumsum(weights[order]), [tail, 0.5, 1 - tail]).clip(max=len(draws) - 1)
    lower, median, upper = draws[order][places]
    return CredibleInterval(float(lower), float(median), float(upper))


def _belief_shares(beliefs: Mapping[str, int], known: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Share of believed leavers less share of silent churn, where two categories or more have a belief."""
    if len(beliefs) < 2 or not sum(beliefs.values()):
        return {}
    churn = np.column_stack([known[category] for category in beliefs])
    total = churn.sum(axis=1)
    some = total > 0
    if not some.any():
        return {}
    believed = sum(beliefs.values())
    return {category: number / believed - (churn[some, place] / total[some]) for place, (category, number) in enumerate(beliefs.items())}


def _quadrants(
    rows: Collection[SphereRow], places: Mapping[str, int], done: Mapping[str, _Share | str], estimate: IcebergEstimate
) -> tuple[dict[str, dict[str, float]], str | None]:
    """Probability of each quadrant by category, and what stands for performance."""
    money = estimate.draws.revenue_lost
    lost = (estimate.draws.silent_churn if money is None else money).sum(axis=(2, 3), dtype=np.float64)[:, sorted(places.values())]
    column = {place: number for number, place in enumerate(sorted(places.values()))}
    if lost.shape[1] < 2 or not estimate.evidence.ranks:
        return {}, None
    important = lost > lost.mean(axis=1, keepdims=True)
    low, performance = _low_performance([row for row in rows if row.category in places], done, len(lost))
    found = {}
    for category, poor in low.items():
        matters = important[:, column[places[category]]]
        parts = (matters & poor, matters & ~poor, ~matters & poor, ~matters & ~poor)
        found[category] = {name: float(part.mean()) for name, part in zip(QUADRANTS, parts, strict=True)}
    return found, performance


def _low_performance(
    rows: Collection[SphereRow], done: Mapping[str, _Share | str], draws: int
) -> tuple[dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]], str | None]:
    """(K,) whether a category is answered worse than its target (without one: than the others on average), or is put in the later half."""
    shares = {row.category: share.some for row in rows if not isinstance(share := done.get(row.category, "blank"), str)}
    if shares:
        usual = np.mean(list(shares.values()), axis=0)
        targets = {row.category: row.target for row in rows}
        with_cut = {category: targets[category] for category in shares if targets[category] is not None or len(shares) > 1}
        low = {category: shares[category] < (usual if cut is None else cut) for category, cut in with_cut.items()}
        if low:
            return low, "in_time"
    ranked = sorted((row.priority_rank, row.category) for row in rows if row.priority_rank is not None)
    if len(ranked) < 2:
        return {}, None
    return {category: np.full(draws, 2 * place >= len(ranked)) for place, (_, category) in enumerate(ranked)}, "priority"


class _Gaps:
    """The gaps of one row: either a figure in `values`, or why there is none in `unknown`."""

    def __init__(self, row: SphereRow, refused: str | None) -> None:
        self.row, self._refused = row, refused
        self.values: dict[str, object] = {}
        self.unknown: dict[str, str] = {}

    def _set(self, name: str, value: object, reason: str | None) -> None:
        if reason is None:
            self.values[name] = value
        else:
            self.unknown[name] = reason

    def vision(self, churn: FloatArray | None, distance: FloatArray | None, share: FloatArray | None, no_ranks: str | None) -> None:
        """Priority and belief beside the silent churn of the draws, and the promise beside what is expected."""
        row = self.row
        reason = "blank" if row.priority_rank is None else self._refused or (no_ranks if distance is None else None)
        self._set("rank", None if distance is None else CredibleInterval.of(distance), reason)
        reason = "blank" if row.believed_leavers is None else self._refused
        gap = None if churn is None or row.believed_leavers is None else CredibleInterval.of(row.believed_leavers - churn)
        self._set("believed", gap, reason)
        if gap is not None:
            self.values["believed_inside"] = gap.lower <= 0 <= gap.upper
        self._set("believed_share", None if share is None else CredibleInterval.of(share), reason or ("few_beliefs" if share is None else None))
        both = row.promise_value is not None and row.expected_value is not None
        self._set("standards", row.promise_value - row.expected_value if both else None, None if both else "blank")  # type: ignore[operator]

    def delivery(self, done: _Share | str | None) -> None:
        """The share closed in time beside the target, and beside a promise that is a percentage."""
        missing = done if isinstance(done, str) else None if done is not None else "not_for_viewers"
        for name, aim in (("target", self.row.target), ("promise", self.row.promise_value)):
            reason = "blank" if aim is None else missing
            if name == "promise" and aim is not None and self.row.promise_unit != PERCENT:
                reason = "no_durations"
            gap = done.less(aim) if reason is None and aim is not None and not isinstance(done, str) and done is not None else None
            self._set(name, gap, reason)

    def duration(self, curve: WaitCurve | None, open_cases: tuple[int, int]) -> None:
        """A promise that is a length of time beside how long closing took; the range allows for open cases that may have been closed within it."""
        row = self.row
        if curve is None or row.promise_value is None or row.promise_unit not in HOURS_OF:
            return
        hours = HOURS_OF[row.promise_unit]
        within, (opened, cases) = curve.within(row.promise_value * hours), open_cases
        more = np.minimum(opened / max(cases, 1), 1 - within)
        share = _Share(within, within + more, within + more / 2)
        self.values |= {"within": share.less(0.0), "closed": curve.median(hours=hours)}
        self.unknown.pop("promise", None)

    def quadrants(self, parts: Mapping[str, float] | None, item: CategoryEstimate | None, performance: str | None) -> None:
        """Where the category stands by importance and performance; nowhere, where its silent churn is no larger than what chance finds."""
        reason = self._refused
        if reason is None and item is not None and item.placebo is not None and item.placebo.is_noise:
            reason = "noise"
        if reason is None and parts is None:
            reason = "no_performance" if performance is None else "no_own_performance"
        self._set("quadrants", parts, reason)
