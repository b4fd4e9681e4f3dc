"""Random small companies full of edge cases, and the slow, obvious way of counting them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from iceberg.cohort.window import ObservationWindow

CATEGORIES = ("billing", "delivery", "staff")


def random_company(seed: int, *, customers: int = 300, segments: tuple[str, ...] = ("north", "south", "")) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers and complaints: days 29-31, leap Februaries, tenure-0 churners, same-day complaints, repeats."""
    rng = np.random.default_rng(seed)
    first = date(2017, 1, 1)
    starts = [first + timedelta(days=int(day)) for day in rng.integers(0, 2100, customers)]
    for place in rng.choice(customers, customers // 5, replace=False):  # pile up at the ends of months
        starts[place] = date(int(rng.choice([2019, 2020, 2021])), int(rng.choice([1, 3, 5, 8, 10, 12])), int(rng.choice([29, 30, 31])))
    ends: list[date | None] = []
    for start in starts:
        if rng.random() < 0.5:
            ends.append(None)
        else:
            ends.append(start + timedelta(days=int(rng.choice([0, 1, 2, int(rng.integers(1, 60)), int(rng.integers(1, 1500))]))))
    people = pd.DataFrame(
        {
            "customer_id": [f"C{number:05d}" for number in range(customers)],
            "start_date": starts,
            "end_date": ends,
            "segment": rng.choice(np.array(segments, dtype=object), customers),
            "revenue": np.where(rng.random(customers) < 0.8, np.round(rng.gamma(2, 200, customers), 2), np.nan),
        }
    )
    rows = []
    for place in rng.choice(customers, customers // 2, replace=False):
        start, end = starts[place], ends[place]
        for _ in range(int(rng.integers(1, 5))):
            last = end if end is not None else date(2022, 12, 31)
            span = (last - start).days
            choice = rng.random()
            if choice < 0.15:
                day = last
            elif choice < 0.3:
                day = start
            elif choice < 0.4:
                day = last + timedelta(days=int(rng.integers(1, 50)))  # after the departure
            else:
                day = start + timedelta(days=int(rng.integers(0, max(span, 0) + 1)))
            rows.append((people["customer_id"][place], day, str(rng.choice(CATEGORIES))))
    rows.append(("stranger", date(2021, 2, 3), "billing"))
    return people, pd.DataFrame(rows, columns=["customer_id", "complaint_date", "category"])


def completed_months(start: date, day: date) -> int:
    """Completed months of tenure on `day`."""
    return 12 * (day.year - start.year) + day.month - start.month - (day.day < start.day)


def life(person: object, window: ObservationWindow) -> tuple[date, date, bool] | None:
    """First and last day at risk and whether the last one carries a departure; None outside the window."""
    end = None if pd.isna(person.end_date) else person.end_date
    if person.start_date > window.as_of or (end is not None and (end < window.since or end < person.start_date)):
        return None
    left = end is not None and end <= window.as_of
    return max(person.start_date, window.since), end if left else window.as_of, left


def first_complaints(complaints: pd.DataFrame, person: object, window: ObservationWindow) -> dict[str, date]:
    """First complaint per category between start and end, from the look-back on."""
    end = window.as_of if pd.isna(person.end_date) else min(person.end_date, window.as_of)
    earliest = window.since - timedelta(days=window.look_back_days)
    first: dict[str, date] = {}
    for row in complaints[complaints.customer_id == person.customer_id].itertuples():
        if max(earliest, person.start_date) <= row.complaint_date <= end:
            first[row.category] = min(first.get(row.category, date.max), row.complaint_date)
    return first


def explode(customers: pd.DataFrame, complaints: pd.DataFrame, window: ObservationWindow) -> pd.DataFrame:
    """One row per customer and day at risk: what the counts must equal."""
    rows = []
    for person in customers.itertuples():
        at_risk = life(person, window)
        if at_risk is None:
            continue
        first_day, last_day, left = at_risk
        first = first_complaints(complaints, person, window)
        complained = min(first.values(), default=None)
        for number in range((last_day - first_day).days + 1):
            day = first_day + timedelta(days=number)
            rows.append(
                {
                    "customer_id": person.customer_id,
                    "segment": person.segment,
                    "day": day,
                    "month": (day.year - window.since.year) * 12 + day.month - window.since.month,
                    "tenure": completed_months(person.start_date, day),
                    "vocal": complained is not None and day >= complained,
                    "exit": left and day == last_day,
                    "revenue": person.revenue,
                    "first_any": day == complained,
                    **{f"first_{name}": day == first.get(name) for name in CATEGORIES},
                }
            )
    return pd.DataFrame(rows)
