"""Owns volumes that are laid out as a report: a column per month, a column per category, or year and month apart; turned into one row per count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from iceberg.ingest.columns.propose import load_presets, normalise_header, value_fit
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import PREVIEW_ROWS, SourceColumn, SourceTable
from iceberg.ingest.values.dates import recognise_dates

MONTHS_ACROSS, CATEGORIES_ACROSS, YEAR_AND_MONTH = "months_across", "categories_across", "year_and_month"
_MOST_CELLS = 1_000_000  # judgement: a report is small
_MONTH_FORMATS = frozenset({"year_month", "month_year", "named_month_year"})
_TOTAL = re.compile(r"(?:(?:grand|sub|sous) )?tota(?:l|ux)(?: .*)?|ensemble|somme|sum|cumul|moyenne|average|variation.*|evolution.*")
_ROW_LABELS = frozenset({"row labels", "etiquettes de lignes", "zeilenbeschriftungen", "column 1", "periode", "period"})
_PERIOD = re.compile(
    r"(?:q|t|s|h|qtr|quarter|trim|trimestre|sem|semestre|half)\.? ?[1-4](?:er|e|eme)? ?(?:(?:19|20)?\d{2})?|"
    r"(?:19|20)\d{2} ?(?:q|t|s|h) ?[1-4]|(?:19|20)\d{2}|"
    r"(?:1er|2e|3e|4e|[1-4]eme|1st|2nd|3rd|4th|first|second) (?:trimestre|semestre|quarter|half)(?: .*)?"
)
_SPAN = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4} ?(?:-|–|to|au|a|à) ?\d{1,2}[/.-]\d{1,2}[/.-]\d{4}")
_YEAR, _MONTH = ("annee", "year", "an", "exercice"), ("mois", "month", "mois n", "month number", "no mois", "numero mois", "num mois")


@dataclass(frozen=True)
class Layout:
    """How a report is laid out.

    Attributes:
        kind: ``"months_across"``, ``"categories_across"`` or ``"year_and_month"``.
        fixed: Columns that stay: the category, the month, or year and month and category and count.
        across: Columns of which each becomes rows.
    """

    kind: str
    fixed: tuple[SourceColumn, ...]
    across: tuple[SourceColumn, ...] = ()


def find_layout(source: SourceTable) -> Layout | None:
    """The layout of a report; None for any other table."""
    months = tuple(column for column in source.columns if _is_month(column.header))
    words = [column for column in source.columns if column not in months and _is_text(column)]
    if len(months) >= 2 and words and all(_is_count(column) for column in months):
        known = [column for column in words if normalise_header(column.header) in _names("category")]
        return Layout(MONTHS_ACROSS, ((known or words)[0],), months)
    named = {normalise_header(column.header): column for column in reversed(source.columns)}
    year, month = (next((named[name] for name in names if name in named), None) for names in (_YEAR, _MONTH))
    category = next((named[name] for name in _names("category") if name in named), None)
    if year is not None and month is not None and category is not None and _are_years(year):
        count = next((named[name] for name in _names("complaints") if name in named and _is_count(named[name])), None)
        return Layout(YEAR_AND_MONTH, (year, month, category, *([count] if count is not None else [])))
    return _categories_across(source, named)


def _categories_across(source: SourceTable, named: dict[str, SourceColumn]) -> Layout | None:
    """A month, then nothing but counts, none of which is called the number of complaints."""
    month = next((named[name] for name in _names("month") if name in named and value_fit(named[name], "date")[0] == 1.0), None)
    first = source.columns[0]
    if month is None and normalise_header(first.header) in _ROW_LABELS and value_fit(first, "date")[0] == 1.0:
        month = first  # a pivot table
    others = [column for column in source.columns if column is not month]
    if month is None or len(others) < 2 or not all(_is_count(column) for column in others):
        return None
    across = tuple(column for column in others if not _TOTAL.fullmatch(normalise_header(column.header)))
    counted = {*_names("complaints"), *_names("category"), "annee", "year"}
    if len(across) < 2 or any(normalise_header(column.header) in counted for column in across):
        return None
    return Layout(CATEGORIES_ACROSS, (month,), across)


def longer_periods(source: SourceTable) -> tuple[str, ...]:
    """Headers or cells that name quarters, half-years or years, where a volume needs months; () where there are none."""
    across = tuple(column.header for column in source.columns if _PERIOD.fullmatch(normalise_header(column.header)))
    if len(across) > 1:
        return across
    for column in source.columns:
        filled = [text.strip() for text in column.sample if text and text.strip()]
        if filled and all(_SPAN.fullmatch(text) or (not text.isdigit() and _PERIOD.fullmatch(normalise_header(text))) for text in filled[:200]):
            return tuple(dict.fromkeys(filled))[:4]
    return ()


def unread_months(source: SourceTable, layout: Layout) -> tuple[str, ...]:
    """Columns of counts beside months whose header names a year too: a month that could not be read would be missing from the sum."""
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


def _is_text(column: SourceColumn) -> bool:
    return column.is_text and any(text and re.search(r"[^\W\d]", text) for text in column.sample)


def _is_count(column: SourceColumn) -> bool:
    """Whole numbers, perhaps grouped by blanks; blanks count for nothing said."""
    filled = [re.sub(r"[\s\u00a0\u202f]", "", text) for text in column.sample if text and text.strip()]
    return bool(filled) and sum(bool(re.fullmatch(r"\d+(?:[.,]0+)?|-", text)) for text in filled) >= 0.8 * len(filled)


def _are_years(column: SourceColumn) -> bool:
    filled = [text.strip() for text in column.sample if text and text.strip()]
    return bool(filled) and all(re.fullmatch(r"(?:19|20)\d{2}(?:\.0)?", text) for text in filled)


def lay_out(connection: duckdb.DuckDBPyConnection, source: SourceTable, layout: Layout, workspace: Workspace) -> SourceTable | None:
    """The same counts, one per row under the headers month, category, complaints; None where lines of the file could not be cut.

    Each row keeps the line of the file that it stands in.
    """
    columns = (*layout.fixed, *layout.across)
    line = source.line_column or f"row_number() OVER () + {source.first_row - 1}"
    texts = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in columns)
    try:
        rows = connection.execute(f"SELECT {line}, {texts} FROM {source.from_sql} LIMIT {_MOST_CELLS // len(columns) + 1}").fetchall()
        cut = bool(source.rejects) and bool(connection.execute(f"SELECT count(*) FROM {source.rejects}").fetchall()[0][0])
    except duckdb.Error:
        return None
    finally:
        drop_rejects(connection, source)
    if cut or len(rows) * len(columns) > _MOST_CELLS:
        return None
    cells = [(row[0], *cell) for row in rows for cell in _cells(layout, row[1:])]
    names = ("month", "category", "complaints") if layout.across or len(layout.fixed) == 4 else ("month", "category")
    table = pa.table(
        {"line": pa.array([cell[0] for cell in cells], type=pa.int64())}
        | {name: pa.array([cell[place] for cell in cells], type=pa.string()) for place, name in enumerate(names, start=1)}
    )
    name = workspace.new_name("laid_out")
    connection.register("incoming", table)
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")
    connection.unregister("incoming")
    first = cells[:PREVIEW_ROWS]
    sampled = tuple(SourceColumn(one, one, "VARCHAR", tuple(cell[place] for cell in first)) for place, one in enumerate(names, start=1))
    left = tuple(column.header for column in source.columns if column not in columns)
    reading = replace(source.reading, headers=(*names, *left), rewritten=layout.kind)
    return SourceTable(reading, sampled, name, first_row=1, line_column="line")


def _cells(layout: Layout, row: Sequence[str | None]) -> list[tuple[str | None, ...]]:
    """(month, category, count) of each count in a row."""
    if layout.kind == YEAR_AND_MONTH:
        year, month, *others = row
        return [(_year_month(year, month), *others)]
    if not any(text and text.strip() for text in row):
        return []
    counts = zip(layout.across, row[1:], strict=True)
    if layout.kind == MONTHS_ACROSS:
        return [(column.header, row[0], "0" if text is not None and text.strip() == "-" else text) for column, text in counts]
    return [(row[0], column.header, "0" if text is not None and text.strip() == "-" else text) for column, text in counts]


def _year_month(year: str | None, month: str | None) -> str | None:
    if not year or not month:
        return year or month
    number, text = re.sub(r"\.0+$", "", year.strip()), re.sub(r"\.0+$", "", month.strip())
    return f"{number}-{int(text):02d}" if re.fullmatch(r"\d{1,2}", text) else f"{text} {number}"
