"""Companies whose customers are satisfied or not, leave accordingly, and answer a survey every half year, or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

SINCE, AS_OF = date(2024, 1, 1), date(2025, 12, 31)
FIRST = date(2021, 1, 1)
MONTH = 365.25 / 12
TOUCH = (float(np.log(1.2)), 0.2)  # of the assumption (`iceberg.model.priors.OUT_OF_TOUCH`), written out: a benchmark does not judge by what it tests


@dataclass(frozen=True)
class Family:
    """A kind of company.

    Attributes:
        answer: Probability that a satisfied customer, and another one, answers surveys.
        rates: Departures a month of a satisfied customer, and of another one.
        touch: Factor on the rate of those who do not answer; None draws it from what is assumed of it.
        leak: Share of the leavers who are asked, and give a bad score, in the last days.
        young: Factor on the rate in the first year, and on the probability of answering of those who came in the window.
        holds: Whether the assumption of the third line holds.
    """

    answer: tuple[float, float] = (0.3, 0.3)
    rates: tuple[float, float] = (0.01, 0.05)
    touch: float | None = None
    leak: float = 0.0
    young: tuple[float, float] = (1.0, 1.0)
    holds: bool = True


FAMILIES = {
    "answer_alike": Family(),
    "unhappy_answer_less": Family(answer=(0.30, 0.12)),
    "unhappy_answer_more": Family(answer=(0.20, 0.40)),
    "young_leave_and_are_silent": Family(answer=(0.35, 0.2), young=(2.5, 0.5)),
    "asked_at_cancellation": Family(answer=(0.30, 0.15), leak=0.4),
    "out_of_touch_1.4": Family(answer=(0.30, 0.15), touch=1.4),
    "far_out_of_touch_2.2": Family(answer=(0.30, 0.15), touch=2.2, holds=False),
    "score_says_nothing": Family(answer=(0.30, 0.20), rates=(0.02, 0.02), holds=False),
}


@dataclass(frozen=True, eq=False)
class ScoredCompany:
    """Files, and what is true.

    Attributes:
        customers, complaints, scores: As files.
        satisfied: Share of the satisfied among those who left in the window.
        rates: Daily rates of the satisfied and of the others, where both answer.
        leaks: Leavers with a score in the last days that was asked for at the cancellation.
    """

    customers: pd.DataFrame
    complaints: pd.DataFrame
    scores: pd.DataFrame
    satisfied: float
    rates: tuple[float, float]
    leaks: int


def simulate(family: Family, seed: int, *, customers: int = 14_000) -> ScoredCompany:
    """The company number `seed` of a family."""
    rng = np.random.default_rng([seed, sum(ord(letter) * 31**place for place, letter in enumerate(repr(family))) % 2**32])
    last, since = (AS_OF - FIRST).days, (SINCE - FIRST).days
    start = rng.integers(0, last, customers)
    unhappy = rng.random(customers) < 0.25
    chance = np.where(unhappy, family.answer[1], family.answer[0]) * np.where(start >= since, family.young[1], 1.0)
    answers = rng.random(customers) < chance
    factor = float(np.exp(rng.normal(*TOUCH))) if family.touch is None else family.touch
    daily = np.where(unhappy, family.rates[1], family.rates[0]) / MONTH * np.where(answers, 1.0, factor)
    # Lives of two rates: the first year, and what follows.
    risk = rng.exponential(1.0, customers)
    early = daily * family.young[0]
    life = np.where(risk < early * 365, risk / early, 365 + np.maximum(risk - early * 365, 0) / daily)
    end = start + np.floor(life).astype(int)
    there = end >= since
    ids = np.array([f"C{number}" for number in range(customers)])
    day = np.datetime64(FIRST)
    rows = []
    phase = rng.integers(20, 60, customers)
    for wave in range((last // 180) + 2):
        when = start + phase + 180 * wave + rng.integers(-10, 11, customers)
        level = np.where(unhappy, rng.choice(9, customers, p=(np.arange(9) + 2) / 54), rng.integers(9, 11, customers))
        sent = there & answers & (when >= since - 200) & (when <= np.minimum(end, last))
        rows.append(pd.DataFrame({"customer_id": ids[sent], "answered at": day + when[sent], "nps": level[sent]}))
    left = there & (end <= last)
    asked = left & (rng.random(customers) < family.leak)
    at = np.maximum(end - rng.integers(0, 6, customers), start)
    rows.append(pd.DataFrame({"customer_id": ids[asked], "answered at": day + at[asked], "nps": rng.integers(0, 5, int(asked.sum()))}))
    last_days = pd.Series(day + end).where(pd.Series(left))
    plan = np.where(start % 2, "north", "south")
    people = pd.DataFrame({"customer_id": ids, "start_date": day + start, "end_date": last_days, "segment": plan})[there]
    spoke = people.iloc[::40]
    days = np.maximum(spoke["start_date"], np.datetime64(SINCE))
    complaints = pd.DataFrame({"customer_id": spoke["customer_id"], "complaint_date": days, "category": "other"})
    rates = (family.rates[0] / MONTH, family.rates[1] / MONTH)
    return ScoredCompany(people, complaints, pd.concat(rows), float((left & ~unhappy).sum() / left.sum()), rates, int(asked.sum()))
