"""`RhythmCounts`: what leaves the rhythms of a log. Numbers of customers, probabilities of groups and shares; nothing of a single person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from typing import Any, Self

KINDS = ("stopped", "faded", "far_less")
COMPANIONS = "companions"  # source of the one category that is no complaint and no incident: a lost companion


@dataclass(frozen=True)
class CountRange:
    """A number with its 90 % range."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True)
class RhythmRemark:
    """What the reader of the numbers must know about the log: code and values of ``rhythm.remarks.<code>``."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RhythmPeriod:
    """Four weeks of the log, judged at their end with what was known then.

    Attributes:
        first_day: Its first Monday.
        activity: Active days per present customer over the usual ones.
        at_risk: Regulars who had not broken before.
        breaks: Of them, those newly called broken; None where the past was not judged.
        by_chance: Of those, how many have not broken.
    """

    first_day: date
    activity: float
    at_risk: float | None = None
    breaks: float | None = None
    by_chance: float | None = None


@dataclass(frozen=True)
class RhythmSegment:
    """Regulars of a segment, those who broke with their rhythm lately, those of them who will not return, and how many all segments' rate makes."""

    segment: str
    established: int
    collapsing: int
    settled: int
    expected: float


@dataclass(frozen=True)
class RhythmCategory:
    """Breaks in the weeks after a complaint or an incident.

    Attributes:
        category: Its name.
        source: ``"complaints"``, ``"incidents"`` or `COMPANIONS`, whose category has no name.
        struck: Regulars with one.
        observed: Breaks in the weeks after it; those of short ago count as far as they can be known.
        expected: As many customers of the same weeks and the same rhythm without one.
        ratio: The first over the second; None where too few were struck.
        placebo: The same for the weeks before.
        verdict: ``"more"``, ``"fewer"``, ``"not_distinguishable"``, ``"too_few"`` or ``"doubted"`` (the placebo is not 1).
    """

    category: str
    source: str
    struck: int
    observed: float
    expected: float
    ratio: CountRange | None
    placebo: CountRange | None
    verdict: str


@dataclass(frozen=True)
class BacktestBin:
    """Of spells of low activity in the log's own past: what was said of them then, and how many lasted."""

    said: float
    lasted: float
    n: int


@dataclass(frozen=True)
class TracePoint:
    """Average rhythm in a week before or after the break, as a share of the own; None for fewer than five people."""

    week: int
    people: int
    level: float | None


@dataclass(frozen=True)
class RhythmCounts:
    """The rhythms of a log, as counts.

    Attributes:
        first_day, as_of: First Monday and last Sunday of the whole weeks of the log.
        customers: Customers of the log.
        established: Regulars: those with a rhythm of their own who have not left openly.
        slow: Customers who come too rarely to have one; the rule of inactivity is for them.
        left: Customers who left openly, by the customers file.
        since: First Monday of the recent weeks.
        collapsing: Regulars whose rhythm broke in the recent weeks and is low to the end.
        usual: As many in earlier stretches of the same length; None where the log is too short.
        expected_by_chance: Of `collapsing`, how many have not broken.
        broken: Regulars whose rhythm is broken at the end, whenever it broke within the last year.
        settled: Of `collapsing`, how many are unlikely to return within half a year on their own (`p_lasts` of at least `settled_from`).
        broken_settled: The same of `broken`.
        unlikely_to_return: Expected share of `collapsing` who do not return within half a year.
        kinds: `collapsing` by `KINDS`.
        threshold: `p_broken` from which a customer is called broken.
        budget: Alarms by chance per 1,000 customer-months that were allowed.
        false_alarms: As many as there were in the log's own past at this threshold; None where the past is too short.
        visible_until: Last day on which a settled break can be seen.
        periods, segments, categories, backtest, trace: See their classes.
        pause_weeks: Share of own pauses that last at least 2, 4, 8 and 13 weeks.
        weekly: Activity of each whole week of the log, from `first_day` on; 1 is usual, 0 a week that the log does not hold.
        scaled: Whether the past was judged on a sample of customers.
        remarks: What the reader must know.
    """

    first_day: date
    as_of: date
    customers: int
    established: int
    slow: int
    left: int
    since: date
    collapsing: int
    usual: CountRange | None
    expected_by_chance: float
    broken: int
    settled: int
    broken_settled: int
    unlikely_to_return: float
    kinds: dict[str, int]
    threshold: float
    settled_from: float
    budget: float
    false_alarms: float | None
    visible_until: date
    periods: tuple[RhythmPeriod, ...] = ()
    segments: tuple[RhythmSegment, ...] = ()
    categories: tuple[RhythmCategory, ...] = ()
    backtest: tuple[BacktestBin, ...] = ()
    trace: tuple[TracePoint, ...] = ()
    pause_weeks: tuple[tuple[int, float], ...] = ()
    weekly: tuple[float, ...] = ()
    scaled: bool = False
    remarks: tuple[RhythmRemark, ...] = ()

    @property
    def stands_out(self) -> bool | None:
        """Whether more broke than is usual; None where what is usual is not known."""
        return None if self.usual is None else self.collapsing > self.usual.upper

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the header of stored counts."""
        document = _plain(self)
        assert isinstance(document, dict)  # noqa: S101  # a dataclass becomes one
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """From `to_dict`."""
        given = dict(document)
        given |= {name: date.fromisoformat(given[name]) for name in ("first_day", "as_of", "since", "visible_until")}
        given["usual"] = _range(given["usual"])
        given["periods"] = tuple(RhythmPeriod(**one | {"first_day": date.fromisoformat(one["first_day"])}) for one in given["periods"])
        given["segments"] = tuple(RhythmSegment(**one) for one in given["segments"])
        given["categories"] = tuple(
            RhythmCategory(**one | {name: _range(one[name]) for name in ("ratio", "placebo")}) for one in given["categories"]
        )
        given["backtest"] = tuple(BacktestBin(**one) for one in given["backtest"])
        given["trace"] = tuple(TracePoint(**one) for one in given["trace"])
        given["pause_weeks"] = tuple((weeks, share) for weeks, share in given["pause_weeks"])
        given["weekly"] = tuple(given["weekly"])
        given["remarks"] = tuple(RhythmRemark(one["code"], {name: _day(value) for name, value in one["values"].items()}) for one in given["remarks"])
        return cls(**given)


_DIGITS = 9  # of stored numbers: the order in which an engine adds up rows changes no digest


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    return round(value, _DIGITS) if isinstance(value, float) else value


def _range(document: Mapping[str, float] | None) -> CountRange | None:
    return None if document is None else CountRange(**document)


def _day(value: object) -> object:
    """Texts among the values of remarks are days."""
    return date.fromisoformat(value) if isinstance(value, str) else value
