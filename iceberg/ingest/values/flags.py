"""Recognises how yes and no are written, in several languages, and gives the SQL that parses them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.dates import BLANK_TEXTS

# Lower case, without accents; other numbers count as yes.
_YES = "1|1[.,]0+|yes|y|true\\.?|t|oui|o|vrai|v|x|ja|j|si|sim|s|tak|ano|da|evet|igen|kylla|да"
_NO = "0|0[.,]0+|-1|-1[.,]0+|no|n|false\\.?|f|non|faux|nein|nee|nao|nej|nei|nie|ne|nu|hayir|nem|ei|нет"
_LEFT = (
    "(?:(?:customer|client|account|contract|subscription|user|member) )?(?:churned|cancell?ed|lost|closed|terminated|expired|deactivated|inactive)|"
    "churn|churner|leaver|left|gone|exited|ended|disconnected|unsubscribed|discontinued|lapsed|departed|quit|disabled|deleted|"
    "(?:former|lost|past|ex|churned|attrited|inactive|cancell?ed|previous)[ -](?:customer|client|member|subscriber|user|account)|former|attrited|"
    "(?:client|abonnee?|adherente?|compte|contrat) (?:perdue?|partie?|resiliee?|inactif|inactive|cloture|ferme|termine)|"
    "partie?|resiliee?|inactif|perdue?|fermee?|cloturee?|clos|close|sortie?|supprimee?|desactivee?|desabonnee?|desinscrite?|radiee?|annulee?|"
    "anciens? (?:client|abonne|adherent|membre)e?|ex[ -](?:client|abonne|adherent)e?|expiree?|terminee?|"
    "gekundigt|beendet|inaktiv|geschlossen|ausgetreten|abgemeldet|ehemalig(?:e|er|er kunde)?|storniert|verloren|"
    "(?:de |dado de |dada de )?baja|inactiv[oa]|cancelad[oa]|perdid[oa]|cerrad[oa]|ex ?cliente|"
    "disdett[oa]|cessat[oa]|inattiv[oa]|pers[oa]|chius[oa]|disattivat[oa]|annullat[oa]|"
    "opgezegd|inactief|vertrokken|gesloten|beeindigd|geannuleerd|voormalig|inativ[oa]|encerrad[oa]"
)
_HERE = (
    "(?:(?:customer|client|account|contract|subscription|user|member) )?(?:active|current|live|open|retained|enabled|subscribed)|"
    "(?:active|current|existing|live) (?:customer|client|member|subscriber|user|account)|stayed|stay|present|joined|loyal|customer|subscriber|"
    "actifs?|en cours|valide|(?:client|abonnee?|adherente?|compte|contrat)(?: actif| active)?|ouverte?|en vigueur|fidele|reste|"
    "aktiv|aktiver kunde|laufend|bestandskunde|kunde|offen|(?:de |dado de |dada de )?alta|activ[oa]|vigente|"
    "cliente(?: activo| attivo| ativo)?|abiert[oa]|attiv[oa]|in corso|apert[oa]|actief|lopend|klant|ativ[oa]|em vigor"
)
_FLAG = re.compile(rf"(?:{_YES})|(?:{_NO})|(?:{_LEFT})|(?:{_HERE})|\d+(?:[.,]0+)?")
_YES_OR_NO = re.compile(rf"(?:{_YES})|(?:{_NO})")
_YES_NO_OR_NUMBER = re.compile(rf"(?:{_YES})|(?:{_NO})|\d+(?:[.,]0+)?")
MOST_FLAGS = 3  # judgement: yes, no and perhaps another way to write one of them
MOST_VALUES = 12  # judgement: an analyst does not choose among more values than this
# Headers of columns that hold a state in words; numbers in such a column are codes of unknown meaning.
_STATES = frozenset(
    {"status", "statut", "statut client", "customer status", "account status", "etat", "etat client", "situation", "estado", "stato", "state"}
)
# Words of a header that speak of leaving wherever they stand: "Churn Label", "Client désabonné ?"; and words beside which they are about something
# else: the date of it, its risk, an order.
_GONE_WORDS = re.compile(
    r"churn\w*|attrit\w*|cancel\w*|terminated|unsubscri\w*|de(?:s)?activ\w*|disconnect\w*|inactiv\w*|inactif\w*|inaktiv\w*|lapsed|leavers?|departed|"
    r"exited|abandon\w*|resili\w*|desabonn\w*|desinscri\w*|encerrad\w*|gekundigt|kundig\w*|abgewandert|disdett\w*|opgezegd|opzeg\w*"
)
_ELSEWHERE = re.compile(
    r"date|dt|reason|motif|cause|risk|risque|scores?|prob\w*|predict\w*|forecast|prev\w*|notice|preavis|fees?|frais|nb|nombre|number|count|policy|"
    r"likel\w*|propens\w*|orders?|commandes?|bookings?|reservations?|payments?|paiements?|cart|panier|trial|essai|e?mails?|newsletter|marketing|survey|"
    r"enquete|calls?|appels?|save[ds]?|offer|offre|request|demande|never|jamais|not|pas|non"
)
# Words before and behind those that say who is gone, or still here, in the header of a flag.
_BEFORE = (
    r"(?:(?:is|has|was|est|a|es|esta|ha|e|ist|hat|still|toujours|encore|noch|ancora|the|le|la|client|customer|account|compte|user|member|subscriber|"
    r"abonne|adherent|contract|contrat|subscription|abonnement|kunde|kunden|vertrag|cliente|klant|properties|fields|attributes|custom) )*"
)
_BEHIND = (
    r"(?: (?:flag|ind|indicator|indicateur|yn|[yosj] n|oui non|yes no|ja nein|si no|0 1|bool|client|customer|account|compte|user|member|subscriber|"
    r"abonne|adherent|contract|contrat|subscription|abonnement|kunde|kunden|cliente|klant))*"
)
_STILL_HERE = re.compile(
    _BEFORE + r"(?:active|actif|active|aktiv|activo|activa|attivo|attiva|ativo|ativa|actief|enabled|current|retained|subscribed|vigente|en cours|"
    r"laufend|still here|(?:still|toujours|encore|noch|ancora) (?:client|customer|member|kunde|cliente))" + _BEHIND
)
_SAYS_GONE = re.compile(
    _BEFORE + r"(?:churn|churned|churner|attrited|attrition|left|lost|gone|exited|departed|cancell?ed|cancellation|cancelation|terminated|"
    r"unsubscribed|deactivated|inactive|resiliee?|resiliation|desabonnee?|desinscrite?|radiee?|partie?|perdue?|inactif|gekundigt|kundigung|inaktiv|ausgetreten|"
    r"baja|dado de baja|inactivo|inactiva|cancelado|cancelada|perdido|disdetto|disdetta|cessato|inattivo|perso|opgezegd|opzegging|inactief|"
    r"vertrokken|inativo|inativa|cancelou)" + _BEHIND
)


_DAY_NUMBER = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?|\d{8,13}")


def looks_like_flags(values: Iterable[str | None], *, header: str = "") -> bool:
    """Whether nearly all non-blank cells of a sample mean yes or no, or are counts.

    Args:
        values: Cells.
        header: Normalised header; under the header of a state only words are flags.
    """
    filled = [text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS]
    if header in _STATES and any(_YES_NO_OR_NUMBER.fullmatch(text) for text in filled):
        return False
    if filled and all(_DAY_NUMBER.fullmatch(text) for text in filled):
        return False  # serial days and Unix time are no counts
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
    return _STILL_HERE.fullmatch(header) is not None


def names_departures(header: str, values: Iterable[str | None]) -> bool:
    """Whether a column of yes and no has a header that says who left, or who is still here."""
    filled = {text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS}
    named = _STILL_HERE.fullmatch(header) or _SAYS_GONE.fullmatch(header) or _speaks_of_leaving(header)
    return bool(named) and 1 <= len(filled) <= MOST_FLAGS and all(_YES_OR_NO.fullmatch(text) for text in filled)


def says_gone(header: str) -> bool:
    """Whether a normalised header says that a customer left, which may be a flag or its day."""
    return bool(_SAYS_GONE.fullmatch(header) or _speaks_of_leaving(header))


def _speaks_of_leaving(header: str) -> bool:
    words = header.split()
    return any(map(_GONE_WORDS.fullmatch, words)) and not any(map(_ELSEWHERE.fullmatch, words))


def is_yes_or_no(values: Iterable[str | None]) -> bool:
    """Whether a column holds yes and no, both of them, and nothing else."""
    filled = {text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS}
    return 1 < len(filled) <= MOST_FLAGS and all(map(_YES_OR_NO.fullmatch, filled))


def state_words(values: Iterable[str | None]) -> tuple[int, int, int]:
    """Of the different words in a column: how many say that a customer left, how many that the customer is here, and how many there are."""
    words = {text for value in values if (text := _plain(str(value or ""))) and text not in BLANK_TEXTS}
    gone, here = (sum(re.fullmatch(pattern, word) is not None for word in words) for pattern in (_LEFT, _HERE))
    return gone, here, len(words)


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


SURE_TO_STAY, MOST_SURE = 6, 10  # judgement: of 0 to 10, from six on they would rather have stayed
# Answers that say neither: no mistake of the file.
_CANNOT_SAY = (
    "do ?n.?t know|dk|not sure|unsure|unknown|no answer|no response|refused|ne sait pas|ne sais pas|je ne sais pas|nsp|nspp|sans reponse|"
    "pas de reponse|sans avis|inconnu|refus|weiss nicht|keine angabe|k\\.? ?a\\.?|no sabe|no sabe/no contesta|ns/nc|ns/nr|non so|weet niet"
)


def stayed_sql(text: str, *, coded: bool = False) -> str:
    """SQL of 1 where a leaver says that they would have stayed, 0 where not, NULL where they do not say: a number of 0 to 10, or yes and no.

    Args:
        text: SQL of the cell, a VARCHAR.
        coded: The numbers of the column are 1 for yes and 0 for no.
    """
    number = f"TRY_CAST(replace(trim({text}), ',', '.') AS DOUBLE)"
    least = 1 if coded else SURE_TO_STAY
    scaled = f"CASE WHEN {number} BETWEEN {least} AND {MOST_SURE} THEN 1 WHEN {number} >= 0 AND {number} < {least} THEN 0 END"
    return f"CASE WHEN {number} IS NOT NULL THEN {scaled} ELSE {flag_sql(text)} END"


def cannot_say_sql(text: str) -> str:
    """SQL of whether a cell says that a person does not know, or did not answer; `text` is SQL of a VARCHAR."""
    return f"coalesce(regexp_full_match(lower(strip_accents(trim({text}))), '{_CANNOT_SAY}'), FALSE)"
