"""Writes the SQL that turns the columns of a file into canonical fields, typed and judged in one pass."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import MONTHS_PER_UNIT, complaint_name, tenure_unit
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.columns.questions import require_months, require_yes, settle_order, unread_value
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import PREVIEW_ROWS, ZONED, SourceColumn, SourceTable
from iceberg.ingest.rules.amounts import BY_YEAR, NO_CURRENCY, Currencies, Periods, currencies_of, periods_of
from iceberg.ingest.rules.bounds import NOTHING_PROVEN, Proven
from iceberg.ingest.rules.rules import EARLIEST, NEVER, flags_sql
from iceberg.ingest.rules.scales import scale_of
from iceberg.ingest.schema import CANONICAL_COLUMNS, CASE_FIELDS, CONTRACT_FIELDS, SCORES, UNCATEGORISED, Scale, all_fields
from iceberg.ingest.values.dates import BLANK_TEXTS, DATE_FORMATS, STILL_HERE, DateReading, date_sql, recognise_dates
from iceberg.ingest.values.flags import flag_sql, looks_like_flags, says_still_here
from iceberg.ingest.values.free_text import says_none_sql
from iceberg.ingest.values.numbers import (
    BY_COMMA,
    BY_POINT,
    NumberReading,
    finite_sql,
    number_sql,
    recognise_numbers,
)
from iceberg.ingest.values.scores import NO_ANSWER, score_sql
from iceberg.ingest.values.terms import contract_sql, counts_in_years, term_sql

_NO_LAST_DAY = quote_text("|".join(re.escape(text) for text in (*BLANK_TEXTS, *STILL_HERE)))
_BLANK_LIST = quote_text("|".join(re.escape(text) for text in BLANK_TEXTS))
# Fewer texts mean "no id" than mean "no date" (NA and nil can be ids); every spelling is listed so that ids need no change of case.
_NO_ID = ("", "null", "NULL", "Null", "none", "None", "NONE", "nan", "NaN", "NAN", "n/a", "N/A", "#N/A", "-", "(blank)", "(vide)")
_LONGEST_NO_ID = max(len(text) for text in _NO_ID)
_BLANK_IDS = quote_text("|".join(re.escape(text) for text in _NO_ID))
# Read for joining tables, not part of any canonical table.
JOINED_BY = ("churned", "subscription_id", "link_id", "linked_to", "complaint_id")
_NOTHING = {"date": "NULL::DATE", "end": "NULL::DATE", "number": "NULL::DOUBLE"} | dict.fromkeys(("flag", "term", "score"), "NULL::INTEGER")
_COUNTED_DAYS = ("unix_seconds", "unix_milliseconds", "excel_serial")
_WHOLE_NUMBERS = ("complaints", "asked", "had_problem", "complained")
_ENOUGH_VALUES = 20  # judgement: fewer filled cells say too little about how a column is written


@dataclass(frozen=True)
class TypedFields:
    """How each mapped field of a table is parsed.

    Attributes:
        columns: Source column of each mapped field.
        dates: Date format of each date field that is text.
        numbers: Decimal mark of each number field that is text.
        periods: What brings revenue to a year (12 when the amounts are monthly).
        live_statuses: See `ColumnMapping`.
        tenure_unit: ``"days"``, ``"weeks"``, ``"months"`` or ``"years"`` where a mapping says so.
        yes_values, one_category: See `ColumnMapping`.
        filled_counts: The flag ``complained`` is a column of texts: every filled cell that does not say "none" is a yes.
        money: The currencies of the amounts; a column of amounts that no rate brings to one is left out.
        scale: Scale of the scores.
        zone: Zone whose days are taken of typed times in a zone, such as those of a database; "" takes those of UTC.
        tidy_ids: Every id can stay as it is.
        proven: What is true of every row of the file, and need not be tested.
    """

    columns: dict[str, SourceColumn]
    dates: dict[str, DateReading] = field(default_factory=dict)
    numbers: dict[str, NumberReading] = field(default_factory=dict)
    periods: Periods = BY_YEAR
    live_statuses: tuple[str, ...] = ()
    tenure_unit: str = ""
    filled_counts: bool = False
    zone: str = ""
    yes_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    one_category: str = ""
    money: Currencies = NO_CURRENCY
    scale: Scale | None = None
    tidy_ids: bool = False
    proven: Proven = NOTHING_PROVEN

    @property
    def has_contracts(self) -> bool:
        """Whether a column gives the term of the customers' contracts, or a day on which they renew."""
        return not self.columns.keys().isdisjoint(CONTRACT_FIELDS)

    @property
    def live_sql(self) -> str:
        """True where a status says that the customer is still here."""
        if not self.live_statuses or "status" not in self.columns:
            return "FALSE"
        pattern = "|".join(re.escape(status) for status in self.live_statuses)
        return f"coalesce(regexp_full_match(trim(status_parsed), {quote_text(pattern)}, 'i'), FALSE)"


