"""Proposes groups of category names that can be one category, with reasons, and merges those that the analyst chose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

import duckdb

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.joining.options import CategoryGroup
from iceberg.ingest.schema import UNCATEGORISED

MOST_CATEGORIES = 500  # judgement: with more names than this the column is free text, not a category
_LONG_ENOUGH = 5  # judgement: from so many letters on, one different letter is more likely a typing error than another word
_RARER = 0.25  # judgement: a typing error is rarer than the right spelling


def propose_category_merges(connection: duckdb.DuckDBPyConnection, rows: str) -> tuple[CategoryGroup, ...]:
    """Groups of names that differ by case, accent, punctuation, plural or one typing error.

    Args:
        connection: Connection with the rows.
        rows: SQL with a column category.
    """
    sizes = connection.execute(f"SELECT category, count(*) FROM ({rows}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MOST_CATEGORIES + 1}").fetchall()
    return group_categories({name: size for name, size in sizes if name != UNCATEGORISED}) if len(sizes) <= MOST_CATEGORIES else ()


def group_categories(sizes: Mapping[str, int]) -> tuple[CategoryGroup, ...]:
    """Groups of similar names, from the number of rows of each name."""
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
    left, right = one, other
    for reason, change in steps:
        left, right = change(left), change(right)
        if left == right:
            return reason
    if min(len(left), len(right)) >= _LONG_ENOUGH and other_rows <= _RARER * rows and edit_distance(left, right) <= 1:
        return "spelling"
    return ""


def _without_punctuation(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _without_accents(text: str) -> str:
    spelled = text.replace("œ", "oe").replace("æ", "ae")
    return "".join(letter for letter in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(letter))


def _singular(text: str) -> str:
    """Each word without its plural ending: -s in both languages, -x in French, -ies in English."""
    return " ".join(re.sub(r"(?<=\w\w\w)ies$", "y", word) if word.endswith("ies") else re.sub(r"(?<=\w\w\w)[sx]$", "", word) for word in text.split())


def edit_distance(one: str, other: str) -> int:
    """Restricted Damerau-Levenshtein distance between two texts, at most 2: letters added, removed, replaced or swapped."""
    if abs(len(one) - len(other)) > 1:
        return 2
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    if not left and not right:
        return 0
    swapped = len(left) > 1 and len(right) > 1 and left[0] == right[1] and left[1] == right[0] and left[2:] == right[2:]
    return 1 if left[1:] == right[1:] or left[1:] == right or left == right[1:] or swapped else 2


def merge_categories(connection: duckdb.DuckDBPyConnection, read_name: str, merges: Mapping[str, Iterable[str]]) -> None:
    """Replace merged names in the column `category` by the first name of their group."""
    cases = " ".join(f"WHEN {quote_text(other)} THEN {quote_text(name)}" for name, others in merges.items() for other in others if other != name)
    if cases:
        connection.execute(f"UPDATE {read_name} SET category = CASE category {cases} ELSE category END WHERE category IS NOT NULL")
