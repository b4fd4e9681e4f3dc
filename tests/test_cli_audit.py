"""`iceberg audit` from complaints to what the raters found, and `estimate --audit` beside an estimate that does not move."""

import csv
import io
import json
import stat
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from iceberg.cli.main import main
from tests.companies import write_company

MEANS = {"billing": (2.8, 2.6, 2.4), "delivery": (1.6, 0.8, 1.4)}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company, and the two filled sheets of an audit of its complaints: audit-1.csv, audit-2.csv."""
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north" if number % 3 else "south")
    assert main(["audit", "--complaints", str(folder / "complaints.csv"), "--draw", "40", "--out", str(folder / "audit.csv"), "--quiet"]) == 0
    fill(folder / "audit-1.csv", folder / "audit-2.csv")
    return folder


def fill(*paths: Path) -> None:
    """Give every case of a sheet scores around the true ones of its category."""
    rng, cases = np.random.default_rng(0), {}
    for path in paths:
        text = path.read_text(encoding="utf-8-sig")
        header, *rows = list(csv.reader(io.StringIO(text)))
        for row in rows:
            own = cases.setdefault(row[0], np.array(MEANS[row[1]]) + rng.normal(0, 0.6, 3))
            row[5:] = [str(int(np.clip(round(own[place // 4] + rng.normal(0, 0.3)), 0, 4))) for place in range(12)]
        target = io.StringIO()
        csv.writer(target).writerows([header, *rows])
        path.write_text(target.getvalue(), encoding="utf-8-sig")


def sheets(folder: Path, option: str = "--read") -> list[str]:
    return [part for rater in (1, 2) for part in (option, str(folder / f"audit-{rater}.csv"))]


def estimate(folder: Path, *options: str, name: str = "out.json") -> dict[str, object]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv")]
    assert main(["estimate", *files, "--json", str(folder / name), "--quiet", *options]) == 0
    return json.loads((folder / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_sheets_are_private_new_and_without_customers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_company(tmp_path, lambda number: f"C{number}")
    written_to = ["--out", str(tmp_path / "a.csv"), "--json", str(tmp_path / "d.json")]
    asked = ["audit", "--complaints", str(tmp_path / "complaints.csv"), "--draw", "30", *written_to]
    assert main([*asked, "--raters", "3", "--quiet"]) == 0
    said = "".join(capsys.readouterr())
    assert "30 cases drawn of 50" in said and "8 of them for two raters" in said and "named by their line" in said
    written = [(tmp_path / f"a-{rater}.csv") for rater in (1, 2, 3)]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written)
    text = "".join(path.read_text(encoding="utf-8-sig") for path in written)
    assert "line " in text and not any(f",C{number}," in text or f"\nC{number}," in text for number in range(300))
    document = json.loads((tmp_path / "d.json").read_text())
    assert document["drawn"] == 30 and document["scored_twice"] == 8 and sum(one["drawn"] for one in document["strata"]) == 30
    assert "line" not in (tmp_path / "d.json").read_text()
    before = [path.read_bytes() for path in written]
    assert main([*asked, "--raters", "3", "--quiet"]) == 2
    assert "a-1.csv is there already" in capsys.readouterr().err
    assert [path.read_bytes() for path in written] == before


def test_the_same_seed_draws_the_same_cases(tmp_path: Path) -> None:
    write_company(tmp_path, lambda number: f"C{number}")
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        asked = ["--complaints", str(tmp_path / "complaints.csv"), "--draw", "20", "--out", str(tmp_path / f"{name}.csv"), "--seed", seed, "--quiet"]
        assert main(["audit", *asked]) == 0
    first, second, other = ((tmp_path / f"{name}-1.csv").read_bytes() for name in "abc")
    assert first == second != other


@pytest.mark.parametrize(("language", "question"), [("en", "owned and apologised for"), ("fr", "assumé, avec des excuses")])
def test_a_workbook_has_the_questions_and_accepts_no_other_score(tmp_path: Path, language: str, question: str) -> None:
    write_company(tmp_path, lambda number: f"C{number}")
    out = tmp_path / "audit.xlsx"
    assert main(["audit", "--complaints", str(tmp_path / "complaints.csv"), "--draw", "20", "--out", str(out), "--lang", language, "--quiet"]) == 0
    book = load_workbook(tmp_path / "audit-2.xlsx")
    cases, guide = book.worksheets
    assert any(question in str(cell.value) for cell in cases[1]) and cases.max_column == 17
    [rule] = cases.data_validations.dataValidation
    assert (rule.type, rule.formula1, rule.formula2) == ("whole", "0", "4")
    assert "Colquitt 2001" in " ".join(str(row[0].value) for row in guide.rows)
    for number in (1, 2):
        path = tmp_path / f"audit-{number}.xlsx"
        book = load_workbook(path)
        for row in book.worksheets[0].iter_rows(min_row=2, min_col=6, max_col=17):
            for cell in row:
                cell.value = 3 if cell.row % 2 else 1
        book.save(path)
    read = ["--read", str(tmp_path / "audit-1.xlsx"), "--read", str(tmp_path / "audit-2.xlsx"), "--lang", language]
    assert main(["audit", *read, "--json", str(tmp_path / "a.json")]) == 0
    assert json.loads((tmp_path / "a.json").read_text())["audit"]["cases"] == 20


def test_what_was_scored_is_said_and_no_rater_is_named(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [*sheets(company), "--complaints", str(company / "complaints.csv"), "--json", str(company / "audit.json"), "--quiet"]
    assert main(["audit", *asked]) == 0
    said = capsys.readouterr().out
    assert "On “delivery”, customers were answered within the rules" in said.replace("\n", " ")
    assert "Not in this export: called back, reopened" in said.replace("\n  ", " ") and "Krippendorff" in said
    document = json.loads((company / "audit.json").read_text(encoding="utf-8"))
    audit = document["audit"]
    assert audit["raters"] == 2 and audit["cases"] == 40 and audit["scored_twice"] == 8
    scores = {one["category"]: one["scores"] for one in audit["categories"]}
    for category, truth in MEANS.items():
        for hum, value in zip(("humanity", "humility", "warmth"), truth, strict=True):
            assert abs(scores[category][hum]["median"] - value) < 0.5
    assert "rater_sd" in audit["hums"][0] and set(document) == {"schema_version", "seed", "audit", "tickets"}
    assert document["tickets"]["all"]["cases"] == 50


def test_the_audit_changes_no_byte_of_the_rest(company: Path) -> None:
    without, having = estimate(company), estimate(company, *sheets(company, "--audit"))
    audit = having.pop("audit")
    assert json.dumps(having) == json.dumps(without)
    assert isinstance(audit, dict) and {one["category"] for one in audit["categories"]} == {"billing", "delivery"}


def test_reports_and_the_brief_say_it(company: Path) -> None:
    page, brief = company / "report.html", company / "brief.html"
    estimate(company, *sheets(company, "--audit"), "--report", str(page))
    text = page.read_text(encoding="utf-8")
    assert "How complaints were answered" in text and "On “delivery”, customers were answered within the rules" in text
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv"), "--quiet"]
    asked = ["--cost", "delivery=1000", "--customer-value", "200", "--report", str(brief)]
    assert main(["decide", *files, *asked, *sheets(company, "--audit"), "--lang", "fr"]) == 0
    said = brief.read_text(encoding="utf-8")
    assert "Comment on leur a répondu" in said and "dans les règles" in said
    assert main(["decide", *files, *asked]) == 0
    assert "How they were answered" not in brief.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "ask for one of them"),
        (["--draw", "20", "--read", "a.csv"], "ask for one of them"),
        (["--draw", "20"], "--out audit.csv"),
        (["--draw", "20", "--complaints", "{complaints}"], "--out audit.csv"),
        (["--draw", "20", "--complaints", "{complaints}", "--out", "a.pdf"], ".csv, .xlsx"),
        (["--draw", "20", "--complaints", "{complaints}", "--out", "{folder}/none/a.csv"], "none"),
        (["--draw", "20", "--complaints", "{complaints}", "--out", "{folder}/a.csv", "--raters", "1"], "--raters"),
        (["--draw", "20", "--complaints", "{complaints}", "--out", "{folder}/a.csv", "--by", "Stage"], "“Stage” is no column"),
        (["--read", "{folder}/complaints.csv"], "Give the sheet with the columns as they were written"),
        (["--read", "{folder}/audit-1.csv"], "All scores are by one rater"),
        (["--read", "{folder}/audit-1.csv", "--lang", "fr"], "--lang en"),
        (["--read", "{folder}/audit-1.csv", "--reply-text", "Answer"], "Add --complaints FILE"),
        (["--read", "{folder}/audit-1.csv", "--column", "reopened"], "--column reopened=Reopens"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(company: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(company.iterdir())
    filled = [part.format(folder=company, complaints=company / "complaints.csv") for part in options]
    assert main(["audit", *filled]) == 2
    problem = capsys.readouterr().err
    assert said in problem or said.replace("“", '"').replace("”", '"') in problem
    assert sorted(company.iterdir()) == before


def test_a_category_that_the_complaints_do_not_have_stops_the_estimate(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.csv"
    path.write_text((company / "audit-1.csv").read_text(encoding="utf-8-sig").replace("delivery", "parcels"), encoding="utf-8")
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv"), "--quiet"]
    assert main(["estimate", *files, "--audit", str(path)]) == 2
    assert "parcels" in (problem := capsys.readouterr().err) and "billing, delivery" in problem
