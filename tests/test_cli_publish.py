"""``publish`` and ``studies``, as an analyst and a scheduler use them."""

import csv
import gzip
import html
import io
import json
import os
import re
import signal
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pypdf
import pytest

from iceberg.cli import main as cli
from iceberg.cli import terminal
from iceberg.cli.main import main
from iceberg.store import studies
from iceberg.store.audit import read_audit
from iceberg.store.studies import Store
from tests import postgres
from tests.companies import CUSTOMERS, write_company
from tests.notify.servers import webhook

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder of its own, in an English terminal."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE", cli.DEBUG_VARIABLE, "ICEBERG_STORE", "ICEBERG_URL"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def customer_id(number: int) -> str:
    return f"KU{number * 7919 % 1_000_003:07d}"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ids that no digest or figure can hold by chance; some rows that are rejected, with their values."""
    return write_company(
        tmp_path_factory.mktemp("company"),
        customer_id,
        segments=lambda number: "north" if number % 3 else "south",
        more_customers=[f"{customer_id(900)},2025-05-01,2024-01-01,north"],  # ends before it starts
        more_complaints=[f"{customer_id(901)},2024-09-01,billing"],  # a customer who is in no file
    )


def inputs(company: Path) -> list[object]:
    return ["--customers", company / "customers.csv", "--complaints", company / "complaints.csv"]


def everything_in(content: bytes) -> bytes:
    """What a stored part says, compression taken off."""
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(content))
        return repr([table.column(name).to_pylist() for name in table.column_names if "list" not in str(table.schema.field(name).type)]).encode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_customer_is_in_the_store(run: Run, company: Path, tmp_path: Path, kind: str, postgres_server: postgres.Server) -> None:
    """Every byte of the file, of a dump of the database, and of every part once unpacked."""
    address = str(tmp_path / "store.db") if kind == "sqlite" else postgres_server.address()
    status, _, _ = run("publish", *inputs(company), "--store", address, "--title", "Private")
    assert status == 0
    store = Store(address)
    (study,) = store.studies()
    seen = [everything_in(content) for content in store.content(study.newest).values()]
    seen.append(json.dumps(study.newest.summary).encode())
    store.close()
    if kind == "sqlite":
        seen += [path.read_bytes() for path in tmp_path.glob("store.db*")]
    else:
        seen.append(postgres_server.dump(address).encode())
    written = b"\n".join(seen)
    assert b"billing" in written, "the search would find what is there"
    ids = {customer_id(number).encode() for number in (*range(CUSTOMERS), 900, 901)}
    assert {one for one in ids if one in written} == set()
    assert re.findall(rb"KU\d{5}", written) == []


def test_publish_says_the_headline_the_version_and_the_link(run: Run, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org/")
    status, out, err = run("publish", *inputs(company), "--title", "Été 2025", "--author", "ana")
    assert status == 0
    assert out.splitlines()[0].startswith("50 customers complained")
    assert "Published: Été 2025, version 1." in out
    assert re.search(r"Link: https://iceberg\.example\.org/\?study=ete-2025-[0-9a-f]{6} \(store iceberg-store\.db\)", out)
    assert "Reading the files" in err


def test_a_refresh_that_brings_nothing_new_estimates_nothing(run: Run, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler runs every night; most nights no file has changed. Reports and JSON are still what they were."""
    _, first, _ = run("publish", *inputs(company), "--quiet", "--json", "first.json")
    monkeypatch.setattr("iceberg.model.estimate.estimate_iceberg", lambda *_, **__: pytest.fail("estimated again"))
    status, out, err = run("publish", *inputs(company), "--quiet", "--json", "again.json", "--report", "again.csv")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == first.splitlines()[0]
    assert Path("again.json").read_bytes() == Path("first.json").read_bytes()
    assert Path("again.csv").stat().st_size > 1000
    with pytest.raises(pytest.fail.Exception):
        run("publish", *inputs(company), "--quiet", "--ratio", "10")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("before the commit", "Stopped. Nothing was written."),
        ("after the commit", "Stopped. Published before that: Silent churn, version 1."),
        ("in a report", "Stopped. Published before that: Silent churn, version 1. Written before that: a.json."),
    ],
)
def test_a_stopped_publish_says_what_stands(run: Run, company: Path, monkeypatch: pytest.MonkeyPatch, moment: str, said: str) -> None:
    """SIGTERM inside the transaction, between the commit and the answer of the store, and while the second file is made."""
    places = {"before the commit": (studies, "insert_version"), "after the commit": (Store, "publish"), "in a report": (terminal.os, "fsync")}
    calls = []

    def end(*arguments: object, **options: object) -> object:
        done = whole(*arguments, **options)
        calls.append(done)
        if moment != "in a report" or len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return done

    where, name = places[moment]
    whole = getattr(where, name)
    monkeypatch.setattr(where, name, end)
    files = ("--json", "a.json", "--report", "b.csv") if moment == "in a report" else ()
    status, _, told = run("publish", *inputs(company), "--quiet", *files)
    assert (status, told.strip()) == (128 + signal.SIGTERM, said)
    monkeypatch.setattr(where, name, whole)
    store = Store("iceberg-store.db")
    assert len(store.studies()) == (moment != "before the commit")
    store.close()
    assert not list(Path().glob(".*.part")) and not Path("b.csv").exists()


