"""Good moments of a simulated company: new customers are called by lot in the autumn, and it changes nothing.

They are drawn after the company, from random numbers of their own: no other file of the sample depends on them. What calls do is known: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iceberg.simulation.company import SimulatedCompany

CALLS = 112
FIRST_DAYS, CALLED_DAYS = 31, 122  # after the window began: calls from August to November, so that each is followed for a year
NEW_DAYS = (32, 120)  # of tenure on the day of the call


@dataclass(frozen=True, eq=False)
class SimulatedPositives:
    """Calls to customers of a company, and what is true of them.

    Attributes:
        calls: customer_id, called_back_at.
        truth: ``customers`` called, and ``saved``: how many stayed because of it.
    """

    calls: pd.DataFrame
    truth: dict[str, int]


def simulate_positives(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedPositives:
    """Calls to new customers of `company`, which is not changed."""
    customers = company.customers
    since = np.datetime64(str(company.truth["since"]))
    start = customers["start_date"].to_numpy().astype("datetime64[D]")
    end = customers["end_date"].to_numpy().astype("datetime64[D]")
    day = since + (FIRST_DAYS + rng.integers(0, CALLED_DAYS, len(customers))).astype("timedelta64[D]")
    tenure = (day - start).astype(int)
    there = np.isnat(end) | (day < end)
    chosen = rng.choice(np.flatnonzero(there & (tenure >= NEW_DAYS[0]) & (tenure < NEW_DAYS[1])), CALLS, replace=False)
    calls = pd.DataFrame({"customer_id": customers["customer_id"].to_numpy()[chosen], "called_back_at": day[chosen].astype("datetime64[s]")})
    calls = calls.sort_values(["called_back_at", "customer_id"], ignore_index=True)
    return SimulatedPositives(calls, {"customers": CALLS, "saved": 0})
