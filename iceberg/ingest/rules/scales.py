"""Finds out on which scale the scores of a file are, by the whole column; what it cannot tell it asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, Opened
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.schema import SCALES, Scale
from iceberg.ingest.values.scores import ScaleQuestion, read_score, recognise_scale

_MOST_VALUES = 5_000  # judgement: a column with more different cells holds no scores
# What a column beside the scores calls each kind of question.
_KINDS = {
    "NPS": re.compile(r"nps|net promoter|recommend|recommand"),
    "CSAT": re.compile(r"csat|satisf"),
    "CES": re.compile(r"\bces\b|effort"),
}


def scale_of(connection: Queryable, source: SourceTable, mapping: ColumnMapping, columns: Mapping[str, SourceColumn]) -> Scale | None:
    """The scale of the column ``score``: the one that the mapping names, else the one that header and values show; None without scores.

    Raises:
        MappingError: ``scores_several_kinds``, ``scores_two_scales``, ``scores_off_scale``, ``scores_scale_unknown``, ``values_unreadable``.
    """
    column = columns.get("score")
    if column is None:
        return None
    if "kind" in columns:
        _require_one_kind(connection, source, mapping, columns["kind"])
    if mapping.scale:
        return SCALES[mapping.scale]
    counted = _counted(connection, source, column)
    found = recognise_scale(normalise_header(column.header), counted)
    if isinstance(found, Scale):
        return found
    values = {"file": source.reading.file, "column": column.header, "field": "score", "table": mapping.table}
    if found is None:
        unread = next((text for text in counted if text.strip() and read_score(text) is None), "")
        if not unread:
            return SCALES["0-10"]  # no cell holds a score: whichever scale, there is nothing to read
        raise MappingError("values_unreadable", values | {"value": unread[:60], "headers": ", ".join(source.reading.headers)})
    raise _question(source, column, found, values)


def require_one_scale(parts: Sequence[tuple[Opened, Scale | None]]) -> None:
    """Stop where the files of one table have their scores on two scales.

    Raises:
        MappingError: ``scores_files_differ``.
    """
    scales = [(source.reading.file, scale.name) for (source, _), scale in parts if scale is not None]
    other = next((one for one in scales[1:] if one[1] != scales[0][1]), None)
    if other is not None:
        raise MappingError("scores_files_differ", {"file": scales[0][0], "scale": scales[0][1], "other": other[0], "second": other[1]})


def _question(source: SourceTable, column: SourceColumn, found: ScaleQuestion, values: dict[str, str]) -> MappingError:
    """The question with the first line of each example."""
    values = values | {"scales": ", ".join(SCALES), "candidates": ", ".join(found.candidates)}
    if found.code == "scores_off_scale":
        return MappingError(found.code, values | {"scale": found.first, "value": found.second, "line": _line_of(source, column, found.second)})
    values |= {"value": found.first, "other": found.second}
    if found.code == "scores_two_scales":
        values |= {"line": _line_of(source, column, found.first), "second": _line_of(source, column, found.second)}
    return MappingError(found.code, values)


def _line_of(source: SourceTable, column: SourceColumn, value: str) -> str:
    """The first line of the preview with this value, as an editor counts; "?" where it lies further down, or in rows without lines."""
    def same(text: str | None) -> bool:
        bare = (text or "").strip()
        try:
            return bare == value or float(bare.replace(",", ".")) == float(value)
        except ValueError:
            return False

    place = next((place for place, text in enumerate(column.sample) if same(text)), None)
    return "?" if place is None else str((source.reading.header_line or 1) + 1 + place)


def _require_one_kind(connection: Queryable, source: SourceTable, mapping: ColumnMapping, column: SourceColumn) -> None:
    """Stop where a column beside the scores names two kinds of question: one column then has two scales, or two meanings."""
    named = {text: kind for text in _counted(connection, source, column) for kind, pattern in _KINDS.items() if pattern.search(text.lower())}
    if len(set(named.values())) > 1:
        values = {"file": source.reading.file, "column": column.header, "values": ", ".join(sorted(named)[:6]), "table": mapping.table}
        raise MappingError("scores_several_kinds", values)


def _counted(connection: Queryable, source: SourceTable, column: SourceColumn) -> dict[str, int]:
    """How often each cell of the whole column stands there, the most frequent first; of the first rows where malformed lines stop the count."""
    text = column.text_sql
    cells = f"SELECT {text} AS cell, count(*) AS rows FROM {source.from_sql} WHERE {text} IS NOT NULL GROUP BY 1"
    query = f"{cells} ORDER BY rows DESC, cell LIMIT {_MOST_VALUES}"
    try:
        return {str(cell): int(rows) for cell, rows in connection.execute(query).fetchall()}
    except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
        return {cell: column.texts.count(cell) for cell in dict.fromkeys(column.texts)}
    finally:
        drop_rejects(connection, source)
