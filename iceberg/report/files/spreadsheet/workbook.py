"""Writes the workbook: one tidy sheet per table, numbers as numbers (Excel shows them in the reader's language), notes at the end.

It uses XlsxWriter, which python-pptx needs anyway, and which writes text as text where openpyxl would take a leading = for a formula.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.files.formula_guard import safe_cell
from iceberg.report.files.spreadsheet.further import FurtherSheet, figure_text, number_of
from iceberg.report.files.spreadsheet.sheets import Sheet

_DECIMALS = 6  # as the JSON document
_NOTE_WIDTH = 110
_LINE_POINTS = 13.5
_HEADER_ROW = 3  # of a sheet of a further file, below its sentence and what the table shows
_FORMATS = {"count": "#,##0", "rate": "0.0%", "ratio": "#,##0.00", "month": "mmm yyyy", "plain": "General"}
_RATES = ("probability_first", "prior_share", "silent_share", "excess_lower", "excess_median", "excess_upper")
_RATIOS = ("supported", "prior_lower", "prior_median", "prior_upper")
_WORDS_OF = {"quantity": "report.quantity", "unit": "export.unit", "verdict": "report.verdict"}  # columns of codes -> their words
_WRAPPED = ("text", "source", "assumption")


def build_workbook(
    sheets: Sequence[Sheet],
    words: Translator,
    *,
    currency: str,
    title: str,
    author: str,
    stamp: datetime,
    further: Sequence[FurtherSheet] = (),
) -> bytes:
    """The sheets as .xlsx, those of `further` files before the last one, the notes; the same sheets give the same bytes."""
    import xlsxwriter

    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    book.set_properties({"title": safe_cell(title), "author": safe_cell(author), "created": stamp.replace(tzinfo=None), "comments": ""})
    formats = _CellFormats(book, currency)
    ordered: list[Sheet | FurtherSheet] = [*sheets[:-1], *further, *sheets[-1:]]
    for sheet in ordered:
        if isinstance(sheet, FurtherSheet):
            _write_further(book.add_worksheet(sheet.name), sheet, words, formats)
        else:
            _write_sheet(book.add_worksheet(words.text(f"export.sheet.{sheet.name}")), sheet, words, formats)
    book.close()
    return target.getvalue()


class _CellFormats:
    """The cell formats of one workbook."""

    def __init__(self, book: Any, currency: str) -> None:  # noqa: ANN401  # XlsxWriter publishes no types
        base = {"font_size": 10, "valign": "top"}
        self.header = book.add_format(base | {"bold": True, "bg_color": "#0f5c8c", "font_color": "#ffffff", "text_wrap": True, "valign": "vcenter"})
        self.text = book.add_format(base)
        self.wrapped = book.add_format(base | {"text_wrap": True})
        self.numbers = {kind: book.add_format(base | {"num_format": pattern}) for kind, pattern in _FORMATS.items()}
        self.numbers["money"] = book.add_format(base | {"num_format": f'#,##0 "{currency}"'})


def _write_sheet(page: Any, sheet: Sheet, words: Translator, formats: _CellFormats) -> None:  # noqa: ANN401  # as above
    frame = sheet.frame
    headers = [column_header("first_month" if name == "month" and "last_month" in frame else name, words) for name in frame.columns]
    page.set_row(0, 32)
    for place, (name, header) in enumerate(zip(frame.columns, headers, strict=True)):
        page.write_string(0, place, header, formats.header)
        written = [_write_cell(page, (line, place), name, value, frame, words, formats) for line, value in enumerate(frame[name], 1)]
        page.set_column(place, place, _width(name, header, written))
    if "text" in frame.columns:  # not every program fits a row to its text by itself
        for line, text in enumerate(frame["text"], 1):
            page.set_row(line, _LINE_POINTS * max(1, math.ceil(len(text) / (_NOTE_WIDTH * 1.05))) + 2)
    page.freeze_panes(1, 2 if "rank" in frame.columns else 1)
    page.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    _set_paper(page, header_row=0)


def _set_paper(page: Any, *, header_row: int) -> None:  # noqa: ANN401  # as above
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(header_row)


def _write_further(page: Any, sheet: FurtherSheet, words: Translator, formats: _CellFormats) -> None:  # noqa: ANN401  # as above
    """The sentence on top, the table with its filter, and what else is said below it."""
    widths = [min(max(*(len(row[place]) for row in (sheet.headers, *sheet.rows)), 8) + 3, 60) for place in range(len(sheet.headers))]
    if sum(widths) < _NOTE_WIDTH:  # room for sentences, which run over all columns
        widths.append(_NOTE_WIDTH - sum(widths))
    for place, width in enumerate(widths):
        page.set_column(place, place, width)
    below = _HEADER_ROW + len(sheet.rows) + 2
    for line, text in ((0, sheet.sentence), (1, sheet.caption), *enumerate(sheet.lines, below)):
        if len(widths) > 1:
            page.merge_range(line, 0, line, len(widths) - 1, "", formats.wrapped)
        page.write_string(line, 0, safe_cell(text), formats.wrapped)
        page.set_row(line, _LINE_POINTS * max(1, math.ceil(len(text) / sum(widths))) + 2)
    for place, header in enumerate(sheet.headers):
        page.write_string(_HEADER_ROW, place, safe_cell(header), formats.header)
    for line, row in enumerate(sheet.rows, _HEADER_ROW + 1):
        page.write_string(line, 0, safe_cell(row[0]), formats.text)
        for place, text in enumerate(row[1:], 1):
            number = number_of(text, words)
            if number is None:
                page.write_string(line, place, figure_text(text), formats.text)
            else:
                page.write_number(line, place, number, formats.numbers["count"])
    page.freeze_panes(_HEADER_ROW + 1, 0)
    if sheet.headers:
        page.autofilter(_HEADER_ROW, 0, _HEADER_ROW + len(sheet.rows), len(sheet.headers) - 1)
    _set_paper(page, header_row=_HEADER_ROW)


def column_header(name: str, words: Translator) -> str:
    """A column's name in words."""
    own = f"export.header.{name}"
    return words.text(own if words.has(own) else f"report.columns.{name}")


