"""Recognises volumes in the layout of a report (a column per month or per category, or year and month apart) and turns them into rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from iceberg.ingest.columns.propose import load_presets, normalise_header, value_fit
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import drop_rejects, store_table
from iceberg.ingest.files.source_table import PREVIEW_ROWS, SourceColumn, SourceTable
from iceberg.ingest.values.date_forms import MONTH_NAMES, days_in
from iceberg.ingest.values.dates import recognise_dates

MONTHS_ACROSS, CATEGORIES_ACROSS, YEAR_AND_MONTH = "months_across", "categories_across", "year_and_month"
YEAR_MONTH_CATEGORY = 3  # columns of a report that counts no complaints: each row is one
_MOST_CELLS = 1_000_000  # judgement: no report has more cells
_MONTH_FORMATS = frozenset({"year_month", "month_year", "named_month_year"})
_TOTAL = re.compile(r"(?:(?:grand|sub|sous) )?tota(?:l|ux)(?: .*)?|ensemble|somme|sum|cumul|moyenne|average|variation.*|evolution.*")
_ROW_LABELS = frozenset({"row labels", "etiquettes de lignes", "zeilenbeschriftungen", "column 1", "periode", "period"})
_PERIOD = re.compile(
    r"(?:q|t|s|h|qtr|quarter|trim|trimestre|sem|semestre|half)\.? ?[1-4](?:er|e|eme)? ?(?:(?:19|20)?\d{2})?|"
    r"(?:19|20)\d{2} ?(?:q|t|s|h) ?[1-4]|(?:19|20)\d{2}|"
    r"(?:1er|2e|3e|4e|[1-4]eme|1st|2nd|3rd|4th|first|second) (?:trimestre|semestre|quarter|half)(?: .*)?|"
    r"(?:19|20)\d{2} ?(?:w|s|kw|sem|week|semaine) ?\d{1,2}|(?:w|s|kw|sem|wk|week|semaine|woche) ?\d{1,2} ?(?:19|20)\d{2}|"
    rf"(?:{MONTH_NAMES}) (?:(?:to|a|au|bis) )?(?:{MONTH_NAMES}) (?:19|20)\d{{2}}"  # "Jan-Mar 2024"
)
_FISCAL = re.compile(r"(?:fy|exercice|ex|year|annee|saison|season)? ?((?:19|20)?\d{2})(?: ?((?:19|20)?\d{2}))?")
_YEAR_WORDS = frozenset({"year", "annee", "an", "exercice", "fiscal", "fy", "saison", "season", "period", "periode", "jahr", "ano", "anno", "jaar"})
_SPAN = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4} ?(?:-|–|to|au|a|à) ?\d{1,2}[/.-]\d{1,2}[/.-]\d{4}")
_ID = re.compile(r"(?:.* )?(?:ids?|uuid)")
_YEAR, _MONTH = ("annee", "year", "an"), ("mois", "month", "mois n", "month number", "no mois", "numero mois", "num mois")


@dataclass(frozen=True)
class ReportLayout:
    """The layout of a report.

    Attributes:
        kind: ``"months_across"``, ``"categories_across"`` or ``"year_and_month"``.
        fixed: Columns that remain: the category, the month, or year, month, category and count.
        across: Columns that become rows.
        beside: Other columns of labels: a row that has one there belongs to the block of the label above it.
    """

    kind: str
    fixed: tuple[SourceColumn, ...]
    across: tuple[SourceColumn, ...] = ()
    beside: tuple[SourceColumn, ...] = ()


def find_layout(source: SourceTable) -> ReportLayout | None:
    """The layout of a report; None for any other table."""
    months = tuple(column for column in source.columns if _is_month(column.header)) or _first_days(source)
    words = [column for column in source.columns if column not in months and _is_text(column)]
    if len(months) >= 2 and words and all(_is_count(column) for column in months):
        known = [column for column in words if normalise_header(column.header) in _names("category")]
        label = (known or words)[0]
        return ReportLayout(MONTHS_ACROSS, (label,), months, tuple(column for column in words if column is not label))
    named = {normalise_header(column.header): column for column in reversed(source.columns)}
    year, month = (next((named[name] for name in names if name in named), None) for names in (_YEAR, _MONTH))
    category = next((named[name] for name in _names("category") if name in named), None)
    if year is not None and month is not None and category is not None and _are_years(year):
        count = next((named[name] for name in _names("complaints") if name in named and _is_count(named[name])), None)
        return ReportLayout(YEAR_AND_MONTH, (year, month, category, *([count] if count is not None else [])))
    return _categories_across(source, named)


def _categories_across(source: SourceTable, named: dict[str, SourceColumn]) -> ReportLayout | None:
    """The layout of a month column beside only columns of counts, none of which is named as the number of complaints."""
    month = next((named[name] for name in _names("month") if name in named and value_fit(named[name], "date")[0] == 1.0), None)
    first = source.columns[0]
    if month is None and normalise_header(first.header) in _ROW_LABELS and value_fit(first, "date")[0] == 1.0:
        month = first  # a pivot table
    others = [column for column in source.columns if column is not month]
    if month is None or len(others) < 2 or not all(_is_count(column) for column in others):
        return None
    if any(_ID.fullmatch(normalise_header(column.header)) for column in others):
        return None  # each row is one of something, with its id and its day
    across = tuple(column for column in others if not _TOTAL.fullmatch(normalise_header(column.header)))
    counted = {*_names("complaints"), *_names("category"), "annee", "year"}
    if len(across) < 2 or any(normalise_header(column.header) in counted for column in across):
        return None
    return ReportLayout(CATEGORIES_ACROSS, (month,), across)


def longer_periods(source: SourceTable) -> tuple[str, ...]:
    """Headers or cells that name quarters, half-years or years instead of months; () where there are none."""
    across = tuple(column.header for column in source.columns if _PERIOD.fullmatch(normalise_header(column.header)))
    if len(across) > 1:
        return across
    for column in source.columns:
        texts = column.texts
        named = bool(_YEAR_WORDS & set(normalise_header(column.header).split()))
        if texts and named and all(map(_is_year, texts[:200])):
            return tuple(dict.fromkeys(texts))[:4]
        known = all(_SPAN.fullmatch(text) or (not text.isdigit() and _PERIOD.fullmatch(normalise_header(text))) for text in texts[:200])
        if known and (len(set(texts)) > 1 or any(re.search(r"\d{4}", text) for text in texts)):  # "Q1" alone may be a type of case
            return tuple(dict.fromkeys(texts))[:4]
    return ()


def _is_year(text: str) -> bool:
    """Whether a text names a year, or two that follow each other: 2023, FY 2023, 2022-23."""
    found = _FISCAL.fullmatch(normalise_header(text))
    return found is not None and (found[2] is None or int(found[2][-2:]) == (int(found[1][-2:]) + 1) % 100)


def unread_months(source: SourceTable, layout: ReportLayout) -> tuple[str, ...]:
    """Headers of other columns of counts that name a year: probably months that were not recognised and would be missing from the sum."""
    if layout.kind != MONTHS_ACROSS:
        return ()
    others = [column for column in source.columns if column not in (*layout.fixed, *layout.across) and _is_count(column)]
    dated = [column.header for column in others if re.search(r"(?<!\d)(?:19|20)\d{2}(?!\d)", column.header)]
    return tuple(header for header in dated if not _TOTAL.fullmatch(normalise_header(header)) and not _PERIOD.fullmatch(normalise_header(header)))


def _names(field: str) -> tuple[str, ...]:
    return load_presets()[-1].tables["volumes"][field]


def _is_month(header: str) -> bool:
    reading = recognise_dates([header])
    return reading is not None and reading.format in _MONTH_FORMATS


def _first_days(source: SourceTable) -> tuple[SourceColumn, ...]:
    """Columns whose headers are first days of months, as a workbook keeps "Jan 2024"; none where another header is any other day."""
    days = {column.header: days_in(column.header).get("iso") for column in source.columns}
    found = tuple(column for column in source.columns if days[column.header] is not None)
    return found if all(day.day == 1 for day in days.values() if day is not None) else ()


def _is_text(column: SourceColumn) -> bool:
    return column.is_text and any(text and re.search(r"[^\W\d]", text) for text in column.sample)


def _is_count(column: SourceColumn) -> bool:
    """Whether the values that are not blank are whole numbers, perhaps grouped by spaces."""
    texts = [re.sub(r"[\s\u00a0\u202f]", "", text) for text in column.texts]
    return bool(texts) and sum(bool(re.fullmatch(r"\d+(?:[.,]0+)?|-", text)) for text in texts) >= 0.8 * len(texts)


def _are_years(column: SourceColumn) -> bool:
    return bool(column.texts) and all(re.fullmatch(r"(?:19|20)\d{2}(?:\.0)?", text) for text in column.texts)


def lay_out(connection: duckdb.DuckDBPyConnection, source: SourceTable, layout: ReportLayout, workspace: Workspace) -> SourceTable | None:
    """Turn a report into rows of month, category and complaints, each with its line in the file; None where lines are malformed."""
    columns = (*layout.fixed, *layout.across)
    line = source.line_column or f"row_number() OVER () + {source.first_row - 1}"
    texts = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in (*columns, *layout.beside))
    try:
        rows = connection.execute(f"SELECT {line}, {texts} FROM {source.from_sql} LIMIT {_MOST_CELLS // len(columns) + 1}").fetchall()
        malformed = bool(source.rejects) and bool(connection.execute(f"SELECT count(*) FROM {source.rejects}").fetchall()[0][0])
    except duckdb.Error:
        return None
    finally:
        drop_rejects(connection, source)
    if malformed or len(rows) * len(columns) > _MOST_CELLS:
        return None
    cells = [(row[0], *cell) for row in _labelled(rows, len(columns)) for cell in _cells(layout, row[1 : len(columns) + 1])]
    names = ("month", "category", "complaints") if layout.across or len(layout.fixed) > YEAR_MONTH_CATEGORY else ("month", "category")
    table = pa.table(
        {"line": pa.array([cell[0] for cell in cells], type=pa.int64())}
        | {name: pa.array([cell[place] for cell in cells], type=pa.string()) for place, name in enumerate(names, start=1)}
    )
    first = cells[:PREVIEW_ROWS]
    sampled = tuple(SourceColumn(name, name, "VARCHAR", tuple(cell[place] for cell in first)) for place, name in enumerate(names, start=1))
    unread = tuple(column.header for column in source.columns if column not in columns)
    reading = replace(source.reading, headers=(*names, *unread), rewritten=layout.kind)
    return SourceTable(reading, sampled, store_table(connection, table, workspace), first_row=1, line_column="line")


def _labelled(rows: Sequence[tuple[Any, ...]], width: int) -> Iterator[tuple[Any, ...]]:
    """The rows of a report with the label of a merged cell on each row of its block: those that have a label beside it."""
    label: str | None = None
    for number, first, *rest in rows:
        if first and first.strip():
            label = first
        inside = label is not None and not (first and first.strip()) and any(text and text.strip() for text in rest[width - 1 :])
        yield (number, label if inside else first, *rest)


def _cells(layout: ReportLayout, row: Sequence[str | None]) -> list[tuple[str | None, ...]]:
    """(month, category, count) of each count in a row."""
    if layout.kind == YEAR_AND_MONTH:
        year, month, *others = row
        return [(_year_month(year, month), *others)]
    if not any(text and text.strip() for text in row):
        return []
    counts = [(column.header, "0" if text is not None and text.strip() == "-" else text) for column, text in zip(layout.across, row[1:], strict=True)]
    if layout.kind == MONTHS_ACROSS:
        return [(month, row[0], text) for month, text in counts]
    return [(row[0], category, text) for category, text in counts]


def _year_month(year: str | None, month: str | None) -> str | None:
    if not year or not month:
        return year or month
    number, text = re.sub(r"\.0+$", "", year.strip()), re.sub(r"\.0+$", "", month.strip())
    return f"{number}-{int(text):02d}" if re.fullmatch(r"\d{1,2}", text) else f"{text} {number}"