def resolve_fields(connection: Queryable, source: SourceTable, mapping: ColumnMapping) -> TypedFields:
    """Find the columns of a mapping and how their values are written.

    Raises:
        MappingError: ``column_not_found``, ``date_format_unknown``, ``dates_ambiguous``, ``numbers_ambiguous``.
    """
    columns: dict[str, SourceColumn] = {}
    dates: dict[str, DateReading] = {}
    numbers: dict[str, NumberReading] = {}
    for name, choice in mapping.choices.items():
        column = source.column(choice.header)
        if column is None:
            values = {"file": source.reading.file, "column": choice.header, "field": name, "table": mapping.table}
            raise MappingError("column_not_found", values | {"headers": ", ".join(source.reading.headers)})
        kind = all_fields(mapping.table)[name]
        columns[name] = column = _with_enough_values(connection, source, column) if kind in {"date", "end", "number", "term"} else column
        if column.is_text and kind in {"date", "end"}:
            dates[name] = replace(_date_reading(source, mapping, name, column), zone=mapping.time_zone)
        if column.is_text and kind == "number":
            numbers[name] = _number_reading(connection, source, mapping, name, column)
    periods = periods_of(connection, source, mapping, columns)
    if not periods.by_row:
        columns.pop("interval", None)
    money = currencies_of(connection, source, mapping, columns, numbers.get("revenue"))
    if money.unconverted:  # amounts in several currencies are no sum
        numbers.pop("revenue", None)
        del columns["revenue"]
    if not money.worth_sql:
        columns.pop("currency", None)
    require_yes(source, mapping, columns)
    complained = columns.get("complained") if mapping.table == "flat" and "complained" not in mapping.yes_values else None
    worded = complained is not None and complained.is_text and not looks_like_flags(complained.sample, header=normalise_header(complained.header))
    dates, unit = settle_order(connection, source, mapping.table, columns, dates, mapping.date_formats), mapping.tenure_unit
    one = mapping.one_category if mapping.counts_as_one else ""
    scale = scale_of(connection, source, mapping, columns) if mapping.table == SCORES else None
    yes, live = mapping.yes_values, mapping.live_statuses
    return TypedFields(
        columns, dates, numbers, periods, live, unit, filled_counts=worded, yes_values=yes, one_category=one, money=money, scale=scale,
        zone=mapping.time_zone,
    )


def _with_enough_values(connection: Queryable, source: SourceTable, column: SourceColumn) -> SourceColumn:
    """The column with a sample of filled cells: where the first rows are blank, later ones are read."""
    if not column.is_text or sum(bool(value and value.strip()) for value in column.sample) >= _ENOUGH_VALUES:
        return column
    filled = f"SELECT {column.sql} FROM {source.from_sql} WHERE {column.sql} IS NOT NULL LIMIT {PREVIEW_ROWS}"
    try:
        sample = tuple(row[0] for row in connection.execute(filled).fetchall())
    except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
        return column
    finally:
        drop_rejects(connection, source)
    return replace(column, sample=sample or column.sample)


