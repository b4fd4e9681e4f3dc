"""A log becomes active days by customer and week, a bit for each day: against a plain count."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest

from iceberg.cohort.rhythm.weeks import ActivityWeeks, _weeks_sql
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from tests.cohort.rhythm.worlds import MAPPING

THURSDAY = date(2024, 1, 4)
MONDAY = date(2024, 1, 8)
WEEKS = 27  # with the days before the first Monday, 28 bytes: three words and a half


@pytest.fixture(scope="module")
def days() -> np.ndarray:
    """(n, days) rows of each customer by day, from the Thursday on."""
    rng = np.random.default_rng(1)
    rows = rng.poisson(rng.gamma(0.5, 0.6, (400, 1)), (400, 4 + 7 * WEEKS))
    rows[:3] = 0
    rows[0, 0], rows[1, -1], rows[2, 4] = 1, 2, 1  # on the first day only, on the last, on the first Monday
    return rows


@pytest.fixture(scope="module")
def weeks(days: np.ndarray) -> Iterator[ActivityWeeks]:
    customer, day = np.nonzero(days)
    rows = [(f"c{one}", THURSDAY + timedelta(days=at)) for one, at in zip(customer.tolist(), day.tolist(), strict=True) for _ in range(days[one, at])]
    text = "customer_id,activity_date\n" + "".join(f"{name},{at}\n" for name, at in rows)
    with load_tables(activity=UploadedBytes("a.csv", text.encode()), mapping=MAPPING)[0] as tables, tables.engine.work():
        yield ActivityWeeks.read(tables)


def test_every_active_day_is_counted_once(days: np.ndarray, weeks: ActivityWeeks) -> None:
    plain = (days > 0)[:, 4:].reshape(len(days), WEEKS, 7).sum(2)
    assert (weeks.monday, weeks.weeks, weeks.customers) == (MONDAY, WEEKS, int((days > 0).any(1).sum()))
    assert weeks.totals.tolist() == plain.sum(0).tolist()
    block, names = weeks.block(0, weeks.people), weeks.ids(list(range(weeks.people)))
    assert len(block.days) == weeks.people == int((plain.sum(1) >= 5).sum())
    own = np.array([int(names[number][1:]) for number in range(weeks.people)])
    assert block.days.dtype == np.uint8 and (block.days == plain[own]).all()
    first = np.where((days > 0).any(1), (np.argmax(days > 0, 1) + 3) // 7 - 1, 0)
    assert (block.first == first[own]).all()


def test_rows_and_weeks_of_a_customer_are_those_of_the_file(days: np.ndarray, weeks: ActivityWeeks) -> None:
    """They tell cards of staff from customers."""
    found = weeks.tables.engine.execute("SELECT customer_id, signs, all_days, days, weeks FROM rhythm_days").fetchall()
    active = np.pad(days > 0, ((0, 0), (3, 0))).reshape(len(days), WEEKS + 1, 7)
    for name, signs, all_days, inside, some in found:
        one = int(name[1:])
        assert (signs, all_days, inside) == (days[one].sum(), (days[one] > 0).sum(), (days[one, 4:] > 0).sum())
        assert some == active[one].any(1).sum()


def test_customers_are_read_part_by_part_as_they_are_all_at_once(weeks: ActivityWeeks) -> None:
    whole, parts = weeks.block(0, weeks.people), [weeks.block(low, low + 7) for low in range(0, weeks.people, 7)]
    assert (np.concatenate([one.days for one in parts]) == whole.days).all()
    assert np.concatenate([one.first for one in parts]).tolist() == whole.first.tolist()


def test_a_week_counts_whichever_of_its_days_was_active(weeks: ActivityWeeks) -> None:
    for day in range(63 - 7):
        bits = (1 << 8 * (day // 7) + day % 7) | 1 << 62
        [(number,)] = weeks.tables.engine.execute(f"SELECT bit_count({_weeks_sql(f'CAST({bits} AS BIGINT)')})").fetchall()
        assert number == 2 - (day // 7 == 7)
