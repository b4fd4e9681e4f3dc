"""Breaks as departures: the right customers, the right weeks, open departures untouched, and a window that ends where breaks can still be seen."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from iceberg.cli.arguments import activity_types
from iceberg.cli.main import main
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.rhythm.assumptions import SETTLED
from iceberg.cohort.rhythm.departures import RULES, date_departures
from iceberg.errors import OptionError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.simulation.gym import FIRST_DAY, NEVER, VisitLog, simulate_visits
from tests.cohort.rhythm.worlds import BUSY

WORLD = replace(BUSY, members=1_200, incidents=0.0, kinds=(0.6, 0.0, 0.4))


@pytest.fixture(scope="module")
def log() -> VisitLog:
    return simulate_visits(WORLD, seed=7)


def ends_of(log: VisitLog, rule: str, *, settled: float = SETTLED) -> tuple[np.ndarray, int]:
    """Week of the departure by member, `NEVER` without one, and the last week that can be seen."""
    tables, report = load_tables(activity=UploadedBytes("visits.csv", log.activity_csv()))
    with tables:
        dated = date_departures(tables, rule=rule, slow_until=report.joining.inactivity.as_of, settled=settled)
        rows = dated.connection.execute("SELECT customer_id, end_date FROM customers WHERE end_date IS NOT NULL").fetchall()
        counts = reduce_tables(dated)
        assert counts.window.as_of == dated.last_day
        assert counts.silent_leavers == sum(counts.window.since <= end <= counts.window.as_of for _, end in rows)
    weeks = np.full(log.world.members, NEVER)
    for name, end in rows:
        weeks[int(name[1:]) - 100_000] = (end - FIRST_DAY).days // 7
    return weeks, (dated.last_day - FIRST_DAY).days // 7


def test_breaks_for_good_are_departures_of_their_week(log: VisitLog) -> None:
    """Of members who broke with a habit of eight weeks, long enough ago, at least three quarters; nearly all of those within three weeks."""
    weeks, last = ends_of(log, "collapse")
    before = np.array([log.weekly[one, log.joined[one] + 1 : min(log.broke[one], log.world.weeks)].sum() for one in range(log.world.members)])
    true = (log.broke >= log.joined + 12) & (log.broke > 12) & (log.broke < last - 8) & (before >= 12)
    left = true & (weeks < NEVER)
    assert true.sum() > 150 and left.sum() >= 0.75 * true.sum()
    assert (np.abs(weeks - log.broke)[left] <= 3).mean() > 0.75


def test_who_has_not_broken_stays(log: VisitLog) -> None:
    weeks, last = ends_of(log, "collapse")
    there = (log.kind == 0) & (log.weekly.sum(1) >= 30)
    assert there.sum() > 300 and (weeks[there] <= last).mean() < 0.04


def test_both_has_every_departure_of_collapse_and_more(log: VisitLog) -> None:
    collapse, both = ends_of(log, "collapse")[0], ends_of(log, "both")[0]
    assert (both[collapse < NEVER] == collapse[collapse < NEVER]).all() and (both < NEVER).sum() >= (collapse < NEVER).sum()


def test_a_surer_departure_is_rarer_and_seen_later(log: VisitLog) -> None:
    """Who has left at 0.95 has left at 0.6 too, and the window ends earlier, because a silence must be older to be so sure."""
    (loose, last), (strict, last_strict) = (ends_of(log, "collapse", settled=settled) for settled in (0.6, 0.95))
    assert (loose < NEVER)[strict < NEVER].all() and 100 < (strict < NEVER).sum() < (loose < NEVER).sum() and last_strict < last


@pytest.mark.parametrize("settled", [0.49, 1.0, float("nan")])
def test_a_probability_from_which_nothing_lasts_is_refused(settled: float) -> None:
    with pytest.raises(OptionError, match=r"0\.5 up to"):
        date_departures(None, rule="both", settled=settled)  # type: ignore[arg-type]  # refused before the tables are touched


def test_an_open_departure_stays_as_it_is(log: VisitLog) -> None:
    lines = log.members_csv().decode().splitlines()
    gone = FIRST_DAY + timedelta(weeks=40)
    text = "\n".join([lines[0] + ",end_date", *(f"{line},{gone if place % 20 == 0 else ''}" for place, line in enumerate(lines[1:]))])
    tables, report = load_tables(
        customers=UploadedBytes("members.csv", text.encode()), activity=UploadedBytes("visits.csv", log.activity_csv())
    )
    named = {line.split(",")[0] for place, line in enumerate(lines[1:]) if place % 20 == 0}
    with tables:
        dated = date_departures(tables, rule="both", slow_until=report.joining.inactivity.as_of)
        after = {name for (name,) in dated.connection.execute(f"SELECT customer_id FROM customers WHERE end_date = DATE '{gone}'").fetchall()}
        rows = dated.connection.execute("SELECT count(*), count(DISTINCT customer_id) FROM customers").fetchall()[0]
    began = {line.split(",")[0] for line in lines[1:] if line.split(",")[1] <= str(gone)}
    assert len(named) > 30 and named & began <= after and rows[0] == rows[1] >= len(began)


def test_rules_are_named_alike_everywhere() -> None:
    assert activity_types.DEPARTURES == RULES
    with pytest.raises(OptionError, match="collapse"):
        date_departures(None, rule="silence")  # type: ignore[arg-type]  # refused before the tables are touched


def test_the_command_says_how_departures_were_dated_and_the_default_moves_nothing(
    log: VisitLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "visits.csv").write_bytes(log.activity_csv())
    files = ["estimate", "--activity", str(tmp_path / "visits.csv"), "--quiet", "--lang", "en"]
    documents = {}
    for name, options in {"default": [], "inactivity": ["--departures", "inactivity"], "collapse": ["--departures", "collapse"]}.items():
        assert main([*files, *options, "--json", str(tmp_path / f"{name}.json")]) == 0
        documents[name] = (tmp_path / f"{name}.json").read_bytes()
    assert documents["default"] == documents["inactivity"] != documents["collapse"]
    codes = [one["code"] for one in json.loads(documents["collapse"])["diagnostics"]]
    assert "departures_collapse" in codes and "departures_collapse" not in documents["default"].decode()
    capsys.readouterr()
    assert main([*files, "--departures", "both", "--as-of", str(FIRST_DAY + timedelta(weeks=104))]) == 2
    assert "cannot be told from a pause" in capsys.readouterr().err
    assert main(["estimate", "--customers", "x.csv", "--departures", "both", "--lang", "en"]) == 2
    assert "--activity" in capsys.readouterr().err
    asked = ["--departures", "collapse", "--settled", "0,95", "--json", str(tmp_path / "sure.json")]
    assert main([*files, *asked]) == 0
    sure, usual = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("sure", "collapse"))
    assert (sure["rhythm"]["settled_from"], usual["rhythm"]["settled_from"]) == (0.95, 0.8)
    assert sure["rhythm"]["settled_within_a_year"] < usual["rhythm"]["settled_within_a_year"]
    capsys.readouterr()
    assert main([*files, "--settled", "0.9"]) == 2
    assert "Add --departures collapse" in capsys.readouterr().err
    assert main([*files, "--departures", "silence"]) == 2
    assert "inactivity, collapse, both" in capsys.readouterr().err