def test_the_same_again_publishes_nothing_new(run: Run, company: Path) -> None:
    run("publish", *inputs(company), "--quiet")
    before = Path("iceberg-store.db").stat().st_size
    status, out, _ = run("publish", *inputs(company), "--quiet", "--author", "somebody else")
    assert status == 0
    assert "Nothing new: Silent churn, version 1" in out
    assert Path("iceberg-store.db").stat().st_size == before
    assert [study.versions for study in Store().studies()] == [1]
    run("publish", *inputs(company), "--quiet", "--ratio", "10")
    store = Store()
    assert [study.versions for study in store.studies()] == [2]
    store.close()


def test_what_is_published_is_what_estimate_says(run: Run, company: Path, tmp_path: Path) -> None:
    run("estimate", *inputs(company), "--json", tmp_path / "one.json", "--quiet")
    run("publish", *inputs(company), "--json", tmp_path / "two.json", "--quiet")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    store = Store()
    (study,) = store.studies()
    loaded = store.load(study.study_id)
    assert study.newest.summary == json.loads((tmp_path / "one.json").read_text())
    assert loaded.estimate is not None
    assert loaded.estimate.total.silent_churn.median == pytest.approx(study.newest.summary["total"]["silent_churn"]["median"], abs=1e-6)
    rows = {file.table: (file.read, file.kept, file.rejected) for file in study.newest.sources}
    assert rows == {"customers": (301, 300, 1), "complaints": (51, 50, 1)}
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256 or "") for file in study.newest.sources)
    store.close()


def test_a_moving_window_ends_with_the_files_and_is_so_many_months_long(run: Run, company: Path) -> None:
    run("publish", *inputs(company), "--window-months", "6", "--quiet")
    run("publish", *inputs(company), "--window-months", "6", "--as-of", "2024-12-31", "--quiet")
    store = Store()
    (study,) = store.studies()
    last, first = store.versions(study.study_id)
    store.close()
    assert (last.since, last.as_of) == ("2024-07-01", "2024-12-31")
    assert first.since is not None
    assert first.as_of is not None
    assert 180 <= (date.fromisoformat(first.as_of) - date.fromisoformat(first.since)).days <= 184


def test_a_window_cannot_begin_in_two_places(run: Run, company: Path) -> None:
    status, _, err = run("publish", *inputs(company), "--window-months", "6", "--since", "2024-01-01")
    assert status == 2
    assert "--window-months" in err


@pytest.mark.parametrize("missing", ["customers", "complaints", "mapping"])
def test_a_missing_input_ends_a_scheduled_run_with_one_line(run: Run, company: Path, missing: str) -> None:
    run("publish", *inputs(company), "--quiet")
    given = dict(zip(*[iter(inputs(company))] * 2, strict=True)) | {f"--{missing}": company / "missing-2026-07.csv"}
    status, out, err = run("publish", *(part for pair in given.items() for part in pair))
    assert status == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "missing-2026-07.csv" in err
    store = Store()
    assert [study.versions for study in store.studies()] == [1]
    store.close()


def test_how_the_columns_were_read_is_kept_and_can_be_given_back(run: Run, company: Path) -> None:
    """What was proposed this month is next month's --mapping."""
    run("publish", *inputs(company), "--quiet")
    store = Store()
    (study,) = store.studies()
    Path("mapping.toml").write_text(study.newest.mapping)
    assert "complaint_date" in study.newest.mapping
    status, out, err = run("publish", *inputs(company), "--mapping", "mapping.toml", "--quiet")
    assert (status, err) == (0, "")
    assert "Nothing new" in out
    store.close()


