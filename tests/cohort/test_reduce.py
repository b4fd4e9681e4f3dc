from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.axis_names import OTHER_NAMES
from iceberg.cohort.counts_file import write_counts
from iceberg.cohort.day_counts import ANY_CATEGORY
from iceberg.cohort.reduce import default_window, looking_back, reduce_tables
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, ObservationWindow
from iceberg.errors import EvidenceError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet

from .companies import CATEGORIES, explode, random_company

WINDOWS = [
    ObservationWindow(date(2020, 2, 29), date(2022, 2, 28)),
    ObservationWindow(date(2019, 11, 17), date(2021, 3, 9), look_back_days=120),
    ObservationWindow(date(2020, 1, 1), date(2021, 12, 31)),
    ObservationWindow(date(2021, 2, 10), date(2021, 2, 20), look_back_days=400),
    ObservationWindow(date(2020, 1, 31), date(2020, 3, 30)),
    ObservationWindow(date(2020, 2, 3), date(2020, 2, 3)),
]
YEAR = ObservationWindow(date(2024, 1, 1), date(2024, 12, 31))


def cells(rows: pd.DataFrame, counts, value=None) -> np.ndarray:
    table = np.zeros(counts.shape)
    band = np.searchsorted(DEFAULT_BAND_EDGES_MONTHS, rows["tenure"], side="right") - 1
    place = (rows["segment"].map(counts.segments.index).to_numpy(dtype=int), rows["month"].to_numpy(dtype=int), band)
    np.add.at(table, place, 1 if value is None else rows[value].to_numpy())
    return table


def people(*rows: tuple) -> pd.DataFrame:
    names = ["customer_id", "start_date", "end_date", "segment", "revenue"]
    return pd.DataFrame([(*row, *(["", None][len(row) - 3 :])) for row in rows], columns=names)


def complaints_of(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "complaint_date", "category"])


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{window.since}..{window.as_of}")
@pytest.mark.parametrize("seed", range(3))
def test_cells_equal_one_row_per_customer_and_day(tables_from_frames, window, seed):
    customers, complaints = random_company(seed)
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=window, keep_cancellations=True)
    days = explode(customers, complaints, window)
    priced = days[days.exit & ~days.vocal & days.revenue.notna()]

    def equal(actual, rows, value=None):
        np.testing.assert_allclose(actual, cells(rows, counts, value), rtol=1e-12, atol=0)

    equal(counts.silent_person_days, days[~days.vocal])
    equal(counts.vocal_person_days, days[days.vocal])
    equal(counts.silent_exits, days[days.exit & ~days.vocal])
    equal(counts.vocal_exits, days[days.exit & days.vocal])
    equal(counts.silent_exit_revenue_known, priced)
    equal(counts.silent_exit_revenue, priced, "revenue")
    equal(counts.complainants_any, days[days.first_any])
    for place, name in enumerate(counts.categories):
        equal(counts.complainants[place], days[days[f"first_{name}"]])
    assert set(counts.categories) <= set(CATEGORIES)
    assert counts.customers == days.customer_id.nunique()
    assert counts.departures == days.exit.sum()


@pytest.mark.parametrize("seed", range(3))
def test_clock_bins_equal_the_days_of_each_complainer(tables_from_frames, seed):
    window = WINDOWS[seed]
    customers, complaints = random_company(seed)
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=window, keep_cancellations=True)
    days = explode(customers, complaints, window)
    last = days.groupby("customer_id").day.max()
    left = days[days.exit].set_index("customer_id").index
    edges = np.array(counts.clock_edges_days)
    for category, flag in [
        (ANY_CATEGORY, "first_any"),
        *((c, f"first_{name}") for c, name in enumerate(counts.categories)),
    ]:
        first = days[days[flag]].set_index("customer_id")
        elapsed = (last[first.index].to_numpy() - first.day.to_numpy()).astype("timedelta64[D]").astype(int)
        bins = np.searchsorted(edges, elapsed, side="right") - 1
        gone = first.index.isin(left)
        rows = counts.clock.where(counts.clock.category == category)
        for name, expected in (("exited", gone), ("censored", ~gone), ("days_in_bin", elapsed + 1 - edges[bins])):
            actual = np.bincount(rows.clock, rows.columns[name], minlength=len(edges))
            np.testing.assert_array_equal(actual, np.bincount(bins, expected, minlength=len(edges)))
        place = np.zeros(counts.shape, dtype=int)
        np.add.at(place, (rows.segment, rows.month, rows.band), rows.exited + rows.censored)
        np.testing.assert_array_equal(place, counts.complainants_any if category < 0 else counts.complainants[category])


