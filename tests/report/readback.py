"""Reads the headline numbers and every category's interval back from a report of each format, with the libraries its readers would use."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pypdf
from pptx import Presentation

from iceberg.locale import Translator
from iceberg.model.decision.verdict import Verdict

Ends = tuple[int, int, int]
NUMBER = r"\d{1,3}(?:[\u202f\u00a0,]\d{3})+|\d+"


def nearest(value: float) -> int:
    """As a spreadsheet shows a number without decimals."""
    return math.floor(round(value, 6) + 0.5)


def whole(text: str) -> int:
    """A grouped number of either language."""
    return int(re.sub(r"[^\d]", "", text))


class Cells(HTMLParser):
    """Every table row of a page as its cells, and all text outside of style."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in {"td", "th"}:
            self.rows[-1][-1] += data
        if self._open != "style":
            self.text.append(data)


def from_rows(rows: list[list[str]], names: list[str]) -> dict[str, Ends]:
    """category, complainants, low, likely, high: the ranking table wherever it stands; the first row of a name counts."""
    found: dict[str, Ends] = {}
    for row in rows:
        name = row[0].strip().removeprefix("'") if row else ""
        if name in names and name not in found and len(row) > 4:
            found[name] = (whole(row[2]), whole(row[3]), whole(row[4]))
    return found


def from_pdf(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    flat = re.sub(r"\s*\n\s*", " ", text)
    heads = [words.text(f"export.column.{name}").split()[0] for name in ("low", "likely", "high")]
    table = flat[re.search(r"\W+(?:\w+\W+){0,3}".join(heads), flat).end() :]  # type: ignore[union-attr]  # past the pictures, whose words are text too
    found: dict[str, Ends] = {}
    for name in names:
        # a name can be broken over lines of its cell, with a hyphen where it had none
        broken = r"[\s\u00ad\u2010-]*".join(re.escape(letter) for letter in name if not letter.isspace())
        rows = re.findall(rf"{broken}\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})(?=\s)", table)
        assert rows, (name, table[:4000])
        found[name] = tuple(whole(value) for value in rows[0][1:])  # type: ignore[assignment]
    return flat, found


def from_pptx(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    texts: list[str] = []
    rows: list[list[str]] = []
    for slide in Presentation(io.BytesIO(content)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                texts.append(shape.text_frame.text)
            if getattr(shape, "has_table", False) and shape.has_table:
                rows += [[cell.text for cell in row.cells] for row in shape.table.rows]
    return " ".join(texts), from_rows(rows, names)


def from_xlsx(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheets = [[[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book]
    headers, *rows = sheets[1]
    places = [headers.index(words.text(f"report.columns.silent_{end}")) for end in ("lower", "median", "upper")]
    found = {row[1].removeprefix("'"): tuple(nearest(row[place]) for place in places) for row in rows}
    company = next(row for row in sheets[0] if row[0] == words.text("report.quantity.silent_churn"))
    found[words.text("report.all_categories")] = tuple(nearest(value) for value in company[2:5])
    return " ".join(str(value) for rows in sheets for row in rows for value in row if isinstance(value, str)), found  # type: ignore[return-value]


def from_csv(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    found: dict[str, Any] = {}
    for row in rows:
        if row["quantity"] == "silent_churn" and row["table"] in {"total", "category"}:
            name = row["category"].removeprefix("'") or words.text("report.all_categories")
            found[name] = tuple(nearest(float(row[end])) for end in ("lower", "median", "upper"))
    return " ".join(row["text"] for row in rows), found


def from_html(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    page = Cells()
    page.feed(content.decode())
    return " ".join(page.text), from_rows(page.rows, names)


def from_json(content: bytes, names: list[str], words: Translator) -> tuple[str, dict[str, Ends]]:
    document = json.loads(content)
    found = {item["category"]: item["silent_churn"] for item in document["categories"]}
    found[words.text("report.all_categories")] = document["total"]["silent_churn"]
    return "", {name: tuple(nearest(ends[end]) for end in ("lower", "median", "upper")) for name, ends in found.items()}  # type: ignore[misc]


def verdicts(format: str, content: bytes, names: list[str], words: Translator) -> dict[str, str]:
    """The verdict of every category, in words, where the report has its table."""
    labels = [words.text(f"report.verdict.{code}") for code in (*Verdict, "none")]
    if format == "json":
        return {item["category"]: words.text(f"report.verdict.{item['verdict'] or 'none'}") for item in json.loads(content)["categories"]}
    if format == "csv":
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        return {row["category"]: words.text(f"report.verdict.{row['text']}") for row in rows if row["quantity"] == "verdict"}
    if format == "pdf":
        return _verdicts_of_pdf(READERS["pdf"](content, names, words)[0], names, labels)
    found: dict[str, str] = {}
    for row in _rows_of(format, content):
        label = next((cell for cell in row if cell in labels), None)
        name = next((cell for cell in row if cell in names), None)
        if name is not None and label is not None:
            found.setdefault(name, label)
    return found


def _verdicts_of_pdf(text: str, names: list[str], labels: list[str]) -> dict[str, str]:
    """The first label after the row's figures; a name or a label may be broken over lines of its cell."""
    flat = re.sub(r"[\s\u00ad\u2010-]", "", text)
    either = "|".join(sorted((re.escape(re.sub(r"[\s\u00ad\u2010-]", "", label)) for label in labels), key=len, reverse=True))
    whole = {re.sub(r"[\s\u00ad\u2010-]", "", label): label for label in labels}
    found = {}
    for name in names:
        squeezed = re.escape(re.sub(r"[\s\u00ad\u2010-]", "", name))
        row = re.search(rf"{squeezed}\d[^a-zA-Z]*[^«“]{{0,60}}?({either})", flat)
        assert row, (name, flat[:3000])
        found[name] = whole[row[1]]
    return found


def _rows_of(format: str, content: bytes) -> list[list[str]]:
    if format == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        return [[str(cell.value).removeprefix("'") for cell in row] for row in book.worksheets[1].iter_rows()]
    if format == "html":
        page = Cells()
        page.feed(content.decode())
        return [[cell.strip() for cell in row] for row in page.rows]
    tables = [shape.table for slide in Presentation(io.BytesIO(content)).slides for shape in slide.shapes if getattr(shape, "has_table", False)]
    return [[cell.text for cell in row.cells] for table in tables for row in table.rows]


READERS: dict[str, Callable[[bytes, list[str], Translator], tuple[str, dict[str, Ends]]]] = {
    "pdf": from_pdf,
    "pptx": from_pptx,
    "xlsx": from_xlsx,
    "csv": from_csv,
    "html": from_html,
    "json": from_json,
}