def _width(name: str, header: str, written: Sequence[str]) -> float:
    if name == "text":
        return _NOTE_WIDTH
    longest = max((len(text) for text in written), default=0)
    widest_word = max(len(word) for word in header.split())
    return float(min(max(longest, widest_word, len(header) / 2, 8) + 3, 60))


def _write_cell(
    page: Any,  # noqa: ANN401  # as above
    place: tuple[int, int],
    name: str,
    value: Any,  # noqa: ANN401  # any cell
    frame: pd.DataFrame,
    words: Translator,
    formats: _CellFormats,
) -> str:
    """Write one cell; returns about what it will look like, for the width of its column."""
    if isinstance(value, str):
        key = _WORDS_OF.get(name)
        text = safe_cell(words.text(f"{key}.{value}") if key else value)
        page.write_string(*place, text, formats.wrapped if name in _WRAPPED else formats.text)
        return text
    if isinstance(value, date):
        page.write_datetime(*place, datetime(value.year, value.month, value.day), formats.numbers["month"])
        return "mmm yyyy"
    if isinstance(value, bool | np.bool_):
        text = str(words.format(bool(value)))
        page.write_string(*place, text, formats.text)
        return text
    if value is None or not math.isfinite(float(value)):
        return ""  # an empty cell: not known, and no zero
    kind = _kind(name, frame, place[0] - 1)
    number = round(float(value), _DECIMALS)
    page.write_number(*place, number, formats.numbers[kind])
    return f"{number:,.0f}" + {"money": " EUR", "ratio": ".00", "rate": ".0%"}.get(kind, "")


def _kind(name: str, frame: pd.DataFrame, line: int) -> str:
    if name in _RATES:
        return "rate"
    if name.startswith(_RATIOS):
        return "ratio"
    if "unit" in frame.columns and frame["unit"].iloc[line] == "factor":
        return "ratio"
    if name.startswith("revenue") or ("unit" in frame.columns and frame["unit"].iloc[line] == "money"):
        return "money"
    return "plain" if name in {"rank", "days"} else "count"
