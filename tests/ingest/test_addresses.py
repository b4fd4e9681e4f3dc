"""Addresses of tables: what is shown of them, and how rows of changing types become one file."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import iceberg
from iceberg.errors import FileError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.remote import batches
from iceberg.ingest.remote.adbc import _arguments, _quoted
from iceberg.ingest.remote.address import is_address, parse_address
from iceberg.ingest.remote.batches import batch_of_rows, write_parquet
from iceberg.ingest.remote.lake import _delta_options, _iceberg_properties, _location
from iceberg.ingest.remote.object_store import filesystem_of, path_of

PACKAGE = Path(iceberg.__file__).parent
SECRETS = ("s3cr3t", "AKID", "t0ken")
ADDRESSES = (
    # address, what an error shows, what a report shows
    ("mysql://ana:s3cr3t@db:3306/crm?table=c", "mysql://ana:***@db:3306/crm?table=c", "mysql://db/crm?table=c"),
    ("databricks://token:s3cr3t@h/?http_path=/sql/1&access_token=t0ken&table=c", None, "databricks://h/?http_path=/sql/1&table=c"),
    ("s3://AKID:s3cr3t@exports/a b.csv?region=eu-west-3", "s3://***@exports/a b.csv?region=eu-west-3", "s3://exports/a b.csv?region=eu-west-3"),
    ("abfs://raw@acc.dfs.core.windows.net/c.parquet?sas=t0ken", None, "abfs://raw@acc.dfs.core.windows.net/c.parquet"),
    ("delta+s3://AKID:s3cr3t@lake/c?version=3", "delta+s3://***@lake/c?version=3", "delta+s3://lake/c?version=3"),
    ("adbc+snowflake://ana:s3cr3t@acc/db/public?warehouse=w&private_key=t0ken&table=c", None, "adbc+snowflake://acc/db/public?warehouse=w&table=c"),
    ("iceberg://prod?table=crm.customers", "iceberg://prod?table=crm.customers", "iceberg://prod?table=crm.customers"),
    ("sqlite:////var/crm.db?query=SELECT 's3cr3t' FROM c", "sqlite:////var/crm.db", "sqlite:////var/crm.db?query=query-f8f5b2bc"),
)


@pytest.mark.parametrize(("text", "shown", "published"), ADDRESSES)
def test_nothing_secret_is_shown_of_an_address(text: str, shown: str | None, published: str) -> None:
    address = parse_address(text)
    assert shown is None or address.shown == shown
    assert address.published.partition("query-")[0] == published.partition("query-")[0]
    reason = address.reason(OSError(f"no way to {text} nor to {address.user}:{address.password} with {dict(address.options)}"))
    for said in (address.shown, address.published, address.name, repr(address), *([] if "query" in text else [reason])):
        assert all(secret not in said for secret in SECRETS)


@pytest.mark.parametrize("password", ["pa/sZ", "pa?sZ", "pa#sZ", "12/sZ", "12?Z", "12#Z"])
def test_a_password_that_breaks_its_address_is_not_shown(password: str) -> None:
    with pytest.raises(FileError) as caught:
        parse_address(f"mysql://ana:{password}@db/crm?table=c")
    assert caught.value.code == "address_unreadable"
    assert password[-1:] not in caught.value.message("en").partition("Write")[0]


def test_files_are_no_addresses() -> None:
    assert not any(map(is_address, ("customers.csv", "C://exports/c.csv", "/a/b://c", "-", "spark:crm.customers", "")))
    assert parse_address("s3://b/book.xlsx?region=x#Sheet 2").sheet == "Sheet 2"
    assert parse_address("postgresql://h1:5432,h2:5433/crm?table=c").shown == "postgresql://h1:5432,h2:5433/crm?table=c"
    assert parse_address("sqlite:///c.db?query=SELECT a\nFROM t").option("query") == "SELECT a FROM t"


def test_the_password_comes_from_the_address_then_from_the_variable_it_names_then_from_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_DATABASE_PASSWORD", "usual")
    monkeypatch.setenv("CRM", "own")
    assert parse_address("mysql://ana:a%40b@db/crm").password == "a@b"
    assert parse_address("mysql://ana@db/crm?password_env=CRM").password == "own"
    assert parse_address("mysql://ana@db/crm").password == "usual"


def test_stores_and_warehouses_are_opened_where_the_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that no test reaches: their drivers get what their own documentation asks for."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AZURE_STORAGE_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    google = parse_address("gs://bucket/f/c.csv?anonymous=1&endpoint=http://127.0.0.1:9")
    azure = parse_address("abfs://raw@acc.dfs.core.windows.net/c.csv")
    assert (filesystem_of(google).type_name, path_of(google)) == ("gcs", "bucket/f/c.csv")
    assert (filesystem_of(azure).type_name, path_of(azure)) == ("abfs", "raw/c.csv")
    snowflake = parse_address("adbc+snowflake://ana:a%2Fb@acc/db/public?warehouse=w&table=customers")
    assert _arguments(snowflake, "snowflake") == {"uri": "ana:a%2Fb@acc/db/public?warehouse=w"}
    quoted = {name: _quoted(name, "snowflake") for name in ("customers", "CUSTOMERS", "Customers", "c d")}
    assert quoted == {"customers": "customers", "CUSTOMERS": "CUSTOMERS", "Customers": '"Customers"', "c d": '"c d"'}
    bigquery = parse_address("adbc+bigquery://project/crm?table=customers")
    assert _arguments(bigquery, "bigquery") == {"db_kwargs": {"adbc.bigquery.sql.project_id": "project", "adbc.bigquery.sql.dataset_id": "crm"}}
    lake = parse_address("delta+s3://AKID:s3cr3t@lake/c?region=eu-west-3&endpoint=http://127.0.0.1:9")
    assert _location(lake) == "s3://lake/c"
    wanted = {"aws_access_key_id": "AKID", "aws_endpoint": "http://127.0.0.1:9", "aws_allow_http": "true"}
    assert wanted.items() <= (_delta_options(lake) or {}).items()
    assert _iceberg_properties(lake)["s3.endpoint"] == "http://127.0.0.1:9"


def written(tmp_path: Path, *parts: list[tuple[object, ...]]) -> pa.Table:
    """What the file holds of batches with one column each."""
    number = count()
    path = tmp_path / "target.parquet"
    rows = write_parquet([batch_of_rows(["a"], part) for part in parts], path, lambda: tmp_path / f"{next(number)}.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["target.parquet"]
    found = pq.read_table(path)
    assert found.num_rows == rows == sum(map(len, parts))
    return found


KEY = UUID("12345678123456781234567812345678")
TYPES = (
    # batches, type, values
    ([[1], [None], [2**40]], pa.int64(), [1, None, 2**40]),
    ([[None], [None]], pa.string(), [None, None]),
    ([[None], [7]], pa.int64(), [None, 7]),
    ([[1], [2**64 - 1]], pa.decimal128(38, 0), [Decimal(1), Decimal(2**64 - 1)]),
    ([[1], [0.5]], pa.float64(), [1.0, 0.5]),
    ([[1], ["C-2"], [3]], pa.string(), ["1", "C-2", "3"]),
    ([[1, "C-2"], [Decimal("1.50")]], pa.string(), ["1", "C-2", "1.50"]),
    ([[Decimal("1.50")], [Decimal("1.255")]], pa.decimal128(38, 3), [Decimal("1.500"), Decimal("1.255")]),
    ([[Decimal(10**37)], [Decimal("0.25")]], pa.string(), [str(10**37), "0.25"]),
    ([[date(2024, 1, 2)], [datetime(2024, 1, 3, 4, 5)]], pa.timestamp("us"), [datetime(2024, 1, 2), datetime(2024, 1, 3, 4, 5)]),
    ([[date(2024, 1, 2)], ["0000-00-00"]], pa.string(), ["2024-01-02", "0000-00-00"]),
    ([[b"\x01", None], [b"\x00"]], pa.bool_(), [True, None, False]),
    ([[KEY], [timedelta(hours=1)]], pa.string(), [str(KEY), "1:00:00"]),
    ([[True], [2]], pa.string(), ["true", "2"]),
    ([[{"a": "é"}], [[1]]], pa.string(), ['{"a": "é"}', "[1]"]),
)


@pytest.mark.parametrize(("parts", "kind", "values"), TYPES)
def test_a_column_gets_the_narrowest_type_that_holds_all_of_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[list[object]], kind: pa.DataType, values: list[object]
) -> None:
    """However they come in parts, and whether or not a row group was written in between."""
    for rows in (1, 1000):
        monkeypatch.setattr(batches, "_GROUP_ROWS", rows)
        found = written(tmp_path, *[[(value,) for value in part] for part in parts])
        assert (found.schema.field("a").type, found.column("a").to_pylist()) == (kind, values)


def test_columns_of_one_name_are_numbered_and_no_rows_leave_a_header(tmp_path: Path) -> None:
    assert batch_of_rows(["a", "b", "a"], [(1, 2, 3)]).schema.names == ["a", "b", "a_2"]
    write_parquet([batch_of_rows(["a", "b"], [])], tmp_path / "t.parquet", lambda: tmp_path / "p")
    assert pq.read_table(tmp_path / "t.parquet").schema.names == ["a", "b"]


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    def breaking() -> object:
        yield batch_of_rows(["a"], [(1,)] * 300_000)
        yield batch_of_rows(["a"], [("x",)])
        raise OSError("the connection is gone")

    number = count()
    with pytest.raises(OSError, match="gone"):
        write_parquet(breaking(), tmp_path / "t.parquet", lambda: tmp_path / f"{next(number)}.parquet")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_day_of_a_time_in_a_zone_does_not_depend_on_the_machine(tmp_path: Path) -> None:
    """It is the day in UTC, or in the zone that the mapping names; the reading says which."""
    assert connect().execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
    late = datetime(2024, 4, 30, 23, 30, tzinfo=UTC)
    pq.write_table(pa.table({"customer_id": ["A"], "start_date": pa.array([late], pa.timestamp("us", "UTC"))}), tmp_path / "c.parquet")
    columns = {name: FieldChoice(name, name) for name in ("customer_id", "start_date")}
    mapping = MappingSet({"customers": ColumnMapping("customers", columns, time_zone="Europe/Paris")})
    for given, day, zone in ((None, date(2024, 4, 30), "UTC"), (mapping, date(2024, 5, 1), "Europe/Paris")):
        tables, report = load_tables(tmp_path / "c.parquet", mapping=given, today=date(2026, 7, 1))
        with tables:
            assert tables.connection.sql("SELECT start_date FROM customers").fetchall() == [(day,)]
        assert report.files[0].time_zones == {"start_date": zone}


def test_the_dashboard_opens_no_address() -> None:
    """Who reaches a page must not make the server reach a database: only the command line and Python take addresses."""
    for path in (PACKAGE / "ui").rglob("*.py"):
        names = {name.module or "" for name in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(name, ast.ImportFrom)}
        assert not any(name.startswith("iceberg.ingest.remote") for name in names), path
