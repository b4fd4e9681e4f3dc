"""Owns the guess of what a file is (customers, complaints, volumes ...), from its columns and its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.layouts import find_layout
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN, is_per_subscription, normalise_header, propose_mapping
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.files.table_sources import list_sources
from iceberg.ingest.files.text.headers import listed_headers
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.schema import FIELDS, REQUIRED, TABLES

_NAMES = {table.name: table.words for table in TABLES if table.words}
# Tables that a name or a repeated customer must speak for: their few columns are found in many other tables.
_ONLY_IF_SAID = 0.6  # judgement: what is taken off when nothing does


def recognise_tables(files: Sequence[Source], *, mapping: MappingSet | None = None) -> list[dict[str, Source | list[Source]]]:
    """Group files into the arguments of `load_tables`: one table of each kind together, further ones on their own.

    Files of one kind with the same headers, in any order, are one table.

    Args:
        files: What to look at; a pattern such as ``"customers-*.csv"`` stands for its files.
        mapping: A saved mapping: a file that has its headers for a table is that table.

    Raises:
        FileError: A file is not a table.
        MappingError: ``table_unrecognised``.
    """
    groups: list[dict[str, list[Source]]] = []
    headers: dict[int, frozenset[str]] = {}
    for source in (one for given in files for one in list_sources(given)):
        table, found = _recognise(source, mapping)
        table = _beside(table, found, groups, headers)
        alike = next((entry[table] for entry in groups if table in entry and headers[id(entry[table])] == found), None)
        if alike is not None:
            alike.append(source)
            continue
        group = next((entry for entry in groups if table not in entry), None)
        if group is None:
            groups.append(group := {})
        group[table] = [source]
        headers[id(group[table])] = found
    return [{table: sources if len(sources) > 1 else sources[0] for table, sources in group.items()} for group in groups]


def _beside(table: str, found: frozenset[str], groups: list[dict[str, list[Source]]], headers: dict[int, frozenset[str]]) -> str:
    """Which table this is beside those recognised before: of two customers tables, the one whose system exports subscriptions holds these."""
    first = groups[0] if groups else {}
    if table != "customers" or "customers" not in first or "subscriptions" in first or headers[id(first["customers"])] == found:
        return table
    if is_per_subscription(found):
        return "subscriptions"
    if is_per_subscription(headers[id(first["customers"])]):
        first["subscriptions"] = first.pop("customers")
    return table


def recognise_table(source: Source, *, mapping: MappingSet | None = None) -> str:
    """The canonical table that a file most likely is."""
    return _recognise(source, mapping)[0]


def _recognise(source: Source, mapping: MappingSet | None) -> tuple[str, frozenset[str]]:
    """Its table and its headers."""
    workspace, connection = Workspace(), connect()
    try:
        opened = read_source(connection, source, workspace, options=ReadOptions(settle=True))
        headers = frozenset(normalise_header(header) for header in opened.reading.headers)
        if as_flat(opened, propose_mapping(opened, "customers")) is not None:
            return "customers", headers  # a flat sheet: `load_tables` tells it apart
        if mapping is None and find_layout(opened) is not None:
            return "volumes", headers
        best = max(_NAMES, key=lambda table: likeness(opened, table, _name_of(source), mapping))
        if not speaks_for(opened, best, mapping):
            raise MappingError("table_unrecognised", {"file": opened.reading.file, "headers": listed_headers(opened.reading.headers)})
        return best, headers
    finally:
        connection.close()
        workspace.close()


def speaks_for(source: SourceTable, table: str, mapping: MappingSet | None) -> bool:
    """Whether a mapping names this table, or an id, a day or a number that it needs was recognised: words alone may be about anything."""
    if mapping is not None and mapping.get(table) is not None:
        return True
    choices = propose_mapping(source, table).choices
    needed = [name for name in REQUIRED[table] if FIELDS[table][name] != "text"]
    return any(name in choices and choices[name].confidence >= CERTAIN for name in needed)


def _name_of(source: Source) -> str:
    if isinstance(source, pd.DataFrame):
        return ""
    return source.name if isinstance(source, UploadedBytes) else Path(str(source)).name


def likeness(source: SourceTable, table: str, name: str, mapping: MappingSet | None = None) -> float:
    """How well a file fits a table: fields found and missing, plus what its name says."""
    given = mapping.get(table) if mapping is not None else None
    if given is not None and all(source.column(choice.header) for choice in given.choices.values()):
        return 10.0
    proposal = propose_mapping(source, table)
    found = [choice.confidence for choice in proposal.choices.values() if choice.confidence >= CERTAIN]
    required = [
        field
        for field in REQUIRED[table]
        if field in proposal.choices and proposal.choices[field].confidence >= CERTAIN
    ]
    share = len(required) / len(REQUIRED[table])
    named = any(word in normalise_header(name) for word in _NAMES[table])
    score = 2 * share + sum(found) / max(len(source.columns), 1) + (0.5 if named else 0.0)
    if table in {"subscriptions", "activity", "events"}:
        said = named or (table == "subscriptions" and "subscription_id" in proposal.choices)
        said = said or (table == "activity" and share == 1.0 and not _each_once(source, proposal))
        score -= 0.0 if said and (table != "subscriptions" or not _each_once(source, proposal)) else _ONLY_IF_SAID
    return score


def _each_once(source: SourceTable, proposal: ColumnMapping) -> bool:
    """Whether every customer among the first rows is there once: then it is no matter of folding."""
    column = source.column(proposal.header("customer_id") or "")
    ids = [text for text in column.sample if text is not None and text.strip()] if column is not None else []
    return len(set(ids)) == len(ids)
