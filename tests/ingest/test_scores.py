"""Satisfaction scores: how they are written, on which scale they are, and what is refused by name instead of being guessed."""

from pathlib import Path

import duckdb
import pytest

from iceberg.errors import IcebergError, MappingError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_table
from iceberg.ingest.rejected_rows import require_rows
from iceberg.ingest.schema import SCALES, Scale
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.values.scores import NO_ANSWER, NOT_ASKED, OUTSIDE, ScaleQuestion, read_score, recognise_scale, score_sql
from iceberg.locale import LANGUAGES

FIVE = {str(number): 20 for number in range(1, 6)}
TEN = {str(number): 10 for number in range(11)}


def scale_name(header: str, counted: dict[str, int]) -> str:
    found = recognise_scale(header, counted)
    assert isinstance(found, Scale)
    return found.name


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("nps", {"9": 3, "10": 2}, "0-10"),
        ("score", TEN, "0-10"),
        ("satisfaction", FIVE, "1-5"),
        ("note", {str(number): 20 for number in range(1, 8)}, "1-7"),
        ("note sur 5", {"4": 1, "5": 1}, "1-5"),
        ("csat", {"80 %": 3, "100 %": 4}, "percent"),
        ("score", {"0": 10, "25": 10, "50": 10, "75": 10, "100": 10}, "percent"),
        ("reponse", {"8/10": 3, "10/10": 2}, "0-10"),
        ("reponse", {"4 sur 5": 3, "5 sur 5": 2}, "1-5"),
        ("avis", {"★★★★☆": 3, "★★★★★": 2}, "1-5"),
        ("note", {"9 - très probable": 3, "10 - très probable": 8, "2 – peu probable": 1} | TEN, "0-10"),
        ("survey results", {"Very satisfied": 2, "Dissatisfied": 1, "No response": 9}, "words"),
        ("satisfaction score", {"Good": 5, "Bad": 1, "Offered": 30, "Unoffered": 99}, "words"),
        ("satisfaction", {"Très satisfait": 5, "Plutôt insatisfait": 2, "Pas du tout satisfaite": 1}, "words"),
        ("humeur", {"😀": 5, "🙁": 2, ":-)": 1}, "words"),
        ("categorie nps", {"Promoteur": 4, "Détracteur": 1, "Passif": 1}, "words"),
    ],
)
def test_header_and_values_show_the_scale(header: str, cells: dict[str, int], name: str) -> None:
    assert scale_name(header, cells) == name


@pytest.mark.parametrize(
    ("header", "cells", "code"),
    [
        ("score", {"1": 3, "4": 2, "5": 1}, "scores_scale_unknown"),  # six answers could be on a scale of ten
        ("score", {str(number): 20 for number in range(6)}, "scores_scale_unknown"),  # 0 to 5
        ("score", {"0": 40, "1": 40}, "scores_scale_unknown"),
        ("ces", {str(number): 20 for number in range(1, 8)}, "scores_scale_unknown"),  # more effort, or more ease?
        ("score", {"-3": 40, "4": 40}, "scores_scale_unknown"),
        ("score", {"good": 40, "4": 40}, "scores_two_scales"),
        ("score", {"8/10": 40, "4/5": 40}, "scores_two_scales"),
        ("score", FIVE | {"80": 30, "100": 30}, "scores_two_scales"),
        ("nps", {"80": 30, "100": 30, "9": 10}, "scores_off_scale"),
    ],
)
def test_what_values_do_not_show_is_asked(header: str, cells: dict[str, int], code: str) -> None:
    found = recognise_scale(header, cells)
    assert isinstance(found, ScaleQuestion)
    assert found.code == code


def test_a_few_mistakes_of_typing_do_not_hide_the_scale() -> None:
    assert scale_name("score", dict.fromkeys(FIVE, 100) | {"55": 1, "good": 1}) == "1-5"


WRITTEN = [
    *("0", "7", "9.5", "8,5", "10", "11", "-1", "8/10", "4/5", "4 sur 5", "85 %", "85%"),
    *("4 stars", "3 étoiles", "★★★☆☆", "9 - très probable", "5 (very satisfied)"),
    *("Good", "Bad"),
    *("good, with comment", "Offered", "Unoffered", "Très satisfait", "très satisfaite", "insatisfait", "Pas du tout satisfait", "neutre"),
    *("😀", "🙂", "😐", "☹️", "😡", "👍"),
    *(":-)", ":(", ":|", "Promoter", "détracteur", "no response", "Sans réponse", "2026-03-04", "x12", "", "maybe"),
]


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_the_engine_reads_a_score_as_the_recognition_does(scale: Scale) -> None:
    """Two readers of the same cell, one in Python for the distinct values and one in SQL for every row, may not differ."""
    family = {"percent": "percent", "words": "word"}.get(scale.name, f"of {scale.high}")
    connection = duckdb.connect()
    for text in WRITTEN:
        [(level,)] = connection.execute(f"SELECT {score_sql('cell', scale)} FROM (SELECT ? AS cell)", [text]).fetchall()
        found = read_score(text) if text else None
        if found is None or found[0] not in {"", "number", family} or (found[0] == "number" and scale.name == "words"):
            assert level is None or found is not None, text
            assert level is None or level < 0, text
        elif found[0] == "":
            assert level == found[1], text
        elif scale.low <= found[1] <= scale.high:
            assert level == found[1] // scale.step, text
        else:
            assert level == OUTSIDE, text


CUSTOMERS = "customer_id,start_date,end_date\n" + "".join(f"C{number},2024-01-01,\n" for number in range(60))


