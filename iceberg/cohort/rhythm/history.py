"""Judges a log again at the end of every fourth week of its past, as if nothing later were known: false alarms, what is usual, and a back-test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, IntArray, SingleArray
from iceberg.cohort.rhythm.assumptions import (
    BASELINE_WEEKS,
    CUT_WEEKS,
    LASTING_WEEKS,
    LEARNING_PROBABILITY,
    RECENT_WEEKS,
    SHORTEST_BASELINE_WEEKS,
    THRESHOLDS,
    WEEKS_PER_MONTH,
    RhythmSettings,
)
from iceberg.cohort.rhythm.breaks.change_point import find_breaks
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock
from iceberg.cohort.rhythm.counts import BacktestBin, CountRange
from iceberg.cohort.rhythm.returns import Correction, Lasting, ReturnTable, lasting_share, masses_by_age, returned_within

_STILL = 0.5  # judgement: an alarm that was raised stands while a break is likelier than none
_PAST_WEEKS = 25  # judgement: weeks that a short log leaves to its past
_MARGIN_90 = 1.645  # standard normal
_FEWEST_IN_BIN = 5
_Followed = tuple[FloatArray, FloatArray, BoolArray]  # said to last, broken, lasted


@dataclass(frozen=True, eq=False)
class Cut:
    """What was known of the sample at the end of one week of the past.

    Attributes:
        end: The week.
        regular: (n,) whether each customer was established.
        broken: (n,) `p_broken`.
        week: (n,) likeliest week of the break, of the log.
        before: (n,) days per usual week before it.
        masses: (n, 2, AGES), see `masses_by_age`.
    """

    end: int
    regular: BoolArray
    broken: FloatArray
    week: IntArray
    before: FloatArray
    masses: SingleArray


@dataclass(frozen=True, eq=False)
class History:
    """The past of a log, judged from one cut to the next.

    Attributes:
        block, index: The sample over the whole log, and the company's weeks.
        cuts: In order of time; the last one is the end of the log.
    """

    block: WeekBlock
    index: FloatArray
    cuts: tuple[Cut, ...]

    @classmethod
    def judge(cls, block: WeekBlock, index: FloatArray, settings: RhythmSettings) -> History:
        """Judge the sample at the end of every fourth week, each time with equally many weeks before it."""
        width = block.days.shape[1]
        baseline = history_baseline(width)
        ends = range(width, baseline - 1, -CUT_WEEKS)
        return cls(block, index, tuple(_cut(block, index, settings, end, baseline) for end in reversed(ends)))

    def returns(self, rows: BoolArray | None = None) -> ReturnTable:
        """How spells of low activity went on, for some of the customers."""
        table = ReturnTable()
        for cut in self.cuts[:-1]:
            low = cut.broken >= LEARNING_PROBABILITY
            chosen = np.flatnonzero(low if rows is None else low & rows)
            returned, known = returned_within(
                self.block.rows(chosen), self.index, end=cut.end, weeks=CUT_WEEKS, before=cut.before[chosen]
            )
            table.add(cut.masses[chosen[known]], cut.broken[chosen[known]], returned[known])
        return table

    def alarms(self, threshold: float) -> tuple[IntArray, IntArray, FloatArray]:
        """By stretch between two cuts: regulars at risk, new alarms, and how many of these are by chance."""
        state = self.cuts[0].broken >= threshold
        rows = []
        for cut in self.cuts[1:]:
            at_risk = cut.regular & ~state
            new = at_risk & (cut.broken >= threshold)
            rows.append((at_risk.sum(), new.sum(), (1 - cut.broken[new]).sum()))
            state = (cut.broken >= threshold) | (state & (cut.broken >= _STILL))
        risk, new_alarms, chance = (np.array([row[place] for row in rows]) for place in range(3))
        return risk.astype(np.int64), new_alarms.astype(np.int64), chance.astype(float)

    def threshold(self, budget: float) -> tuple[float, float | None]:
        """The lowest threshold with at most `budget` alarms by chance per 1,000 customer-months, and how many it has.

        Where even the highest has more, it is that one; where the log has no past to count in, 0.95 and None.
        """
        if len(self.cuts) < 2:
            return 0.95, None
        rate = 0.0
        for threshold in THRESHOLDS:
            risk, _, chance = self.alarms(threshold)
            rate = 1000 * float(chance.sum()) / max(float(risk.sum()) * CUT_WEEKS / WEEKS_PER_MONTH, 1e-9)
            if rate <= budget:
                return threshold, rate
        return THRESHOLDS[-1], rate

    def usual(self, threshold: float, *, established: int, collapsing: int) -> CountRange | None:
        """How many of `established` regulars would have broken lately at the rate of earlier stretches.

        Where the past had to be judged with fewer weeks than the end, the rate is set against that of the end judged in the same way.
        """
        shares = [(_recent(cut, threshold), cut.regular.sum()) for cut in self.cuts]
        until = self.cuts[-1].end - RECENT_WEEKS
        earlier = [share for share, cut in zip(shares, self.cuts, strict=True) if cut.end <= until and share[1]]
        if not earlier:
            return None
        rates = np.array([seen / regular for seen, regular in earlier])
        mean = float(rates.mean())
        now = shares[-1][0] / max(shares[-1][1], 1)
        shorter = self.cuts[0].end < min(BASELINE_WEEKS, self.cuts[-1].end)
        expected = collapsing * mean / now if shorter and now > 0 and collapsing else established * mean
        sampled = expected * expected / max(sum(seen for seen, _ in earlier), 1.0)
        spread = float(np.sqrt(expected + sampled + (rates.var() * established * established if len(rates) > 1 else 0.0)))
        return CountRange(max(expected - _MARGIN_90 * spread, 0.0), expected, expected + _MARGIN_90 * spread)

    def lasting(self) -> Lasting:
        """Whether breaks last, as the past of this log teaches it: by its returns, corrected by what its own back-test shows."""
        followed = (np.concatenate(part) for part in zip(*self._followed(LASTING_WEEKS), strict=True))
        return Lasting(lasting_share(self.returns().chance), Correction.learned(*followed))

    def backtest(self) -> tuple[BacktestBin, ...]:
        """What was said of spells then, and how many lasted; half of the customers are judged with what the other half taught.

        Spells count from `p_broken` of one half on. They are followed for half a year where the log allows it, else for a quarter.
        """
        for weeks in (LASTING_WEEKS, RECENT_WEEKS):
            halves = self._followed(weeks)
            if sum(len(said) for said, _, _ in halves) >= 10 * _FEWEST_IN_BIN:
                if weeks == LASTING_WEEKS:  # for a quarter nothing is corrected
                    crossed = zip(halves, halves[::-1], strict=True)
                    said = [broken * Correction.learned(*taught).of(one / broken) for (one, broken, _), taught in crossed]
                else:
                    said = [one for one, *_ in halves]
                return _bins(np.concatenate(said), np.concatenate([lasted for *_, lasted in halves]))
        return ()

    def _followed(self, weeks: int) -> tuple[_Followed, _Followed]:
        """Spells of either half of the customers: what the other half's returns say of them, how surely they are breaks, and whether they lasted."""
        even = np.arange(len(self.block.days)) % 2 == 0
        found = []
        for half in (True, False):
            share = lasting_share(self.returns(even != half).chance, weeks=weeks)
            parts = [np.zeros((3, 0))]
            for cut in self.cuts[:-1]:
                chosen = np.flatnonzero((cut.broken >= _STILL) & (even == half))
                returned, known = returned_within(self.block.rows(chosen), self.index, end=cut.end, weeks=weeks, before=cut.before[chosen])
                masses = cut.masses[chosen[known]]
                parts.append(np.stack([(masses * share).sum((1, 2)), masses.sum((1, 2)), ~returned[known]]))
            said, broken, lasted = np.concatenate(parts, axis=1)
            found.append((said, broken, lasted > 0))
        return found[0], found[1]


