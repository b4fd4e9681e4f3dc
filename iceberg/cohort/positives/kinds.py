"""Names the kinds of good moments: those that the product knows in both languages by one name, the others as they are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from iceberg.cohort.incidents import fold_name
from iceberg.cohort.positives.positive_counts import OTHER_KINDS

MOST_KINDS, LEAST_OF_KIND = 8, 5  # judgement: kinds that stand alone, and customers of each
_LONGEST = 60  # characters of a name
_KNOWN = (
    ("call_back", r"call ?back|called back|rappel|recontact"),
    ("goodwill", r"goodwill|gesture|gest[e]|\bavoir\b|credit|refund|rembours|voucher|gift|cadeau|bon d achat|remise|discount|offert|upgrade"),
    ("compliment", r"compliment|praise|thank|merci|eloge|felicit|positive feedback|avis positif"),
    ("recognition", r"recogni[sz]|reconn|loyalty|fidelit|anniversar|birthday|vip"),
    ("top_score", r"csat ?5|5 ?stars?|5 ?etoiles?|five stars?|top score|very satisfied|tres satisfait|promot(?:er|eur)|note 5"),
)


def code_of(text: str) -> str:
    """The name under which the product knows a kind; "" where it does not."""
    folded = fold_name(text)
    return next((code for code, pattern in _KNOWN if re.search(pattern, folded)), "")


def place_kinds(texts: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, int]]:
    """Names of the kinds, their codes, and the place of each text.

    Spellings that differ by case, accents or punctuation are one kind, as are all texts of a kind that is known. Past `MOST_KINDS`, and of fewer
    customers than `LEAST_OF_KIND`, kinds are one, `OTHER_KINDS`, at the last place; a single small one is joined by the next.

    Args:
        texts: By text of the column ("" where it is blank), customers whose first moment it names.
    """
    sizes, spellings, known = Counter[str](), dict[str, Counter[str]](), dict[str, str]()
    for text, number in texts.items():
        code = code_of(text)
        key = f"={code}" if code else fold_name(text)
        sizes[key] += number
        spellings.setdefault(key, Counter())[text] += number
        known[key] = code
    order = sorted(sizes, key=lambda key: (-sizes[key], key))
    alone = [key for key in order if sizes[key] >= LEAST_OF_KIND]
    if len(alone) < len(order) or len(alone) > MOST_KINDS:
        alone = alone[: MOST_KINDS - 1]
    while alone and len(alone) < len(order) and sum(sizes[key] for key in order[len(alone) :]) < LEAST_OF_KIND:
        alone = alone[:-1]
    names = [max((number, text) for text, number in spellings[key].items())[1][:_LONGEST] for key in alone]
    codes = [known[key] for key in alone]
    if len(alone) < len(order):
        names, codes = [*names, OTHER_KINDS], [*codes, ""]
    places = {key: place for place, key in enumerate(alone)}
    return tuple(names), tuple(codes), {text: places.get(key, len(names) - 1) for key, found in spellings.items() for text in found}
