"""`reduce_rhythm`: an activity log becomes `RhythmCounts`. Rows of customers stay in this folder; only counts leave it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.rhythm.aftermath import Aftermath
from iceberg.cohort.rhythm.assumptions import (
    BASELINE_WEEKS,
    CUT_WEEKS,
    FALSE_ALARMS,
    LEARNING_CUSTOMERS,
    LEAST_REGULARS,
    RECENT_WEEKS,
    SAMPLE_CUSTOMERS,
    SETTLED,
    SMALLEST_GROUP,
    THRESHOLDS,
    RhythmSettings,
)
from iceberg.cohort.rhythm.breaks.change_point import Profiles, find_breaks
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock, build_week_index
from iceberg.cohort.rhythm.breaks.fitting import fit_settings
from iceberg.cohort.rhythm.companions import Companions
from iceberg.cohort.rhythm.counts import COMPANIONS, KINDS, RhythmCategory, RhythmCounts, RhythmPeriod, RhythmRemark, RhythmSegment
from iceberg.cohort.rhythm.history import History, history_baseline
from iceberg.cohort.rhythm.people import BrokenPeople, BrokenRhythm
from iceberg.cohort.rhythm.returns import Lasting, is_settled, masses_by_age
from iceberg.cohort.rhythm.trace import BreakTrace
from iceberg.cohort.rhythm.weeks import ActivityWeeks
from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.tables import Tables

LARGEST_BUDGET = 50.0  # judgement: more false alarms than that are no alarms
LEAST_SETTLED = 0.5  # judgement: what is likelier to come back than not has not lasted
PART, _BLOCK = 200_000, 25_000  # customers fetched, and judged, at a time
_THREADS = 2  # NumPy leaves the interpreter to others while it works on large arrays
_SHOWN_PAUSES = (2, 4, 8, 13)

WhileListed = Callable[[RhythmCounts, Iterator[BrokenRhythm]], None]


def reduce_rhythm(
    tables: Tables, *, false_alarms: float = FALSE_ALARMS, settled: float = SETTLED, while_listed: WhileListed | None = None
) -> RhythmCounts:
    """Count who broke with the rhythm of their own, since when and after what, and how far that can be believed.

    Args:
        tables: With ``activity``; ``customers`` give segments and open departures (their last day must not come from the log itself), ``complaints``
            and ``incidents`` the categories. Not changed.
        false_alarms: Alarms by chance per 1,000 customer-months that are accepted; the threshold follows from the log's own past.
        settled: `p_lasts` from which a break is taken to last.
        while_listed: Called with the counts and the customers behind them while the rows are there; it alone may see ids.

    Raises:
        EvidenceError: The log is too short, hardly a customer was seen twice, or fewer than `LEAST_REGULARS` have a rhythm.
        OptionError: The budget or `settled` is out of range.
    """
    counts = reduce_budgets(tables, (false_alarms,), settled=settled, while_listed=while_listed)
    return counts[0]


def reduce_budgets(
    tables: Tables,
    budgets: Sequence[float],
    *,
    settled: float = SETTLED,
    customers: str = "customers",
    while_listed: WhileListed | None = None,
) -> tuple[RhythmCounts, ...]:
    """The same for several budgets of false alarms, in the time of one: the log is read and every customer judged once.

    Args:
        tables: See `reduce_rhythm`.
        budgets: Alarms by chance per 1,000 customer-months, one for each answer.
        settled: `p_lasts` from which a break is taken to last.
        customers: Relation of the customers; a last day in it is an open departure.
        while_listed: Called for the first of the budgets.

    Raises:
        EvidenceError, OptionError: See `reduce_rhythm`.
    """
    for budget in budgets:
        if not 0 < budget <= LARGEST_BUDGET:
            raise OptionError("rhythm_budget", {"value": budget, "largest": LARGEST_BUDGET})
    require_settled(settled)
    with tables.engine.work():
        weeks = ActivityWeeks.read(tables, customers=customers)
        learned = Learned.of(weeks)
        start = weeks.weeks - min(BASELINE_WEEKS, weeks.weeks)
        aftermath = Aftermath(*weeks.events(start), start, weeks.weeks - start)
        runs = [_Run.start(weeks, learned, budget, settled, aftermath) for budget in budgets]
        companions = Companions.read(weeks)
        _judge_all(weeks, learned, runs, companions, listed=while_listed is not None)
        after_loss = () if companions is None else _after_loss(weeks, learned, runs[0], companions)
        counts = tuple(replace(one, categories=(*one.categories, *after_loss)) for one in (run.counts() for run in runs))
        if while_listed is not None:
            while_listed(counts[0], runs[0].people.rows(weeks))
    return counts


def require_settled(settled: float) -> None:
    """Refuse a probability from which no break can be taken to last.

    Raises:
        OptionError: It is below `LEAST_SETTLED`, 1 or more, or no number.
    """
    if not LEAST_SETTLED <= settled < 1:
        raise OptionError("rhythm_settled", {"value": settled})


def _judge_all(weeks: ActivityWeeks, learned: Learned, runs: Sequence[_Run], companions: Companions | None, *, listed: bool) -> None:
    """Judge every customer at the end of the log, once for all runs."""
    first = runs[0]
    for low, block, found in _judged(weeks, learned, first):
        lasts = learned.lasting.of(masses_by_age(found))
        first.aftermath.add(block, found, low)
        for run in runs:
            run.add(block, found, lasts, low if listed and run is first else None)
        if companions is not None:
            called = np.flatnonzero(found.probability >= first.threshold)
            companions.add(found.rows[called] + low, found.likeliest_week(called) + first.first)


def _judged(weeks: ActivityWeeks, learned: Learned, run: _Run) -> Iterator[tuple[int, WeekBlock, Profiles]]:
    """The customers block by block: the number of the first one, their weeks, and what was found.

    Some blocks are judged at the same time, but they come in the order of their numbers, so that sums do not depend on the threads.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        waiting: deque[tuple[int, WeekBlock, Future[Profiles]]] = deque()
        for low in range(0, weeks.people, PART):
            part = weeks.block(low, low + PART)
            for inner in range(0, len(part.days), _BLOCK):
                block = part.rows(slice(inner, inner + _BLOCK)).until(weeks.weeks, run.baseline)
                waiting.append((low + inner, block, threads.submit(find_breaks, block, learned.settings, run.index)))
                if len(waiting) > _THREADS:
                    number, judged, found = waiting.popleft()
                    yield number, judged, found.result()
        for number, judged, found in waiting:
            yield number, judged, found.result()


