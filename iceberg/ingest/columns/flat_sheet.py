"""Recognises a flat sheet: one row per customer with tenure, churned or not, complained or not, and no date (evidence level F)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN, normalise_header, propose_mapping
from iceberg.ingest.values.flags import values_to_ask
from iceberg.ingest.values.free_text import holds_texts

if TYPE_CHECKING:
    from iceberg.ingest.files.source_table import SourceColumn, SourceTable

# The category of a column that only says whether a customer complained, by the language of its header.
COMPLAINT_NAMES = {"reclam": "réclamation", "plaint": "réclamation"}
COMPLAINT_NAME = "complaint"
_UNITS = {
    "days": ("day", "jour", "tage", "dias", "giorni", "dagen"),
    "weeks": ("week", "semaine", "woche", "semana", "settiman"),
    "years": ("year", "yr", "annee", "ans", "jahr", "anos", "anni", "jaar"),
    "months": ("month", "mth", "mois", "monat", "meses", "mesi", "maand"),
}
_SHORT = 4  # letters; a shorter beginning of a unit is looked for at the beginning of a word only: "months" in "Tenureinmonths"
DAYS_PER_MONTH = 30.4375  # 365.25 / 12
MONTHS_PER_UNIT = {"days": 1 / DAYS_PER_MONTH, "weeks": 7 / DAYS_PER_MONTH, "months": 1.0, "years": 12.0}
LONGEST_MONTHS = 600  # judgement: no customer stays for 50 years, so larger numbers are days


def as_flat(source: SourceTable, proposed: ColumnMapping) -> ColumnMapping | None:
    """The mapping of a flat sheet; None where the customers mapping `proposed` has a first day, or tenure or departure is missing."""
    start = proposed.choices.get("start_date")
    if start is not None and start.confidence >= CERTAIN:
        return None
    flat = propose_mapping(source, "flat")
    sure = {name for name, choice in flat.choices.items() if choice.confidence >= CERTAIN}
    gone = flat.choices.get("churned")
    if "tenure" not in sure or gone is None or ("churned" not in sure and gone.reason != "which_yes"):
        return None
    choices = {name: choice for name, choice in flat.choices.items() if name in sure or (name == "churned" and choice.reason == "which_yes")}
    complained = flat.choices.get("complained")
    if complained is not None and "complained" not in sure and "category" not in choices:  # words instead of yes and no
        column = source.column(complained.header)
        if column is not None and _is_coded(column):
            choices["complained"] = complained  # the analyst says which code means yes
        elif column is not None and holds_texts(column.sample):
            choices["complained"] = replace(complained, reason="free_text")  # the analyst decides: free text is no category
        else:
            choices["category"] = replace(complained, field="category", confidence=0.9, reason="words")
    return replace(flat, choices=choices)


def _is_coded(column: SourceColumn) -> bool:
    return bool(re.fullmatch(r"[\d.,;]+", ";".join(values_to_ask(column.sample)) or "-"))


def tenure_unit(header: str, sample: tuple[str | None, ...] = ()) -> str:
    """``months``, ``days``, ``weeks`` or ``years``: from the header, else months unless the numbers are too large."""
    named = _unit_in(header)
    if named:
        return named
    numbers = [float(text) for value in sample if re.fullmatch(r"\d+(\.\d+)?", text := str(value or "").strip())]
    return "days" if numbers and max(numbers) > LONGEST_MONTHS else "months"


def says_its_unit(header: str) -> bool:
    """Whether the header of a tenure contains its unit."""
    return bool(_unit_in(header))


def _unit_in(header: str) -> str:
    """The unit that a header names; "" for none."""
    words = normalise_header(header).split()
    for unit, beginnings in _UNITS.items():
        long = [beginning for beginning in beginnings if len(beginning) > _SHORT]
        if any(word.startswith(beginnings) or any(beginning in word for beginning in long) for word in words):
            return unit
    return ""


def complaint_name(header: str) -> str:
    """The category for a column that says yes or no."""
    words = normalise_header(header).split()
    return next((name for beginning, name in COMPLAINT_NAMES.items() if any(word.startswith(beginning) for word in words)), COMPLAINT_NAME)
