"""What is proven instead of asked must never change a verdict, a value or a count."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iceberg.ingest.load import load_tables
from iceberg.ingest.rules.rules import FINE, flags_sql
from iceberg.ingest.scan.single_pass import scan_rows

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)  # an example is small as it is
TODAY = date(2026, 7, 1)
DAYS = st.one_of(
    st.none(),
    st.dates(date(2020, 1, 1), date(2027, 1, 1)),
    st.sampled_from([date(1, 1, 1), date(1900, 1, 1), date(1970, 1, 1), TODAY, TODAY + timedelta(days=1)]),
)
# A frame cannot tell "no number" (NaN) from nothing: the tidy rows have both, where the difference decides nothing.
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from(["", " ", "null", "C-00000001 ", " C-00000002", "Total"]), st.integers(0, 9).map("C-{:09d}".format)),
        DAYS,
        DAYS,
        st.one_of(st.none(), st.sampled_from(["", " north", "north", "south"])),
        st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 12.5, 1e16, float("inf")])),
    ),
    min_size=1,
    max_size=12,
)
TIDY_ROWS = st.lists(
    st.tuples(
        st.integers(0, 99).map("C-{:09d}".format),
        st.dates(date(2020, 1, 1), date(2023, 1, 1)),
        st.one_of(st.none(), st.dates(date(2022, 1, 1), date(2026, 1, 1))),
        st.sampled_from(["north", "south"]),
        st.one_of(st.none(), st.sampled_from([0.0, 12.5, float("nan")])),
    ),
    min_size=2,
    max_size=12,
)


def _account(source: Path) -> tuple[object, ...]:
    tables, report = load_tables(source, today=TODAY)
    with tables:
        rows = tables.connection.sql("SELECT * FROM customers ORDER BY ALL").fetchall()
    issues = sorted((issue.rule, issue.line - (source.suffix == ".csv"), issue.rejected) for issue in report.issues)
    return rows, report.rows, sorted((count.rule, count.rows) for count in report.rules), issues


@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
@given(rows=st.one_of(ROWS, TIDY_ROWS))
def test_a_parquet_file_gets_the_verdicts_of_the_same_rows_in_a_table(tmp_path_factory, rows) -> None:
    """The Parquet file is judged through its bounds and in place; the frame row by row, in a table."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("bounds")
    names = ["customer_id", "start_date", "end_date", "segment", "revenue"]
    types = [pa.string(), pa.date32(), pa.date32(), pa.string(), pa.float64()]
    rows = [*rows, ("C-000000100", date(2021, 5, 4), date(2022, 3, 2), "north", 3.5)]  # by which the columns are recognised
    columns = [pa.array(list(values), type=kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
    table = pa.table(dict(zip(names, columns, strict=True)))
    pq.write_table(table, folder / "customers.parquet")
    frame = table.to_pandas(types_mapper={pa.date32(): pd.ArrowDtype(pa.date32()), pa.string(): pd.StringDtype()}.get)
    judged = _account(folder / "customers.parquet")
    tables, report = load_tables(frame, today=TODAY)
    with tables:
        assert judged[0] == tables.connection.sql("SELECT * FROM customers ORDER BY ALL").fetchall()
    assert judged[1] == report.rows
    assert judged[2] == sorted((count.rule, count.rows) for count in report.rules)


EDGES = [datetime(1970, 1, 1), datetime(1900, 1, 1)]
TYPED_DAYS = st.one_of(st.none(), st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)), st.sampled_from(EDGES))
TYPED_ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-3, 9)),
        TYPED_DAYS,
        TYPED_DAYS,
        st.one_of(st.none(), st.integers(-1, 2)),
        st.one_of(st.none(), st.sampled_from([Decimal("-1.00"), Decimal("0.00"), Decimal("12.50")])),
    ),
    max_size=12,
)
TIDY_TYPED_ROWS = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.datetimes(datetime(2020, 1, 1), datetime(2023, 1, 1)),
        st.one_of(st.none(), st.datetimes(datetime(2022, 1, 1), datetime(2026, 7, 1, 23))),
        st.integers(0, 2),
        st.just(Decimal("3.50")),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, phases=UNSHRUNK)
