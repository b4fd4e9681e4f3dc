"""Headers with the name of their object before or behind them: ``Account: Created Date``, ``properties.createdate``, ``Created Time (Ticket)``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# Objects whose own attributes the rows of a table hold, as words after normalisation.
_PEOPLE = frozenset({
    "account", "accounts", "customer", "customers", "client", "clients", "contact", "contacts", "company", "companies", "organization",
    "organizations", "organisation", "organisations", "user", "users", "member", "members", "subscriber", "subscribers", "subscription",
    "subscriptions", "contract", "contracts", "person", "partner", "compte", "comptes", "abonne", "abonnes", "adherent", "adherents",
    "abonnement", "abonnements", "contrat", "contrats", "societe", "kunde", "kunden", "vertrag", "cliente", "clientes", "klant", "klanten",
})  # fmt: skip
_CASES = frozenset({
    "case", "cases", "ticket", "tickets", "complaint", "complaints", "incident", "incidents", "request", "requests", "conversation",
    "conversations", "issue", "issues", "claim", "claims", "inquiry", "reclamation", "reclamations", "plainte", "plaintes", "requete", "demande",
    "demandes", "beschwerde", "reklamation", "queja", "reclamo", "klacht",
})  # fmt: skip
_OWN = {"customers": _PEOPLE, "flat": _PEOPLE, "subscriptions": _PEOPLE, "complaints": _CASES, "volumes": _CASES}
# Words that name no object: containers of an interface, and schemas.
_CONTAINERS = frozenset({
    "properties", "property", "fields", "field", "attributes", "attribute", "values", "value", "data", "object", "record", "source", "payload",
    "node", "item", "associations", "association", "custom", "dbo", "public", "r", "c", "custom_fields", "custom_attributes",
    "organization_fields", "user_fields", "customfields",
})  # fmt: skip
_SEPARATED = re.compile(r"\s*(?:[.:/>|]+|__)\s*")
_BEHIND = re.compile(r"^(.+?)\s*\(([^()]+)\)$")
# What builders of own fields put before a name: Dynamics, Odoo Studio, ServiceNow, HubSpot; "_x_value" is a lookup of Dynamics.
_PUBLISHER = re.compile(r"^(?:new|cr[0-9a-f]{3,5}|u|x_studio|x|hs|zcrm|cf)_(?=[a-zA-Z])")
_LOOKUP = re.compile(r"^_(\w+)_value$")
CUSTOM = re.compile(r"__p?c$", re.IGNORECASE)  # behind the fields that a company added in Salesforce


def bare_headers(headers: Iterable[str], table: str, normalise: Callable[[str], str]) -> dict[str, str]:
    """By normalised name without its object, the header of the file; only what another name than the whole one gives.

    The name of an object of the rows themselves is left out ("Case: Status" of complaints is "status"); that of another object stays ("Account: Id"
    is "account id"), since a day of the customer is none of the complaint.

    Args:
        headers: Headers of the file.
        table: Canonical table.
        normalise: Gives the normalised name of a header.
    """
    headers = tuple(headers)
    shared = _shared_object(headers)
    found: dict[str, str] = {}
    for header in headers:
        name = _without_object(header, _OWN.get(table, frozenset()), shared, normalise)
        if name and name != normalise(header):
            found.setdefault(name, header)
    return found


def _shared_object(headers: tuple[str, ...]) -> str:
    """The part before the separator that all headers have, as in the answer of a query: "t.customer_id"; "" where they differ."""
    first = {parts[0] if len(parts := _SEPARATED.split(header, maxsplit=1)) > 1 else "" for header in headers}
    return next(iter(first)) if len(first) == 1 and len(headers) > 1 else ""


def _without_object(header: str, own: frozenset[str], shared: str, normalise: Callable[[str], str]) -> str:
    behind = _BEHIND.match(header)
    if behind is not None and normalise(behind[2]) in own:
        header = behind[1]
    parts = [part for part in _SEPARATED.split(CUSTOM.sub("", header)) if part]
    if shared and len(parts) > 1 and parts[0] == shared:
        parts = parts[1:]
    parts = [_PUBLISHER.sub("", _LOOKUP.sub(r"\1", part)) for part in parts if part.lower() not in _CONTAINERS] or parts[-1:]
    while len(parts) > 1 and normalise(parts[0]) in own and normalise(" ".join(parts[1:])) != "id":  # "ticket id" stays what it is
        parts = parts[1:]
    words: list[str] = []
    for word in normalise(" ".join(parts)).split():
        if not words or words[-1] != word:  # "Account: Account ID"
            words.append(word)
    if len(words) == 2 and words[1] in {"id", "ids"}:  # "companies.id" is the id of a company
        words = [re.sub(r"(?<=[a-z]{3})ies$", "y", words[0]).removesuffix("s"), words[1]]
    return " ".join(words)
