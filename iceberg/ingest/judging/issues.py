"""Finds line, column and value of the rows that broke a rule."""

from __future__ import annotations

from collections import Counter

import duckdb

from iceberg.ingest.files.text.record_places import Place, find_places
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import RowRule, rules_of
from iceberg.ingest.schema import RowIssue


def find_issues(connection: duckdb.DuckDBPyConnection, item: JudgedTable, *, limit: int) -> list[RowIssue]:
    """The first `limit` rows of each rule, in the order of the file."""
    broken = _broken_records(connection, item, limit)
    places = find_record_places(connection, item, [record for records in broken.values() for record in records])
    found = [_issue(item, rule, places[record]) for bit, rule in rules_of(item.table) for record in broken.get(bit, ()) if record in places]
    lines = Counter[str]()
    for bad in item.bad_lines:
        lines[bad.rule] += 1
        if lines[bad.rule] <= limit:
            file = bad.file or item.source.reading.file
            found.append(RowIssue(item.table, file, bad.line, "", bad.text[:200], bad.rule, bad.cells is None))
    return found


def _broken_records(connection: duckdb.DuckDBPyConnection, item: JudgedTable, limit: int) -> dict[int, list[int]]:
    """Record numbers per bit."""
    broken = {}
    for bit, rule in rules_of(item.table):
        if item.rule_rows.get(rule.id):
            broken_rows = f"SELECT {item.record_sql} FROM {item.read_name} WHERE (flags & {bit}) <> 0 ORDER BY 1 LIMIT {limit}"
            rows = connection.sql(broken_rows).fetchall()
            broken[bit] = [row[0] for row in rows]
    return broken


def find_record_places(connection: duckdb.DuckDBPyConnection, item: JudgedTable, records: list[int]) -> dict[int, Place]:
    """Line and mapped cells of records; those of padded lines come after the others."""
    if item.parts:
        return _places_in_parts(connection, item, records)
    headers = [column.header for column in item.fields.columns.values()]
    own = [record for record in records if record < item.file_records]
    places = find_places(connection, item.source, own, headers=headers, total=item.file_records, skip_lines=item.skip_lines)
    padded = item.padded_lines
    for record in set(records) - set(own):
        bad = padded[record - item.file_records]
        cells = dict(zip((column.header for column in item.source.columns), bad.cells or (), strict=False))
        places[record] = Place(bad.line, {header: cells.get(header) or "" for header in headers})
    return places


def _places_in_parts(connection: duckdb.DuckDBPyConnection, item: JudgedTable, records: list[int]) -> dict[int, Place]:
    """The same where the records come from several files; cells go by the headers of the first."""
    places: dict[int, Place] = {}
    starts = [start for start, _ in item.parts] + [max(records, default=0) + 1]
    for (start, part), following in zip(item.parts, starts[1:], strict=True):
        own = [record - start for record in records if start <= record < following]
        header = {column.header: part.fields.columns[name].header for name, column in item.fields.columns.items()}
        for record, place in find_record_places(connection, part, own).items() if own else ():
            cells = {first: place.cells.get(theirs, "") for first, theirs in header.items()}
            places[record + start] = Place(place.line, cells, part.source.reading.file)
    return places


def _issue(item: JudgedTable, rule: RowRule, place: Place) -> RowIssue:
    column = item.fields.columns.get(rule.field)
    header = column.header if column is not None else ""
    value = place.cells.get(header, "") if header else " | ".join(text for text in place.cells.values() if text)
    return RowIssue(item.table, place.file or item.source.reading.file, place.line, header, value[:200], rule.id, rule.rejects)
