"""Owns the small companies that tests write as files: customers and complaints, as a CRM would export them."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

CUSTOMERS = 300


def write_company(
    folder: Path,
    name: Callable[[int], str],
    *,
    segments: Callable[[int], str] | None = None,
    more_customers: Sequence[str] = (),
    more_complaints: Sequence[str] = (),
) -> Path:
    """``customers.csv`` and ``complaints.csv``: a few hundred customers, enough for a headline and quick to estimate.

    Args:
        folder: Where they go.
        name: Customer id of a number.
        segments: Segment of a number; None writes no such column.
        more_customers: Rows added as they are, to be rejected for instance.
        more_complaints: Likewise.

    Returns:
        The folder.
    """
    start = date(2024, 1, 1)
    customers = ["customer_id,start_date,end_date" + ("" if segments is None else ",segment")]
    complaints = ["customer_id,complaint_date,category"]
    for number in range(CUSTOMERS):
        first = start + timedelta(days=number % 200)
        last = (first + timedelta(days=200 + number % 150)).isoformat() if number % 4 == 0 else ""
        customers.append(f"{name(number)},{first},{last}" + ("" if segments is None else f",{segments(number)}"))
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
