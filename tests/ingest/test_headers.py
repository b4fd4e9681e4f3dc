"""The header is the line with names above numbers and days; a file without one is refused, and the error quotes no person."""

from datetime import date

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables

NOW = date(2026, 6, 30)
ROWS = "".join(f"{i},k{i},2024-01-{1 + i % 28:02d},,Ann Smith\n" for i in range(30))


@pytest.mark.parametrize(
    "text",
    [
        ",customer_id,start_date,end_date,name\n" + ROWS,  # pandas gives its row numbers no name
        "Unnamed: 0,customer_id,start_date,end_date,name\n" + ROWS,
        "n,customer_id,start_date,end_date,name\n" + ROWS.replace("\n", ",\n"),  # a separator at the end of the lines, none in the header
        "Export of customers\n\n,customer_id,start_date,end_date,name\n" + ROWS,
    ],
)
def test_a_header_that_names_not_every_column_is_still_the_header(text: str) -> None:
    tables, report = load_tables(UploadedBytes("c.csv", text.encode()), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT min(customer_id), min(start_date) FROM customers").fetchall() == [("k0", date(2024, 1, 1))]
    assert report.rows["customers"].kept == 30


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_without_a_header_is_refused_and_quotes_no_name(language: str) -> None:
    with pytest.raises(MappingError) as caught:
        load_tables(UploadedBytes("c.csv", ROWS.encode()), today=NOW)
    assert caught.value.code == "no_header"
    said = caught.value.message(language)
    assert "2024-01-01" in said
    assert "Ann" not in said
    assert "header_line" in said


def test_a_header_over_words_alone_is_the_first_line() -> None:
    rows = "".join(f"k{i},2024-01-05,Lyon\n" for i in range(9))
    tables, report = load_tables(UploadedBytes("c.csv", ("client id,date d'entrée,agence\n" + rows).encode()), today=NOW)
    tables.close()
    assert report.files[0].header_line == 1
    assert report.rows["customers"].kept == 9
