"""Exports as the systems write them: the same sixty customers and their complaints, in each system's own headers, dates and habits."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

Rows = list[list[object]]


class Export(NamedTuple):
    """Files of one system and what must be in them.

    Attributes:
        files: Bytes by name.
        extra_rejected: Rows that are no customers: footers, sums.
        has_end: Whether the export says who left.
    """

    files: dict[str, bytes]
    extra_rejected: int = 0
    has_end: bool = True


CUSTOMERS = [(n, date(2024, 1, 3) + timedelta(days=7 * n), date(2026, 1, 2) + timedelta(days=n) if n % 3 == 0 else None) for n in range(60)]
COMPLAINTS = [(n, start + timedelta(days=40 + n)) for n, start, _ in CUSTOMERS if n % 2 == 0]
LEFT = sum(end is not None for _, _, end in CUSTOMERS)


def _text(
    headers: str, rows: Rows, *, separator: str = ",", encoding: str = "utf-8", quoting: int = csv.QUOTE_MINIMAL, before: str = "", after: str = ""
) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator="\r\n")
    writer.writerow(headers.split("|"))
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return (before + buffer.getvalue() + after).encode(encoding)


def _us(day: date | None) -> str:
    return f"{day.month}/{day.day}/{day.year}" if day else ""


def _fr(day: date | None) -> str:
    return day.strftime("%d/%m/%Y") if day else ""


def _unix(day: date | None) -> object:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()) if day else ""


def _sf(n: int) -> str:
    return f"0018d00000{n:05d}"


def salesforce() -> Export:
    """Reports with quotes everywhere and the legal lines below."""
    accounts = [[_sf(n), f"Acme {n}", "J. Doe", "Customer", "1,234.00", _us(s), _us(s), _us(e)] for n, s, e in CUSTOMERS]
    cases = [[f"{n:08d}", _sf(n), f"Acme {n}", "Help", "Closed", "Billing", "Web", f"{_us(t)} 9:05 AM"] for n, t in COMPLAINTS]
    after = '\r\n"Report: Accounts"\r\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\r\n"Confidential Information"\r\n'
    headers = "Account ID|Account Name|Account Owner|Type|Annual Revenue|Created Date|Customer Since|Contract End Date"
    names = "Case Number|Account ID|Account Name|Subject|Status|Case Reason|Case Origin|Date/Time Opened"
    files = {"report1.csv": _text(headers, accounts, quoting=csv.QUOTE_ALL, after=after), "report2.csv": _text(names, cases, quoting=csv.QUOTE_ALL)}
    return Export(files, extra_rejected=3)


def salesforce_data_loader() -> Export:
    """API names in capitals; accounts do not say who left."""
    accounts = [[_sf(n) + "AAX", "false", f"Acme {n}", "Customer", f"{s}T10:00:00.000Z"] for n, s, _ in CUSTOMERS]
    cases = [[f"500{n:012d}AAA", f"{n:08d}", _sf(n) + "AAX", "Billing", "true", f"{t}T10:00:00.000Z"] for n, t in COMPLAINTS]
    files = {
        "account.csv": _text("ID|ISDELETED|NAME|TYPE|CREATEDDATE", accounts),
        "case.csv": _text("ID|CASENUMBER|ACCOUNTID|REASON|ISCLOSED|CREATEDDATE", cases),
    }
    return Export(files, has_end=False)


def salesforce_french() -> Export:
    accounts = [[_sf(n), f"Société {n}", "Client", "1 234,00 EUR", _fr(s), _fr(e)] for n, s, e in CUSTOMERS]
    cases = [[f"{n:08d}", _sf(n), "Aide", "Fermée", "Facturation", f"{_fr(t)} 09:05"] for n, t in COMPLAINTS]
    headers = "ID du compte|Nom du compte|Type|Chiffre d'affaires annuel|Date de création|Date de fin du contrat"
    names = "Numéro de la requête|ID du compte|Objet|Statut|Motif de la requête|Date/Heure d'ouverture"
    how = {"separator": ";", "encoding": "utf-8-sig"}
    return Export({"comptes.csv": _text(headers, accounts, **how), "requetes.csv": _text(names, cases, **how)})  # type: ignore[arg-type]


def hubspot() -> Export:
    companies = [[7_000_000_000 + n, f"Acme {n}", f"{s} 10:22", "customer", f"{s} 10:22", f"{e} 00:00" if e else ""] for n, s, e in CUSTOMERS]
    tickets = [
        [90_000 + n, "Hello", "Support", f"{t} 12:00", "Email", "Billing", f"Acme {n}", 7_000_000_000 + n, f"{n};{n + 1}"] for n, t in COMPLAINTS
    ]
    headers = "Record ID|Company name|Create date|Lifecycle Stage|Became a Customer Date|Churn date"
    names = "Ticket ID|Ticket name|Pipeline|Create date|Source|Category|Associated Company|Associated Company IDs|Associated Contact IDs"
    return Export({"companies.csv": _text(headers, companies), "tickets.csv": _text(names, tickets)})


def hubspot_french() -> Export:
    companies = [[7_000_000_000 + n, f"Acme {n}", f"{s} 10:22", "Client", f"{e} 00:00" if e else ""] for n, s, e in CUSTOMERS]
    tickets = [[90_000 + n, "Bonjour", f"{t} 12:00", "E-mail", "Facturation", 7_000_000_000 + n] for n, t in COMPLAINTS]
    headers = "ID de fiche d'informations|Nom de l'entreprise|Date de création|Phase du cycle de vie|Date de résiliation"
    names = "ID du ticket|Nom du ticket|Date de création|Source|Catégorie|Associated Company IDs"
    return Export({"entreprises.csv": _text(headers, companies), "tickets.csv": _text(names, tickets)})


def zendesk() -> Export:
    """Tickets name the customer by the external id that the CRM gave."""
    customers = [[f"CRM-{n:05d}", s, e, "pro"] for n, s, e in CUSTOMERS]
    tickets = [
        [1, 5000 + n, "Jane", 360_000_000 + n, f"CRM-{n:05d}", "j@x.fr", "Hi", "vip late", "Closed", "Problem", f"{t} 09:12:22 +0200", "billing"]
        for n, t in COMPLAINTS
    ]
    names = "Summation column|Id|Requester|Requester id|Requester external id|Requester email|Subject|Tags|Status|Ticket type|Created at|Motif [list]"
    return Export({"crm.csv": _text("external_id|created|churned_at|plan", customers), "tickets.csv": _text(names, tickets)})


def freshdesk() -> Export:
    contacts = [[88_000_000_000 + n, "Jane", f"{s} 10:00:00", f"{e} 10:00:00" if e else ""] for n, s, e in CUSTOMERS]
    tickets = [[n, "Hi", "Closed", "Email", "Billing", f"{t} 10:00:00", "", "00:10:00", 88_000_000_000 + n, "Acme"] for n, t in COMPLAINTS]
    names = "Ticket ID|Subject|Status|Source|Type|Created time|Resolved time|First response time (in hrs)|Contact ID|Company Name"
    return Export({"contacts.csv": _text("Contact ID|Full name|Created time|Customer until", contacts), "tickets.csv": _text(names, tickets)})


def dynamics() -> Export:
    """Cases name the account by its name; the accounts' own id is a number."""
    accounts = [[f"{n:08x}-22", "xY==", f"Acme {n}", f"ACC{n:04d}", f"{_us(s)} 9:05 AM", "$12,000.00", _us(e)] for n, s, e in CUSTOMERS]
    cases = [[f"{n:08x}-11", "xY==", "Hi", f"CAS-{n}", f"Acme {n}", "Web", f"{_us(t)} 9:05 AM", "Billing"] for n, t in COMPLAINTS]
    hidden = "(Do Not Modify) Entity GUID|(Do Not Modify) Row Checksum"
    headers = f"{hidden}|Account Name|Account Number|Created On|Annual Revenue|Contract End Date"
    return Export(
        {"accounts.csv": _text(headers, accounts), "cases.csv": _text(f"{hidden}|Case Title|Case Number|Customer|Origin|Created On|Subject", cases)}
    )