@given(rows=st.one_of(TYPED_ROWS, TIDY_TYPED_ROWS), id_type=st.sampled_from([pa.int64(), pa.decimal128(18, 0), pa.int16()]))
def test_whole_numbers_and_timestamps_get_the_verdicts_of_their_texts(tmp_path_factory, rows, id_type) -> None:
    """Ids and segments that are numbers, days that are timestamps, amounts that are decimals: as a warehouse writes them."""
    folder = tmp_path_factory.mktemp("typed")
    names = ["customer_id", "start_date", "end_date", "segment", "revenue"]
    rows = [*rows, (100, datetime(2021, 5, 4, 7), datetime(2022, 3, 2), 1, Decimal("3.50"))]  # by which the columns are recognised
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    typed = (id_type, pa.timestamp("us"), pa.timestamp("us"), pa.int32(), pa.decimal128(12, 2))
    pq.write_table(pa.table({name: pa.array(columns[name], kind) for name, kind in zip(names, typed, strict=True)}), folder / "typed.parquet")
    written = {
        name: pa.array([None if value is None else str(value).split(" ")[0] for value in columns[name]], pa.string())
        for name in ("customer_id", "start_date", "end_date", "segment")
    }
    written["revenue"] = pa.array([None if value is None else float(value) for value in columns["revenue"]], pa.float64())
    pq.write_table(pa.table(written), folder / "written.parquet")
    assert _account(folder / "typed.parquet") == _account(folder / "written.parquet")


@settings(max_examples=80, deadline=None, phases=UNSHRUNK)
@given(rows=ROWS, live=st.sampled_from(["FALSE", "customer_id_parsed = 'C-000000001'"]))
def test_a_row_called_fine_breaks_no_rule(rows, live) -> None:
    """`FINE` only saves work: with it and without it every row has the same flags."""
    names = ("customer_id", "start_date", "end_date", "segment", "revenue")
    headers = {name: name for name in names}
    given_today = f"DATE '{TODAY}'"
    arguments = {"today": given_today, "headers": headers, "text_fields": frozenset({"customer_id", "segment"}), "live": live}
    quick = flags_sql("customers", **arguments)
    assert FINE["customers"].split(" ")[0] in quick
    slow = flags_sql("customers", **arguments, silent={("no such rule", "")})
    kinds = dict(zip(names, ("VARCHAR", "DATE", "DATE", "VARCHAR", "DOUBLE"), strict=True))
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE given ({', '.join(f'{name}_text {kind}' for name, kind in kinds.items())})")
        connection.executemany("INSERT INTO given VALUES (?, ?, ?, ?, ?)", rows)
        parsed = ", ".join(
            f"nullif(trim({n}_text), '') AS {n}_parsed" if kinds[n] == "VARCHAR" else f"{n}_text AS {n}_parsed" for n in names
        )
        blank = ", ".join(f"{n}_parsed IS NULL AS {n}_blank" for n in names)
        inner = f"SELECT *, {blank} FROM (SELECT *, {parsed} FROM given)"
        differing = f"SELECT * FROM (SELECT {quick} AS quick, {slow} AS slow FROM ({inner})) WHERE quick IS DISTINCT FROM slow"
        assert connection.sql(differing).fetchall() == []


def test_equal_ids_are_seen_wherever_they_stand() -> None:
    """In the first batch and the last, and many times over; none where all differ."""
    with duckdb.connect() as connection:
        rows = "SELECT CASE WHEN i = {same} THEN 'C7' ELSE 'C' || i END AS customer_id, 0 AS flags FROM range(1500000) AS numbers(i)"
        for same, repeats in ((7, False), (0, True), (1_499_999, True)):
            connection.execute(f"CREATE OR REPLACE VIEW given AS {rows.format(same=same)}")
            found = scan_rows(connection, "given", reject_mask=1)
            assert (found.repeats, found.flags) == (repeats, {0: 1_500_000})
        connection.execute("CREATE OR REPLACE VIEW given AS SELECT 'same' AS customer_id, 0 AS flags FROM range(5000)")
        assert scan_rows(connection, "given", reject_mask=1).repeats
        connection.execute("CREATE OR REPLACE VIEW given AS SELECT 'same' AS customer_id, 1 AS flags FROM range(5000)")
        assert not scan_rows(connection, "given", reject_mask=1).repeats
