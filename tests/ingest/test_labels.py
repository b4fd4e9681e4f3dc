"""Labels are categories and free text is not: free text is never stored, and never becomes a category silently."""

from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rejected_rows import rejected_rows_csv
from iceberg.ingest.values.free_text import holds_texts

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


def test_texts_count_as_yes_where_the_mapping_says_so_and_no_text_leaves_the_file() -> None:
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


@pytest.mark.parametrize("mapped", [False, True])
def test_a_text_is_no_category_of_complaints_even_when_the_mapping_says_so(tmp_path: Path, mapped: bool) -> None:
    lines = "".join(f'C{i},2025-0{1 + i % 9}-11,"{SENTENCE.format(i)}",Shop {i % 4}\n' for i in range(80))
    source = UploadedBytes("tickets.csv", f"customer_id,created_at,category,shop\n{lines}".encode())
    choices = {"customer_id": "customer_id", "complaint_date": "created_at", "category": "category"}
    mapping = MappingSet({"complaints": ColumnMapping("complaints", {name: FieldChoice(name, header) for name, header in choices.items()})})
    with pytest.raises(MappingError) as caught:
        load_tables(complaints=source, mapping=mapping if mapped else None)
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


def coded(churn: str, complain: str, *, rows: int = 40) -> UploadedBytes:
    """A sheet whose two columns repeat these values."""
    left, spoke = churn.split(), complain.split()
    body = "".join(f"{i},{i % 30},{left[i % len(left)]},{spoke[i % len(spoke)]}\n" for i in range(rows))
    return UploadedBytes("spss.csv", f"ID,TENURE,CHURN,COMPLAIN\n{body}".encode())


@pytest.mark.parametrize(("sheet_of", "column"), [(("1 2 2 2", "0 1"), "CHURN"), (("Bestand Storno", "0 1"), "CHURN"), (("0 1", "2 1"), "COMPLAIN")])
def test_the_code_that_means_yes_is_a_question_and_never_a_guess(sheet_of: tuple[str, str], column: str) -> None:
    """Questionnaires use the codes 1 and 2; if any number meant yes, every customer would have left."""
    with pytest.raises(MappingError) as caught:
        load_tables(coded(*sheet_of))
    assert caught.value.code == "flag_values"
    for language in ("en", "fr"):
        assert f"spss.csv{',' if language == 'en' else ', colonne'}" in caught.value.message(language)
        assert column in caught.value.message(language)
        assert "[flat.yes_values]" in caught.value.message(language)


def test_the_values_that_mean_yes_are_read_from_the_mapping_and_saved_in_it() -> None:
    choices = {"tenure": "TENURE", "churned": "CHURN", "complained": "COMPLAIN"}
    mapping = MappingSet.from_dict({"flat": {"columns": choices, "yes_values": {"churned": ["Storno"], "complained": ["1"]}}})
    assert MappingSet.from_dict(mapping.to_dict()) == mapping
    tables, _ = load_tables(coded("Bestand Storno Bestand Bestand", "1 2"), mapping=mapping)
    with tables:
        counted = tables.connection.sql("SELECT count(*) FILTER (churned), count(category) FROM flat").fetchall()
    assert counted == [(10, 20)]


def test_counts_of_complaints_and_blanks_are_no_codes() -> None:
    tables, _ = load_tables(coded("0 1", "1 3 2"))
    tables.close()
    blank = UploadedBytes("s.csv", ("TENURE,CHURN,COMPLAIN\n" + "".join(f"{i},{i % 2},{'' if i % 3 else 1 + i % 2}\n" for i in range(40))).encode())
    tables, _ = load_tables(blank)
    with tables:
        assert tables.connection.sql("SELECT count(category) FROM flat").fetchall() == [(14,)]
