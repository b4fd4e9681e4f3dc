"""``--report`` and ``compare`` on the command line: files that hold the same numbers as the screen, and what is said of the files read."""

import hashlib
import io
import json
from pathlib import Path

import openpyxl
import pypdf
import pytest

from iceberg.cli.arguments.options import Options
from iceberg.cli.source_names import name_files
from tests.test_cli import Command, company, run, two_files  # noqa: F401  # fixtures of the command line

PERIODS = ("--period", "2024-01:2024-12", "--period", "2025-01:2025-12")


def compare(folder: Path) -> list[object]:
    return ["compare", *two_files(folder)[1:], "--since", "2024-01-01", *PERIODS]


def test_one_run_writes_every_report_with_the_numbers_of_the_document(run: Command, company: Path) -> None:  # noqa: F811  # the fixtures
    names = ("report.pdf", "REPORT2.XLSX", "figures.csv", "page.html", "all.json", "berg.svg")
    done = run(*two_files(company), "--lang", "fr", "--json", "contract.json", *[part for name in names for part in ("--report", name)])
    assert done.status == 0
    document = json.loads(Path("contract.json").read_text(encoding="utf-8"))
    assert json.loads(Path("all.json").read_text(encoding="utf-8")) == document
    book = openpyxl.load_workbook("REPORT2.XLSX")
    heads, *rows = book.worksheets[1].iter_rows(values_only=True)
    found = {row[1]: row[heads.index("Départs silencieux, le plus probable")] for row in rows}
    assert found == {item["category"]: item["silent_churn"]["median"] for item in document["categories"]}
    text = "".join(page.extract_text() for page in pypdf.PdfReader("report.pdf").pages).replace("\n", "").replace("\u200b", "")
    for name in ("customers.csv", "complaints.csv"):
        assert name in text and hashlib.sha256((company / name).read_bytes()).hexdigest() in text.replace(" ", "")
    assert str(company) not in text


def test_the_same_command_writes_the_same_bytes(run: Command, company: Path) -> None:  # noqa: F811
    for name in ("a", "b"):
        assert run(*two_files(company), "--quiet", "--report", f"{name}.pdf").status == 0
    assert Path("a.pdf").read_bytes() == Path("b.pdf").read_bytes()


def test_volumes_alone_have_a_report(run: Command, company: Path) -> None:  # noqa: F811
    assert run("estimate", "--volumes", company / "volumes.csv", "--report", "r.pdf", "--report", "r.xlsx").status == 0
    assert 2 <= len(pypdf.PdfReader("r.pdf").pages) <= 4


def test_a_company_without_complaints_has_a_report_that_invents_nothing(run: Command, company: Path) -> None:  # noqa: F811
    names = ("r.pdf", "r.pptx", "r.xlsx", "r.csv", "r.html")
    done = run("estimate", "--customers", company / "customers.csv", "--quiet", *[part for name in names for part in ("--report", name)])
    assert done.status == 0
    assert "nothing to estimate" in "".join(page.extract_text() for page in pypdf.PdfReader("r.pdf").pages).replace("\n", " ")
    assert "silent_churn,customers,0,0,0" in Path("r.csv").read_text(encoding="utf-8-sig")


def test_two_periods_are_compared_in_words_and_as_a_document(run: Command, company: Path) -> None:  # noqa: F811
    done = run(*compare(company), "--category", "billing", "--json", "compared.json")
    assert done.status == 0
    assert done.out.startswith("“billing”:") and "P(fell)" in done.out and "1,000 customers at risk and month" in done.out
    document = json.loads(Path("compared.json").read_text(encoding="utf-8"))
    assert document["joint_draws"] is True and document["before"]["first_month"] == "2024-01"
    assert {item["category"] for item in document["categories"]} == {"billing", "delivery", "price"}
    assert all(0 <= item["probability_fell"] <= 1 for item in document["categories"])


def test_periods_estimated_apart_say_so(run: Command, company: Path) -> None:  # noqa: F811
    done = run(*compare(company), "--apart", "--lang", "fr", "--quiet", "--json", "apart.json")
    assert done.status == 0 and "séparément" in done.out
    assert json.loads(Path("apart.json").read_text(encoding="utf-8"))["joint_draws"] is False


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        (["--period", "2024-01:2024-06"], "Two periods"),
        (["--period", "2024-01:2024-06", "--period", "2024-13"], '"2024-13"'),
        (["--period", "2024-06:2024-01", "--period", "2025-01"], "2024-06:2024-01"),
        (["--period", "2024-01:2024-06", "--period", "2024-06:2024-09"], "share a month"),
        (["--period", "2019-01:2019-06", "--period", "2025-01:2025-06"], "2019-01:2019-06"),
        ([*PERIODS, "--category", "dragons"], "billing"),
        ([*PERIODS, "--report", "x.pptx"], "x.pptx"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_what_to_type(run: Command, company: Path, extra: list[str], named: str) -> None:  # noqa: F811
    done = run("compare", *two_files(company)[1:], "--quiet", "--since", "2024-01-01", *extra)
    assert done.status == 2 and named in done.err and "Traceback" not in done.err and done.out == ""


def test_files_are_named_without_folders_accounts_or_rows(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for number in (1, 2):
        (tmp_path / "parts" / f"part-{number}.csv").write_bytes(b"x" * number)
    (tmp_path / "book.xlsx").write_bytes(io.BytesIO(b"book").getvalue())
    options = Options(
        "estimate",
        "en",
        customers=str(tmp_path / "parts"),
        complaints=str(tmp_path / "book.xlsx") + "#Sheet",
        volumes=str(tmp_path / "parts" / "part-*.csv"),
        survey="-",
        events="postgresql://ada:secret@db.example/crm?table=ended&password=secret",
    )
    named = name_files(options)
    assert [(file.table, file.name) for file in named] == [
        ("customers", "part-1.csv"),
        ("customers", "part-2.csv"),
        ("complaints", "book.xlsx"),
        ("volumes", "part-1.csv"),
        ("volumes", "part-2.csv"),
        ("surveys", "stdin"),
        ("events", "postgresql://db.example/crm?table=ended"),
    ]
    assert named[1].sha256 == hashlib.sha256(b"xx").hexdigest() and named[1].size_bytes == 2
    assert "secret" not in str(named)