def _date_reading(source: SourceTable, mapping: ColumnMapping, name: str, column: SourceColumn) -> DateReading:
    given = mapping.date_formats.get(name)
    if given is not None and given not in DATE_FORMATS:
        raise MappingError("date_format_unknown", {"value": given, "field": name, "known": ", ".join(DATE_FORMATS)})
    seen = recognise_dates(column.sample)
    kind = all_fields(mapping.table)[name]
    if seen is None and given not in _COUNTED_DAYS and (unread := unread_value(column, kind)):
        require_months(source, mapping.table, name)
        raise _unreadable(source, mapping, name, column, unread)
    if given is None:
        return seen or DateReading("iso", (), 0.0, False, "")
    patterns = seen.patterns if seen is not None and {seen.format, given} <= {"day_first", "month_first"} else ()
    return DateReading(given, patterns, 1.0, False, seen.example if seen else "", offset=seen is not None and seen.offset)


def _unreadable(source: SourceTable, mapping: ColumnMapping, name: str, column: SourceColumn, value: str) -> MappingError:
    """The question about a column of which nothing can be read: rejected row by row it would be lost in silence."""
    values = {"file": source.reading.file, "column": column.header, "field": name, "value": value[:60], "table": mapping.table}
    return MappingError("values_unreadable", values | {"headers": ", ".join(source.reading.headers)})


def _number_reading(
    connection: Queryable, source: SourceTable, mapping: ColumnMapping, name: str, column: SourceColumn
) -> NumberReading:
    found = recognise_numbers(column.sample)
    if found is None and (unread := unread_value(column, "number")):
        raise _unreadable(source, mapping, name, column, unread)
    seen = (found or NumberReading(".", False, 0.0)).converted(mapping.exchange_rates)
    if mapping.decimal:
        return replace(seen, decimal=mapping.decimal, plain=False, ambiguous=False)
    if not seen.ambiguous:
        return seen
    mark = next((mark for text in column.texts for mark in ",." if mark in text), ",")
    if name in _WHOLE_NUMBERS:  # 1,234 complaints are no one and a quarter
        return replace(seen, decimal="." if mark == "," else ",", ambiguous=False)
    decimals, groups = _count_values(connection, source, column, BY_COMMA if mark == "," else BY_POINT)
    if decimals == groups == 0:
        example = next((text for text in column.texts if mark in text), "")
        values = {"file": source.reading.file, "column": column.header, "value": example, "table": mapping.table}
        raise MappingError("numbers_ambiguous" if mark == "," else "points_ambiguous", values)
    return replace(seen, decimal="," if decimals >= groups else ".", ambiguous=False)


def _count_values(connection: Queryable, source: SourceTable, column: SourceColumn, patterns: Sequence[str]) -> list[int]:
    """How many values of the whole column match each pattern; 0 where malformed lines stop the count."""
    counts = ", ".join(f"count(*) FILTER (regexp_matches({column.sql}, {quote_text(pattern)}))" for pattern in patterns)
    try:
        return list(connection.execute(f"SELECT {counts} FROM {source.from_sql}").fetchall()[0])
    except duckdb.InvalidInputException:
        return [0] * len(patterns)
    finally:
        drop_rejects(connection, source)


def select_sql(
    source: SourceTable, table: str, fields: TypedFields, *, today: str, row_number: str = "", texts: bool = False, numbered: bool = False
) -> str:
    """The canonical columns of `table` plus ``flags`` (see `iceberg.ingest.rules.rules`), one row per record, none left out.

    Args:
        source: The file.
        table: Canonical table.
        fields: How its columns are parsed.
        today: SQL of the day after which dates lie in the future.
        row_number: SQL of the record's number where the relation has no rowid of its own (Parquet).
        texts: Also ``<field>_text``, the cells as they are: for engines that cannot find a row again.
        numbered: Also ``customer_number``, the id as the number that it is.
    """
    kinds = all_fields(table)
    cells = [f"{fields.columns[name].sql} AS {name}_text" for name in kinds if name in fields.columns]
    parsed = [f"{_parsed(name, kind, fields)} AS {name}_parsed" for name, kind in kinds.items()]
    judged = [f"{_blank(name, fields)} AS {name}_blank" for name in kinds]
    row = f", {row_number} AS record" if row_number else ""
    typed = ", ".join(f"{_canonical(table, name, today, fields)} AS {name}" for name in CANONICAL_COLUMNS[table])
    beside = [name for name in (*JOINED_BY, *CASE_FIELDS) if name in fields.columns and name not in CANONICAL_COLUMNS[table]]
    typed += "".join(f", {name}_parsed AS {name}" for name in beside)
    typed += "".join(f", {name}_text" for name in fields.columns if texts)
    typed += ", customer_id_text AS customer_number" if numbered else ""
    headers = {name: column.header for name, column in fields.columns.items()}
    text_fields = frozenset(name for name, column in fields.columns.items() if column.is_text)
    flags = flags_sql(table, today=today, headers=headers, text_fields=text_fields, live=fields.live_sql, silent=fields.proven.silent)
    return (
        f"SELECT {typed}, CAST({flags} AS INTEGER) AS flags{', record' if row_number else ''} "
        f"FROM (SELECT *, {', '.join(judged)} FROM (SELECT {', '.join([*cells, *parsed])}{row} FROM {source.from_sql}) AS typed) AS judged"
    )


