"""Variants of the kinds of `tests.ingest.kinds`: other languages, other systems, other ways to write the same; all values are invented.

Each text is the smallest file of its kind.
"""

from __future__ import annotations

import io

import xlsxwriter

from tests.ingest.kinds import FLAGGED

# Headers and values that say who left, and no day: the header, yes, no.
FLAGS = (
    ("Churn Label", "Yes", "No"),
    ("Churn Value", "1", "0"),
    ("Client désactivé", "VRAI", "FAUX"),
    ("Abandon", "1", "0"),
    ("Leaver", "x", ""),
    ("Encerrado", "sim", "não"),
    ("Kündigung", "Ja", "Nein"),  # also a header of last days
    ("Résilié", "O", "N"),
    ("Baja", "Sí", "No"),
    ("subscriber_state", "canceled", "active"),
    ("account_state", "closed", "open"),
    ("Situation", "Sorti", "Actif"),
)
# Words of a state of which two say neither that a customer left nor that one is here, and the one that says it.
STATES = (
    ("State", ("live", "gone", "hold", "test"), "gone"),
    ("Estado", ("Activo", "Baja", "Suspendido", "Prueba"), "Baja"),
    ("Zustand", ("aktiv", "gekündigt", "pausiert", "Test"), "gekündigt"),
    ("Situation", ("En cours", "Clos", "Gelé", "Nouveau"), "Clos"),
)
# Amounts as they are written, and what they are worth per year.
AMOUNTS = (
    ("U.S.$ 1,200.50", 1200.5),
    ("￥1,200.50", 1200.5),
    ("Rs 1,200.50/-", 1200.5),
    ("Dhs. 1,200.50", 1200.5),
    ("1 200,50 руб", 1200.5),
    ("PKR 1,200.50", 1200.5),
    ("1 200,50 € / an", 1200.5),
    ("1.200,50 € pro Jahr", 1200.5),
    ("$1,200.50 p.a.", 1200.5),
    ("100,50 €/mois", 1206.0),
    ("$100.50 per month", 1206.0),
    ("CHF 100.50 pro Monat", 1206.0),
)
# 7 March 2024 as it is written.
DAYS = (
    "jueves, 7 de marzo de 2024",
    "giovedì 7 marzo 2024",
    "quinta-feira, 7 de março de 2024",
    "donderdag 7 maart 2024",
    "gio 07/03/2024",
    "2024-03-07 (Thu)",
    "07/03/2024 22:05 h",
    "7.3.2024 klo 10.05",
)


def flagged(header: str, yes: str, no: str) -> str:
    """Sixty customers of whom twenty left, by a flag."""
    lines = [line.rsplit(",", 1) for line in FLAGGED.splitlines()]
    return "\n".join(f"{rest},{header if flag == 'churned' else yes if flag == '1' else no}" for rest, flag in lines) + "\n"


def states(header: str, words: tuple[str, ...]) -> str:
    """A sheet without dates with a state in words."""
    rows = "".join(f"{n},{n},{words[n % 4]},{'YN'[n % 2]}\n" for n in range(60))
    return f"Member ID,Tenure months,{header},Complained\n{rows}"


def formulas_under(header: str) -> bytes:
    """A book with formulas that no spreadsheet has worked out, under a header that nothing knows."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["customer_id", "start_date", header])
    for row in range(1, 30):
        sheet.write_row(row, 0, [f"C{row}", f"2023-01-{row % 28 + 1:02d}"])
        sheet.write_formula(row, 2, f"=B{row + 1}+120")
    book.close()
    return target.getvalue()


# Raw tables of systems: the table of customers keyed by its own id, beside an id that several share, and tickets that point at it.
GLPI = {
    "users.csv": "id,date_creation,is_active,entities_id\n"
    + "".join(f"{900 + n},2023-01-{n % 28 + 1:02d},{int(n % 5 > 0)},{n % 3}\n" for n in range(60)),
    "tickets.csv": "id,date,users_id_recipient,itilcategories_id,entities_id\n"
    + "".join(f"{n},2024-0{n % 9 + 1}-11,{900 + n % 50},{'Invoice' if n % 2 else 'Outage'},{n % 3}\n" for n in range(80)),
}
SALESFORCE = {
    "Account.csv": "Id,CreatedDate,Type,ParentId\n"
    + "".join(f"001{900 + n}AAA,2023-01-{n % 28 + 1:02d}T10:00:00.000Z,{'Customer' if n % 4 else 'Former Customer'},\n" for n in range(60)),
    "Case.csv": "Id,CaseNumber,CreatedDate,AccountId,Reason\n"
    + "".join(f"500{n},{n:08d},2024-0{n % 9 + 1}-11T10:00:00.000Z,001{900 + n % 50}AAA,{'Bill' if n % 2 else 'Tech'}\n" for n in range(80)),
}
STRANGERS = "id,created_at,organization_id\n" + "".join(
    f"{900 + n},2023-{n % 12 + 1:02d}-{n % 28 + 1:02d},{70 + n % 4 if n % 3 else ''}\n" for n in range(60)
)
SUBTOTALS = "month,category,complaints\n" + "".join(
    f"2024-0{month},{name},{count}\n" for month in (1, 2, 3) for name, count in (("A", 10), ("B", 20), ("Sous total", 30), ("C", 5), ("Total", 35))
)


def several(separator: str) -> str:
    """Complaints with two categories in some cells."""
    cells = ("Delay", "Billing", f"Delay{separator}Billing", "Quality", f"Billing{separator}Quality")
    return "customer_id,complaint_date,category\n" + "".join(f'K{n},2024-0{n % 9 + 1}-11,"{cells[n % 5]}"\n' for n in range(60))
