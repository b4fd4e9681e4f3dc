"""Small exports of habits that no other list here has: layouts, days, amounts, ids and flags as people leave them; all values are invented.

Each was written down with its right outcome before it was read for the first time.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import xlsxwriter

from tests.ingest.further_systems import day, first, last

NUMBERS = range(40)
ENDLESS = ("00.00.0000", "31.12.9999", "")
WHYS = ("Billing", "Delivery", "Quality")
MONTHS_FR = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


@dataclass(frozen=True)
class Habit:
    """One export.

    Attributes:
        files: Content by file name.
        holds: Value by question: how many customers, how many left, sums of days since 2000 and of revenue; complaints; volumes.
        code: Of the question or refusal; "" where the files are read, with the proposal of a question about columns taken as it is.
        notes: Codes of notes that have to be there.
        kept: Whether rows are kept at all.
        ids: Steps that are proposed to make ids comparable.
    """

    files: dict[str, bytes]
    holds: dict[str, float] = field(default_factory=dict)
    code: str = ""
    notes: tuple[str, ...] = ()
    kept: bool = True
    ids: tuple[str, ...] = ()


def lines(header: str, row: Callable[[int], str], *, numbers: range = NUMBERS, end: str = "\r\n", encoding: str = "utf-8") -> bytes:
    return (end.join([header, *(row(n) for n in numbers)]) + end).encode(encoding)


def book(sheets: dict[str, list[list[object]]], *, hidden: tuple[str, ...] = (), merged: tuple[str, ...] = ()) -> bytes:
    """A workbook; in the sheets of `merged` equal labels of the first column are one merged cell."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True})
    days = made.add_format({"num_format": "dd/mm/yyyy"})
    for name, rows in sheets.items():
        sheet = made.add_worksheet(name)
        if name in hidden:
            sheet.hide()
        else:
            sheet.activate()
            sheet.set_first_sheet()
        for at, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(at, place, cell, days)
                elif cell is not None:
                    sheet.write(at, place, cell)
        if name in merged:
            labels = [row[0] for row in rows]
            starts = [at for at in range(1, len(labels)) if labels[at] != labels[at - 1]] + [len(labels)]
            for start, stop in pairwise(starts):
                if stop - start > 1:
                    sheet.merge_range(start, 0, stop - 1, 0, labels[start])
    made.close()
    return target.getvalue()


def since(days: list[date]) -> int:
    return sum((one - date(2000, 1, 1)).days for one in days)


LEFT = [one for n in NUMBERS if (one := last(n)) is not None]
WHO = {"customers": 40, "first days": since([first(n) for n in NUMBERS])}
GONE = WHO | {"left": len(LEFT), "last days": since(LEFT)}
HERE = WHO | {"left": 0}
SPOKE = [n for n in NUMBERS if n % 2 == 0]
SAID = {"complaints": 20, "categories": 3, "complaint days": since([day(n) for n in SPOKE]), "met": 20}
YEAR = sum(100.5 + n for n in NUMBERS)
# Twelve months of three categories, n-th month and category c: 10 n + c.
VOLUME = {"volume": sum(10 * m + c for m in range(1, 13) for c in range(3)), "volume categories": 3, "volume months": 12}


def end(n: int, form: str, blank: str = "") -> str:
    gone = last(n)
    return gone.strftime(form) if gone is not None else blank


def serial(one: date | None) -> str:
    """The number of a spreadsheet."""
    return str((one - date(1899, 12, 30)).days) if one is not None else ""


def spelt(form: str, one: date | None, clock: str = "") -> str:
    return form.format(one) + clock if one is not None else ""


def customers(n: int) -> str:
    return f"K{n:03d},{first(n)},{end(n, '%Y-%m-%d')}"


PLAIN = lines("customer_id,start_date,end_date", customers)
TICKETS = lines("customer_id,complaint_date,category", lambda n: f"K{n:03d},{day(n)},{WHYS[n // 2 % 3]}", numbers=range(0, 40, 2))


def money(n: int) -> str:
    return f"{100.5 + n:.2f}"


def comma(n: int) -> str:
    return money(n).replace(".", ",")


def one(name: str, data: bytes, holds: dict[str, float], **more: object) -> Habit:
    return Habit({name: data}, holds, **more)  # type: ignore[arg-type]  # the names of the attributes