def _after_loss(weeks: ActivityWeeks, learned: Learned, run: _Run, companions: Companions) -> tuple[RhythmCategory, ...]:
    """What losing the companion does; every customer is judged once more, since all have to be judged before anybody's loss is known."""
    events = companions.events(run.first, weeks.weeks)
    aftermath = Aftermath(((COMPANIONS, ""),), events, run.first, run.baseline)
    for low, block, found in _judged(weeks, learned, run):
        aftermath.add(block, found, low)
    return aftermath.results()


@dataclass(frozen=True, eq=False)
class Learned:
    """What a log says about its rhythms: the settings, its past, and which breaks last."""

    settings: RhythmSettings
    history: History
    lasting: Lasting

    @classmethod
    def of(cls, weeks: ActivityWeeks) -> Learned:
        """Learn from a sample of customers, and judge its past.

        Raises:
            EvidenceError: Too few have a rhythm.
        """
        sample = weeks.block(0, SAMPLE_CUSTOMERS)
        problem = {"regulars": len(sample.days), "needed": LEAST_REGULARS, "customers": weeks.customers}
        if len(sample.days) < LEAST_REGULARS:
            raise EvidenceError("rhythm_no_regulars", problem)
        index = build_week_index(sample)
        ends = tuple(end for end in (weeks.weeks, weeks.weeks - 13, weeks.weeks - 26) if end >= history_baseline(weeks.weeks))
        learned = sample.rows(slice(0, LEARNING_CUSTOMERS))
        settings = fit_settings(learned, index, baseline=min(BASELINE_WEEKS, weeks.weeks), ends=ends)
        history = History.judge(sample, settings.week_index, settings)
        regulars = int(history.cuts[-1].regular.sum())
        if regulars < LEAST_REGULARS:
            raise EvidenceError("rhythm_no_regulars", problem | {"regulars": regulars})
        return cls(settings, history, history.lasting())


