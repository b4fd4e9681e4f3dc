"""Owns what values alone leave open and somebody has to say: which of day and month comes first, and which code means yes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.layouts import longer_periods
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice, Opened
from iceberg.ingest.columns.propose import CERTAIN, category_candidates, normalise_header
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.files.text.headers import MOST_HEADERS, is_data, kind_of, listed_headers, without_number
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.schema import all_fields
from iceberg.ingest.values.dates import BLANK_TEXTS, DateReading, are_mixed, half_converted
from iceberg.ingest.values.flags import values_to_ask
from iceberg.ingest.values.free_text import holds_texts

_SCIENTIFIC, _FEW_CUT = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), 0.05  # judgement: fewer may be ids that are written so


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
        drop_rejects(connection, source)
    if first == second == 0:
        return reading
    if are_mixed(first, second):
        return replace(reading, mixed=True)
    return replace(reading, format="day_first" if first >= second else "month_first", ambiguous=False)


def require_certain(opened: Mapping[str, list[Opened]]) -> None:
    """Stop when a required field has no header or an uncertain one: a wrong guess would be a silent wrong number."""
    for relation, chosen in (part for parts in opened.values() for part in parts):
        doubtful = [choice.field for choice in chosen.uncertain(CERTAIN)] + list(chosen.missing)
        proposal = MappingSet({table: parts[0][1] for table, parts in opened.items()})
        headers = listed_headers(relation.reading.headers)
        _require_whole_ids(relation, chosen)
        twice = next((one for one in chosen.uncertain(CERTAIN) if one.reason == "twice"), None)
        if twice is not None:
            values = {"file": relation.reading.file, "column": twice.header, "other": f"{twice.header} (2)", "field": twice.field}
            raise MappingError("header_twice", values | {"table": chosen.table}, proposal)
        text = next((one for one in chosen.choices.values() if _is_text(relation, chosen, one)), None)
        if text is not None:
            candidates = ", ".join(category_candidates(relation, chosen)) or "–"
            values = {"file": relation.reading.file, "column": text.header, "candidates": candidates, "table": chosen.table}
            raise MappingError("complained_is_text" if text.field == "complained" else "category_is_text", values, proposal)
        coded = next((one for one in chosen.uncertain(CERTAIN) if one.reason == "which_yes" and one.field not in chosen.yes_values), None)
        if coded is not None and (column := relation.column(coded.header)) is not None:
            found = values_to_ask(column.sample, header=normalise_header(coded.header))
            values = {"file": relation.reading.file, "column": coded.header, "field": coded.field, "values": ", ".join(found), "first": found[0]}
            raise MappingError("flag_values", values | {"table": chosen.table}, proposal)
        if doubtful == ["category"]:
            candidates = ", ".join(category_candidates(relation, chosen)) or "–"
            values = {"file": relation.reading.file, "candidates": candidates, "table": chosen.table, "headers": headers}
            raise MappingError("category_missing", values, proposal)
        if not doubtful:
            continue
        gone = chosen.choices.get("churned")
        if chosen.table == "customers" and "start_date" in doubtful and gone is not None and gone.confidence >= CERTAIN:
            raise MappingError("left_without_time", {"file": relation.reading.file, "column": gone.header, "headers": headers}, proposal)
        misfit = next((one for one in chosen.uncertain(CERTAIN) if one.reason in {"not_dates", "not_numbers", "not_flags"}), None)
        if misfit is not None and len(doubtful) == 1:
            column = relation.column(misfit.header)
            value = next((text for text in (column.sample if column is not None else ()) if text and text.strip().lower() not in BLANK_TEXTS), "")
            values = {"file": relation.reading.file, "column": misfit.header, "field": misfit.field, "value": value[:60]}
            values["headers"] = headers
            raise MappingError("values_unreadable", values, proposal)
        if chosen.table == "volumes" and "month" in doubtful and (periods := longer_periods(relation)):
            values = {"file": relation.reading.file, "periods": ", ".join(periods[:4])}
            raise MappingError("periods_not_months", values, proposal)
        sample = [tuple(row) for row in zip(*(column.sample[:20] for column in relation.columns), strict=False)]
        if relation.reading.header_line and is_data([without_number(header) for header in relation.reading.headers], sample):
            line = {"file": relation.reading.file, "line": relation.reading.header_line, "headers": ", ".join(_without_words(relation))}
            raise MappingError("no_header", line, proposal)
        sure = [f'{name} = "{one.header}"' for name, one in chosen.choices.items() if one.confidence >= CERTAIN]
        values = {"file": relation.reading.file, "table": chosen.table, "fields": ", ".join(doubtful), "headers": headers}
        values["understood"] = ", ".join(sure) or "–"
        raise MappingError("mapping_uncertain", values, proposal)


def _require_whole_ids(relation: SourceTable, chosen: ColumnMapping) -> None:
    """Stop where a spreadsheet cut ids short: 1.23E+12 stands for thousands of customers.

    Raises:
        MappingError: ``ids_cut_short``.
    """
    column = relation.column(chosen.header("customer_id") or "")
    ids = [text.strip() for text in column.sample if text and text.strip()] if column is not None and column.is_text else []
    cut = [text for text in ids if _SCIENTIFIC.fullmatch(text)]
    if column is not None and len(cut) > _FEW_CUT * len(ids):
        raise MappingError("ids_cut_short", {"file": relation.reading.file, "column": column.header, "value": cut[0]})


def _is_text(relation: SourceTable, mapping: ColumnMapping, choice: FieldChoice) -> bool:
    """Whether a column that was proposed, or named, as a category holds free text: it would be kept, and shown, as names of categories."""
    column = relation.column(choice.header)
    if choice.field == "category":
        summed = mapping.table == "surveys" or (mapping.table == "volumes" and "complaints" in mapping.choices)  # each may stand there once
        return not summed and column is not None and column.is_text and holds_texts(column.sample)
    return choice.field == "complained" and choice.reason == "free_text" and choice.confidence < CERTAIN


def _without_words(relation: SourceTable) -> list[str]:
    """The first values of a file without a header: a word among them may be somebody's name."""
    shown = [without_number(header) for header in relation.reading.headers[:MOST_HEADERS]]
    return [text if kind_of(text) in {"number", "day"} else "…" for text in shown]