def dynamics_french() -> Export:
    accounts = [[f"{n:08x}-22", f"Acme {n}", f"ACC{n:04d}", f"{_fr(s)} 09:05", "12 000,00 €", _fr(e)] for n, s, e in CUSTOMERS]
    cases = [[f"{n:08x}-11", "Bonjour", f"Acme {n}", "Web", f"{_fr(t)} 09:05", "Facturation"] for n, t in COMPLAINTS]
    headers = "(Ne pas modifier) Compte|Nom du compte|Numéro de compte|Créé le|Chiffre d'affaires annuel|Date de résiliation"
    names = "(Ne pas modifier) Incident|Titre de l'incident|Client|Origine|Créé le|Objet"
    return Export({"comptes.csv": _text(headers, accounts, separator=";"), "incidents.csv": _text(names, cases, separator=";")})


def stripe_with_zendesk() -> Export:
    subscriptions = [
        [f"sub_{n}", f"cus_{n:06d}", "Pro", "eur", "month", "29.00", "canceled" if e else "active", f"{s} 10:11", f"{s} 10:11", e, e]
        for n, s, e in CUSTOMERS
    ]
    tickets = [[n, "Jane", 999 + n, f"cus_{n:06d}", "Hi", "Problem", f"{t} 09:12"] for n, t in COMPLAINTS]
    headers = "id|Customer ID|Product|Currency|Interval|Amount|Status|Created (UTC)|Start (UTC)|Canceled At (UTC)|Ended At (UTC)"
    names = "Id|Requester|Requester id|Requester external id|Subject|Ticket type|Created at"
    return Export({"subscriptions.csv": _text(headers, subscriptions), "tickets.csv": _text(names, tickets)})