@dataclass(eq=False)
class _Run:
    """One answer: what was learned from the sample, and what is added up over all customers at one threshold."""

    weeks: ActivityWeeks
    settings: RhythmSettings
    history: History
    lasts: Lasting
    threshold: float
    rate: float | None
    budget: float
    settled_from: float
    aftermath: Aftermath

    @classmethod
    def start(cls, weeks: ActivityWeeks, learned: Learned, budget: float, settled: float, aftermath: Aftermath) -> _Run:
        """Choose the threshold."""
        threshold, rate = learned.history.threshold(budget)
        return cls(weeks, learned.settings, learned.history, learned.lasting, threshold, rate, budget, settled, aftermath)

    def __post_init__(self) -> None:
        self.baseline = min(BASELINE_WEEKS, self.weeks.weeks)
        self.first = self.weeks.weeks - self.baseline
        self.index = self.history.index[self.first :]
        self.trace, self.people = BreakTrace(), BrokenPeople()
        size = len(self.weeks.segments)
        self.by_segment = np.zeros((3, size), dtype=np.int64)  # established, collapsing, settled
        self.kinds = dict.fromkeys(KINDS, 0)
        self.chance = self.lasting = 0.0
        self.broken = self.broken_settled = 0

    def add(self, block: WeekBlock, found: Profiles, lasts: FloatArray, low: int | None) -> None:
        """Add the customers of a block; where `low`, the number of the first of them, is given, they are listed too."""
        broken = np.minimum(found.probability, 1).astype(float)
        called = broken >= self.threshold
        recent = called.copy()
        recent[called] = found.likeliest_week(np.flatnonzero(called)) >= self.baseline - RECENT_WEEKS
        segment = block.segment[found.rows]
        settled = called & is_settled(broken, lasts, self.settled_from)
        for place, chosen in enumerate((np.ones_like(recent), recent, recent & settled)):
            self.by_segment[place] += np.bincount(segment[chosen], minlength=self.by_segment.shape[1])
        self.broken += int(called.sum())
        self.broken_settled += int(settled.sum())
        self.chance += float((1 - broken[recent]).sum())
        self.lasting += float(lasts[recent].sum())
        self._add_kinds(found, recent)
        self.trace.add(block, found, self.index, np.flatnonzero(recent))
        if low is not None:
            self.people.add(found, np.flatnonzero(called), low=low, start=self.first, lasts=lasts)

    def _add_kinds(self, found: Profiles, chosen: BoolArray) -> None:
        """Each customer by the likeliest kind."""
        kinds = np.stack([mass[chosen].sum(1) for mass in (found.silent, found.faded, found.partial)]).argmax(0)
        for place, kind in enumerate(KINDS):
            self.kinds[kind] += int((kinds == place).sum())

    def counts(self) -> RhythmCounts:
        """What leaves."""
        established, collapsing, settled = (int(one) for one in self.by_segment.sum(1))
        rate = self.weeks
        backtest = self.history.backtest()
        usual = self.history.usual(self.threshold, established=established, collapsing=collapsing)
        return RhythmCounts(
            first_day=rate.monday,
            as_of=rate.as_of,
            customers=rate.customers,
            established=established,
            slow=max(rate.customers - established - rate.left, 0),
            left=rate.left,
            since=rate.day(rate.weeks - RECENT_WEEKS),
            collapsing=collapsing,
            usual=usual,
            expected_by_chance=self.chance,
            broken=self.broken,
            settled=settled,
            broken_settled=self.broken_settled,
            unlikely_to_return=self.lasting / collapsing if collapsing else 0.0,
            kinds=self.kinds,
            threshold=self.threshold,
            settled_from=self.settled_from,
            budget=self.budget,
            false_alarms=self.rate,
            visible_until=rate.as_of - timedelta(weeks=self.lasts.visible_weeks(self.settled_from)),
            periods=self._periods(),
            segments=self._segments(established, collapsing),
            categories=self.aftermath.results(),
            backtest=backtest,
            trace=self.trace.points() if collapsing else (),
            pause_weeks=tuple((length, float(self.settings.pause_survival[length])) for length in _SHOWN_PAUSES),
            weekly=tuple(float(level) for level in self.history.index),
            scaled=rate.people > SAMPLE_CUSTOMERS,
            remarks=(*rate.remarks, *self._remarks(no_past=usual is None, no_backtest=not backtest)),
        )

    def _periods(self) -> tuple[RhythmPeriod, ...]:
        """Every four weeks up to the end; those before the first cut have activity only."""
        ends = range(self.weeks.weeks, CUT_WEEKS - 1, -CUT_WEEKS)
        risk, new, chance = self.history.alarms(self.threshold) if len(self.history.cuts) > 1 else [np.zeros(0)] * 3
        judged = {cut.end: place for place, cut in enumerate(self.history.cuts[1:])}
        scale = self.weeks.people / max(len(self.history.block.days), 1)
        periods = []
        for end in reversed(ends):
            level = float(self.history.index[end - CUT_WEEKS : end].mean())
            place = judged.get(end)
            numbers = () if place is None else tuple(float(one[place]) * scale for one in (risk, new, chance))
            periods.append(RhythmPeriod(self.weeks.day(end - CUT_WEEKS), level, *numbers))
        return tuple(periods)

    def _segments(self, established: int, collapsing: int) -> tuple[RhythmSegment, ...]:
        """The segments with at least five regulars; the smaller ones together, if they are as many."""
        if len(self.weeks.segments) < 2:
            return ()
        large = [place for place in range(len(self.weeks.segments)) if self.by_segment[0, place] >= SMALLEST_GROUP and self.weeks.segments[place]]
        rest = [place for place in range(len(self.weeks.segments)) if place not in large]
        groups: list[tuple[str, list[int]]] = [(self.weeks.segments[place], [place]) for place in large]
        if self.by_segment[0, rest].sum() >= SMALLEST_GROUP:
            groups.append(("", rest))
        sums = [(name, [int(one) for one in self.by_segment[:, places].sum(1)]) for name, places in groups]
        return tuple(RhythmSegment(name, own, broken, settled, own * collapsing / max(established, 1)) for name, (own, broken, settled) in sums)

    def _remarks(self, *, no_past: bool, no_backtest: bool) -> list[RhythmRemark]:
        remarks = []
        if no_past or self.rate is None:
            remarks.append(RhythmRemark("no_past", {"weeks": self.weeks.weeks, "needed": BASELINE_WEEKS}))
        if self.rate is not None and self.threshold == THRESHOLDS[-1] and self.rate > self.budget:
            remarks.append(RhythmRemark("budget_unreached", {"budget": self.budget, "rate": self.rate}))
        if no_backtest:
            remarks.append(RhythmRemark("no_backtest", {}))
        if self.weeks.people > SAMPLE_CUSTOMERS:
            remarks.append(RhythmRemark("sample", {"customers": SAMPLE_CUSTOMERS}))
        return remarks
