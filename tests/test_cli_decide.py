"""`iceberg decide`: what is typed, what is refused, and the document that it writes."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from iceberg.cli.arguments.option_types import UsageError, check_amount, check_amount_of, check_efficacy_of, check_intervention, check_share_of
from iceberg.cli.main import main
from iceberg.ingest.interventions import InterventionEntry
from iceberg.ingest.mapping import MappingSet
from tests.companies import write_company

COSTS = ["--cost", "delivery=4 000", "--cost", "billing=1500", "--customer-value", "300"]


def given(folder: Path) -> list[str]:
    write_company(folder, lambda number: f"C{number}")
    return ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv")]


def test_amounts_shares_and_efficacies_are_read_as_people_write_them() -> None:
    assert check_amount("--budget")("40 000,50") == 40_000.5
    assert check_amount("--budget")("0.125") == 0.125 and check_amount("--budget")("4000.5") == 4000.5
    assert check_amount_of("--cost")("price = promise=12.5") == ("price = promise", 12.5)
    assert check_share_of("billing=50%") == ("billing", 0.5)
    assert check_efficacy_of("billing=30")[1].mean == pytest.approx(0.3)
    assert 0.2 < check_efficacy_of("billing=13-48")[1].mean < 0.4
    for check, text in (
        (check_amount("--budget"), "-1"),
        (check_amount("--budget"), "nan"),
        (check_amount("--budget"), "4,000"),  # 4 was read: three digits after a comma are thousands to some
        (check_amount("--budget"), "40.000"),
        (check_amount_of("--cost"), "price=1,234,567"),
        (check_amount_of("--cost"), "40000"),
        (check_amount_of("--cost"), "=40000"),
        (check_share_of, "billing=0"),
        (check_share_of, "billing=101"),
        (check_efficacy_of, "billing=48-13"),
        (check_efficacy_of, "billing=100"),
        (check_efficacy_of, "30"),
    ):
        with pytest.raises(UsageError):
            check(text)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ([], "decide needs a cost"),
        (["--cost", "nowhere=5"], "no category of this study. It has: "),
        ([*COSTS, "--fix", "price=30"], "which has no --cost"),
        ([*COSTS, "--cost", "billing=3"], "twice"),
        ([*COSTS, "--budget", "7"], "buys nothing"),
        ([*COSTS, "--report", "{folder}/brief.pdf"], "Add --category with one of: delivery, billing"),
        ([*COSTS, "--owner", "Ann"], "Add --report brief.pdf"),
        ([*COSTS, "--report", "{folder}/brief.pdf", "--category", "price"], "no category of this study"),
        ([*COSTS, "--report", "{folder}/brief.csv", "--category", "billing"], "brief.csv"),
        ([*COSTS, "--report", "{folder}/brief.pdf", "--category", "billing", "--start", "2027-02", "--read-in", "2027-01"], "starts in 2027-02"),
        ([*COSTS, "--report", "{folder}/brief.pdf", "--category", "billing", "--start", "soon"], "a month as 2026-09"),
        ([*COSTS, "--report", "{folder}/brief.pdf", "--category", "billing", "--least-fall", "100"], "not including, 100"),
    ],
)
def test_costs_that_decide_nothing_end_with_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], says: str) -> None:
    files = given(tmp_path)
    document = tmp_path / "decided.json"
    assert main(["decide", *files, "--quiet", "--lang", "en", "--json", str(document), *(one.format(folder=tmp_path) for one in extra)]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not document.exists() and not list(tmp_path.glob("brief*"))


def test_a_fix_is_followed_up_and_decides_about_the_next_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """compare writes what it found; decide starts from it, and takes it at that where these months cannot tell any more."""
    files = given(tmp_path)
    kept, found = tmp_path / "kept.toml", tmp_path / "found.json"
    asked = ["--intervention", "delivery@2025-01", "--keep", str(kept), "--json", str(found)]
    assert main(["compare", *files, "--quiet", "--lang", "en", *asked]) == 0
    assert "“delivery”" in capsys.readouterr().out
    (one,) = json.loads(found.read_text(encoding="utf-8"))["interventions"]
    entry = MappingSet.load(kept).interventions[0]
    assert entry.found == (one["log_effect"], one["log_error"]) and one["untouched"] == []
    earlier = replace(entry, category="billing", start=date(2010, 1, 1), found=(-0.9, 0.01))
    MappingSet(interventions=(replace(entry, found=None), earlier)).save(kept)
    path = tmp_path / "decided.json"
    assert main(["decide", *files, "--quiet", "--mapping", str(kept), "--json", str(path), *COSTS]) == 0
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["interventions"] == [one]
    share = {row["category"]: row["efficacy"]["mean"] for row in document["decisions"]}
    assert share["billing"] == pytest.approx(1 - 2.718281828**-0.9, abs=0.02)  # 59 %, and surely so
    assert 0.3 < share["delivery"] < share["billing"]  # what was found for billing counts half for delivery
    for wrong in ("delivery", "@2025-01", "delivery@2025-13"):
        with pytest.raises(UsageError):
            check_intervention(wrong)
    assert check_intervention("a@b@2025-01 in x, y") == InterventionEntry("a@b", date(2025, 1, 1), ("x, y",))


def test_the_document_has_the_decisions_beside_the_estimate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = given(tmp_path)
    path = tmp_path / "decided.json"
    brief = ["--report", str(tmp_path / "brief.html"), "--category", "delivery", "--owner", "Ann", "--start", "2027-02"]
    assert main(["decide", *files, "--quiet", "--lang", "fr", "--budget", "5000", "--json", str(path), *COSTS, *brief]) == 0
    page = (tmp_path / "brief.html").read_text(encoding="utf-8")
    assert "Ann" in page and "février 2027" in page and "janvier 2028" in page
    document = json.loads(path.read_text(encoding="utf-8"))
    assert {one["category"] for one in document["decisions"]} == {"delivery", "billing"}
    for one in document["decisions"]:
        assert 0 <= one["probability_pays"] <= 1
        assert one["saved"]["lower"] <= one["saved"]["median"] <= one["saved"]["upper"]
        assert 0 <= one["probability_in_best_set"] <= 1
    assert document["information"]["evpi"] >= 0
    assert document["total"]["silent_churn"] is not None
    assert "mirror" in document
    assert document["decisions"][0]["category"] in capsys.readouterr().out
