"""What is said of good moments: nothing else of the document moves, what cannot be said is not shown, and no count of one to four customers is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iceberg.cli.main import main
from iceberg.cohort.positives.positive_counts import EVERY_KIND, OTHER_KINDS, BandFollowed
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.positives.estimate import Enchantment
from iceberg.report.charts.journey.buoys import build_buoys
from iceberg.report.positives.document import positives_document
from iceberg.report.positives.sentences import kind_name, positives_grid, positives_headline, positives_sentences, positives_table
from tests.companies import write_company
from tests.model.test_positives import estimated, positives


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred customers, of whom eighty have a good moment in the summer, and three after they left."""
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}")
    rows = [f"C{number},2024-08-{1 + number % 28:02d},{'compliment' if number % 3 else 'goodwill'}" for number in range(100, 180)]
    rows += [f"C{number},2025-08-01,compliment" for number in (0, 4, 8)]
    (folder / "positives.csv").write_text("\n".join(["customer id,compliment date,kind", *rows]) + "\n", encoding="utf-8")
    return folder


def run(folder: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, object]]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv")]
    assert main(["estimate", *files, "--json", str(folder / "out.json"), "--quiet", *options]) == 0
    return capsys.readouterr().out, json.loads((folder / "out.json").read_text(encoding="utf-8"))


