"""`iceberg design`: what is refused before anything is read, and the document, the questions and the answer of one run."""

import json
from pathlib import Path

import pytest

from iceberg.cli.arguments.option_types import UsageError
from iceberg.cli.arguments.options import parse_options
from iceberg.cli.main import main
from iceberg.locale import Translator
from tests.test_cli_decide import given

FILES = ["--customers", "c.csv", "--complaints", "k.csv"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ([], "design_one_target"),
        (["--target", "a:half", "--decision"], "design_one_target"),
        (["--decision"], "design_needs_cost"),
        (["--target", "a:half", "--study-price", "leaver_survey"], "amount_of_nothing"),
        (["--target", "a:half", "--study-price", "leaver_survey=1,500"], "amount_ambiguous"),
    ],
)
def test_a_design_without_one_question_is_refused(typed: list[str], code: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_options(["design", *FILES, *typed])
    assert raised.value.code == code


def test_one_run_answers_writes_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from iceberg.cli import design
    from iceberg.cli.estimate import make_estimate

    files = given(tmp_path)
    made = make_estimate(parse_options(["estimate", *files, "--quiet"]), Translator("en"))
    monkeypatch.setattr(design, "make_estimate", lambda *_: made)
    document, questions = tmp_path / "designed.json", tmp_path / "questions.txt"
    asked = ["design", *files, "--quiet", "--lang", "fr", "--json", str(document), "--questions", str(questions)]
    assert main([*asked, "--target", "delivery:billingg"]) == 2
    assert "billing" in capsys.readouterr().err and not document.exists() and not questions.exists()
    assert main([*asked, "--decision", "--cost", "delivery=4000", "--customer-value", "300", "--study-price", "leaver_survey=1"]) == 0
    found = json.loads(document.read_text(encoding="utf-8"))
    assert found["design"]["target"] == {"category": None, "other": None}
    assert 0 <= found["information"]["of_the_losses"] <= found["information"]["evpi"] + 1e-6
    by_form = [one for one in found["information"]["studies"] if one["kind"] == "leaver_survey"]
    assert [one["cost"] for one in by_form] == [one["number"] for one in by_form]
    assert "Qu’est-ce qui vous a fait partir" in questions.read_text(encoding="utf-8")
    answer = capsys.readouterr().out
    assert "étude" in answer and "facteur 1,9" in " ".join(answer.split())  # an audit is doubted as a log is, and the answer says by how much


def test_prices_of_the_mapping_stand_until_the_option_says_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, mapping, document = given(tmp_path), tmp_path / "mapping.toml", tmp_path / "designed.json"
    asked = [*files, "--quiet", "--lang", "en", "--mapping", str(mapping), "--json", str(document)]
    asked += ["--cost", "delivery=4000", "--customer-value", "300"]

    def price(*typed: str) -> float:
        assert main([*typed, *asked]) == 0
        studies = json.loads(document.read_text(encoding="utf-8"))["information"]["studies"]
        return next(one["cost"] / one["number"] for one in studies if one["kind"] == "leaver_survey")

    mapping.write_text("[study_prices]\nleaver_survey = 2.5\n", encoding="utf-8")
    assert (price("decide"), price("design", "--decision")) == (2.5, 2.5)
    assert price("design", "--decision", "--study-price", "leaver_survey=1") == 1
    document.unlink()
    mapping.write_text('[study_prices]\nleaver_survey = "five"\n', encoding="utf-8")
    assert main(["design", "--decision", *asked]) == 2
    refused = " ".join(capsys.readouterr().err.split())
    assert 'The mapping mapping.toml cannot say "five" for leaver_survey' in refused and "[study_prices]" in refused
    assert not document.exists()
