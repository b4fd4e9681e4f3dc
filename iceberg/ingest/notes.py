"""Collects the assumptions of a load as notes: the code and values of ``ingest.notes.<code>``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb

from iceberg.ingest.columns.flat_sheet import complaint_name, says_its_unit, tenure_unit
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.joining.options import IdProposal, JoiningReport
from iceberg.ingest.joining.relations import base_of
from iceberg.ingest.rules.amounts import has_intervals
from iceberg.ingest.schema import BESIDE
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.values.dates import STILL_HERE
from iceberg.ingest.values.flags import says_still_here

if TYPE_CHECKING:
    from iceberg.ingest.judging.judged_table import JudgedTable

Notes = tuple[tuple[str, dict[str, object]], ...]
_LARGE_SHARE, _SEVERAL_DAYS = 0.2, 10  # judgement: such a share of departures on the last of so many days is no coincidence
_MOST_ROWS = 5_000_000  # judgement: a scan of more rows takes too long
MANY_UNKNOWN = 0.05  # judgement: a larger share of complaints without a customer is no matter of single errors


def notes_of(judged: list[JudgedTable]) -> Notes:
    """Notes that need no query of the rows."""
    notes: list[tuple[str, dict[str, object]]] = []
    other_departures = bool({"subscriptions", "events", "activity"} & {item.table for item in judged})
    for item in judged:
        file, read = item.source.reading.file, item.totals.read
        if item.table == "customers" and not ({"end_date", "churned"} & set(item.fields.columns)) and not other_departures:
            notes.append(("no_end_date", {"file": file}))
        notes += _money_notes(item)
        flag = item.fields.columns.get("churned") if item.table == "customers" else None
        if flag is not None and says_still_here(normalise_header(flag.header)):
            notes.append(("flag_still_here", {"file": file, "column": flag.header}))
        end = item.fields.columns.get("end_date") if item.table in {"customers", "subscriptions"} else None
        words = {text for text in (end.texts if end is not None and end.is_text else ()) if text.lower() in STILL_HERE}
        if end is not None and words:
            notes.append(("words_for_still_here", {"file": file, "column": end.header, "words": ", ".join(sorted(words)[:4])}))
        if item.table == "flat":
            notes += flat_notes(item)
        if item.fields.one_category:
            notes.append(("one_category", {"file": file, "category": item.fields.one_category}))
        if item.fields.scale is not None:
            notes.append(("score_scale", {"file": file, "column": item.fields.columns["score"].header, "scale": item.fields.scale.name}))
        unknown = item.rule_rows.get("unknown_customer", 0)
        if read and unknown / read > MANY_UNKNOWN and item.table not in BESIDE:  # of these it changes nothing of the estimate
            notes.append(("ids_do_not_match", {"file": file, "count": unknown, "read": read}))
    return tuple(notes)


def _alone_note(connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable]) -> Notes:
    """The note that complaints name customers but no table lists the customers, so that they count like volumes."""
    by_table = {item.table: item for item in judged}
    item = by_table.get("complaints")
    if item is None or base_of(by_table):
        return ()
    [(rows, customers)] = connection.execute("SELECT count(*), count(DISTINCT customer_id) FROM complaints").fetchall()
    each = round(rows / customers, 2) if customers else 1.0
    return (("complaints_alone", {"file": item.source.reading.file, "count": rows, "customers": customers, "each": each}),)


def _last_day_note(connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable], names: set[str]) -> Notes:
    """The note that many departures are on the last of all days: probably the day of the export, when these customers had not left."""
    own = next((item for item in judged if item.table == "customers"), None)
    if "customers" not in names or (own is not None and (own.source.reading.format == "parquet" or own.totals.read > _MOST_ROWS)):
        return ()  # it would take another scan
    by_day = "SELECT end_date AS day, count(*) AS leavers FROM customers WHERE end_date IS NOT NULL GROUP BY 1"
    [(day, leavers, total, days)] = connection.execute(f"SELECT max(day), arg_max(leavers, day), sum(leavers), count(*) FROM ({by_day})").fetchall()
    if day is None or days < _SEVERAL_DAYS or leavers < max(_LARGE_SHARE * total, _SEVERAL_DAYS):
        return ()
    file = next(item.source.reading.file for item in judged if item.fields.columns)
    before = day - timedelta(days=1)
    return (("ends_on_one_day", {"file": file, "count": leavers, "total": int(total), "day": day, "before": before.isoformat()}),)


def future_notes(report: IngestReport, today: date) -> Notes:
    """The note on the day of the load, where dates are after it."""
    rows = sum(count.rows for count in report.rules if count.rule in {"future_date", "future_end_date"})
    return (("dates_in_the_future", {"count": rows, "today": today}),) if rows else ()


def notes_of_rows(connection: duckdb.DuckDBPyConnection, judged: list[JudgedTable], names: set[str]) -> Notes:
    """Notes that need a query of the rows."""
    return _alone_note(connection, judged) + _last_day_note(connection, judged, names)


def unlinked_notes(report: IngestReport, given: Collection[str]) -> Notes:
    """The notes on complaints without a column for the customer, which count like volumes."""
    if "complaints" not in given or "volumes" in given or not base_of(dict.fromkeys(given)):
        return ()
    files = [reading.file for reading in report.files if reading.table == "volumes" and not reading.rewritten]
    return tuple(("complaints_unlinked", {"file": file}) for file in files)


_MOST_NAMED = 6
# Notes that change what can be believed: they go with the counts, to page, report and JSON, without the names of files.
_REMARKS = (
    *("undated_departures", "undated_ignored", "no_end_date", "flag_without_date", "several_currencies"),
    *("revenue_times_4", "revenue_times_12", "revenue_times_52", "revenue_by_row", "revenue_by_row_unknown"),
    *("ids_do_not_match", "ids_made_alike"),
)


_PRIVATE = ("file", "own", "other")  # names of files, ids of customers: they stay with the reader of the files


def remarks_of(notes: Notes) -> Notes:
    """The notes that change what can be believed."""
    return tuple((code, {name: value for name, value in values.items() if name not in _PRIVATE}) for code, values in notes if code in _REMARKS)


def alike_notes(report: IngestReport, alike: Collection[IdProposal]) -> Notes:
    """The notes on ids that met once case and blanks were ignored."""
    files = {reading.table: reading.file for reading in report.files}
    return tuple(
        (
            "ids_made_alike",
            {"file": files.get(one.table, ""), "before": round(100 * one.before), "after": round(100 * one.after), "own": pair[0], "other": pair[1]},
        )
        for one in alike
        for pair in (one.examples[:1] or (("", ""),))
    )


def joining_notes(report: JoiningReport) -> Notes:
    """The notes on departures that have no date."""
    undated = report.undated
    if undated is None:
        partly = next((fact for fact in report.contradictions if fact.code == "flag_without_date"), None)
        return (("flag_without_date", {"file": partly.file, "count": partly.count, "total": partly.total}),) if partly is not None else ()
    values: dict[str, object] = {"file": undated.file, "column": undated.column, "count": undated.flagged, "customers": undated.customers}
    values |= {"silent": undated.silent, "as_of": undated.as_of}
    return (("undated_departures" if undated.as_sheet else "undated_ignored", values),)


def _money_notes(item: JudgedTable) -> Notes:
    """The notes on amounts: currencies that cannot be added, and months made years."""
    file, column = item.source.reading.file, item.fields.columns.get("revenue")
    if item.fields.money.unconverted:
        foreign = item.fields.money.unconverted
        table = "flat" if item.table == "flat" else item.table
        header = item.mapping.header("revenue") or ""
        rates = " ".join(f"--exchange-rate {code}=..." for code in foreign[1:])
        values: dict[str, object] = {"file": file, "column": header, "currencies": ", ".join(foreign), "table": table, "rates": rates}
        return (("several_currencies", values | {"base": foreign[0]}),)
    periods, beside = item.fields.periods, item.fields.columns.get("interval")
    if column is not None and periods.times > 1:
        return ((f"revenue_times_{periods.times}", {"file": file, "column": column.header, "table": item.table}),)
    if column is None or beside is None or not periods.by_row:
        return ()
    values = {"file": file, "column": column.header, "beside": beside.header, "table": item.table}
    said = ", ".join(f"{text} × {times:.4g}" for text, times in periods.by_row[:_MOST_NAMED])
    unknown: Notes = (("revenue_by_row_unknown", values | {"values": ", ".join(periods.unknown[:_MOST_NAMED])}),) if periods.unknown else ()
    known: Notes = () if has_intervals(item.mapping) else (("revenue_by_row", values | {"periods": said}),)  # such a system always writes it so
    return (*known, *unknown)


def flat_notes(item: JudgedTable) -> list[tuple[str, dict[str, object]]]:
    """The notes on a flat sheet."""
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
