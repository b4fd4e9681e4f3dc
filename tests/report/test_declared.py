"""What is said of scores: nothing else of the document moves, the parts add up, and no count of one to four customers is shown or follows."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from iceberg.cli.main import main
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.scores.estimate import LastWords
from iceberg.report.scores.groups import OTHERS, is_safe, safe_groups
from tests.companies import write_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred customers; those who leave give lower scores, some of them on their last days."""
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north" if number % 3 else "south")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(300):
        first = date(2024, 1, 1) + timedelta(days=number % 200)
        for months in (2, 4, 6):
            if rng.random() < 0.5:
                low, high = (2, 7) if number % 4 == 0 and number % 3 else (9, 11)
                rows.append(f"C{number},{first + timedelta(days=30 * months)},{rng.integers(low, high)}")
        if number % 16 == 0:
            rows.append(f"C{number},{first + timedelta(days=200 + number % 150 - 1)},0")
    (folder / "scores.csv").write_text("\n".join(["customer id,answered at,NPS", *rows]) + "\n", encoding="utf-8")
    return folder


def run(folder: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, object]]:
    files = ["--customers", str(folder / "customers.csv"), "--complaints", str(folder / "complaints.csv")]
    assert main(["estimate", *files, "--json", str(folder / "out.json"), "--quiet", *options]) == 0
    return capsys.readouterr().out, json.loads((folder / "out.json").read_text(encoding="utf-8"))


