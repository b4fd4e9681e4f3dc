"""Owns the column mapping: which header feeds which field and how it is read, saved and re-used next month."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iceberg.errors import MappingError
from iceberg.ingest.dates import DATE_FORMATS
from iceberg.ingest.joining import Joining
from iceberg.ingest.links import LinkChoice

# Fields of each table and what their values must be: "id", "date", "end" (a date that may be blank), "text",
# "number", "flag" (yes or no).
FIELDS: dict[str, dict[str, str]] = {
    "customers": {"customer_id": "id", "start_date": "date", "end_date": "end", "segment": "text", "revenue": "number"},
    "complaints": {"customer_id": "id", "complaint_date": "date", "category": "text"},
    "volumes": {"month": "date", "category": "text", "complaints": "number"},
    "incidents": {"customer_id": "id", "incident_date": "date", "category": "text"},
    "activity": {"customer_id": "id", "activity_date": "date"},
    "subscriptions": {"customer_id": "id", "start_date": "date", "end_date": "end", "segment": "text", "revenue": "number"},
    "events": {"customer_id": "id", "event_date": "date"},
    "flat": {
        "customer_id": "id",
        "tenure": "number",
        "churned": "flag",
        "complained": "flag",
        "category": "text",
        "segment": "text",
        "revenue": "number",
    },
    "surveys": {"category": "text", "asked": "number", "had_problem": "number", "complained": "number"},
}
# Fields that only correct the others; presets name them, a page need not ask for them.
EXTRA_FIELDS: dict[str, dict[str, str]] = {
    "customers": {
        "status": "text",  # says who is still here, where a system writes the last day before it has come
        "interval": "text",  # what the revenue is paid per, row by row
        "churned": "flag",  # yes or no without a day; compared with the days that other columns and tables give
        "link_id": "id",  # another id of the customer, where another table names that one
    },
    "subscriptions": {"status": "text", "interval": "text", "subscription_id": "id"},
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "customers": ("customer_id", "start_date"),
    "complaints": ("complaint_date", "category"),
    "volumes": ("month", "category"),
    "incidents": ("customer_id", "incident_date", "category"),
    "activity": ("customer_id", "activity_date"),
    "subscriptions": ("customer_id", "start_date"),
    "events": ("customer_id", "event_date"),
    "flat": ("tenure", "churned"),
    "surveys": ("category", "asked", "had_problem", "complained"),
}


WITHOUT_CATEGORY = ("complaints", "volumes", "incidents")  # tables that say something even where nobody wrote what each complaint is about
_TOLD = ("system", "via", "encoding", "separator", "sheet", "header_line", "decimal", "revenue_period", "tenure_unit", "time_zone", "one_category")


def all_fields(table: str) -> dict[str, str]:
    """Fields of a table with those that only correct others."""
    return {**FIELDS[table], **EXTRA_FIELDS.get(table, {})}


@dataclass(frozen=True)
class FieldChoice:
    """One header chosen for one field.

    Attributes:
        field: Canonical field.
        header: Header as in the file.
        confidence: 0-1; 1 when a person chose it.
        reason: Code of the reason, ``ingest.reasons.<reason>``.
        origin: Preset that named the header, ``"mapping"`` when a person did.
    """

    field: str
    header: str
    confidence: float = 1.0
    reason: str = "chosen"
    origin: str = "mapping"


@dataclass(frozen=True)
class ColumnMapping:
    """How one table is read from one file.

    Attributes:
        table: Canonical table.
        choices: Header of each field.
        date_formats: Format by field where it was fixed by hand (see `iceberg.ingest.dates.DATE_FORMATS`).
        decimal: ``"."`` or ``","`` where fixed by hand.
        revenue_period: ``"year"`` or ``"month"``; "" = from the header.
        live_statuses: Values of ``status`` under which a customer is still here, whatever the last day says; lower
            case.
        tenure_unit: ``"days"``, ``"weeks"``, ``"months"`` or ``"years"`` of a flat sheet; "" = from the header, months where it says nothing.
        yes_values: By field, the values that mean yes, where a column is coded (1 and 2) or worded in its own way; every other value means no.
        time_zone: Zone whose days are counted, such as ``"Europe/Paris"``, where times carry an offset or are Unix time.
        encoding, separator, header_line, sheet: Reading overrides.
        system: Preset that recognised the file.
        one_category: Name under which everything is counted where no column says what a complaint is about; "" = such a column is needed.
        via: ``"subscriptions"`` or ``"customers"`` where the customer id column holds ids of subscriptions, or other ids of the customers
            (``link_id``), to be looked up there.
    """

    table: str
    choices: dict[str, FieldChoice] = field(default_factory=dict)
    date_formats: dict[str, str] = field(default_factory=dict)
    decimal: str = ""
    revenue_period: str = ""
    time_zone: str = ""
    live_statuses: tuple[str, ...] = ()
    encoding: str = ""
    separator: str = ""
    header_line: int = 0
    sheet: str = ""
    system: str = ""
    via: str = ""
    tenure_unit: str = ""
    yes_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    one_category: str = ""

    def header(self, name: str) -> str | None:
        """Header of a field, None where the file has none."""
        choice = self.choices.get(name)
        return choice.header if choice else None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a header."""
        return tuple(name for name in REQUIRED[self.table] if name not in self.choices and not (name == "category" and self.counts_as_one))

    @property
    def counts_as_one(self) -> bool:
        """Whether everything counts under `one_category`: no column says what a complaint is about, and that was told."""
        return bool(self.one_category) and self.table in WITHOUT_CATEGORY and "category" not in self.choices

    def uncertain(self, threshold: float = 0.6) -> tuple[FieldChoice, ...]:
        """Choices that the analyst must confirm."""
        return tuple(choice for choice in self.choices.values() if choice.confidence < threshold)


@dataclass(frozen=True)
class MappingSet:
    """The mappings of one load, by table, the choices made where tables become one, and the joins that were told, by table."""

    tables: dict[str, ColumnMapping] = field(default_factory=dict)
    joining: Joining = field(default_factory=Joining)
    links: dict[str, LinkChoice] = field(default_factory=dict)

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
            else _to_toml(content),
            encoding="utf-8",
        )

    def to_toml(self) -> str:
        """The TOML text that `load` reads."""
        return _to_toml(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        joining = self.joining.to_dict()
        links = {table: link.to_dict() for table, link in self.links.items()}
        told = ({"joining": joining} if joining else {}) | ({"relations": links} if links else {})
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
        tables = {table: _mapping_from(table, entry, name) for table, entry in content.items() if table not in {"joining", "relations"}}
        return cls(tables, joining, _links_from(content.get("relations", {}), name))


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


def _to_toml(content: dict[str, Any]) -> str:
    lines: list[str] = []
    for table, entry in content.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {_toml_value(value)}" for key, value in entry.items() if not isinstance(value, dict)]
        for key, value in entry.items():
            if isinstance(value, dict):
                lines += ["", f"[{table}.{key}]", *(f"{_toml_key(name)} = {_toml_value(text)}" for name, text in value.items())]
        lines.append("")
    return "\n".join(lines)


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _toml_value(value: object) -> str:
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)
