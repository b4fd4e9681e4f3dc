"""Writes a workbook to be filled in: the questions on one sheet, whose cells accept whole numbers of a scale only, and how to answer on another."""

from __future__ import annotations

import io
from collections.abc import Sequence

from iceberg.cohort.audit.record import HIGHEST, LOWEST

_LEADING_WIDTH, _ANSWER_WIDTH, _GUIDE_WIDTH, _HEADER_HEIGHT = 16, 24, 110, 130


def build_form(headers: Sequence[str], rows: Sequence[Sequence[str]], guide: Sequence[str], *, names: tuple[str, str]) -> bytes:
    """The workbook; the same rows give the same bytes.

    Args:
        headers: Of all columns; those beyond the cells of `rows` are the questions.
        rows: The cells that are given.
        guide: Paragraphs of the second sheet.
        names: Of the two sheets.
    """
    from datetime import datetime

    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    book.set_properties({"created": datetime(2000, 1, 1)})
    bold = book.add_format({"bold": True, "bg_color": "#0f5c8c", "font_color": "#ffffff", "text_wrap": True, "valign": "top", "font_size": 10})
    page, said = book.add_worksheet(names[0]), book.add_worksheet(names[1])
    given = len(rows[0]) if rows else len(headers)
    for place, header in enumerate(headers):
        page.write_string(0, place, header, bold)
        page.set_column(place, place, _LEADING_WIDTH if place < given else _ANSWER_WIDTH)
    page.set_row(0, _HEADER_HEIGHT)
    for line, cells in enumerate(rows, 1):
        for place, text in enumerate(cells):
            page.write_string(line, place, text)
    if rows and given < len(headers):
        allowed = {"validate": "integer", "criteria": "between", "minimum": LOWEST, "maximum": HIGHEST}
        page.data_validation(1, given, len(rows), len(headers) - 1, allowed)
    page.freeze_panes(1, 1)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    said.set_column(0, 0, _GUIDE_WIDTH)
    for line, paragraph in enumerate(guide):
        said.write_string(line, 0, paragraph, wrapped)
    book.close()
    return target.getvalue()
