"""Writes the file of rejected and repaired rows that an analyst takes back to the source system."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.files.source_table import FileReading
from iceberg.ingest.joining.options import IdProposal
from iceberg.ingest.judging.issues import find_record_places
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.mapping import MappingSet, mapping_as_read
from iceberg.ingest.rules.rules import reject_mask, rules_of
from iceberg.ingest.schema import RowIssue
from iceberg.ingest.tables import IngestReport, Tables
from iceberg.locale import Translator

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BATCH = 20_000  # rows that are found in the file at once, so that millions of bad rows do not fill memory
_HEADERS = ("table", "file", "line", "outcome", "rule", "remedy")


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers with a sign stay as they are."""
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return "'" + cell
    return cell


def rejected_rows_csv(tables: Tables, *, language: str = "en", repaired: bool = True) -> bytes:
    """Every rejected row (and repaired or flagged one) as CSV that Excel opens, while the tables are open.

    Args:
        tables: What `load_tables` returned, not closed yet.
        language: Of rule names and remedies.
        repaired: Include rows that were kept with a repair or a flag.

    Returns:
        UTF-8 with BOM: table, file, line, outcome, rule, remedy, then the cells of the columns that were read, and no others.
    """
    buffer = io.StringIO(newline="")
    write_rejected_rows(tables, buffer, language=language, repaired=repaired)
    return buffer.getvalue().encode("utf-8-sig")


def write_rejected_rows(tables: Tables, target: TextIO, *, language: str = "en", repaired: bool = True) -> int:
    """Write what `rejected_rows_csv` returns while it is found; returns the number of rows."""
    words = Translator(language)
    headers = list(dict.fromkeys(column.header for item in tables.origin for name, column in item.fields.columns.items() if _is_written(item, name)))
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([*_HEADERS, *map(neutralise, headers)])
    written = 0
    for item in tables.origin:
        for file, line, rules, rejected, cells in _bad_rows(tables, item, repaired=repaired):
            outcome = words.text(f"ingest.outcomes.{'reject' if rejected else 'repair'}")
            names = "; ".join(words.text(f"ingest.rules.{rule}.name") for rule in rules)
            remedies = " ".join(words.text(f"ingest.rules.{rule}.remedy") for rule in rules)
            place = [words.text(f"ingest.tables.{item.table}"), neutralise(file or item.source.reading.file), line]
            writer.writerow([*place, outcome, names, remedies, *(neutralise(cells.get(header, "")) for header in headers)])
            written += 1
    return written


def _is_written(item: JudgedTable, name: str) -> bool:
    """Free text of which only the presence counts stays in the file."""
    return not (name == "complained" and item.fields.filled_counts)


def _bad_rows(tables: Tables, item: JudgedTable, *, repaired: bool) -> Iterator[tuple[str, int, list[str], bool, dict[str, str]]]:
    """(file, line, rules, rejected, cells) of every row that broke a rule, then of the lines that were no records."""
    mask = reject_mask(item.table)
    condition = "flags <> 0" if repaired else f"(flags & {mask}) <> 0"
    found = tables.connection.sql(f"SELECT {item.record_sql}, flags FROM {item.read_name} WHERE {condition} ORDER BY 1").fetchall()
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        places = find_record_places(tables.connection, item, [record for record, _ in batch])
        for record, flags in batch:
            place = places[record]
            rules = list(dict.fromkeys(rule.id for bit, rule in rules_of(item.table) if flags & bit))
            yield place.file, place.line, rules, bool(flags & mask), place.cells
    for bad in item.bad_lines:
        if bad.cells is None or repaired:
            yield bad.file, bad.line, [bad.rule], bad.cells is None, {}


def require_rows(report: IngestReport, mapping: MappingSet | None = None) -> None:
    """Stop when every row of a table was rejected.

    Args:
        report: Of the load.
        mapping: The mapping that was given to it.

    Raises:
        MappingError: ``ids_written_differently``, with the mapping that makes them meet.
        EvidenceError: ``all_rows_rejected`` with the first offending row.
    """
    proposals = {one.table: one for one in report.joining.id_proposals} if report.joining is not None else {}
    for table, totals in report.rows.items():
        if totals.kept == 0 and totals.read:
            first = next((issue for issue in report.issues if issue.table == table and issue.rejected), None)
            if first is not None and first.rule == "unknown_customer" and table in proposals:
                raise _ids_written_differently(report, first, proposals[table], mapping)
            if first is not None:
                values = {"file": first.file, "count": totals.read, "line": str(first.line), "column": first.column, "value": first.value}
                raise EvidenceError("all_rows_rejected", values | {"rule": first.rule})


def _ids_written_differently(report: IngestReport, first: RowIssue, offer: IdProposal, mapping: MappingSet | None) -> MappingError:
    """No id is the same in both tables as it is written; the steps that would make them meet are proposed, never taken in silence."""
    read = mapping_as_read(report, mapping)
    rules = report.joining.rules if report.joining is not None else read.joining
    pair = offer.examples[0] if offer.examples else (first.value, "")
    steps = ", ".join(f'"{step}"' for step in offer.steps)
    headers = next((", ".join(file.headers) for file in report.files if isinstance(file, FileReading) and file.file == first.file), "")
    values = {"file": first.file, "line": str(first.line), "column": first.column, "headers": headers}
    values |= {"value": pair[0], "other": pair[1], "steps": steps, "share": str(round(100 * offer.after))}
    return MappingError("ids_written_differently", values, replace(read, joining=replace(rules, id_normalisation=offer.steps)))