def chargebee() -> Export:
    """Unix seconds; customers who will not renew have not left, although the export has the day of the cancellation."""
    rows = [
        [f"Az{n}", f"C{n:05d}", "pro", "cancelled" if e else "non_renewing", _unix(s), _unix(s), _unix(e or date(2026, 6, 1)), "29.00"]
        for n, s, e in CUSTOMERS
    ]
    complaints = [[f"C{n:05d}", _unix(t), "billing"] for n, t in COMPLAINTS]
    headers = "id|customer_id|plan_id|status|created_at|started_at|cancelled_at|mrr"
    return Export({"subscriptions.csv": _text(headers, rows), "complaints.csv": _text("customer_id|created_at|category", complaints)})


def recurly() -> Export:
    """Accounts beside subscriptions; canceled customers stay until the subscription expires."""
    accounts = [[f"acc{n:05d}", "j@x.fr", f"{s}T10:00:00Z"] for n, s, _ in CUSTOMERS]
    rows = [
        [
            f"s{n}",
            f"acc{n:05d}",
            "gold",
            "expired" if e else "canceled",
            "29.00",
            f"{s}T10:00:00Z",
            "2026-01-01T10:00:00Z",
            f"{e or '2026-06-01'}T10:00:00Z",
        ]
        for n, s, e in CUSTOMERS
    ]
    complaints = [[f"acc{n:05d}", f"{t}T10:00:00Z", "billing"] for n, t in COMPLAINTS]
    headers = "subscription_id|account_code|plan_code|state|unit_amount|activated_at|canceled_at|expires_at"
    files = {
        "subscriptions.csv": _text(headers, rows),
        "accounts.csv": _text("account_code|account_email|account_created_at", accounts),
        "complaints.csv": _text("account_code|complaint_date|category", complaints),
    }
    return Export(files)


def french_excel() -> Export:
    """Prose above the header with other line ends, narrow no-break spaces, a sum below, comments over two lines."""
    rows = [
        [f"{n:06d}", f"Société {n}", _fr(s), _fr(e), "Prix" if e else "", "Résilié" if e else "Actif", "PME", "12\u202f345,50 €"]
        for n, s, e in CUSTOMERS
    ]
    complaints = [[n, f"{n:06d}", _fr(t), "Téléphone", "Facturation", 'Bonjour,\nje suis "déçu" ; merci', "Clos"] for n, t in COMPLAINTS]
    headers = "N° Client|Raison sociale|Date d'entrée|Date de sortie|Motif de résiliation|Statut|Segment|CA HT (€)"
    before, after = "Extraction clients du 30/06/2026\nService Relation Client\n\n", "Total;;;;;;;740 730,00 €\r\n"
    names = "N° réclamation|Code client|Date de réception|Canal|Motif|Commentaire|Statut"
    files = {
        "clients.csv": _text(headers, rows, separator=";", encoding="utf-8-sig", before=before, after=after),
        "reclamations.csv": _text(names, complaints, separator=";", encoding="cp1252"),
    }
    return Export(files, extra_rejected=1)


SYSTEMS = {
    make.__name__: make
    for make in (
        salesforce,
        salesforce_data_loader,
        salesforce_french,
        hubspot,
        hubspot_french,
        zendesk,
        freshdesk,
        dynamics,
        dynamics_french,
        stripe_with_zendesk,
        chargebee,
        recurly,
        french_excel,
    )
}
