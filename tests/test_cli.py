"""The command line keeps its contract: exit codes, streams, files, both languages, and the library's numbers."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import iceberg
from iceberg.cli import main as cli
from iceberg.cli.arguments import options as cli_options
from iceberg.cli.main import main
from iceberg.ui.serving import launch
from tests.companies import company_after_a_migration, company_with_a_new_tool, company_with_cancellations, company_with_contracts, write_company

ROOT = Path(__file__).resolve().parents[1]
SEGMENTS = ("north", "south")
CATEGORIES = ("billing", "delivery", "price")


@dataclass(frozen=True)
class Run:
    """What one command did."""

    status: int
    out: str
    err: str


Command = Callable[..., Run]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs a command in an empty folder of its own, in an English terminal."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", cli.DEBUG_VARIABLE):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Run:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Run(status, printed.out, printed.err)

    return call


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company by hand: 400 customers over two years, every fourth left, one in eight complained."""
    folder = tmp_path_factory.mktemp("company")
    customers, complaints = (
        ["customer_id,start_date,end_date,segment,annual_revenue"],
        ["customer_id,complaint_date,category"],
    )
    for number in range(400):
        start = date(2024, 1, 1) + timedelta(days=number % 365)
        end = start + timedelta(days=60 + number % 300) if number % 4 == 0 else None
        customers.append(f"C{number:04d},{start},{end or ''},{SEGMENTS[number % 2]},{100 + number % 50}.5")
        if number % 8 == 0:
            day = start + timedelta(days=30 + number % 25)
            complaints.append(f"C{number:04d},{day},{CATEGORIES[number // 8 % 3]}")
    customers.append("C9999,2024-01-01,,north,120")  # keeps the window open to the same last day
    complaints.append("C9999,2025-12-31,price")
    (folder / "customers.csv").write_text("\n".join(customers) + "\n", encoding="utf-8")
    (folder / "complaints.csv").write_text("\n".join(complaints) + "\n", encoding="utf-8")
    volumes = (
        "month,category,complaints\n2025-01,billing,40\n2025-02,billing,35\n2025-01,delivery,12\n2025-02,delivery,9\n"
    )
    (folder / "volumes.csv").write_text(volumes, encoding="utf-8")
    return folder


def two_files(company: Path) -> list[object]:
    return ["estimate", "--customers", company / "customers.csv", "--complaints", company / "complaints.csv"]


def write_rows(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


# What it does


def test_demo_writes_the_three_files_of_the_sample_company(run: Command, tmp_path: Path) -> None:
    done = run("demo", "--out", tmp_path / "new" / "sample")
    assert done.status == 0
    assert {path.name for path in (tmp_path / "new" / "sample").iterdir()} == {
        "customers.csv",
        "complaints.csv",
        "truth.json",
    }
    truth = json.loads((tmp_path / "new" / "sample" / "truth.json").read_text(encoding="utf-8"))
    assert len(truth["categories"]) == 7


def test_demo_gives_the_same_bytes_again_and_never_overwrites_other_data(run: Command, tmp_path: Path) -> None:
    run("demo", "--out", "sample")
    before = {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()}
    assert run("demo", "--out", "sample").status == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "sample").iterdir()} == before
    (tmp_path / "sample" / "truth.json").write_text("mine", encoding="utf-8")
    refused = run("demo", "--out", "sample")
    assert (refused.status, "truth.json" in refused.err) == (2, True)
    assert (tmp_path / "sample" / "truth.json").read_text(encoding="utf-8") == "mine"


def test_estimate_prints_the_sentence_and_one_line_per_category(run: Command, company: Path) -> None:
    done = run(*two_files(company))
    assert done.status == 0
    assert "customers complained. About" in done.out.splitlines()[0]
    for category in (*CATEGORIES, "Total"):
        assert any(line.startswith(category) for line in done.out.splitlines())
    assert "1 January 2024" in done.out or "31 December 2025" in done.out


def test_progress_goes_to_standard_error_and_quiet_silences_it(run: Command, company: Path) -> None:
    loud, quiet = run(*two_files(company)), run(*two_files(company), "--quiet")
    assert "Counting" in loud.err
    assert quiet.err == ""
    assert quiet.out == loud.out


