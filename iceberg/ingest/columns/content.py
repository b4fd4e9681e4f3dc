"""Lets the values of columns decide where their headers do not: which id is unique, which column numbers the cases, which days are last days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from iceberg.ingest.columns.content_ranks import TO_CONFIRM, is_unique, ranked
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.schema import MONTH_OF_YEAR
from iceberg.ingest.values.date_forms import days_in
from iceberg.ingest.values.dates import BLANK_TEXTS, STILL_HERE, recognise_dates
from iceberg.ingest.values.flags import MOST_VALUES, is_yes_or_no, names_departures, says_gone, state_words

_NAMED = 0.85  # judgement: words in the header and yes or no below it
_ENOUGH = 5  # judgement: fewer rows say nothing
_FEW_COMPANIES = 0.5  # judgement: customers who complain do so once or twice on average; a company has many complainants
# Headers of what several customers share: a person is not keyed by it where the table has an id of its own.
_SHARED = re.compile(
    r"(?:organi[sz]ations?|company|companies|group|groupe|household|societe|entreprise|organisation|foyer|parent account|entity|entities|entite|"
    r"department|departement|service|branch|agence|site|store|magasin|region|tenant|workspace|organisme|team|equipe|location)s?(?: ids?)?|"
    r"id (?:societe|entreprise|organisation|groupe|foyer)|sire[nt]"
)
_OWN_ID = ("id", "user id", "uuid", "guid", "row id")
# Headers of a state; the words below them have to say which, since a state may be one of a country.
_STATES = frozenset({
    "estado", "stato", "state", "zustand", "status", "statut", "etat", "situation", "situacion", "situazione", "situacao", "fase", "phase",
    "account status", "account state", "statut client", "statut compte", "etat client", "etat compte", "customer status", "customer state",
    "client status", "subscription status", "subscription state", "subscriber status", "subscriber state", "member status", "statut abonne",
    "statut contrat", "etat contrat", "contract status", "kundenstatus", "vertragsstatus", "estado cliente", "stato cliente", "statecode",
    "statuscode", "state code", "status code", "lifecycle stage", "lifecyclestage", "life cycle stage", "relationship type", "record status",
})  # fmt: skip
# Headers of yes and no that say something else than who left.
_OTHER_FLAGS = re.compile(
    r".*(?:newsletter|opt|consent|rgpd|gdpr|marketing|mail|sms|phone|tel|vip|premium|senior|partner|depend|child|enfant|married|marie|gender|sexe|card|"
    r"carte|credit|paper|papier|auto|trial|essai|test|internal|interne|b2b|pro|company|societe|fidel|loyal|promo|discount|remise|refer|parrain|verif|"
    r"valid|kyc|app|web|online|owner|proprio|insur|assur|backup|security|stream|support|tv|fiber|fibre|billing|complain|reclam|contact|bundle|"
    r"international|risk|risque|predict|flagged|new|nouveau|primary|principal|dup|doublon|tax|exempt|student|etudiant).*"
)
# Headers of days that say something else than when a customer left.
_OTHER_DAYS = re.compile(
    r".*(?:login|connexion|seen|vist[ao]|visit|updat|modif|birth|naiss|renew|renouv|pay|invoice|factur|contact|kontakt|contatt|"
    r"(?<!de)(?<!des)(?<!in)activ|(?<!in)aktivi|attivit|activid|order|command|bestell|ordin|pedido|purchase|achat|kauf|acquist|compra|aankoop|"
    r"passage|interac|interaz|interak|session|transac|usage|utilis|nutzung|besuch|accesso|acceso|anruf|llamad|chiamat|login|connect|verbind|"
    r"review|email|mail|trial|essai|export|extract|next|prochain|complain|reclam|ticket|call|appel).*"
)


def by_content(
    source: SourceTable, table: str, choices: Mapping[str, FieldChoice], by_name: Mapping[str, SourceColumn]
) -> dict[str, FieldChoice]:
    """The choices with what the values say.

    Args:
        source: The file.
        table: Canonical table.
        choices: Choices by header.
        by_name: Columns by normalised header.
    """
    found = dict(choices)
    if table == "customers" and "end_date" in found and found["end_date"].reason == "not_dates":
        found |= _said_instead(found.pop("end_date"), by_name)
    if table in {"customers", "flat"}:
        found |= _own_id(table, found, by_name)
    if "complaint_id" in found and not is_unique(source.column(found["complaint_id"].header)):
        del found["complaint_id"]
    if table == "volumes" and {"month", "category"} <= set(found) and "complaints" not in found:
        count = _counts(source, found)
        found |= {"complaints": count} if count is not None else {}
    found |= ranked(table, found, by_name.items())
    if table == "customers" and "start_date" in found and not {"end_date", "churned"} & set(found):
        last = _days_of_leaving(found, by_name) or _last_days(source, found, by_name)
        found |= {"end_date": last} if last is not None else {}
    if (table == "customers" and not {"end_date", "churned"} & set(found)) or (table == "flat" and "tenure" in found and "churned" not in found):
        gone = _gone(found, by_name)
        found = {name: choice for name, choice in found.items() if gone is None or choice.header != gone.header or name != "segment"}
        found |= {"churned": gone} if gone is not None else {}
    return found


def _gone(choices: Mapping[str, FieldChoice], by_name: Mapping[str, SourceColumn]) -> FieldChoice | None:
    """A column of yes and no under a header that says who left, or of words such as "cancelled" and "active" under any other, to be confirmed.

    A column of segments gives way: "Customer" and "Former customer" are no segments.
    """
    taken = {choice.header for name, choice in choices.items() if name != "segment"}
    free = [(name, column) for name, column in by_name.items() if column.header not in taken]
    for name, column in free:
        if names_departures(name, column.sample):
            return FieldChoice("churned", column.header, _NAMED, "header", "generic")
    for name, column in sorted(free, key=lambda one: one[0] not in _STATES):
        gone, here, words = state_words(column.sample) if column.is_text else (0, 0, 0)
        if ((gone and here) or (name in _STATES and gone + here)) and words <= MOST_VALUES:
            reason = "content" if gone + here == words else "which_yes"
            sure = name in _STATES and reason == "content"
            return FieldChoice("churned", column.header, _NAMED if sure else TO_CONFIRM, "header" if sure else reason, "content")
    flags = [column for name, column in free if is_yes_or_no(column.sample) and not _OTHER_FLAGS.fullmatch(name)]
    if {"customer_id", "start_date"} <= set(choices) and len({column.header for column in flags}) == 1:
        return FieldChoice("churned", flags[0].header, TO_CONFIRM, "content", "content")
    return None


def _said_instead(choice: FieldChoice, by_name: Mapping[str, SourceColumn]) -> dict[str, FieldChoice]:
    """What a column says whose header is one of last days and whose values are yes and no, or words: who left; the choice as it was for any other."""
    column = next(column for column in by_name.values() if column.header == choice.header)
    gone, here, words = state_words(column.sample) if column.is_text else (0, 0, 0)
    if is_yes_or_no(column.sample) or (gone and gone + here == words):
        return {"churned": FieldChoice("churned", choice.header, _NAMED, "header", "generic")}
    return {"end_date": choice}


def without_company(source: SourceTable, mapping: ColumnMapping) -> ColumnMapping:
    """The mapping of complaints without the column of the company that is complained about, in a log that lists no customers.

    Each case has a number of its own there, and few companies have many cases.
    """
    choice = mapping.choices.get("customer_id")
    column = source.column(choice.header) if choice is not None and choice.origin != "mapping" else None
    if column is None or "complaint_id" not in mapping.choices or len(set(column.texts)) > _FEW_COMPANIES * len(column.texts):
        return mapping
    return replace(mapping, choices={name: one for name, one in mapping.choices.items() if name != "customer_id"})


def _own_id(table: str, choices: Mapping[str, FieldChoice], by_name: Mapping[str, SourceColumn]) -> dict[str, FieldChoice]:
    """The id of the rows themselves, where the header names none, or what several customers share."""
    taken = {choice.header for choice in choices.values()}
    own = next((by_name[name] for name in _OWN_ID if name in by_name and by_name[name].header not in taken), None)
    current = choices.get("customer_id")
    shared = current is not None and any(_SHARED.fullmatch(name) for name, column in by_name.items() if column.header == current.header)
    if own is None or not (current is None or shared) or not is_unique(own) or table == "flat":
        return {}
    column = next((one for one in by_name.values() if current is not None and one.header == current.header), None)
    if column is not None and is_unique(column):
        return {}
    return {"customer_id": FieldChoice("customer_id", own.header, 0.9, "unique", "content")}


def _days_of_leaving(choices: Mapping[str, FieldChoice], by_name: Mapping[str, SourceColumn]) -> FieldChoice | None:
    """A column whose header says who left and whose values are days, in whatever form: "Churned" above 2025-03-01, or above 45717."""
    taken = {choice.header for choice in choices.values()}
    for name, column in by_name.items():
        filled = [text for text in column.texts if text.lower() not in {*BLANK_TEXTS, *STILL_HERE}]
        if column.header not in taken and says_gone(name) and len(filled) > 1 and recognise_dates(filled) is not None:
            return FieldChoice("end_date", column.header, _NAMED, "header", "generic")
    return None


def _last_days(source: SourceTable, choices: Mapping[str, FieldChoice], by_name: Mapping[str, SourceColumn]) -> FieldChoice | None:
    """A column of days that some rows have and that follow their first days, to be confirmed as the last day."""
    start = source.column(choices["start_date"].header)
    firsts = _days(start) if start is not None else []
    taken = {choice.header for choice in choices.values()}
    for name, column in by_name.items():
        if column.header in taken or _OTHER_DAYS.fullmatch(name):
            continue
        days = _days(column)
        filled = [(first, last) for first, last in zip(firsts, days, strict=False) if last is not None]
        known = [last >= first for first, last in filled if first is not None and last is not None]
        if min(len(days) - len(filled), len(known)) >= 2 and sum(known) >= 0.95 * len(known):
            return replace(FieldChoice("end_date", column.header), confidence=TO_CONFIRM, reason="content", origin="content")
    return None


def _counts(source: SourceTable, choices: Mapping[str, FieldChoice]) -> FieldChoice | None:
    """The only column of whole numbers, where each month and category is on one row: then the row is no single complaint. To be confirmed."""
    month, category = (source.column(choices[name].header) for name in ("month", "category"))
    taken = {header for choice in choices.values() for header in (choice.header, *choice.header.split(MONTH_OF_YEAR))}
    counts = [column for column in source.columns if column.header not in taken and _are_whole(column)]
    days = _days(month) if month is not None else []
    if month is None or category is None or len(counts) != 1 or not days or any(day is not None and day.day != 1 for day in days):
        return None
    cells = list(zip(month.sample, category.sample, strict=False))
    if len(cells) < _ENOUGH or len(set(cells)) < len(cells) or (is_unique(counts[0]) and len(set(map(len, counts[0].texts))) == 1):
        return None
    return FieldChoice("complaints", counts[0].header, TO_CONFIRM, "content", "content")


def _are_whole(column: SourceColumn) -> bool:
    return bool(column.texts) and all(re.fullmatch(r"\d{1,7}(?:[.,]0+)?", text) for text in column.texts)


def _days(column: SourceColumn) -> list[date | None]:
    """The days of a column of days, None for a blank; [] where it is no such column."""
    blank = {*BLANK_TEXTS, *STILL_HERE}
    texts = [(value or "").strip() for value in column.sample]
    filled = [text for text in texts if text.lower() not in blank]
    reading = recognise_dates(filled) if len(filled) >= 2 else None
    if reading is None or reading.format in {"unix_seconds", "unix_milliseconds", "excel_serial"}:
        return []
    found = [days_in(text) for text in texts]
    return [days.get(reading.format) or next(iter(days.values()), None) for days in found]
