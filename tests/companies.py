"""Owns the small companies that tests write as files: customers and complaints, as a CRM would export them."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

CUSTOMERS = 300


def write_company(
    folder: Path,
    name: Callable[[int], str],
    *,
    segments: Callable[[int], str] | None = None,
    revenue: Callable[[int], str] | None = None,
    more_customers: Sequence[str] = (),
    more_complaints: Sequence[str] = (),
) -> Path:
    """``customers.csv`` and ``complaints.csv``: a few hundred customers, enough for a headline and quick to estimate.

    Args:
        folder: Where they go.
        name: Customer id of a number.
        segments: Segment of a number; None writes no such column.
        revenue: Revenue of a number; likewise.
        more_customers: Rows added as they are, to be rejected for instance.
        more_complaints: Likewise.

    Returns:
        The folder.
    """
    start = date(2024, 1, 1)
    more = {"segment": segments, "revenue": revenue}
    columns = {header: value for header, value in more.items() if value is not None}
    customers = [",".join(["customer_id,start_date,end_date", *columns])]
    complaints = ["customer_id,complaint_date,category"]
    for number in range(CUSTOMERS):
        first = start + timedelta(days=number % 200)
        last = (first + timedelta(days=200 + number % 150)).isoformat() if number % 4 == 0 else ""
        customers.append(",".join([f"{name(number)},{first},{last}", *(value(number) for value in columns.values())]))
        if number % 6 == 0:
            complaints.append(f"{name(number)},{first + timedelta(days=120)},{'billing' if number % 4 else 'delivery'}")
    (folder / "customers.csv").write_text("\n".join((*customers, *more_customers)) + "\n")
    (folder / "complaints.csv").write_text("\n".join((*complaints, *more_complaints)) + "\n")
    return folder


def company_after_a_migration() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers, of whom one of some nine thousand leaves a day, and complaints of two years; who left before March 2025 is not on file."""
    days = pd.date_range("2025-03-03", "2026-06-28", freq="D")
    leavers = pd.DataFrame({"customer_id": [f"L{number}" for number in range(len(days))], "start_date": "2020-01-01", "end_date": days.date})
    stayers = pd.DataFrame({"customer_id": [f"S{number}" for number in range(9000)], "start_date": "2020-01-01", "end_date": None})
    complained = pd.date_range("2024-07-02", "2026-06-29", freq="3D").date
    ids = [f"S{number}" for number in range(len(complained))]
    complaints = pd.DataFrame({"customer_id": ids, "complaint_date": complained, "category": "billing"})
    return pd.concat([leavers, stayers], ignore_index=True), complaints


