"""Writes the CSV: one long tidy table for programs, every figure of the estimate and the notes in one file.

It is the same in every language: commas, decimal points, codes for quantities (those of the JSON document); only names and notes are words. It starts
with a byte order mark, because Excel reads a file without one in the system's old code page and breaks every accent (``utf-8-sig``).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from iceberg.report.files.formula_guard import safe_cell
from iceberg.report.files.spreadsheet.sheets import Sheet

COLUMNS = ("table", "category", "segment", "month", "days_ahead", "quantity", "unit", "lower", "median", "upper", "text")
_DECIMALS = 6
_STEMS = {  # columns of the categories' sheet -> quantity, unit
    "silent": ("silent_churn", "customers"),
    "revenue_lost": ("revenue_lost", "money"),
    "placebo": ("placebo", "customers"),
    "common_cause": ("common_cause", "factor"),
    "supported": ("silent_ratio_posterior", "ratio"),
    "prior": ("silent_ratio_prior", "ratio"),
    "excess": ("excess_probability", "rate"),
}
_SINGLE = {
    "vocal_customers": "customers",
    "probability_first": "rate",
    "prior_share": "rate",
    "folk_leavers": "customers",
}


def build_csv(sheets: Sequence[Sheet], *, currency: str) -> bytes:
    """The sheets as one CSV: a row per quantity, `COLUMNS`; UTF-8 with a byte order mark, lines ended as RFC 4180 asks."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for sheet in sheets:
        for row in _ROWS[sheet.name](sheet):
            row["unit"] = currency if row.get("unit") == "money" else row.get("unit", "")
            writer.writerow([_written(row.get(column, "")) for column in COLUMNS])
    return b"\xef\xbb\xbf" + target.getvalue().encode("utf-8")


def _written(value: Any) -> str:  # noqa: ANN401  # any cell
    if isinstance(value, str):
        return safe_cell(value)
    if value is None:
        return ""  # not said at this level of evidence
    number = round(float(value), _DECIMALS)
    if not math.isfinite(number):
        return ""  # not known
    return str(int(number)) if number == int(number) else repr(number)


def _ends(lower: float, median: float, upper: float) -> dict[str, float]:
    return {"lower": lower, "median": median, "upper": upper}


def _total_rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for row in sheet.frame.to_dict("records"):
        yield {"table": "total", "quantity": row["quantity"], "unit": row["unit"], **_ends(row["lower"], row["median"], row["upper"])}


def _category_rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for row in sheet.frame.to_dict("records"):
        about = {"table": "category", "category": row["category"]}
        yield about | {"quantity": "verdict", "text": row["verdict"]}
        for name, unit in _SINGLE.items():
            yield about | {"quantity": name, "unit": unit} | _ends(row[name], row[name], row[name])
        for stem, (quantity, unit) in _STEMS.items():
            ends = _ends(*(row[f"{stem}_{end}"] for end in ("lower", "median", "upper")))
            if not math.isnan(ends["median"]):
                yield about | {"quantity": quantity, "unit": unit} | ends


def _cell_rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    """Months, levels of segment columns or segments: the estimate and the two observed counts beside it."""
    for row in sheet.frame.to_dict("records"):
        where = {"table": "month", "month": _months(row)} if sheet.name == "months" else {"table": "segment", "segment": row["segment"]}
        where |= {"table": f"segment: {row['column']}"} if sheet.name == "columns" else {}
        yield where | {"quantity": "silent_churn", "unit": "customers"} | _ends(row["lower"], row["median"], row["upper"])
        for name in ("vocal_customers", "silent_leavers"):
            yield where | {"quantity": name, "unit": "customers"} | _ends(row[name], row[name], row[name])


def _months(row: Mapping[Hashable, Any]) -> str:
    """``2025-01``, or ``2025-01..2025-05`` where months are taken together."""
    first, last = f"{row['month']:%Y-%m}", f"{row.get('last_month', row['month']):%Y-%m}"
    return first if first == last else f"{first}..{last}"


def _ahead_rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for row in sheet.frame.to_dict("records"):
        about = {"table": "ahead", "category": row["category"], "days_ahead": float(row["days"]), "quantity": "silent_churn", "unit": "customers"}
        yield about | _ends(row["lower"], row["median"], row["upper"])


def _text_rows(sheet: Sheet) -> Iterator[dict[str, Any]]:
    for row in sheet.frame.itertuples(index=False):
        name, *texts = (str(value) for value in row)
        yield {"table": sheet.name, "quantity": name, "text": " · ".join(texts)}


_ROWS = {
    "total": _total_rows,
    "categories": _category_rows,
    "months": _cell_rows,
    "columns": _cell_rows,
    "segments": _cell_rows,
    "ahead": _ahead_rows,
    "assumptions": _text_rows,
    "notes": _text_rows,
}
