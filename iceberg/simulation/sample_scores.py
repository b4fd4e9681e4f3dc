"""Satisfaction scores of a simulated company: a yearly question (0 to 10), answered by some, and asked again when an account closes.

They are drawn after the company, from random numbers of their own: no other file of the sample depends on them. What they leave unsaid is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iceberg.arrays import BoolArray, IntArray
from iceberg.simulation.company import SimulatedCompany

EVERY_DAYS = 364
ANSWERS = (0.17, 0.08)  # of the content and of the others: response rates of companies lie between 3 and 32 % (vendors, grade C)
UNHAPPY_DAYS = 120  # a problem keeps a customer unhappy so long
ALWAYS_UNHAPPY = 0.12  # of all customers, whatever they meet
LEAVE_UNHAPPY, FORESEEN_DAYS = 0.45, 200  # of the leavers, in their last days, beside those who met a problem; the others move, or need it no more
AT_CANCELLATION = 0.08  # of the leavers answer the form that closes the account
_CONTENT = (0.0, 0.0, 0.0, 0.0, 0.0, 0.03, 0.05, 0.12, 0.22, 0.28, 0.30)
_UNHAPPY = (0.06, 0.05, 0.07, 0.09, 0.10, 0.16, 0.17, 0.15, 0.09, 0.04, 0.02)
_CLOSING = (0.30, 0.20, 0.15, 0.12, 0.10, 0.08, 0.05, 0.0, 0.0, 0.0, 0.0)
SATISFIED = 9


@dataclass(frozen=True, eq=False)
class SimulatedScores:
    """The scores of a company, and what is true of those who left.

    Attributes:
        answers: customer_id, answered_at, nps.
        truth: ``departures``; ``satisfied``: how many of them would have given 9 or 10 on their last day; ``at_cancellation``: scores that
            were asked for when the account closed.
    """

    answers: pd.DataFrame
    truth: dict[str, int]


def simulate_scores(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedScores:
    """Scores of the customers of `company`, which is not changed."""
    customers = company.customers
    since, as_of = (np.datetime64(str(company.truth[name])) for name in ("since", "as_of"))
    ids = customers["customer_id"].to_numpy()
    start = customers["start_date"].to_numpy().astype("datetime64[D]")
    end = customers["end_date"].to_numpy().astype("datetime64[D]")
    left = ~np.isnat(end)
    last = np.where(left, end, as_of)
    met = _problems(company)
    always = rng.random(len(ids)) < ALWAYS_UNHAPPY
    foreseen = left & (rng.random(len(ids)) < LEAVE_UNHAPPY)
    last_content = last - np.timedelta64(FORESEEN_DAYS, "D")
    phase = rng.integers(0, EVERY_DAYS, len(ids))
    parts = []
    first = since - np.timedelta64(EVERY_DAYS // 2, "D")
    for wave in range(int((as_of - first).astype(int)) // EVERY_DAYS + 1):
        day = np.asarray(first + (phase + wave * EVERY_DAYS).astype("timedelta64[D]"), dtype="datetime64[D]")
        unhappy = always | _is_unhappy(met, ids, day) | (foreseen & (day > last_content))
        asked = (day >= start + np.timedelta64(30, "D")) & (day <= last)
        answered = asked & (rng.random(len(ids)) < np.where(unhappy, ANSWERS[1], ANSWERS[0]))
        score = _draw(unhappy, rng)
        parts.append(pd.DataFrame({"customer_id": ids[answered], "answered_at": day[answered].astype("datetime64[s]"), "nps": score[answered]}))
    closing = left & (rng.random(len(ids)) < AT_CANCELLATION)
    day = np.maximum(last - rng.integers(0, 3, len(ids)).astype("timedelta64[D]"), start)
    score = rng.choice(11, len(ids), p=_CLOSING)
    parts.append(pd.DataFrame({"customer_id": ids[closing], "answered_at": day[closing].astype("datetime64[s]"), "nps": score[closing]}))
    at_the_end = _draw(always | foreseen | _is_unhappy(met, ids, last), rng)
    truth = {
        "departures": int(left.sum()),
        "satisfied": int((left & (at_the_end >= SATISFIED)).sum()),
        "at_cancellation": int(closing.sum()),
    }
    answers = pd.concat(parts, ignore_index=True).sort_values(["answered_at", "customer_id"], ignore_index=True)
    return SimulatedScores(answers, truth)


def _draw(unhappy: BoolArray, rng: np.random.Generator) -> IntArray:
    """The score that each would give."""
    content, other = (rng.choice(11, len(unhappy), p=weights) for weights in (_CONTENT, _UNHAPPY))
    return np.where(unhappy, other, content)


def _problems(company: SimulatedCompany) -> pd.DataFrame:
    """Problems in the order of their days."""
    return company.incidents[["customer_id", "incident_date"]].sort_values(["incident_date", "customer_id"], ignore_index=True)


def _is_unhappy(met: pd.DataFrame, ids: np.ndarray, days: np.ndarray) -> BoolArray:
    """Whether each customer met a problem in the `UNHAPPY_DAYS` up to a day of their own."""
    asked = pd.DataFrame({"customer_id": ids, "day": days.astype("datetime64[ns]"), "place": range(len(ids))}).sort_values("day")
    problems = met.assign(incident_date=met["incident_date"].astype("datetime64[ns]"))
    found = pd.merge_asof(asked, problems, left_on="day", right_on="incident_date", by="customer_id", tolerance=pd.Timedelta(days=UNHAPPY_DAYS))
    unhappy = np.zeros(len(ids), dtype=bool)
    unhappy[found["place"].to_numpy()] = found["incident_date"].notna().to_numpy()
    return unhappy
