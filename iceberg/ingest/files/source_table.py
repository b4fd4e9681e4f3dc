"""The options for reading a file, the table that reading gives, and the record of every decision."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.schema import BLANK_LEVEL, COLUMNS_TOGETHER, LEVELS_TOGETHER, MONTH_OF_YEAR

PREVIEW_ROWS = 1000
_FORMULA_TEXT = re.compile(r"""^ *="+(.*?)"+ *$|^ *(?:'|\t+)([0-9].*?) *$""")  # a spreadsheet keeps the zeros of ="001", '001 and a tab before 001
_TEXT = "VARCHAR"
ZONED = "TIMESTAMP WITH TIME ZONE"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_EXACT = (*_WHOLE, "HUGEINT", "UBIGINT", "UHUGEINT", "DECIMAL", "UUID")


@dataclass(frozen=True)
class ReadOptions:
    """Decisions that the caller makes instead of the reader.

    Attributes:
        encoding: Python name of the encoding, such as ``"cp1250"``.
        separator: One character.
        header_line: 1-based line (or sheet row) of the header.
        sheet: Name of the sheet.
        settle: Where two encodings are possible, take the likelier one and record it in `FileReading.doubts` instead of stopping: for previews.
    """

    encoding: str | None = None
    separator: str | None = None
    header_line: int | None = None
    sheet: str | None = None
    settle: bool = False


@dataclass(frozen=True)
class SourceColumn:
    """One column of a file.

    Attributes:
        header: Name as in the file; repeated names are numbered.
        sql: SQL of its name inside DuckDB.
        type: DuckDB type; ``"VARCHAR"`` for text.
        sample: First values as text.
        wrapped_name: SQL of its name where cells are written as formulas that give a text, ``="001"``; `sql` and `sample` are then the texts.
        parts: Headers of the columns whose levels it joins; empty for a column of the file.
    """

    header: str
    sql: str
    type: str
    sample: tuple[str | None, ...] = ()
    wrapped_name: str = ""
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """SQL of its name, without any change of its values."""
        return self.wrapped_name or self.sql

    @property
    def unwrapped(self) -> SourceColumn:
        """The same with the texts inside ``="..."``, by which exports protect zeros and days from spreadsheets; itself where none is written so."""
        if not self.is_text or self.wrapped_name or not any(text and _FORMULA_TEXT.match(text) for text in self.sample):
            return self
        texts = tuple(text if text is None else _FORMULA_TEXT.sub(r"\1\2", text) for text in self.sample)
        sql = f"regexp_replace({self.sql}, {quote_text(_FORMULA_TEXT.pattern)}, '\\1\\2')"
        return SourceColumn(self.header, sql, self.type, texts, self.sql)

    @property
    def is_text(self) -> bool:
        """Whether the values still have to be parsed."""
        return self.type == _TEXT

    @property
    def is_exact(self) -> bool:
        """Whether the values are whole numbers, decimals or UUIDs, whose text needs no trimming and is never a word for blank."""
        return self.type.startswith(_EXACT)

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers of up to 64 bits: two are equal exactly where their texts are."""
        return self.type in _WHOLE

    @property
    def text_sql(self) -> str:
        """SQL of the values as VARCHAR, for ids and labels; needs this column. Floats lose ".0": pandas stores whole numbers with gaps as floats."""
        if self.type in {"DOUBLE", "FLOAT"}:
            whole = f"CAST(TRY_CAST({self.sql} AS BIGINT) AS VARCHAR)"
            return f"CASE WHEN {self.sql} = floor({self.sql}) THEN {whole} ELSE CAST({self.sql} AS VARCHAR) END"
        return self.sql if self.is_text else f"CAST({self.sql} AS VARCHAR)"

    @property
    def texts(self) -> list[str]:
        """The sample without blanks, each value without the spaces around it."""
        return [text.strip() for text in self.sample if text is not None and text.strip()]


def _month_text(year: str | None, month: str | None) -> str | None:
    """A month as `SourceTable.column` writes it."""
    year, month = (re.sub(r"\.0+$", "", (text or "").strip()) for text in (year, month))
    if not year or not month:
        return None
    return f"{year}-{month:0>2}" if re.fullmatch("[0-9]{1,2}", month) else f"{month} {year}"


@dataclass(frozen=True)
class FileReading:
    """How a file was read: one entry per decision.

    Attributes:
        file: Name without directory.
        format: ``"csv"``, ``"excel"``, ``"parquet"`` or ``"frame"``.
        encoding, separator: For text files.
        sheet, sheets: For books.
        header_line: Line (sheet row) of the header; 0 where the format has none.
        skipped_lines: Lines above it.
        headers: Every column of the file.
        used: Header of each field, once a mapping is chosen.
        dropped: Headers of the columns that are not read.
        date_formats: Format of each date column, by header.
        decimal: Decimal mark of each amount column, by header.
        size_bytes: Size of the file.
        overridden: Decisions that the caller made.
        table: Canonical table that it became.
        system: Preset that recognised the file, "" where none does.
        revenue_period: ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` or ``"by_row"`` where the file has a revenue.
        rewritten: ``"fixed_width"``, ``"backslash"`` or ``"web_table"`` where the text is no plain CSV; see `iceberg.ingest.files.text.unusual_text`.
        time_zones: By header, the zone whose day is taken: ``"as written"`` or the name of a zone, for times with an offset and Unix time.
        doubts: Open questions to the analyst: error code and values.
        unsolved: By header, the cells of a book that hold a formula without its result.
    """

    file: str
    format: str
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    header_line: int = 0
    skipped_lines: int = 0
    headers: tuple[str, ...] = ()
    used: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    date_formats: dict[str, str] = field(default_factory=dict)
    decimal: dict[str, str] = field(default_factory=dict)
    size_bytes: int = 0
    overridden: tuple[str, ...] = ()
    table: str = ""
    system: str = ""
    revenue_period: str = ""
    rewritten: str = ""
    time_zones: dict[str, str] = field(default_factory=dict)
    doubts: tuple[tuple[str, dict[str, str]], ...] = ()
    unsolved: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceTable:
    """A file that DuckDB can query.

    Attributes:
        reading: How it was read.
        columns: Its columns.
        from_sql: What to write after FROM.
        text_path: The UTF-8 text behind a CSV, where lines can be found again; None for other formats.
        skip: Its lines above the first record.
        rejects: Name of DuckDB's table of malformed lines; "" where there is none.
        first_row: Line or row number of the first record (the record with rowid 0).
        line_column: Column with the row of the sheet, where blank rows are left out; "" otherwise.
        path: Path of a Parquet file.
        record_sql: SQL of the number of a record, over the columns of `from_sql`; for typed sources.
        starts: Of several files read as one, the number of the first record of each, then their total.
    """

    reading: FileReading
    columns: tuple[SourceColumn, ...]
    from_sql: str
    text_path: Path | None = None
    skip: int = 0
    rejects: str = ""
    first_row: int = 1
    line_column: str = ""
    path: str = ""
    record_sql: str = "file_row_number"
    starts: tuple[int, ...] = ()

    def unread(self, used: Mapping[str, str]) -> tuple[str, ...]:
        """Headers that feed none of the fields of `used`, which has the header of each."""
        columns = [self.column(header) for header in used.values()]
        read = {name for column in columns if column is not None for name in (column.parts or (column.header,))}
        return tuple(header for header in self.reading.headers if header not in read)

    @property
    def text(self) -> Path:
        """The text behind a CSV; only to be asked of a source that has one."""
        assert self.text_path is not None  # noqa: S101
        return self.text_path

    def column(self, header: str) -> SourceColumn | None:
        """The column with this header, or as one the columns whose headers it joins: see `iceberg.ingest.schema`, COLUMNS_TOGETHER, MONTH_OF_YEAR."""
        found = next((column for column in self.columns if column.header == header), None)
        if found is not None:
            return found
        return self._joined(header) if COLUMNS_TOGETHER in header else self._months(header) if MONTH_OF_YEAR in header else None

    def _months(self, header: str) -> SourceColumn | None:
        """The months of two columns, their year and their month, as texts such as 2024-03 or March 2024; NULL where one of them is blank."""
        named = {column.header: column for column in self.columns}
        parts = header.split(MONTH_OF_YEAR)
        if len(parts) != 2 or not all(part in named for part in parts):
            return None
        year, month = (f"regexp_replace(trim({named[part].text_sql}), '\\.0+$', '')" for part in parts)
        number = f"{year} || '-' || right('0' || {month}, 2)"
        written = f"CASE WHEN regexp_full_match({month}, '[0-9]{{1,2}}') THEN {number} ELSE {month} || ' ' || {year} END"
        rows = zip(*(named[part].sample for part in parts), strict=False)
        sample = tuple(_month_text(year_text, month_text) for year_text, month_text in rows)
        return SourceColumn(header, f"(CASE WHEN {year} <> '' AND {month} <> '' THEN {written} END)", _TEXT, sample, parts=tuple(parts))

    def _joined(self, header: str) -> SourceColumn | None:
        named = {column.header: column for column in self.columns}
        parts = header.split(COLUMNS_TOGETHER)
        if not all(part in named for part in parts):
            return None
        between = quote_text(LEVELS_TOGETHER)
        levels = [
            f"coalesce(nullif(trim(replace({named[part].text_sql}, {between}, ' - ')), ''), {quote_text(BLANK_LEVEL)})" for part in parts
        ]
        rows = zip(*(named[part].sample for part in parts), strict=False)
        sample = tuple(LEVELS_TOGETHER.join((text or "").strip() or BLANK_LEVEL for text in row) for row in rows)
        return SourceColumn(header, f"({f' || {between} || '.join(levels)})", _TEXT, sample, parts=tuple(parts))
