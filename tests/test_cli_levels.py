"""Levels 4 and F from the command line: the options, the document, and the errors of wrong combinations."""

import json
from pathlib import Path

import pytest

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import parse_options
from iceberg.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "en"


def test_a_survey_beside_volumes_replaces_the_ratio_and_says_where_it_is_silent(tmp_path: Path) -> None:
    document = tmp_path / "o.json"
    survey = tmp_path / "survey.csv"
    survey.write_text("category,asked,had_problem,complained\nbilling,900,300,240\n")
    assert main(["estimate", "--volumes", str(DATA / "volumes.csv"), "--survey", str(survey), "--json", str(document), "--quiet"]) == 0
    written = json.loads(document.read_text())
    ratios = {one["category"]: one["silent_ratio"] for one in written["categories"]}
    assert ratios["billing"]["posterior"]["upper"] < ratios["billing"]["prior"]["lower"]
    assert "not_measured" in {one["code"] for one in written["diagnostics"]}


def test_an_incident_log_without_complaints_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    log = str(DATA / "incidents.csv")
    assert main(["estimate", "--customers", str(DATA / "customers.csv"), "--incidents", log]) == 2
    assert "--complaints FILE" in capsys.readouterr().err


@pytest.mark.parametrize(("language", "says"), [("en", "without dates"), ("fr", "sans dates")])
def test_a_flat_sheet_alone_is_level_f_and_its_document_has_no_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, says: str
) -> None:
    sheet, document = tmp_path / "flat.csv", tmp_path / "o.json"
    rows = [f"{i % 40},{int(i % 6 == 0)},{int(i % 9 == 0 or i % 12 == 0)}" for i in range(400)]
    sheet.write_text("\n".join(["tenure,complain,churn", *rows]))
    assert main(["estimate", "--customers", str(sheet), "--json", str(document), "--lang", language]) == 0
    written = json.loads(document.read_text())
    assert (written["evidence_level"], written["since"], written["as_of"]) == ("F", None, None)
    assert written["rows"]["customers"] == {"read": 400, "kept": 400, "rejected": 0}
    out = capsys.readouterr().out
    assert says in out
    assert "2000" not in out


def test_a_window_for_a_sheet_without_dates_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "flat.csv"
    sheet.write_text("tenure,complain,churn\n1,0,0\n2,1,1\n")
    assert main(["estimate", "--customers", str(sheet), "--since", "2024-01-01"]) == 2
    assert "no dates" in capsys.readouterr().err


def test_a_sheet_where_complained_is_churned_is_called_a_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "flat.csv"
    sheet.write_text("\n".join(["tenure,Complain,Exited", *(f"{i % 10},{int(i % 5 == 0)},{int(i % 5 == 0 or i == 7)}" for i in range(1000))]))
    assert main(["estimate", "--customers", str(sheet), "--quiet"]) == 0
    assert "this looks like a leak" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("language", "says"), [("en", "1,996 complaints are counted per month"), ("fr", "sont comptées par mois et par motif")])
def test_linked_complaints_alone_are_counted_like_volumes_and_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, says: str
) -> None:
    """Their customers are unknown: level 0, with the numbers of the same file given as volumes."""
    documents = []
    for option in ("--complaints", "--volumes"):
        target = tmp_path / f"{option}.json"
        assert main(["estimate", option, str(DATA / "complaints.csv"), "--json", str(target), "--lang", language]) == 0
        printed = capsys.readouterr().err
        documents.append(json.loads(target.read_text()))
        assert (says in " ".join(printed.split())) == (option == "--complaints")
    assert documents[0]["evidence_level"] == "0"
    assert documents[0]["total"] == documents[1]["total"]


def test_the_bias_of_a_log_and_of_a_survey_are_options_from_one_to_twenty() -> None:
    """1 trusts the source; below 1 there is no factor, and above 20 the source says nothing."""
    files = ["estimate", "--customers", "c.csv", "--complaints", "k.csv"]
    chosen = parse_options([*files, "--incident-bias", "1", "--survey-bias", "3.5"])
    assert (chosen.incident_bias, chosen.survey_bias) == (1.0, 3.5)
    usual = parse_options(files)
    assert (usual.incident_bias, usual.survey_bias) == (1.9, 2.7)
    for wrong in ("0.9", "21", "nan", "two"):
        with pytest.raises(UsageError) as refused:
            parse_options([*files, "--survey-bias", wrong])
        assert refused.value.code == "factor_out_of_range"
