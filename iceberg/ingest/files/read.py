"""Opens a source as a table in DuckDB and records every decision; columns are text, or typed where the file is typed."""

from __future__ import annotations

import gzip
import shutil
import zlib
from dataclasses import replace
from itertools import islice
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from iceberg.errors import FileError, MappingError
from iceberg.ingest.engine.connection import quote_name, quote_text
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.archives import unpack
from iceberg.ingest.files.books.html_tables import read_web_table
from iceberg.ingest.files.books.spreadsheets import SheetRows, cut_sheet, read_book
from iceberg.ingest.files.detect import recognise_format
from iceberg.ingest.files.expansion import check_parquet, require_columns
from iceberg.ingest.files.source_table import PREVIEW_ROWS, FileReading, ReadOptions, SourceColumn, SourceTable
from iceberg.ingest.files.sources import OpenedSource, Source, open_source
from iceberg.ingest.files.text.delimiters import SAMPLE_BYTES, TextLayout, number_repeats, read_layout
from iceberg.ingest.files.text.encoding import detect_encoding, spool_utf8
from iceberg.ingest.files.text.unusual_text import (
    BACKSLASH,
    FIXED_WIDTH,
    cut_fixed_columns,
    double_escaped_quotes,
    escapes_by_backslash,
    find_fixed_columns,
    with_doubled_quotes,
)

WEB_TABLE = "web_table"
_TEXT = "VARCHAR"
_PREVIEW_LETTERS, _SHORTEST_PREVIEW = 1 << 26, 200  # judgement: first values of all columns together, and of each; they are shown and recognised


def read_source(
    connection: duckdb.DuckDBPyConnection, source: Source, workspace: Workspace, *, options: ReadOptions | None = None
) -> SourceTable:
    """Open `source` as a table that DuckDB can query.

    Raises:
        FileError: It is not a table; says why and what to do.
    """
    table = _read_as_written(connection, source, workspace, options=options)
    return replace(table, columns=tuple(column.unwrapped for column in table.columns))


def _read_as_written(
    connection: duckdb.DuckDBPyConnection, source: Source, workspace: Workspace, *, options: ReadOptions | None = None
) -> SourceTable:
    if isinstance(source, pd.DataFrame):
        return _read_frame(connection, source, workspace)
    options, opened = options or ReadOptions(), open_source(source, workspace)
    try:
        kind = _kind_of(opened)
        if kind == "zip":
            opened = unpack(opened, workspace)
            kind = _kind_of(opened)
        if kind == "zip":  # an archive inside an archive is not unpacked
            raise FileError("zip_file", {"file": opened.name, "files": ".zip"})
        if kind == "parquet":
            return _read_parquet(connection, opened)
        if kind == "excel":
            book = read_book(opened.path, name=opened.name, sheet=options.sheet or opened.sheet, header_line=options.header_line)
            return _sheet_table(connection, opened, workspace, options, book)
        if kind == "web":
            return _read_page(connection, opened, workspace, options)
        return _read_text(opened, workspace, options, compressed=kind == "gzip")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError("gzip_truncated", {"file": opened.name}) from error


def _kind_of(opened: OpenedSource) -> str:
    with opened.path.open("rb") as stream:
        return recognise_format(stream.read(1 << 14), opened.path, opened.name)


def _read_text(opened: OpenedSource, workspace: Workspace, options: ReadOptions, *, compressed: bool) -> SourceTable:
    if options.separator is not None and len(options.separator) != 1:
        raise FileError("separator_wrong", {"value": options.separator})
    encoding, doubts = _encoding_of(opened, options, compressed=compressed)
    path = spool_utf8(opened, workspace, encoding=encoding, compressed=compressed, check=bool(options.encoding))
    path, layout, rewritten = _layout_of(path, opened.name, options, workspace)
    require_columns(opened.name, len(layout.headers))
    columns = tuple(
        SourceColumn(header, f"c{i}", _TEXT, tuple(row[i] if i < len(row) else None for row in layout.sample[:PREVIEW_ROWS]))
        for i, header in enumerate(layout.headers)
    )
    reading = FileReading(
        opened.name,
        "csv",
        encoding=encoding.replace("-sig", ""),
        separator=layout.separator,
        header_line=layout.skipped_lines + 1,
        skipped_lines=layout.skipped_lines,
        headers=layout.headers,
        size_bytes=opened.size_bytes,
        overridden=_overridden(options),
        rewritten=rewritten,
        doubts=doubts,
    )
    skip = layout.header_end_line
    # DuckDB miscounts the lines to skip where the header has a quoted line break, and skips all lines where line ends change below the header.
    if layout.head_has_quotes or (skip > 1 and _line_ends_change(path, skip)):
        path, skip = _blank_head(path, skip, workspace), 0
    return text_table(SourceTable(reading, columns, "", first_row=layout.header_end_line + 1), path, workspace, skip=skip)


