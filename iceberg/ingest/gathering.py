"""Owns the way from sources to judged tables: every file opened, its columns certain, the tables related, each row judged on its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.aside import Counted, Wanted
from iceberg.ingest.categories import category_candidates
from iceberg.ingest.columns import CERTAIN, normalise_header
from iceberg.ingest.database import connect
from iceberg.ingest.dates import BLANK_TEXTS
from iceberg.ingest.flags import values_to_ask
from iceberg.ingest.hashes import ToldIds
from iceberg.ingest.headers import is_data, kind_of, without_number
from iceberg.ingest.joining import RepeatedCustomers
from iceberg.ingest.judge import JudgedTable, read_once, read_table
from iceberg.ingest.labels import holds_texts
from iceberg.ingest.layouts import longer_periods
from iceberg.ingest.links import Relations
from iceberg.ingest.mapping import ColumnMapping, FieldChoice, MappingSet
from iceberg.ingest.opening import Opened, open_file
from iceberg.ingest.parts import combine_parts, join_parquet, list_sources, place_parts, require_same_columns, set_aside
from iceberg.ingest.read import SourceTable
from iceberg.ingest.relations import relate_tables
from iceberg.ingest.repeats import as_subscriptions, find_repeats
from iceberg.ingest.rules import reject_mask
from iceberg.ingest.sources import Source, Workspace
from iceberg.ingest.tables import TELLING, key_sql
from iceberg.ingest.typed import JOINED_BY

_MOST_HEADERS = 40  # judgement: a sentence that names more is not read
_SCIENTIFIC, _FEW_CUT = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), 0.05  # judgement: fewer may be ids that are written so
OnFile = Callable[[str], None]  # called with the name of a file before it is read


def _say_nothing(name: str) -> None:
    """Nobody asked."""


def _name(source: Source) -> str:
    return Path(str(source)).name if isinstance(source, str | Path) else getattr(source, "name", "table")


def open_related(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    sources: Mapping[str, Source | Sequence[Source]],
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


def read_all(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    opened: Mapping[str, list[Opened]],
    today: date,
    mappings: MappingSet,
    counted: Counted | None = None,
) -> tuple[dict[str, JudgedTable], RepeatedCustomers | None]:
    """Every table judged on its own; a customers table that holds subscriptions is read as these."""
    loaded: dict[str, JudgedTable] = {}
    for table, parts in sorted(opened.items(), key=lambda one: one[0] == "customers"):  # last: whom the others name is looked for among them
        require_same_columns(parts)
        relation, chosen = parts[0]
        unlinked = table == "complaints" and "customer_id" not in chosen.choices
        name = "volumes" if unlinked else table
        if name in loaded:
            raise MappingError(
                "complaints_without_ids",
                {"file": relation.reading.file, "headers": ", ".join(relation.reading.headers)},
            )
        fitted = [(source, _as_volumes(mapping) if unlinked else mapping) for source, mapping in parts]
        wanted = _wanted(connection, opened, loaded, mappings, counted or Counted()) if table == "customers" else None
        loaded[name] = _read_parts(connection, workspace, name, fitted, today, wanted)
    if "customers" in loaded:
        loaded = {"customers": loaded.pop("customers")} | loaded
    repeated = find_repeats(connection, loaded["customers"], mappings.joining) if "customers" in loaded else None
    if repeated is not None and repeated.folded:
        if "subscriptions" in loaded:  # these tell how often somebody came back: the customers table need not
            return loaded, replace(repeated, folded=False)
        parts = [(source, as_subscriptions(source, mapping)) for source, mapping in opened["customers"]]
        item = loaded.pop("customers")
        connection.execute(f"DROP {'VIEW' if item.is_view else 'TABLE'} {item.read_name}; DROP TABLE IF EXISTS {item.read_name}_cells")
        loaded = {"subscriptions": _read_parts(connection, workspace, "subscriptions", parts, today)} | loaded
    return loaded, repeated


def _wanted(
    connection: duckdb.DuckDBPyConnection,
    opened: Mapping[str, Sequence[Opened]],
    loaded: Mapping[str, JudgedTable],
    mappings: MappingSet,
    counted: Counted,
) -> Wanted | None:
    """The customers whom complaints and incidents name, and those of late; None where others will be asked for by id, or rows be changed."""
    rules, (_, mapping) = mappings.joining, opened["customers"][0]
    joined = not set(loaded) <= {*TELLING, "volumes", "surveys"} or set(JOINED_BY) & set(mapping.choices) or rules.early_complaints == "move_start"
    if joined or rules.id_normalisation or any(item.mapping.via for item in loaded.values()):
        return None
    naming = [table for table in TELLING if table in loaded]
    columns = [source.column(chosen.choices["customer_id"].header) for table in ("customers", *naming) for source, chosen in opened[table]]
    numbered = all(column is not None and column.is_whole for column in columns)
    told = ToldIds.of(connection, [loaded[table].read_name for table in naming], key_sql("customer_id", numbered=numbered))
    return Wanted(told, _since(connection, loaded, counted), numbered)


def _since(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, JudgedTable], counted: Counted) -> date | None:
    """The day from which on customers are put aside; None where nobody complained on any day."""
    days = []
    for table, day in (("complaints", "complaint_date"), ("volumes", "month")):
        if table in loaded:
            kept = f"(flags & {reject_mask(table)}) = 0"
            days += connection.execute(f"SELECT min({day}), max({day}) FROM {loaded[table].read_name} WHERE {kept}").fetchall()
    known: list[tuple[date, date]] = [(first, last) for first, last in days if first is not None]
    return counted.before(min(first for first, _ in known), max(last for _, last in known)) if known else None


def _open_all(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    sources: Mapping[str, Source | Sequence[Source]],
    mappings: MappingSet,
    on_file: OnFile | None = None,
) -> dict[str, list[Opened]]:
    opened: dict[str, list[Opened]] = {}
    on_file = on_file or _say_nothing
    for named, source in sources.items():
        for part in list_sources(source):
            on_file(_name(part))
            table, found = open_file(connection, workspace, named, part, mappings)
            opened.setdefault(table, []).append(found)
    return opened


def _read_parts(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, name: str, parts: list[Opened], today: date, wanted: Wanted | None = None
) -> JudgedTable:
    if len(parts) == 1:
        return read_table(connection, workspace, name, *parts[0], today, wanted=wanted)
    joined = join_parquet(connection, parts)
    if joined is not None:
        item = read_table(connection, workspace, name, *joined, today, wanted=wanted)
        place_parts(item, parts)
        return item
    once = read_once(connection, workspace, parts, today, wanted) if wanted is not None else None
    if once is not None:
        return once
    judged = []
    for number, (source, mapping) in enumerate(parts, start=1):
        judged.append(set_aside(connection, read_table(connection, workspace, name, source, mapping, today, in_place=False), number))
    return combine_parts(connection, judged, f"read_{name}")


def require_certain(opened: Mapping[str, list[Opened]]) -> None:
    """Stop when a required field has no header or an uncertain one: a wrong guess would be a silent wrong number."""
    for relation, chosen in (part for parts in opened.values() for part in parts):
        doubtful = [choice.field for choice in chosen.uncertain(CERTAIN)] + list(chosen.missing)
        proposal = MappingSet({table: parts[0][1] for table, parts in opened.items()})
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
            values = {"file": relation.reading.file, "candidates": candidates, "table": chosen.table, "headers": _listed(relation)}
            raise MappingError("category_missing", values, proposal)
        if not doubtful:
            continue
        gone = chosen.choices.get("churned")
        if chosen.table == "customers" and "start_date" in doubtful and gone is not None and gone.confidence >= CERTAIN:
            raise MappingError("left_without_time", {"file": relation.reading.file, "column": gone.header, "headers": _listed(relation)}, proposal)
        misfit = next((one for one in chosen.uncertain(CERTAIN) if one.reason in {"not_dates", "not_numbers", "not_flags"}), None)
        if misfit is not None and len(doubtful) == 1:
            column = relation.column(misfit.header)
            value = next((text for text in (column.sample if column is not None else ()) if text and text.strip().lower() not in BLANK_TEXTS), "")
            values = {"file": relation.reading.file, "column": misfit.header, "field": misfit.field, "value": value[:60]}
            values["headers"] = _listed(relation)
            raise MappingError("values_unreadable", values, proposal)
        if chosen.table == "volumes" and "month" in doubtful and (periods := longer_periods(relation)):
            values = {"file": relation.reading.file, "periods": ", ".join(periods[:4])}
            raise MappingError("periods_not_months", values, proposal)
        sample = [tuple(row) for row in zip(*(column.sample[:20] for column in relation.columns), strict=False)]
        if relation.reading.header_line and is_data([without_number(header) for header in relation.reading.headers], sample):
            line = {"file": relation.reading.file, "line": relation.reading.header_line, "headers": ", ".join(_without_words(relation))}
            raise MappingError("no_header", line, proposal)
        sure = [f'{name} = "{one.header}"' for name, one in chosen.choices.items() if one.confidence >= CERTAIN]
        values = {"file": relation.reading.file, "table": chosen.table, "fields": ", ".join(doubtful), "headers": _listed(relation)}
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
    shown = [without_number(header) for header in relation.reading.headers[:_MOST_HEADERS]]
    return [text if kind_of(text) in {"number", "day"} else "…" for text in shown]


def _listed(relation: SourceTable) -> str:
    """The headers of a file; of very many the first ones."""
    headers = relation.reading.headers
    return ", ".join(headers[:_MOST_HEADERS]) + (f" … ({len(headers)})" if len(headers) > _MOST_HEADERS else "")



def _as_volumes(mapping: ColumnMapping) -> ColumnMapping:
    """Complaints without customer ids become volumes of one per row."""
    choices = {"month": replace(mapping.choices["complaint_date"], field="month")}
    choices |= {"category": mapping.choices["category"]} if "category" in mapping.choices else {}
    formats = {"month": mapping.date_formats["complaint_date"]} if "complaint_date" in mapping.date_formats else {}
    return replace(mapping, table="volumes", choices=choices, date_formats=formats)


def relate_files(sources: Mapping[str, Source | Sequence[Source]], *, mapping: MappingSet | None = None) -> Relations:
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
        opened = _open_all(connection, workspace, sources, mapping)
        given = frozenset(table for table, one in mapping.tables.items() if one.choices)
        return relate_tables(connection, opened, mapping.links, given=given, measure=True)[1]
    finally:
        connection.close()
        workspace.close()
