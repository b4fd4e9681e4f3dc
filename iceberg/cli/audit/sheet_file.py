"""The sheet of one rater: a private file of this machine, as CSV or as a workbook that accepts 0 to 4 only."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iceberg.cohort.audit.record import BASIS, HUMS, ITEMS
from iceberg.cohort.audit.sheet import item_question, sheet_headers
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.audit.draw import DrawnCase


def sheet_content(rows: Sequence[DrawnCase], kind: str, words: Translator) -> bytes:
    """The file of one rater.

    Args:
        rows: The cases, in the order in which to score them.
        kind: ``csv`` or ``xlsx``.
        words: Language of the questions.
    """
    from iceberg.report.files.formula_guard import safe_cell

    headers = sheet_headers(words)
    lines = [[safe_cell(one.case_id), safe_cell(one.category), safe_cell(one.stratum), f"{one.probability:.6f}", str(one.rater)] for one in rows]
    if kind == "xlsx":
        from iceberg.report.files.spreadsheet.form import build_form

        return build_form(headers, lines, _guide(words), names=(words.text("audit.guide.sheet"), words.text("audit.guide.name")))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n", delimiter=";" if words.decimal(0.5, 1) == "0,5" else ",")
    writer.writerow(headers)
    writer.writerows([*line, *[""] * len(ITEMS)] for line in lines)
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def _guide(words: Translator) -> list[str]:
    """How to score, and on what the questions rest."""
    said = [words.text("audit.guide.purpose"), words.text("audit.guide.steps")]
    said += [item_question(item, words) for item in ITEMS]
    return [*said, *(f"{words.text('audit.guide.basis')}, {words.text(f'audit.hums.{hum}')}: {BASIS[hum]}" for hum in HUMS)]
