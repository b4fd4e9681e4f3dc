"""The mapping of a whole load: how each table is read and how the tables are joined; saved to a file and used again next month."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomli_w

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.columns.places import with_blanks, without_blanks
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.interventions import SECTION, InterventionEntry, interventions_from
from iceberg.ingest.joining.links import LinkChoice
from iceberg.ingest.joining.options import Joining
from iceberg.ingest.schema import COLUMNS_TOGETHER, FIELDS, MONTH_OF_YEAR, SCALES, SCORES, all_fields
from iceberg.ingest.sections.journey import JOURNEY, JourneyRules
from iceberg.ingest.sections.prices import STUDY_PRICES, prices_from
from iceberg.ingest.sections.window import money_from, window_from
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.values.currencies import CODES
from iceberg.ingest.values.dates import DATE_FORMATS
from iceberg.ingest.values.intervals import BY_ROW
from iceberg.ingest.values.numbers import PERIODS_PER_YEAR

_OPTIONS = (
    *("system", "via", "encoding", "separator", "sheet", "header_line"),
    *("decimal", "revenue_period", "tenure_unit", "time_zone", "scale", "one_category"),
)
COMPLAINTS, CHANGES = "complaints", "recording_changes"
_KNOWN_VALUES = {
    "decimal": (".", ","),
    "revenue_period": (*PERIODS_PER_YEAR, BY_ROW),
    "tenure_unit": ("days", "weeks", "months", "years"),
    "via": ("subscriptions", "customers"),
    "scale": tuple(SCALES),
}


@dataclass(frozen=True)
class MappingSet:
    """The mappings of one load by table, the rules for joining them, and the joins that the analyst chose, by table.

    `keep_months`: whether to count months whose departures or complaints seem to be missing from the files.
    `recording_changes`: days from which another share of the complaints is recorded, each perhaps with a category (``2024-07-01:billing``); empty
    where there is none, None where nobody said.
    `look_back_days`: how long before the window a complaint ends a silence; None for the default.
    `score_look_back_days`: for how long a satisfaction score is a customer's last word; None for the default.
    `segments`: headers of the columns that segment the customers, in place of the one proposed or named by the mapping of their table.
    `keep_months`: whether to count months whose departures or complaints seem to be missing from the files. `term`: months between the renewals of
    contracts; 0 where there are none, None where the departures decide.
    `keep_cancellations`: whether complaints that look like logged cancellations count as complaints.
    `negative_controls`: categories that cannot cause departures.
    `asked`: places that a question names, such as ``customers.date_formats.start_date``: written as blanks, to be filled in.
    `study_prices`: what one answer, interview, customer followed or ticket costs, by study, where it is not what the product assumes.
    `interventions`: fixes that were made, to be followed up.
    `journey`: at which step of the customer's journey each category happens.
    `money_months`, `discount`: how long a lost customer would have gone on paying, and the discount on that per year; None for the defaults.
    """

    tables: dict[str, ColumnMapping] = field(default_factory=dict)
    joining: Joining = field(default_factory=Joining)
    links: dict[str, LinkChoice] = field(default_factory=dict)
    keep_months: bool = False
    recording_changes: tuple[str, ...] | None = None
    look_back_days: int | None = None
    score_look_back_days: int | None = None
    segments: tuple[str, ...] = ()
    term: int | None = None
    keep_cancellations: bool = False
    negative_controls: tuple[str, ...] = ()
    money_months: int | None = None
    discount: float | None = None
    study_prices: dict[str, float] = field(default_factory=dict)
    interventions: tuple[InterventionEntry, ...] = ()
    journey: JourneyRules = field(default_factory=JourneyRules)
    asked: tuple[str, ...] = ()

    @property
    def money(self) -> dict[str, Any]:
        """What the mapping says about money, by the names of `iceberg.model.assumptions.Assumptions`."""
        given = {"residual_horizon_months": self.money_months, "annual_discount_rate": self.discount}
        return {name: value for name, value in given.items() if value is not None}

    def get(self, table: str) -> ColumnMapping | None:
        """Mapping of a table."""
        return self.tables.get(table)

    def with_segments(self, source: SourceTable, mapping: ColumnMapping) -> ColumnMapping:
        """The mapping of a file with `segments` in place of its own column. Subscriptions that lack one of them keep theirs."""
        header = COLUMNS_TOGETHER.join(self.segments)
        takes = mapping.table in {"customers", "flat"} or (mapping.table == "subscriptions" and source.column(header) is not None)
        if not header or not takes:
            return mapping
        return replace(mapping, choices=mapping.choices | {"segment": FieldChoice("segment", header)})

    def with_link(self, table: str, choice: LinkChoice | None) -> MappingSet:
        """The same mapping with this join of `table`; None leaves the join to headers and overlapping ids."""
        links = {name: link for name, link in self.links.items() if name != table}
        return replace(self, links=links | ({table: choice} if choice is not None else {}))

    def with_rates(self, rates: Mapping[str, float]) -> MappingSet:
        """The same mapping with these exchange rates for every table that has amounts."""
        tables = dict(self.tables)
        for table in ("customers", "subscriptions", "flat"):
            mapping = tables.get(table) or ColumnMapping(table)
            tables[table] = replace(mapping, exchange_rates=mapping.exchange_rates | dict(rates))
        return replace(self, tables=tables)

    def with_scale(self, scale: str) -> MappingSet:
        """The same mapping with this scale of the scores."""
        return replace(self, tables=self.tables | {SCORES: replace(self.tables.get(SCORES) or ColumnMapping(SCORES), scale=scale)})

    def with_merges(self, merges: Iterable[tuple[str, str]]) -> MappingSet:
        """The same mapping with more categories merged, each given as the name that stays and one that becomes it."""
        merged = dict(self.joining.merge_categories)
        for name, other in merges:
            merged[name] = (*(one for one in merged.get(name, ()) if one != other), other)
        return replace(self, joining=replace(self.joining, merge_categories=merged))

    def save(self, path: str | Path) -> None:
        """Write as TOML, or as JSON where the name ends in ``.json``."""
        is_json = Path(path).suffix.lower() == ".json"
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n" if is_json else self.to_toml()
        Path(path).write_text(text, encoding="utf-8")

    def to_toml(self) -> str:
        """The TOML text that `load` reads."""
        return tomli_w.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        joining = self.joining.to_dict()
        links = {table: link.to_dict() for table, link in self.links.items()}
        choices = ({"joining": joining} if joining else {}) | ({"relations": links} if links else {})
        window: dict[str, Any] = {"keep_months": True} if self.keep_months else {}
        days = {"look_back_days": self.look_back_days, "score_look_back_days": self.score_look_back_days}
        window |= {key: value for key, value in days.items() if value is not None}
        window |= {} if self.term is None else {"term": self.term or "none"}
        choices |= {"window": window} if window else {}
        categories = ({"keep_cancellations": True} if self.keep_cancellations else {}) | (
            {"negative_controls": list(self.negative_controls)} if self.negative_controls else {}
        )
        choices |= {"categories": categories} if categories else {}
        money = {key: value for key, value in (("months", self.money_months), ("discount", self.discount)) if value is not None}
        choices |= {"money": money} if money else {}
        choices |= {STUDY_PRICES: dict(self.study_prices)} if self.study_prices else {}
        journey = self.journey.to_dict()
        choices |= {JOURNEY: journey} if journey else {}
        tables = {table: _mapping_dict(mapping) for table, mapping in self.tables.items()}
        if self.recording_changes is not None:
            tables[COMPLAINTS] = {CHANGES: list(self.recording_changes)} | tables.get(COMPLAINTS, {})
        if self.segments:
            table = "flat" if "flat" in tables else "customers"
            tables[table] = {"segments": list(self.segments)} | tables.get(table, {})
        written: dict[str, Any] = {SECTION: [one.to_dict() for one in self.interventions]} if self.interventions else {}
        return with_blanks(choices | tables | written, self.asked)

    @classmethod
    def load(cls, path: str | Path) -> MappingSet:
        """Read a file written by `save` or by hand.

        Raises:
            MappingError: ``mapping_file_missing``, ``mapping_file_closed``, ``mapping_file_unreadable``, ``mapping_table_unknown``,
                ``mapping_field_unknown``.
        """
        source = Path(path)
        try:
            text = source.read_text(encoding="utf-8-sig")
            content = json.loads(text) if source.suffix.lower() == ".json" else tomllib.loads(text)
        except FileNotFoundError as error:
            raise MappingError("mapping_file_missing", {"file": str(path)}) from error
        except (IsADirectoryError, PermissionError) as error:
            raise MappingError("mapping_file_closed", {"file": str(path)}) from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
            raise MappingError("mapping_file_unreadable", {"file": source.name, "reason": str(error)[:200]}) from error
        return cls.from_dict(content, name=source.name)

    @classmethod
    def from_dict(cls, content: dict[str, Any], *, name: str = "mapping") -> MappingSet:
        """From plain values; raises what `load` raises."""
        if not isinstance(content, dict):
            raise MappingError("mapping_file_unreadable", {"file": name, "reason": "not a table"})
        joins = {key: value for key, value in content.items() if key in {"relations", SECTION, JOURNEY}}
        content = without_blanks({key: value for key, value in content.items() if key not in joins}) | joins
        joining = Joining.from_dict(content["joining"], name=name) if "joining" in content else Joining()
        content, changes = _without_changes(content, name)
        choices = {"joining", "relations", "window", "categories", "money", STUDY_PRICES, SECTION, JOURNEY}
        tables = {table: _mapping_from(table, entry, name) for table, entry in content.items() if table not in choices}
        window = window_from(content.get("window", {}), name)
        listed = [_headers_from(entry["segments"], name, table) for table, entry in content.items() if table in tables and "segments" in entry]
        categories = content.get("categories", {})
        return cls(
            tables,
            joining,
            _links_from(content.get("relations", {}), name),
            recording_changes=changes,
            **window,
            segments=listed[0] if listed else (),
            keep_cancellations=_flag_from(categories, "keep_cancellations", table="categories", name=name, others=("negative_controls",)),
            negative_controls=_names_from(categories, "negative_controls", name=name),
            **money_from(content.get("money", {}), name),
            study_prices=prices_from(content.get(STUDY_PRICES, {}), name),
            interventions=interventions_from(content.get(SECTION, []), name),
            journey=JourneyRules.from_dict(content.get(JOURNEY, {}), name=name),
        )


def _without_changes(content: dict[str, Any], name: str) -> tuple[dict[str, Any], tuple[str, ...] | None]:
    """The content without ``[complaints] recording_changes``, and those."""
    entry = content.get(COMPLAINTS)
    if not isinstance(entry, dict) or CHANGES not in entry:
        return content, None
    named = entry[CHANGES]
    texts = [str(one) for one in named] if isinstance(named, list) else [str(named)]
    for text in texts:
        if not isinstance(named, list) or not is_change(text):
            values = {"file": name, "table": COMPLAINTS, "key": CHANGES, "value": text}
            raise MappingError("mapping_value_wrong", values | {"known": '["2024-07-01"], ["2024-07-01:category"], []'})
    rest = {key: value for key, value in entry.items() if key != CHANGES}
    others = {table: value for table, value in content.items() if table != COMPLAINTS}
    return others | ({COMPLAINTS: rest} if rest else {}), tuple(texts)


def is_change(text: str) -> bool:
    """Whether a text is a day, or a day and a category: ``2024-07-01``, ``2024-07-01:billing``."""
    day, colon, category = text.partition(":")
    try:
        return date.fromisoformat(day.strip()).isoformat() == day.strip() and (not colon or bool(category.strip()))
    except ValueError:
        return False


def _flag_from(entry: Any, key: str, *, table: str, name: str, others: tuple[str, ...] = ()) -> bool:  # noqa: ANN401  # whatever the file holds
    """A yes or no of a section, false without it; `others` are its other keys."""
    values = {"file": name, "table": table}
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", values | {"key": key, "value": str(entry), "known": "true, false"})
    for given in entry:
        if given not in (key, *others):
            raise MappingError("mapping_field_unknown", values | {"value": given, "known": ", ".join((key, *others))})
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise MappingError("mapping_value_wrong", values | {"key": key, "value": str(value), "known": "true, false"})
    return value


def _names_from(entry: dict[str, Any], key: str, *, name: str) -> tuple[str, ...]:
    """A list of names, empty without it."""
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise MappingError("mapping_value_wrong", {"file": name, "table": "categories", "key": key, "value": str(value), "known": '["name", "name"]'})
    return tuple(value)


def _headers_from(value: Any, name: str, table: str) -> tuple[str, ...]:  # noqa: ANN401  # whatever the file holds
    headers = value if isinstance(value, list) else [value]
    if not headers or not all(isinstance(header, str) and header for header in headers):
        values = {"file": name, "table": table, "key": "segments", "value": str(value), "known": '["region", "plan"]'}
        raise MappingError("mapping_value_wrong", values)
    return tuple(headers)


def _links_from(entry: Any, name: str) -> dict[str, LinkChoice]:  # noqa: ANN401  # whatever the file holds
    pointing = [table for table, fields in FIELDS.items() if "customer_id" in fields and table not in {"customers", "flat"}]
    if not isinstance(entry, dict) or not set(entry) <= set(pointing):
        value = str(entry) if not isinstance(entry, dict) else ", ".join(sorted(set(entry) - set(pointing)))
        raise MappingError("mapping_table_unknown", {"file": name, "value": f"relations.{value}", "known": ", ".join(pointing)})
    return {table: LinkChoice.from_dict(one, table=table, name=name) for table, one in entry.items()}


def _mapping_dict(mapping: ColumnMapping) -> dict[str, Any]:
    entry: dict[str, Any] = {key: value for key in _OPTIONS if (value := getattr(mapping, key))}
    entry["columns"] = {name: choice.header for name, choice in mapping.choices.items()}
    if COLUMNS_TOGETHER in (mapping.header("segment") or ""):
        entry["columns"]["segment"] = mapping.choices["segment"].header.split(COLUMNS_TOGETHER)
    for name, choice in mapping.choices.items():
        if all_fields(mapping.table)[name] in {"date", "end"} and choice.header.count(MONTH_OF_YEAR) == 1:
            entry["columns"][name] = choice.header.split(MONTH_OF_YEAR)
    if mapping.live_statuses:
        entry["live_statuses"] = list(mapping.live_statuses)
    if mapping.date_formats:
        entry["date_formats"] = dict(mapping.date_formats)
    if mapping.exchange_rates:
        entry["exchange_rates"] = dict(mapping.exchange_rates)
    if mapping.yes_values:
        entry["yes_values"] = {name: list(values) for name, values in mapping.yes_values.items()}
    return entry


def _mapping_from(table: str, entry: Any, name: str) -> ColumnMapping:  # noqa: ANN401  # whatever the file holds
    if table not in FIELDS or not isinstance(entry, dict):
        raise MappingError("mapping_table_unknown", {"file": name, "value": table, "known": ", ".join(FIELDS)})
    columns, formats, yes = (entry.get(key, {}) for key in ("columns", "date_formats", "yes_values"))
    if not all(isinstance(values, dict) for values in (columns, formats, yes)):
        raise MappingError("mapping_file_unreadable", {"file": name, "reason": f"{table}.columns"})
    known = all_fields(table)
    if unknown := [key for key in (*columns, *yes) if key not in known]:
        raise MappingError("mapping_field_unknown", {"file": name, "table": table, "value": unknown[0], "known": ", ".join(known)})
    between = {"segment": COLUMNS_TOGETHER}
    columns = {
        key: between.get(key, MONTH_OF_YEAR).join(_headers_from(header, name, table)) if isinstance(header, list) else str(header)
        for key, header in columns.items()
        if header
    }
    choices = {key: FieldChoice(key, header) for key, header in columns.items()}
    options = {key: str(entry[key]) for key in _OPTIONS if key != "header_line" and entry.get(key)}
    formats = {key: str(value) for key, value in formats.items()}
    yes = {key: tuple(str(value) for value in (values if isinstance(values, list) else [values])) for key, values in yes.items()}
    header_line = entry.get("header_line", 0)
    rates = _rates_from(entry.get("exchange_rates", {}), table, name)
    checks = [(key, options.get(key, ""), values) for key, values in _KNOWN_VALUES.items()]
    checks += [(f"date_formats.{key}", value, DATE_FORMATS) for key, value in formats.items()]
    wrong = [(key, value, ", ".join(values)) for key, value, values in checks if value and value not in values]
    if not _is_zone(zone := options.get("time_zone", "")):
        wrong.append(("time_zone", zone, "Europe/Paris, America/New_York, UTC ..."))
    if not isinstance(header_line, int) or header_line < 0:
        wrong.append(("header_line", str(header_line), "1, 2, 3"))
    if wrong:
        key, value, allowed = wrong[0]
        raise MappingError("mapping_value_wrong", {"file": name, "table": table, "key": key, "value": value, "known": allowed})
    live = tuple(str(value).lower() for value in entry.get("live_statuses", ()))
    return ColumnMapping(
        table, choices, formats, header_line=header_line, live_statuses=live, yes_values=yes, exchange_rates=rates, **options
    )


def _rates_from(entry: Any, table: str, name: str) -> dict[str, float]:  # noqa: ANN401  # whatever the file holds
    """The rates of currencies, by code."""
    known = {"file": name, "table": table, "key": "exchange_rates", "known": "USD = 0.92, GBP = 1.17 ..."}
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", known | {"value": str(entry)})
    for code, rate in entry.items():
        if code.upper() not in CODES or isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e9:
            raise MappingError("mapping_value_wrong", known | {"value": f"{code} = {rate}"})
    return {code.upper(): float(rate) for code, rate in entry.items()}


def _is_zone(zone: str) -> bool:
    try:
        return not zone or bool(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def names_columns(mappings: MappingSet | None, table: str) -> bool:
    """Whether a mapping names columns of a table; settings alone say nothing about what a file is."""
    return mappings is not None and table in mappings.tables and bool(mappings.tables[table].choices)


def mapping_as_read(report: IngestReport, given: MappingSet | None = None) -> MappingSet:
    """The mapping that a load used, to be saved: the header of each field, per table, and the rules and joins that it was given.

    Args:
        report: The report of the load.
        given: The mapping that was given to it.
    """
    given = given or MappingSet()
    tables = dict(given.tables)
    for reading in report.files:
        if reading.table and reading.used:
            choices = {field: FieldChoice(field, header) for field, header in reading.used.items()}
            tables[reading.table] = replace(tables.get(reading.table) or ColumnMapping(reading.table), choices=choices)
    return replace(given, tables=tables)
