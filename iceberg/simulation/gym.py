"""Simulates visits: members with a rhythm of their own who pause, drift, stop, fade or come far less, some of them after an incident.

Deliberately not the model that looks for the breaks: members live day by day, with days of the week they prefer, weeks that cluster or alternate, a
season, pauses of every length and rates that drift.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, IntArray

FIRST_DAY = date(2024, 1, 1)  # a Monday
NEVER = 10**6
STOPPED, FADED, FAR_LESS = 1, 2, 3  # kinds of breaks; 0 is none
_WEEKDAYS = np.array([1.1, 1.0, 1.1, 1.0, 0.9, 1.2, 0.7]) / 7


@dataclass(frozen=True)
class VisitWorld:
    """What a company with visits is like. Rates are per week unless said otherwise.

    Attributes:
        members, weeks: Size of the log.
        visits: Median visits per week of a member; `spread` is the log-sd between members.
        breaks: Probability per week that a rhythm breaks for good.
        kinds: Shares of breaks that stop, fade and leave a remainder; of the last `two_stages` go on to silence later.
        remainder: Share of the rhythm that is left after a break of the third kind.
        pauses: Probability per week that a pause begins; its weeks are geometric with `pause_weeks` as mean, at least 2.
        clumps: Variance of a member's weekly rate around its own, over its square; negative for members who alternate.
        season: Amplitude of the year; in two weeks of the year the company is nearly shut.
        drift: Log-sd of a member's rate over a year.
        ramp_up: Weeks in which a new member reaches the own rhythm.
        joining: Share of members who join while the log runs.
        incidents: Probability per member and week of an incident that breaks the rhythm of `struck_share` of them within `struck_weeks`; of a
            second kind of incident, as frequent, nothing follows.
    """

    members: int = 4_000
    weeks: int = 104
    visits: float = 1.8
    spread: float = 0.6
    breaks: float = 0.005
    kinds: tuple[float, float, float] = (0.5, 0.15, 0.35)
    two_stages: float = 0.5
    remainder: float = 0.15
    pauses: float = 0.01
    pause_weeks: float = 5.0
    clumps: float = 0.0
    season: float = 0.1
    drift: float = 0.15
    ramp_up: int = 0
    joining: float = 0.4
    incidents: float = 0.0
    struck_share: float = 0.15
    struck_weeks: int = 6
    burst: float = 1.0  # by how much incidents are more frequent from 22 to 6 weeks before the end
    voiced: float = 0.12  # share of incidents that are followed by a complaint
    companions: float = 0.0  # share of members whom another one brought
    ripple: float = 0.0  # of these, the share who break within `struck_weeks` after the one who brought them


@dataclass(frozen=True, eq=False)
class VisitLog:
    """A log and its truth.

    Attributes:
        world: What it was made from.
        days: (n, 7 W) whether a member came on a day.
        joined: Week of the first possible visit.
        kind, broke: Kind of the lasting break and its week (`NEVER` without one).
        level: (n, W) what is left of the own rhythm by week, pauses included.
        lasting: (n, W) the same without pauses.
        incidents: Rows of member, day, category (0 harmful, 1 harmless) and whether a complaint followed; only of members who were there.
        by_incident: Whether an incident broke the rhythm.
        companion: Who brought each member; -1 for nobody.
        by_companion: Whether the loss of the companion broke the rhythm.
    """

    world: VisitWorld
    days: BoolArray
    joined: IntArray
    kind: IntArray
    broke: IntArray
    level: FloatArray
    lasting: FloatArray
    incidents: IntArray
    by_incident: BoolArray
    companion: IntArray
    by_companion: BoolArray

    def activity_csv(self) -> bytes:
        """The log as a door writes it: member and time, members in no order."""
        member, day = np.nonzero(self.days)
        order = np.lexsort((member * 7919 % 104_729, day))
        rows = ((f"M{100_000 + member[row]}", f"{FIRST_DAY + timedelta(days=int(day[row]))}T{7 + member[row] * 13 % 14:02d}:15:00") for row in order)
        return _csv(("member_id", "visit_date"), rows)

    def incidents_csv(self, names: tuple[str, str] = ("staff attitude", "changing rooms")) -> bytes:
        """The incidents with names of their categories."""
        rows = ((f"M{100_000 + member}", str(FIRST_DAY + timedelta(days=day)), names[kind]) for member, day, kind, _ in self.incidents.tolist())
        return _csv(("member_id", "incident_date", "category"), rows)

    def complaints_csv(self, names: tuple[str, str] = ("staff attitude", "changing rooms")) -> bytes:
        """The complaints that followed, a few days later."""
        last = 7 * self.world.weeks - 1
        rows = (
            (f"M{100_000 + member}", str(FIRST_DAY + timedelta(days=min(day + member % 5, last))), names[kind])
            for member, day, kind, spoke in self.incidents.tolist()
            if spoke
        )
        return _csv(("member_id", "complaint_date", "category"), rows)

    def members_csv(self, plans: tuple[str, ...] = ("Basic", "Plus", "Student")) -> bytes:
        """The members, each with a first day and a plan; there are no cancellations."""
        came = np.flatnonzero(self.days.any(1))
        first = FIRST_DAY - timedelta(days=400)
        joined = [FIRST_DAY + timedelta(weeks=int(week)) if week else first for week in self.joined.tolist()]
        rows = [(f"M{100_000 + one}", str(joined[one]), plans[one * 31 % 7 % len(plans)]) for one in came.tolist()]
        if not (self.companion >= 0).any():
            return _csv(("member_id", "start_date", "plan"), rows)
        brought = [f"M{100_000 + one}" if one >= 0 else "" for one in self.companion[came].tolist()]
        return _csv(("member_id", "start_date", "plan", "referrer_id"), ((*row, by) for row, by in zip(rows, brought, strict=True)))

    @property
    def weekly(self) -> IntArray:
        """(n, W) active days by week."""
        return np.asarray(self.days.reshape(len(self.days), -1, 7).sum(2), dtype=np.int64)


def simulate_visits(world: VisitWorld, *, seed: int) -> VisitLog:
    """Live through the weeks of the world."""
    rng = np.random.default_rng(seed)
    shape = (world.members, world.weeks)
    week = np.arange(world.weeks)
    rate = np.minimum(world.visits * np.exp(world.spread * rng.standard_normal(world.members)), 6.3)
    joins = rng.random(world.members) < world.joining
    joined = np.where(joins, rng.integers(0, world.weeks, world.members), 0)
    broke = np.minimum(joined + 6 + rng.geometric(max(world.breaks, 1e-12), world.members), NEVER) if world.breaks else np.full(world.members, NEVER)
    here = _without_pauses(world, rng)
    incidents, struck = _incidents(world, joined, broke, here, rng)
    by_incident = struck < broke
    broke = np.where(np.minimum(broke, struck) < world.weeks, np.minimum(broke, struck), NEVER)
    companion, lost = _ripple(world, joined, broke, here, seed)
    by_companion = lost < broke
    broke = np.minimum(broke, lost)
    kind = np.where(broke < NEVER, 1 + rng.choice(3, world.members, p=np.array(world.kinds) / sum(world.kinds)), 0)
    lasting = _lasting(world, kind, broke, rng)
    level = lasting * here
    # A member can meet an incident only on a day of a visit: rarely for rare visitors, never during a pause.
    incidents = incidents[rng.random(len(incidents)) < level[incidents[:, 0], incidents[:, 1] // 7]]
    if world.ramp_up:
        lasting_now = np.clip((week - joined[:, None] + 1) / world.ramp_up, 0.15, 1)
        level = level * np.where(joins[:, None], lasting_now, 1)
    drift = np.exp(np.cumsum(rng.normal(0, world.drift / np.sqrt(52), shape), 1))
    season = 1 + world.season * np.cos(2 * np.pi * (week - 3) / 52)
    season = np.where(np.isin(week % 52, (31, 51)), season * (0.6 if world.season else 1), season)
    weekly = rate[:, None] * level * drift * season
    if world.clumps > 0:
        weekly = weekly * rng.gamma(1 / world.clumps, world.clumps, shape)
    if world.clumps < 0:  # the same number of visits nearly every week
        weekly = np.floor(weekly + rng.random(shape))
    chance = np.clip(weekly[:, :, None] * _WEEKDAYS, 0, 0.97)
    days = rng.random((*shape, 7)) < chance
    if world.clumps < 0:
        days = np.argsort(np.argsort(rng.random((*shape, 7)), 2), 2) < weekly[:, :, None]
    days &= (week >= joined[:, None])[:, :, None]
    days = days.reshape(world.members, -1)
    days[incidents[:, 0], incidents[:, 1]] = True  # who meets something is there
    return VisitLog(world, days, joined, kind, broke, level, lasting, incidents, by_incident & ~by_companion & (kind > 0), companion, by_companion)


def _incidents(
    world: VisitWorld, joined: IntArray, broke: IntArray, here: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Member, day, category and complaint of what may strike, and the week in which the first harmful one breaks the rhythm of a member."""
    struck = np.full(world.members, NEVER)
    if not world.incidents:
        return np.zeros((0, 4), dtype=np.int64), struck
    rows = []
    often = np.full(world.weeks, world.incidents)
    often[max(world.weeks - 22, 0) : max(world.weeks - 6, 0)] *= world.burst
    for category in (0, 1):
        member, week = np.nonzero(rng.random((world.members, world.weeks)) < (often if category == 0 else world.incidents))
        inside = week >= joined[member] + 10
        member, week = member[inside], week[inside]
        spoke = rng.random(len(week)) < world.voiced
        rows.append(np.stack([member, week * 7 + rng.integers(0, 7, len(week)), np.full(len(week), category), spoke], 1))
        if category == 0:
            breaks = (rng.random(len(member)) < world.struck_share) & (week < broke[member]) & (here[member, week] > 0)
            np.minimum.at(struck, member[breaks], week[breaks] + 1 + rng.integers(0, world.struck_weeks, int(breaks.sum())))
    return np.concatenate(rows).astype(np.int64), struck


