"""Ranks the columns of a file for a required field that no header names: by their values alone, to be confirmed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from iceberg.ingest.columns.mapping import FieldChoice
from iceberg.ingest.files.source_table import SourceColumn
from iceberg.ingest.values.currencies import currencies_in
from iceberg.ingest.values.dates import BLANK_TEXTS, recognise_dates
from iceberg.ingest.values.numbers import compact

TO_CONFIRM = 0.5  # a choice by content alone is pre-selected, and the analyst confirms it
_FILLED, _UNIQUE, _ENOUGH = 0.95, 0.98, 5  # judgement
MOST_LABELS = 30  # judgement
_COUNTED = frozenset({"unix_seconds", "unix_milliseconds", "excel_serial"})  # numbers that may mean anything else
# Headers of days that are later than the one that is looked for: of changes, answers, ends.
_LATER = re.compile(
    r".*(?:updat|modif|clos|resol|solv|\b(?:end|due|last|fin|next|sla)|ende?\b|date?end|first resp|answer|repons|trait|clotur|derni|birth|naiss|"
    r"renew|renouv|export|extract|prochain|geandert|letzt|escal|reopen|assign).*"
)
# Headers of labels that say how a complaint was handled, not what it is about.
_HANDLING = re.compile(
    r".*(?:\b(?:stat|note|sla|plan|city|ville|pays|team|canal|origin)|status|priorit|urgen|sever|channel|source|agent|assign|owner|equipe|language|"
    r"langue|country|region|satisf|score|rating|resol|brand|marque|segment|gender|sexe|escal|company|societe).*"
)
_AMOUNT = re.compile(r"[^\d@]{0,8}\d[\d.,\'’]*[^\d@]{0,8}")  # one number between signs: an address of mail that ends in "fr" is none
_CODE = re.compile(r"[A-Z]{1,3}\d{1,4}")  # R01 and FR12 number regions; R and FR are signs of currencies too


def ranked(table: str, choices: Mapping[str, FieldChoice], by_name: Iterable[tuple[str, SourceColumn]]) -> dict[str, FieldChoice]:
    """Choices by content for what `choices` lack of customers, subscriptions or complaints.

    Args:
        table: Canonical table.
        choices: Choices so far.
        by_name: Each column with its normalised header.
    """
    taken = {choice.header for choice in choices.values()}
    free = list({column.header: (name, column) for name, column in by_name if column.header not in taken}.values())
    found: dict[str, FieldChoice] = {}
    if table == "customers" and "customer_id" not in choices:
        ids = [column for _, column in free if is_unique(column) and _are_ids(column)]
        found |= _only("customer_id", ids)
    if table in {"customers", "complaints"}:
        day = "start_date" if table == "customers" else "complaint_date"
        dates = [column for name, column in free if _is_day(column) and not _LATER.fullmatch(name)]
        found |= _only(day, dates) if day not in choices else {}
    if table == "customers" and "revenue" not in choices:
        found |= _only("revenue", [column for _, column in free if _is_money(column)])
    if table == "complaints" and "category" not in choices:
        found |= _only("category", [column for name, column in free if _has_labels(column) and not _HANDLING.fullmatch(name)])
    return found


def _only(field: str, columns: list[SourceColumn]) -> dict[str, FieldChoice]:
    """The choice of the only column that fits; none where several do."""
    if len(columns) != 1:
        return {}
    return {field: replace(FieldChoice(field, columns[0].header), confidence=TO_CONFIRM, reason="content", origin="content")}


def is_unique(column: SourceColumn | None) -> bool:
    """Whether nearly every row has a value that no other row has."""
    texts = column.texts if column is not None else []
    return column is not None and len(texts) >= _UNIQUE * len(column.sample) > 0 and len(set(texts)) >= _UNIQUE * len(texts)


def _are_ids(column: SourceColumn) -> bool:
    """Short values without blanks that are neither days nor amounts; numbers only where all are long."""
    texts = column.texts
    if len(texts) < _ENOUGH or any(len(text) > 64 or " " in text or "@" in text for text in texts):
        return False
    if all(re.fullmatch(r"[-+]?[\d.,]+", text) for text in texts):
        return all(re.fullmatch(r"\d{4,}", text) for text in texts)
    return all(re.search(r"\d", text) for text in texts) and recognise_dates(texts) is None


def _is_day(column: SourceColumn) -> bool:
    filled = [text for text in column.texts if text.lower() not in BLANK_TEXTS]
    if column.type.startswith(("DATE", "TIMESTAMP")):
        return len(filled) >= _FILLED * len(column.sample) > 0
    reading = recognise_dates(filled) if column.is_text and len(filled) >= _FILLED * len(column.sample) > 0 else None
    return reading is not None and reading.format not in _COUNTED and reading.share >= _FILLED


def _is_money(column: SourceColumn) -> bool:
    filled = [text for text in column.texts if text.lower() not in BLANK_TEXTS]
    named = [text for text in filled if _AMOUNT.fullmatch(compact(text)) and currencies_in([compact(text)])]
    named = [] if all(_CODE.fullmatch(text.upper()) for text in named) else named
    return column.is_text and len(filled) >= _ENOUGH and len(named) >= _FILLED * len(filled)


def _has_labels(column: SourceColumn) -> bool:
    """Whether few words are repeated: no codes, days, yes or no."""
    texts = [text.lower() for text in column.texts]
    labels = set(texts)
    if not column.is_text or not 1 < len(labels) <= min(MOST_LABELS, len(texts) / 3) or not all(re.search(r"[^\W\d]{3}", text) for text in labels):
        return False
    return recognise_dates(column.sample) is None and not labels <= {"yes", "no", "oui", "non", "true", "false", "vrai", "faux", "ja", "nein", "sí"}