def test_scores_change_no_byte_of_the_rest(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, without = run(company, capsys=capsys)
    more, having = run(company, "--scores", str(company / "scores.csv"), capsys=capsys)
    declared = having.pop("declared")
    assert json.dumps(having) == json.dumps(without)
    assert isinstance(declared, dict)
    head, _, rows = said.rpartition("customers:")
    assert more.startswith(head) or all(line in more.splitlines() for line in said.splitlines())
    assert "Declared and lived" in more and rows.strip().splitlines()[0] in more


def test_the_parts_add_up_to_everybody_and_to_the_document(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, document = run(company, "--scores", str(company / "scores.csv"), capsys=capsys)
    declared = document["declared"]
    assert isinstance(declared, dict)
    everybody = declared["leavers"]
    parts = ("dissatisfied", "neutral", "satisfied", "not_heard")
    assert everybody["leavers"] == sum(everybody[name] for name in parts) == 75
    for groups in (declared["by_complaint"], declared["by_segment"]):
        assert groups and sum(one["leavers"] for one in groups) == everybody["leavers"]
        assert all(sum(one[name] for one in groups) == everybody[name] for name in parts)
    without_complaint = [one for one in declared["by_complaint"] if one["name"] is None and not one["pooled"]]
    assert [one["leavers"] for one in without_complaint] == [document["silent_leavers"]]
    bounds = declared["satisfied_share"]["bounds"]
    assert bounds["lowest"] == pytest.approx(everybody["satisfied"] / 75, abs=1e-6)
    assert bounds["highest"] == pytest.approx((everybody["satisfied"] + everybody["not_heard"]) / 75, abs=1e-6)
    assert declared["auc"]["lower"] > 0.5
    assert declared["at_departure"]["leavers"] == 19 and declared["at_departure"]["found"]
    assert "75 customers who left" in said.replace("\n", " ")


def test_scale_and_look_back_are_chosen_on_the_command_line(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--scores", str(company / "scores.csv"), "--score-lookback-days", "60", "--score-scale", "0-10")
    _, document = run(company, *options, capsys=capsys)
    _, usual = run(company, *options[:2], capsys=capsys)
    shorter, longer = document["declared"], usual["declared"]
    assert isinstance(shorter, dict) and isinstance(longer, dict)
    assert (shorter["lookback_days"], longer["lookback_days"]) == (60, 180)
    assert shorter["heard_time"] < longer["heard_time"]


def test_french_says_the_same(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said, document = run(company, "--scores", str(company / "scores.csv"), "--lang", "fr", capsys=capsys)
    assert "Déclaré et vécu" in said and "75 clients partis" in said.replace("\n", " ")
    assert "declared" in document


def test_what_is_wrong_ends_with_status_two_and_its_place(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # a question proposes a mapping in the folder of the command
    (company / "two.csv").write_text("customer id,date,score\nC1,2024-05-05,9\nC2,2024-05-06,good\n", encoding="utf-8")
    files = ["--customers", str(company / "customers.csv"), "--complaints", str(company / "complaints.csv")]
    for language in LANGUAGES:
        assert main(["estimate", *files, "--scores", str(company / "two.csv"), "--quiet", "--lang", language]) == 2
        assert all(part in capsys.readouterr().err.replace("\n", " ") for part in ("two.csv",))
    assert main(["estimate", *files, "--scores", str(company / "scores.csv"), "--score-scale", "1-6", "--quiet"]) == 2
    assert "1-6" in capsys.readouterr().err


def group(name: str, *parts: int) -> LastWords:
    dissatisfied, neutral, satisfied, unheard = parts
    return LastWords(name, dissatisfied, neutral, satisfied, satisfied, 0, unheard)


def test_small_groups_are_taken_together_until_no_part_counts_one_to_four() -> None:
    groups = [group("a", 50, 0, 40, 90), group("b", 2, 0, 9, 30), group("c", 4, 0, 6, 12), group("d", 8, 0, 7, 9)]
    found = safe_groups(groups)
    assert [one.name for one in found] == ["a", "d", OTHERS] and found[-1].parts == (6, 0, 15, 42)
    assert all(is_safe(one) for one in found)


def test_a_single_small_group_would_follow_from_the_sum_and_takes_another_with_it() -> None:
    found = safe_groups([group("a", 50, 0, 40, 90), group("b", 2, 0, 9, 30), group("d", 8, 0, 7, 9)])
    assert [one.name for one in found] == ["a", OTHERS] and found[-1].parts == (10, 0, 16, 39)
    assert safe_groups([group("a", 50, 0, 40, 90), group("b", 2, 0, 9, 30)]) == ()  # both together are the sum


def test_random_groups_show_no_small_part_and_keep_the_sum() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        parts = [rng.poisson(rng.choice([1.0, 4.0, 30.0]), 4).tolist() for _ in range(int(rng.integers(1, 9)))]
        groups = [group(f"g{place}", *own) for place, own in enumerate(parts)]
        found = safe_groups(groups)
        assert all(is_safe(one) for one in found)
        assert len(found) != 1 or len(groups) == 1
        if found:
            assert sum(one.leavers for one in found) == sum(one.leavers for one in groups)


def test_no_heavy_library_is_loaded_for_the_scores() -> None:
    script = "import iceberg.model.scores.estimate, sys; print(sorted({'streamlit', 'altair', 'lifelines'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_carries_sentence_picture_and_lines(company: Path, language: str) -> None:
    """As a web page, which the PDF shares its blocks with; a report for viewers has no group."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.estimate import estimate_iceberg
    from iceberg.report.files import report_bytes

    tables, _ = load_tables(company / "customers.csv", company / "complaints.csv", scores=company / "scores.csv")
    with tables:
        counts = reduce_tables(tables)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=200))
    words = Translator(language)
    page, viewers = (report_bytes(estimate, counts, format="html", language=language, smallest=smallest).decode() for smallest in (0, 5))
    for text in (page, viewers):
        assert words.text("scores.title") in text and "75" in text
    assert "north" in page.partition(words.text("scores.title"))[2].partition("</section>")[0]
    assert "north" not in viewers.partition(words.text("scores.title"))[2].partition("</section>")[0]
    assert words.text("scores.title") not in report_bytes(estimate, replace(counts, scores=None), format="html", language=language).decode()


def test_the_charts_are_drawn_from_the_tables_and_are_valid(company: Path) -> None:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables
    from iceberg.model.scores.estimate import estimate_declared
    from iceberg.report.charts.scores.bars import build_score_bars
    from iceberg.report.charts.scores.curve import build_score_curve
    from iceberg.report.scores.sentences import curve_table, declared_table

    tables, _ = load_tables(company / "customers.csv", company / "complaints.csv", scores=company / "scores.csv")
    with tables:
        declared = estimate_declared(reduce_tables(tables))
    assert declared is not None
    for language in LANGUAGES:
        words, table, curve = Translator(language), declared_table(declared, Translator(language)), curve_table(declared)
        for theme in ("light", "dark"):
            bars = build_score_bars(table, words, theme, description="x")  # type: ignore[arg-type]  # both themes
            bars.to_dict(validate=True)
            build_score_curve(curve, words, theme, description="x").to_dict(validate=True)  # type: ignore[arg-type]
    [drawn] = bars.to_dict()["datasets"].values()
    ends = {row["label"]: max(one["end"] for one in drawn if one["label"] == row["label"]) for row in drawn}
    assert all(end == pytest.approx(1.0) for end in ends.values()) and len(ends) == len(table)
    assert build_score_bars(table.head(0), Translator("en"), description="nothing").to_dict(validate=True)
