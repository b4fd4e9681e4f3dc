"""Owns the breaking of files: bytes at random, cells at random, and seeds worth breaking."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks.fuzz.books import write_xls, write_xlsb

CUSTOMERS = ["N° client", "Date d'entrée", "Date de résiliation", "Segment", "CA annuel"]
COMPLAINTS = ["customer_id", "complaint_date", "category"]
VOLUMES = ["month", "category", "complaints"]
ACTIVITY = ["customer_id", "activity_date"]
SUBSCRIPTIONS = ["subscription_id", "customer_id", "start_date", "end_date", "mrr"]
EVENTS = ["customer_id", "churn_date", "reason"]
FLAT = ["Customer", "Tenure (months)", "Churn", "Complains", "Value"]
# Cells that have broken readers before.
NASTY = (
    "", " ", "NULL", "#N/A", "0", "-1", "1e309", "NaN", "inf", "1,234", "1.234,56", "12 345,67 €", "$1,234.50", "99%", "=1+1", "@x",
    "'", '"', '""', '\\"', "a;b", "a,b", "a\tb", "a\nb", "a\r\nb", "\r", "\x00", "\ufeff", "\u202f1", "é", "œuvre", "\U0001f600",
    "01/02/2024", "13/13/2024", "31/02/2024", "2024-02-30", "0000-00-00", "9999-12-31", "1706184000", "1706184000000", "45316",
    "2024-01-25T23:30:00+14:00", "25 janvier 2024", "Total", "true", "oui", "x" * 5000, "\U0001f4a5" * 50, "-infinity", "infinity",
    "epoch", "4714-11-24 (BC)", "294247-01-10", "99999999999999999999", "1_000", "０１", "٣",
)  # fmt: skip
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1")


@dataclass(frozen=True)
class Broken:
    """One file to read.

    Attributes:
        table: Table it is given for.
        name: File name.
        data: Its bytes.
        how: What was done to it, for the record.
        beside: Whole files of other tables that it is read with.
    """

    table: str
    name: str
    data: bytes
    how: str
    beside: tuple[Broken, ...] = ()


def make_file(rng: np.random.Generator) -> Broken:
    """A plausible table, broken; one in three stands beside a whole table that it has to be joined to."""
    broken = _broken(rng, int(rng.integers(7)))
    other = {"customers": "complaints", "complaints": "customers", "subscriptions": "customers", "events": "customers", "activity": "complaints"}
    if broken.table in other and (broken.table == "events" or rng.random() < 0.33):
        _, headers, rows = _table(rng, ["customers", "complaints"].index(other[broken.table]))
        whole = _as_text(rng, headers, rows).encode()
        broken = replace(broken, beside=(Broken(other[broken.table], "other.csv", whole, ""),), how=f"{broken.how}, beside {other[broken.table]}")
    return broken


def _broken(rng: np.random.Generator, which: int) -> Broken:
    table, headers, rows = _table(rng, which)
    how = []
    if rng.random() < 0.75:
        rows = _break_cells(rng, rows)
        how.append("cells")
    if rng.random() < 0.15:
        headers = _break_headers(rng, headers)
        how.append("headers")
    kind = str(rng.choice(["csv", "csv", "csv", "csv", "csv", "gz", "xlsx", "xls", "xlsb", "parquet"]))
    data = _write(rng, kind, headers, rows)
    if rng.random() < (0.7 if kind == "csv" else 0.4):
        data, told = _break_bytes(rng, data)
        how += told
    return Broken(table, f"file.{kind}", data, f"{kind}: {', '.join(how)}")


def _table(rng: np.random.Generator, which: int) -> tuple[str, list[str], list[list[str]]]:
    count = int(rng.integers(1, 40))
    first = np.datetime64("2023-01-01")
    days = [str(first + int(shift)) for shift in rng.integers(0, 900, count)]
    written = _dates(rng)
    ids = [f"{i:05d}" for i in rng.integers(0, 60, count)]
    words = rng.choice(["late", "prix", "défaut", "sav; retour", 'dit "x"'], count)
    ends = [written(str(np.datetime64(day) + 200)) if rng.random() < 0.3 else "" for day in days]
    if which == 0:
        rows = [[i, written(d), e, str(w), f"{rng.random() * 999:.2f}"] for i, d, e, w in zip(ids, days, ends, words, strict=True)]
        return "customers", list(CUSTOMERS), rows
    if which == 1:
        return "complaints", list(COMPLAINTS), [[i, written(d), str(w)] for i, d, w in zip(ids, days, words, strict=True)]
    if which == 2:
        return "volumes", list(VOLUMES), [[d[:7], str(w), str(int(rng.integers(0, 99)))] for d, w in zip(days, words, strict=True)]
    if which == 3:
        rows = [[f"S{n}", i, written(d), e, "12.5"] for n, (i, d, e) in enumerate(zip(ids, days, ends, strict=True))]
        return "subscriptions", list(SUBSCRIPTIONS), rows
    if which == 4:
        return "events", list(EVENTS), [[i, written(d), str(w)] for i, d, w in zip(ids, days, words, strict=True)]
    if which == 5:
        flags = rng.choice(["Yes", "No", "oui", "non", "1", "0", ""], (count, 2))
        return "flat", list(FLAT), [[i, str(n), str(left), str(told), "3,5"] for n, (i, (left, told)) in enumerate(zip(ids, flags, strict=True))]
    return "activity", list(ACTIVITY), [[i, written(d)] for i, d in zip(ids, days, strict=True)]


def _dates(rng: np.random.Generator) -> Callable[[str], str]:
    order = str(rng.choice(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d", "%d/%m/%Y %H:%M"]))
    return lambda day: pd.Timestamp(day).strftime(order)


def _break_cells(rng: np.random.Generator, rows: list[list[str]]) -> list[list[str]]:
    rows = [list(row) for row in rows]
    for _ in range(int(rng.integers(1, 8))):
        row = rows[int(rng.integers(len(rows)))]
        if not row:
            continue
        place, act = int(rng.integers(len(row))), int(rng.integers(6))
        if act < 3:
            row[place] = str(NASTY[int(rng.integers(len(NASTY)))])
        elif act == 3:
            row.pop(place)
        elif act == 4:
            row.insert(place, str(NASTY[int(rng.integers(len(NASTY)))]))
        else:
            rows.insert(int(rng.integers(len(rows) + 1)), list(row))
    return rows


def _break_headers(rng: np.random.Generator, headers: list[str]) -> list[str]:
    headers = list(headers)
    act = int(rng.integers(4))
    place = int(rng.integers(len(headers)))
    if act == 0:
        headers[place] = str(NASTY[int(rng.integers(len(NASTY)))])
    elif act == 1:
        headers[place] = headers[0]
    elif act == 2:
        headers = headers[::-1]
    else:
        headers[place] += "\n(2024)"
    return headers


def _write(rng: np.random.Generator, kind: str, headers: list[str], rows: list[list[str]]) -> bytes:
    if kind in {"csv", "gz"}:
        text = _as_text(rng, headers, rows)
        data = text.encode(str(rng.choice(ENCODINGS)), errors="replace")
        return gzip.compress(data, mtime=0) if kind == "gz" else data
    width = max(len(headers), *(len(row) for row in rows))
    names = [*headers, *(f"extra {i}" for i in range(width - len(headers)))]
    if kind in {"xls", "xlsb"}:
        cells = [[*names], *([_plain(cell) or None for cell in row] for row in rows)]
        return (write_xls if kind == "xls" else write_xlsb)({"Notice": [["a", "b"]], "Data": cells})  # type: ignore[arg-type]  # text and None
    frame = pd.DataFrame([[*row, *[None] * (width - len(row))] for row in rows], dtype=object)
    buffer = io.BytesIO()
    if kind == "parquet":
        frame.columns = pd.Index([f"{name} {i}" if names.count(name) > 1 else name for i, name in enumerate(names)])
        frame.map(_plain).to_parquet(buffer)
    else:
        frame.columns = pd.Index(names)
        frame.map(_plain).to_excel(
            buffer, index=False, engine="xlsxwriter", engine_kwargs={"options": {"strings_to_formulas": False, "strings_to_urls": False}}
        )
    return buffer.getvalue()


def _plain(cell: object) -> object:
    """Text that a spreadsheet can hold."""
    return "".join(letter for letter in cell if letter in "\t\n" or ord(letter) >= 32)[:5000] if isinstance(cell, str) else cell


def _as_text(rng: np.random.Generator, headers: list[str], rows: list[list[str]]) -> str:
    buffer = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if rng.random() < 0.2 else csv.QUOTE_MINIMAL
    end = str(rng.choice(["\n", "\r\n"]))
    writer = csv.writer(buffer, delimiter=str(rng.choice(SEPARATORS)), lineterminator=end, quoting=quoting)
    if rng.random() < 0.1:
        buffer.write(f"Export du 30 juin{end}{end}")
    writer.writerow(headers)
    writer.writerows(rows)
    return buffer.getvalue()


def _break_bytes(rng: np.random.Generator, data: bytes) -> tuple[bytes, list[str]]:
    broken, how = bytearray(data), []
    for _ in range(int(rng.integers(1, 5))):
        act = int(rng.integers(8))
        size = len(broken)
        if size < 4:
            break
        at = int(rng.integers(size))
        if act == 0:
            broken[at] = int(rng.integers(256))
            how.append("byte")
        elif act == 1:
            del broken[at : at + int(rng.integers(1, 50))]
            how.append("hole")
        elif act == 2:
            broken = broken[:at]
            how.append("cut off")
        elif act == 3:
            broken[at:at] = rng.bytes(int(rng.integers(1, 20)))
            how.append("noise")
        elif act == 4:
            broken[at:at] = str(NASTY[int(rng.integers(len(NASTY)))]).encode("utf-8", "replace")
            how.append("nasty text")
        elif act == 5:
            broken[at:at] = bytes([int(rng.choice([34, 10, 13, 0, 44, 59, 9, 92, 39]))])
            how.append("mark")
        elif act == 6:
            broken += broken[at : at + 200]
            how.append("piece again")
        else:
            other = int(rng.integers(size))
            broken[at : at + 20], broken[other : other + 20] = broken[other : other + 20], broken[at : at + 20]
            how.append("swap")
    return bytes(broken), how


def far_book(rng: np.random.Generator) -> bytes:
    """A book whose one cell lies anywhere."""
    column = "".join(chr(65 + int(letter)) for letter in rng.integers(0, 23, int(rng.integers(1, 4))))
    cell = f'<c r="{column}{int(rng.integers(1, 1_048_577))}"><v>1</v></c>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", f'<workbook><sheets><sheet name="s" sheetId="1" r:id="r"/></sheets>{cell}</workbook>')
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData><row>{cell}</row></sheetData></worksheet>")
    return buffer.getvalue()
