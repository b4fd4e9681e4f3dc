"""Recognises how the term of a contract is written ("12", "24 mois", "1 year", "month-to-month"), and gives the SQL of its months."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from iceberg.ingest.values.dates import BLANK_TEXTS

LONGEST_MONTHS = 120  # judgement: a longer term is a mistake, or a number that means something else
_LAST_RENEWAL = "DATE '2099-12-31'"  # later ones stand for "never"
_DAYS_PER_MONTH = 30.4375
CONTRACT_MARK_SQL = "chr(31)"  # `iceberg.ingest.schema.CONTRACT_MARK`
# Lower case; accented letters are any character, because engines fold accents differently.
_LEAD = r"(?:(?:term|contract|contrat|engagement|commitment|abonnement|dur.e)(?: de| of|:)? ?)?"
_TAIL = r"(?:[ .]*(?:term|contracts?|commitment|minimum|renouvelables?|fermes?|d.engagement|engagement|rolling|prepaid|fixed))?\.?"
_NUMBER = r"([0-9]{1,4})(?:[.,]0+)?"
_UNITS = (
    (r"(?:m|mo|mos|mths?|months?|mois)", 1.0),
    (r"(?:y|yrs?|years?|ans?|ann.es?)", 12.0),
    (r"(?:w|wks?|weeks?|semaines?|sem)", 7 / _DAYS_PER_MONTH),
    (r"(?:d|days?|jours?|j)", 1 / _DAYS_PER_MONTH),
)
_WORDS = {
    0: r"month[ -](?:to|by)[ -]month|m2m|mtm|mois par mois|au mois|sans engagement|sans dur.e|no commitment|no contract|without contract|none|aucune?"
    r"|no|non|libre|flexible|pay as you go|payg|rolling|open[ -]ended|ind.termin.e?|dur.e ind.termin.e|r.siliable .* tout moment",
    1: r"monthly|mensuel(?:le)?|month|mois|one[ -]month|un mois",
    3: r"quarterly|trimestriel(?:le)?|quarter|trimestre|three[ -]months?|trois mois",
    6: r"half[ -]?yearly|semi[ -]?annual(?:ly)?|semestriel(?:le)?|semestre|six[ -]months?|six mois",
    12: r"annual(?:ly)?|annuel(?:le)?|yearly|year|one[ -]years?|un an|une ann.e|twelve[ -]months?|douze mois|an|p1y|p12m",
    24: r"two[ -]years?|deux ans|biennial|bisannuel(?:le)?|biennale?|twenty[ -]four[ -]months?|vingt[ -]quatre mois|p2y|p24m",
    36: r"three[ -]years?|trois ans|triennial|triennale?|p3y|p36m",
    48: r"four[ -]years?|quatre ans|p4y|p48m",
    60: r"five[ -]years?|cinq ans|p5y|p60m",
}
_BARE = re.compile(r"[0-9]{1,4}(?:[.,]0+)?")
_YEAR_HEADERS = re.compile(r"\b(?:years?|yrs?|ans?|annees?)\b")
_MONTH_HEADERS = re.compile(r"\b(?:months?|mois|mths?)\b")


def _pattern(unit: str) -> str:
    return f"{_LEAD}{_NUMBER}[ -]?{unit}{_TAIL}"


_TERM = re.compile("|".join([_BARE.pattern, *(_pattern(unit) for unit, _ in _UNITS), *(f"{_LEAD}(?:{words}){_TAIL}" for words in _WORDS.values())]))


def looks_like_terms(values: Iterable[str | None]) -> bool:
    """Whether nearly all non-blank cells of a sample are terms; bare numbers only where all are whole and none is too long."""
    filled = [text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS]
    fitting = [text for text in filled if _TERM.fullmatch(text) and not (_BARE.fullmatch(text) and float(text.replace(",", ".")) > LONGEST_MONTHS)]
    return bool(filled) and len(fitting) >= 0.9 * len(filled)


def counts_in_years(header: str, values: Iterable[str | None]) -> bool:
    """Whether bare numbers are years: the normalised header says so, or says nothing and no number is above five."""
    if _MONTH_HEADERS.search(header):
        return False
    bare = [float(text.replace(",", ".")) for value in values if _BARE.fullmatch(text := _plain(str(value or "")))]
    return bool(_YEAR_HEADERS.search(header)) or (bool(bare) and 1 <= max(bare) <= 5)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().lower()


def term_sql(text: str, *, in_years: bool = False) -> str:
    """SQL of the months of a term, 0 for none; NULL where the cell is no term. `text` is SQL of a VARCHAR."""
    plain = f"lower(trim({text}))"
    cases = [(f"regexp_full_match({plain}, '{_BARE.pattern}')", _months(plain, _NUMBER, 12.0 if in_years else 1.0))]
    cases += [(f"regexp_full_match({plain}, '{_pattern(unit)}')", _months(plain, r"([0-9]+)", months)) for unit, months in _UNITS]
    cases += [(f"regexp_full_match({plain}, '{_LEAD}(?:{words}){_TAIL}')", str(months)) for months, words in _WORDS.items()]
    return f"CASE {' '.join(f'WHEN {condition} THEN {months}' for condition, months in cases)} END"


def _months(plain: str, pattern: str, months: float) -> str:
    return f"CAST(round(TRY_CAST(regexp_extract({plain}, '{pattern}', 1) AS DOUBLE) * {months!r}) AS INTEGER)"


def contract_sql() -> str:
    """SQL of what stands behind the segment of a customer with a contract: a mark, the months of its term, and those from the first day to a renewal.

    Needs the columns ``term_parsed``, ``renewal_date_parsed`` and ``start_date_parsed``. Where the term is known, whole terms are taken off the
    months; either number is absent where the file does not give it, and the text is empty where it gives neither.
    """
    term = f"CASE WHEN term_parsed BETWEEN 0 AND {LONGEST_MONTHS} THEN term_parsed END"
    days = "date_diff('day', start_date_parsed, renewal_date_parsed)"
    months = f"CASE WHEN {renewal_fits_sql()} THEN CAST(round({days} / {_DAYS_PER_MONTH}) AS INTEGER) END"
    whole = f"CASE WHEN {term} > 0 THEN {months} % {term} WHEN {term} IS NULL THEN {months} END"
    numbers = " || ':' || ".join(f"coalesce(CAST({number} AS VARCHAR), '')" for number in (term, whole))
    return f"CASE WHEN {term} IS NULL AND {months} IS NULL THEN '' ELSE {CONTRACT_MARK_SQL} || {numbers} END"


def renewal_fits_sql() -> str:
    """SQL that is true where a renewal date can be one: after the first day, and before what stands for "never"."""
    return f"(renewal_date_parsed > start_date_parsed AND renewal_date_parsed <= {_LAST_RENEWAL})"
