"""Owns what is said about a load beside its counts: ``ingest.notes.<code>`` filled with values, for whatever was taken for granted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import duckdb

from iceberg.ingest.columns.flat_sheet import complaint_name, says_its_unit, tenure_unit
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.files.source_table import FileReading
from iceberg.ingest.joining.relations import base_of
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.values.dates import STILL_HERE
from iceberg.ingest.values.flags import says_still_here

if TYPE_CHECKING:
    from iceberg.ingest.judging.judged_table import JudgedTable

Notes = tuple[tuple[str, dict[str, object]], ...]
_HEAP, _SEVERAL_DAYS = 0.2, 10  # judgement: so large a share of departures on the last of several days is no coincidence
_MOST_LOOKED_AT = 5_000_000
MANY_UNKNOWN = 0.2  # judgement: more complaints than this without a customer is a sign of ids written in two ways


def notes_of(judged: list[JudgedTable]) -> Notes:
    """What the counts per rule do not say by themselves: ``ingest.notes.<code>`` filled with the values."""
    notes: list[tuple[str, dict[str, object]]] = []
    told_elsewhere = bool({"subscriptions", "events", "activity"} & {item.table for item in judged})  # other tables know who left
    for item in judged:
        file, read = item.source.reading.file, item.totals.read
        if item.table == "customers" and "end_date" not in item.fields.columns and not told_elsewhere:
            notes.append(("no_end_date", {"file": file}))
        flag = item.fields.columns.get("churned") if item.table == "customers" else None
        if flag is not None and says_still_here(normalise_header(flag.header)):
            notes.append(("flag_still_here", {"file": file, "column": flag.header}))
        end = item.fields.columns.get("end_date") if item.table in {"customers", "subscriptions"} else None
        words = {text.strip() for text in (end.sample if end is not None and end.is_text else ()) if text and text.strip().lower() in STILL_HERE}
        if end is not None and words:
            notes.append(("words_for_still_here", {"file": file, "column": end.header, "words": ", ".join(sorted(words)[:4])}))
        if item.table == "flat":
            notes += flat_notes(item)
        if item.fields.one_category:
            notes.append(("one_category", {"file": file, "category": item.fields.one_category}))
        unknown = item.rule_rows.get("unknown_customer", 0)
        if read and unknown / read >= MANY_UNKNOWN:
            notes.append(("ids_do_not_match", {"file": file, "count": unknown, "read": read}))
    return tuple(notes)


def _alone_note(connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable]) -> Notes:
    """Complaints that name customers nobody has given: they are counted like volumes, and this says so."""
    item = next((one for one in judged if one.table == "complaints"), None)
    if item is None or base_of({one.table: one for one in judged}):
        return ()
    [(rows, customers)] = connection.execute("SELECT count(*), count(DISTINCT customer_id) FROM complaints").fetchall()
    each = round(rows / customers, 2) if customers else 1.0
    return (("complaints_alone", {"file": item.source.reading.file, "count": rows, "customers": customers, "each": each}),)


def _heap_note(
    connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable], names: set[str]
) -> Notes:
    """Many last days on the last of all days: probably the day of the export, on which these customers were still here."""
    own = next((one for one in judged if one.table == "customers"), None)
    if "customers" not in names or (own is not None and (own.source.reading.format == "parquet" or own.totals.read > _MOST_LOOKED_AT)):
        return ()  # it would take another scan
    most = "SELECT end_date AS day, count(*) AS leavers FROM customers WHERE end_date IS NOT NULL GROUP BY 1"
    found = connection.execute(f"SELECT max(day), arg_max(leavers, day), sum(leavers), count(*) FROM ({most})").fetchall()
    [(day, leavers, total, days)] = found
    if day is None or days < _SEVERAL_DAYS or leavers < max(_HEAP * total, _SEVERAL_DAYS):
        return ()
    file = next(iter(one.source.reading.file for one in judged if one.fields.columns))
    before = day - timedelta(days=1)
    return (("ends_on_one_day", {"file": file, "count": leavers, "total": int(total), "day": day, "before": before.isoformat()}),)


def future_notes(report: IngestReport, today: date) -> Notes:
    """Which day was taken for today, where a date lies after it: read later, the same files may say more."""
    rows = sum(count.rows for count in report.rules if count.rule in {"future_date", "future_end_date"})
    return (("dates_in_the_future", {"count": rows, "today": today}),) if rows else ()


def notes_of_rows(connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable], names: set[str]) -> Notes:
    """The same, where kept rows have to be counted for it."""
    return _alone_note(connection, judged) + _heap_note(connection, judged, names)


def unlinked_notes(report: IngestReport, given: Collection[str]) -> Notes:
    """Complaints in which no column was found that names the customer: they are counted like volumes, and that is less than they may hold."""
    if "complaints" not in given or "volumes" in given or not base_of(dict.fromkeys(given)):
        return ()
    files = [one for one in cast("tuple[FileReading, ...]", report.files) if one.table == "volumes" and not one.rewritten]
    return tuple(("complaints_unlinked", {"file": one.file}) for one in files)


def flat_notes(item: JudgedTable) -> list[tuple[str, dict[str, object]]]:
    """What was taken for granted when the sheet was read."""
    columns, file = item.fields.columns, item.source.reading.file
    tenure = columns["tenure"]
    unit = item.fields.tenure_unit or tenure_unit(tenure.header, tenure.sample)
    notes: list[tuple[str, dict[str, object]]] = [(f"flat_tenure_in_{unit}", {"file": file, "column": tenure.header})]
    if not item.fields.tenure_unit and not says_its_unit(tenure.header):
        notes.append(("flat_tenure_unit", {"file": file, "column": tenure.header}))
    if says_still_here(normalise_header(columns["churned"].header)):
        notes.append(("flag_still_here", {"file": file, "column": columns["churned"].header}))
    if "complained" in columns and "category" not in columns:
        header = columns["complained"].header
        if item.fields.filled_counts:
            notes.append(("flat_text_counts", {"file": file, "column": header}))
        notes.append(("flat_one_category", {"file": file, "column": header, "category": complaint_name(header)}))
    if "category" in columns and "complained" not in columns:
        notes.append(("flat_words", {"file": file, "column": columns["category"].header}))
    if "customer_id" not in columns:
        notes.append(("flat_no_id", {"file": file}))
    return notes
