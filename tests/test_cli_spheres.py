"""`iceberg spheres` writes the sheet, `estimate --spheres` sets it beside an estimate that does not move, and says what cannot be right and where."""

import csv
import html
import io
import json
from pathlib import Path

import pytest

from iceberg.cli.main import main
from tests.companies import write_company

HEADER = "category,promise_value,promise_unit,target,priority_rank,believed_leavers,expected_value"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of two categories whose complaints say which were closed in time."""
    folder = write_company(tmp_path_factory.mktemp("company"), lambda number: f"C{number}")
    path = folder / "complaints.csv"
    header, *rows = path.read_text().splitlines()
    marked = [f"{row},{'no' if place % 3 == 0 else 'yes'}" for place, row in enumerate(rows)]
    path.write_text("\n".join([f"{header},in time", *marked]) + "\n")
    return folder


def sheet(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "sheet.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def estimate(folder: Path, *options: str) -> dict[str, object]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv")]
    assert main(["estimate", *files, "--json", str(folder / "out.json"), "--quiet", *options]) == 0
    return json.loads((folder / "out.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_sheet_has_the_categories_and_is_read_back_in_its_language(company: Path, tmp_path: Path, language: str) -> None:
    out = tmp_path / "spheres.csv"
    asked = ["spheres", "--complaints", str(company / "complaints.csv"), "--out", str(out), "--lang", language, "--quiet"]
    assert main(asked) == 0
    delimiter = ";" if language == "fr" else ","
    header, *rows = list(csv.reader(io.StringIO(out.read_text(encoding="utf-8-sig")), delimiter=delimiter))
    assert len(header) == 7 and {row[0] for row in rows} == {"billing", "delivery"}
    assert main(asked) == 2  # it may have been filled in
    rows[0][3] = "90"
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
    found = estimate(company, "--spheres", str(out))["spheres"]
    assert isinstance(found, dict) and [one["target"] for one in found["categories"]] == [0.9]


def test_the_sheet_changes_no_byte_of_the_rest_and_is_said(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = sheet(company, "billing,95,percent,90,1,5,", "Delivery,5,days,,2,2,3")
    page = company / "report.html"
    without = estimate(company)
    capsys.readouterr()
    having = estimate(company, "--spheres", str(given), "--report", str(page))
    found = having.pop("spheres")
    assert json.dumps(having) == json.dumps(without)
    said = capsys.readouterr().out
    assert "Promised, aimed at, believed, and lived" in said and "Promised, aimed at, believed, and lived" in page.read_text(encoding="utf-8")
    assert isinstance(found, dict) and found["agreement"] is None and found["agreement_unknown"] == "few_ranked"
    billing, delivery = found["categories"]
    assert delivery["category"] == "delivery" and delivery["standards_gap"] == 2
    assert delivery["cannot_be_told"]["promise"] == "no_durations" and delivery["cannot_be_told"]["target"] == "blank"
    assert billing["target_gap"]["lower"] < billing["target_gap"]["median"] < 0
    assert billing["promise_gap"]["median"] == pytest.approx(billing["target_gap"]["median"] - 0.05, abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["parcels,,,90,,,"], ["line 2", "category", "parcels", "billing, delivery"]),
        (["billing,,,,1,,", "delivery,,,,1,,"], ["line 3", "priority_rank", "sheet.csv, 2"]),
        (["billing,,,90,,,", "billing,,,80,,,"], ["line 3", "category", "sheet.csv, 2"]),
        (["billing,5,,,,,"], ["line 2", "promise_value", "promise_unit", "days, hours, percent"]),
        (["billing,5,moons,,,,"], ["line 2", "promise_unit", "moons"]),
        (["billing,,,0.9,,,"], ["line 2", "target", "0.9", "Write 90"]),
        (["billing,,,,1.5,,"], ["line 2", "priority_rank", "1.5"]),
        (["billing,,,,0,,"], ["line 2", "priority_rank"]),
        (['billing,,,,,"1,200",'], ["line 2", "believed_leavers", "1,200"]),
        (['billing,"1,200",days,,,,'], ["line 2", "promise_value", "two ways"]),
        (["billing,many,days,,,,"], ["line 2", "promise_value", "many"]),
        ([",,,90,,,"], ["line 2", "category", "empty"]),
        (["billing,,,,,,", "delivery,,,,,,"], ["sheet.csv", "says anything yet"]),
    ],
)
def test_a_cell_that_cannot_be_right_is_named(
    company: Path, tmp_path: Path, rows: list[str], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv"), "--quiet"]
    assert main(["estimate", *files, "--spheres", str(sheet(tmp_path, *rows))]) == 2
    problem = capsys.readouterr().err.replace("“", '"').replace("\n", " ")
    assert [part for part in said if part not in problem] == []


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("category,priority", "is no column of this sheet"),
        ("category,target,target closed in time (%)", "stands in column 2"),
        ("target,priority_rank", 'no column "category"'),
    ],
)
def test_a_header_that_is_none_is_named(company: Path, tmp_path: Path, header: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv"), "--quiet"]
    assert main(["estimate", *files, "--spheres", str(sheet(tmp_path, ",".join(["90"] * len(header.split(","))), header=header))]) == 2
    assert said in capsys.readouterr().err.replace("“", '"').replace("”", '"').replace("\n", " ")


@pytest.mark.parametrize(
    ("language", "label", "said"),
    [
        ("en", "What we say of it", ["Said against lived: 95% promised to be closed", "so the promise is broken", "90% aimed at", "5 believed"]),
        ("fr", "Ce que nous en disons", ["Dit et vécu : 95 % promis", "la promesse n’est donc pas tenue", "90 % visés", "5 départs silencieux"]),
    ],
)
def test_the_brief_of_a_category_says_the_sheet_against_what_was_lived(
    company: Path, tmp_path: Path, language: str, label: str, said: list[str]
) -> None:
    """The sheet as a workbook, as spreadsheets hand it back; a category that it leaves out has no line."""
    import xlsxwriter

    path, brief = tmp_path / "sheet.xlsx", tmp_path / "brief.html"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        for line, cells in enumerate([HEADER.split(","), ["billing", 95, "percent", 90, 1, 5, ""]]):
            page.write_row(line, 0, cells)
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv"), "--spheres", str(path)]
    costs = ["--cost", "billing=1000", "--cost", "delivery=1000", "--customer-value", "200", "--quiet", "--lang", language]
    assert main(["decide", *files, *costs, "--report", str(brief), "--category", "billing"]) == 0
    text = " ".join(html.unescape(brief.read_text(encoding="utf-8")).replace("\u202f", " ").replace("\xa0", " ").split())
    assert label in text and [part for part in said if part not in text] == []
    assert main(["decide", *files, *costs, "--report", str(brief), "--category", "delivery"]) == 0
    assert label not in brief.read_text(encoding="utf-8")