def text_table(source: SourceTable, path: Path, workspace: Workspace, *, skip: int) -> SourceTable:
    """`source` as read from the UTF-8 text at `path`; DuckDB writes malformed lines to the table `SourceTable.rejects`."""
    rejects = workspace.new_name("rejects")
    struct = ", ".join(f"'{column.name}': 'VARCHAR'" for column in source.columns)
    from_sql = (
        f"read_csv({quote_text(str(path))}, columns = {{{struct}}}, auto_detect = false, header = false, "
        f"skip = {skip}, delim = {quote_text(source.reading.separator)}, quote = '\"', escape = '\"', "
        f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', rejects_scan = '{rejects}_scan', "
        "encoding = 'utf-8')"
    )
    return replace(source, from_sql=from_sql, text_path=path, skip=skip, rejects=rejects)


def drop_rejects(connection: Queryable, source: SourceTable) -> None:
    """Drop the malformed lines that a query of `source` recorded, so that the next one starts without any."""
    if source.rejects:
        connection.execute(f"DROP TABLE IF EXISTS {source.rejects}; DROP TABLE IF EXISTS {source.rejects}_scan")


def _line_ends_change(path: Path, lines: int) -> bool:
    """Whether the first `lines` lines and the next one have different line ends."""
    with path.open("rb") as stream:
        ends = {line.endswith(b"\r\n") for line in islice(stream, lines + 1)}
    return len(ends) > 1


def _blank_head(path: Path, lines: int, workspace: Workspace) -> Path:
    """Copy the text with its first `lines` lines empty; DuckDB ignores empty lines."""
    target = workspace.new_file(".csv")
    with path.open("rb") as stream, target.open("wb") as out:
        for _ in range(lines):
            stream.readline()
        first = stream.readline()
        out.write((b"\r\n" if first.endswith(b"\r\n") else b"\n") * lines + first)
        shutil.copyfileobj(stream, out, 1 << 22)
    return target


def _encoding_of(opened: OpenedSource, options: ReadOptions, *, compressed: bool) -> tuple[str, tuple[tuple[str, dict[str, str]], ...]]:
    """The encoding, and the open questions about it; raises ``encoding_ambiguous`` unless `options` settles it."""
    if options.encoding:
        return options.encoding, ()
    verdict = detect_encoding(opened, compressed=compressed)
    if verdict.certain:
        return verdict.encoding, ()
    values = {"file": opened.name, "first": verdict.other, "first_says": verdict.other_says, "second": verdict.encoding, "second_says": verdict.says}
    if not options.settle:
        raise MappingError("encoding_ambiguous", values)
    return verdict.encoding, (("encoding_ambiguous", values),)


def _layout_of(path: Path, name: str, options: ReadOptions, workspace: Workspace) -> tuple[Path, TextLayout, str]:
    """The path of the text, its layout and what was rewritten: text that is no plain CSV is copied as one."""
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
        if stream.read(1):  # the sample ends inside a line
            sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode("utf-8", errors="replace")
    try:
        layout = read_layout(text, name=name, separator=options.separator, header_line=options.header_line)
    except FileError as error:
        fixed = find_fixed_columns(text) if error.code == "one_column" and options.separator in {None, "\t", " "} else None
        if fixed is None:
            raise
        lines = [line for line in text.split("\n")[fixed.header_line :] if line.strip()]
        text = "\n".join("\t".join(cells) for cells in [fixed.headers, *map(fixed.cut, lines)])
        layout = replace(read_layout(text, name=name, separator="\t"), skipped_lines=fixed.header_line - 1, header_end_line=fixed.header_line)
        return cut_fixed_columns(path, fixed, workspace), layout, FIXED_WIDTH
    if not escapes_by_backslash(text, layout.separator):
        return path, layout, ""
    text = with_doubled_quotes(text.encode()).decode()
    layout = read_layout(text, name=name, separator=options.separator, header_line=options.header_line)
    return double_escaped_quotes(path, workspace), layout, BACKSLASH


def _overridden(options: ReadOptions) -> tuple[str, ...]:
    return tuple(name for name in ("encoding", "separator", "header_line", "sheet") if getattr(options, name) is not None)


