"""Values at the edge of what a file can hold: the answer has no infinity, no year that does not exist and no traceback."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from iceberg.cli.main import main
from tests.companies import write_company

HUGE = ("1e308", "1.7976931348623157e308", "9" * 400)
FIRST, LAST = "0001-01-01", "9999-12-31"


def numbers(part: object) -> Iterator[float]:
    """Every number of a JSON document."""
    if isinstance(part, dict | list):
        for one in part.values() if isinstance(part, dict) else part:
            yield from numbers(one)
    elif isinstance(part, int | float):
        yield part


def forbidden(word: str) -> float:
    """JSON knows neither NaN nor Infinity.

    Raises:
        ValueError: Always.
    """
    raise ValueError(word)


def test_amounts_near_the_largest_number_give_no_infinite_money(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two customers of 1e308 add up to more than a number holds."""
    write_company(tmp_path, lambda number: f"K{number}", revenue=lambda number: HUGE[number % len(HUGE)])
    files = ["--customers", str(tmp_path / "customers.csv"), "--complaints", str(tmp_path / "complaints.csv")]
    status = main(["estimate", *files, "--json", str(tmp_path / "o.json")])
    said = capsys.readouterr()
    assert status == 0, said.err
    written = json.loads((tmp_path / "o.json").read_text(), parse_constant=forbidden)
    assert all(map(math.isfinite, numbers(written)))
    assert not {"inf", "nan"} & set((said.out + said.err).lower().replace(",", " ").split())
    assert written["rows"]["customers"]["read"] == 300


def test_the_first_and_the_last_year_are_days_like_others_or_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A start in year 1, an end in 9999, a complaint in each: kept or rejected by name, and nothing else moves."""
    documents = []
    for name, customers, complaints in (
        ("without", (), ()),
        ("with", (f"X1,{FIRST},", f"X2,2024-05-01,{LAST}", f"X3,{LAST},"), (f"X1,{FIRST},billing", f"X2,{LAST},billing")),
    ):
        folder = tmp_path / name
        folder.mkdir()
        write_company(folder, lambda number: f"K{number}", more_customers=customers, more_complaints=complaints)
        files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv"), "--as-of", "2025-09-30"]
        assert main(["estimate", *files, "--json", str(folder / "o.json"), "--quiet"]) == 0, capsys.readouterr().err
        documents.append(json.loads((folder / "o.json").read_text(), parse_constant=forbidden))
    usual, odd = documents
    assert (odd["since"], odd["as_of"]) == (usual["since"], usual["as_of"])
    assert odd["rows"]["customers"]["read"] == 303 == odd["rows"]["customers"]["kept"] + odd["rows"]["customers"]["rejected"]
    assert odd["rows"]["complaints"]["rejected"] == 2
    assert main(["check", *files]) == 0
    said = capsys.readouterr().out
    assert FIRST in said and LAST in said, said
