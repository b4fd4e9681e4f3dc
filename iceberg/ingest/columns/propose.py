"""Owns the way from headers to canonical fields: proposals with confidence and reason, from presets (data files)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.schema import EXTRA_FIELDS, FIELDS, all_fields
from iceberg.ingest.values.dates import BLANK_TEXTS, STILL_HERE, recognise_dates
from iceberg.ingest.values.flags import looks_like_flags, values_to_ask
from iceberg.ingest.values.free_text import holds_texts
from iceberg.ingest.values.numbers import recognise_numbers

_MOST_LABELS = 30  # judgement
_YES_NO = frozenset(["true", "false", "yes", "no", "oui", "non", "vrai", "faux", "0", "1", "y", "n", "o"])

# Judgement: a header that a preset names and whose values fit is taken; below this the analyst is asked.
CERTAIN = 0.6
_DATE_TYPES = ("DATE", "TIMESTAMP")
_NUMBER_TYPES = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
)
_MOSTLY = 0.5  # judgement
_SHORT = 6  # judgement: shorter headers mean something else without their blanks
_ARTICLES = frozenset({"de", "du", "des", "d", "la", "le", "les", "l", "of", "the"})
_SUMMED = frozenset({"volumes", "surveys"})  # a category may stand there once
ANY_LIST = "*[list]"  # in a preset: any custom drop-down of the system
_NOISE = re.compile(
    r"\[list\]|\((?:utc|do not modify|ne pas modifier|[oy]/n|n/[oy]|oui/non|yes/no|[01]/[01]|vrai/faux|true/false|"
    r"eur|euros?|usd|gbp|chf|ht|ttc|[€$£])\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Preset:
    """Headers of one system, loaded from ``presets/<name>.toml``.

    Attributes:
        name, label: Id and display name.
        signature: Normalised headers of which most must be present for the preset to apply; empty for the generic one.
        tables: Normalised headers by table and field, preferred first.
        live_statuses: Values of the status field under which a customer is still here.
        per_subscription: A row of its customers is a subscription, of which a customer may have several.
    """

    name: str
    label: str
    signature: dict[str, tuple[str, ...]]
    tables: dict[str, dict[str, tuple[str, ...]]]
    live_statuses: tuple[str, ...] = ()
    per_subscription: bool = False


def normalise_header(header: str) -> str:
    """A header without accents, case, punctuation and system ornaments: ``N°  Client`` becomes ``n client``."""
    text = _NOISE.sub(" ", header.replace("\u2019", "'"))
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = unicodedata.normalize("NFKD", text.replace("°", " ")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def _without_articles(name: str) -> str:
    """``motif de la reclamation`` says what ``motif de reclamation`` and ``motif reclamation`` say."""
    return " ".join(word for word in name.split() if word not in _ARTICLES)


@cache
def load_presets() -> tuple[Preset, ...]:
    """All presets, systems first, the generic one last."""
    folder = files("iceberg.ingest.columns").joinpath("presets")
    loaded = [
        _preset(tomllib.loads(item.read_text(encoding="utf-8")))
        for item in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if item.name.endswith(".toml")
    ]
    return tuple(sorted(loaded, key=lambda preset: (preset.name == "generic", preset.name)))


def _preset(content: dict[str, Any]) -> Preset:
    tables = {
        table: {
            name: tuple(header if header == ANY_LIST else normalise_header(header) for header in headers)
            for name, headers in content[table].items()
        }
        for table in FIELDS
        if table in content
    }
    signature = {
        table: tuple(normalise_header(header) for header in headers)
        for table, headers in content.get("signature", {}).items()
    }
    per_subscription = content.get("rows") == "subscriptions"
    if per_subscription:  # given as either, the file is read the same way
        tables["subscriptions"] = tables["customers"] | tables.get("subscriptions", {})
        signature["subscriptions"] = signature["customers"]
    live = tuple(content.get("status", {}).get("live", ()))
    return Preset(content["name"], content["label"], signature, tables, live, per_subscription)


def propose_mapping(source: SourceTable, table: str) -> ColumnMapping:
    """Match the columns of `source` to the fields of `table`.

    Returns:
        A mapping whose `FieldChoice.confidence` is under `CERTAIN` where the analyst must look.
    """
    choices: dict[str, FieldChoice] = {}
    taken: set[str] = set()
    by_name = {normalise_header(column.header): column for column in reversed(source.columns)}
    by_name = {name.replace(" ", ""): column for name, column in by_name.items() if name} | by_name  # CREATEDDATE is Created Date
    by_name = {plain: column for name, column in by_name.items() if (plain := _without_articles(name))} | by_name
    preset = recognise_system(source, table)
    for name, kind in all_fields(table).items():
        ranked = (
            [(0.98, header, preset.name) for header in preset.tables[table].get(name, ())] if preset is not None else []
        )
        if preset is None or preset.tables[table].get(name) != ():  # an empty list in a preset: this system has no such column
            ranked += [(0.9, header, "generic") for header in _generic(table, name)]
        best: FieldChoice | None = None
        for rank, (score, header, origin) in enumerate(ranked):
            squeezed = header.replace(" ", "") if len(header) > _SHORT else header
            names = (header, squeezed, _without_articles(header))
            column = _custom_list(source, taken) if header == ANY_LIST else next((by_name[one] for one in names if one in by_name), None)
            if column is None or column.header in taken:
                continue
            fit, why = value_fit(column, "label" if name == "category" and table not in _SUMMED else kind)
            reason = why or ("header" if origin == "generic" else "system")
            confidence = round((score - 0.001 * rank) * fit, 3)  # earlier headers are preferred
            if best is None or confidence > best.confidence:
                best = FieldChoice(name, column.header, confidence, reason, origin)
        if best is not None and (name in FIELDS[table] or best.confidence >= CERTAIN):  # a doubtful correction is none
            choices[name] = best
            taken.add(best.header)
    choices = {name: _unless_twice(source, choice) for name, choice in choices.items()}
    live = preset.live_statuses if preset is not None and "status" in choices else ()
    return ColumnMapping(table=table, choices=choices, live_statuses=live, system=preset.name if preset else "")


def _unless_twice(source: SourceTable, choice: FieldChoice) -> FieldChoice:
    """A choice whose header stands over two columns that differ has to be asked: two tables side by side, or joined ones."""
    first, second = source.column(choice.header), source.column(f"{choice.header} (2)")
    if first is None or second is None or first.sample == second.sample:
        return choice
    return replace(choice, confidence=min(choice.confidence, 0.5), reason="twice")


def complete_with_system(source: SourceTable, mapping: ColumnMapping) -> ColumnMapping:
    """A given mapping plus the correcting fields of the system it names: status, billing interval."""
    preset = next((preset for preset in load_presets() if preset.name == mapping.system), None)
    if preset is None:
        return mapping
    found = propose_mapping(source, mapping.table).choices
    extras = {
        name: found[name]
        for name in EXTRA_FIELDS.get(mapping.table, {})
        if name in found and name not in mapping.choices
    }
    return replace(
        mapping, choices={**mapping.choices, **extras}, live_statuses=mapping.live_statuses or preset.live_statuses
    )


def _custom_list(source: SourceTable, taken: set[str]) -> SourceColumn | None:
    return next(
        (
            column
            for column in source.columns
            if column.header.lower().endswith("[list]") and column.header not in taken
        ),
        None,
    )


def _generic(table: str, name: str) -> tuple[str, ...]:
    return load_presets()[-1].tables.get(table, {}).get(name, ())


def recognise_system(source: SourceTable, table: str) -> Preset | None:
    """The system whose export this looks like, None when no signature fits."""
    present = {normalise_header(column.header).replace(" ", "") for column in source.columns}
    best, best_score = None, 0
    for preset in load_presets():
        wanted = preset.signature.get(table, ())
        found = sum(header.replace(" ", "") in present for header in wanted)
        if wanted and found == len(wanted) and found > best_score:
            best, best_score = preset, found
    return best


def is_per_subscription(headers: frozenset[str]) -> bool:
    """Whether these normalised headers are those of a system that exports one row per subscription."""
    return any(preset.per_subscription and set(preset.signature["customers"]) <= headers for preset in load_presets())


def value_fit(column: SourceColumn, kind: str) -> tuple[float, str]:  # noqa: PLR0911  # one per kind
    """How well the values suit a field of this kind: a factor on the confidence, and the reason when it is not 1."""
    filled = [value for value in column.sample if value is not None and value.strip() and value.strip() != column.header]
    if kind in {"date", "end", "number"}:  # "n/a" in every cell says nothing against the header
        filled = [value for value in filled if (text := value.strip().lower()) not in BLANK_TEXTS and not (kind == "end" and text in STILL_HERE)]
    if not filled:
        return (1.0, "") if kind in {"end", "number", "text", "label"} else (0.5, "empty")
    if kind == "date" and len(filled) < _MOSTLY * len(column.sample):
        return 0.85, "mostly_blank"  # another header of the list may be filled
    if kind in {"date", "end"}:
        if column.type.startswith(_DATE_TYPES):
            return 1.0, ""
        return (1.0, "") if recognise_dates(filled) is not None else (0.3, "not_dates")
    if kind == "flag":
        if column.is_text and values_to_ask(column.sample, header=normalise_header(column.header)):
            return 0.3, "which_yes"
        fits = column.type == "BOOLEAN" or looks_like_flags(filled, header=normalise_header(column.header))
        return (1.0, "") if fits else (0.3, "not_flags")
    if kind == "label" and column.is_text and holds_texts(filled):
        return 0.3, "free_text"
    if kind == "number" and not column.type.startswith(_NUMBER_TYPES):
        return (1.0, "") if recognise_numbers(filled) is not None else (0.3, "not_numbers")
    return 1.0, ""


def category_candidates(source: SourceTable, mapping: ColumnMapping) -> tuple[str, ...]:
    """Headers of columns with a handful of labels, which could stand in where no column says what a complaint is about."""
    taken = {choice.header for choice in mapping.choices.values()}
    found = []
    for column in source.columns:
        filled = [text.strip().lower() for text in column.sample if text is not None and text.strip()]
        values = set(filled)
        few = len(values) <= min(_MOST_LABELS, len(filled) / 2) and not values <= _YES_NO
        labels = few and not all(re.fullmatch(r"[-+\d.,]+", text) for text in values)
        is_date = recognise_dates(column.sample) is not None
        if column.header not in taken and len(values) > 1 and labels and not is_date:
            found.append(column.header)
    return tuple(found)