def test_a_store_that_cannot_be_opened_is_said_before_the_work(run: Run, company: Path, tmp_path: Path) -> None:
    status, out, err = run("publish", *inputs(company), "--store", tmp_path / "no" / "store.db")
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(tmp_path / "no") in err
    (tmp_path / "letter.db").write_text("Dear customer, " * 300)
    status, _, err = run("publish", *inputs(company), "--store", tmp_path / "letter.db")
    assert status == 2
    assert "not a store" in err


def test_studies_are_listed_shown_exported_and_deleted(run: Run, company: Path, tmp_path: Path) -> None:
    assert "Nothing is published" in run("studies", "list")[1]
    run("publish", *inputs(company), "--title", "One", "--quiet", "--author", "ana")
    run("publish", *inputs(company), "--title", "One", "--ratio", "10", "--quiet", "--author", "ben")
    study = run("studies", "list")[1].splitlines()[-1].split()[0]
    shown = run("studies", "show", study)[1]
    assert "ana" in shown
    assert "ben" in shown
    assert "customers.csv, SHA-256" in shown
    assert "ben" not in run("studies", "show", study, "--version", "1")[1]
    status, out, _ = run("studies", "export", study, "--out", tmp_path / "all.zip")
    assert (status, out) == (0, f"Wrote 2 versions to {tmp_path / 'all.zip'}\n")
    assert len([name for name in zipfile.ZipFile(tmp_path / "all.zip").namelist() if name.endswith("version.json")]) == 2
    status, _, err = run("studies", "delete", study)
    assert status == 2
    assert "--yes" in err
    assert run("studies", "delete", study, "--version", "1", "--yes", "--author", "olga")[0] == 0
    assert run("studies", "delete", study, "--yes", "--author", "olga")[1] == "1 version of One is deleted for good.\n"
    trail = run("studies", "audit")[1]
    assert trail.count("olga") == 2
    assert run("studies", "audit", "--lang", "fr")[1].count("a supprimé") == 2
    assert run("studies", "show", study)[0] == 2


