"""Estimates the width of a label in pixels, from above, so that labels can be wrapped and placed before a browser draws them.

Widths are those of DejaVu Sans, the widest of the system fonts the page asks for; Segoe UI, Helvetica and Arial are 10 to 15 % narrower.
"""

from __future__ import annotations

import re
import unicodedata

# Advance widths per 1,000 em of DejaVu Sans (measured from the font); bold is up to 12 % wider.
_ADVANCES = {
    **dict.fromkeys("0123456789$€", 636),
    **dict.fromkeys("ijl", 278),
    **dict.fromkeys(" .,", 318),
    **dict.fromkeys("'’|", 337),
    **dict.fromkeys("()[]-", 390),
    **dict.fromkeys("rt;:f!", 411),
    **dict.fromkeys("acekosvxyz?", 615),
    **dict.fromkeys("bdghnpqu", 635),
    **dict.fromkeys("FJLEIPSTVXYZRKABC", 698),
    **dict.fromkeys("DGHNOQU", 787),
    **dict.fromkeys("<>+=~", 838),
    "m": 974,
    "w": 818,
    "M": 863,
    "W": 989,
    "&": 780,
    "%": 950,
    "–": 500,
    "—": 1000,
    "\N{NO-BREAK SPACE}": 318,
    "\N{NARROW NO-BREAK SPACE}": 200,
    "·": 318,
    "…": 1000,
    "/": 337,
    "«": 612,
    "»": 612,
    "“": 518,
    "”": 518,
}
_WIDEST_USUAL = 1000  # anything else, ideographs included
_BOLD = 1.12


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Pixels that `text` takes at most at this font size (its longest line)."""
    return max((_line_width(line) for line in text.split("\n")), default=0.0) * size * (_BOLD if bold else 1.0) / 1000


def _line_width(line: str) -> float:
    return sum(_advance(character) for character in line)


def _advance(character: str) -> float:
    known = _ADVANCES.get(character)
    if known is not None:
        return known
    base = unicodedata.normalize("NFD", character)[0]
    return _ADVANCES.get(base, _WIDEST_USUAL)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """`text` cut with an ellipsis so that it fits in `room` pixels."""
    if text_width(text, size, bold=bold) <= room:
        return text
    kept = text
    while kept and text_width(kept.rstrip() + "…", size, bold=bold) > room:
        kept = kept[:-1]
    return kept.rstrip(" -,;(") + "…"


def wrapped(text: str, room: float, size: float, *, lines: int = 3, bold: bool = False, anywhere: bool = False) -> list[str]:
    """`text` broken at spaces, never at no-break ones, into at most `lines` lines of `room` pixels; what does not fit ends in an ellipsis.

    With `anywhere` a word that is longer than a line goes on in the next one.
    """
    broken: list[str] = []
    words = re.findall(r"[^ \t\r\n]+", text)  # `split` would part the thousands of a French number
    if anywhere:
        words = [part for word in words for part in _parted(word, room, size, bold=bold)]
    for word in words:
        joined = f"{broken[-1]} {word}" if broken else word
        if broken and text_width(joined, size, bold=bold) <= room:
            broken[-1] = joined
        else:
            broken.append(word)
    if len(broken) > lines:
        broken = [*broken[: lines - 1], " ".join(broken[lines - 1 :])]
    return [shortened(line, room, size, bold=bold) for line in broken]


def _parted(word: str, room: float, size: float, *, bold: bool) -> list[str]:
    """`word` in parts that fit a line, all but the last one full."""
    parts = [word[:1]]
    for letter in word[1:]:
        if text_width(parts[-1] + letter, size, bold=bold) <= room:
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts
