"""The columns of a sheet, and filled sheets read back: everything that does not fit is named, with its place; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iceberg.cohort.audit.record import HIGHEST, ITEMS, LOWEST, ScoredCases
from iceberg.errors import EvidenceError, FileError, IcebergError, OptionError
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source
from iceberg.locale import LANGUAGES, Translator

LEADING = ("case", "category", "stratum", "probability", "rater")
_SCORE = re.compile(r"([0-4])(?:[.,]0+)?")
_DRAWN_ALIKE = 1e-6
_WHOLE = 0.1  # judgement: further from a whole number than this, complaints of a stratum are no whole number


def sheet_headers(words: Translator) -> list[str]:
    """The header of a sheet: what identifies a case, then each item."""
    leading = [words.text(f"audit.columns.{name}") for name in LEADING]
    return [_plain(header) for header in (*leading, *(item_question(item, words) for item in ITEMS))]


def item_question(item: str, words: Translator) -> str:
    """The short name of an item, its wording and its anchors."""
    return f"{item_label(item, words)}. {words.text(f'audit.items.{item}.asks')} {words.text(f'audit.items.{item}.anchors')}"


def item_label(item: str, words: Translator) -> str:
    """The short name of an item: Humanity 1."""
    hum, number = item.split("_")
    return f"{words.text(f'audit.hums.{hum}')} {number}"


@dataclass(frozen=True)
class _Row:
    """One row of a sheet with its place."""

    file: str
    line: int
    case: str
    category: str
    stratum: str
    probability: float
    rater: str
    scores: tuple[float, ...]


def read_sheets(sources: Sequence[Source], *, language: str | None = None, categories: Sequence[str] | None = None) -> ScoredCases:
    """The scores of one or more filled sheets.

    Args:
        sources: The files, CSV or workbook.
        language: In which the sheets have to be; None accepts each, as long as all are in the same.
        categories: Those of the company; None accepts each.

    Raises:
        FileError: ``audit_header``, ``audit_language``, ``audit_languages``, or a file that is no table.
        EvidenceError: ``audit_empty``, ``audit_never_met``.
        OptionError: A cell that cannot be right: ``audit_blank``, ``audit_score``, ``audit_probability``, ``audit_category``, ``audit_repeated``,
            ``audit_differs``.
    """
    rows: list[_Row] = []
    spoken: dict[str, str] = {}
    with Load.open() as load:
        for source in sources:
            table = load.read(source, ReadOptions(settle=True))
            file = table.reading.file
            spoken[file] = _language_of(table, language)
            cells = [column.text_sql for column in table.columns[: len(LEADING) + len(ITEMS)]]
            texts = ", ".join(f"trim(coalesce(CAST({cell} AS VARCHAR), ''))" for cell in cells)
            words = Translator(spoken[file])
            found = load.connection.execute(f"SELECT {texts} FROM {table.from_sql}").fetchall()
            rows += [_row_of(values, file, table.first_row + place, words) for place, values in enumerate(found) if any(values)]
    if len(set(spoken.values())) > 1:
        first, second = next(iter(spoken)), next(file for file in spoken if spoken[file] != next(iter(spoken.values())))
        raise FileError("audit_languages", {"file": first, "other": second})
    _check_rows(rows, categories)
    return _numbered(rows, ", ".join(spoken))


def _language_of(table: SourceTable, language: str | None) -> str:
    """The language of the header.

    Raises:
        FileError: It is that of another language, or of none.
    """
    found = [_plain(column.header) for column in table.columns]
    names = {name: [_plain(header) for header in sheet_headers(Translator(name))] for name in LANGUAGES}
    spoken = next((name for name, headers in names.items() if found[: len(headers)] == headers), None)
    file = table.reading.file
    if spoken is None:
        closest = max(names, key=lambda name: sum(one == other for one, other in zip(found, names[name], strict=False)))
        expected = names[closest]
        place = next((place for place, header in enumerate(expected) if place >= len(found) or found[place] != header), 0)
        value = found[place] if place < len(found) else ""
        raise FileError("audit_header", {"file": file, "column": place + 1, "value": value[:80], "expected": expected[place][:80]})
    if language is not None and spoken != language:
        names_of = {name: Translator(name).conventions.name for name in (spoken, language)}
        raise FileError("audit_language", {"file": file, "language": names_of[spoken], "wanted": names_of[language], "code": spoken})
    return spoken


def _plain(text: str) -> str:
    """With ordinary blanks, which every spreadsheet keeps; those that do not break are none of old encodings."""
    return " ".join(text.split())


def _row_of(values: Sequence[str], file: str, line: int, words: Translator) -> _Row:
    """A row, its cells checked.

    Raises:
        OptionError: A cell that is blank or cannot be read.
    """
    named = dict(zip(LEADING, values, strict=False))
    place = {"file": file, "line": str(line)}
    for name in ("case", "category", "rater"):
        if not named[name]:
            raise OptionError("audit_blank", place | {"column": words.text(f"audit.columns.{name}")})
    try:
        probability = float(named["probability"].replace(",", "."))
    except ValueError:
        probability = 0.0
    if not 0 < probability <= 1:
        raise OptionError("audit_probability", place | {"column": words.text("audit.columns.probability"), "value": named["probability"]})
    scores = []
    for item, text in zip(ITEMS, values[len(LEADING) :], strict=True):
        read = _SCORE.fullmatch(text)
        if text and read is None:
            raise OptionError("audit_score", place | {"column": item_label(item, words), "value": text[:40], "low": LOWEST, "high": HIGHEST})
        scores.append(float(read[1]) if read is not None else np.nan)
    return _Row(file, line, named["case"], unguarded(named["category"]), named["stratum"], probability, named["rater"], tuple(scores))


def unguarded(text: str) -> str:
    """The text without the apostrophe by which the sheet kept a spreadsheet from taking it for a formula."""
    return text[1:] if re.match(r"'[=+\-@]", text) else text


def _check_rows(rows: Sequence[_Row], categories: Sequence[str] | None) -> None:
    """Check what no single cell shows."""
    seen: set[tuple[str, str]] = set()
    first: dict[str, _Row] = {}
    for one in rows:
        place = {"file": one.file, "line": str(one.line)}
        if categories is not None and one.category not in categories:
            raise OptionError("audit_category", place | {"value": one.category, "known": ", ".join(categories)})
        if (one.case, one.rater) in seen:
            raise OptionError("audit_repeated", place | {"case": one.case, "rater": one.rater})
        seen.add((one.case, one.rater))
        other = first.setdefault(one.case, one)
        if other.category != one.category or abs(other.probability - one.probability) > _DRAWN_ALIKE:
            raise OptionError("audit_differs", place | {"case": one.case, "other": f"{other.file}, {other.line}"})


def _numbered(rows: Sequence[_Row], files: str) -> ScoredCases:
    """The rows with a score, ids and names replaced by numbers in their order.

    Raises:
        EvidenceError: No row has a score, or raters share no case.
    """
    scored = sorted((one for one in rows if np.isfinite(one.scores).any()), key=lambda one: (one.case, one.rater))
    if not scored:
        raise EvidenceError("audit_empty", {"file": files})
    problem = _apart(scored)
    if problem is not None:
        raise problem
    ids, names = sorted({one.case for one in scored}), sorted({one.rater for one in scored})
    categories = tuple(sorted({one.category for one in scored}))
    by_case, place = {one.case: one for one in scored}, {case: number for number, case in enumerate(ids)}
    return ScoredCases(
        categories=categories,
        category=np.array([categories.index(by_case[case].category) for case in ids], dtype=np.int64),
        weight=np.array([1 / by_case[case].probability for case in ids]),
        case=np.array([place[one.case] for one in scored], dtype=np.int64),
        rater=np.array([names.index(one.rater) for one in scored], dtype=np.int64),
        scores=np.array([one.scores for one in scored]),
        blank_rows=len(rows) - len(scored),
        incomplete=_incomplete(rows),
    )


def _incomplete(rows: Sequence[_Row]) -> tuple[str, ...]:
    """Categories of which lines of the draw are missing: the cases of a stratum over their probability are all its complaints, a whole number.

    Not seen where one over the probability is a whole number, as where all complaints or half of them were drawn, and where it is too large to be
    written exactly enough.
    """
    cases: dict[tuple[str, str, float], set[str]] = {}
    for one in rows:
        cases.setdefault((one.category, one.stratum, one.probability), set()).add(one.case)
    missing = set()
    for (category, _, probability), found in cases.items():
        complaints, rounding = len(found) / probability, len(found) * _DRAWN_ALIKE / probability**2
        if abs(complaints - round(complaints)) > max(rounding, _WHOLE):
            missing.add(category)
    return tuple(sorted(missing))


def _apart(rows: Sequence[_Row]) -> IcebergError | None:
    """The error of raters who cannot be compared: no chain of cases that two scored leads from one to the other."""
    raters = sorted({one.rater for one in rows})
    group = {name: name for name in raters}
    by_case: dict[str, list[str]] = {}
    for one in rows:
        by_case.setdefault(one.case, []).append(one.rater)
    for met in by_case.values():
        for other in met[1:]:
            old, new = group[other], group[met[0]]
            group = {name: new if value == old else value for name, value in group.items()}
    if len(raters) == 1:
        return EvidenceError("audit_one_rater", {"rater": raters[0]})
    groups = [[name for name in raters if group[name] == label] for label in dict.fromkeys(group.values())]
    if len(groups) > 1:
        return EvidenceError("audit_never_met", {"first": ", ".join(groups[0]), "second": ", ".join(groups[1])})
    return None
