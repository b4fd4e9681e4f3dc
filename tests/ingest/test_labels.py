"""Labels are categories, texts are not: a text that somebody wrote is never kept, and is never a category in silence."""

from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.labels import holds_texts
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import ColumnMapping, FieldChoice, MappingSet
from iceberg.ingest.rejected import rejected_rows_csv
from iceberg.ingest.sources import UploadedBytes

SENTENCE = "The line drops every evening, please call me on 06 12 34 56 78, ref {}"


def sheet(header: str, cells: list[str], rows: int = 60) -> UploadedBytes:
    body = "".join(f'C{i},{i % 30},{"Yes" if i % 4 == 0 else "No"},"{cells[i % len(cells)].format(i)}"\n' for i in range(rows))
    return UploadedBytes("sheet.csv", f"CustomerID,Tenure,Churn,{header}\n{body}".encode())


def complained(source: UploadedBytes, mapping: MappingSet | None = None) -> dict[str | None, int]:
    tables, _ = load_tables(source, mapping=mapping)
    with tables:
        return dict(tables.connection.sql("SELECT category, count(*) FROM flat GROUP BY 1").fetchall())


def test_words_in_a_complaint_column_are_categories_and_none_is_none() -> None:
    cells = ["Billing", "None", "Network", "", "No complaint", "n/a"]
    assert complained(sheet("Complaint", cells)) == {"Billing": 10, "Network": 10, None: 40}


@pytest.mark.parametrize(
    ("header", "none"), [("Réclamation", "Aucune"), ("Reclamation", "Pas de réclamation"), ("Complaint", "no"), ("Complaint", "0")]
)
def test_a_word_that_says_none_is_no_category_in_either_language(header: str, none: str) -> None:
    assert complained(sheet(header, ["Facture", none, "Livraison"])) == {"Facture": 20, "Livraison": 20, None: 20}


def test_texts_in_a_complaint_column_are_refused_with_what_to_write() -> None:
    with pytest.raises(MappingError) as caught:
        load_tables(sheet("Complaint", [SENTENCE, "", ""]))
    assert caught.value.code == "complained_is_text"
    for language in ("en", "fr"):
        said = caught.value.message(language)
        assert "sheet.csv" in said
        assert 'complained = "Complaint"' in said
        assert "06 12" not in said
    proposal = caught.value.proposal
    assert proposal is not None
    assert complained(sheet("Complaint", [SENTENCE, "", "none"]), MappingSet.from_dict(proposal.to_dict())) == {"complaint": 20, None: 40}


def test_told_texts_count_as_yes_and_no_text_leaves_the_file() -> None:
    choices = {name: FieldChoice(name, header) for name, header in {"tenure": "Tenure", "churned": "Churn", "complained": "Complaint"}.items()}
    source = sheet("Complaint", [SENTENCE, "", "x"])
    broken = UploadedBytes("sheet.csv", source.data + f'C98,5,perhaps,"{SENTENCE}"\n'.encode())
    tables, report = load_tables(broken, mapping=MappingSet({"flat": ColumnMapping("flat", choices)}))
    with tables:
        rejected = rejected_rows_csv(tables)
        assert tables.connection.sql("SELECT DISTINCT category FROM flat ORDER BY 1").fetchall() == [("complaint",), (None,)]
    assert report.rows["flat"].rejected == 1
    assert b"perhaps" in rejected
    assert b"06 12" not in rejected
    assert ("flat_text_counts", {"file": "sheet.csv", "column": "Complaint"}) in report.notes


@pytest.mark.parametrize("told", [False, True])
def test_a_text_is_no_category_of_complaints_even_when_somebody_says_so(tmp_path: Path, told: bool) -> None:
    lines = "".join(f'C{i},2025-0{1 + i % 9}-11,"{SENTENCE.format(i)}",Shop {i % 4}\n' for i in range(80))
    source = UploadedBytes("tickets.csv", f"customer_id,created_at,category,shop\n{lines}".encode())
    choices = {"customer_id": "customer_id", "complaint_date": "created_at", "category": "category"}
    mapping = MappingSet({"complaints": ColumnMapping("complaints", {name: FieldChoice(name, header) for name, header in choices.items()})})
    with pytest.raises(MappingError) as caught:
        load_tables(complaints=source, mapping=mapping if told else None)
    assert caught.value.code == "category_is_text"
    assert "shop" in caught.value.message("en")
    assert "06 12" not in caught.value.message("en")


def test_long_labels_that_repeat_and_volumes_of_many_categories_are_labels() -> None:
    names = ["Credit reporting, credit repair services, or other personal consumer reports", "Checking or savings account"]
    assert not holds_texts(names * 40)
    many = UploadedBytes("volumes.csv", ("month,category,complaints\n" + "".join(f"2025-01,Reason number {i},{i + 1}\n" for i in range(80))).encode())
    tables, report = load_tables(volumes=many)
    tables.close()
    assert report.rows["volumes"].kept == 80
