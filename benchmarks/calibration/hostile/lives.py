"""What happens to the customers of a `Firm`, in continuous time (`live`): problems, complaints, departures, and what would have happened otherwise.

Every process is thinned from a faster one, customer by customer. `iceberg.simulation` walks through months instead; the two share no code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.calibration.hostile.firm import DAYS_PER_MONTH, TENURE_MONTHS, WARM_DAYS, Firm

NATURAL = -1  # cause of a departure that no problem explains
NEVER = 1e9  # a day that nobody reaches


@dataclass(frozen=True, eq=False)
class Lives:
    """Everything that happened. Days count from 1970, whole.

    Attributes:
        firm: What it was made from.
        people: customer_id, start, departure, otherwise (when they would have left but for the cause), segment (index), revenue (per year),
            cause (index of problem, -1 natural), cause_day, voiced (whether they complained of that very problem).
        complaints: customer (row of `people`), day, problem (index); only while the customer was there.
        incidents: The same with spoke, whether a complaint followed.
    """

    firm: Firm
    people: pd.DataFrame
    complaints: pd.DataFrame
    incidents: pd.DataFrame


def live(firm: Firm, rng: np.random.Generator) -> Lives:
    """Live through the warm-up, the window and the time after it."""
    people = _draw_people(firm, rng)
    parts = [_strike(firm, people, number, rng) for number in range(len(firm.problems))]
    parts = [part for pair in parts for part in pair]
    struck = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else None
    if struck is not None and firm.goodwill > 0:
        people = people | {"natural": _put_off(firm, people["natural"], struck, rng)}
    departure, cause, cause_day, voiced, otherwise = _leave(people, struck)
    frame = pd.DataFrame(
        {
            "customer_id": [f"K{number:06d}" for number in rng.permutation(len(departure))],
            "start": _whole(firm, people["start"]),
            "departure": _whole(firm, departure),
            "otherwise": _whole(firm, otherwise),
            "segment": people["segment"],
            "revenue": np.round(people["revenue"], 2),
            "cause": cause,
            "cause_day": _whole(firm, cause_day),
            "voiced": voiced,
        }
    )
    incidents, complaints = _events(firm, struck, departure, rng)
    return Lives(firm, frame, complaints, incidents)


def _whole(firm: Firm, days: np.ndarray) -> np.ndarray:
    return np.floor(np.minimum(days, NEVER)).astype(np.int64) + firm.first_day


def _draw_people(firm: Firm, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """About `firm.customers` whom the window sees: arrival, segment, frailties and natural departure."""
    batches: list[dict[str, np.ndarray]] = []
    while sum(len(batch["start"]) for batch in batches) < firm.customers:
        batches.append(_draw_batch(firm, 3 * firm.customers, rng))
    people = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    # Those of the warm-up who leave before the window stay: they belong to the file's past. The number counts those whom the window sees.
    seen = np.flatnonzero(people["natural"] >= WARM_DAYS)
    return {name: values[: seen[firm.customers - 1] + 1] for name, values in people.items()}


def _draw_batch(firm: Firm, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    first, last = WARM_DAYS - firm.age_months * DAYS_PER_MONTH, float(WARM_DAYS + firm.window_days)
    pace = firm.growth / DAYS_PER_MONTH * (last - first)
    share = rng.random(size)
    start = first + (last - first) * (share if pace < 1e-6 else np.log1p(share * np.expm1(pace)) / pace)
    natural_of, voice_of = np.ones(size), np.ones(size)
    if firm.wave is not None:
        swept = rng.random(size) < firm.wave.share
        start[swept] = rng.uniform(firm.wave.first, firm.wave.last, int(swept.sum()))
        natural_of[swept], voice_of[swept] = firm.wave.natural, firm.wave.voice
    segment = rng.choice(len(firm.segments), size=size, p=firm.segment_shares)
    people = {
        "start": start,
        "segment": segment,
        "frailty": _gamma(firm.frailty, size, rng) * natural_of,
        "prone": _gamma(firm.proneness, size, rng),
        "voice": _gamma(firm.voice, size, rng) * voice_of,
        "annual": rng.random(size) < firm.annual_share[segment],
        "grace": rng.integers(0, 3, size).astype(float),  # days after the anniversary on which the office closes the account
        "revenue": firm.revenue_median[segment] * np.exp(firm.revenue_log_sd * rng.standard_normal(size)),
    }
    decided = _natural_departures(firm, people, rng)
    people["decided"], people["natural"] = decided, _departure_day(people, np.arange(size), decided)
    order = rng.permutation(np.flatnonzero(people["natural"] >= 0))
    return {name: values[order] for name, values in people.items()}


def _gamma(variance: float, size: int, rng: np.random.Generator) -> np.ndarray:
    return rng.gamma(1 / variance, variance, size)


def _natural_departures(firm: Firm, people: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """The day on which each customer leaves by themselves: candidates of the fastest rate, thinned."""
    fastest = firm.natural_rate / DAYS_PER_MONTH * people["frailty"] * firm.natural_by_tenure.max()
    fastest *= firm.natural_by_day.max(axis=1)[people["segment"]]
    now, left = people["start"].copy(), np.full(len(fastest), NEVER)
    open_ones = np.arange(len(now))
    while len(open_ones):
        now[open_ones] += rng.exponential(1 / fastest[open_ones])
        open_ones = open_ones[now[open_ones] < firm.days]
        day, segment = now[open_ones], people["segment"][open_ones]
        # Before the warm-up the calendar is even.
        level = np.where(day >= 0, firm.natural_by_day[segment, np.maximum(day, 0).astype(int)], firm.natural_by_day.mean(axis=1)[segment])
        tenure = firm.natural_by_tenure[_months(day - people["start"][open_ones])]
        rate = firm.natural_rate / DAYS_PER_MONTH * people["frailty"][open_ones] * level * tenure
        leaves = rng.random(len(open_ones)) * fastest[open_ones] < rate
        left[open_ones[leaves]] = day[leaves]
        open_ones = open_ones[~leaves]
    return left


def _months(days: np.ndarray) -> np.ndarray:
    return np.clip(days / DAYS_PER_MONTH, 0, TENURE_MONTHS - 1).astype(int)


def _departure_day(people: dict[str, np.ndarray], who: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The day itself, or for customers with a yearly contract the next anniversary of their first day."""
    start, annual = people["start"][who], people["annual"][who] & (decided < NEVER)
    years = np.ceil((decided - start) / 365.25)
    return np.where(annual, start + years * 365.25 + people["grace"][who], decided)


