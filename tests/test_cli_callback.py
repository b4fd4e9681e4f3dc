"""`iceberg callback`: ids stand in one private file and nowhere else; the leavers are those of the counts; no flag, no list."""

import csv
import io
import json
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.judging import judge
from iceberg.ingest.load import load_tables
from iceberg.ingest.scan.recent_customers import CountedDays
from iceberg.ingest.silent_leavers import SilentDays, count_silent_leavers, stream_silent_leavers
from tests.companies import write_company


def given(folder: Path) -> list[str]:
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north" if number % 5 else "south")
    return ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv"), "--quiet", "--lang", "en"]


@pytest.mark.parametrize("large", [False, True])
def test_the_leavers_are_those_of_the_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, large: bool) -> None:
    """Every silent leaver of the window, by segment, also of a file that would be read without its ids."""
    given(tmp_path)
    if large:
        monkeypatch.setattr(judge, "ENOUGH_BYTES", 0)
    tables, _ = load_tables(tmp_path / "customers.csv", tmp_path / "complaints.csv", counted=CountedDays(ids=True))
    with tables:
        counts = reduce_tables(tables)
        window = counts.window
        days = SilentDays(window.since, window.as_of, window.since - timedelta(days=window.look_back_days))
        sizes = count_silent_leavers(tables, days)
        leavers = list(stream_silent_leavers(tables, days))
    assert len(sizes) == 2
    assert sizes == {name: int(counts.silent_exits[place].sum()) for place, name in enumerate(counts.segments)}
    assert len(leavers) == sum(sizes.values()) and [one[0] for one in leavers] == sorted(one[0] for one in leavers)
    assert {one[0][0] for one in leavers} == {"C"} and all(window.since <= one[2] <= window.as_of for one in leavers)


def test_names_stand_in_one_private_file_and_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, path, document = given(tmp_path), tmp_path / "to-call.csv", tmp_path / "expected.json"
    asked = ["--list", str(path), "--i-may-see-names", "--n", "12", "--control", "0.25", "--months", "24", "--json", str(document)]
    assert main(["callback", *files, *asked]) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8-sig")
    head = [line for line in text.splitlines() if line.startswith("#")]
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in text.splitlines() if not line.startswith("#")))))
    until = date.today() + timedelta(days=90)
    assert "Purpose" in head[0] and f"{until.day} {until:%B} {until.year}" in head[1] and "objected" in head[2] and "probability" in head[3]
    assert [int(row["draw_order"]) for row in rows] == list(range(1, 13))
    assert list(rows[0]) == ["customer_id", "stratum", "left_on", "chance_a_problem_drove_it", "likeliest_categories", "draw_order", "group"]
    assert [row["group"] for row in rows].count("held out") == 3
    said_of = {(row["stratum"], row["chance_a_problem_drove_it"], row["likeliest_categories"]) for row in rows}
    assert len(said_of) == len({row["stratum"] for row in rows})  # equal for everybody in it
    said = "".join(capsys.readouterr())
    expected = json.loads(document.read_text(encoding="utf-8"))
    assert expected["to_call"] == 9 and 0 <= expected["expected_hits"]["lower"] <= expected["expected_hits"]["upper"] <= 9
    ids = {row["customer_id"] for row in rows}
    assert len(ids) == 12 and not any(name in said or f'"{name}"' in document.read_text(encoding="utf-8") for name in ids)
    assert "9 to call, 3 held out" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "Add --list FILE.csv"),
        (["--list", "{folder}/x.csv"], "add --i-may-see-names"),
        (["--list", "{folder}/x.xlsx", "--i-may-see-names"], "x.xlsx"),
        (["--list", "{folder}/x.csv", "--i-may-see-names", "--control", "1"], "from 0 up to, but not including, 1"),
        (["--list", "{folder}/nowhere/x.csv", "--i-may-see-names"], "nowhere"),
        (["--list", "{folder}/customers.csv", "--i-may-see-names"], "is there already"),
        (["--list", "{folder}/x.csv", "--i-may-see-names", "--n", "0"], "--n"),
    ],
)
def test_a_list_that_may_not_be_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    files = given(tmp_path)
    assert main(["callback", *files, *(one.format(folder=tmp_path) for one in options)]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["complaints.csv", "customers.csv"]