def _parsed(name: str, kind: str, fields: TypedFields) -> str:  # noqa: PLR0911, PLR0912  # one per kind
    column = fields.columns.get(name)
    if column is None:
        return quote_text(fields.one_category) if name == "category" and fields.one_category else _NOTHING.get(kind, "NULL::VARCHAR")
    if kind in {"date", "end"}:
        if column.is_text:
            return date_sql(column.sql, fields.dates[name])
        if fields.zone and column.type == ZONED:
            return f"CAST({column.sql} AT TIME ZONE {quote_text(fields.zone)} AS DATE)"
        return f"CAST({column.sql} AS DATE)" if column.type.startswith(("DATE", "TIMESTAMP")) else _numeric_date(column)
    if name in fields.proven.plain and name in {"segment", "revenue"}:
        return column.text_sql if name == "segment" else _amount(column)
    if kind == "number":
        return number_sql(column.sql, fields.numbers[name]) if column.is_text else finite_sql(_amount(column))
    text = column.text_sql
    if name == "complained" and fields.filled_counts:
        return f"CASE WHEN {text} IS NULL OR {says_none_sql(text)} THEN 0 ELSE 1 END"
    if kind == "flag":
        if name in fields.yes_values:
            return flag_sql(text, yes=fields.yes_values[name])
        return flag_sql(text, still_here=name == "churned" and says_still_here(normalise_header(column.header)))
    if kind == "score":
        return score_sql(text, fields.scale) if fields.scale is not None else "NULL::INTEGER"
    if kind == "term":
        return term_sql(text, in_years=counts_in_years(normalise_header(column.header), column.sample))
    if kind == "id":
        if fields.tidy_ids or column.is_exact:
            return text
        return (
            f"CASE WHEN {_tidy_id_sql(text)} THEN {text} WHEN strlen({text}) > {_LONGEST_NO_ID} THEN nullif(trim({text}), '') "
            f"WHEN NOT regexp_full_match(trim({text}), {_BLANK_IDS}) THEN trim({text}) END"
        )
    return text if column.is_exact else f"nullif(trim({text}), '')"


def _amount(column: SourceColumn) -> str:
    """A typed number. NaN is tested by name: engines drop comparisons by the bounds of a file, which leave NaN out."""
    number = f"CAST({column.sql} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END" if column.type in {"DOUBLE", "FLOAT"} else number


def if_tidy_sql(text: str, value: str, otherwise: str = "NULL") -> str:
    """`value` where an id can stay as it is. Most ids are long and have no blank at all, which is the quickest test."""
    at_once = f"strlen({text}) > {_LONGEST_NO_ID} AND NOT contains({text}, ' ')"
    return f"CASE WHEN {at_once} THEN {value} WHEN {_tidy_id_sql(text)} THEN {value} ELSE {otherwise} END"


def _tidy_id_sql(text: str) -> str:
    """True where an id can stay as it is: no blanks around it, and no word that means "no id".

    Blanks sort before all other characters, so one comparison tests the first. A text is no such word where it is too long for one, or begins
    with a digit, as none of them does.
    """
    is_id = f"(strlen({text}) > {_LONGEST_NO_ID} OR ({text} >= '0' AND {text} < ':'))"
    return f"coalesce({text} >= '!' AND {is_id} AND NOT ends_with({text}, ' '), FALSE)"


def _numeric_date(column: SourceColumn) -> str:
    reading = recognise_dates(column.sample) or DateReading("unix_seconds", (), 0.0, False, "")
    return date_sql(f"CAST({column.sql} AS VARCHAR)", reading)