def test_a_customer_by_hand(tables_from_frames):
    """Starts on 31 January, complains on 1 March, leaves on 31 March: no day of February completes the first month."""
    customers = people(("a", date(2024, 1, 31), date(2024, 3, 31), "north", 120.0))
    counts = reduce_tables(
        tables_from_frames(customers=customers, complaints=complaints_of(("a", date(2024, 3, 1), "billing"))),
        window=YEAR,
    )
    assert counts.silent_person_days.sum(axis=(0, 2))[:4].tolist() == [1, 29, 0, 0]
    assert counts.silent_person_days[0, :, 0].sum() == 30, "29 February does not complete a month that began on the 31st"
    assert counts.vocal_person_days[0, 2, :3].tolist() == [0, 31, 0], "by 1 March one month is complete"
    assert counts.vocal_exits[0, 2, 1] == 1
    assert counts.silent_leavers == 0
    assert counts.complainants[0, 0, 2, 1] == 1
    assert (counts.clock.exited.tolist(), counts.clock.days_in_bin.tolist()) == ([1, 1], [1, 1]), "day 30 is the first of its bin"


def test_a_departure_on_the_first_day_counts_one_day(tables_from_frames):
    counts = reduce_tables(tables_from_frames(customers=people(("a", date(2024, 5, 5), date(2024, 5, 5)))), window=YEAR)
    assert counts.silent_person_days.sum() == counts.silent_exits.sum() == 1
    assert counts.silent_exits[0, 4, 0] == 1


def test_a_complaint_on_the_day_of_departure_makes_a_vocal_leaver(tables_from_frames):
    customers = people(("a", date(2023, 5, 5), date(2024, 5, 5)))
    tables = tables_from_frames(customers=customers, complaints=complaints_of(("a", date(2024, 5, 5), "staff")))
    counts = reduce_tables(tables, window=YEAR)
    assert (counts.silent_leavers, int(counts.vocal_exits.sum()), int(counts.vocal_person_days.sum())) == (0, 1, 1)


def test_a_customer_with_three_complaints_counts_once_per_category_and_once_in_total(tables_from_frames):
    rows = complaints_of(("a", date(2024, 6, 1), "staff"), ("a", date(2024, 3, 1), "staff"), ("a", date(2024, 4, 1), "billing"))
    counts = reduce_tables(tables_from_frames(customers=people(("a", date(2023, 5, 5), None)), complaints=rows), window=YEAR)
    assert counts.categories == ("billing", "staff")
    assert counts.vocal_customers.tolist() == [1, 1]
    assert counts.vocal_customers_total == 1
    assert counts.complaints.sum(axis=1).tolist() == [1, 2]
    assert counts.complainants_any[0, 2].sum() == 1


def test_a_complaint_in_the_look_back_ends_silence_but_is_no_vocal_customer(tables_from_frames):
    window = ObservationWindow(YEAR.since, YEAR.as_of, look_back_days=30)
    customers = people(("a", date(2023, 5, 5), date(2024, 2, 1)))
    rows = complaints_of(("a", date(2023, 12, 15), "staff"), ("a", date(2024, 1, 10), "staff"))
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=rows), window=window)
    assert counts.silent_person_days.sum() == 0
    assert (int(counts.vocal_person_days.sum()), int(counts.vocal_exits.sum())) == (32, 1)
    assert counts.vocal_customers_total == counts.vocal_customers.sum() == 0
    assert counts.complaints.sum() == 1, "volumes hold the window's complaints only"
    without = reduce_tables(tables_from_frames(customers=customers, complaints=rows), window=replace(YEAR, look_back_days=0))
    assert without.vocal_customers.tolist() == [1]


def test_complaints_outside_a_life_make_nobody_a_complainant(tables_from_frames):
    customers = people(("a", date(2024, 3, 1), date(2024, 5, 1)), ("b", date(2024, 3, 1), None))
    rows = complaints_of(("a", date(2024, 6, 1), "x"), ("a", date(2024, 2, 1), "x"), ("who", date(2024, 4, 1), "x"))
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=rows), window=YEAR)
    assert counts.vocal_customers.tolist() == [0]
    assert counts.complaints.sum() == 3
    assert counts.silent_leavers == 1
    assert not counts.has_linked_complaints


def test_without_complaints_everybody_is_silent(tables_from_frames):
    counts = reduce_tables(tables_from_frames(customers=people(("a", date(2023, 3, 1), date(2024, 5, 1)))), window=YEAR)
    assert counts.categories == ()
    assert (counts.has_customers, counts.has_linked_complaints, counts.has_revenue) == (True, False, False)
    assert counts.silent_leavers == 1