def test_json_holds_what_the_library_gives(run: Command, company: Path, tmp_path: Path) -> None:
    assert run(*two_files(company), "--seed", 3, "--json", "out.json").status == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    tables, report = iceberg.load_tables(company / "customers.csv", company / "complaints.csv")
    with tables:
        counts = iceberg.reduce_tables(tables)
    estimate = iceberg.estimate_iceberg(counts, seed=3)
    assert written["silent_leavers"] == estimate.silent_leavers == int(counts.silent_exits.sum())
    assert written["total"]["silent_churn"]["median"] == pytest.approx(estimate.total.silent_churn.median, abs=1e-6)
    by_name = {entry["category"]: entry for entry in written["categories"]}
    for entry in estimate.categories:
        assert by_name[entry.category]["silent_churn"]["upper"] == pytest.approx(entry.silent_churn.upper, abs=1e-6)
        assert by_name[entry.category]["probability_worst"] == pytest.approx(entry.probability_worst, abs=1e-6)
    assert written["rows"]["customers"] == {"read": 401, "kept": 401, "rejected": 0}
    assert written["rows"]["complaints"]["read"] == report.rows["complaints"].read


def test_the_same_seed_gives_the_same_bytes_and_row_order_does_not_matter(
    run: Command, company: Path, tmp_path: Path
) -> None:
    header, *rows = (company / "customers.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "customers.csv").write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    shuffled = ["estimate", "--customers", "customers.csv", "--complaints", company / "complaints.csv"]
    for name, arguments in (("a", two_files(company)), ("b", two_files(company)), ("c", shuffled)):
        assert run(*arguments, "--quiet", "--json", f"{name}.json").status == 0
    first, again, other_order = ((tmp_path / f"{name}.json").read_bytes() for name in "abc")
    assert first == again == other_order


def test_the_window_is_the_one_asked_for(run: Command, company: Path, tmp_path: Path) -> None:
    window = ("--since", "2024-06-01", "--as-of", "2025-05-31")
    done = run(*two_files(company), *window, "--json", "out.json")
    assert done.status == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (written["since"], written["as_of"]) == ("2024-06-01", "2025-05-31")
    # Only newcomers complain, and there are none from 2025 on: the days asked for are counted all the same, and the document says so.
    assert "months_kept_complaints" in {item["code"] for item in written["diagnostics"]}


def test_without_dates_the_window_is_the_24_months_before_the_last_date(
    run: Command, company: Path, tmp_path: Path
) -> None:
    run(*two_files(company), "--json", "out.json")
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (written["since"], written["as_of"]) == ("2024-01-01", "2025-12-31")


def test_the_ratio_horizon_and_seed_are_used(run: Command, company: Path, tmp_path: Path) -> None:
    for name, extra in (
        ("plain", []),
        ("ratio", ["--ratio", "2.5"]),
        ("horizon", ["--horizon-days", "30"]),
        ("seed", ["--seed", "8"]),
    ):
        assert run(*two_files(company), "--json", f"{name}.json", *extra).status == 0
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.json")}
    assert documents["seed"]["seed"] == 8
    prior = {name: entry["categories"][0]["silent_ratio"]["prior"]["median"] for name, entry in documents.items()}
    assert prior["ratio"] < prior["plain"]
    assert documents["horizon"]["categories"] != documents["plain"]["categories"]
    assert documents["seed"]["categories"] != documents["plain"]["categories"]
    assert documents["plain"]["total"]["folk_estimate"] == documents["ratio"]["total"]["folk_estimate"], (
        "25 stays the folk figure"
    )


def test_volumes_alone_are_an_assumption_and_say_so(run: Command, company: Path, tmp_path: Path) -> None:
    done = run("estimate", "--volumes", company / "volumes.csv", "--json", "out.json")
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (done.status, written["evidence_level"]) == (0, "0")
    assert written["silent_leavers"] is None, "unknown is null, not 0"
    assert written["rows"]["complaints"] == {"read": 4, "kept": 4, "rejected": 0}


def test_volumes_with_customers_are_capped_by_the_departures(run: Command, company: Path, tmp_path: Path) -> None:
    done = run(
        "estimate", "--customers", company / "customers.csv", "--volumes", company / "volumes.csv", "--json", "out.json"
    )
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (done.status, written["evidence_level"]) == (0, "1")
    assert written["total"]["silent_churn"]["upper"] <= written["silent_leavers"]


def test_every_file_kind_gives_the_same_document(run: Command, company: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(company / "customers.csv", dtype={"customer_id": str}, parse_dates=["start_date", "end_date"])
    frame.to_parquet(tmp_path / "customers.parquet")
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        pd.DataFrame({"read": ["me", "first"]}).to_excel(book, sheet_name="Notes", index=False)
        frame.assign(start_date=frame["start_date"].dt.date, end_date=frame["end_date"].dt.date).to_excel(
            book, sheet_name="CRM", index=False
        )
    with gzip.open(tmp_path / "customers.csv.gz", "wb") as file:
        file.write((company / "customers.csv").read_bytes())
    (tmp_path / "tabs.tsv").write_text(
        (company / "customers.csv").read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-8"
    )
    documents = []
    for source in (company / "customers.csv", "customers.parquet", "book.xlsx#CRM", "customers.csv.gz", "tabs.tsv"):
        done = run(
            "estimate",
            "--customers",
            source,
            "--complaints",
            company / "complaints.csv",
            "--json",
            "out.json",
            "--quiet",
        )
        assert done.status == 0, f"{source}: {done.err}"
        documents.append((tmp_path / "out.json").read_bytes())
    assert len(set(documents)) == 1


def test_check_accounts_for_every_row_and_never_estimates(run: Command, company: Path, tmp_path: Path) -> None:
    rows = ["A,2024-01-05,", "B,2024-01-05,2023-01-01", ",2024-01-05,", "D,not a date,", "E,2024-02-01,"]
    write_rows(tmp_path / "mine.csv", "customer_id,start_date,end_date", rows)
    done = run("check", "mine.csv")
    assert done.status == 0
    assert "5 rows read = 2 kept + 3 rejected" in done.out
    assert 'line 3, column end_date: "2023-01-01"' in done.out
    assert 'line 5, column start_date: "not a date"' in done.out
    assert "end_before_start" in done.out
    assert "What to do" in done.out
    assert "without telling you" not in done.out


def test_check_judges_complaints_against_their_customers(run: Command, company: Path, tmp_path: Path) -> None:
    rows = ["C0000,2024-02-15,billing", "C0000,2024-02-15,billing", "ZZ,2024-02-15,price", "C0000,2024-02-20,"]
    write_rows(tmp_path / "tickets.csv", "customer_id,complaint_date,category", rows)
    done = run("check", "tickets.csv", company / "customers.csv")
    assert done.status == 0
    assert "unknown_customer" in done.out
    assert 'line 4, column customer_id: "ZZ"' in done.out
    assert "duplicate_complaint" in done.out
    assert "blank_category" in done.out


def test_help_and_version_are_results(run: Command) -> None:
    assert run("--version").out == f"iceberg {iceberg.__version__}\n"
    for arguments in (["--help"], ["estimate", "--help"], ["check", "-h"], ["demo", "--help"], ["dashboard", "--help"]):
        done = run(*arguments)
        assert (done.status, done.err) == (0, "")
        assert done.out.startswith("usage: python -m iceberg")
    assert run("estimate", "--help", "--lang", "fr").out.startswith("usage\N{NO-BREAK SPACE}: python -m iceberg estimate")
    assert "dans un navigateur" in run("dashboard", "--help", "--lang", "fr").out


def test_dashboard_serves_on_the_port_and_hands_on_the_exit_status(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(launch, "run_dashboard", lambda *, port: asked.append(port) or 3)
    assert run("dashboard").status == 3
    assert run("dashboard", "--port", "8600").status == 3
    assert asked == [None, 8600]


def test_help_names_every_option_of_the_contract(run: Command) -> None:
    shown = run("estimate", "--help").out
    options = [
        "customers",
        "complaints",
        "volumes",
        "since",
        "as-of",
        "ratio",
        "horizon-days",
        "seed",
        "mapping",
        "lang",
        "json",
        "report",
        "quiet",
    ]
    assert [option for option in options if f"--{option}" not in shown] == []


def test_french_speaks_french_everywhere(run: Command, company: Path, tmp_path: Path) -> None:
    done = run(*two_files(company), "--lang", "fr", "--json", "out.json")
    assert "sans vous le dire" in " ".join(done.out.split())
    assert "Réclamants" in done.out
    assert "Lecture" in done.err
    assert "fichier" in run("estimate", "--customers", "rien.csv", "--lang", "fr").err.lower()
    assert "n’est pas une date" in run(*two_files(company), "--since", "hier", "--lang=fr").err
    assert "n’est pas une option" in run("--lang", "fr", "estimate", "--colour").err


def test_the_terminal_chooses_the_language_unless_lang_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli_options.choose_language([], {"LANG": "fr_FR.UTF-8"}) == "fr"
    assert cli_options.choose_language([], {"LC_ALL": "C", "LANG": "fr_FR.UTF-8"}) == "en"
    assert cli_options.choose_language(["estimate", "--lang", "en"], {"LANG": "fr_FR.UTF-8"}) == "en"
    assert cli_options.choose_language([], {}) == "en"


# The user's options


FILES_OF_NOWHERE = ("--customers", "a.csv", "--complaints", "b.csv")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "demo check estimate"),
        (["guess"], '"guess"'),
        (["demo"], "--out"),
        (["dashboard", "--port", "0"], "from 1 to 65535"),
        (["dashboard", "--port", "8o"], '"8o"'),
        (["dashboard", "8600"], '"8600"'),
        (["check"], "at least one file"),
        (["estimate"], "--customers"),
        (["estimate", "--survey", "x.csv"], "--customers"),
        (["estimate", "--customers"], "--customers needs a value"),
        (["estimate", "--customers", "a.csv", "--colour", "red"], '"--colour"'),
        (["estimate", "--customers", "a.csv", "stray.csv"], '"stray.csv"'),
        (["estimate", "--customers", "a.csv", "--complaints", "b.csv", "--volumes", "c.csv"], "--volumes"),
        (["estimate", "--customers", "-", "--complaints", "-"], "Standard input"),
        (["estimate", "--customers", "a.csv", "--since", "01/02/2025"], '"01/02/2025"'),
        (["estimate", "--customers", "a.csv", "--since", "20250102"], "2026-06-30"),
        (["estimate", "--customers", "a.csv", "--as-of", "2025-02-30"], '"2025-02-30"'),
        (["estimate", "--customers", "a.csv", "--since", "2025-03-01", "--as-of", "2025-02-01"], "later than"),
        (["estimate", "--customers", "a.csv", "--ratio", "0"], '"0"'),
        (["estimate", "--customers", "a.csv", "--ratio", "-3"], '"-3"'),
        (["estimate", "--customers", "a.csv", "--ratio", "nan"], '"nan"'),
        (["estimate", "--customers", "a.csv", "--ratio", "inf"], '"inf"'),
        (["estimate", "--customers", "a.csv", "--ratio", "many"], '"many"'),
        (["estimate", "--customers", "a.csv", "--horizon-days", "0"], "from 1 to 730"),
        (["estimate", "--customers", "a.csv", "--horizon-days", "1.5"], "from 1 to 730"),
        (["estimate", "--customers", "a.csv", "--horizon-days", "9999"], "from 1 to 730"),
        (["estimate", "--customers", "a.csv", "--seed", "-1"], '"-1"'),
        (["estimate", "--customers", "a.csv", "--seed", "x"], '"x"'),
        (["estimate", "--customers", "a.csv", "--lang", "de"], '"de"'),
        (["estimate", "--customers", "a.csv", "--quiet=yes"], "--quiet takes no value"),
        (["estimate", "--customers", "a.csv", "--report", "out.doc"], ".pdf, .pptx, .xlsx, .csv, .html"),
        (["estimate", "--customers", "a.csv", "--report", "nowhere/out.pdf"], "nowhere"),
        (["estimate", "--customers", "a.csv", "--report", "o.pptx", "--template", "none.potx"], "none.potx cannot be opened as a template"),
        (["estimate", "--customers", "a.csv", "--report", "o.pdf", "--template", "a.potx"], "Add --report FILE.pptx"),
        (["estimate", "--customers", "a.csv", "--report", "o.json", "--json", "o.json"], "o.json"),
        (["estimate", "--customers", "a.csv", "--json", "."], "not a file name"),
        (["decide", *FILES_OF_NOWHERE, "--cost", "x=1", "--report", "nowhere/b.pdf"], '"nowhere/b.pdf" cannot be written'),
        (["callback", *FILES_OF_NOWHERE, "--list", "nowhere/l.csv", "--i-may-see-names"], '"nowhere/l.csv" cannot be written'),
        (["estimate", "--customers", "a.csv", "--json", "nowhere/out.json"], "nowhere"),
        (["estimate", "--customers", "a.csv", "--json", "a.csv"], "overwrite"),
        (["estimate", "--customers", "a.csv", "--mapping", "none.toml"], "none.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_cannot_be_honoured_says_what_to_type(run: Command, arguments: list[str], named: str) -> None:
    done = run(*arguments)
    assert done.status == 2
    assert named in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1


# The user's files

BAD_FILES = {
    "nothing.csv": b"",
    "blank.csv": b"\n\n  \n",
    "header.csv": b"customer_id,start_date,end_date\n",
    "binary.csv": bytes(range(256)) * 20,
    "page.csv": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "one.csv": b"customer_id\nA\nB\n",
    "fake.xlsx": b"PK\x03\x04 this is no workbook",
    "fake.parquet": b"PAR1 this is no table PAR1",
    "fake.csv.gz": b"\x1f\x8b broken",
    "data.json": b'{"customers": []}',
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_file_that_is_no_table_is_named_with_what_to_do(
    run: Command, tmp_path: Path, name: str, language: str
) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    for arguments in (["estimate", "--customers", name, "--quiet"], ["check", name]):
        done = run(*arguments, "--lang", language)
        assert done.status == 2, done.err
        assert name in done.err
        assert "Traceback" not in done.err
        assert done.out == ""


def test_a_missing_file_and_a_folder_are_named(run: Command, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("gone.csv", "folder"):
        done = run("estimate", "--customers", name)
        assert (done.status, name in done.err) == (2, True)


def test_a_file_with_no_good_row_is_refused(run: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("customer_id,start_date,end_date\n,2024-01-05,\n,2024-01-06,\n", encoding="utf-8")
    done = run("estimate", "--customers", "bad.csv", "--quiet")
    assert (done.status, "bad.csv" in done.err) == (2, True)


def test_bad_rows_are_left_out_counted_and_the_rest_goes_on(run: Command, company: Path, tmp_path: Path) -> None:
    rows = (company / "customers.csv").read_text(encoding="utf-8")
    bad = ["C0001,2024-01-02,,north,1", "BAD1,2024-05-01,2024-01-01,north,1", "BAD2,someday,,north,1"]
    bad += ["BAD3,2099-01-01,,north,1", "BAD4,2024-05-01,,north,-9"]
    write_rows(tmp_path / "customers.csv", rows.rstrip(), bad)
    done = run(
        "estimate", "--customers", "customers.csv", "--complaints", company / "complaints.csv", "--json", "out.json"
    )
    assert done.status == 0
    counted = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["rows"]["customers"]
    assert counted["read"] == 406
    assert counted["kept"] + counted["rejected"] == counted["read"]
    assert counted["rejected"] >= 3
    assert "rejected" in done.err, "an estimate that left rows out says so"


def test_uncertain_columns_stop_with_a_proposal_that_can_be_completed(
    run: Command, company: Path, tmp_path: Path
) -> None:
    rows = (company / "customers.csv").read_text(encoding="utf-8")
    (tmp_path / "odd.csv").write_text(rows.replace("customer_id,start_date", "who,whence", 1), encoding="utf-8")
    arguments = ["estimate", "--customers", "odd.csv", "--complaints", company / "complaints.csv"]
    stopped = run(*arguments)
    assert stopped.status == 2
    assert "iceberg-mapping.toml" in stopped.err
    assert "odd.csv" in stopped.err
    proposal = (tmp_path / "iceberg-mapping.toml").read_text(encoding="utf-8")
    assert "who, whence" in proposal, "the columns to choose from stand in the file"
    completed = proposal.replace('customer_id = ""', 'customer_id = "who"').replace(
        'start_date = ""', 'start_date = "whence"'
    )
    (tmp_path / "mine.toml").write_text(completed, encoding="utf-8")
    done = run(*arguments, "--mapping", "mine.toml")
    assert done.status == 0, done.err
    assert run(*arguments).status == 2
    assert (tmp_path / "iceberg-mapping.toml").read_text(encoding="utf-8") == proposal, (
        "a proposal is never overwritten"
    )


def test_a_window_without_anyone_is_refused(run: Command, company: Path) -> None:
    done = run(*two_files(company), "--since", "1999-01-01", "--as-of", "1999-12-31", "--quiet")
    assert (done.status, "Traceback" in done.err, done.out) == (2, False, "")


# Faults, pipes, interruptions


def test_a_fault_of_ours_is_one_line_and_exit_1(run: Command, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("iceberg.model.estimate.estimate_iceberg", fail)
    done = run(*two_files(company), "--quiet", "--json", "out.json")
    assert done.status == 1
    assert len(done.err.strip().splitlines()) == 1
    assert "ZeroDivisionError in test_cli.py:" in done.err
    assert "a defect" not in done.err  # an exception's text can quote a customer's cell
    assert not Path("out.json").exists()
    monkeypatch.setenv(cli.DEBUG_VARIABLE, "1")
    assert "Traceback" in run(*two_files(company), "--quiet").err


def test_an_interruption_leaves_no_traceback(run: Command, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("iceberg.cohort.reduce.reduce_tables", stop)
    done = run(*two_files(company), "--quiet")
    assert (done.status, "Traceback" in done.err) == (130, False)


def test_json_is_whole_or_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A write that fails half-way leaves the file of last time as it was, and no rubbish beside it."""
    target = tmp_path / "out.json"
    target.write_text("last time", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(cli_options.UsageError, match="No space left"):
        cli.write_whole(target, b"{}")
    assert target.read_text(encoding="utf-8") == "last time"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def started(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in {"LC_ALL", "LANG", "LC_MESSAGES"}}
    command = [sys.executable, "-m", "iceberg", *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, input=given, capture_output=True, cwd=ROOT, env=environment, check=False, timeout=120
    )


def test_standard_input_is_a_file_too(company: Path) -> None:
    piped = started(
        "estimate",
        "--customers",
        "-",
        "--complaints",
        company / "complaints.csv",
        "--quiet",
        given=(company / "customers.csv").read_bytes(),
    )
    named = started(*two_files(company), "--quiet")
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == named.stdout


def test_a_reader_that_has_seen_enough_ends_it_quietly(company: Path) -> None:
    command = [sys.executable, "-m", "iceberg", *map(str, two_files(company)), "--quiet"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaint = process.stderr.read()
        assert process.wait(timeout=120) == cli.PIPE_CLOSED
    assert complaint == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a Linux device")
def test_a_full_disk_is_said_in_one_line(company: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "iceberg", *map(str, two_files(company)), "--quiet"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False, timeout=120)
    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_terminal_without_accents_gets_question_marks(company: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "iceberg", *map(str, two_files(company)), "--quiet", "--lang", "fr"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, check=False, timeout=120)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert b"?" in done.stdout


def test_two_encodings_stop_with_the_line_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Both readings are shown, a mapping is written, and using it settles the question."""
    monkeypatch.chdir(tmp_path)
    Path("klienti.csv").write_bytes("customer_id,start_date,segment\n1,2024-01-25,příliš žluťoučký\n".encode("cp1250"))
    assert main(["estimate", "--customers", "klienti.csv"]) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("příliš", "pøíliš", 'encoding = "cp1250"', "iceberg-mapping.toml"))
    assert 'encoding = "cp1250"' in Path("iceberg-mapping.toml").read_text()
    assert main(["check", "klienti.csv", "--mapping", "iceberg-mapping.toml"]) == 0
    assert "cp1250" in capsys.readouterr().out


def test_files_of_one_kind_are_checked_as_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files of customers, one with its columns in another order: one count of rows, both readings."""
    (tmp_path / "c-2025.csv").write_text("customer_id,start_date\n1,2024-01-05\n2,2024-01-06\n")
    (tmp_path / "c-2026.csv").write_text("start_date;customer_id\n2024-01-07;3\n")
    assert main(["check", str(tmp_path / "c-*.csv")]) == 0
    said = capsys.readouterr().out
    assert "c-2025.csv" in said
    assert "c-2026.csv" in said
    assert "3" in said


SAMPLE = Path(__file__).resolve().parents[1] / "data" / "en"


def written(folder: Path, customers: pd.DataFrame, complaints: pd.DataFrame) -> tuple[str | Path, ...]:
    """Two tables as files, and the words that estimate from them."""
    customers.to_csv(folder / "customers.csv", index=False)
    complaints.to_csv(folder / "complaints.csv", index=False)
    return ("estimate", "--customers", folder / "customers.csv", "--complaints", folder / "complaints.csv")


def test_months_that_are_no_evidence_leave_the_window_unless_an_option_or_the_mapping_keeps_them(run: Command, tmp_path: Path) -> None:
    customers, complaints = company_after_a_migration()
    (tmp_path / "mapping.toml").write_text("[window]\nkeep_months = true\n")
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    for more, first, code in (
        ((), "2025-03-01", "months_without_departures_before"),
        (("--keep-months",), "2024-07-01", "months_kept_departures"),
        (("--mapping", tmp_path / "mapping.toml"), "2024-07-01", "months_kept_departures"),
    ):
        done = run(*files, *more)
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert done.status == 0
        assert (document["schema_version"], document["since"], document["diagnostics"][0]["code"]) == (1, first, code)
        assert "28 February 2025" in document["diagnostics"][0]["message"]
        assert "28 February 2025" in " ".join(done.out.split()[:90])


def test_money_looks_as_far_ahead_as_the_options_or_the_mapping_say(run: Command, tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text("[money]\nmonths = 36\ndiscount = 0.1\n")
    write_company(tmp_path, lambda number: f"K{number:05d}", revenue=lambda number: str(100 + number % 7))
    lost = []
    for more in ((), ("--money-months", "36"), ("--money-months", "36", "--discount", "0.1"), ("--mapping", tmp_path / "mapping.toml")):
        files = ("--customers", tmp_path / "customers.csv", "--complaints", tmp_path / "complaints.csv", "--json", tmp_path / "out.json")
        done = run("estimate", *files, *more)
        assert done.status == 0
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        lost.append(document["total"]["revenue_lost"]["median"])
    usual, longer, discounted, mapped = lost
    assert usual < discounted < longer
    assert mapped == discounted


@pytest.mark.parametrize("typed", [("--discount", "5"), ("--discount", "5%"), ("--money-months", "0"), ("--split-categories", " ")])
def test_a_value_that_means_nothing_is_refused(run: Command, typed: tuple[str, str]) -> None:
    done = run("estimate", "--customers", SAMPLE / "customers.csv", *typed)
    assert done.status == 2
    assert typed[0] in done.err


def test_a_change_of_the_records_is_asked_about_until_an_option_or_the_mapping_answers(run: Command, tmp_path: Path) -> None:
    customers, complaints = company_with_a_new_tool()
    (tmp_path / "mapping.toml").write_text('[complaints]\nrecording_changes = ["2025-07-01"]\n[joining.merge_categories]\ninvoices = ["billing"]\n')
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    merge = ("--merge-category", "invoices=billing")
    for more, codes in (
        ((), {"recording_step_more", "recording_readings", "category_renamed"}),
        ((*merge, "--no-recording-change"), set()),
        ((*merge, "--recording-change", "2025-07-01"), {"recording_changed"}),
        (("--mapping", tmp_path / "mapping.toml"), {"recording_changed"}),
    ):
        done = run(*files, *more)
        assert done.status == 0
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        found = {one["code"]: one["message"] for one in document["diagnostics"] if one["code"].startswith(("recording_", "category_"))}
        assert set(found) == codes
        assert [name for name in ("billing", "invoices") if name in {one["category"] for one in document["categories"]}] == (
            ["invoices"] if more else ["billing", "invoices"]
        )
        if not more:
            said = " ".join(done.out.split())
            assert "did you change the ticket tool" in said[:900]
            assert '--merge-category "invoices=billing"' in found["category_renamed"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--recording-change", "July"), "--recording-change"),
        (("--recording-change", "2025-07-01:"), "--recording-change"),
        (("--recording-change", "2025-07-01", "--no-recording-change"), "contradict"),
        (("--merge-category", "billing"), "billing=invoices"),
    ],
)
def test_an_answer_about_the_records_that_cannot_be_meant_is_refused(run: Command, company: Path, typed: tuple[str, ...], said: str) -> None:
    done = run(*two_files(company), *typed)
    assert done.status == 2
    assert said in done.err


def test_the_look_back_is_an_option_and_a_key_of_the_mapping(run: Command, tmp_path: Path) -> None:
    """The same complaint before the window ends a silence, or does not."""
    rows = [f"{number},2023-01-01,2025-0{1 + number % 6}-15" for number in range(60)] + [f"{number},2023-01-01," for number in range(60, 200)]
    (tmp_path / "customers.csv").write_text("\n".join(["customer_id,start_date,end_date", *rows]))
    heard = ["0,2024-11-01,price", *(f"{number},2025-02-01,price" for number in range(100, 140))]
    (tmp_path / "complaints.csv").write_text("\n".join(["customer_id,complaint_date,category", *heard]))
    (tmp_path / "mapping.toml").write_text("[window]\nlook_back_days = 0\n")
    (tmp_path / "wrong.toml").write_text("[window]\nlook_back_days = -1\n")
    files = ("estimate", "--customers", tmp_path / "customers.csv", "--complaints", tmp_path / "complaints.csv")
    files = (*files, "--since", "2025-01-01", "--as-of", "2025-06-30", "--json", tmp_path / "out.json", "--quiet")
    for more, silent in (((), 59), (("--look-back-days", "0"), 60), (("--mapping", tmp_path / "mapping.toml"), 60)):
        assert run(*files, *more).status == 0
        assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["silent_leavers"] == silent
    refused = run(*files, "--mapping", tmp_path / "wrong.toml")
    assert refused.status == 2
    assert "look_back_days" in refused.err


def test_the_look_back_of_scores_is_an_option_and_a_key_of_the_mapping(run: Command, company: Path, tmp_path: Path) -> None:
    rows = [f"C{number:04d},2024-07-01,{number % 11}" for number in range(60)]
    (tmp_path / "scores.csv").write_text("\n".join(["customer_id,score_date,score", *rows]))
    (tmp_path / "mapping.toml").write_text("[window]\nscore_look_back_days = 60\n")
    (tmp_path / "wrong.toml").write_text("[window]\nscore_look_back_days = 20\n")
    files = (*two_files(company), "--scores", tmp_path / "scores.csv", "--json", tmp_path / "out.json", "--quiet")
    for more, days in (((), 180), (("--score-lookback-days", "60"), 60), (("--mapping", tmp_path / "mapping.toml"), 60)):
        assert run(*files, *more).status == 0
        assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["declared"]["lookback_days"] == days
    refused = run(*files, "--mapping", tmp_path / "wrong.toml")
    assert refused.status == 2
    assert "score_look_back_days" in refused.err and "30 - 730" in refused.err


def test_logged_cancellations_are_left_out_unless_an_option_or_the_mapping_keeps_them(run: Command, tmp_path: Path) -> None:
    customers, complaints = company_with_cancellations(80)
    (tmp_path / "mapping.toml").write_text("[categories]\nkeep_cancellations = true\n")
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    days = ("--since", "2025-01-01", "--as-of", "2025-12-31")
    for more, heard, code in (
        ((), [200, 120], "cancellations_left_out"),
        (("--keep-cancellations",), [200, 200], "cancellations_kept"),
        (("--mapping", tmp_path / "mapping.toml"), [200, 200], "cancellations_kept"),
    ):
        done = run(*files, *days, *more)
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert done.status == 0
        assert [one["vocal_customers"] for one in document["categories"]] == heard
        said = {one["code"]: one["message"] for one in document["diagnostics"]}
        assert "80 of 200 complainants were gone within 21 days, against 5" in said[code]
        assert "cancel: 80 of 200" in " ".join(done.out.split())


def test_a_negative_control_gets_no_silent_churn_by_option_or_mapping_and_must_be_a_category(run: Command, tmp_path: Path) -> None:
    customers, complaints = company_with_cancellations(0)
    (tmp_path / "mapping.toml").write_text('[categories]\nnegative_controls = ["cancel"]\n')
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    for more in (("--negative-controls", "cancel"), ("--mapping", tmp_path / "mapping.toml")):
        assert run(*files, *more).status == 0
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert [one["category"] for one in document["negative_controls"]] == ["cancel"]
        found = {one["category"]: one["silent_churn"]["upper"] for one in document["categories"]}
        assert found["cancel"] == 0 < found["billing"]
    done = run(*files, "--negative-controls", "wether")
    assert done.status == 2 and "wether" in done.err and "billing, cancel" in done.err


def test_a_column_of_contracts_is_read_unless_the_mapping_or_an_option_says_otherwise(run: Command, tmp_path: Path) -> None:
    """The mapping names a column that no header betrays, and can leave out one that is recognised."""
    customers, complaints, _ = company_with_contracts(customers=6_000, twice=0.4)
    customers = customers.rename(columns={"contract length": "x1"}).drop(columns="next renewal")
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    columns = '"customer_id" = "customer_id"\n"start_date" = "start_date"\n"end_date" = "end_date"\n"segment" = "segment"\n'
    (tmp_path / "mapping.toml").write_text(f'[customers.columns]\n{columns}"term" = "x1"\n')
    for more, code in (
        ((), "renewals_not_fitted_mixed_terms"),
        (("--mapping", tmp_path / "mapping.toml"), "renewals_by_column"),
        (("--mapping", tmp_path / "mapping.toml", "--term", "none"), None),
    ):
        done = run(*files, *more)
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert done.status == 0
        assert [item["code"] for item in document["diagnostics"] if item["code"].startswith("renewals")] == [one for one in (code,) if one]
        assert (document["total"]["silent_churn"] is None) == (code == "renewals_not_fitted_mixed_terms")


def test_contracts_are_named_unless_an_option_or_the_mapping_says_that_there_are_none(run: Command, tmp_path: Path) -> None:
    customers, complaints, _ = company_with_contracts(customers=6_000)
    (tmp_path / "mapping.toml").write_text('[window]\nterm = "none"\n')
    files = (*written(tmp_path, customers, complaints), "--json", tmp_path / "out.json")
    for more, code in (
        ((), "renewals_modelled"),
        (("--mapping", tmp_path / "mapping.toml"), None),
        (("--mapping", tmp_path / "mapping.toml", "--term", "auto"), "renewals_modelled"),
        (("--term", "24"), "renewals_not_fitted_short_window"),
    ):
        done = run(*files, *more)
        document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
        assert done.status == 0
        assert [item["code"] for item in document["diagnostics"] if item["code"].startswith("renewals")] == [one for one in (code,) if one]
    (refusal,) = (item for item in document["diagnostics"] if item["code"].startswith("renewals"))
    assert refusal["message"].startswith("No range can be given")
    assert "no range can be given" in " ".join(done.out.split())
    assert "Left silently" not in done.out, "no table of assumed ranges beside the refusal"
    assert [document["total"]["silent_churn"], document["natural_departures"]] == [None, None]
    assert [one["silent_churn"] for one in document["categories"]] == [None] * len(document["categories"])
    refused = run(*files, "--term", "3")
    assert (refused.status, "6 to 60" in refused.err) == (2, True)
