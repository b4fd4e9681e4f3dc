"""Owns what values alone leave open and somebody has to say: which of day and month comes first, and which code means yes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns import normalise_header
from iceberg.ingest.dates import DateReading, are_mixed, half_converted
from iceberg.ingest.flags import values_to_ask
from iceberg.ingest.mapping import ColumnMapping, all_fields
from iceberg.ingest.read import SourceColumn, SourceTable


def require_yes(source: SourceTable, mapping: ColumnMapping, columns: Mapping[str, SourceColumn]) -> None:
    """Stop where nobody said which value of a coded column means yes.

    Raises:
        MappingError: ``flag_values``.
    """
    for name, column in columns.items():
        asked = all_fields(mapping.table)[name] == "flag" and column.is_text and name not in mapping.yes_values
        found = values_to_ask(column.sample, header=normalise_header(column.header)) if asked else ()
        coded = all(re.fullmatch(r"[\d.,]+", value) for value in found)
        if found and (coded or name != "complained"):  # words in a column of complaints: every filled cell counts
            values = {"file": source.reading.file, "column": column.header, "field": name, "values": ", ".join(found), "first": found[0]}
            raise MappingError("flag_values", values | {"table": mapping.table})


def settle_order(
    connection: duckdb.DuckDBPyConnection,
    source: SourceTable,
    columns: dict[str, SourceColumn],
    dates: dict[str, DateReading],
    told: Mapping[str, str],
) -> dict[str, DateReading]:
    """Where 03/04/2025 could be two days, the whole column or another one of the file may decide; else it is asked."""
    for name in dates:
        if name not in told and (pair := half_converted(columns[name].sample)) is not None:
            values = {"file": source.reading.file, "field": name, "column": columns[name].header, "value": pair[0], "other": pair[1]}
            raise MappingError("dates_half_converted", values)
    looked = {name: _look_at_all(connection, source, columns[name], reading) if reading.ambiguous else reading for name, reading in dates.items()}
    mixed = next((name for name, reading in looked.items() if reading.mixed), None)
    if mixed is not None:
        raise _dates_mixed(source, columns[mixed], mixed)
    decided = {reading.format for reading in looked.values() if not reading.ambiguous and reading.format in {"day_first", "month_first"}}
    settled = {}
    for name, reading in looked.items():
        if not reading.ambiguous:
            settled[name] = reading
        elif len(decided) == 1:
            settled[name] = replace(reading, format=next(iter(decided)), ambiguous=False)
        else:
            values = {
                "file": source.reading.file,
                "field": name,
                "column": columns[name].header,
                "value": reading.example,
            }
            raise MappingError("dates_ambiguous", values)
    return settled


def _dates_mixed(source: SourceTable, column: SourceColumn, name: str) -> MappingError:
    """Two values that cannot be written in one order, as the question why."""
    def find(first: str, second: str) -> str:
        pattern = rf"\s*{first}[/. -]{second}[/. -].*"
        return next((text.strip() for text in column.sample if text and re.fullmatch(pattern, text)), "")

    above, below = r"(?:1[3-9]|2\d|3[01])", r"(?:0?\d|1[0-2])"
    values = {"file": source.reading.file, "field": name, "column": column.header}
    return MappingError("dates_mixed", values | {"value": find(above, below), "other": find(below, above)})


def _look_at_all(connection: duckdb.DuckDBPyConnection, source: SourceTable, column: SourceColumn, reading: DateReading) -> DateReading:
    """The order of day and month from the whole column: a 13th anywhere decides."""
    parts = [f"TRY_CAST(regexp_extract({column.sql}, '^\\s*(\\d{{1,2}})[/. -](\\d{{1,2}})[/. -]', {i}) AS INTEGER)" for i in (1, 2)]
    try:
        [(first, second)] = connection.sql(
            f"SELECT count(*) FILTER ({parts[0]} BETWEEN 13 AND 31), count(*) FILTER ({parts[1]} BETWEEN 13 AND 31) FROM {source.from_sql}"
        ).fetchall()
    except duckdb.InvalidInputException:
        return reading
    finally:
        if source.rejects:
            connection.execute(f"DROP TABLE IF EXISTS {source.rejects}; DROP TABLE IF EXISTS {source.rejects}_scan")
    if first == second == 0:
        return reading
    if are_mixed(first, second):
        return replace(reading, mixed=True)
    return replace(reading, format="day_first" if first >= second else "month_first", ambiguous=False)
