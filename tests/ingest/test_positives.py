"""Files of good moments: their columns in both languages, and what is refused by name instead of being guessed."""

from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.errors import IcebergError
from iceberg.ingest.load import load_tables
from iceberg.ingest.recognise import recognise_table
from iceberg.ingest.rejected_rows import require_rows
from iceberg.ingest.tables import IngestReport
from iceberg.locale import LANGUAGES
from tests.companies import write_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}")
    return folder


def read(company: Path, text: str, name: str = "positives.csv") -> tuple[IngestReport, list[tuple[object, ...]]]:
    """The report, and the rows that are kept."""
    (company / name).write_text(text, encoding="utf-8")
    tables, report = load_tables(company / "customers.csv", company / "complaints.csv", positives=company / name)
    with tables:
        require_rows(report, None)
        rows = tables.connection.execute("SELECT customer_id, CAST(positive_date AS VARCHAR), positive_kind FROM positives ORDER BY ALL").fetchall()
    return report, rows


@pytest.mark.parametrize(
    "header",
    [
        "customer id,compliment date,kind", "client id,goodwill given at,gesture", "customer_id,call-back date,type",
        "account id,recognised at,reason",
        "N° client,Date du geste commercial,Nature du geste", "identifiant client,Rappelé le,Motif", "Code client,Date du compliment,Type",
        "client,Remercié le,Type de moment", "customer_id,date,kind",
    ],
)  # fmt: skip
def test_columns_are_found_in_both_languages(company: Path, header: str) -> None:
    _, rows = read(company, f"{header}\nC1,2024-05-31,geste\nC2,2024-06-01,\n")
    assert rows == [("C1", "2024-05-31", "geste"), ("C2", "2024-06-01", None)] or rows == [("C1", "2024-05-31", "geste"), ("C2", "2024-06-01", "")]


def test_a_kind_is_not_needed(company: Path) -> None:
    _, rows = read(company, "customer_id,called back at\nC1,2024-05-31\n")
    assert [row[:2] for row in rows] == [("C1", "2024-05-31")]


@pytest.mark.parametrize(
    ("name", "header", "table"),
    [
        ("positives.csv", "customer_id,date,kind", "positives"),
        ("gestes_commerciaux.csv", "N° client,Date,Type", "positives"),
        ("export.csv", "customer id,compliment date,kind", "positives"),
        ("complaints.csv", "customer_id,complaint_date,category", "complaints"),
        ("tickets.csv", "customer id,created at,type", "complaints"),
        ("events.csv", "customer_id,date,type", "events"),
        ("activity.csv", "customer_id,date", "activity"),
    ],
)
def test_a_file_is_recognised_as_good_moments_only_where_it_says_so(tmp_path: Path, name: str, header: str, table: str) -> None:
    cells = ",".join(("C1", "2024-05-31", "x")[: header.count(",") + 1])
    again = ",".join(("C1", "2024-06-30", "y")[: header.count(",") + 1])
    (tmp_path / name).write_text(f"{header}\n{cells}\n{again}\n", encoding="utf-8")
    assert recognise_table(tmp_path / name) == table


def test_rows_that_cannot_count_are_listed_with_their_rule(company: Path) -> None:
    bad = [",2024-05-31,a", "C2,,a", "C3,soon,a", "C4,2199-01-01,a", "C5,1850-01-01,a", "nobody,2024-05-31,a"]
    report, rows = read(company, "\n".join(["customer_id,compliment date,kind", "C1,2024-05-31,a", *bad, ""]))
    assert [row[0] for row in rows] == ["C1"]
    assert report.rows["positives"].read == 7 and report.rows["positives"].rejected == 6
    rules = {one.rule: one.rows for one in report.rules if one.table == "positives" and one.rejected}
    named = {"missing_customer_id", "missing_positive_date", "unparseable_date", "future_date", "implausible_date", "unknown_customer"}
    assert rules == dict.fromkeys(named, 1)
    unreadable = next(one for one in report.issues if one.table == "positives" and one.rule == "unparseable_date")
    assert (unreadable.line, unreadable.column, unreadable.value) == (5, "compliment date", "soon")


BAD = {
    "a missing column": ("customer_id,kind\nC1,compliment\n", ("positive_date", "day of the good moment", "jour du bon moment")),
    "no customer": ("compliment date,kind\n2024-05-31,compliment\n", ("customer_id",)),
    "dates that cannot be read": ("customer_id,compliment date\nC1,soon\nC2,later\n", ("compliment date", "soon")),
    "an empty file": ("", ("positives.csv",)),
    "nothing but a header": ("customer_id,compliment date,kind\n", ("positives.csv",)),
    "customers whom nobody knows": ("customer_id,compliment date\nX1,2024-05-31\nX2,2024-05-31\n", ("positives",)),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", BAD)
def test_bad_files_are_refused_by_name_in_both_languages(
    company: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: str, language: str
) -> None:
    monkeypatch.chdir(company)  # the proposal of a mapping is written where the command is run
    text, named = BAD[fault]
    with pytest.raises(IcebergError) as caught:
        read(company, text)
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv")]
    assert main(["estimate", *files, "--positives", str(company / "positives.csv"), "--quiet", "--lang", language]) != 0
    said = capsys.readouterr().err
    assert any(word in said for word in named), said
    assert caught.value.code and "Traceback" not in said
