"""Owns how each file given is opened: told by the mapping or found out, which sheet of a book, which shape, which columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.layouts import find_layout, lay_out, unread_months
from iceberg.ingest.columns.mapping import ColumnMapping, Opened
from iceberg.ingest.columns.propose import CERTAIN, complete_with_system, propose_mapping
from iceberg.ingest.columns.questions import require_certain
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source
from iceberg.ingest.files.table_sources import Given, Sources
from iceberg.ingest.joining.links import Relations
from iceberg.ingest.joining.relations import relate_tables
from iceberg.ingest.mapping import MappingSet

OnFile = Callable[[str], None]  # called with the name of a file before it is read

_MOST_SHEETS = 20  # judgement: a book with more sheets is asked about by name
_TOLD = (
    *("date_formats", "decimal", "revenue_period", "tenure_unit", "yes_values", "time_zone", "live_statuses", "one_category"),
    *("encoding", "separator", "header_line", "sheet"),
)


def options_of(mapping: ColumnMapping | None) -> ReadOptions:
    """What a mapping says about reading."""
    if mapping is None:
        return ReadOptions()
    return ReadOptions(mapping.encoding or None, mapping.separator or None, mapping.header_line or None, mapping.sheet or None)


def open_file(connection: duckdb.DuckDBPyConnection, workspace: Workspace, named: str, source: Source, mappings: MappingSet) -> tuple[str, Opened]:
    """Read one file and say which table it is and how its columns are taken.

    Args:
        connection: Where it becomes a relation.
        workspace: For what has to be spooled.
        named: Table that it was given for.
        source: The file.
        mappings: What was said about it.

    Raises:
        FileError: It is no table.
        MappingError: ``encoding_ambiguous``.
    """
    table = "flat" if named == "customers" and named not in mappings.tables and "flat" in mappings.tables else named
    given = mappings.get(table)
    try:
        relation = read_source(connection, source, workspace, options=options_of(given))
    except MappingError as error:
        error.proposal = error.proposal or MappingSet({table: ColumnMapping(table, encoding=str(error.values.get("second", "")))})
        raise
    relation, table = _laid_out(connection, relation, workspace, table, given)
    if given is not None and given.choices:
        return table, (relation, complete_with_system(relation, given))
    found = _propose(relation, table, given)
    if len(relation.reading.sheets) > 1 and not _is_certain(found) and not relation.reading.overridden:
        found_elsewhere = _look_in_sheets(connection, workspace, source, relation, table, given)
        if found_elsewhere is not None:
            relation, found = found_elsewhere
    return found.table, (relation, found)


def _laid_out(
    connection: duckdb.DuckDBPyConnection, relation: SourceTable, workspace: Workspace, table: str, given: ColumnMapping | None
) -> tuple[SourceTable, str]:
    """Volumes laid out as a report, as one row per count, unless the columns of the report itself were named."""
    if table not in {"volumes", "complaints"} or (given is not None and any(relation.column(choice.header) for choice in given.choices.values())):
        return relation, table
    layout = find_layout(relation)
    if layout is None or _is_certain(propose_mapping(relation, table)):
        return relation, table
    if unread := unread_months(relation, layout):
        raise MappingError("months_unread", {"file": relation.reading.file, "columns": ", ".join(unread)})
    rows = lay_out(connection, relation, layout, workspace)
    return (relation, table) if rows is None else (rows, "volumes")


def _propose(relation: SourceTable, table: str, given: ColumnMapping | None) -> ColumnMapping:
    """Columns as recognised; everything else as the mapping says, where it only says how to read."""
    proposed = propose_mapping(relation, table)
    proposed = (as_flat(relation, proposed) if table == "customers" else None) or proposed
    if given is None:
        return proposed
    told = {name: getattr(given, name) for name in _TOLD if getattr(given, name)}
    if given.counts_as_one:  # whatever looked like one is none
        told["choices"] = {name: choice for name, choice in proposed.choices.items() if name != "category"}
    return replace(proposed, **told)


def _is_certain(mapping: ColumnMapping) -> bool:
    return not mapping.missing and not mapping.uncertain(CERTAIN)


def _look_in_sheets(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, source: Source, relation: SourceTable, table: str, given: ColumnMapping | None
) -> Opened | None:
    """The first other sheet that is this table for certain: the fullest one may be the other half of the same book."""
    for sheet in relation.reading.sheets[:_MOST_SHEETS]:
        if sheet == relation.reading.sheet:
            continue
        try:
            other = read_source(connection, source, workspace, options=ReadOptions(sheet=sheet))
        except FileError:  # an empty sheet, a chart
            continue
        found = _propose(other, table, given)
        if _is_certain(found):
            return other, found
    return None


def _say_nothing(name: str) -> None:
    """Nobody asked."""


def _name(source: Source) -> str:
    return Path(str(source)).name if isinstance(source, str | Path) else getattr(source, "name", "table")


def open_related(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    sources: Sources,
    mappings: MappingSet,
    relate: bool | None,
    on_file: OnFile | None = None,
) -> tuple[dict[str, list[Opened]], Relations]:
    """Every file with its columns, the tables joined."""
    opened = _open_all(connection, workspace, sources, mappings, on_file)
    given = frozenset(table for table, mapping in mappings.tables.items() if mapping.choices)
    opened, relations = relate_tables(connection, opened, mappings.links, given=given, measure=relate)
    require_certain(opened)
    if "flat" in opened and (dated := sorted(set(opened) - {"flat", "surveys"})):
        values = {"file": opened["flat"][0][0].reading.file, "others": ", ".join(dated)}
        raise MappingError("flat_beside_dates", values)
    return opened, relations


def _open_all(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    sources: Sources,
    mappings: MappingSet,
    on_file: OnFile | None = None,
) -> dict[str, list[Opened]]:
    opened: dict[str, list[Opened]] = {}
    on_file = on_file or _say_nothing
    for named, files in sources.items():
        for part in files:
            on_file(_name(part))
            table, found = open_file(connection, workspace, named, part, mappings)
            opened.setdefault(table, []).append(found)
    return opened


def relate_files(sources: Mapping[str, Given], *, mapping: MappingSet | None = None) -> Relations:
    """How the tables would meet, before any row is judged: to be shown, and chosen otherwise with `MappingSet.with_link`.

    Args:
        sources: Files by table, as for `load_tables`.
        mapping: What was said about them.

    Raises:
        FileError: A file is not a table.
        MappingError: A join that was told cannot be made.
    """
    workspace, connection = Workspace(), connect()
    try:
        mapping = mapping or MappingSet()
        opened = _open_all(connection, workspace, Sources(sources), mapping)
        given = frozenset(table for table, one in mapping.tables.items() if one.choices)
        return relate_tables(connection, opened, mapping.links, given=given, measure=True)[1]
    finally:
        connection.close()
        workspace.close()