def test_volumes_beside_customers_leave_everybody_silent(tables_from_frames):
    volumes = pd.DataFrame(
        {
            "month": [date(2024, 2, 1), date(2024, 2, 1), date(2023, 2, 1)],
            "category": ["b", "a", "b"],
            "complaints": [3, 4, 9],
        }
    )
    tables = tables_from_frames(customers=people(("a", date(2023, 3, 1), None, "", 10.0)), volumes=volumes)
    counts = reduce_tables(tables, window=YEAR)
    assert counts.categories == ("a", "b")
    assert counts.complaints[:, 1].tolist() == [4, 3]
    assert counts.complaints.sum() == 7
    assert counts.has_customers
    assert not counts.has_linked_complaints
    assert counts.silent_person_days.sum() == 366


def test_volumes_alone_need_no_customer(tables_from_frames):
    volumes = pd.DataFrame({"month": [date(2024, 2, 1), date(2024, 4, 1)], "category": ["b", "a"], "complaints": [3, 4]})
    counts = reduce_tables(tables_from_frames(volumes=volumes))
    assert (counts.window.since, counts.window.as_of) == (date(2024, 2, 1), date(2024, 4, 30))
    assert counts.complaints.tolist() == [[0, 0, 4], [3, 0, 0]]
    assert not counts.has_customers


def test_complaints_alone_are_volumes(tables_from_frames):
    counts = reduce_tables(tables_from_frames(complaints=complaints_of(("a", date(2024, 2, 5), "x"))), window=YEAR)
    assert (counts.has_customers, counts.has_linked_complaints, int(counts.complaints[0, 1])) == (False, False, 1)


def test_customers_before_the_window_with_complaints_inside_are_volumes(tables_from_frames):
    tables = tables_from_frames(
        customers=people(("a", date(2020, 1, 1), date(2021, 1, 1))),
        complaints=complaints_of(("a", date(2024, 2, 5), "x")),
    )
    counts = reduce_tables(tables, window=YEAR)
    assert (counts.has_customers, int(counts.complaints.sum())) == (False, 1)


@pytest.mark.parametrize("frames", [{}, {"complaints": complaints_of(("a", date(2020, 2, 5), "x"))}])
def test_nothing_in_the_window_is_said(tables_from_frames, frames):
    customers = people(("a", date(2020, 1, 1), date(2021, 1, 1)))
    with pytest.raises(EvidenceError) as caught:
        reduce_tables(tables_from_frames(customers=customers, **frames), window=YEAR)
    assert caught.value.code == "nothing_in_window"


def test_no_day_at_all_is_said(tables_from_frames):
    with pytest.raises(EvidenceError) as caught:
        reduce_tables(tables_from_frames(customers=people().astype({"customer_id": str})))
    assert caught.value.code == "no_days"


def test_the_default_window_ends_on_the_last_day_and_begins_with_the_first_complaint(tables_from_frames):
    customers = people(("a", date(2020, 1, 1), date(2024, 5, 20)), ("b", date(2020, 1, 1), None))
    with_complaints = tables_from_frames(customers=customers, complaints=complaints_of(("b", date(2023, 2, 7), "x")))
    assert default_window(with_complaints) == ObservationWindow(date(2023, 2, 1), date(2024, 5, 20))
    assert default_window(tables_from_frames(customers=customers)) == ObservationWindow(date(2022, 5, 21), date(2024, 5, 20))


def test_many_segments_are_taken_together_by_size_then_name(tables_from_frames):
    sizes = {"d": 1, "c": 2, "b": 2, "a": 3, OTHER_NAMES: 9}
    rows = [(f"{name}{n}", date(2023, 1, 1), None, name, None) for name, size in sizes.items() for n in range(size)]
    counts = reduce_tables(tables_from_frames(customers=people(*rows)), window=YEAR, max_segments=3)
    assert counts.segments == ("a", "b", OTHER_NAMES)
    assert counts.grouped_segments == 3
    assert counts.customers_at_risk.tolist() == [3, 2, 12]


def test_segments_as_many_as_customers_give_the_same_totals(tables_from_frames):
    customers, complaints = random_company(5)
    customers["segment"] = customers["customer_id"] + "'s"
    many = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    customers["segment"] = ""
    one = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    assert len(many.segments) == 12
    for name in ("silent_person_days", "vocal_person_days", "silent_exits", "vocal_exits", "complainants_any"):
        np.testing.assert_array_equal(getattr(many, name).sum(axis=0), getattr(one, name)[0])


def test_many_categories_are_taken_together(tables_from_frames):
    customers = people(("a", date(2023, 1, 1), None), ("b", date(2023, 1, 1), None))
    rows = complaints_of(*(("a", date(2024, 1, 1 + n), name) for n, name in enumerate("xyyz")), ("b", date(2024, 2, 1), "z"))
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=rows), window=YEAR, max_categories=2)
    assert counts.categories == ("y", OTHER_NAMES)
    assert counts.grouped_categories == 2
    assert counts.vocal_customers.tolist() == [1, 2]


