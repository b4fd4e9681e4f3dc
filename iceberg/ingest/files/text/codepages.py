"""Owns the question that bytes alone may leave open: were they written in Western (cp1252) or Central Europe (cp1250), on a Mac or under MS-DOS?

All readings decode without an error; only the words tell them apart. Statistical detectors swap them on short files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

WESTERN, CENTRAL = "cp1252", "cp1250"
_RUNS = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_SHORT_WORD = 4  # judgement: shorter ones may be anything
_ENOUGH_OLD = 200  # judgement: different words
_ENOUGH_WORDS = 20_000  # judgement: words with an accent after which more do not change the answer

# What a word says when read as cp1252, in nats (judgement, from where these letters stand in French, Spanish, Portuguese, Italian,
# German and Danish on one side, Czech, Slovak, Polish, Hungarian, Romanian and Croatian on the other): above 0 it looks Western, below 0
# it does not. Letters that are the same in both (é, á, í, ó, ö, ü, ä, ç, š, ž) say nothing alone.
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
        # A Danish or Norwegian ø and æ stand where a vowel does, between consonants; as Czech ř, Polish or Croatian ć they stand beside one.
        (r"(?:^|[bcdfghjklmnpqrstvwxz])ø(?:[bcdfghjklmnpqrstvwxz]|$)", 1.5),
        (r"[aeiouyáéíóúýě]ø|ø[aeiouyáéíóúý]", -1.2),
        (r"[bcdfghjklmnpqrstvwxz]æ(?:[bcdfghjklmnpqrstvwxz]|$)", 1.5),
        (r"[aeiouyáéíóúý]æ|æ[aeiouyáéíóúý]", -1.2),
        (r"[ìò]$|ù$", -0.2),
        (r"õ(?!e)", -1.5),
        (r"[íýšžáúóŕ].*[èùìòøûïêàæ]|[èùìòøûïêàæ].*[íýšžáúó]", -2.0),
        (r"[^\W\d_][³¹¿£¥¯ªº¼¾\x8d\x8f\x9d]|[³¹¿£¥¯ªº¼¾\x8d\x8f\x9d][^\W\d_]", -2.5),
        (r"^¿[^\W\d_]", 2.5),  # how a Spanish question starts
    )
)
# What Excel still saves as "CSV (Macintosh)" and "CSV (MS-DOS)". Their small letters with accents are what Windows has for signs and capitals, which
# stand inside no word: "RŽsiliation", "R‚siliation".
OLD_PAGES = ("mac_roman", "cp850")
_SIGN = "\\x80-\\x9fŠŽŒŸŚŤŹƒ†‡ˆ‰‹‚„“”™¡¢£¤¥ÕŐ"  # as Windows reads them; not what may stand between words: dashes, dots, an apostrophe
_OUT_OF_PLACE = re.compile(rf"[A-Za-z][{_SIGN}][a-z]|[a-z][\x80-\x9fŠŽŒŚŤŹƒ†‡ˆ‰‹](?!\w)")
_IN_PLACE = re.compile(r"[A-Za-z][àâäãáåæçéèêëíìîïñóòôöõøœúùûüÿß](?:[a-z]|$)|^[àâäéèêëîïôöûüœÀÂÄÉÈÊËÎÏÔÖÛÜŒ][a-z]")
_PRIOR = 1.5  # judgement: most analysts of this product write French or English


@dataclass(frozen=True)
class CodepageVerdict:
    """Which of the two readings fits.

    Attributes:
        encoding: The likelier one.
        certain: Nothing needs to be asked: no letter differs, or the words are Western beyond doubt.
        other: The reading that is less likely.
        says, other_says: A few words as each would read them.
    """

    encoding: str
    certain: bool
    other: str = ""
    says: str = ""
    other_says: str = ""


def tell_codepages_apart(chunks: Iterable[bytes]) -> CodepageVerdict:
    """Judge bytes that are neither UTF-8 nor UTF-16."""
    score, words = _PRIOR, 0
    shown: dict[str, str] = {}
    old = {page: dict[str, str]() for page in OLD_PAGES}
    says_nothing = set[bytes]()
    for chunk in chunks:
        if chunk.isascii():
            continue
        for found in _RUNS.finditer(chunk):
            raw = found.group()
            if raw in says_nothing:
                continue
            west, central = _decode(raw, WESTERN), _decode(raw, CENTRAL)
            _note_old(raw, west, central, old)
            if west == central:
                if len(says_nothing) < _ENOUGH_WORDS:
                    says_nothing.add(raw)
                continue
            words += 1
            score += _weight(west)
            if len(shown) < 3 and len(raw) > 1:
                shown[west] = central
        if words > _ENOUGH_WORDS:
            break
    page = max(OLD_PAGES, key=lambda one: len(old[one]))
    if old[page]:
        texts = list(old[page].items())[:3]
        says, other_says = (", ".join(pair[side] for pair in texts) for side in (0, 1))
        return CodepageVerdict(page, certain=False, other=WESTERN, says=says, other_says=other_says)
    if not words or score > 0:
        return CodepageVerdict(WESTERN, certain=True)
    return CodepageVerdict(CENTRAL, certain=False, other=WESTERN, says=", ".join(shown.values()), other_says=", ".join(shown))


def _note_old(raw: bytes, west: str, central: str, old: dict[str, dict[str, str]]) -> None:
    """A word that Windows cannot have written and an older page could: kept, as both read it, a few of each."""
    if len(raw) < _SHORT_WORD or not (_OUT_OF_PLACE.search(west) and _OUT_OF_PLACE.search(central)):
        return
    for page, found in old.items():
        text = raw.decode(page)
        if len(found) < _ENOUGH_OLD and _IN_PLACE.search(text) and not _OUT_OF_PLACE.search(text):
            found[text] = west


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _weight(word: str) -> float:
    """What one word says."""
    lower = word.lower()
    return max(-3.0, min(3.0, sum(weight for pattern, weight in _SIGNS if pattern.search(lower))))
