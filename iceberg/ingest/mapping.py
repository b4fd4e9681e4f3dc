"""Owns the column mapping: which header feeds which field and how it is read, saved and re-used next month."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomli_w

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.source_table import FileReading
from iceberg.ingest.joining.links import LinkChoice
from iceberg.ingest.joining.options import Joining
from iceberg.ingest.schema import FIELDS, all_fields
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.values.dates import DATE_FORMATS

_TOLD = ("system", "via", "encoding", "separator", "sheet", "header_line", "decimal", "revenue_period", "tenure_unit", "time_zone", "one_category")


@dataclass(frozen=True)
class MappingSet:
    """The mappings of one load, by table, the choices made where tables become one, and the joins that were told, by table.

    `keep_months`: whether months that look as if their departures or complaints were missing count all the same.
    """

    tables: dict[str, ColumnMapping] = field(default_factory=dict)
    joining: Joining = field(default_factory=Joining)
    links: dict[str, LinkChoice] = field(default_factory=dict)
    keep_months: bool = False

    def get(self, table: str) -> ColumnMapping | None:
        """Mapping of a table."""
        return self.tables.get(table)

    def with_link(self, table: str, choice: LinkChoice | None) -> MappingSet:
        """The same with the join of `table` told; None leaves it to headers and overlapping ids again."""
        links = {name: link for name, link in self.links.items() if name != table}
        return replace(self, links=links | ({table: choice} if choice is not None else {}))

    def save(self, path: str | Path) -> None:
        """Write as TOML, or as JSON when the name ends in ``.json``."""
        content = self.to_dict()
        target = Path(path)
        target.write_text(
            json.dumps(content, ensure_ascii=False, indent=2) + "\n"
            if target.suffix.lower() == ".json"
            else self.to_toml(),
            encoding="utf-8",
        )

    def to_toml(self) -> str:
        """The TOML text that `load` reads."""
        return tomli_w.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        joining = self.joining.to_dict()
        links = {table: link.to_dict() for table, link in self.links.items()}
        told = ({"joining": joining} if joining else {}) | ({"relations": links} if links else {})
        told |= {"window": {"keep_months": True}} if self.keep_months else {}
        return told | {table: _mapping_dict(mapping) for table, mapping in self.tables.items()}

    @classmethod
    def load(cls, path: str | Path) -> MappingSet:
        """Read a file that `save` (or a person) wrote.

        Raises:
            MappingError: ``mapping_file_unreadable``, ``mapping_table_unknown``, ``mapping_field_unknown``.
        """
        source = Path(path)
        try:
            text = source.read_text(encoding="utf-8-sig")
            content = json.loads(text) if source.suffix.lower() == ".json" else tomllib.loads(text)
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
            raise MappingError("mapping_file_unreadable", {"file": source.name, "reason": str(error)[:200]}) from error
        return cls.from_dict(content, name=source.name)

    @classmethod
    def from_dict(cls, content: dict[str, Any], *, name: str = "mapping") -> MappingSet:
        """From plain values; see `load` for what it raises."""
        if not isinstance(content, dict):
            raise MappingError("mapping_file_unreadable", {"file": name, "reason": "not a table"})
        joining = Joining.from_dict(content["joining"], name=name) if "joining" in content else Joining()
        tables = {table: _mapping_from(table, entry, name) for table, entry in content.items() if table not in {"joining", "relations", "window"}}
        return cls(tables, joining, _links_from(content.get("relations", {}), name), _keep_months_from(content.get("window", {}), name))


def _keep_months_from(entry: Any, name: str) -> bool:  # noqa: ANN401  # whatever the file holds
    values = {"file": name, "table": "window"}
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", values | {"key": "keep_months", "value": str(entry), "known": "true, false"})
    for key, value in entry.items():
        if key != "keep_months":
            raise MappingError("mapping_field_unknown", values | {"value": key, "known": "keep_months"})
        if not isinstance(value, bool):
            raise MappingError("mapping_value_wrong", values | {"key": key, "value": str(value), "known": "true, false"})
    return bool(entry.get("keep_months", False))


def _links_from(entry: Any, name: str) -> dict[str, LinkChoice]:  # noqa: ANN401  # whatever the file holds
    pointing = [table for table, fields in FIELDS.items() if "customer_id" in fields and table not in {"customers", "flat"}]
    if not isinstance(entry, dict) or not set(entry) <= set(pointing):
        value = str(entry) if not isinstance(entry, dict) else ", ".join(sorted(set(entry) - set(pointing)))
        raise MappingError("mapping_table_unknown", {"file": name, "value": f"relations.{value}", "known": ", ".join(pointing)})
    return {table: LinkChoice.from_dict(one, table=table, name=name) for table, one in entry.items()}


def _mapping_dict(mapping: ColumnMapping) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key in _TOLD:
        if value := getattr(mapping, key):
            entry[key] = value
    entry["columns"] = {name: choice.header for name, choice in mapping.choices.items()}
    if mapping.live_statuses:
        entry["live_statuses"] = list(mapping.live_statuses)
    if mapping.date_formats:
        entry["date_formats"] = dict(mapping.date_formats)
    if mapping.yes_values:
        entry["yes_values"] = {name: list(values) for name, values in mapping.yes_values.items()}
    return entry


def _mapping_from(table: str, entry: Any, name: str) -> ColumnMapping:  # noqa: ANN401  # whatever the file holds
    if table not in FIELDS or not isinstance(entry, dict):
        raise MappingError("mapping_table_unknown", {"file": name, "value": table, "known": ", ".join(FIELDS)})
    columns = entry.get("columns", {})
    if not all(isinstance(one, dict) for one in (columns, entry.get("date_formats", {}), entry.get("yes_values", {}))):
        raise MappingError("mapping_file_unreadable", {"file": name, "reason": f"{table}.columns"})
    for key in (*columns, *entry.get("yes_values", {})):
        if key not in all_fields(table):
            raise MappingError(
                "mapping_field_unknown",
                {"file": name, "table": table, "value": key, "known": ", ".join(all_fields(table))},
            )
    choices = {key: FieldChoice(key, str(header)) for key, header in columns.items() if header}
    options = {
        key: str(entry[key])
        for key in _TOLD
        if key != "header_line" and entry.get(key)
    }
    formats = {key: str(value) for key, value in entry.get("date_formats", {}).items()}
    checked = [
        ("decimal", options.get("decimal"), (".", ",")),
        ("revenue_period", options.get("revenue_period"), ("year", "month")),
        ("tenure_unit", options.get("tenure_unit"), ("days", "weeks", "months", "years")),
        ("via", options.get("via"), ("subscriptions", "customers")),
    ]
    for key, value, known in [
        *checked,
        *((f"date_formats.{key}", value, DATE_FORMATS) for key, value in formats.items()),
    ]:
        if value and value not in known:
            raise MappingError(
                "mapping_value_wrong",
                {"file": name, "table": table, "key": key, "value": value, "known": ", ".join(known)},
            )
    _check_zone(options.get("time_zone", ""), table, name)
    header_line = entry.get("header_line", 0)
    if not isinstance(header_line, int) or header_line < 0:
        raise MappingError(
            "mapping_value_wrong",
            {"file": name, "table": table, "key": "header_line", "value": str(header_line), "known": "1, 2, 3"},
        )
    live = tuple(str(value).lower() for value in entry.get("live_statuses", ()))
    given = {key: values if isinstance(values, list) else [values] for key, values in entry.get("yes_values", {}).items()}
    yes = {key: tuple(str(value) for value in values) for key, values in given.items()}
    return ColumnMapping(table, choices, formats, header_line=header_line, live_statuses=live, yes_values=yes, **options)


def _check_zone(zone: str, table: str, name: str) -> None:
    try:
        known = not zone or bool(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        values = {"file": name, "table": table, "key": "time_zone", "value": zone, "known": "Europe/Paris, America/New_York, UTC ..."}
        raise MappingError("mapping_value_wrong", values)


def mapping_as_read(report: IngestReport, told: MappingSet | None = None) -> MappingSet:
    """Column of each field, per table, as found or told; and what was told of how tables become one.

    Args:
        report: Of the load.
        told: The mapping that was given to it.
    """
    held = told or MappingSet()
    tables = dict(held.tables)
    for reading in cast("tuple[FileReading, ...]", report.files):
        if reading.table and reading.used:
            found = {field: FieldChoice(field, header) for field, header in reading.used.items()}
            given = tables.get(reading.table) or ColumnMapping(reading.table)
            tables[reading.table] = replace(given, choices=found)
    return replace(held, tables=tables)