YEAR_2020 = ObservationWindow(date(2020, 1, 1), date(2020, 12, 31))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(tables_from_frames, seed):
    customers, complaints = random_company(seed)
    first = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    shuffled = {
        "customers": customers.sample(frac=1, random_state=seed),
        "complaints": complaints.sample(frac=1, random_state=seed),
    }
    second = reduce_tables(tables_from_frames(**shuffled), window=YEAR_2020)
    assert first.digest == second.digest
    assert write_counts(first) == write_counts(second)


def test_renaming_customers_changes_nothing(tables_from_frames):
    customers, complaints = random_company(1)
    first = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    for frame in (customers, complaints):
        frame["customer_id"] = frame["customer_id"].map(lambda name: name[::-1])
    assert reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020).digest == first.digest


def test_renaming_segments_and_categories_permutes_cells_and_nothing_else(tables_from_frames):
    customers, complaints = random_company(2)
    first = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    new = {"north": "zz", "south": "it's", "": "mm", "billing": "zz", "delivery": "mm", "staff": "it's"}
    renamed = {
        "customers": customers.assign(segment=customers.segment.map(new)),
        "complaints": complaints.assign(category=complaints.category.map(new)),
    }
    second = reduce_tables(tables_from_frames(**renamed), window=YEAR_2020)
    segment = [second.segments.index(new[name]) for name in first.segments]
    category = [second.categories.index(new[name]) for name in first.categories]
    np.testing.assert_array_equal(second.complainants[np.ix_(category, segment)], first.complainants)
    for name in ("silent_person_days", "silent_exits", "vocal_exits", "silent_exit_revenue", "complainants_any"):
        np.testing.assert_array_equal(getattr(second, name)[segment], getattr(first, name))


def test_scaling_revenue_scales_money_and_nothing_else(tables_from_frames):
    customers, complaints = random_company(3)
    first = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    customers["revenue"] *= 10
    second = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=YEAR_2020)
    np.testing.assert_allclose(second.silent_exit_revenue, 10 * first.silent_exit_revenue, rtol=1e-12)
    np.testing.assert_array_equal(second.silent_exits, first.silent_exits)


def test_the_tables_are_left_as_they_were(tables_from_frames):
    customers, complaints = random_company(4)
    tables = tables_from_frames(customers=customers, complaints=complaints)
    reduce_tables(tables, window=YEAR_2020)
    names = {name for (name,) in tables.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert names == {"customers", "complaints"}
    assert reduce_tables(tables, window=YEAR_2020).digest == reduce_tables(tables, window=YEAR_2020).digest


def test_a_parquet_file_with_duplicates_gives_the_counts_of_the_clean_one(tmp_path):
    """A view over a file becomes a table when rows of it are rejected; ids that need no trimming are passed on as they are."""
    customers, complaints = random_company(6)
    customers["segment"] = "all"
    digests = []
    for name, rows in (
        ("clean", customers),
        ("doubled", pd.concat([customers, customers[:7]])),
        ("padded", customers.assign(customer_id=customers.customer_id + " ")),
    ):
        paths = [tmp_path / f"{name}-{table}.parquet" for table in ("customers", "complaints")]
        for frame, path in zip((rows, complaints), paths, strict=True):
            frame.assign(**{day: pd.to_datetime(frame[day]) for day in frame if day.endswith("_date")}).to_parquet(path)
        tables, report = load_tables(*paths)
        with tables:
            digests.append(reduce_tables(tables, window=YEAR_2020).digest)
        assert report.rows["customers"].rejected == (7 if name == "doubled" else sum(customers.end_date < customers.start_date))
    assert len(set(digests)) == 1


def test_who_complained_within_half_a_year_before_the_window_did_not_leave_in_silence(tables_from_frames):
    """By default, as far as the file goes back; a mapping says otherwise."""
    customers = [("A", "2019-01-01", "2020-02-01"), ("B", "2019-01-01", "2020-02-01"), ("C", "2019-01-01", "2020-02-01")]
    complaints = [("A", "2019-08-01", "price"), ("B", "2019-06-01", "price")]
    tables = tables_from_frames(
        customers=pd.DataFrame(customers, columns=["customer_id", "start_date", "end_date"]),
        complaints=pd.DataFrame(complaints, columns=["customer_id", "complaint_date", "category"]),
    )
    year = ObservationWindow(date(2020, 1, 1), date(2020, 12, 31))
    assert year.look_back_days == 180
    assert reduce_tables(tables, window=year).silent_leavers == 2
    for days, silent in ((0, 3), (180, 2), (365, 1)):
        asked = looking_back(year, tables, MappingSet(look_back_days=days))
        assert asked is not None and asked.look_back_days == days
        assert reduce_tables(tables, window=asked).silent_leavers == silent
    assert looking_back(None, tables, MappingSet()) is None