def test_retention_is_set_and_applied(run: Run, company: Path) -> None:
    run("publish", *inputs(company), "--quiet")
    assert run("studies", "retain")[1] == "Versions are kept until somebody deletes them.\n"
    assert run("studies", "retain", "--days", "30")[1] == "Versions are kept for 30 days.\n"
    store = Store()
    with store.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE versions SET published_at = '2020-01-01T00:00:00.000000+00:00'")
        connection.commit()
    store.close()
    assert "1 version was older" in run("studies", "retain")[1] or run("studies", "list")[1].startswith("Nothing")
    assert run("studies", "retain", "--for-ever")[1] == "Versions are kept until somebody deletes them.\n"
    store = Store()
    assert [line.action for line in read_audit(store.engine)] == ["retention", "expire", "retention", "publish"]
    store.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["studies"], "list show delete export import retain audit rollback"),
        (["studies", "burn"], "list show delete export import retain audit rollback"),
        (["studies", "show"], "studies show STUDY"),
        (["studies", "show", "nothing-000000"], "no study nothing-000000"),
        (["studies", "export"], "--out"),
        (["studies", "retain", "--days", "0"], "1 to 36500"),
        (["studies", "list", "--store", "mysql://db/x"], "mysql://"),
        (["publish"], "--customers"),
        (["publish", "--volumes", "v.csv", "--titel", "x"], "--titel"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: list[str], says: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("command", ["publish", "studies"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_help_is_there_in_both_languages(run: Run, command: str, language: str) -> None:
    status, out, _ = run(command, "--help", "--lang", language)
    assert status == 0
    assert "--store" in out
    assert np.all([len(line) <= 120 for line in out.splitlines()])


def test_two_published_studies_are_compared_without_their_files(run: Run, company: Path) -> None:
    """Last quarter against this one, from the store alone: words, document, CSV and PDF hold the same numbers."""
    run("publish", *inputs(company), "--quiet", "--title", "First", "--author", "ana")
    run("publish", *inputs(company), "--quiet", "--title", "Second", "--ratio", "3")
    first, second = (one.study_id for one in reversed(Store().studies()))
    files = ["--json", "c.json", "--report", "c.csv", "--report", "c.pdf", "--report", "c.html"]
    status, out, err = run("compare", "--study", f"{first}:1", "--study", second, "--category", "billing", *files)
    assert (status, err) == (0, "")
    assert "Before: First, version 1, published on" in " ".join(out.split())
    document = json.loads(Path("c.json").read_text())
    assert document["schema_version"] == 1
    assert {remark["code"] for remark in document["remarks"]} >= {"assumptions_differ", "same_counts"}
    billing = next(one for one in document["categories"] if one["category"] == "billing")
    row = next(line for line in csv.DictReader(Path("c.csv").read_text(encoding="utf-8-sig").splitlines()) if line["category"] == "billing")
    for end in ("lower", "median", "upper"):
        assert float(row[f"rate_change_{end}"]) == pytest.approx(billing["rate_change"][end], abs=1e-5)
    headline = " ".join(out.split("\n\n")[0].split())
    page = Path("c.html").read_text(encoding="utf-8")
    sentence = headline.split(". ")[0]
    assert sentence in html.unescape(page)
    pdf = pypdf.PdfReader("c.pdf")
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    assert sentence[:40] in text
    assert "Second, version 1" in text
    assert 1 <= len(pdf.pages) <= 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--study", "a"], "Two studies are compared"),
        (["--study", "a", "--study", "b", "--ratio", "3"], "leave out --ratio"),
        (["--study", "a", "--study", "b", "--period", "2024-01:2024-02"], "leave out --period"),
        (["--study", "a:x", "--study", "b"], "names no version"),
        (["--study", "a", "--study", "b"], "no study a"),
        (["--study", "a", "--study", "b", "--report", "c.pptx"], "must end in .pdf, .csv, .html, .json"),
    ],
)
def test_a_comparison_that_cannot_be_made_says_why(run: Run, typed: list[str], says: str) -> None:
    status, out, err = run("compare", *typed)
    assert (status, out) == (2, "")
    assert says in err


def test_a_message_about_the_version_goes_out_once_and_a_failed_one_is_sent_by_the_next_run(
    run: Run, company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publish stands whatever happens to the message; the run that sends it estimates nothing anew."""
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org")
    with webhook() as hook:
        hook.status = 500
        typed = ["publish", *inputs(company), "--quiet", "--title", "Monthly", "--author", "ana", "--notify", f"slack+{hook.url}"]
        status, out, err = run(*typed)
        assert status == 3
        assert "Published: Monthly, version 1." in out
        assert "Published, but not sent to slack+http://127.0.0.1" in err
        assert "run the same command again" in err
        hook.status = 200
        monkeypatch.setattr("iceberg.model.estimate.estimate_iceberg", lambda *_, **__: pytest.fail("estimated again"))
        status, out, err = run(*typed)
        assert (status, err) == (0, "")
        assert "Nothing new: Monthly, version 1" in out
        assert out.splitlines()[-1].startswith("Sent to slack+http://127.0.0.1:")
        status, out, _ = run(*typed)
        assert status == 0
        assert "this version was sent there before" in out
        assert "SECRET" not in out + err
    assert len(hook.bodies) == 2
    everything = json.dumps(hook.bodies)
    assert re.findall(r"KU\d{5}", everything) == []
    assert "https://iceberg.example.org/?study=monthly-" in everything
    _, trail, _ = run("studies", "audit")
    assert trail.count("sent a message") == 1
    assert trail.count("could not send a message") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--notify", "team"], "no target called"),
        (["--notify", "https://h.example.org/x", "--notify-when", "often"], "no condition of a message"),
        (["--notify", "https://h.example.org/x", "--notify-lang", "de"], 'cannot be written in "de"'),
        (["--notify", "mailto:a@example.org"], "Set ICEBERG_SMTP"),
        (["--notify", "https://h.example.org/x", "--notify-when", "above:price=3"], 'no category "price"'),
    ],
)
def test_what_is_set_wrongly_about_messages_is_said_before_anything_is_published(
    run: Run, company: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org")
    monkeypatch.setattr("iceberg.model.estimate.estimate_iceberg", lambda *_, **__: pytest.fail("estimated"))
    status, out, err = run("publish", *inputs(company), "--quiet", *options)
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1
    assert run("studies", "list")[1].startswith("Nothing is published")


def test_a_company_of_the_french_reads_its_limit_in_french(run: Run, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org")
    with webhook() as hook:
        typed = ["--notify", hook.url, "--notify-lang", "fr", "--notify-when", "below=100000"]
        assert run("publish", *inputs(company), "--quiet", *typed)[0] == 0
    (body,) = hook.bodies
    assert body["subject"] == "Silent churn\N{NO-BREAK SPACE}: un seuil est franchi"
    assert body["crossed"][0]["silent_churn_per_month"]["median"] < 100_000
    assert "départs silencieux par mois" in body["text"]
