"""Texts of replies, counted and dropped: which are near copies of others, and which apologise or own what went wrong."""

from __future__ import annotations

import re
import tomllib
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from iceberg.arrays import IntArray
from iceberg.ingest.tables import Tables

COPIES = 5  # judgement: replies that are near copies of each other from which on each is a template
_BATCH = 10_000
_WORDS = 3  # in a row that are compared
# MinHash in bands (Broder 1997; Leskovec, Rajaraman & Ullman 2014, chapter 3): two replies that share eight tenths of their rows of words meet in at
# least one band nearly nine times in ten, two that share three tenths three times in a hundred.
_BANDS, _ROWS = 4, 4
_RANDOM = np.random.default_rng(20)
_FACTORS = _RANDOM.integers(1, 2**63, size=_BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
_SHIFTS = _RANDOM.integers(0, 2**63, size=_BANDS * _ROWS, dtype=np.uint64)


@cache
def phrase_patterns() -> dict[str, re.Pattern[str]]:
    """By indicator, what finds its phrases in a text made plain, in both languages."""
    lists = tomllib.loads(files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))
    return {
        name: re.compile(r"\b(?:" + "|".join(re.escape(phrase) for own in lists.values() for phrase in own[name]) + r")\b")
        for name in ("apology", "ownership")
    }


def count_replies(tables: Tables, sql: str) -> dict[str, dict[str | None, tuple[int, float | None]]]:
    """By indicator and category (None: all), the replies and how many of them have it.

    Args:
        tables: Where the texts lie.
        sql: SELECT of category and text.
    """
    patterns = phrase_patterns()
    categories: list[str] = []
    signatures: list[IntArray] = []
    hits: dict[str, Counter[str]] = {name: Counter() for name in patterns}
    result = tables.connection.execute(sql)
    while rows := result.fetchmany(_BATCH):
        for category, text in rows:
            plain = plain_reply(text)
            categories.append(category)
            signatures.append(signature(plain))
            for name, pattern in patterns.items():
                hits[name][category] += bool(pattern.search(plain))
    if not categories:
        return {}
    copies = Counter(category for category, copied in zip(categories, _is_copied(np.stack(signatures)), strict=True) if copied)
    return {name: _with_total(Counter(categories), own) for name, own in {"template": copies, **hits}.items()}


def _with_total(known: Counter[str], having: Counter[str]) -> dict[str | None, tuple[int, float | None]]:
    by_category: dict[str | None, tuple[int, float | None]] = {name: (known[name], float(having[name])) for name in known}
    return by_category | {None: (sum(known.values()), float(sum(having.values())))}


def plain_reply(text: str) -> str:
    """A text in lower case without accents and punctuation; every number is 0, so that an amount or a case number makes no difference."""
    bare = unicodedata.normalize("NFKD", text.replace("\u2019", " ")).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z]+|0", re.sub(r"[0-9]+", " 0 ", bare)))


def signature(plain: str) -> IntArray:
    """(bands,) numbers; near copies share at least one."""
    words = plain.split()
    rows = {" ".join(words[place : place + _WORDS]) for place in range(max(len(words) - _WORDS + 1, 1))}
    hashes = np.fromiter((zlib.crc32(row.encode()) for row in rows), dtype=np.uint64, count=len(rows))
    with np.errstate(over="ignore"):
        lowest = ((hashes[:, None] * _FACTORS + _SHIFTS) >> np.uint64(16)).min(axis=0)
    return np.array([zlib.crc32(band.tobytes()) for band in lowest.reshape(_BANDS, _ROWS)], dtype=np.int64)


def _is_copied(signatures: IntArray) -> Sequence[bool]:
    """Whether each reply shares a band with so many others that they are a template."""
    copied = np.zeros(len(signatures), dtype=np.bool_)
    for band in signatures.T:
        _, inside, number = np.unique(band, return_inverse=True, return_counts=True)
        copied |= number[inside] >= COPIES
    return copied.tolist()
