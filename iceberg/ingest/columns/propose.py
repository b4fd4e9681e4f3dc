"""Proposes a header for each canonical field, with confidence and reason, from the presets (data files)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from iceberg.ingest.columns.content import by_content
from iceberg.ingest.columns.content_ranks import MOST_LABELS, TO_CONFIRM
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.columns.month_pairs import fiscal_header, month_pairs, paired_header
from iceberg.ingest.columns.objects import CUSTOM, bare_headers
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.schema import CASE_FIELDS, EXTRA_FIELDS, FIELDS, REQUIRED, all_fields
from iceberg.ingest.values.currencies import looks_like_currencies
from iceberg.ingest.values.dates import BLANK_TEXTS, STILL_HERE, recognise_dates
from iceberg.ingest.values.flags import looks_like_flags, values_to_ask
from iceberg.ingest.values.free_text import holds_texts
from iceberg.ingest.values.intervals import looks_like_intervals
from iceberg.ingest.values.numbers import recognise_numbers
from iceberg.ingest.values.scores import looks_like_scores
from iceberg.ingest.values.terms import looks_like_terms

DEPARTURES = ("end_date", "churned")  # fields of customers that say who left
_YES_NO = frozenset(["true", "false", "yes", "no", "oui", "non", "vrai", "faux", "0", "1", "y", "n", "o"])

# Judgement: a header that a preset names and whose values fit is certain; below this confidence the analyst decides.
CERTAIN = 0.6
_DATE_TYPES = ("DATE", "TIMESTAMP")
_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_NUMBER_TYPES = (*_WHOLE_TYPES, "FLOAT", "DOUBLE", "DECIMAL")
_MOSTLY_FILLED = 0.5  # judgement
_FISCAL = 0.5  # judgement: under `CERTAIN`
_COUNTED_DAY = {"volumes": "month", "complaints": "complaint_date"}
_ENOUGH_ROWS = 5  # judgement: fewer rows with one label say nothing
_STEEP = 200
_SHORT = 6  # judgement: the blanks of shorter headers matter
_ARTICLES = frozenset({"de", "du", "des", "d", "la", "le", "les", "l", "of", "the"})
_SUMMED = frozenset({"volumes", "surveys"})  # each category can be there once
ANY_LIST = "*[list]"  # in a preset: any custom drop-down of the system
_STROKES = str.maketrans("ıøłđØŁĐ", "ioldOLD")  # letters that have no accent to take off
_NOISE = re.compile(
    r"\[list\]|\((?:utc|do not modify|ne pas modifier|[oyjs]/n|n/[oyjs]|oui/non|yes/no|[01]/[01]|vrai/faux|true/false|"
    r"eur|euros?|usd|gbp|chf|ht|ttc|[€$£])\)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Preset:
    """Headers of one system, loaded from ``presets/<name>.toml``.

    Attributes:
        name, label: Id and display name.
        signature: Normalised headers by table, all of which the system writes; empty for the generic preset.
        tables: Normalised headers by table and field, preferred first.
        live_statuses: Values of the status field of customers who have not left.
        per_subscription: Each row of its customers table is a subscription.
    """

    name: str
    label: str
    signature: dict[str, tuple[str, ...]]
    tables: dict[str, dict[str, tuple[str, ...]]]
    live_statuses: tuple[str, ...] = ()
    per_subscription: bool = False


def normalise_header(header: str) -> str:
    """A header without accents, case, punctuation and system ornaments: ``N°  Client`` becomes ``n client``. Other scripts than Latin stay."""
    text = CUSTOM.sub("", _NOISE.sub(" ", header.replace("\u2019", "'")))
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = unicodedata.normalize("NFKD", text.replace("°", " ").translate(_STROKES))
    if text.isascii():
        return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()
    letters = (char for char in text if char.isascii() or not (unicodedata.combining(char) or unicodedata.name(char, "").startswith("LATIN")))
    return re.sub(r"[\W_]+", " ", "".join(letters).lower()).strip()


def _without_articles(name: str) -> str:
    """A normalised header without articles: ``motif de la reclamation`` becomes ``motif reclamation``."""
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
    tables = {table: {name: _normalised(headers) for name, headers in content[table].items()} for table in FIELDS if table in content}
    signature = {table: _normalised(headers) for table, headers in content.get("signature", {}).items()}
    per_subscription = content.get("rows") == "subscriptions"
    if per_subscription:  # the file is read the same way as either table
        tables["subscriptions"] = tables["customers"] | tables.get("subscriptions", {})
        signature["subscriptions"] = signature["customers"]
    live = tuple(content.get("status", {}).get("live", ()))
    return Preset(content["name"], content["label"], signature, tables, live, per_subscription)


def _normalised(headers: list[str]) -> tuple[str, ...]:
    return tuple(header if header == ANY_LIST else normalise_header(header) for header in headers)


def propose_mapping(source: SourceTable, table: str) -> ColumnMapping:
    """Match the columns of `source` to the fields of `table`.

    Returns:
        A mapping whose `FieldChoice.confidence` is under `CERTAIN` where the analyst has to confirm.
    """
    choices: dict[str, FieldChoice] = {}
    by_name, preset = _columns_by_name(source, table), recognise_system(source, table)
    for name, kind in all_fields(table).items():
        if name in CASE_FIELDS:
            continue
        taken = {choice.header for choice in choices.values()}
        best: FieldChoice | None = None
        for rank, (score, header, origin) in enumerate(_known_headers(preset, table, name)):
            column = _custom_list(source, taken) if header == ANY_LIST else _column_named(by_name, header)
            if column is None or column.header in taken:
                continue
            fit, why = value_fit(column, "label" if name == "category" and table not in _SUMMED else kind)
            confidence = round((score - _behind(rank)) * fit, 3)  # earlier headers are preferred
            if best is None or confidence > best.confidence:
                best = FieldChoice(name, column.header, confidence, why or ("header" if origin == "generic" else "system"), origin)
        if table == "complaints" and name == "category" and best is not None:
            best = _worded(source, by_name, _known_headers(preset, table, name), best, taken)
        if kind in {"date", "end"} and (best is None or best.confidence < CERTAIN):
            best = _fiscal(source, table, name) or _paired(source, by_name, _known_headers(preset, table, name), name, taken) or best
        asked = table == "customers" and name == "churned" and best is not None and best.reason == "which_yes" and "end_date" not in choices
        if best is not None and (name in FIELDS[table] or best.confidence >= CERTAIN or asked):  # an extra field has to be certain
            choices[name] = best
    choices = by_content(source, table, choices, by_name)
    choices = {name: _unless_twice(source, choice) for name, choice in choices.items()}
    choices |= _case_fields(source, table, choices, by_name, preset)
    live = preset.live_statuses if preset is not None and "status" in choices else ()
    return ColumnMapping(table=table, choices=choices, live_statuses=live, system=preset.name if preset else "")


def _behind(rank: int) -> float:
    """What a header further down the list of a field loses; every known header alone stays certain."""
    return 0.001 * min(rank, _STEEP) + 0.0001 * max(rank - _STEEP, 0)


def _case_fields(
    source: SourceTable, table: str, choices: Mapping[str, FieldChoice], by_name: dict[str, SourceColumn], preset: Preset | None
) -> dict[str, FieldChoice]:
    """What each case says of itself, in columns that no other field has; nothing where a required column is still to be confirmed."""
    if any(name not in choices or choices[name].confidence < CERTAIN for name in REQUIRED[table]):
        return {}
    found: dict[str, FieldChoice] = {}
    for name, kind in EXTRA_FIELDS.get(table, {}).items():
        if name not in CASE_FIELDS:
            continue
        taken = {choice.header for choice in (*choices.values(), *found.values())}
        for score, header, origin in _known_headers(preset, table, name):
            column = _column_named(by_name, header)
            if column is None or column.header in taken:
                continue
            fit, _ = value_fit(column, "label" if name in {"stage", "channel"} else kind)
            if score * fit >= CERTAIN and any(value and value.strip() for value in column.sample):
                reason = "header" if origin == "generic" else "system"
                found[name] = _unless_twice(source, FieldChoice(name, column.header, score * fit, reason, origin))
                break
    return {name: choice for name, choice in found.items() if choice.confidence >= CERTAIN}


def _are_days(texts: list[str]) -> bool:
    """Whether all values are days as people write them: no number could be one."""
    reading = recognise_dates(texts)
    return reading is not None and len(texts) > 1 and reading.share == 1.0 and not all(text.strip().isdigit() for text in texts)


def _worded(
    source: SourceTable, by_name: dict[str, SourceColumn], known: list[tuple[float, str, str]], best: FieldChoice, taken: set[str]
) -> FieldChoice:
    """`best`; or, where all its rows have one label, another known header with several, to be confirmed: it says what complaints are about."""
    column = source.column(best.header)
    if column is None or len(set(column.texts)) != 1 or len(column.texts) < _ENOUGH_ROWS:
        return best
    columns = (_column_named(by_name, header) for _, header, _ in known)
    other = next((one for one in columns if one is not None and one.header not in taken and _has_few_labels(one)), None)
    return best if other is None else FieldChoice("category", other.header, TO_CONFIRM, "content", "content")


def _fiscal(source: SourceTable, table: str, name: str) -> FieldChoice | None:
    """The months of a fiscal calendar, to be confirmed: they need not be those of the calendar."""
    if _COUNTED_DAY.get(table) != name:
        return None
    header = fiscal_header((normalise_header(column.header), column) for column in source.columns)
    return FieldChoice(name, header, _FISCAL, "fiscal", "content") if header else None


def _paired(
    source: SourceTable, by_name: dict[str, SourceColumn], known: list[tuple[float, str, str]], name: str, taken: set[str]
) -> FieldChoice | None:
    """A month in two columns, whose headers share the words of a known header of the field: "Cancellation Year", "Cancellation Month"."""
    pairs = month_pairs((normalise_header(column.header), column) for column in source.columns)
    plain = (re.sub(r"^(?:date|dt)\b|\b(?:date|dt|month|mois)$", "", header).strip() for _, header, _ in known)
    headers = {*map(_without_articles, plain), "start", "end"}
    for words, (year, month) in pairs.items():
        fits = words in headers if words else name in {"complaint_date", "event_date", "activity_date", "incident_date"}
        header = paired_header(year, month)
        if fits and header not in taken and (words not in {"start", "end"} or name == f"{words}_date"):
            return FieldChoice(name, header, 0.85, "year_and_month", "generic")
    return None


def _columns_by_name(source: SourceTable, table: str) -> dict[str, SourceColumn]:
    """Columns by their normalised header, also without blanks (CREATEDDATE is Created Date), articles and objects; the first column wins."""
    by_header = {column.header: column for column in reversed(source.columns)}
    bare = bare_headers((column.header for column in source.columns), table, normalise_header)
    by_name = {name: by_header[header] for name, header in bare.items()}
    by_name |= {normalise_header(column.header): column for column in reversed(source.columns)}
    by_name = {name.replace(" ", ""): column for name, column in by_name.items() if name} | by_name
    return {plain: column for name, column in by_name.items() if (plain := _without_articles(name))} | by_name


def _column_named(by_name: dict[str, SourceColumn], header: str) -> SourceColumn | None:
    without_blanks = header.replace(" ", "") if len(header) > _SHORT else header
    return next((by_name[name] for name in (header, without_blanks, _without_articles(header)) if name in by_name), None)


def _known_headers(preset: Preset | None, table: str, name: str) -> list[tuple[float, str, str]]:
    """The confidence, header and preset of every known header of a field, preferred ones first."""
    generic = [(0.9, header, "generic") for header in load_presets()[-1].tables.get(table, {}).get(name, ())]
    if preset is None or name not in preset.tables[table]:
        return generic
    own = [(0.98, header, preset.name) for header in preset.tables[table][name]]
    return own + generic if own else []  # with an empty list a preset says that the system has no such column


def _unless_twice(source: SourceTable, choice: FieldChoice) -> FieldChoice:
    """Make a choice uncertain where two columns with its header differ, as in two tables side by side or joined ones."""
    first, second = source.column(choice.header), source.column(f"{choice.header} (2)")
    if first is None or second is None or first.sample == second.sample:
        return choice
    return replace(choice, confidence=min(choice.confidence, 0.5), reason="twice")


def complete_with_system(source: SourceTable, mapping: ColumnMapping) -> ColumnMapping:
    """Add what a mapping of columns leaves out: currency and period beside the amounts, and the extra fields of the system that it names."""
    preset = next((preset for preset in load_presets() if preset.name == mapping.system), None)
    extra = {"currency", "interval"} if "revenue" in mapping.choices else set[str]()
    extra = set(EXTRA_FIELDS.get(mapping.table, {})) if preset is not None else extra & set(EXTRA_FIELDS.get(mapping.table, {}))
    if not extra - set(mapping.choices):
        return mapping
    used = {choice.header for choice in mapping.choices.values()}
    proposed = propose_mapping(source, mapping.table).choices
    added = {name: choice for name, choice in proposed.items() if name in extra and name not in mapping.choices and choice.header not in used}
    live = mapping.live_statuses or (preset.live_statuses if preset is not None else ())
    return replace(mapping, choices=mapping.choices | added, live_statuses=live)


def _custom_list(source: SourceTable, taken: set[str]) -> SourceColumn | None:
    lists = (column for column in source.columns if column.header.lower().endswith("[list]"))
    return next((column for column in lists if column.header not in taken), None)


def recognise_system(source: SourceTable, table: str) -> Preset | None:
    """The system with the longest signature among the headers of the file, None where no signature is complete."""
    present = {normalise_header(column.header).replace(" ", "") for column in source.columns}
    fitting = [preset for preset in load_presets() if {header.replace(" ", "") for header in preset.signature.get(table, ())} <= present]
    best = max(fitting, key=lambda preset: len(preset.signature.get(table, ())), default=None)
    return best if best is not None and best.signature.get(table) else None


def is_per_subscription(headers: frozenset[str]) -> bool:
    """Whether a system that exports one row per subscription writes these normalised headers."""
    return any(preset.per_subscription and set(preset.signature["customers"]) <= headers for preset in load_presets())


_TESTS: dict[str, tuple[Callable[[list[str], str], bool], str]] = {
    "currency": (lambda values, _: looks_like_currencies(values), "not_currencies"),
    "term": (lambda values, _: looks_like_terms(values), "not_terms"),
    "score": (lambda values, _: looks_like_scores(values), "not_scores"),
    "interval": (lambda values, header: looks_like_intervals(values, header=header), "not_intervals"),
}


def value_fit(column: SourceColumn, kind: str) -> tuple[float, str]:
    """How well the values suit a field of this kind: a factor on the confidence, and the reason where it is not 1."""
    filled = [value for value in column.sample if value is not None and value.strip() and value.strip() != column.header]
    if kind in {"date", "end", "number", "term", "score"}:  # "n/a" in every cell is no evidence against the header
        filled = [value for value in filled if (text := value.strip().lower()) not in BLANK_TEXTS and not (kind == "end" and text in STILL_HERE)]
    if not filled:
        return (1.0, "") if kind in {"end", "number", "text", "label", "term", "score"} else (0.5, "empty")
    misfit = _misfit(column, kind, filled)
    if not misfit and kind == "date" and len(filled) < _MOSTLY_FILLED * len(column.sample):
        return 0.85, "mostly_blank"  # another known header may have more values
    return (0.3, misfit) if misfit else (1.0, "")


def _misfit(column: SourceColumn, kind: str, filled: list[str]) -> str:
    """Why the values do not suit a field of this kind; "" where they do."""
    header = normalise_header(column.header)
    if kind in {"date", "end"}:
        return "" if column.type.startswith(_DATE_TYPES) or recognise_dates(filled) is not None else "not_dates"
    if kind in _TESTS:
        fits, why = _TESTS[kind]
        return "" if fits(filled, header) else why
    if kind == "number":
        return "" if column.type.startswith(_NUMBER_TYPES) or recognise_numbers(filled) is not None else "not_numbers"
    if kind == "flag" and column.is_text and not _are_days(filled) and values_to_ask(column.sample, header=header):
        return "which_yes"
    if kind == "flag":
        return "" if column.type == "BOOLEAN" or looks_like_flags(filled, header=header) else "not_flags"
    return "free_text" if kind == "label" and column.is_text and holds_texts(filled) else ""


def category_candidates(source: SourceTable, mapping: ColumnMapping) -> tuple[str, ...]:
    """Headers of unused columns with few labels, which can replace a missing category."""
    taken = {choice.header for choice in mapping.choices.values()}
    return tuple(column.header for column in source.columns if column.header not in taken and _has_few_labels(column))


def _has_few_labels(column: SourceColumn) -> bool:
    values = {text.lower() for text in column.texts}
    if not 1 < len(values) <= min(MOST_LABELS, len(column.texts) / 2) or values <= _YES_NO:
        return False
    return not all(re.fullmatch(r"[-+\d.,]+", text) for text in values) and recognise_dates(column.sample) is None
