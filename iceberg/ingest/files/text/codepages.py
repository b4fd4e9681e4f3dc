"""Decides by the words of a text whether it is in cp1252 (Western), cp1250 (Central European), Mac Roman or MS-DOS cp850.

The text decodes in all of them without an error, and statistical detectors confuse them on short files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

WESTERN, CENTRAL = "cp1252", "cp1250"
_RUNS = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_SHORT_WORD = 4  # judgement: a shorter word is no evidence
_ENOUGH_OLD = 200  # judgement: different words
_ENOUGH_WORDS = 20_000  # judgement: after so many words with an accent, more do not change the answer

# Evidence of a word decoded as cp1252, in nats: above 0 for Western (judgement, from the places of these letters in French, Spanish,
# Portuguese, Italian, German and Danish against Czech, Slovak, Polish, Hungarian, Romanian and Croatian). Letters that both code pages share
# (é, á, í, ó, ö, ü, ä, ç, š, ž) are no evidence alone.
_SIGNS: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(pattern), weight)
    for pattern, weight in (
        (r"^à$|^où$|[^\W\d_]à$|^a?oût$|ç[oõ]es$|[ãõ][eo]s?$|ñ[aeiou]", 1.5),
        (r"è[bcdfglmnprstvz]", 0.8),
        (r"ê[cglmnprstv]|û[cfglmnrst]|ï[adefgklmnqrstv]|œ[cdfilmstu]", 0.8),
        (r"å", 1.0),
        (r"è[aeiouyáíéóú]|^è.|è$", -1.5),
        (r"ê$", -0.5),
        (r"à.", -0.5),
        (r"ù.|ì.", -1.5),
        (r"ò.|ð|þ", -1.2),
        # Danish and Norwegian ø and æ are vowels between consonants; the same bytes in cp1250, ř and ć, stand beside a vowel.
        (r"(?:^|[bcdfghjklmnpqrstvwxz])ø(?:[bcdfghjklmnpqrstvwxz]|$)", 1.5),
        (r"[aeiouyáéíóúýě]ø|ø[aeiouyáéíóúý]", -1.2),
        (r"[bcdfghjklmnpqrstvwxz]æ(?:[bcdfghjklmnpqrstvwxz]|$)", 1.5),
        (r"[aeiouyáéíóúý]æ|æ[aeiouyáéíóúý]", -1.2),
        (r"[ìò]$|ù$", -0.2),
        (r"õ(?!e)", -1.5),
        (r"[íýšžáúóŕ].*[èùìòøûïêàæ]|[èùìòøûïêàæ].*[íýšžáúó]", -2.0),
        (r"[^\W\d_][³¹¿£¥¯ªº¼¾\x8d\x8f\x9d]|[³¹¿£¥¯ªº¼¾\x8d\x8f\x9d][^\W\d_]", -2.5),
        (r"^¿[^\W\d_]", 2.5),  # the start of a Spanish question
    )
)
# Excel still saves "CSV (Macintosh)" and "CSV (MS-DOS)". Where they have small letters with accents, Windows has signs and capitals, which no
# word has inside: "RŽsiliation", "R‚siliation".
OLD_PAGES = ("mac_roman", "cp850")
_SIGN = "\\x80-\\x9fŠŽŒŸŚŤŹƒ†‡ˆ‰‹‚„“”™¡¢£¤¥ÕŐ"  # as Windows decodes them; without dashes, dots and the apostrophe, which can stand between words
_OUT_OF_PLACE = re.compile(rf"[A-Za-z][{_SIGN}][a-z]|[a-z][\x80-\x9fŠŽŒŚŤŹƒ†‡ˆ‰‹](?!\w)")
_IN_PLACE = re.compile(r"[A-Za-z][àâäãáåæçéèêëíìîïñóòôöõøœúùûüÿß](?:[a-z]|$)|^[àâäéèêëîïôöûüœÀÂÄÉÈÊËÎÏÔÖÛÜŒ][a-z]")
_PRIOR = 1.5  # judgement: most analysts of this product write French or English


@dataclass(frozen=True)
class CodepageVerdict:
    """The likelier of two encodings.

    Attributes:
        encoding: The likelier one.
        certain: The analyst need not decide: no letter differs, or the words are clearly Western.
        other: The less likely one.
        says, other_says: A few words as each of the two decodes them.
    """

    encoding: str
    certain: bool
    other: str = ""
    says: str = ""
    other_says: str = ""


def tell_codepages_apart(chunks: Iterable[bytes]) -> CodepageVerdict:
    """Choose the code page of bytes that are neither UTF-8 nor UTF-16."""
    score, words = _PRIOR, 0
    shown: dict[str, str] = {}
    old = {page: dict[str, str]() for page in OLD_PAGES}
    no_evidence = set[bytes]()
    for chunk in chunks:
        if chunk.isascii():
            continue
        for match in _RUNS.finditer(chunk):
            raw = match.group()
            if raw in no_evidence:
                continue
            west, central = _decode(raw, WESTERN), _decode(raw, CENTRAL)
            _note_old(raw, west, central, old)
            if west == central:
                if len(no_evidence) < _ENOUGH_WORDS:
                    no_evidence.add(raw)
                continue
            words += 1
            score += _weight(west)
            if len(shown) < 3 and len(raw) > 1:
                shown[west] = central
        if words > _ENOUGH_WORDS:
            break
    page = max(OLD_PAGES, key=lambda candidate: len(old[candidate]))
    if old[page]:
        texts = list(old[page].items())[:3]
        says, other_says = (", ".join(pair[side] for pair in texts) for side in (0, 1))
        return CodepageVerdict(page, certain=False, other=WESTERN, says=says, other_says=other_says)
    if not words or score > 0:
        return CodepageVerdict(WESTERN, certain=True)
    return CodepageVerdict(CENTRAL, certain=False, other=WESTERN, says=", ".join(shown.values()), other_says=", ".join(shown))


def _note_old(raw: bytes, west: str, central: str, old: dict[str, dict[str, str]]) -> None:
    """Collect a word that Windows cannot have written and an older code page could, as each decodes it."""
    if len(raw) < _SHORT_WORD or not (_OUT_OF_PLACE.search(west) and _OUT_OF_PLACE.search(central)):
        return
    for page, words in old.items():
        text = raw.decode(page)
        if len(words) < _ENOUGH_OLD and _IN_PLACE.search(text) and not _OUT_OF_PLACE.search(text):
            words[text] = west


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _weight(word: str) -> float:
    """The evidence of one word, in nats."""
    lower = word.lower()
    return max(-3.0, min(3.0, sum(weight for pattern, weight in _SIGNS if pattern.search(lower))))