def _wide(total_row: bool, total_column: bool, months: list[object]) -> list[list[object]]:
    rows: list[list[object]] = [["Motif", *months, *(["Total"] if total_column else [])]]
    for c, why in enumerate(WHYS):
        counts = [10 * m + c for m in range(1, 13)]
        rows.append([why, *counts, *([sum(counts)] if total_column else [])])
    if total_row:
        sums = [sum(10 * m + c for c in range(3)) for m in range(1, 13)]
        rows.append(["Total général", *sums, *([sum(sums)] if total_column else [])])
    return rows


def _text(rows: list[list[object]], separator: str = ";") -> bytes:
    return ("\r\n".join(separator.join(str(cell) for cell in row) for row in rows) + "\r\n").encode()


_DATED = [["N° client", "Date d'entrée", "Date de résiliation"], *([f"K{n:03d}", first(n), last(n)] for n in NUMBERS)]
_OLD = [["N° client", "Date d'entrée", "Date de résiliation"], *([f"OLD{n}", date(2020, 1, 1), date(2021, 1, 1)] for n in range(90))]
_LONG = [["Motif", "Mois", "Nb réclamations"], *([why, date(2024, m, 1), 10 * m + c] for c, why in enumerate(WHYS) for m in range(1, 13))]
_FEES = ("9,90 €;Mensuelle", "29,70 €;Trimestrielle", "118,80 €;Annuelle")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_KOREAN = "{0.year}년 {0.month}월 {0.day}일"
_CHINESE = "{0.year}年{0.month}月{0.day}日"
HABITS: dict[str, Habit] = {
    # Layouts
    "a line of groups above the header": one(
        "clients.csv",
        b"Client;;Contrat;\r\n"
        + lines("N\u00b0 client;Nom;Date d'effet;Date de fin", lambda n: f"K{n:03d};x;{first(n):%d/%m/%Y};{end(n, '%d/%m/%Y')}"),
        GONE,
    ),
    "a total and a signature below": one(
        "clients.csv",
        lines("N° client;Date d'entrée;Date de sortie", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};{end(n, '%d/%m/%Y')}")
        + "Total;40 clients;\r\n;;\r\nÉdité le 30/06/2026 par le service clients;;\r\n".encode(),
        GONE,
    ),
    "blanks around headers and cells": one(
        "c.csv", lines(" customer id ;start date  ; end date", lambda n: f"  K{n:03d} ; {first(n)} ; {end(n, '%Y-%m-%d')}  "), GONE
    ),
    "blank lines between the rows": one("c.csv", "\ufeff".encode() + lines("customer_id,start_date,end_date", customers, end="\r\n\r\n"), GONE),
    "line ends of an old Mac": one("c.csv", lines("customer_id,start_date,end_date", customers, end="\r"), GONE),
    "Unicode text of a spreadsheet": one(
        "c.txt",
        lines("customer_id\tstart_date\tend_date\tville", lambda n: f"K{n:03d}\t{first(n)}\t{end(n, '%Y-%m-%d')}\tNîmes", encoding="utf-16"),
        GONE,
    ),
    "a line that names the separator": one(
        "c.csv", b"sep=|\r\n" + lines("customer_id|start_date|end_date", lambda n: customers(n).replace(",", "|")), GONE
    ),
    "quotes around everything and pipes": one(
        "c.csv", lines('"customer_id"|"start_date"|"end_date"', lambda n: "|".join(f'"{cell}"' for cell in customers(n).split(","))), GONE
    ),
    "headers in capitals without blanks": one(
        "C.CSV", lines("CUSTOMERID;STARTDATE;ENDDATE", lambda n: f"K{n:03d};{first(n):%Y%m%d};{end(n, '%Y%m%d')}"), GONE
    ),
    "a hidden sheet of last year in front": one("clients.xlsx", book({"Archive": _OLD, "Clients": _DATED}, hidden=("Archive",)), GONE),
    "a hidden sheet behind": one("clients.xlsx", book({"Clients": _DATED, "Données": _OLD}, hidden=("Données",)), GONE),
    "title and blank lines in a workbook": one("clients.xlsx", book({"Extraction": [["Portefeuille au 30/06/2026"], [], [], *_DATED]}), GONE),
    # Volumes
    "merged labels of categories": one("volumes.xlsx", book({"Volumes": _LONG}, merged=("Volumes",)), VOLUME),
    "French months across": one("volumes.csv", _text(_wide(False, False, [f"{name} 24" for name in MONTHS_FR])), VOLUME),
    "months across with totals on both sides": one("volumes.csv", _text(_wide(True, True, [f"{m:02d}/2024" for m in range(1, 13)])), VOLUME),
    "months across as days of a workbook": one(
        "volumes.xlsx", book({"Feuil1": _wide(True, False, [date(2024, m, 1) for m in range(1, 13)])}), VOLUME
    ),
    "months across in Japanese": one("volumes.csv", _text(_wide(False, False, [f"2024年{m}月" for m in range(1, 13)])), VOLUME),
    "year and month in two columns": one(
        "volumes.csv",
        _text([["Année", "Mois", "Motif", "Nombre"], *([2024, m, why, 10 * m + c] for c, why in enumerate(WHYS) for m in range(1, 13))]),
        VOLUME,
    ),
    "weeks of ISO": one(
        "volumes.csv",
        _text([["week", "category", "complaints"], *([f"2024-W{w:02d}", why, w] for w in range(1, 30) for why in WHYS)], ","),
        {},
        code="periods_not_months",
    ),
    "weeks in French": one(
        "volumes.csv",
        _text([["Semaine", "Motif", "Nombre"], *([f"S{w:02d} 2024", why, w] for w in range(1, 30) for why in WHYS)]),
        {},
        code="periods_not_months",
    ),
    "thousands in a count": one(
        "volumes.csv",
        _text([["Monat", "Grund", "Anzahl"], *([f"{m:02d}.2024", why, f"1'{200 + 10 * m + c}"] for c, why in enumerate(WHYS) for m in range(1, 13))]),
        VOLUME | {"volume": VOLUME["volume"] + 36 * 1200},
    ),
    # Days
    "days of two digits with points": one(
        "kunden.csv", lines("Kundennummer;Kunde seit;Kündigung zum", lambda n: f"K{n:03d};{first(n):%d.%m.%y};{end(n, '%d.%m.%y')}"), GONE
    ),
    "no end in three ways of SAP": one(
        "kunden.csv",
        lines("Kundennummer;Vertragsbeginn;Vertragsende", lambda n: f"K{n:03d};{first(n):%d.%m.%Y};{end(n, '%d.%m.%Y', ENDLESS[n % 3])}"),
        GONE,
    ),
    "an endless end with a time": one(
        "c.csv",
        lines("customer_id,valid_from,valid_to", lambda n: f"K{n:03d},{first(n)} 00:00:00,{end(n, '%Y-%m-%d 00:00:00', '9999-12-31 23:59:59')}"),
        GONE,
    ),
    "serial days as text": one("c.csv", lines("customer_id;start_date;end_date", lambda n: f"K{n:03d};{serial(first(n))};{serial(last(n))}"), GONE),
    "an apostrophe before each day": one(
        "c.csv",
        lines("customer_id;start_date;end_date", lambda n: f"'K{n:03d};'{first(n)};{end(n, chr(39) + '%Y-%m-%d')}"),
        WHO | {"left": len(LEFT)},
    ),
    "Korean days": one("고객.csv", lines("고객번호,가입일,해지일", lambda n: f"K{n:03d},{spelt(_KOREAN, first(n))},{spelt(_KOREAN, last(n))}"), GONE),
    "Chinese days with the half of the day": one(
        "客户.csv",
        lines("客户编号,注册日期,终止日期", lambda n: f"K{n:03d},{spelt(_CHINESE, first(n), ' 下午3:05')},{spelt(_CHINESE, last(n), ' 上午9:05')}"),
        GONE,
    ),
    "Korean days of Windows beside complaints": Habit(
        {
            "customers.csv": PLAIN,
            "tickets.csv": lines(
                "customer_id,complaint_date,category", lambda n: f"K{n:03d},{day(n)} 오후 3:05:00,{WHYS[n // 2 % 3]}", numbers=range(0, 40, 2)
            ),
        },
        GONE | SAID,
    ),
    "digits of Arabic": one(
        "c.csv", lines("customer_id,start_date", lambda n: f"K{n:03d},{str(first(n)).translate(_ARABIC)}"), {}, code="values_unreadable"
    ),
    "years of Buddha": one("c.csv", lines("customer_id,start_date", lambda n: f"K{n:03d},{first(n):%d/%m}/{first(n).year + 543}"), {}, kept=False),
    # Who left
    "the last contact is no last day": one(
        "c.csv", lines("customer_id,start_date,last_contact", lambda n: f"K{n:03d},{first(n)},{end(n, '%Y-%m-%d')}"), HERE, notes=("no_end_date",)
    ),
    "le dernier contact non plus": one(
        "c.csv",
        lines("N° client;Date d'entrée;Dernier contact", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};{end(n, '%d/%m/%Y')}"),
        HERE,
        notes=("no_end_date",),
    ),
    "nor the last activity, the last visit or the last call": one(
        "c.csv",
        lines(
            "customer_id,start_date,last activity,letzter Kontakt,ultimo contatto,dernier passage",
            lambda n: f"K{n:03d},{first(n)}" + f",{end(n, '%Y-%m-%d')}" * 4,
        ),
        HERE,
        notes=("no_end_date",),
    ),
    "a tick for who left, with the day": one(
        "c.csv",
        lines(
            "N° client;Date d'entrée;Parti ?;Date de départ", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};{'✓' if last(n) else ''};{end(n, '%d/%m/%Y')}"
        ),
        GONE,
    ),
    # Ids
    "ids as numbers with a point": Habit(
        {
            "customers.csv": lines("customer_id,start_date,end_date", lambda n: f"{100001 + n}.0,{first(n)},{end(n, '%Y-%m-%d')}"),
            "complaints.csv": lines(
                "customer_id,complaint_date,category", lambda n: f"{100001 + n},{day(n)},{WHYS[n // 2 % 3]}", numbers=range(0, 40, 2)
            ),
        },
        GONE | {"complaints": 0},
        ids=("strip_decimal",),
    ),
    "ids cut short by a spreadsheet": one("c.csv", lines("customer_id,start_date", lambda n: f"1.{n % 10}E+05,{first(n)}"), {}, code="ids_cut_short"),
    "a header with the id in brackets": Habit(
        {
            "clients.csv": lines("N° client;Date d'entrée;Date de sortie", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};{end(n, '%d/%m/%Y')}"),
            "reclamations.csv": lines(
                "Réf.;Demandeur (N° client);Reçue le;Motif", lambda n: f"R{n};K{n:03d};{day(n):%d/%m/%Y};{WHYS[n // 2 % 3]}", numbers=range(0, 40, 2)
            ),
        },
        GONE | SAID,
    ),
    # Amounts
    "apostrophes and a code behind": one(
        "c.csv",
        lines("customer_id;start_date;annual revenue", lambda n: f"K{n:03d};{first(n)};1'{money(n)} CHF"),
        WHO | {"revenue": YEAR + 40 * 1000},
    ),
    "a code behind and blanks between": one(
        "c.csv",
        lines("N° client;Date d'entrée;CA annuel", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};1 {comma(n)} EUR"),
        WHO | {"revenue": YEAR + 40 * 1000},
    ),
    "no cents and a sign before": one(
        "c.csv",
        lines("klantnummer;klant sinds;omzet", lambda n: f"K{n:03d};{first(n):%d-%m-%Y};€ 1.{100 + n},-"),
        WHO | {"revenue": sum(1100 + n for n in NUMBERS)},
    ),
    "per month in the cell": one(
        "c.csv", lines("Kundennummer;Kunde seit;Beitrag", lambda n: f"K{n:03d};{first(n):%d.%m.%Y};{comma(n)} €/Monat"), WHO | {"revenue": 12 * YEAR}
    ),
    "a price beside its billing period": one(
        "c.csv",
        lines("customer_id,start_date,price,billing_cycle", lambda n: f"K{n:03d},{first(n)},{(10, 100)[n % 2]},{('monthly', 'annual')[n % 2]}"),
        WHO | {"revenue": 20 * 120 + 20 * 100},
        notes=("revenue_by_row",),
    ),
    "une cotisation et sa périodicité": one(
        "c.csv",
        lines("N° adhérent;Date d'adhésion;Cotisation;Périodicité", lambda n: f"K{n:03d};{first(n):%d/%m/%Y};{_FEES[n % 3]}"),
        WHO | {"revenue": 40 * 118.8},
        notes=("revenue_by_row",),
    ),
    "a revenue beside the way it is paid": one(
        "c.csv",
        lines("customer_id,start_date,revenue,payment_frequency", lambda n: f"K{n:03d},{first(n)},{money(n)},monthly"),
        {},
        code="revenue_period_unclear",
    ),
}
