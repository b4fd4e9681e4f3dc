"""A workbook as a French company sends it: eight odd headers, two date formats, ids in two cases, 19 spellings of 7 categories."""

import io
from datetime import date, timedelta

import numpy as np
import pandas as pd

SPELLINGS = {
    "Facturation": ("Facturation", "FACTURATION", "facturation "),
    "Livraison": ("Livraison", "livraison"),
    "Temps d'attente": ("Temps d'attente", "Tps d'attente", "TEMPS D\N{RIGHT SINGLE QUOTATION MARK}ATTENTE"),
    "Qualité du produit": ("Qualité du produit", "qualite produit", "Qualité  du produit"),
    "Site / application": ("Site / application", "Site/appli"),
    "Attitude du personnel": ("Attitude du personnel", "Attitude personnel", "attitude du Personnel"),
    "Tarifs": ("Tarifs", "tarif", "TARIFS"),
}
CUSTOMERS = ("Réf. adhérent", "Dt effet contrat", "Dt résil. (si résilié)", "Nom agence", "Mt annuel HT (€)")
COMPLAINTS = ("N° adhérent", "Reçue le", "Motif")
NAMES = ("Adhérents.xlsx", "Réclamations.xlsx")


def make_workbooks(*, customers: int = 5000, seed: int = 7) -> tuple[bytes, bytes]:
    """The workbooks of customers and complaints; every complaint names a customer of the first."""
    rng = np.random.default_rng(seed)
    first, last = date(2022, 1, 1), date(2026, 6, 30)
    starts = [first + timedelta(days=int(days)) for days in rng.integers(0, 1400, customers)]
    ends = [None if rng.random() > 0.35 else start + timedelta(days=int(rng.integers(90, 1600))) for start in starts]
    ends = [end if end is not None and end < last else None for end in ends]
    ids = [f"C{number:06d}" for number in range(customers)]
    people = pd.DataFrame(
        {
            CUSTOMERS[0]: ids,
            CUSTOMERS[1]: [start.strftime("%d/%m/%Y") for start in starts],
            CUSTOMERS[2]: ["" if end is None else end.strftime("%d/%m/%Y") for end in ends],
            CUSTOMERS[3]: rng.choice(["Paris", "Lyon", "Lille", "Nantes"], customers),
            CUSTOMERS[4]: [f"{amount:.2f} €".replace(".", ",") for amount in rng.gamma(4, 90, customers)],
        }
    )
    spellings = [(spelling, 1.0 if place == 0 else 0.3) for group in SPELLINGS.values() for place, spelling in enumerate(group)]
    weights = np.array([weight for _, weight in spellings])
    rows = []
    for number in rng.choice(customers, 900, replace=False):
        start, end = starts[number], ends[number] or last
        if (end - start).days < 30:
            continue
        day = start + timedelta(days=int(rng.integers(5, (end - start).days)))
        written = ids[number] if rng.random() < 0.7 else f" {ids[number].lower()}"
        motive = rng.choice([spelling for spelling, _ in spellings], p=weights / weights.sum())
        rows.append((written, day.isoformat() if day < date(2025, 1, 1) else f"{day:%d/%m/%Y}", motive))
    return _book(people, "Adhérents"), _book(pd.DataFrame(rows, columns=list(COMPLAINTS)), "Réclamations")


def _book(table: pd.DataFrame, sheet: str) -> bytes:
    book = io.BytesIO()
    with pd.ExcelWriter(book, engine="xlsxwriter") as writer:
        table.to_excel(writer, sheet_name=sheet, index=False, startrow=2)
        writer.sheets[sheet].write(0, 0, "Extraction CRM au 30/06/2026")
    return book.getvalue()