def _ripple(world: VisitWorld, joined: IntArray, broke: IntArray, here: FloatArray, seed: int) -> tuple[IntArray, IntArray]:
    """Who brought whom, and the week in which the loss of that one breaks a rhythm; drawn apart, so that nothing else of a world depends on it."""
    companion, lost = np.full(world.members, -1), np.full(world.members, NEVER)
    if not world.companions:
        return companion, lost
    rng = np.random.default_rng((seed, 1))
    by = rng.integers(0, world.members, world.members)
    brought = (rng.random(world.members) < world.companions) & (joined[by] <= joined) & (by != np.arange(world.members))
    companion = np.where(brought, by, -1)
    week = broke[by] + 1 + rng.integers(0, world.struck_weeks, world.members)
    follows = brought & (broke[by] < NEVER) & (rng.random(world.members) < world.ripple) & (week >= joined + 10) & (week < world.weeks)
    follows[follows] = (week < broke)[follows] & (here[follows, week[follows]] > 0)
    return companion, np.where(follows, week, lost)


def _lasting(world: VisitWorld, kind: IntArray, broke: IntArray, rng: np.random.Generator) -> FloatArray:
    """What is left of each rhythm by week."""
    since = np.arange(world.weeks) - broke[:, None]
    level = np.where((kind[:, None] == STOPPED) & (since >= 0), 0.0, 1.0)
    length = rng.integers(8, 21, world.members)[:, None]
    level = np.where((kind[:, None] == FADED) & (since >= 0), np.clip(1 - (since + 0.5) / length, 0.0, 1), level)
    remainder = np.clip(world.remainder * rng.uniform(0.6, 1.6, world.members), 0.02, 0.42)[:, None]
    second = np.where(rng.random(world.members) < world.two_stages, 6 + rng.integers(0, 14, world.members), NEVER)[:, None]
    less = np.where(since >= second, 0.0, remainder)
    return np.where((kind[:, None] == FAR_LESS) & (since >= 0), less, level)


