"""Owns how yes and no are written in files, in both languages, and the SQL that reads them; also where "yes" means that somebody is still here."""

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
# A state is a word; numbers in such a column are codes that nobody here can read.
MOST_VALUES = 12  # judgement: of more values nobody picks those that mean yes
_STATES = frozenset({"status", "statut", "statut client", "customer status", "account status", "etat", "etat client", "situation"})
_STILL_HERE = frozenset(
    {"actif", "active", "is active", "isactive", "client actif", "active customer", "toujours client", "encore client", "still here", "retained"}
)


def looks_like_flags(values: Iterable[str | None], *, header: str = "") -> bool:
    """Whether nearly all filled cells of a sample say yes or no, or count something.

    Args:
        values: Cells.
        header: Normalised header: a state must be told in words.
    """
    filled = [text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS]
    if header in _STATES and any(_YES_NO_OR_NUMBER.fullmatch(text) for text in filled):
        return False
    return bool(filled) and sum(bool(_FLAG.fullmatch(text)) for text in filled) >= 0.9 * len(filled)


def values_to_ask(values: Iterable[str | None], *, header: str = "") -> tuple[str, ...]:
    """The few values of a column of which nobody can know which one means yes: codes such as 1 and 2, words that are neither; else ()."""
    found: dict[str, str] = {}
    values, blank = tuple(values), False
    for value in values:
        text = str(value or "").strip()
        if _plain(text) in BLANK_TEXTS:
            blank = True
        else:
            found.setdefault(_plain(text), text)
    if not 1 < len(found) <= MOST_VALUES:
        return ()
    numbers = all(re.fullmatch(r"\d+(?:[.,]0+)?", text) for text in found)
    if numbers and header not in _STATES:
        none = any(re.fullmatch(r"0+(?:[.,]0+)?", text) for text in found)
        return () if none or len(found) > 2 or blank else tuple(sorted(found.values()))  # 1 and 2 are codes, unless blanks say "none"
    return () if looks_like_flags(values, header=header) else tuple(sorted(found.values()))


def says_still_here(header: str) -> bool:
    """Whether yes in a column with this normalised header means that the customer has not left."""
    return header in _STILL_HERE


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def flag_sql(text: str, *, still_here: bool = False, yes: Sequence[str] = ()) -> str:
    """SQL that turns yes into 1, no into 0, a count into whether there was any, anything else into NULL.

    Args:
        text: SQL of the cell.
        yes: The values that mean yes, where somebody said which; every other one means no.
        still_here: Yes means 0: the column asks who is still here. Words such as "cancelled" mean what they say.
    """
    plain = f"lower(strip_accents(trim({text})))"
    if yes:
        listed, blanks = (", ".join(quote_text(_plain(one)) for one in values) for values in (yes, BLANK_TEXTS))
        return f"CASE WHEN {plain} IN ({blanks}) THEN NULL WHEN {plain} IN ({listed}) THEN 1 WHEN {text} IS NOT NULL THEN 0 END"
    number = f"TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE)"
    asked, other = (0, 1) if still_here else (1, 0)
    return (
        f"CASE WHEN regexp_full_match({plain}, '{_YES}') THEN {asked} WHEN regexp_full_match({plain}, '{_NO}') THEN {other} "
        f"WHEN regexp_full_match({plain}, '{_LEFT}') THEN 1 WHEN regexp_full_match({plain}, '{_HERE}') THEN 0 "
        f"WHEN {number} >= 1 THEN {asked} END"
    )