def _strike(firm: Firm, people: dict[str, np.ndarray], number: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], ...]:
    """The problems of one kind with what customers do about them, and the complaints that no problem is behind."""
    problem = firm.problems[number]
    inside = np.minimum(people["natural"], WARM_DAYS + firm.window_days) - np.maximum(people["start"], WARM_DAYS)
    lived = float((people["prone"] * np.maximum(inside, 0)).sum())
    voice = float(people["voice"].mean())
    rate = problem.vocal_customers * (1 - problem.grumbles) / (problem.speak * voice * lived)
    who, day = _thin(firm, people, rate, problem.by_day, problem.by_tenure, rng)
    size = len(who)
    tenure = _months(day - people["start"][who])
    speak = problem.speak * people["voice"][who] * firm.voice_by_tenure[tenure] * problem.speak_by_day[day.astype(int)]
    spoke = rng.random(size) < speak
    said = day + rng.gamma(0.8, problem.speak_days / 0.8, size)
    chance = np.where(spoke, problem.vocal_leave, problem.silent_leave * firm.leave_by_tenure[tenure])
    leaves = rng.random(size) < chance
    decided = np.where(spoke, said + problem.vocal_delay.draw(size, rng), day + problem.delay.draw(size, rng))
    gone = np.where(leaves, _departure_day(people, who, decided), NEVER)
    real = {"customer": who, "day": day, "problem": np.full(size, number), "spoke": spoke, "said": said, "gone": gone}
    return real | {"decided": np.where(leaves, decided, NEVER)}, _grumble(firm, people, number, lived, rng)


