"""Each file that stands beside the estimate leaves every other byte of the document as it is: alone, and all of them together."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cli.main import main
from iceberg.report.small_cells import BESIDE
from tests.companies import write_company
from tests.test_cli_audit import fill

# Key of the document: what is given for it.
KEYS = ("declared", "spheres", "service", "journey", "positives", "audit")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company of two categories, with every further file."""
    folder = write_company(tmp_path_factory.mktemp("company"), lambda number: f"C{number}")
    complaints, customers = (pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("complaints", "customers"))
    rng, size = np.random.default_rng(0), len(complaints)
    service = {"in time": rng.choice(["yes", "no"], size), "first reply hours": rng.integers(1, 60, size)}
    journey = {"Étape": rng.choice(["delivery", "help"], size), "Via": rng.choice(["web", "phone"], size)}
    for name, columns in (("service", service), ("journey", journey), ("both", service | journey)):
        complaints.assign(**columns).to_csv(folder / f"complaints-{name}.csv", index=False)
    who = customers["customer_id"].to_numpy()
    scores = {"customer_id": who[:120], "answered at": "2024-07-01", "nps": rng.integers(0, 11, 120)}
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
    moments = {"customer id": who[100:180], "compliment date": [f"2024-08-{1 + place % 28:02d}" for place in range(80)], "kind": "compliment"}
    pd.DataFrame(moments).to_csv(folder / "positives.csv", index=False)
    (folder / "spheres.csv").write_text("category,target,priority_rank,believed_leavers\nbilling,90,1,5\ndelivery,80,2,2\n", encoding="utf-8")
    asked = ["--complaints", str(folder / "complaints.csv"), "--draw", "40", "--out", str(folder / "audit.csv"), "--quiet"]
    assert main(["audit", *asked]) == 0
    fill(folder / "audit-1.csv", folder / "audit-2.csv")
    return folder


def document(folder: Path, *options: str, complaints: str = "complaints.csv") -> dict[str, object]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / complaints)]
    assert main(["estimate", *files, "--json", str(folder / "out.json"), "--quiet", *options]) == 0
    return json.loads((folder / "out.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def alone(company: Path) -> str:
    found = document(company)
    assert not set(found) & set(BESIDE)
    return json.dumps(found)


def given(folder: Path, key: str) -> tuple[list[str], str]:
    """Options and the file of complaints of one part."""
    names = {"declared": ("scores",), "positives": ("positives",), "spheres": ("spheres",), "audit": ("audit-1", "audit-2")}.get(key, ())
    options = [part for name in names for part in (f"--{name.split('-')[0]}", str(folder / f"{name}.csv"))]
    return options, "complaints.csv" if names else f"complaints-{key}.csv"


@pytest.mark.parametrize("key", KEYS)
def test_a_file_beside_the_estimate_changes_no_byte_of_the_rest(company: Path, alone: str, key: str) -> None:
    options, complaints = given(company, key)
    having = document(company, *options, complaints=complaints)
    assert having.pop(key)
    assert json.dumps(having) == alone


def test_all_of_them_together_change_no_byte_of_the_rest(company: Path, alone: str) -> None:
    options = [part for key in KEYS for part in given(company, key)[0]]
    having = document(company, *options, complaints="complaints-both.csv")
    assert all(having.pop(key) for key in KEYS)
    assert json.dumps(having) == alone
