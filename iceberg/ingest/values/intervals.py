"""Recognises what an amount is paid per where a column beside it says so, row by row: "monthly", "annuel", "every 3 months", "P1Y"."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from statistics import median

from iceberg.ingest.values.dates import BLANK_TEXTS
from iceberg.ingest.values.numbers import amount_in, recognise_numbers

BY_ROW = "by_row"  # in a mapping: amounts are paid per what the column beside them says
# Times a year, and the words for it: lower case, without accents and full stops.
_WORDS: tuple[tuple[float, str], ...] = (
    (
        1.0,
        r"y|yrs?|years?|yearly|annual|annually|annum|annuel(?:le)?s?|annuellement|ans?|annees?|jahr|jahre|jahrlich|pa|anual(?:mente)?|anos?|annuale|"
        r"annualmente|anno|anni|jaar|jaarlijks|rok|roczn\w+|arlig\w*|ar|anuidade|anualidad|年|年払い|年额|每年|毎年|연|연간|매년",
    ),
    (2.0, r"half ?years?|half ?yearly|semi ?annual(?:ly)?|semestriel(?:le)?s?|semestres?|halbjahr\w*|semestral\w*|semestrale|halfjaar\w*|半年"),
    (
        4.0,
        r"q|qtrs?|quarters?|quarterly|trimestriel(?:le)?s?|trimestres?|vierteljahr\w*|quartale?|quartalsweise|trimestral\w*|kwarta\w*|季|季度|四半期|분기",
    ),
    (6.0, r"bimestriel(?:le)?s?|bimestral\w*|zweimonatlich"),
    (
        12.0,
        r"m|mos?|mths?|months?|monthly|month (?:to|by) month|mensuel(?:le)?s?|mensuellement|mensualise\w*|mensualites?|mois|mois par mois|monate?|"
        r"monatlich|mtl|mensual\w*|mes|meses|mensil\w*|mesi|mese|maand|maanden|maandelijks|mensal|mensalmente|miesiac|miesieczn\w+|manedlig\w*|"
        r"manad\w*|月|月払い|月额|每月|毎月|월|매월",
    ),
    (26.0, r"fortnights?|fortnightly|quinzaines?|quincenal\w*|quinzenal\w*"),
    (
        52.0,
        r"w|wks?|weeks?|weekly|hebdo|hebdomadaires?|semaines?|woche|wochen|wochentlich|semanal\w*|semanas?|settiman\w*|weken|wekelijks|tygod\w+|周|週",
    ),
    (365.0, r"d|days?|daily|jours?|quotidien(?:ne)?s?|journalier\w*|tage?|taglich|dias?|diari[oa]\w*|giorn\w*|dag|dagen|dagelijks"),
)
_ONCE = re.compile(r"once|one ?time|one ?off|single|unique|ponctuel(?:le)?|einmalig|unico|lifetime|a vie")
# Words around it: "every month", "paid monthly", "facturation mensuelle", "par an".
_AROUND = re.compile(
    r"\b(?:every|each|per|par|pro|por|al|alle|jede[nrs]?|cada|ogni|elke|chaque|tous les|toutes les|paid|pay|billed|billing|payment|plan|paye|"
    r"paiement|prelevement|facture|facturation|facturacion|pago|zahlung|zahlweise|zahlungsweise|fatturazione|pagamento|betaling|invoice|invoiced|recurring|in|"
    r"un|une|one|ein|uno|una|een)\b"
)
_COUNTED = re.compile(r"(\d{1,3}) ?([a-z]+)")
_DURATION = re.compile(r"p(\d{1,3})([dwmy])")
_DAYS = ((7, 7, 52.0), (14, 14, 26.0), (28, 28, 13.0), (29, 31, 12.0), (89, 92, 4.0), (180, 184, 2.0), (360, 366, 1.0))
_KNOWN = 0.95  # judgement: more cells that say no period, and the column means something else
_MONTHS = re.compile(r"\b(?:months?|mois|mths?|monate|meses|mesi)\b")
# Headers of a price rather than of what a customer brings in a year.
_PRICES = re.compile(
    r"price|prix|\bfees?\b|amount|montant|tarif|charge|cotisation|abonnement|loyer|redevance|\bprime\b|premium|\brate\b|\bplan\b|mensualit|betrag|"
    r"preis|beitrag|gebuhr|importe|precio|cuota|importo|prezzo|canone|bedrag|prijs|valor|preco|subscription|\brent\b|\bm(?:n)?t\b|payment|paiement|"
    r"invoice|factur|\bbill|installment|instalment"
)
_ENOUGH = 5  # judgement: fewer amounts of a period say nothing
# Judgement: of the way from "the same for all" to "as much more as the period is longer".
_SAME, _BY_PERIOD = 0.3, 0.6


def times_per_year(text: str, *, in_months: bool = False) -> float | None:
    """How often a year an amount is paid; None where the text says no period, or is a bare number that counts no months."""
    folded = unicodedata.normalize("NFD", text.strip().lower().replace("ı", "i"))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    plain = re.sub(r"[^\w]+|_", " ", unicodedata.normalize("NFC", plain).replace(".", "")).strip()
    plain = re.sub(r" {2,}", " ", re.sub(r"\b(\w+) (?:s|le|e)\b", r"\1", plain))  # month(s), mensuel(le)
    if in_months and plain.isdigit() and 1 <= int(plain) <= 60:
        return 12 / int(plain)
    if _ONCE.fullmatch(plain):
        return 1.0
    duration = _DURATION.fullmatch(plain)
    bare = re.sub(r" {2,}", " ", _AROUND.sub(" ", plain)).strip()
    counted = _COUNTED.fullmatch(bare)
    if duration or counted:
        number, unit = (duration or counted).groups()  # type: ignore[union-attr]  # one of them matched
        return _several(int(number), unit)
    return next((times for times, words in _WORDS if re.fullmatch(words, plain) or re.fullmatch(words, bare)), None)


def _several(number: int, unit: str) -> float | None:
    """How often a year "3 months" or "30 days" comes."""
    times = next((times for times, words in _WORDS if re.fullmatch(words, unit)), None)
    if times is None or number == 0:
        return None
    if times == 365.0:
        return next((whole for low, high, whole in _DAYS if low <= number <= high), 365.0 / number)
    return times / number


def counts_months(header: str) -> bool:
    """Whether bare numbers below a normalised header count months: "billing period (months)"."""
    return bool(_MONTHS.search(header))


def looks_like_intervals(values: Iterable[str | None], *, header: str = "") -> bool:
    """Whether nearly all non-blank cells of a sample say what an amount is paid per."""
    filled = [text.strip() for text in values if text and text.strip().lower() not in BLANK_TEXTS]
    known = [text for text in filled if times_per_year(text, in_months=counts_months(header)) is not None]
    return bool(filled) and len(known) >= _KNOWN * len(filled)


def pays_by_row(amount_header: str, amounts: Iterable[str | None], intervals: Iterable[str | None], *, in_months: bool = False) -> bool | None:
    """Whether amounts are paid per what the column beside them says; None where neither their header nor the amounts tell.

    Args:
        amount_header: Normalised header of the amounts, which says no period itself.
        amounts: First cells of the amounts.
        intervals: First cells of the column beside them, of the same rows.
        in_months: Bare numbers in `intervals` count months.
    """
    amounts = list(amounts)
    reading = recognise_numbers(amounts)
    found: dict[float, list[float]] = {}
    for text, interval in zip(amounts, intervals, strict=False):
        times = times_per_year(interval or "", in_months=in_months)
        amount = amount_in(text, reading) if reading is not None and text else None
        if times is not None and amount is not None and amount > 0:
            found.setdefault(times, []).append(amount)
    if set(found) <= {1.0}:
        return False
    many = sorted((times for times in found if len(found[times]) >= _ENOUGH), key=lambda times: -len(found[times]))[:2]
    price = bool(_PRICES.search(amount_header))
    if len(many) < 2:
        return True if price else None
    often, seldom = max(many), min(many)
    way = math.log(median(found[seldom]) / median(found[often])) / math.log(often / seldom)
    if way >= _BY_PERIOD:
        return True
    return False if way <= _SAME and not price else None
