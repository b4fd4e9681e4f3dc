"""Recognises how yes and no are written, in several languages, and gives the SQL that parses them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.dates import BLANK_TEXTS

# Lower case, without accents; other numbers count as yes.
_YES = "1|1[.,]0+|yes|y|true\\.?|t|oui|o|vrai|v|x|ja|si|sim"
_NO = "0|0[.,]0+|-1|-1[.,]0+|no|n|false\\.?|f|non|faux|nein|nee|nao"
_LEFT = (
    "churned?|left|gone|exited|lost|former|partie?|resiliee?|cancell?ed|attrited customer|inactive?|inactif|perdue?|closed|fermee?|cloturee?|"
    "terminated|desabonnee?|radiee?|ancien client|ended|expired|expiree?|termine?e?|deactivated"
)
_HERE = (
    "stayed|stay|active|actif|actifs|current|existing customer|retained|present|joined|loyal|en cours|valide|client|abonnee?|ouverte?|open|live|"
    "en vigueur|fidele|reste|subscribed"
)
_FLAG = re.compile(rf"(?:{_YES})|(?:{_NO})|(?:{_LEFT})|(?:{_HERE})|\d+(?:[.,]0+)?")
_YES_NO_OR_NUMBER = re.compile(rf"(?:{_YES})|(?:{_NO})|\d+(?:[.,]0+)?")
MOST_VALUES = 12  # judgement: an analyst does not choose among more values than this
# Headers of columns that hold a state in words; numbers in such a column are codes of unknown meaning.
_STATES = frozenset({"status", "statut", "statut client", "customer status", "account status", "etat", "etat client", "situation"})
_STILL_HERE = frozenset(
    {"actif", "active", "is active", "isactive", "client actif", "active customer", "toujours client", "encore client", "still here", "retained"}
)


def looks_like_flags(values: Iterable[str | None], *, header: str = "") -> bool:
    """Whether nearly all non-blank cells of a sample mean yes or no, or are counts.

    Args:
        values: Cells.
        header: Normalised header; under the header of a state only words are flags.
    """
    filled = [text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS]
    if header in _STATES and any(_YES_NO_OR_NUMBER.fullmatch(text) for text in filled):
        return False
    return bool(filled) and sum(bool(_FLAG.fullmatch(text)) for text in filled) >= 0.9 * len(filled)


def values_to_ask(values: Iterable[str | None], *, header: str = "") -> tuple[str, ...]:
    """The values of a column that does not show which of them means yes, such as the codes 1 and 2; () for any other column."""
    different: dict[str, str] = {}
    values, blank = tuple(values), False
    for value in values:
        text = str(value or "").strip()
        if _plain(text) in BLANK_TEXTS:
            blank = True
        else:
            different.setdefault(_plain(text), text)
    if not 1 < len(different) <= MOST_VALUES:
        return ()
    numbers = all(re.fullmatch(r"\d+(?:[.,]0+)?", text) for text in different)
    if numbers and header not in _STATES:
        has_zero = any(re.fullmatch(r"0+(?:[.,]0+)?", text) for text in different)
        return () if has_zero or len(different) > 2 or blank else tuple(sorted(different.values()))  # 1 and 2 are codes, unless blanks mean "none"
    return () if looks_like_flags(values, header=header) else tuple(sorted(different.values()))


def likely_yes(field: str, found: Sequence[str]) -> str:
    """The value that most likely means yes: of a departure one that says so, never one that says that the customer is here."""
    gone, here = ([value for value in found if re.fullmatch(pattern, _plain(value))] for pattern in (_LEFT, f"{_HERE}|{_NO}"))
    if field == "churned" and gone:
        return gone[0]
    return next((value for value in reversed(found) if value not in here), found[-1])


def says_still_here(header: str) -> bool:
    """Whether yes in a column with this normalised header means that the customer has not left."""
    return header in _STILL_HERE


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def flag_sql(text: str, *, still_here: bool = False, yes: Sequence[str] = ()) -> str:
    """SQL of 1 for yes or a positive count, 0 for no, NULL for any other cell.

    Args:
        text: SQL of the cell, a VARCHAR; may name any columns.
        still_here: Yes means 0, because the column says who has not left. Words such as "cancelled" keep their meaning.
        yes: The values that mean yes, where the mapping names them; every other value then means no.
    """
    plain = f"lower(strip_accents(trim({text})))"
    if yes:
        listed, blanks = (", ".join(quote_text(_plain(value)) for value in values) for values in (yes, BLANK_TEXTS))
        return f"CASE WHEN {plain} IN ({blanks}) THEN NULL WHEN {plain} IN ({listed}) THEN 1 WHEN {text} IS NOT NULL THEN 0 END"
    number = f"TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE)"
    if_yes, if_no = (0, 1) if still_here else (1, 0)
    return (
        f"CASE WHEN regexp_full_match({plain}, '{_YES}') THEN {if_yes} WHEN regexp_full_match({plain}, '{_NO}') THEN {if_no} "
        f"WHEN regexp_full_match({plain}, '{_LEFT}') THEN 1 WHEN regexp_full_match({plain}, '{_HERE}') THEN 0 "
        f"WHEN {number} >= 1 THEN {if_yes} END"
    )