def test_good_moments_change_no_byte_of_the_rest(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, without = run(company, capsys=capsys)
    more, having = run(company, "--positives", str(company / "positives.csv"), capsys=capsys)
    found = having.pop("positives")
    assert json.dumps(having) == json.dumps(without)
    assert isinstance(found, dict) and found["rows"]["read"] == 83 and found["rows"]["after_departure"] is None
    assert "Good moments" in more and "Good moments" not in said
    assert all(line in more.splitlines() for line in said.splitlines())


def test_publishing_and_deciding_take_the_file(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv")]
    files += ["--positives", str(company / "positives.csv"), "--quiet"]
    assert main(["decide", *files, "--cost", "billing=1000", "--json", str(company / "decide.json")]) == 0
    store = f"sqlite:///{company / 'store.db'}"
    assert main(["publish", *files, "--title", "Moments", "--store", store, "--author", "A"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("name", ["report.html", "report.pdf", "report.pptx", "report.xlsx"])
def test_reports_are_written(company: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    run(company, "--positives", str(company / "positives.csv"), "--report", str(company / name), capsys=capsys)
    content = (company / name).read_bytes()
    assert content
    assert not name.endswith("html") or b"Good moments" in content


CASES: dict[str, Callable[[], Enchantment]] = {
    "few": lambda: estimated(positives(10)),
    "unclear": lambda: estimated(positives(4_000)),
    "protects": lambda: estimated(positives(4_000, effect=0.5)),
    "harms": lambda: estimated(positives(4_000, effect=-0.5)),
    "engagement": lambda: estimated(positives(4_000, effect=0.5, unseen=-0.9)),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reading", CASES)
def test_every_answer_has_its_sentence_in_both_languages(reading: str, language: str) -> None:
    found, words = CASES[reading](), Translator(language)
    assert found.whole.reading == reading
    said = positives_headline(found, words)
    assert "{" not in said and said.endswith(".")
    sentences = positives_sentences(found, words)
    assert sentences and all("{" not in one for one in sentences)
    assert positives_grid(found, words)[1]


@pytest.mark.parametrize("reading", ["few", "engagement"])
def test_what_cannot_be_said_is_not_shown(reading: str) -> None:
    """Neither in the table nor in the document: a figure beside "cannot be told" would be read as one."""
    found, words = CASES[reading](), Translator("en")
    [row] = positives_table(found, words).to_dict("records")
    assert (row["leavers"], row["expected"], row["saved"], row["median"]) == ("", "", "", None)
    whole = positives_document(found)["all"]
    assert (whole["leavers"], whole["expected"], whole["saved"], whole["log_effect"]) == (None, None, None, None)
    assert len(positives_sentences(found, words)) == 1  # with whom they were compared


def test_without_a_log_the_answer_says_that_engagement_is_not_seen() -> None:
    blind = estimated(positives(4_000, log=False))
    assert "No log of visits shows engagement" in positives_sentences(blind, Translator("en"))[0]
    assert "Aucun journal de visites" in positives_sentences(blind, Translator("fr"))[0]
    assert positives_document(blind)["all"]["placebo"]["visits_long_before"] is None


def test_customers_who_left_more_often_are_counted_as_such() -> None:
    said = positives_headline(CASES["harms"](), Translator("en"))
    assert "more left" in said and "-" not in said.replace("Good", "")


def test_counts_of_one_to_four_customers_are_not_shown() -> None:
    found = estimated(replace(positives(4_000), after=3, later=4, outside=2, unmatched=1))
    assert positives_document(found)["rows"] == {"read": 900, "later": None, "after_departure": None, "outside": None, "unmatched": None}
    assert sum("fewer than 5" in one for one in positives_sentences(found, Translator("en"))) == 4
    bands = (BandFollowed(0, 0, 300, 900, 60, 61.0), BandFollowed(0, 1, 300, 900, 3, 2.0), BandFollowed(0, 2, 4, 900, 0, 1.0))
    rows = positives_document(estimated(replace(positives(4_000), bands=bands)))["bands"]
    assert [row["customers"] for row in rows] == [300, None, None]
    # One hidden band would follow from the sum of all: then none is shown.
    assert positives_document(estimated(replace(positives(4_000), bands=(*bands[:2], BandFollowed(0, 2, 40, 90, 8, 9.0)))))["bands"] == []


def test_viewers_see_all_moments_together_only() -> None:
    found = estimated(positives(4_000, kinds=("a", "b")))
    assert len(found.kinds) == 2 and len(positives_table(found, Translator("en"))) == 3
    assert len(positives_table(found, Translator("en"), whole=False)) == 1
    document = positives_document(found, whole=False)
    assert document["kinds"] == document["bands"] == []


def test_kinds_are_named_in_the_readers_language_or_as_they_are_written() -> None:
    counts = replace(positives(kinds=("Merci", "visite", OTHER_KINDS, "")), codes=("compliment", "", "", ""))
    french = [kind_name(counts, kind, Translator("fr")) for kind in (EVERY_KIND, 0, 1, 2, 3)]
    assert french == ["tous les bons moments", "compliment", "visite", "autres types", "type non indiqué"]


@pytest.mark.parametrize("narrow", [False, True])
def test_the_picture_is_hollow_where_nothing_can_be_distinguished(narrow: bool) -> None:
    found = estimated(positives(8_000, effect=0.5, kinds=("a", "b")))
    table = positives_table(found, Translator("en"))
    table.loc[2, "reading"] = "unclear"
    chart = build_buoys(table, Translator("en"), description="x", narrow=narrow).to_dict()
    rows = next(rows for rows in chart["datasets"].values() if len(rows) == 3)
    assert [row["certain"] for row in rows] == ["yes", "yes", "no"]
    marks = [layer["mark"] for layer in chart["layer"]]
    assert [mark.get("strokeDash") for mark in marks if mark["type"] == "rule"] == [None, None, [5, 4]]
    low, high = chart["layer"][1]["encoding"]["x"]["scale"]["domain"]
    assert low < 0 < high and np.isfinite([low, high]).all()


@pytest.mark.parametrize("effect", [0.0, 0.9])
def test_the_picture_has_no_layer_without_marks(effect: float) -> None:
    """A layer of which no row is drawn would be a picture without a name to a screen reader."""
    table = positives_table(estimated(positives(4_000.0, effect=effect)), Translator("en"))
    drawn = build_buoys(table, Translator("en"), description="x").to_dict(validate=True)  # type: ignore[call-arg, unused-ignore]
    only = {layer["transform"][0]["filter"]["equal"] for layer in drawn["layer"] if "transform" in layer}
    assert only == {"yes" if effect else "no"}
