"""Each way of going wrong gives its named rule with count, line, column and value, or a file error that says what
to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from iceberg.errors import FileError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.locale import Translator
from tests.ingest.corpus import BAD_ROWS, COMPLAINTS, CUSTOMERS, NO_TABLES, TODAY, BadRow

NOW = date.fromisoformat(TODAY)


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda bad: f"{bad.table}: {bad.name}")
@pytest.mark.parametrize("position", ["middle", "end"])
def test_a_bad_row_is_named_with_count_line_column_and_value(bad: BadRow, position: str, tmp_path: Path) -> None:
    """One bad row in an otherwise clean file: only its rule applies, once, and no row is lost."""
    texts = {"customers": CUSTOMERS, "complaints": COMPLAINTS}
    lines = texts[bad.table].splitlines()
    at = len(lines) - 1 if position == "middle" else len(lines)
    lines.insert(at, bad.row)
    texts[bad.table] = "\n".join(lines) + "\n"
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    tables, report = load_tables(tmp_path / "customers.csv", tmp_path / "complaints.csv", today=NOW)
    with tables:
        [accepted] = tables.connection.sql(f"SELECT count(*) FROM {bad.table}").fetchall()[0]
    issues = [
        (issue.table, issue.file, issue.line, issue.column, issue.value, issue.rule, issue.rejected)
        for issue in report.issues
    ]
    assert (bad.table, f"{bad.table}.csv", at + 1, bad.column, bad.value, bad.rule, bad.rejected) in issues
    assert [(count.table, count.rule, count.rows, count.rejected) for count in report.rules] == [
        (bad.table, bad.rule, 1, bad.rejected)
    ]
    totals = report.rows[bad.table]
    assert (totals.read, totals.rejected) == (len(lines) - 1, int(bad.rejected))
    assert totals.kept == accepted == totals.read - totals.rejected


@pytest.mark.parametrize("bad", BAD_ROWS, ids=lambda bad: f"{bad.table}: {bad.name}")
def test_every_rule_has_a_name_a_sentence_and_a_remedy_in_both_languages(bad: BadRow) -> None:
    """The rule's id is the key of its sentences."""
    for language in ("en", "fr"):
        words = Translator(language)
        assert all(words.text(f"ingest.rules.{bad.rule}.{part}") for part in ("name", "says", "remedy"))


@pytest.mark.parametrize(("name", "data", "code"), NO_TABLES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_file_that_is_no_table_is_refused_with_its_reason(name: str, data: bytes, code: str, tmp_path: Path) -> None:
    """By path and as an upload, with a sentence in both languages that names the file."""
    path = tmp_path / name
    path.write_bytes(data)
    for source in (path, UploadedBytes(name, data)):
        with pytest.raises(FileError) as caught:
            load_tables(source, today=NOW)
        assert caught.value.code == code
        assert all(name in caught.value.message(language) for language in ("en", "fr"))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    """The message names what was given."""
    with pytest.raises(FileError, match="no file") as caught:
        load_tables(tmp_path / "nowhere.csv")
    assert caught.value.code == "file_not_found"
    with pytest.raises(FileError, match="folder") as caught:
        load_tables(tmp_path)
    assert caught.value.code == "folder_without_tables"
