"""Owns telling which table a file is, for whoever hands over files without saying."""

from __future__ import annotations

from collections.abc import Sequence

from iceberg.errors import MappingError
from iceberg.ingest.columns import CERTAIN, propose_mapping
from iceberg.ingest.mapping import REQUIRED, MappingSet
from iceberg.ingest.read import SourceTable, connect, read_source
from iceberg.ingest.sources import Source, Workspace

# Of equal fit the earlier one is taken: a file of customers and their complaints is a file of customers first.
_CANDIDATES = ("customers", "complaints", "volumes")
_TOGETHER = (("customers", "complaints"), ("customers", "volumes"))


def recognise_table(source: SourceTable, *, mapping: MappingSet | None = None) -> str | None:
    """The table whose fields the headers fit best; None when a required field of every table is missing.

    Args:
        source: A file as read.
        mapping: Saved mappings; a table whose mapped headers are all there is that table.
    """
    headers = set(source.reading.headers)
    best, best_fit = None, 0.0
    for table in _CANDIDATES:
        saved = mapping.get(table) if mapping is not None else None
        if saved is not None and saved.choices:
            if {choice.header for choice in saved.choices.values()} <= headers:
                return table
            continue
        choices = propose_mapping(source, table).choices
        if any(name not in choices or choices[name].confidence < CERTAIN for name in REQUIRED[table]):
            continue
        # Every field found counts: a list of tickets has no monthly count, a list of counts no customer.
        fit = sum(choice.confidence for choice in choices.values())
        if fit > best_fit:
            best, best_fit = table, fit
    return best


def recognise_tables(sources: Sequence[Source], *, mapping: MappingSet | None = None) -> tuple[dict[str, Source], ...]:
    """Loads to make of some files: customers and complaints are judged together, whatever is left over by itself.

    Raises:
        FileError: A file is not a table.
        MappingError: ``table_unknown``, when a file is none of the tables.
    """
    found: list[tuple[str, Source]] = []
    connection, workspace = connect(), Workspace()
    try:
        for source in sources:
            relation = read_source(connection, source, workspace)
            table = recognise_table(relation, mapping=mapping)
            if table is None:
                raise MappingError(
                    "table_unknown", {"file": relation.reading.file, "headers": ", ".join(relation.reading.headers)}
                )
            found.append((table, source))
    finally:
        connection.close()
        workspace.close()
    tables = [table for table, _ in found]
    for pair in _TOGETHER:
        if all(tables.count(name) == 1 for name in pair):
            together = {name: next(source for table, source in found if table == name) for name in pair}
            return together, *({table: source} for table, source in found if table not in pair)
    return tuple({table: source} for table, source in found)