def company_with_contracts(
    seed: int = 1, *, bound: float = 0.7, term_months: int = 12, customers: int = 12_000, twice: float = 0.0, trial: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Customers, complaints and the true silent churn of a company of four regions in which the share `bound` can leave at renewals alone.

    July 2024 to June 2026. Problems strike one region harder than another and come in waves; one in five who are struck complains, three in ten of
    the others leave. A customer who has made up their mind leaves at once, or where a contract binds at the next renewal; the first reason counts.
    Of those bound the share `twice` has twice the term, and the share `trial` began it five months after the first day. The columns "contract length"
    and "next renewal" say so.
    """
    rng = np.random.default_rng(seed)
    month, since, length, end = 30.4375, 730, 730, 1460  # days since July 2022; the window is the second half
    start = np.where(rng.random(customers) < 0.5, rng.uniform(-1500, since, customers), rng.uniform(since, end, customers))
    region, is_bound = rng.integers(0, 4, customers), rng.random(customers) < bound
    natural = np.maximum(start, -365) + rng.exponential(month / 0.015, customers)
    strike, cause = np.full(customers, np.inf), np.full(customers, -1)
    complaints = []
    for category, rates in enumerate(((0.010, 0.025, 0.015, 0.040), (0.030, 0.012, 0.008, 0.015))):
        for who in range(4):
            mine = np.flatnonzero(region == who)
            number = rng.poisson(2.2 * rates[who] * 60 * len(mine))
            struck, day = rng.choice(mine, number), rng.uniform(-365, end, number)
            wave = 0.5 + 0.5 * np.sin(day / (70 + 25 * category) + 2 * who)
            kept = (rng.random(number) < wave**2) & (day > start[struck])
            struck, day = struck[kept], day[kept]
            speaks, leaves = rng.random(len(day)) < 0.2, rng.random(len(day)) < 0.3
            complaints.append(pd.DataFrame({"who": struck[speaks], "day": day[speaks], "category": ("billing", "delivery")[category]}))
            decided = day + rng.gamma(1.5, 30, len(day))
            order = np.argsort(-decided[leaves])
            then, told = struck[leaves][order], np.where(speaks[leaves][order], -2, category)
            earlier = decided[leaves][order] < strike[then]
            strike[then[earlier]], cause[then[earlier]] = decided[leaves][order][earlier], told[earlier]
    decided = np.minimum(natural, strike)
    months = term_months * np.where(rng.random(customers) < twice, 2, 1) if twice else np.full(customers, term_months)
    after = np.where(rng.random(customers) < trial, 5, 0) if trial else np.zeros(customers, dtype=np.int64)
    term, began = months * month, start + after * month
    renewal = began + np.ceil(np.maximum(decided - began, 1) / term) * term
    last, following = np.floor(np.where(is_bound, renewal, decided)), began + np.maximum(np.ceil((end - began) / term), 1) * term
    said = pd.concat(complaints, ignore_index=True)
    said = said[(said["day"] <= last[said["who"]]) & (said["day"] >= since) & (said["day"] < end)]
    there = (last >= since) & (start < end)
    silent = there & (last < end) & ~np.isin(np.arange(customers), said["who"].to_numpy()) & (strike < natural) & (cause >= 0)
    day_of = pd.Timestamp("2022-07-01")
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(customers)],
            "start_date": day_of + pd.to_timedelta(np.floor(start), unit="D"),
            "end_date": (day_of + pd.to_timedelta(last, unit="D")).where(last < end),
            "segment": np.array(["north", "east", "south", "west"])[region],
            "contract length": np.where(is_bound, [f"{number} months" for number in months], "month-to-month"),
            "next renewal": (day_of + pd.to_timedelta(np.floor(following), unit="D")).where(is_bound),
        }
    )
    heard = pd.DataFrame({"customer_id": "C" + said["who"].astype(str), "complaint_date": day_of + pd.to_timedelta(np.floor(said["day"]), unit="D")})
    assert length == end - since
    if not twice and not trial:
        frame = frame.drop(columns=["contract length", "next renewal"])
    return frame[there], heard.assign(category=said["category"]), int(silent.sum())


def company_with_cancellations(quick: int, *, days: int = 5, slow: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 customers a category: of "cancel" so many leave `days` after complaining and `slow` 40 days after; of "billing" ten do in 10 days."""
    customers, complaints = [], []

    def add(category: str, number: int, left_after: int | None) -> None:
        name, day = f"{category} {number}", date(2025, 1, 1) + timedelta(days=30 + number)
        end = None if left_after is None else day + timedelta(days=left_after)
        customers.append((name, date(2024, 1, 1), end))
        complaints.append((name, day, category))

    for number in range(200):
        add("cancel", number, days if number < quick else 40 if number < quick + slow else None)
        add("billing", number, 10 if number < 10 else None)
    customers += [(f"quiet {number}", date(2024, 1, 1), date(2025, 6, 1) if number < 20 else None) for number in range(400)]
    return (
        pd.DataFrame(customers, columns=["customer_id", "start_date", "end_date"]),
        pd.DataFrame(complaints, columns=["customer_id", "complaint_date", "category"]),
    )


def company_with_a_new_tool() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers, of whom one leaves a day, and complaints of two years: three times as many from July 2025 on, when "billing" becomes "invoices"."""
    days = pd.date_range("2024-07-01", "2026-06-30", freq="D")
    leavers = pd.DataFrame({"customer_id": [f"L{number}" for number in range(len(days))], "start_date": "2020-01-01", "end_date": days.date})
    stayers = pd.DataFrame({"customer_id": [f"S{number}" for number in range(9000)], "start_date": "2020-01-01", "end_date": None})
    rows = []
    for place, category in enumerate(("delivery", "price", "staff", "billing")):
        for number, day in enumerate(days[place::3]):
            after = day >= pd.Timestamp("2025-07-01")
            name = "invoices" if after and category == "billing" else category
            rows += [(day.date(), name)] * (3 if after else 1) if number % 2 else [(day.date(), name)] * (2 if after else 1)
    ids = [f"S{number}" for number in range(len(rows))]
    complaints = pd.DataFrame({"customer_id": ids, "complaint_date": [day for day, _ in rows], "category": [name for _, name in rows]})
    return pd.concat([leavers, stayers], ignore_index=True), complaints
