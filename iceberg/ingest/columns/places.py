"""The places in a mapping that a question asks to be filled in, so that what it proposes has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice

# Per question the key, below its table, that the message names; "{field}" is the field that is asked about.
_PLACES = {
    "category_missing": ("columns.category", "one_category"),
    "category_is_text": ("columns.category",),
    "reason_missing": ("columns.category",),
    "dates_ambiguous": ("date_formats.{field}",),
    "dates_mixed": ("date_formats.{field}",),
    "dates_half_converted": ("date_formats.{field}",),
    "numbers_ambiguous": ("decimal",),
    "scores_scale_unknown": ("scale",),
    "scores_two_scales": ("scale",),
    "scores_off_scale": ("scale",),
    "points_ambiguous": ("decimal",),
    "revenue_period_unclear": ("revenue_period",),
    "no_header": ("header_line",),
    "column_not_found": ("columns.{field}",),
    "departures_undated": ("columns.end_date",),
    "complaints_without_ids": ("columns.customer_id",),
    "left_without_time": ("columns.start_date",),
}
_JOINING = {"departures_undated": ("joining.undated_departures",)}


def places_of(error: MappingError, table: str) -> tuple[str, ...]:
    """The keys that the message of `error` names, with their sections: ``customers.date_formats.start_date``."""
    keys = [key.format(field=error.values.get("field", "")) for key in _PLACES.get(error.code, ())]
    return (*(f"{error.values.get('table', table)}.{key}" for key in keys), *_JOINING.get(error.code, ()))


def with_blanks(content: dict[str, Any], places: Iterable[str]) -> dict[str, Any]:
    """Plain values of a mapping with these places, blank where nothing stands there yet."""
    for place in places:
        *sections, key = place.split(".")
        entry = content
        for section in sections:
            entry = entry.setdefault(section, {})
        entry.setdefault(key, "")
    return content


def without_blanks(content: Any) -> Any:  # noqa: ANN401  # whatever the file holds
    """The same without the places that are still blank."""
    if not isinstance(content, Mapping):
        return content
    filled = {key: without_blanks(value) for key, value in content.items() if value != ""}
    return {key: value for key, value in filled.items() if value != {} or not content[key]}


def with_answer(table: str, mapping: ColumnMapping, error: MappingError) -> dict[str, ColumnMapping]:
    """The proposed mapping of one table, with the answer that `error` offers as an example, or as the table that its message names."""
    asked = error.values.get("table", table) == table
    if error.code == "flag_values" and asked:
        yes = mapping.yes_values | {str(error.values["field"]): (str(error.values["first"]),)}
        return {table: replace(mapping, yes_values=yes)}
    if error.code in {"category_is_text", "column_not_found"} and asked:
        name = str(error.values.get("field", "category"))
        return {table: replace(mapping, choices={key: choice for key, choice in mapping.choices.items() if key != name})}
    if error.code == "left_without_time" and table == "customers":
        names = [name for name in ("customer_id", "churned", "segment", "revenue") if name in mapping.choices]
        dated = {name: choice for name, choice in mapping.choices.items() if name != "start_date" or choice.reason == "content"}
        sheet = {name: mapping.choices[name] for name in names} | {"tenure": FieldChoice("tenure", "")}
        return {table: replace(mapping, choices=dated), "flat": ColumnMapping("flat", sheet)}
    return {table: mapping}
