"""Recognises which table a file is (customers, complaints, volumes ...) from its columns and its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.layouts import YEAR_AND_MONTH, YEAR_MONTH_CATEGORY, find_layout
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN, is_per_subscription, normalise_header, propose_mapping
from iceberg.ingest.columns.questions import missing_header, require_months
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.files.table_sources import list_sources
from iceberg.ingest.files.text.headers import listed_headers
from iceberg.ingest.mapping import MappingSet, names_columns
from iceberg.ingest.schema import CASE_FIELDS, FIELDS, POSITIVES, REQUIRED, TABLES

_NAMES = {table.name: table.words for table in TABLES if table.words}
_CASE = re.compile(r"ticket|case|complaint|incident|reclam|plainte|saisine|claim|beschwerde|reklamation|queja|klacht|qmnum")
_COMPLAINANT = re.compile(r"requester|reporter|complain|demandeur|reclamant|plaignant|beschwerdefuhrer|melder")
_LOGGED = re.compile(r"incident|outage|panne|occurred|downtime")
_GOOD = re.compile(r"positi[vf]|compliment|goodwill|gest(?:e|ure)|remerci|thank")
# Judgement: taken off the score of a table whose few columns many other tables have, unless its name or repeated customers confirm it.
_UNCONFIRMED = 0.6


def recognise_tables(files: Sequence[Source], *, mapping: MappingSet | None = None) -> list[dict[str, Source | list[Source]]]:
    """Group files into the arguments of `load_tables`: one table of each kind together, further ones on their own.

    Files of one kind with the same headers, in any order, are one table.

    Args:
        files: Files to group; a pattern such as ``"customers-*.csv"`` stands for its files.
        mapping: A saved mapping; a file with the headers of one of its tables is that table.

    Raises:
        FileError: A file is not a table.
        MappingError: ``table_unrecognised``.
    """
    groups: list[dict[str, list[Source]]] = []
    headers: dict[int, frozenset[str]] = {}
    for source in (part for file in files for part in list_sources(file)):
        table, own = _recognise(source, mapping)
        table = _or_subscriptions(table, own, groups, headers)
        alike = next((group[table] for group in groups if table in group and headers[id(group[table])] == own), None)
        if alike is not None:
            alike.append(source)
            continue
        group = next((group for group in groups if table not in group), None)
        if group is None:
            groups.append(group := {})
        group[table] = [source]
        headers[id(group[table])] = own
    return [{table: sources if len(sources) > 1 else sources[0] for table, sources in group.items()} for group in groups]


def _or_subscriptions(table: str, own: frozenset[str], groups: list[dict[str, list[Source]]], headers: dict[int, frozenset[str]]) -> str:
    """The table, given those before it: of two customers tables, the one of a system that exports subscriptions holds subscriptions."""
    first = groups[0] if groups else {}
    if table != "customers" or "customers" not in first or "subscriptions" in first or headers[id(first["customers"])] == own:
        return table
    if is_per_subscription(own):
        return "subscriptions"
    if is_per_subscription(headers[id(first["customers"])]):
        first["subscriptions"] = first.pop("customers")
    return table


def recognise_table(source: Source, *, mapping: MappingSet | None = None) -> str:
    """The most likely canonical table of a file."""
    return _recognise(source, mapping)[0]


def _recognise(source: Source, mapping: MappingSet | None) -> tuple[str, frozenset[str]]:
    """The most likely table of a file, and its normalised headers."""
    workspace, connection = Workspace(), connect()
    try:
        opened = read_source(connection, source, workspace, options=ReadOptions(settle=True))
        headers = frozenset(normalise_header(header) for header in opened.reading.headers)
        if as_flat(opened, propose_mapping(opened, "customers")) is not None:
            return "customers", headers  # `load_tables` recognises the flat sheet
        if not names_columns(mapping, "volumes") and _is_report(opened):
            return "volumes", headers
        best = max(_NAMES, key=lambda table: likeness(opened, table, _name_of(source), mapping))
        if best in {"customers", "subscriptions"} and not names_columns(mapping, best) and _numbers_cases(opened, _name_of(source)):
            best = "complaints"
        best = _as_named(opened, best, _name_of(source), mapping)
        if not speaks_for(opened, best, mapping) and (by_content := _by_content(opened, _name_of(source))):
            return by_content, headers
        if not speaks_for(opened, best, mapping):
            require_months(opened, "volumes", "month")
            if (headless := missing_header(opened, "customers")) is not None:
                raise headless
            raise MappingError("table_unrecognised", {"file": opened.reading.file, "headers": listed_headers(opened.reading.headers)})
        return best, headers
    finally:
        connection.close()
        workspace.close()


def _as_named(source: SourceTable, best: str, name: str, mapping: MappingSet | None) -> str:
    """`best`, unless the name of the file names one other table alone, whose required fields all have a column, by header or content."""
    names = [table for table, words in _NAMES.items() if any(word in normalise_header(name) for word in words)]
    if names_columns(mapping, best) or len(names) != 1 or names[0] != "complaints" or best != "customers":
        return best
    return best if propose_mapping(source, names[0]).missing else names[0]


def _by_content(source: SourceTable, name: str) -> str:
    """The table whose required fields all have a column, by header or content, if a header or the name of the file confirms it; else ""."""
    for table in ("volumes", "complaints", "customers"):
        proposal = propose_mapping(source, table)
        if table == "volumes" and not ("complaints" in proposal.choices and "fiscal" in {choice.reason for choice in proposal.choices.values()}):
            continue
        named = any(word in normalise_header(name) for word in _NAMES[table])
        if not proposal.missing and (named or any(choice.confidence >= CERTAIN for choice in proposal.choices.values())):
            return table
    return ""


def _numbers_cases(source: SourceTable, name: str) -> bool:
    """Whether a column numbers the cases, and another has their days: tickets whose category no header names are no customers.

    The header of the number says so; or the name of the file, or whose id it is, where another column has the customer.
    """
    choices = propose_mapping(source, "complaints").choices
    number, day, customer = (choices.get(field) for field in ("complaint_id", "complaint_date", "customer_id"))
    if number is None or day is None or day.confidence < CERTAIN:
        return False
    if _CASE.search(normalise_header(number.header).replace(" ", "")):
        return True
    named = any(word in normalise_header(name) for word in _NAMES["complaints"])
    return customer is not None and (named or _COMPLAINANT.search(normalise_header(customer.header)) is not None)


def _is_report(source: SourceTable) -> bool:
    """Whether the file is laid out as a report of volumes; year and month in two columns beside customers are the dates of complaints."""
    layout = find_layout(source)
    if layout is None or layout.kind != YEAR_AND_MONTH:
        return layout is not None
    named = propose_mapping(source, "complaints").choices.get("customer_id")
    return named is None or named.confidence < CERTAIN or len(layout.fixed) > YEAR_MONTH_CATEGORY


def speaks_for(source: SourceTable, table: str, mapping: MappingSet | None) -> bool:
    """Whether a mapping has this table, or a required id, date or number is certain: text columns alone fit any table."""
    if names_columns(mapping, table):
        return True
    choices = propose_mapping(source, table).choices
    needed = [name for name in REQUIRED[table] if FIELDS[table][name] != "text"]
    return any(name in choices and choices[name].confidence >= CERTAIN for name in needed)


def _name_of(source: Source) -> str:
    if isinstance(source, pd.DataFrame):
        return ""
    return source.name if isinstance(source, UploadedBytes) else Path(str(source)).name


def likeness(source: SourceTable, table: str, name: str, mapping: MappingSet | None = None) -> float:
    """How well a file fits a table: by the fields found and missing, and by its name."""
    given = mapping.get(table) if mapping is not None else None
    if given is not None and given.choices and all(source.column(choice.header) for choice in given.choices.values()):
        return 10.0
    proposal = propose_mapping(source, table)
    said = {field: choice for field, choice in proposal.choices.items() if field not in CASE_FIELDS}
    certain = {field: choice.confidence for field, choice in said.items() if choice.confidence >= CERTAIN}
    share = sum(field in certain for field in REQUIRED[table]) / len(REQUIRED[table])
    named = any(word in normalise_header(name) for word in _NAMES[table])
    score = 2 * share + sum(certain.values()) / max(len(source.columns), 1) + (0.5 if named else 0.0)
    score -= _UNCONFIRMED if table == "volumes" and "complaints" not in said else 0.0  # no column counts: each row is one of something
    if table in {"subscriptions", "activity", "events", "incidents"}:
        confirmed = named or (table == "subscriptions" and "subscription_id" in proposal.choices)
        confirmed = confirmed or (table == "incidents" and any(_LOGGED.search(normalise_header(column.header)) for column in source.columns))
        confirmed = confirmed or (table == "activity" and share == 1.0 and not _each_once(source, proposal))
        score -= 0.0 if confirmed and (table != "subscriptions" or not _each_once(source, proposal)) else _UNCONFIRMED
    if table == POSITIVES and not named and not any(_GOOD.search(normalise_header(choice.header)) for choice in said.values()):
        score -= 2 * _UNCONFIRMED  # a customer, a day and a kind stand in nearly every table
    return score


def _each_once(source: SourceTable, proposal: ColumnMapping) -> bool:
    """Whether no customer is on two of the first rows, so that the rows are not several subscriptions of a customer."""
    column = source.column(proposal.header("customer_id") or "")
    ids = [text for text in column.sample if text is not None and text.strip()] if column is not None else []
    return len(set(ids)) == len(ids)
