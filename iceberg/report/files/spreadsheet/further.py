"""Builds the sheets of what further files say: the sentence, the table as the reports have it, and what else is to be known of it."""

from __future__ import annotations

from dataclasses import dataclass

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.document.executive import further_sections
from iceberg.report.files.formula_guard import safe_cell


@dataclass(frozen=True)
class FurtherSheet:
    """One table of a further file.

    Attributes:
        name: On the sheet's tab, no two alike.
        sentence: What to remember of the file; on every sheet of it.
        caption: What the table shows, or what the file is about.
        headers: Columns; none where the file has a sentence only.
        rows: Cells in words, as many as `headers`.
        lines: What else is said; on the first sheet of the file.
    """

    name: str
    sentence: str
    caption: str
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()


def build_further_sheets(estimate: IcebergEstimate, counts: CohortCounts, words: Translator, *, smallest: int = 0) -> tuple[FurtherSheet, ...]:
    """A sheet per table, one at least for each kind of further file; none for a study without further files.

    Args:
        estimate: Has the categories that the reader sees.
        counts: Of the whole study.
        words: Language.
        smallest: Above 0 for a workbook that goes to viewers.
    """
    sheets: list[FurtherSheet] = []
    for kind, section in further_sections(estimate, counts, words, smallest=smallest).items():
        name, lines = words.text(f"export.sheet.{kind}"), (*section.lines, *section.small_print)
        if not section.tables:
            sheets.append(FurtherSheet(name, section.sentence, section.title, lines=lines))
        for number, table in enumerate(section.tables, 1):
            named = name if number == 1 else f"{name} {number}"
            sheets.append(FurtherSheet(named, section.sentence, table.caption, table.headers, table.rows, lines if number == 1 else ()))
    return tuple(sheets)


def number_of(text: str, words: Translator) -> int | None:
    """The whole number that a cell is written as; None where it says anything else."""
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())
    return int(digits) if digits and words.integer(int(digits)) == text else None


def figure_text(text: str) -> str:
    """A cell that holds no name, as it is written: a sign before a digit is that of a number and runs nothing."""
    return text if text[1:2].isdigit() else safe_cell(text)
