"""Opens the files of a load: which table each is, which sheet of a book, how it is laid out and which column feeds which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns.content import without_company
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.layouts import find_layout, lay_out, unread_months
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice, Opened
from iceberg.ingest.columns.merged_labels import repeat_labels
from iceberg.ingest.columns.places import places_of, with_answer
from iceberg.ingest.columns.propose import CERTAIN, DEPARTURES, complete_with_system, propose_mapping
from iceberg.ingest.columns.questions import UNANSWERABLE, require_certain
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source
from iceberg.ingest.files.table_sources import Given, Sources
from iceberg.ingest.joining.links import Relations
from iceberg.ingest.joining.relations import base_of, relate_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.remote.address import is_address, parse_address

_MOST_SHEETS = 20  # judgement: a book with more sheets is asked about by name
_SETTINGS = (
    *("date_formats", "decimal", "revenue_period", "tenure_unit", "yes_values", "time_zone", "live_statuses", "one_category"),
    *("exchange_rates", "scale"),
    *("encoding", "separator", "header_line", "sheet"),
)


@dataclass(frozen=True)
class OpenedSources:
    """Files of a load with their columns, not judged yet.

    Attributes:
        files: Files of each table, each with the mapping of its columns.
        mappings: The mappings that were given.
        relations: How the tables meet.
    """

    files: dict[str, list[Opened]]
    mappings: MappingSet
    relations: Relations


def options_of(mapping: ColumnMapping | None) -> ReadOptions:
    """What a mapping says about reading."""
    if mapping is None:
        return ReadOptions()
    return ReadOptions(mapping.encoding or None, mapping.separator or None, mapping.header_line or None, mapping.sheet or None)


def open_sources(load: Load, sources: Sources, mappings: MappingSet, *, relate: bool | None) -> OpenedSources:
    """Open every file and join the tables. A file that `load` has read before is not read again.

    Args:
        load: Where the files become relations.
        sources: The files.
        mappings: What is known about them.
        relate: Count how many ids the tables have in common; None does so unless the files are large.

    Raises:
        FileError: A file is no table.
        MappingError: A question that nothing in the files or `mappings` answers.
    """
    files, relations = _relate(load, _without_doubts(_open_files(load, sources, mappings)), mappings, measure=relate)
    check_columns(files)
    if "flat" in files and (dated := sorted(set(files) - {"flat", "surveys"})):
        values = {"file": files["flat"][0][0].reading.file, "others": ", ".join(dated)}
        raise MappingError("flat_beside_dates", values)
    return OpenedSources(files, mappings, relations)


def _without_doubts(files: dict[str, list[Opened]]) -> dict[str, list[Opened]]:
    """The files without doubtful columns of departures where another table has them, and without the company that complaints are about."""
    if "complaints" in files and not base_of(files):
        files = files | {"complaints": [(source, without_company(source, mapping)) for source, mapping in files["complaints"]]}
    if not {"subscriptions", "events", "activity"} & set(files) or "customers" not in files:
        return files
    return files | {"customers": [(source, replace(mapping, choices=_sure(mapping))) for source, mapping in files["customers"]]}


def _sure(mapping: ColumnMapping) -> dict[str, FieldChoice]:
    """The choices without doubtful ones of departures."""
    return {name: choice for name, choice in mapping.choices.items() if name not in DEPARTURES or choice.confidence >= CERTAIN}


def check_columns(files: Mapping[str, list[Opened]]) -> None:
    """Stop at the first question about the columns of a file.

    Raises:
        MappingError: See `require_certain`; it proposes the columns as they were recognised.
    """
    try:
        require_certain(files)
    except MappingError as error:
        add_proposal(error, files)
        raise


def add_proposal(error: MappingError, files: Mapping[str, list[Opened]]) -> None:
    """Give a question the mapping of the columns as they were recognised, with the places that its message names.

    Args:
        error: The question; one that no mapping answers, or that has a proposal, is left as it is.
        files: The files by table, each with the mapping of its columns.
    """
    if error.proposal is not None or error.code in UNANSWERABLE or not files:
        return
    answers = [with_answer(table, parts[0][1], error) for table, parts in files.items()]
    tables = {table: mapping for answer in answers for table, mapping in answer.items()}
    error.proposal = MappingSet(tables, asked=places_of(error, next(iter(files), "customers")))


def relate_files(sources: Mapping[str, Given], *, mapping: MappingSet | None = None) -> Relations:
    """How the tables would meet, before any row is judged: to be shown, and chosen otherwise with `MappingSet.with_link`.

    Args:
        sources: Files by table, as for `load_tables`.
        mapping: What is known about them.

    Raises:
        FileError: A file is not a table.
        MappingError: A join that `mapping` names cannot be made.
    """
    mapping = mapping or MappingSet()
    with Load.open() as load:
        return _relate(load, _open_files(load, Sources(sources), mapping), mapping, measure=True)[1]


def _open_files(load: Load, sources: Sources, mappings: MappingSet) -> dict[str, list[Opened]]:
    opened: dict[str, list[Opened]] = {}
    for named, files in sources.items():
        for source in files:
            if load.on_file is not None:
                load.on_file(_name(source))
            table, file = _open_file(load, named, source, mappings)
            opened.setdefault(table, []).append(file)
    return opened


def _relate(
    load: Load, opened: dict[str, list[Opened]], mappings: MappingSet, *, measure: bool | None
) -> tuple[dict[str, list[Opened]], Relations]:
    given = frozenset(table for table, mapping in mappings.tables.items() if mapping.choices)
    return relate_tables(load.connection, opened, mappings.links, given=given, measure=measure)


def _open_file(load: Load, named: str, source: Source, mappings: MappingSet) -> tuple[str, Opened]:
    """The table that a file is, and the mapping of its columns; `named` is the table that it was given for.

    Raises:
        FileError: It is no table.
        MappingError: ``encoding_ambiguous``, ``months_unread``.
    """
    table = "flat" if named == "customers" and _is_sheet(mappings) else named
    given = mappings.get(table)
    try:
        relation = load.read(source, options_of(given))
    except MappingError as error:
        error.values = {"table": table} | error.values
        error.proposal = error.proposal or MappingSet({table: ColumnMapping(table, encoding=str(error.values.get("second", "")))})
        raise
    relation, table = _lay_out(load, relation, table, given)
    if given is not None and given.choices:
        given = complete_with_system(relation, given)
        return table, (_repeated(load, relation, given), mappings.with_segments(relation, given))
    given = replace(mappings.tables["flat"], table=table) if given is None and table == "customers" and "flat" in mappings.tables else given
    proposed = _propose(relation, table, given)
    if len(relation.reading.sheets) > 1 and not _is_certain(proposed) and not relation.reading.overridden:
        relation, proposed = _find_sheet(load, source, relation, table, given) or (relation, proposed)
    return proposed.table, (_repeated(load, relation, proposed), mappings.with_segments(relation, proposed))


def _repeated(load: Load, relation: SourceTable, mapping: ColumnMapping) -> SourceTable:
    """Volumes with the labels of merged cells on every row; any other table as it is."""
    return (repeat_labels(load.connection, relation, mapping, load.workspace) if mapping.table == "volumes" else None) or relation


def _is_sheet(mappings: MappingSet) -> bool:
    """Whether a mapping reads the customers as a sheet without dates: by its columns, or because those of the dated table lack the first day."""
    customers, flat = mappings.get("customers"), mappings.get("flat")
    if flat is None or not flat.choices:
        return False
    return customers is None or not customers.choices or (bool(customers.missing) and not flat.missing)


def _lay_out(load: Load, relation: SourceTable, table: str, given: ColumnMapping | None) -> tuple[SourceTable, str]:
    """Volumes laid out as a report become one row per count, unless the columns of the report itself were named."""
    if table not in {"volumes", "complaints"} or (given is not None and any(relation.column(choice.header) for choice in given.choices.values())):
        return relation, table
    layout = find_layout(relation)
    if layout is None or _is_certain(propose_mapping(relation, table)):
        return relation, table
    if unread := unread_months(relation, layout):
        raise MappingError("months_unread", {"file": relation.reading.file, "columns": ", ".join(unread)})
    rows = lay_out(load.connection, relation, layout, load.workspace)
    return (relation, table) if rows is None else (rows, "volumes")


def _propose(relation: SourceTable, table: str, given: ColumnMapping | None) -> ColumnMapping:
    """Columns as recognised, and every setting of `given`, which names no column."""
    proposed = propose_mapping(relation, table)
    proposed = (as_flat(relation, proposed) if table == "customers" else None) or proposed
    if given is None:
        return proposed
    settings = {name: getattr(given, name) for name in _SETTINGS if getattr(given, name)}
    answered = {name: replace(choice, confidence=1.0) for name, choice in proposed.choices.items() if name in given.yes_values}
    proposed = replace(proposed, choices=proposed.choices | answered)
    if given.counts_as_one:  # no column is a category
        settings["choices"] = {name: choice for name, choice in proposed.choices.items() if name != "category"}
    return replace(proposed, **settings)


def _is_certain(mapping: ColumnMapping) -> bool:
    return not mapping.missing and not mapping.uncertain(CERTAIN)


def _find_sheet(load: Load, source: Source, relation: SourceTable, table: str, given: ColumnMapping | None) -> Opened | None:
    """The first other sheet that is this table for certain: the fullest one may be another table of the same book."""
    for sheet in relation.reading.sheets[:_MOST_SHEETS]:
        if sheet == relation.reading.sheet:
            continue
        try:
            other = load.read(source, ReadOptions(sheet=sheet))
        except FileError:  # an empty sheet, a chart
            continue
        proposed = _propose(other, table, given)
        if _is_certain(proposed):
            return other, proposed
    return None


def _name(source: Source) -> str:
    if isinstance(source, str) and is_address(source):
        return parse_address(source).name
    return Path(str(source)).name if isinstance(source, str | Path) else getattr(source, "name", "table")
