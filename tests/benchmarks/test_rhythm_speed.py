"""The logs by which speed is measured are read by the product, each in a process of its own."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.rhythm.speed import WEEKS, run_case, simulate_days, table, write_days, write_log


def test_a_log_is_read_and_judged_step_by_step(tmp_path: Path) -> None:
    rows = write_log(tmp_path / "a.parquet", customers=600, rows=40_000, spread=0.5)
    found = run_case("gym", tmp_path / "a.parquet")
    assert rows == pytest.approx(40_000, rel=0.05)
    assert 300 < found["established"] < found["customers"] <= 600 and found["broken"] > 10
    assert all(found[f"{step}_cpu"] > 0 for step in ("read", "weeks", "judged")) and found["peak_mb"] > 50
    assert table([found | {"case": "gym", "rows": rows}]).count("\n") == 2


def test_days_without_a_log_are_those_that_reading_one_gives(tmp_path: Path) -> None:
    active = write_days(tmp_path / "d.parquet", customers=500)
    [bits] = simulate_days(500)
    assert bits.shape == (500, WEEKS) and active == int(np.bitwise_count(bits).sum())
    found = run_case("regulars", tmp_path / "d.parquet")
    assert found["customers"] == int((bits > 0).any(1).sum()) and found["established"] > 350
