"""Compares names of categories: which spellings are the same name, which names look alike and why, and which cells hold several."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from rapidfuzz.distance import OSA

from iceberg.ingest.joining.options import CategoryGroup, SeveralInOne

SEPARATORS = (";#", ";", "|", " / ", " + ", " & ", " et ", " and ", " und ", ",", "/")  # tried in this order; SharePoint writes ";#"
_LONG_ENOUGH, _LONG = 5, 12  # judgement: from so many letters on, one or two different letters are more likely a typing error than another word
_RARER = 0.25  # judgement: a typing error is rarer than the right spelling
_SHORTEST_START = 3  # judgement: "app" can be short for "application", "ap" for too much
_ARTICLES = frozenset({
    "a", "an", "and", "for", "of", "on", "the", "to",
    "au", "aux", "avec", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "par", "pour", "sur", "un", "une",
})  # fmt: skip
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'", "\u02bc": "'"})


def spelling_key(name: str) -> str:
    """What all spellings of a name have in common: no case, no accents, single spaces, one kind of apostrophe."""
    return " ".join(_without_accents(name.translate(_APOSTROPHES)).casefold().split())


def group_categories(sizes: Mapping[str, int]) -> tuple[CategoryGroup, ...]:
    """Groups of names that look alike, from the number of rows of each name."""
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    groups: list[list[tuple[str, str]]] = []
    for name in ranked:
        for group in groups:
            reason = why_alike(group[0][0], name, sizes[group[0][0]], sizes[name])
            if reason:
                group.append((name, reason))
                break
        else:
            groups.append([(name, "")])
    return tuple(
        CategoryGroup(
            group[0][0], tuple(name for name, _ in group[1:]), tuple(sizes[name] for name, _ in group), tuple(reason for _, reason in group[1:])
        )
        for group in groups
        if len(group) > 1
    )


def why_alike(one: str, other: str, rows: int, other_rows: int) -> str:
    """Why two names can be one category, "" where they cannot. Names with different digits are never alike."""
    if re.findall(r"\d+", one) != re.findall(r"\d+", other):
        return ""
    steps = (("case", str.casefold), ("punctuation", _without_punctuation), ("accent", _without_accents), ("plural", _singular))
    left, right, are_short = one, other, False
    for reason, change in steps:
        are_short = are_short or _is_short_for(left, right)  # "tps" is short for "temps", and not for "temp"
        left, right = change(left), change(right)
        if left == right:
            return reason
    if are_short or _is_short_for(left, right):
        return "abbreviation"
    letters = min(len(left), len(right))
    allowed = 0 if letters < _LONG_ENOUGH else 1 if letters < _LONG else 2
    return "spelling" if other_rows <= _RARER * rows and OSA.distance(left, right, score_cutoff=allowed) <= allowed else ""


def several_in_one(sizes: Mapping[str, int]) -> SeveralInOne | None:
    """The cells that hold several categories: all their parts stand in other cells alone. None where there are none.

    "Site / application" is one name where nobody complains about "Site".
    """
    keys = {spelling_key(name) for name in sizes}
    for separator in SEPARATORS:
        found = {name: rows for name, rows in sizes.items() if len(parts := split_cell(name, separator)) > 1 and {*map(spelling_key, parts)} <= keys}
        if found:
            ranked = sorted(found, key=lambda name: (-found[name], name))
            return SeveralInOne(separator, sum(found.values()), tuple(ranked))
    return None


def split_cell(name: str, separator: str) -> tuple[str, ...]:
    """The parts of a cell, each once, in their order."""
    return tuple(dict.fromkeys(part for text in name.split(separator) if (part := text.strip())))


def usual_spellings(sizes: Mapping[str, int], preferred: Counter[str]) -> dict[str, str]:
    """By `spelling_key`, the spelling that stays: a preferred one, else the most frequent, rather not in capitals only."""
    ranked = sorted(sizes, key=lambda name: (-preferred[name], -sizes[name], name.isupper(), name))
    usual: dict[str, str] = {}
    for name in ranked:
        usual.setdefault(spelling_key(name), name)
    return usual


def _without_punctuation(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _without_accents(text: str) -> str:
    spelled = text.replace("œ", "oe").replace("æ", "ae").replace("Œ", "OE").replace("Æ", "AE")
    return "".join(letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter))


def _singular(text: str) -> str:
    """Each word without its plural ending: -s in both languages, -x in French, -ies in English."""
    return " ".join(re.sub(r"(?<=\w\w\w)ies$", "y", word) if word.endswith("ies") else re.sub(r"(?<=\w\w\w)[sx]$", "", word) for word in text.split())


def _is_short_for(one: str, other: str) -> bool:
    """Whether two names have the same words, but for articles and words that are shortened: "tps attente", "temps d attente"."""
    left, right = ([word for word in text.split() if word not in _ARTICLES] for text in (one, other))
    return bool(left) and len(left) == len(right) and all(_is_same_word(*pair) for pair in zip(left, right, strict=True))


def _is_same_word(one: str, other: str) -> bool:
    short, whole = sorted((one, other), key=len)
    if short == whole:
        return True
    if len(short) >= _SHORTEST_START and whole.startswith(short):
        return True
    letters = iter(whole[1:])  # tps, temps: the same first and last letter, and the consonants between them
    skips_vowels = short[0] == whole[0] and short[-1] == whole[-1] and len(short) >= _SHORTEST_START and not set(short[1:]) & set("aeiouy")
    return skips_vowels and all(letter in letters for letter in short[1:])
