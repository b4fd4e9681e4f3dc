"""Tells labels, which repeat, from free text, and recognises the labels that mean "no complaint"."""

from __future__ import annotations

from collections.abc import Iterable

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.dates import BLANK_TEXTS

_FEWEST = 5  # judgement: fewer cells can all differ and still be labels
_MANY = 50  # judgement: with so many cells, labels repeat
_WORDS, _LETTERS = 6, 60  # judgement: a label is shorter than a sentence
_MOSTLY_DIFFERENT = 0.8  # judgement: with so many different entries a column numbers or describes its rows
# Lower case, without accents.
_NONE = (
    r"no|non|n|nil|nothing|rien|neant|ras|r\.a\.s\.?|0|0[.,]0+|false|faux|never|jamais|"
    r"(?:no|not|without|0) (?:complaints?|complained|issues?|problems?|reasons?|category)|did not complain|not applicable|"
    r"aucune?|(?:aucune?|sans|pas de) (?:reclamations?|plaintes?|motifs?|problemes?|objet)|sans|keine?|"
    r"keine? (?:beschwerden?|reklamation(?:en)?)|ninguna?|sin (?:quejas?|reclamo)|nessuno?|geen(?: klacht(?:en)?)?"
)


def holds_texts(values: Iterable[str | None]) -> bool:
    """Whether a sample of cells is free text, or differs in nearly every row, so that it holds no labels."""
    filled = [text for value in values if (text := str(value or "").strip()) and text.lower() not in BLANK_TEXTS]
    different = len({text.lower() for text in filled})
    if len(filled) >= _MANY and different >= _MOSTLY_DIFFERENT * len(filled):
        return True
    long = sum(len(text) > _LETTERS or len(text.split()) >= _WORDS for text in filled)
    return len(filled) >= _FEWEST and different >= 0.5 * len(filled) and long >= 0.5 * len(filled)


def says_none_sql(text: str) -> str:
    """SQL of a BOOLEAN: whether `text`, SQL of a VARCHAR that is not NULL, means that there was no complaint."""
    plain = f"lower(strip_accents(trim({text})))"
    blanks = ", ".join(quote_text(blank) for blank in BLANK_TEXTS)
    return f"({plain} IN ({blanks}) OR regexp_full_match({plain}, {quote_text(_NONE)}))"
