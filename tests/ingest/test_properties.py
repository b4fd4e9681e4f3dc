"""Whatever the cells hold: no crash, kept + rejected = read, and the order of rows changes nothing."""

from __future__ import annotations

import csv
import io
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iceberg.errors import IcebergError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import neutralise, rejected_rows_csv

NOW = date(2026, 6, 30)
DATES = st.one_of(
    st.dates(date(2019, 1, 1), date(2027, 12, 31)).map(lambda day: day.isoformat()),
    st.sampled_from(
        [
            "",
            "n/a",
            "0001-01-01",
            "1970-01-01",
            "9999-12-31",
            "2024-02-30",
            "soon",
            " 2024-05-05 ",
            "2024-05-05 10:00:00",
        ]
    ),
)
IDS = st.sampled_from(["A1", "A2", "A3", "a3", " A4", "0005", "", "NULL", "é", '"', "x,y", "l\nm"])
CUSTOMER_ROWS = st.lists(
    st.tuples(IDS, DATES, DATES, st.sampled_from(["", "b2b", "é;è"]), st.sampled_from(["", "1", "-1", "x", "1e3"])),
    min_size=1,
    max_size=25,
)
COMPLAINT_ROWS = st.lists(
    st.tuples(IDS, DATES, st.sampled_from(["", "late", " late ", "dear"])), min_size=1, max_size=25
)


def as_csv(headers: list[str], rows: list[tuple[str, ...]]) -> bytes:
    """A well-formed CSV."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(headers)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def load(customers: list[tuple[str, ...]], complaints: list[tuple[str, ...]]):
    """Both tables with the headers of the sample."""
    return load_tables(
        UploadedBytes(
            "customers.csv",
            as_csv(
                ["customer_id", "start_date", "end_date", "segment", "revenue"],
                [("Z", "2020-01-01", "", "", ""), *customers],
            ),
        ),
        UploadedBytes(
            "complaints.csv",
            as_csv(["customer_id", "complaint_date", "category"], [("Z", "2024-01-01", "late"), *complaints]),
        ),
        today=NOW,
        issues_per_rule=1000,
    )


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(CUSTOMER_ROWS, COMPLAINT_ROWS)
def test_kept_plus_rejected_is_read_and_every_rejected_row_is_shown(customers, complaints) -> None:
    """Exact per table; as many lines are shown as rows are rejected; accepted rows have the promised types."""
    try:
        tables, report = load(customers, complaints)
    except IcebergError as error:
        assert error.code in {"mapping_uncertain", "values_unreadable"}  # a column without a single date is not taken for one
        return
    with tables:
        for name, rows in (("customers", customers), ("complaints", complaints)):
            totals = report.rows[name]
            accepted = tables.connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            assert totals.read == totals.kept + totals.rejected == len(rows) + 1
            assert totals.kept == accepted
            assert (
                len({issue.line for issue in report.issues if issue.table == name and issue.rejected})
                == totals.rejected
            )
            assert (
                sum(count.rows for count in report.rules if count.table == name and count.rejected) >= totals.rejected
            )
        wrong = tables.connection.sql(
            "SELECT count(*) FROM customers "
            "WHERE start_date IS NULL OR end_date < start_date OR revenue < 0 OR customer_id IS NULL"
        ).fetchall()
        assert wrong == [(0,)]
        strays = tables.connection.sql(
            "SELECT count(*) FROM complaints k LEFT JOIN customers c USING (customer_id) "
            "WHERE c.start_date IS NULL OR complaint_date < start_date OR complaint_date > end_date"
        ).fetchall()
        assert strays == [(0,)]
        exported = list(
            csv.reader(io.StringIO(rejected_rows_csv(tables, repaired=False).decode("utf-8-sig"), newline=""))
        )
        assert len(exported) - 1 == sum(totals.rejected for totals in report.rows.values())


@SLOW
@given(CUSTOMER_ROWS, COMPLAINT_ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(customers, complaints, random) -> None:
    """Shuffled files give the same accepted rows, also where duplicates contradict each other."""

    def accepted(first: list[tuple[str, ...]], second: list[tuple[str, ...]]) -> object:
        try:
            tables, report = load(first, second)
        except IcebergError as error:
            return error.code
        with tables:
            rows = [
                sorted(map(repr, tables.connection.sql(f"SELECT * FROM {name}").fetchall()))
                for name in ("customers", "complaints")
            ]
        return rows, sorted((count.table, count.rule, count.rows) for count in report.rules)

    shuffled = random.sample(customers, len(customers)), random.sample(complaints, len(complaints))
    assert accepted(customers, complaints) == accepted(*shuffled)


def test_exported_cells_are_no_formulas() -> None:
    """A customer id that starts with = must not run in the analyst's spreadsheet; a signed number stays a number."""
    assert [neutralise(cell) for cell in ("=1+1", "+cmd", "-5", "@x", "-5,2", "C01", "")] == [
        "'=1+1",
        "'+cmd",
        "-5",
        "'@x",
        "-5,2",
        "C01",
        "",
    ]


def test_the_export_names_line_rule_and_remedy_in_the_readers_language() -> None:
    """One rejected and one repaired row, with the cells that were read and no others."""
    data = b"customer_id,start_date,revenue,name\n=A,2024-01-05,-3,Jane\nB,never,1,Joe\n"
    tables, _ = load_tables(UploadedBytes("clients.csv", data), today=NOW)
    with tables:
        text = rejected_rows_csv(tables, language="fr").decode("utf-8-sig")
        only = rejected_rows_csv(tables, language="fr", repaired=False).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["table", "file", "line", "outcome", "rule", "remedy", "customer_id", "start_date", "revenue"]
    assert rows[1][2:5] == ["2", "gardée, valeur mise de côté", "Chiffre d’affaires négatif"]
    assert rows[1][6:] == ["'=A", "2024-01-05", "-3"]
    assert rows[2][2:5] == ["3", "écartée", "Date illisible"]
    assert "Jane" not in text
    assert len(list(csv.reader(io.StringIO(only, newline="")))) == 2
