"""The sheet of the four spheres, written empty and read back filled: a cell that cannot be right is named with its place; nothing is guessed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from iceberg.cohort.audit.sheet import unguarded
from iceberg.cohort.journey.spheres import FIELDS, UNITS, SphereRow, SphereSheet
from iceberg.errors import EvidenceError, FileError, OptionError
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source
from iceberg.ingest.schema import SEVERAL
from iceberg.ingest.tables import Tables
from iceberg.locale import LANGUAGES, Translator

_T = TypeVar("_T")
_WHOLE = re.compile(r"(\d{1,9})(?:\.0)?")  # a spreadsheet hands 3 over as 3.0
_GROUPS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}\b)")
_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,6})?")
_ONE_OR_THOUSAND = re.compile(r"\d{1,3}[.,]\d{3}")  # 1,200 is 1.2 in one country and 1200 in another
_PERCENT_SIGN = re.compile(r"\s*%$")


def sphere_template(categories: Sequence[str], words: Translator) -> bytes:
    """The sheet as CSV, one row per category, to be filled in.

    Args:
        categories: Their names, already safe in a spreadsheet.
        words: Language of the header.
    """
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n", delimiter=";" if words.decimal(0.5, 1) == "0,5" else ",")
    writer.writerow([words.text(f"spheres.columns.{name}") for name in FIELDS])
    writer.writerows([name, *[""] * (len(FIELDS) - 1)] for name in categories)
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def complaint_categories(tables: Tables) -> list[str]:
    """Names of the categories of the complaints, or of their volumes, those of most rows first; empty where there are none."""
    table = next((name for name in ("complaints", "volumes") if name in tables.names), None)
    if table is None:
        return []
    each = f"SELECT unnest(string_split(category, {quote_text(SEVERAL)})) AS name FROM {table}"  # noqa: S608  # names and texts of this package
    counted = f"SELECT name FROM ({each}) WHERE name <> '' GROUP BY name ORDER BY count(*) DESC, name"  # noqa: S608  # as above
    found = tables.connection.execute(counted).fetchall()
    return [str(name) for (name,) in found]


def read_sphere_sheet(sources: Sequence[Source], *, categories: Sequence[str] | None = None) -> SphereSheet:
    """The rows of a filled sheet; rows of which nothing is said are left out.

    Args:
        sources: The file, CSV or workbook; several are read as one sheet.
        categories: Those of the company; None accepts each.

    Raises:
        FileError: ``spheres_column``, ``spheres_column_twice``, ``spheres_no_category``, or a file that is no table.
        EvidenceError: ``spheres_empty``.
        OptionError: A cell that cannot be right: ``spheres_blank``, ``spheres_category``, ``spheres_repeated``, ``spheres_number``,
            ``spheres_thousands``, ``spheres_whole``, ``spheres_percent``, ``spheres_unit``, ``spheres_no_unit``, ``spheres_rank_twice``.
    """
    rows: list[SphereRow] = []
    names: list[str] = []
    places: dict[str | int, str] = {}  # of categories and ranks: where they stand first
    with Load.open() as load:
        for source in sources:
            table = load.read(source, ReadOptions(settle=True))
            names.append(table.reading.file)
            fields = _fields_of(table)
            texts = ", ".join(f"trim(coalesce(CAST({table.columns[place].text_sql} AS VARCHAR), ''))" for place in fields.values())
            found = load.connection.execute(f"SELECT {texts} FROM {table.from_sql}").fetchall()  # noqa: S608  # quoted by the table
            for line, values in enumerate(found, table.first_row):
                if any(values):
                    headers = {name: table.columns[place].header.strip() for name, place in fields.items()}
                    row = _Cells(dict(zip(fields, values, strict=True)), headers, table.reading.file, line).row(categories)
                    _note_place(row, places, headers, f"{table.reading.file}, {line}", {"file": table.reading.file, "line": str(line)})
                    rows.append(row)
    said = tuple(row for row in rows if not row.is_blank)
    if not said:
        raise EvidenceError("spheres_empty", {"file": ", ".join(names)})
    return SphereSheet(said)


def _note_place(row: SphereRow, places: dict[str | int, str], headers: dict[str, str], here: str, place: dict[str, str]) -> None:
    """Remember where a category and a priority stand; refuse the second of each."""
    if row.category in places:
        raise OptionError("spheres_repeated", place | {"column": headers["category"], "value": row.category, "other": places[row.category]})
    places[row.category] = here
    if row.priority_rank is not None:
        if row.priority_rank in places:
            other = {"column": headers["priority_rank"], "value": row.priority_rank, "other": places[row.priority_rank]}
            raise OptionError("spheres_rank_twice", place | other)
        places[row.priority_rank] = here


def _fields_of(table: SourceTable) -> dict[str, int]:
    """The place of the column of each field; a column that is none is refused, since it may be a field that is misspelled."""
    known = {_plain(Translator(language).text(f"spheres.columns.{name}")): name for language in LANGUAGES for name in FIELDS}
    known |= {_plain(name): name for name in FIELDS}
    found: dict[str, int] = {}
    for place, column in enumerate(table.columns):
        name, value = known.get(_plain(column.header)), {"file": table.reading.file, "column": place + 1, "value": column.header[:80]}
        if name is None:
            raise FileError("spheres_column", value | {"known": ", ".join(FIELDS)})
        if name in found:
            raise FileError("spheres_column_twice", value | {"other": found[name] + 1})
        found[name] = place
    if "category" not in found:
        raise FileError("spheres_no_category", {"file": table.reading.file, "known": ", ".join(FIELDS)})
    return found


def _plain(header: str) -> str:
    return " ".join(header.replace("_", " ").split()).casefold()


class _Cells:
    """The cells of one row with their place."""

    def __init__(self, values: dict[str, str], headers: dict[str, str], file: str, line: int) -> None:
        self._values, self._headers, self._place = values, headers, {"file": file, "line": str(line)}

    def row(self, categories: Sequence[str] | None) -> SphereRow:
        """The row, each cell checked."""
        promise, expected = self._read("promise_value", self._number), self._read("expected_value", self._number)
        unit = self._read("promise_unit", self._unit)
        if unit is None and (promise is not None or expected is not None):
            name = "promise_value" if promise is not None else "expected_value"
            column = self._headers.get("promise_unit", "promise_unit")
            raise OptionError("spheres_no_unit", self._at(name) | {"unit_column": column, "known": ", ".join(UNITS)})
        if unit == UNITS[-1]:
            promise, expected = self._read("promise_value", self._percent), self._read("expected_value", self._percent)
        return SphereRow(
            self._category(categories if any(text for name, text in self._values.items() if name != "category") else None),
            promise,
            unit,
            self._read("target", self._percent),
            self._read("priority_rank", self._rank),
            self._read("believed_leavers", self._whole),
            expected,
        )

    def _at(self, name: str) -> dict[str, str]:
        return self._place | {"column": self._headers.get(name, name), "value": self._values.get(name, "")[:40]}

    def _category(self, categories: Sequence[str] | None) -> str:
        text = unguarded(self._values["category"])
        if not text:
            raise OptionError("spheres_blank", self._at("category"))
        if categories is None or text in categories:
            return text
        alike = [name for name in categories if name.casefold() == text.casefold()]
        if len(alike) != 1:
            raise OptionError("spheres_category", self._at("category") | {"known": ", ".join(categories)})
        return alike[0]

    def _read(self, name: str, read: Callable[[str, str], _T]) -> _T | None:
        text = _GROUPS.sub("", self._values.get(name, ""))
        return read(name, text) if text else None

    def _number(self, name: str, text: str) -> float:
        text = _PERCENT_SIGN.sub("", text)
        if _ONE_OR_THOUSAND.fullmatch(text) and not text.startswith("0"):
            raise OptionError("spheres_thousands", self._at(name))
        if not _NUMBER.fullmatch(text):
            raise OptionError("spheres_number", self._at(name))
        return float(text.replace(",", "."))

    def _percent(self, name: str, text: str) -> float:
        """A share from a percentage; one without a sign up to 1 may be a share already."""
        value, signed = self._number(name, text), text.endswith("%")
        if value > 100 or (0 < value <= 1 and not signed):
            raise OptionError("spheres_percent", self._at(name))
        return value / 100

    def _whole(self, name: str, text: str) -> int:
        read = _WHOLE.fullmatch(text)
        if read is None:
            raise OptionError("spheres_whole", self._at(name))
        return int(read[1])

    def _rank(self, name: str, text: str) -> int:
        value = self._whole(name, text)
        if value < 1:
            raise OptionError("spheres_whole", self._at(name))
        return value

    def _unit(self, name: str, text: str) -> str:
        plain = text.casefold()
        for unit in UNITS:
            spoken = {unit, *(word for language in LANGUAGES for word in Translator(language).text(f"spheres.unit_words.{unit}").split(", "))}
            if plain in spoken:
                return unit
        raise OptionError("spheres_unit", self._at(name) | {"known": ", ".join(UNITS)})