def load(folder: Path, text: str, mapping: MappingSet | None = None) -> tuple[list[tuple[object, ...]], IngestReport]:
    """The kept rows of a file of scores beside sixty customers, and the report."""
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (folder / "scores.csv").write_text(text, encoding="utf-8")
    tables, report = load_tables(folder / "customers.csv", scores=folder / "scores.csv", mapping=mapping)
    with tables:
        require_rows(report, mapping)
        return tables.connection.execute("SELECT customer_id, score_date, score FROM scores ORDER BY ALL").fetchall(), report


def test_every_row_is_kept_or_named_with_its_line(tmp_path: Path) -> None:
    rows = ["C1,2025-01-05,9", "C2,2025-01-05,11", ",2025-01-05,3", "C3,,4", "C4,2025-13-40,4"]
    rows += ["X9,2025-01-05,4", "C5,2025-01-05,maybe", "C6,2025-01-05,"]
    kept, report = load(tmp_path, "\n".join(["customer id,answered at,NPS", *rows]) + "\n")
    assert [(str(customer), score) for customer, _, score in kept] == [("C1", 9), ("C6", None)]
    found = {(issue.rule, issue.line, issue.column, issue.value) for issue in report.issues}
    assert ("score_out_of_range", 3, "NPS", "11") in found
    assert ("missing_customer_id", 4, "customer id", "") in found
    assert ("missing_score_date", 5, "answered at", "") in found
    assert ("unparseable_date", 6, "answered at", "2025-13-40") in found
    assert ("unknown_customer", 7, "customer id", "X9") in found
    assert report.rows["scores"].read == report.rows["scores"].kept + report.rows["scores"].rejected == 8


def test_a_score_in_other_writing_is_two_scales_with_the_line_of_each(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as found:
        load(tmp_path, "customer id,date,score\nC1,2025-01-05,9\nC2,2025-01-06,good\n")
    assert found.value.code == "scores_two_scales"
    assert (found.value.values["line"], found.value.values["second"]) == ("2", "3")
    for language in LANGUAGES:
        assert all(part in found.value.message(language) for part in ("scores.csv", "good", "--score-scale", "scale"))


def test_a_mapping_settles_the_scale_and_rows_that_do_not_fit_are_named(tmp_path: Path) -> None:
    text = "customer id,date,score\nC1,2025-01-05,4\nC2,2025-01-06,good\nC3,2025-01-07,2\n"
    kept, report = load(tmp_path, text, MappingSet().with_scale("1-5"))
    assert [score for _, _, score in kept] == [4, 2]
    assert {(issue.rule, issue.line, issue.value) for issue in report.issues} == {("unreadable_score", 3, "good")}
    saved = MappingSet.from_dict(MappingSet().with_scale("1-5").to_dict())
    assert saved.tables["scores"].scale == "1-5"
    with pytest.raises(MappingError) as wrong:
        MappingSet.from_dict({"scores": {"scale": "1-6"}})
    assert wrong.value.code == "mapping_value_wrong"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("customer id,date,score\n" + "".join(f"X{number},2025-01-05,{number % 11}\n" for number in range(60)), "all_rows_rejected"),  # no id is met
        ("customer id,date,score\n" + "".join(f"C{number},,{number % 11}\n" for number in range(60)), "column_empty"),  # no date
        ("customer id,date,score\n" + "".join(f"C{number},2025-01-05,abc{number}\n" for number in range(60)), "values_unreadable"),
        ("customer id,date,kind,score\nC1,2025-01-05,NPS,9\nC2,2025-01-05,CSAT,4\n", "scores_several_kinds"),
        ("customer id,score\nC1,9\n", "columns_unsure"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(IcebergError) as found:
        load(tmp_path, text)
    assert found.value.code == code or code == "columns_unsure"
    assert "scores.csv" in found.value.message("en") and "scores.csv" in found.value.message("fr")


def test_questions_without_an_answer_are_told_from_those_never_sent(tmp_path: Path) -> None:
    text = "Requester external id,Solved at,Satisfaction Score\nC1,2025-01-05,Good\nC2,2025-01-06,Offered\nC3,2025-01-07,Unoffered\nC4,2025-01-08,\n"
    kept, _ = load(tmp_path, text)
    assert [score for _, _, score in kept] == [4, NO_ANSWER, NOT_ASKED, None]
    text = "client,envoyé le,répondu le,recommandation\nC1,01/02/2025,13/02/2025,9\nC2,01/02/2025,,\n"
    kept, _ = load(tmp_path, text)
    assert [(str(day), score) for _, day, score in kept] == [("2025-02-13", 9), ("2025-02-01", NO_ANSWER)]


def test_two_files_on_two_scales_are_refused(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    for name, scale in (("a", range(1, 6)), ("b", range(11))):
        rows = [f"C{number},2025-01-05,{scale[number % len(scale)]}" for number in range(60)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["customer id,date,score", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(MappingError) as found:
        load_tables(tmp_path / "customers.csv", scores=[tmp_path / "a.csv", tmp_path / "b.csv"])
    assert found.value.code == "scores_files_differ"


def test_a_file_of_scores_is_recognised_and_other_files_stay_what_they_were(tmp_path: Path) -> None:
    for name, header in (("nps-2025.csv", "Customer ID,Answered at,NPS"), ("x.csv", "N° client;Date de réponse;Note de satisfaction")):
        separator = ";" if ";" in header else ","
        rows = [separator.join((f"C{number}", f"2025-01-{number % 28 + 1:02d}", str(number % 11))) for number in range(60)]
        (tmp_path / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        assert recognise_table(tmp_path / name) == "scores"
    visits = "customer_id,date,value\n" + "".join(f"C{number % 7},2025-01-{number % 28 + 1:02d},{number}.50\n" for number in range(60))
    (tmp_path / "visits.csv").write_text(visits, encoding="utf-8")
    assert recognise_table(tmp_path / "visits.csv") == "activity"