def _read_page(connection: duckdb.DuckDBPyConnection, opened: OpenedSource, workspace: Workspace, options: ReadOptions) -> SourceTable:
    """Read the largest table of a web page like a sheet."""
    encoding, doubts = _encoding_of(opened, options, compressed=False)
    path = spool_utf8(opened, workspace, encoding=encoding, compressed=False, check=bool(options.encoding))
    sheet = cut_sheet(read_web_table(path, name=opened.name), name=opened.name, sheet="", sheets=(), header_line=options.header_line)
    source = _sheet_table(connection, opened, workspace, options, sheet)
    return replace(source, reading=replace(source.reading, encoding=encoding.replace("-sig", ""), rewritten=WEB_TABLE, doubts=doubts))


def _sheet_table(
    connection: duckdb.DuckDBPyConnection, opened: OpenedSource, workspace: Workspace, options: ReadOptions, book: SheetRows
) -> SourceTable:
    table = pa.table(
        {f"c{i}": pa.array([row[i] for row in book.rows], type=pa.string()) for i in range(len(book.headers))}
        | {"sheet_row": pa.array(book.row_numbers, type=pa.int64())}
    )
    name = store_table(connection, table, workspace)
    columns = tuple(
        SourceColumn(header, f"c{i}", _TEXT, tuple(row[i] for row in book.rows[:PREVIEW_ROWS])) for i, header in enumerate(book.headers)
    )
    reading = FileReading(
        opened.name,
        "excel",
        sheet=book.sheet,
        sheets=book.sheets,
        header_line=book.header_row,
        skipped_lines=book.header_row - 1,
        headers=book.headers,
        size_bytes=opened.size_bytes,
        overridden=_overridden(options),
        unsolved=book.unsolved,
    )
    return SourceTable(reading, columns, name, first_row=book.header_row + 1, line_column="sheet_row")


def store_table(connection: duckdb.DuckDBPyConnection, table: pa.Table | pd.DataFrame, workspace: Workspace) -> str:
    """Copy an Arrow table or a frame into the database and return the name of the copy; the caller's object is not referenced afterwards."""
    name = workspace.new_name("source")
    try:
        connection.register("incoming", table)
    except duckdb.Error:
        if not isinstance(table, pd.DataFrame):
            raise
        connection.register("incoming", table.copy())  # DuckDB cannot read a reversed view of a frame; its copy is in order
    connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")
    connection.unregister("incoming")
    return name


def _read_parquet(connection: duckdb.DuckDBPyConnection, opened: OpenedSource) -> SourceTable:
    check_parquet(connection, opened.path, opened.name)
    scan = f"read_parquet({quote_text(str(opened.path))})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        columns = _typed_columns(connection, scan, [(row[0], row[1]) for row in described])
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(opened.path), opened.name)  # the temporary path of an upload means nothing to the reader
        raise FileError("parquet_unreadable", {"file": opened.name, "reason": reason[:200]}) from error
    if len(columns) < 2:
        raise FileError("one_column", {"file": opened.name, "separator": "", "line": "1", "value": ""})
    reading = FileReading(opened.name, "parquet", headers=tuple(column.header for column in columns), size_bytes=opened.size_bytes)
    return SourceTable(reading, columns, scan, first_row=1, path=str(opened.path))


def _read_frame(connection: duckdb.DuckDBPyConnection, frame: pd.DataFrame, workspace: Workspace) -> SourceTable:
    if frame.shape[1] == 0 or len(frame) == 0:
        raise FileError("empty_file", {"file": "table"})
    copy = frame.copy(deep=False)
    headers = number_repeats([str(column) for column in frame.columns])
    copy.columns = pd.Index([f"c{i}" for i in range(frame.shape[1])])
    name = store_table(connection, copy, workspace)
    described = [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {name}").fetchall()]
    columns = _typed_columns(connection, name, described, headers)
    return SourceTable(FileReading("table", "frame", headers=headers), columns, name, first_row=1)


def _typed_columns(
    connection: duckdb.DuckDBPyConnection, scan: str, described: list[tuple[str, str]], headers: tuple[str, ...] | None = None
) -> tuple[SourceColumn, ...]:
    longest = max(_SHORTEST_PREVIEW, _PREVIEW_LETTERS // (PREVIEW_ROWS * len(described)))
    casts = ", ".join(f"left(CAST({quote_name(name)} AS VARCHAR), {longest})" for name, _ in described)
    rows = connection.execute(f"SELECT {casts} FROM {scan} LIMIT {PREVIEW_ROWS}").fetchall()
    if not rows:
        raise FileError("header_only", {"file": "table", "line": "0"})
    return tuple(
        SourceColumn(
            headers[i] if headers else name,
            quote_name(name),
            "VARCHAR" if kind.startswith("ENUM") else kind,
            tuple(row[i] for row in rows),
        )
        for i, (name, kind) in enumerate(described)
    )
