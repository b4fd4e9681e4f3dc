"""The list of customers who broke with their rhythm: a private file of this machine, and nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.rhythm.people import BrokenRhythm

COLUMNS = (
    *("customer_id", "since_week", "since_low", "since_high", "before_per_month", "now_per_month", "p_broken", "p_lasts"),
    *("last_category", "complained"),
)
KEPT_DAYS = 90


def list_content(people: Iterable[BrokenRhythm], words: Translator) -> tuple[bytes, int]:
    """The file, and the number of customers in it; above the rows its purpose and how long it may be kept."""
    from iceberg.report.files.formula_guard import safe_cell

    today = date.today()
    target = io.StringIO()
    for line in (words.text("rhythm.list.purpose"), words.text("callback.dates", written=today, until=today + timedelta(days=KEPT_DAYS))):
        target.write(f"# {line}\r\n")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    number = 0
    for number, one in enumerate(people, 1):  # noqa: B007  # how many there were
        days = [day.isoformat() for day in (one.since, one.since_low, one.since_high)]
        levels = [f"{value:.1f}" for value in (one.before_per_month, one.now_per_month)]
        chances = [f"{value:.2f}" for value in (one.p_broken, one.p_lasts)]
        writer.writerow([safe_cell(one.customer_id), *days, *levels, *chances, safe_cell(one.last_category), "yes" if one.complained else "no"])
    return b"\xef\xbb\xbf" + target.getvalue().encode(), number
