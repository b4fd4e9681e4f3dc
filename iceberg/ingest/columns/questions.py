"""Questions that values alone leave open and the analyst has to answer: which column is meant, day or month first, which code means yes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.content_ranks import MOST_LABELS
from iceberg.ingest.columns.layouts import longer_periods
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice, Opened
from iceberg.ingest.columns.propose import CERTAIN, DEPARTURES, category_candidates, normalise_header
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.files.text.headers import MOST_HEADERS, is_data, kind_of, listed_headers, without_number
from iceberg.ingest.schema import REASON_TABLES, all_fields
from iceberg.ingest.values.dates import BLANK_TEXTS, STILL_HERE, DateReading, are_mixed, half_converted, recognise_dates
from iceberg.ingest.values.flags import likely_yes, values_to_ask
from iceberg.ingest.values.free_text import holds_texts
from iceberg.ingest.values.numbers import recognise_numbers

_SCIENTIFIC, _FEW_CUT = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), 0.05  # judgement: fewer may be ids that are written so


def require_yes(source: SourceTable, mapping: ColumnMapping, columns: Mapping[str, SourceColumn]) -> None:
    """Stop where the mapping does not say which value of a coded column means yes.

    Raises:
        MappingError: ``flag_values``.
    """
    for name, column in columns.items():
        asked = all_fields(mapping.table)[name] == "flag" and column.is_text and name not in mapping.yes_values
        found = values_to_ask(column.sample, header=normalise_header(column.header)) if asked else ()
        coded = all(re.fullmatch(r"[\d.,]+", value) for value in found)
        if found and (coded or name != "complained"):  # words in a column of complaints: every filled cell counts
            raise _flag_question(source, mapping.table, name, column, found)


def _flag_question(source: SourceTable, table: str, name: str, column: SourceColumn, found: Sequence[str]) -> MappingError:
    values = {"file": source.reading.file, "column": column.header, "field": name, "values": ", ".join(found), "first": likely_yes(name, found)}
    return MappingError("flag_values", values | {"table": table, "headers": listed_headers(source.reading.headers)})


def unread_value(column: SourceColumn, kind: str) -> str:
    """The first value of a column of which no value at all can be read as a day, or a number; "" where some can, or none is filled."""
    blank = (*BLANK_TEXTS, *(STILL_HERE if kind == "end" else ()))
    recognise = recognise_numbers if kind == "number" else recognise_dates
    filled = [text for text in column.texts if text.lower() not in blank]
    return "" if any(recognise([text]) for text in filled) else next(iter(filled), "")


def require_months(source: SourceTable, table: str, name: str) -> None:
    """Stop where volumes count by something longer than a month.

    Raises:
        MappingError: ``periods_not_months``.
    """
    periods = longer_periods(source) if table == "volumes" and name == "month" else ()
    if periods:
        raise MappingError("periods_not_months", {"file": source.reading.file, "periods": ", ".join(periods[:4])})


def settle_order(
    connection: Queryable,
    source: SourceTable,
    table: str,
    columns: dict[str, SourceColumn],
    dates: dict[str, DateReading],
    given: Mapping[str, str],
) -> dict[str, DateReading]:
    """Decide between two days for 03/04/2025 by the whole column, or by another one of the file; `given` are formats that a mapping names.

    Raises:
        MappingError: ``dates_half_converted``, ``dates_mixed``, ``dates_ambiguous``.
    """
    for name in dates:
        if name not in given and (pair := half_converted(columns[name].sample)) is not None:
            values = {"file": source.reading.file, "table": table, "field": name, "column": columns[name].header}
            values |= {"value": pair[0], "other": pair[1]}
            raise MappingError("dates_half_converted", values)
    read = {name: _order_of_column(connection, source, columns[name], reading) if reading.ambiguous else reading for name, reading in dates.items()}
    mixed = next((name for name, reading in read.items() if reading.mixed), None)
    if mixed is not None:
        raise _dates_mixed(source, table, columns[mixed], mixed)
    decided = {reading.format for reading in read.values() if not reading.ambiguous and reading.format in {"day_first", "month_first"}}
    settled = {}
    for name, reading in read.items():
        if not reading.ambiguous:
            settled[name] = reading
        elif len(decided) == 1:
            settled[name] = replace(reading, format=next(iter(decided)), ambiguous=False)
        else:
            values = {"file": source.reading.file, "table": table, "field": name, "column": columns[name].header, "value": reading.example}
            raise MappingError("dates_ambiguous", values)
    return settled


def _dates_mixed(source: SourceTable, table: str, column: SourceColumn, name: str) -> MappingError:
    """The question why two values cannot be written in one order."""
    def find(first: str, second: str) -> str:
        pattern = rf"[^\d]*{first} ?[/. -] ?{second} ?[/. -].*"
        return next((text.strip() for text in column.sample if text and re.fullmatch(pattern, text)), "")

    above, below = r"(?:1[3-9]|2\d|3[01])", r"(?:0?\d|1[0-2])"
    values = {"file": source.reading.file, "table": table, "field": name, "column": column.header}
    return MappingError("dates_mixed", values | {"value": find(above, below), "other": find(below, above)})


def _order_of_column(connection: Queryable, source: SourceTable, column: SourceColumn, reading: DateReading) -> DateReading:
    """The order of day and month from the whole column: a 13th anywhere decides."""
    parts = [f"TRY_CAST(regexp_extract({column.sql}, '^[^0-9]*([0-9]{{1,2}}) ?[/. -] ?([0-9]{{1,2}}) ?[/. -]', {i}) AS INTEGER)" for i in (1, 2)]
    try:
        [(first, second)] = connection.execute(
            f"SELECT count(*) FILTER ({parts[0]} BETWEEN 13 AND 31), count(*) FILTER ({parts[1]} BETWEEN 13 AND 31) FROM {source.from_sql}"
        ).fetchall()
    except duckdb.InvalidInputException:
        return reading
    finally:
        drop_rejects(connection, source)
    if first == second == 0:
        return reading
    if are_mixed(first, second):
        return replace(reading, mixed=True)
    return replace(reading, format="day_first" if first >= second else "month_first", ambiguous=False)


@dataclass(frozen=True)
class _Columns:
    """A file, how its columns are taken, and the choices that are not certain."""

    relation: SourceTable
    chosen: ColumnMapping

    @property
    def file(self) -> str:
        return self.relation.reading.file

    @property
    def headers(self) -> str:
        return listed_headers(self.relation.reading.headers)

    @property
    def unsure(self) -> tuple[FieldChoice, ...]:
        return self.chosen.uncertain(CERTAIN)

    @property
    def doubtful(self) -> list[str]:
        """Fields with an uncertain header, or a required field without one."""
        return [choice.field for choice in self.unsure] + list(self.chosen.missing)

    @property
    def candidates(self) -> str:
        """Columns that could be the category: those of few labels, else whatever no field takes."""
        taken = {choice.header for choice in self.chosen.choices.values()}
        worded = [column for column in self.relation.columns if any(re.search(r"[^\W\d]{2}", text) for text in column.texts)]
        free = [column.header for column in worded if column.header not in taken and recognise_dates(column.sample) is None]
        return ", ".join(category_candidates(self.relation, self.chosen) or free[:MOST_HEADERS]) or "–"


def require_certain(opened: Mapping[str, list[Opened]]) -> None:
    """Stop when a required field has no header or an uncertain one: a wrong guess would be a silent wrong number.

    Raises:
        MappingError: The first of `QUESTIONS` about the first file that has one; it proposes no mapping.
    """
    for relation, chosen in (part for parts in opened.values() for part in parts):
        columns = _Columns(relation, chosen)
        for question in QUESTIONS:
            if (error := question(columns)) is not None:
                raise error


def _unsolved_formulas(columns: _Columns) -> MappingError | None:
    """Formulas that a program wrote and no spreadsheet has worked out: their cells would be read as blank, and nobody would have left."""
    unsolved = columns.relation.reading.unsolved
    header = next((choice.header for choice in columns.chosen.choices.values() if choice.header in unsolved), None)
    if header is None and columns.chosen.table == "customers" and not set(DEPARTURES) & set(columns.chosen.choices):
        header = next(iter(unsolved), None)  # whatever its header, it may say who left
    if header is None:
        return None
    return MappingError("formulas_unsolved", {"file": columns.file, "column": header, "count": unsolved[header]})


def _cut_ids(columns: _Columns) -> MappingError | None:
    """A spreadsheet cut ids short: 1.23E+12 stands for thousands of customers."""
    column = columns.relation.column(columns.chosen.header("customer_id") or "")
    ids = [text.strip() for text in column.sample if text and text.strip()] if column is not None and column.is_text else []
    cut = [text for text in ids if _SCIENTIFIC.fullmatch(text)]
    if column is None or len(cut) <= _FEW_CUT * len(ids):
        return None
    return MappingError("ids_cut_short", {"file": columns.file, "column": column.header, "value": cut[0]})


def _repeated_header(columns: _Columns) -> MappingError | None:
    twice = next((choice for choice in columns.unsure if choice.reason == "twice"), None)
    if twice is None:
        return None
    values = {"file": columns.file, "column": twice.header, "other": f"{twice.header} (2)", "field": twice.field}
    return MappingError("header_twice", values | {"table": columns.chosen.table})


def _free_text(columns: _Columns) -> MappingError | None:
    text = next((choice for choice in columns.chosen.choices.values() if _is_text(columns.relation, columns.chosen, choice)), None)
    if text is None:
        return None
    values = {"file": columns.file, "column": text.header, "candidates": columns.candidates, "table": columns.chosen.table}
    return MappingError("complained_is_text" if text.field == "complained" else "category_is_text", values)


def _coded_flag(columns: _Columns) -> MappingError | None:
    known = columns.chosen.yes_values
    coded = next((choice for choice in columns.unsure if choice.reason == "which_yes" and choice.field not in known), None)
    column = columns.relation.column(coded.header) if coded is not None else None
    if coded is None or column is None:
        return None
    found = values_to_ask(column.sample, header=normalise_header(coded.header))
    return _flag_question(columns.relation, columns.chosen.table, coded.field, column, found)


def _missing_category(columns: _Columns) -> MappingError | None:
    if columns.doubtful != ["category"]:
        return None
    values = {"file": columns.file, "candidates": columns.candidates, "table": columns.chosen.table, "headers": columns.headers}
    return MappingError("reason_missing" if columns.chosen.table in REASON_TABLES else "category_missing", values)


def _fiscal_months(columns: _Columns) -> MappingError | None:
    fiscal = next((choice for choice in columns.unsure if choice.reason == "fiscal"), None)
    if fiscal is None:
        return None
    return MappingError("fiscal_months", {"file": columns.file, "column": fiscal.header, "field": fiscal.field, "table": columns.chosen.table})


def _departure_without_day(columns: _Columns) -> MappingError | None:
    gone = columns.chosen.choices.get("churned")
    if columns.chosen.table != "customers" or "start_date" not in columns.doubtful or gone is None or gone.confidence < CERTAIN:
        return None
    return MappingError("left_without_time", {"file": columns.file, "column": gone.header, "headers": columns.headers})


def _unreadable_values(columns: _Columns) -> MappingError | None:
    misfits = [choice for choice in columns.unsure if choice.reason in {"not_dates", "not_numbers", "not_flags", "not_scores"}]
    misfit = misfits[0] if misfits else None
    if misfit is None or len(columns.doubtful) != len(misfits) or (columns.chosen.table == "volumes" and longer_periods(columns.relation)):
        return None
    column = columns.relation.column(misfit.header)
    value = next((text for text in (column.sample if column is not None else ()) if text and text.strip().lower() not in BLANK_TEXTS), "")
    values = {"file": columns.file, "column": misfit.header, "field": misfit.field, "value": value[:60], "headers": columns.headers}
    values |= {"column": ", ".join(one.header for one in misfits), "field": ", ".join(one.field for one in misfits), "table": columns.chosen.table}
    return MappingError("values_unreadable", values)


def _long_periods(columns: _Columns) -> MappingError | None:
    asked = columns.chosen.table == "volumes" and "month" in columns.doubtful
    periods = longer_periods(columns.relation) if asked else ()
    return MappingError("periods_not_months", {"file": columns.file, "periods": ", ".join(periods[:4])}) if periods else None


def _sums_beside(columns: _Columns) -> MappingError | None:
    """Volumes in which a column that is not read has a label, such as all regions, whose rows are the sums of the others: they would count twice."""
    if columns.chosen.table != "volumes" or "complaints" not in columns.chosen.choices:
        return None
    month, category, count = (columns.relation.column(columns.chosen.header(name) or "") for name in ("month", "category", "complaints"))
    taken = {choice.header for choice in columns.chosen.choices.values()}
    for label in columns.relation.columns:
        if month is None or category is None or count is None or label.header in taken or not label.is_text or len(set(label.texts)) > MOST_LABELS:
            continue
        value = _label_of_sums(list(zip(month.sample, category.sample, count.sample, label.sample, strict=False)))
        if value:
            return MappingError("sums_beside", {"file": columns.file, "column": label.header, "value": value})
    return None


def _label_of_sums(rows: list[tuple[str | None, ...]]) -> str:
    """The label whose count, in every month and category, is the sum of those of several other labels; "" for none."""
    cells: dict[tuple[str | None, str | None], dict[str, int]] = {}
    for month, category, count, label in rows:
        text = (count or "").strip()
        if not text.isdigit() or not label or label.strip() in cells.setdefault((month, category), {}):
            return ""
        cells[month, category][label.strip()] = int(text)
    labels = {label for found in cells.values() for label in found}
    whole = [found for found in cells.values() if len(found) > 2]
    for label in sorted(labels) if len(whole) > 1 and len(whole) == len(cells) else ():
        if all(label in found and 2 * found[label] == sum(found.values()) for found in whole) and any(found[label] for found in whole):
            return label
    return ""


def _missing_header(columns: _Columns) -> MappingError | None:
    return missing_header(columns.relation, columns.chosen.table) if columns.doubtful else None


def missing_header(relation: SourceTable, table: str) -> MappingError | None:
    """The question about a file whose first line holds values; None where it holds names, or there is no such line."""
    reading = relation.reading
    sample = [tuple(row) for row in zip(*(column.sample[:20] for column in relation.columns), strict=False)]
    if not reading.header_line or not is_data([without_number(header) for header in reading.headers], sample):
        return None
    # The first values of a file without a header: a word among them may be the name of a person.
    firsts = [without_number(header) for header in reading.headers[:MOST_HEADERS]]
    shown = ", ".join(text if kind_of(text) in {"number", "day"} else "…" for text in firsts)
    return MappingError("no_header", {"file": reading.file, "line": reading.header_line, "headers": shown, "table": table})


def _empty_columns(columns: _Columns) -> MappingError | None:
    empty = [choice for choice in columns.unsure if choice.reason == "empty"]
    if not empty or len(columns.doubtful) != len(empty):
        return None
    values = {"file": columns.file, "column": empty[0].header, "field": empty[0].field, "headers": columns.headers, "table": columns.chosen.table}
    return MappingError("column_empty", values)


def _doubtful_columns(columns: _Columns) -> MappingError | None:
    if not columns.doubtful:
        return None
    known = {name: choice.header for name, choice in columns.chosen.choices.items() if choice.confidence >= CERTAIN}
    sure = [name if name == header else f"{name} <- {header}" for name, header in known.items()]
    values = {"file": columns.file, "table": columns.chosen.table, "fields": ", ".join(columns.doubtful), "headers": columns.headers}
    return MappingError("mapping_uncertain", values | {"understood": ", ".join(sure) or "–", "first": columns.doubtful[0]})


QUESTIONS: tuple[Callable[[_Columns], MappingError | None], ...] = (  # in this order; the last one asks about everything else
    _unsolved_formulas, _cut_ids, _repeated_header, _fiscal_months, _free_text, _coded_flag, _missing_category, _departure_without_day,
    _empty_columns, _unreadable_values, _long_periods, _missing_header,
    _sums_beside, _doubtful_columns,
)  # fmt: skip
UNANSWERABLE = frozenset({  # by no mapping
    "ids_cut_short", "formulas_unsolved", "periods_not_months", "files_differ", "flat_beside_dates", "sums_beside",
})  # fmt: skip


def _is_text(relation: SourceTable, mapping: ColumnMapping, choice: FieldChoice) -> bool:
    """Whether a column that was proposed, or named, as a category holds free text: it would be kept, and shown, as names of categories."""
    column = relation.column(choice.header)
    if choice.field == "category":
        summed = mapping.table == "surveys" or (mapping.table == "volumes" and "complaints" in mapping.choices)  # each may stand there once
        return not summed and column is not None and column.is_text and holds_texts(column.sample)
    return choice.field == "complained" and choice.reason == "free_text" and choice.confidence < CERTAIN