def _grumble(firm: Firm, people: dict[str, np.ndarray], number: int, lived: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    problem = firm.problems[number]
    who, day = np.zeros(0, dtype=int), np.zeros(0)
    if problem.grumbles > 0:
        cells = problem.by_day if problem.grumbles_by_day is None else problem.grumbles_by_day
        who, day = _thin(firm, people, problem.vocal_customers * problem.grumbles / lived, cells, np.ones(TENURE_MONTHS), rng)
    spoke, never = np.ones(len(who), dtype=bool), np.full(len(who), NEVER)
    return {"customer": who, "day": day, "problem": np.full(len(who), number), "spoke": spoke, "said": day, "gone": never, "decided": never}


def _thin(
    firm: Firm, people: dict[str, np.ndarray], rate: float, by_day: np.ndarray, by_tenure: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Customers and days of a process of `rate` per day and unit of proneness, thinned by day, segment and tenure."""
    first = np.maximum(people["start"], 0.0)
    length = np.maximum(np.minimum(people["natural"], firm.days - 1.0) - first, 0.0)
    fastest = by_day.max(axis=1)[people["segment"]] * by_tenure.max()
    who = np.repeat(np.arange(len(first)), rng.poisson(rate * people["prone"] * fastest * length))
    day = first[who] + rng.random(len(who)) * length[who]
    kept = rng.random(len(who)) * fastest[who] < by_day[people["segment"][who], day.astype(int)] * by_tenure[_months(day - people["start"][who])]
    return who[kept], day[kept]


def _put_off(firm: Firm, natural: np.ndarray, struck: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Natural departures, those of some complainers later than they would have been."""
    spoke = struck["spoke"] & (struck["said"] < natural[struck["customer"]])
    who = np.unique(struck["customer"][spoke])
    who = who[rng.random(len(who)) < firm.goodwill]
    later = natural.copy()
    later[who] += rng.uniform(180, 720, len(who))
    return later


def _leave(people: dict[str, np.ndarray], struck: dict[str, np.ndarray] | None) -> tuple[np.ndarray, ...]:
    """Departure, its cause, the day of the cause, whether it was voiced, and the departure that would have come otherwise.

    The earliest departure counts; of several on the same anniversary, the one that was decided first.
    """
    size = len(people["start"])
    departure, otherwise = people["natural"].copy(), people["natural"].copy()
    cause, cause_day, voiced = np.full(size, NATURAL), np.full(size, NEVER), np.zeros(size, dtype=bool)
    if struck is None:
        return departure, cause, cause_day, voiced, otherwise
    decided = np.flatnonzero(struck["gone"] < people["natural"][struck["customer"]])
    order = decided[np.lexsort((struck["decided"][decided], struck["gone"][decided], struck["customer"][decided]))]
    who = struck["customer"][order]
    first = np.concatenate([[True], who[1:] != who[:-1]]) if len(who) else np.zeros(0, dtype=bool)
    second = np.concatenate([[False], first[:-1] & ~first[1:]]) if len(who) else first
    otherwise[who[second]] = struck["gone"][order[second]]
    chosen = order[first]
    departure[who[first]], cause[who[first]] = struck["gone"][chosen], struck["problem"][chosen]
    cause_day[who[first]], voiced[who[first]] = struck["day"][chosen], struck["spoke"][chosen]
    return departure, cause, cause_day, voiced, otherwise


def _events(firm: Firm, struck: dict[str, np.ndarray] | None, departure: np.ndarray, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Incidents and complaints, repeats among them, while the customer was there."""
    if struck is None:
        nothing = np.zeros(0, dtype=int)
        return _frame(firm, nothing, nothing, nothing, nothing.astype(bool)), _frame(firm, nothing, nothing, nothing)
    there = struck["day"] <= departure[struck["customer"]]
    incidents = _frame(firm, *(struck[name][there] for name in ("customer", "day", "problem", "spoke")))
    spoke = np.flatnonzero(struck["spoke"])
    repeats = np.array([one.repeats for one in firm.problems])[struck["problem"][spoke]]
    again = np.repeat(spoke, rng.poisson(repeats))
    rows = np.concatenate([spoke, again])
    said = np.concatenate([struck["said"][spoke], struck["said"][again] + rng.gamma(1.5, 14.0, len(again))])
    kept = said <= departure[struck["customer"][rows]]
    complaints = _frame(firm, struck["customer"][rows][kept], said[kept], struck["problem"][rows][kept])
    return incidents, complaints.drop_duplicates(ignore_index=True)


def _frame(firm: Firm, customer: np.ndarray, day: np.ndarray, problem: np.ndarray, spoke: np.ndarray | None = None) -> pd.DataFrame:
    frame = pd.DataFrame({"customer": customer, "day": _whole(firm, day), "problem": problem})
    if spoke is not None:
        frame["spoke"] = spoke
    return frame.sort_values(["day", "customer", "problem"], ignore_index=True)


def with_complaints(lives: Lives, customer: np.ndarray, day: np.ndarray, problem: np.ndarray) -> Lives:
    """The same lives with further complaints (whole days since 1970)."""
    extra = pd.DataFrame({"customer": customer, "day": day, "problem": problem})
    complaints = pd.concat([lives.complaints, extra]).drop_duplicates().sort_values(["day", "customer", "problem"], ignore_index=True)
    return Lives(lives.firm, lives.people, complaints, lives.incidents)