def _blank(name: str, fields: TypedFields) -> str:
    """Whether the cell is empty; the text is tested only where nothing was parsed (``IN`` would be planned as a join over every row)."""
    column = fields.columns.get(name)
    if column is None:
        return "TRUE"
    if column.type in {"DOUBLE", "FLOAT"}:  # NaN is the empty cell of a frame; an infinite number is a mistake
        return f"coalesce(isnan({name}_text), TRUE)"
    if not column.is_text:
        return f"{name}_text IS NULL"
    return (
        f"CASE WHEN {name}_parsed IS NOT NULL THEN FALSE WHEN {name}_text IS NULL THEN TRUE "
        f"ELSE regexp_full_match(trim({name}_text), {_NO_LAST_DAY if name == 'end_date' else _BLANK_LIST}, 'i') END"
    )


def _tenure_months(fields: TypedFields) -> str:
    tenure = fields.columns["tenure"]
    factor = MONTHS_PER_UNIT[fields.tenure_unit or tenure_unit(tenure.header, tenure.sample)]
    return f"CASE WHEN tenure_parsed >= 0 THEN tenure_parsed * {factor!r} END"


def _flat_category(fields: TypedFields) -> str:
    """Which complaint a row stands for; NULL where there was none."""
    said = f"CASE WHEN category_parsed IS NOT NULL AND NOT {says_none_sql('category_parsed')} THEN category_parsed END"
    if "complained" not in fields.columns:
        return said
    named = quote_text(complaint_name(fields.columns["complained"].header))
    return f"CASE WHEN complained_parsed = 1 THEN coalesce({said}, {named}) END"


_FLAT = {
    "tenure_months": _tenure_months,
    "churned": lambda fields: "churned_parsed = 1",
    "category": _flat_category,
}


def _canonical(table: str, name: str, today: str, fields: TypedFields) -> str:  # noqa: PLR0911  # one per field
    """The parsed value, repaired where a repairing rule says so."""
    if table == "flat" and name in _FLAT:
        return _FLAT[name](fields)
    if name in fields.proven.plain and name != "revenue" and not (name == "segment" and fields.has_contracts):
        return f"{name}_parsed"
    if name == "segment":
        return "COALESCE(segment_parsed, '')" + (f" || {contract_sql()}" if fields.has_contracts else "")
    if name == "category":
        return f"COALESCE(category_parsed, {quote_text(UNCATEGORISED)})"
    if name == "revenue":
        times = fields.periods.times_sql or str(fields.periods.times)
        yearly = f" * {times}" if times != "1" else ""
        yearly += f" * {fields.money.worth_sql}" if fields.money.worth_sql else ""
        if name in fields.proven.plain:
            return f"revenue_parsed{yearly}"
        return f"CASE WHEN revenue_parsed >= 0 THEN revenue_parsed{yearly} END"
    if name == "end_date":
        here = f" AND NOT {fields.live_sql}" if fields.live_sql != "FALSE" else ""
        past = f"end_date_parsed <= {today} AND end_date_parsed >= {EARLIEST} AND end_date_parsed <> DATE '1970-01-01' AND NOT {NEVER}"
        return f"CASE WHEN {past}{here} THEN end_date_parsed END"
    if table == "volumes" and name == "month":
        # Truncation passes through timestamps, which end before dates do.
        return "CASE WHEN month_parsed BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN CAST(date_trunc('month', month_parsed) AS DATE) END"
    if table == "volumes" and name == "complaints":
        return "CAST(complaints_parsed AS BIGINT)" if "complaints" in fields.columns else "CAST(1 AS BIGINT)"
    if name == "score":  # a question that was sent and has no answer
        return f"coalesce(score_parsed, CASE WHEN score_blank AND NOT sent_date_blank THEN {NO_ANSWER} END)"
    if name == "score_date":  # who has not answered is known by the day of the question
        return "coalesce(score_date_parsed, sent_date_parsed)"
    if CANONICAL_COLUMNS[table][name] == "BIGINT":
        return f"TRY_CAST({name}_parsed AS BIGINT)"
    return f"{name}_parsed"