def history_baseline(width: int) -> int:
    """Weeks up to a cut that are used: as many as at the end, unless the log is too short to leave a past."""
    return min(BASELINE_WEEKS, max(width - _PAST_WEEKS, SHORTEST_BASELINE_WEEKS), width)


def _cut(block: WeekBlock, index: FloatArray, settings: RhythmSettings, end: int, baseline: int) -> Cut:
    start = max(end - baseline, 0)
    found = find_breaks(block.until(end, baseline), settings, index[start:end])
    size = len(block.days)
    masses = masses_by_age(found)
    regular, broken, before, week = np.zeros(size, bool), np.zeros(size), np.zeros(size), np.zeros(size, np.int64)
    regular[found.rows], broken[found.rows] = True, np.minimum(found.probability, 1)
    week[found.rows], before[found.rows] = found.likeliest_week() + start, found.before
    every = np.zeros((size, *masses.shape[1:]), dtype=np.float32)
    every[found.rows] = masses
    return Cut(end, regular, broken, week, before, every)


def _recent(cut: Cut, threshold: float) -> float:
    return float((cut.regular & (cut.broken >= threshold) & (cut.week >= cut.end - RECENT_WEEKS)).sum())


def _bins(said: FloatArray, lasted: BoolArray) -> tuple[BacktestBin, ...]:
    place = np.minimum((said * 10).astype(int), 9)
    chosen = [place == one for one in range(10)]
    return tuple(
        BacktestBin(float(said[rows].mean()), float(lasted[rows].mean()), int(rows.sum())) for rows in chosen if rows.sum() >= _FEWEST_IN_BIN
    )
