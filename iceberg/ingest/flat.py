"""Owns the flat sheet: one row per customer with tenure, left or not, complained or not, and no date (evidence level F)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from iceberg.ingest.columns import CERTAIN, normalise_header, propose_mapping
from iceberg.ingest.flags import says_still_here, values_to_ask
from iceberg.ingest.labels import holds_texts
from iceberg.ingest.mapping import ColumnMapping
from iceberg.ingest.rules import bit_of, reject_mask

if TYPE_CHECKING:
    from iceberg.ingest.judge import JudgedTable
    from iceberg.ingest.read import SourceColumn, SourceTable

# A column that only says whether somebody complained is one category, named in the language of its header.
COMPLAINT_NAMES = {"reclam": "réclamation", "plaint": "réclamation"}
COMPLAINT_NAME = "complaint"
_UNITS = {
    "days": ("day", "jour"),
    "weeks": ("week", "semaine"),
    "years": ("year", "annee", "ans"),
    "months": ("month", "mois"),
}
DAYS_PER_MONTH = 30.4375  # 365.25 / 12
MONTHS_PER_UNIT = {"days": 1 / DAYS_PER_MONTH, "weeks": 7 / DAYS_PER_MONTH, "months": 1.0, "years": 12.0}
LONGEST_MONTHS = 600  # judgement: nobody is a customer for 50 years; such numbers are days


def as_flat(source: SourceTable, proposed: ColumnMapping) -> ColumnMapping | None:
    """The mapping of a flat sheet, where `proposed` (for customers) finds no first day but tenure and departure are there."""
    start = proposed.choices.get("start_date")
    if start is not None and start.confidence >= CERTAIN:
        return None
    flat = propose_mapping(source, "flat")
    sure = {name for name, choice in flat.choices.items() if choice.confidence >= CERTAIN}
    gone = flat.choices.get("churned")
    if "tenure" not in sure or gone is None or ("churned" not in sure and gone.reason != "which_yes"):
        return None
    kept = {name: choice for name, choice in flat.choices.items() if name in sure or (name == "churned" and choice.reason == "which_yes")}
    spoke = flat.choices.get("complained")
    if spoke is not None and "complained" not in sure and "category" not in kept:  # words instead of yes and no
        written = source.column(spoke.header)
        if written is not None and _is_coded(written):
            kept["complained"] = spoke  # to be asked which code means yes
        elif written is not None and holds_texts(written.sample):
            kept["complained"] = replace(spoke, reason="free_text")  # to be asked: a text is no category, and is not kept
        else:
            kept["category"] = replace(spoke, field="category", confidence=0.9, reason="words")
    return replace(flat, choices=kept)


def _is_coded(column: SourceColumn) -> bool:
    return bool(re.fullmatch(r"[\d.,;]+", ";".join(values_to_ask(column.sample)) or "-"))


def tenure_unit(header: str, sample: tuple[str | None, ...] = ()) -> str:
    """``months``, ``days``, ``weeks`` or ``years``: as the header says, else months unless the numbers are far too large."""
    words = normalise_header(header).split()
    for unit, beginnings in _UNITS.items():
        if any(word.startswith(beginnings) for word in words):
            return unit
    numbers = [float(text) for value in sample if re.fullmatch(r"\d+(\.\d+)?", text := str(value or "").strip())]
    return "days" if numbers and max(numbers) > LONGEST_MONTHS else "months"


def says_its_unit(header: str) -> bool:
    """Whether the header of a tenure names its unit."""
    return any(word.startswith(beginnings) for word in normalise_header(header).split() for beginnings in _UNITS.values())


def complaint_name(header: str) -> str:
    """The one category of a yes-or-no column."""
    words = normalise_header(header).split()
    return next((name for beginning, name in COMPLAINT_NAMES.items() if any(word.startswith(beginning) for word in words)), COMPLAINT_NAME)


def judge_flat_duplicates(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Customers named twice. Without an id, equal rows may be different people: they are all kept."""
    if "customer_id" not in item.fields.columns:
        return
    name, kept = item.read_name, f"(flags & {reject_mask('flat')}) = 0"
    values = "tenure_months, churned, category, segment, revenue"
    exact, conflicting = bit_of("flat", "exact_duplicate"), bit_of("flat", "duplicate_customer_id")
    firsts = ", ".join(f"first_value({column}) OVER same AS first_{column}" for column in values.split(", "))
    same = " AND ".join(f"{column} IS NOT DISTINCT FROM first_{column}" for column in values.split(", "))
    connection.execute(
        f"""
        UPDATE {name} SET flags = flags | v.bit FROM (
            SELECT record, CASE WHEN {same} THEN {exact} ELSE {conflicting} END AS bit FROM (
                SELECT rowid AS record, {values}, {firsts}, row_number() OVER same AS place
                FROM {name} WHERE {kept} AND customer_id IS NOT NULL
                WINDOW same AS (PARTITION BY customer_id ORDER BY {values}, rowid)
            ) WHERE place > 1
        ) v WHERE {name}.rowid = v.record
        """
    )


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
