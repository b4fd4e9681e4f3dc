"""`iceberg rhythm`: counts on the terminal and in the document, names in one private file, every refusal in both languages."""

import csv
import io
import json
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.simulation.gym import gym_files

NUMBER = (int, float)


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gym")
    for name, content in gym_files().items():
        (folder / name).write_bytes(content)
    return folder


def files_of(gym: Path) -> list[str]:
    tables = {"activity": "visits", "customers": "members", "incidents": "incidents", "complaints": "complaints"}
    return [part for option, name in tables.items() for part in (f"--{option}", str(gym / f"{name}.csv"))] + ["--segments", "plan"]


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = main(["rhythm", *arguments])
    said = capsys.readouterr()
    return status, " ".join(said.out.split()), " ".join(said.err.split())


def test_the_text_the_document_and_the_list_say_the_same(gym: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, listed = tmp_path / "rhythm.json", tmp_path / "list.csv"
    asked = ["--json", str(path), "--list", str(listed), "--i-may-see-names", "--quiet", "--lang", "en"]
    status, text, said = run([*files_of(gym), *asked], capsys)
    assert status == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    rhythm = document["rhythm"]
    assert document["schema_version"] == 1 and document["as_of"] == "2025-12-28" and document["interval_mass"] == 0.9
    assert set(document["rows"]) == {"activity", "complaints", "customers", "incidents"}
    contract = {"established", "collapsing", "expected_by_chance", "settled", "false_alarms_per_1000_months", "categories", "backtest"}
    assert contract <= set(rhythm)
    assert f"{rhythm['collapsing']} regulars have broken with their habit since" in text
    assert 0 < rhythm["false_alarms_per_1000_months"] <= rhythm["budget"] == 2
    harmful = next(one for one in rhythm["categories"] if (one["category"], one["source"]) == ("staff attitude", "incidents"))
    assert harmful["verdict"] == "more" and set(harmful["ratio"]) == set(harmful["placebo"]) == {"lower", "median", "upper"}
    assert "After an incident with “staff attitude” it happens" in text
    assert {one["segment"] for one in rhythm["segments"]} == {"Basic", "Plus", "Student"}
    assert all(isinstance(one["said"], NUMBER) and one["n"] > 0 for one in rhythm["backtest"])
    content = listed.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in content.splitlines() if not line.startswith("#")))))
    columns = "customer_id,since_week,since_low,since_high,before_per_month,now_per_month,p_broken,p_lasts,last_category,complained"
    assert ",".join(rows[0]) == columns and stat.S_IMODE(listed.stat().st_mode) == 0o600
    assert len(rows) == rhythm["broken_within_a_year"] and f"{len(rows)} customers in" in said
    assert all(date.fromisoformat(row["since_week"]).weekday() == 0 and row["complained"] in {"yes", "no"} for row in rows)
    assert {"staff attitude"} <= {row["last_category"] for row in rows}
    names = {row["customer_id"] for row in rows}
    assert not any(name in text + said + path.read_text(encoding="utf-8") for name in names)


def test_the_same_files_give_the_same_document(gym: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(2)]
    for path in paths:
        assert run(["--activity", str(gym / "visits.csv"), "--json", str(path), "--quiet"], capsys)[0] == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_surer_calls_are_fewer_and_the_text_says_how_sure(gym: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for settled in ("0.6", "0.95"):
        asked = ["--settled", settled, "--json", str(tmp_path / f"{settled}.json"), "--quiet", "--lang", "en"]
        status, text, _ = run(["--activity", str(gym / "visits.csv"), *asked], capsys)
        found[settled] = json.loads((tmp_path / f"{settled}.json").read_text(encoding="utf-8"))["rhythm"]
        assert status == 0 and found[settled]["settled_from"] == float(settled) and f"at least {float(settled):.0%} sure" in text
    loose, strict = found["0.6"], found["0.95"]
    assert loose["settled_within_a_year"] > strict["settled_within_a_year"] > 0 and loose["visible_until"] > strict["visible_until"]
    assert (loose["collapsing"], loose["threshold"]) == (strict["collapsing"], strict["threshold"])


def test_a_french_reader_gets_french(gym: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, text, _ = run([*files_of(gym), "--quiet", "--lang", "fr"], capsys)
    assert status == 0 and "habitués ont rompu avec leur habitude depuis le 29 septembre 2025" in text
    assert "fois plus souvent que sans" in text and "regulars" not in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--incidents", "x.csv"], "Add --activity FILE"),
        (["--activity", "{gym}/visits.csv", "--list", "{folder}/x.csv"], "add --i-may-see-names"),
        (["--activity", "{gym}/visits.csv", "--i-may-see-names"], "Add --list FILE.csv"),
        (["--activity", "{gym}/visits.csv", "--list", "{gym}/members.csv", "--i-may-see-names"], "is there already"),
        (["--activity", "{gym}/visits.csv", "--false-alarms", "0"], "above 0 and at most 50"),
        (["--activity", "{gym}/visits.csv", "--false-alarms", "many"], "above 0 and at most 50"),
        (["--activity", "{gym}/visits.csv", "--settled", "0.4"], "--settled 0.4: a probability from 0.5 up to"),
        (["--activity", "{gym}/visits.csv", "--settled", "1"], "such as 0.9"),
        (["--activity", "{gym}/visits.csv", "--settled", "sure"], "such as 0.9"),
        (["--activity", "-", "--incidents", "-"], "can be one file only"),
        (["--activity", "{gym}/visits.csv", "--json", "{folder}/nowhere/x.json"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    gym: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    status, _, said = run([one.format(gym=gym, folder=tmp_path) for one in options] + ["--lang", "en"], capsys)
    assert status == 2 and says in said and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("language", "says"), [("en", "at least 20"), ("fr", "au moins 20")])
def test_a_log_of_two_weeks_is_refused_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, says: str) -> None:
    log = tmp_path / "log.csv"
    days = [date(2026, 6, 1) + timedelta(days=one) for one in range(14)]
    log.write_text("customer_id,activity_date\n" + "".join(f"c{one},{day}\n" for one in range(50) for day in days), encoding="utf-8")
    asked = ["--json", str(tmp_path / "x.json"), "--list", str(tmp_path / "x.csv"), "--i-may-see-names", "--lang", language]
    status, text, said = run(["--activity", str(log), *asked], capsys)
    assert status == 2 and text == "" and says in said
    assert [one.name for one in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize(("language", "says"), [("en", "on one day only"), ("fr", "un seul jour")])
def test_receipts_for_customers_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, says: str) -> None:
    log = tmp_path / "log.csv"
    rows = "".join(f"r{one},{date(2025, 1, 1) + timedelta(days=one % 400)}\n" for one in range(2_000))
    log.write_text("customer_id,activity_date\n" + rows, encoding="utf-8")
    status, _, said = run(["--activity", str(log), "--lang", language], capsys)
    assert status == 2 and says in said


def test_demo_writes_the_gym_and_no_other_company(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--company", "gym", "--out", str(tmp_path / "gym")]) == 0
    assert sorted(one.name for one in (tmp_path / "gym").iterdir()) == ["complaints.csv", "incidents.csv", "members.csv", "truth.json", "visits.csv"]
    assert main(["demo", "--company", "bank", "--out", str(tmp_path / "bank"), "--lang", "en"]) == 2
    assert "boxes, gym" in capsys.readouterr().err
