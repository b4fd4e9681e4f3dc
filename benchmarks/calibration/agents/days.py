"""Day by day: who comes, whom a failure hits, who speaks, who decides to leave and why (`live`).

A failure makes its customer angry about that service. The anger fades; as long as it lasts it can end in a decision, mostly on the day on which the
bill comes. The cause of a departure is the service that the decision was taken about, or nothing (`NATURAL`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.calibration.agents.company import MONTH_DAYS, Company, Rng

NATURAL = -1
NEVER = 10_000_000
FASTEST = 12  # times the mean: a customer who leaves or fails more easily than this does so at this rate
GRACE = 3  # days of a household's members leaving one after another


@dataclass(frozen=True, eq=False)
class History:
    """What happened. Days count from `Company.first_day`.

    Attributes:
        company: Where.
        start, end, cause, region: By customer; `end` is `NEVER` for those who are there on the last day.
        erased: Whether the last day was erased because the customer came back.
        said: (rows, 3) customer, day, service of every complaint, of customers who were still there.
    """

    company: Company
    start: np.ndarray
    end: np.ndarray
    cause: np.ndarray
    region: np.ndarray
    erased: np.ndarray
    said: np.ndarray


@dataclass
class _Town:
    """The state of all customers on one day, with room for those to come; `size` of them have come."""

    size: int
    start: np.ndarray
    end: np.ndarray
    cause: np.ndarray
    region: np.ndarray
    ease: np.ndarray
    luck: np.ndarray
    voice: np.ndarray
    bill_day: np.ndarray
    group: np.ndarray
    anger: np.ndarray
    times: np.ndarray
    hot: np.ndarray
    decided: np.ndarray
    back: np.ndarray
    erased: np.ndarray
    to_speak: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    to_fail: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    to_return: dict[int, list[int]] = field(default_factory=dict)
    said: list[tuple[int, int, int]] = field(default_factory=list)

    def here(self, who: np.ndarray, day: int) -> np.ndarray:
        """Whether they are customers on this day."""
        return (self.start[who] <= day) & (self.end[who] > day) & (self.back[who] <= day)


def live(company: Company, rng: Rng) -> History:
    """All days from the warm-up to the last day of the window."""
    town = _settle(company, rng)
    for day in range(company.days):
        _arrive(company, town, day, rng)
        _fail(company, town, day, rng)
        _speak(company, town, day)
        _decide_in_anger(company, town, day, rng)
        _decide_naturally(company, town, day, rng)
        _murmur(company, town, day, rng)
        for who in town.to_return.pop(day, []):
            _return(company, town, who, day, rng)
    size = town.size
    said = np.array(town.said, dtype=np.int64).reshape(-1, 3)
    end = np.where(town.end[:size] < company.days, town.end[:size], NEVER)
    return History(company, town.start[:size], end, town.cause[:size], town.region[:size], town.erased[:size], said)


def _settle(company: Company, rng: Rng) -> _Town:
    """The customers of day 0, with the tenures that natural departures leave, and room for those to come."""
    stock = max(int(company.customers * company.level[0]), 50)
    turnover = 4 * company.natural * 12 * company.days / 365.25 * (1 + company.fringe[0] * company.fringe[1])
    room = int(stock + company.customers * company.level.max() * (turnover + 2))
    services = len(company.services)
    town = _Town(
        size=0,
        start=np.full(room, NEVER),
        end=np.full(room, NEVER),
        cause=np.full(room, NATURAL),
        region=np.zeros(room, dtype=np.int64),
        ease=np.ones(room),
        luck=np.ones(room),
        voice=np.ones(room),
        bill_day=np.zeros(room, dtype=np.int64),
        group=np.zeros(room, dtype=np.int64),
        anger=np.zeros((services, room)),
        times=np.zeros((services, room), dtype=np.int64),
        hot=np.zeros(room, dtype=bool),
        decided=np.zeros(room, dtype=bool),
        back=np.zeros(room, dtype=np.int64),
        erased=np.zeros(room, dtype=bool),
    )
    while town.size < stock:
        age, traits = rng.uniform(0, 120 * MONTH_DAYS, 1_000), _traits(company, 1_000, rng)
        stays = np.flatnonzero(rng.random(1_000) < np.exp(-1.3 * company.natural / MONTH_DAYS * traits["ease"] * age))
        stays = stays[: stock - town.size]
        _enter(company, town, -age[stays].astype(np.int64), {name: values[stays] for name, values in traits.items()}, rng)
    return town


def _traits(company: Company, size: int, rng: Rng) -> dict[str, np.ndarray]:
    share, ease, voice = company.fringe
    other = rng.random(size) < share
    return {
        "region": rng.choice(len(company.regions), size=size, p=company.shares),
        "ease": rng.gamma(1 / company.ease, company.ease, size) * np.where(other, ease, 1.0),
        "luck": rng.gamma(1 / company.luck, company.luck, size),
        "voice": rng.gamma(1 / company.voice, company.voice, size) * np.where(other, voice, 1.0),
    }


def _enter(company: Company, town: _Town, start: np.ndarray, traits: dict[str, np.ndarray], rng: Rng) -> None:
    """New households, one for each start, with all their contracts."""
    for first, *values in zip(start, *traits.values(), strict=True):
        members = _members(company, rng)
        rows = slice(town.size, town.size + members)
        if rows.stop > len(town.start):
            raise ValueError("more customers came than there is room for")
        town.start[rows] = first
        for name, value in zip(traits, values, strict=True):
            getattr(town, name)[rows] = value
        town.bill_day[rows] = rng.integers(0, 30)
        town.group[rows] = town.size
        town.size = rows.stop


def _members(company: Company, rng: Rng) -> int:
    if company.largest_group:
        return int(min(rng.pareto(1.1) + 1, company.largest_group))
    return 1 + int(rng.poisson(company.household[0] - 1)) if company.household[0] > 1 else 1


def _arrive(company: Company, town: _Town, day: int, rng: Rng) -> None:
    """Enough newcomers to follow the level, in their season."""
    following = company.level[min(day + 1, company.days - 1)] / company.level[day] - 1
    lost = company.natural / MONTH_DAYS * (1 + company.fringe[0] * (company.fringe[1] - 1) * 0.5)
    lost += sum(service.per_year * service.lose for service in company.services) / 365.25
    wanted = company.customers * company.level[day] * max(lost + following, 0.0) * company.arrivals[day]
    households = rng.poisson(wanted / (company.household[0] if not company.largest_group else 4.0))
    if households:
        _enter(company, town, np.full(households, day), _traits(company, households, rng), rng)


def _fail(company: Company, town: _Town, day: int, rng: Rng) -> None:
    for number, service in enumerate(company.services):
        rate = service.per_year / 365.25 * FASTEST * max(service.newcomers, 1.0) * service.trouble[:, day].max()
        who = rng.integers(0, town.size, rng.poisson(rate * town.size))
        chance = town.luck[who] / FASTEST * service.trouble[town.region[who], day] / service.trouble[:, day].max()
        chance *= np.where(day - town.start[who] < 122, service.newcomers, 1.0) / max(service.newcomers, 1.0)
        _hit(company, town, who[rng.random(len(who)) < chance], number, day, rng)
    for outage in company.outages:
        if outage.day == day:
            everyone = np.flatnonzero((town.region[: town.size] == outage.region) & (rng.random(town.size) < outage.share))
            _hit(company, town, everyone, outage.service, day, rng)
    for who_, number in town.to_fail.pop(day, []):
        _hit(company, town, np.array([who_]), number, day, rng)


def _hit(company: Company, town: _Town, who: np.ndarray, number: int, day: int, rng: Rng) -> None:
    """A failure: anger, perhaps a complaint in the days that follow, perhaps the same again."""
    who = np.unique(who[town.here(who, day)])
    if not len(who):
        return
    service = company.services[number]
    town.anger[number, who] += rng.gamma(2.0, 0.5, len(who)) * -np.log1p(-service.lose) / service.memory_days
    town.times[number, who] += 1
    town.hot[who] = True
    speaks = (town.times[number, who] >= company.patience) & (rng.random(len(who)) < service.speak * town.voice[who])
    for one, later in zip(who[speaks], rng.geometric(0.35, int(speaks.sum())) - 1, strict=True):
        town.to_speak.setdefault(day + int(later), []).append((int(one), number))
    again = who[rng.random(len(who)) < company.again]
    for one, later in zip(again, rng.integers(3, 40, len(again)), strict=True):
        town.to_fail.setdefault(day + int(later), []).append((int(one), number))


def _speak(company: Company, town: _Town, day: int) -> None:
    for who, number in sorted(set(town.to_speak.pop(day, []))):
        if town.start[who] <= day <= town.end[who] and town.back[who] <= day:
            town.said.append((who, day, number))
            town.anger[number, who] *= 1 - company.services[number].relief


def _decide_in_anger(company: Company, town: _Town, day: int, rng: Rng) -> None:
    hot = np.flatnonzero(town.hot[: town.size])
    anger = town.anger[:, hot]
    when = 1 - company.bill + company.bill * MONTH_DAYS * ((town.bill_day[hot] - day) % 30 == 0)
    total = anger.sum(axis=0)
    leaves = (rng.random(len(hot)) < -np.expm1(-total * town.ease[hot] * when)) & town.here(hot, day) & ~town.decided[hot]
    if leaves.any():
        shares = np.cumsum(anger[:, leaves], axis=0) / total[leaves]
        _leave(company, town, hot[leaves], (rng.random(int(leaves.sum())) > shares).sum(axis=0), day, rng)
    fade = np.exp(-1 / np.array([service.memory_days for service in company.services]))
    town.anger[:, hot] = anger * fade[:, None]
    town.hot[hot[(total < 1e-6) | (town.end[hot] <= day)]] = False


def _decide_naturally(company: Company, town: _Town, day: int, rng: Rng) -> None:
    """Departures of people who would have left anyway; candidates of the fastest rate, thinned."""
    most = company.calendar[:, day].max()
    who = rng.integers(0, town.size, rng.poisson(FASTEST * company.natural / MONTH_DAYS * most * town.size))
    who = np.unique(who[rng.random(len(who)) < town.ease[who] / FASTEST * company.calendar[town.region[who], day] / most])
    who = who[town.here(who, day) & ~town.decided[who]]
    _leave(company, town, who, np.full(len(who), NATURAL), day, rng)


def _leave(company: Company, town: _Town, who: np.ndarray, cause: np.ndarray, day: int, rng: Rng) -> None:
    """A decision and the day on which the contract ends; others of the household follow, and some complain before they go or come back."""
    for one, why in zip(who.tolist(), cause.tolist(), strict=True):
        if town.decided[one]:
            continue
        end = end_of_contract(company, day, rng)
        leaving = [one]
        if company.household[1]:
            first = int(town.group[one])
            last = int(np.searchsorted(town.group[: town.size], first, side="right"))
            leaving += [other for other in range(first, last) if other != one and rng.random() < company.household[1]]
        for other in leaving:
            if town.decided[other] or town.end[other] <= day or town.start[other] > day:
                continue
            town.decided[other], town.cause[other] = True, why
            town.end[other] = end + (int(rng.integers(0, GRACE)) if other != one and not company.notice.months else 0)
            if rng.random() < company.goodbye:
                about = why if why != NATURAL else int(rng.integers(len(company.services)))
                town.to_speak.setdefault(min(day + int(rng.integers(1, 12)), int(town.end[other])), []).append((other, about))
            if rng.random() < company.comes_back:
                town.to_return.setdefault(int(town.end[other]) + int(rng.integers(20, 300)), []).append(other)


def end_of_contract(company: Company, day: int, rng: Rng) -> int:
    """The day on which a contract ends that is given up on `day`."""
    notice = company.notice
    if not notice.months:
        return day + 1 + notice.days
    earliest = np.datetime64(company.first_day) + day + notice.days
    month = earliest.astype("datetime64[M]").astype(int)
    month += (-(month + 1)) % notice.months
    last = (np.datetime64(int(month) + 1, "M")).astype("datetime64[D]") - 1
    return int((last - np.datetime64(company.first_day)).astype(int))


def _murmur(company: Company, town: _Town, day: int, rng: Rng) -> None:
    """Complaints behind which nothing is."""
    if company.noise is None:
        return
    for number, profile in enumerate(company.noise[:, :, day]):
        if profile.max() > 0:
            who = rng.integers(0, town.size, rng.poisson(profile.max() * town.size))
            who = who[(rng.random(len(who)) < profile[town.region[who]] / profile.max()) & town.here(who, day)]
            town.said.extend((int(one), day, number) for one in np.unique(who))


def _return(company: Company, town: _Town, who: int, day: int, rng: Rng) -> None:
    """Someone comes back: with the old record, whose last day is erased, or as a new customer."""
    if rng.random() < company.records.reopened:
        town.end[who], town.cause[who], town.decided[who], town.erased[who], town.back[who] = NEVER, NATURAL, False, True, day
        town.anger[:, who] = 0.0
        return
    new = town.size
    for name in ("region", "ease", "luck", "voice", "bill_day"):
        getattr(town, name)[new] = getattr(town, name)[who]
    town.start[new], town.group[new], town.size = day, new, new + 1