def _without_pauses(world: VisitWorld, rng: np.random.Generator) -> FloatArray:
    """1 in weeks outside pauses, 0 inside."""
    here = np.ones((world.members, world.weeks))
    if not world.pauses:
        return here
    member, begins = np.nonzero(rng.random((world.members, world.weeks)) < world.pauses)
    ends = begins + 1 + rng.geometric(1 / max(world.pause_weeks - 1, 1), len(member))
    for one, low, high in zip(member, begins, ends, strict=True):
        here[one, low:high] = 0
    return here


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return target.getvalue().encode()


# The company of ``iceberg demo --company gym``: there are no cancellations, and the gym has been short of staff since late summer.
GYM = VisitWorld(
    members=900, visits=2.0, breaks=0.003, incidents=0.004, struck_share=0.3, burst=6.0, pauses=0.006, companions=0.6, ripple=0.25
)
GYM_SEED = 5


def gym_files() -> dict[str, bytes]:
    """The files of a gym without cancellations, and the truth behind them."""
    log = simulate_visits(GYM, seed=GYM_SEED)
    recent = (log.broke >= GYM.weeks - 13) & (log.broke < NEVER)
    names = {STOPPED: "stopped", FADED: "faded", FAR_LESS: "far_less"}
    truth = {
        "seed": GYM_SEED,
        "members": int(log.days.any(1).sum()),
        "broken_in_the_last_13_weeks": {name: int((recent & (log.kind == kind)).sum()) for kind, name in names.items()},
        "of_these_after_an_incident_with_staff": int((recent & log.by_incident).sum()),
        "broken_in_the_last_year_after_losing_the_one_who_brought_them": int((log.by_companion & (log.broke >= GYM.weeks - 52)).sum()),
        "broken_in_the_last_year_after_an_incident_with_staff": int((log.by_incident & (log.broke >= GYM.weeks - 52)).sum()),
    }
    return {
        "members.csv": log.members_csv(),
        "visits.csv": log.activity_csv(),
        "incidents.csv": log.incidents_csv(),
        "complaints.csv": log.complaints_csv(),
        "truth.json": (json.dumps(truth, indent=2) + "\n").encode(),
    }
