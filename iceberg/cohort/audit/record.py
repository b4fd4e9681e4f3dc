"""The scored cases of an audit without their ids, and what was found in them: the only part of an audit that leaves this room."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np

from iceberg.arrays import FloatArray, IntArray

# Three sides of an answer to a complaint, each by four items. `iceberg.locale` has their wording, its published basis stands in `BASIS`.
HUMS = ("humanity", "humility", "warmth")
ITEMS = tuple(f"{hum}_{number}" for hum in HUMS for number in range(1, 5))
LOWEST, HIGHEST = 0, 4
BASIS = {
    "humanity": "Colquitt 2001 (interpersonal justice); Blodgett, Hill & Tax 1997; Tax, Brown & Chandrashekaran 1998",
    "humility": "Colquitt 2001 (informational justice); Roschk & Kaiser 2013; Smith, Bolton & Wagner 1999",
    "warmth": "Colquitt 2001 (interpersonal justice: propriety of remarks); Hess & Ambrose 2010; the wording is our own (grade D)",
}
FEWEST_CASES = 10  # judgement: of a category; below it nothing is said of the category
FEWEST_MET = 8  # judgement: cases scored twice, below which a bootstrap of them says nothing


class Span(NamedTuple):
    """A 90 % interval with its median."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, eq=False)
class ScoredCases:
    """The rows of filled sheets, with numbers in place of the ids of cases and the names of raters.

    Attributes:
        categories: Names, sorted.
        category: (N,) place of each case in `categories`.
        weight: (N,) one over the probability with which the case was drawn.
        case: (R,) case of each row.
        rater: (R,) rater of each row, from 0.
        scores: (R, 12) in the order of `ITEMS`, 0 to 4; NaN where the cell is blank.
        blank_rows: Rows without any score, which are not in the others.
        incomplete: Categories of which lines of the draw are missing.
    """

    categories: tuple[str, ...]
    category: IntArray
    weight: FloatArray
    case: IntArray
    rater: IntArray
    scores: FloatArray
    blank_rows: int = 0
    incomplete: tuple[str, ...] = ()

    @property
    def raters(self) -> int:
        """How many scored."""
        return len(np.unique(self.rater))

    @property
    def met(self) -> int:
        """Cases that two raters or more scored."""
        return int((np.bincount(self.case, minlength=len(self.category)) > 1).sum())


@dataclass(frozen=True)
class ItemAgreement:
    """How far raters agree on an item, or on the mean of a HUM.

    Attributes:
        name: One of `ITEMS` or `HUMS`.
        alpha: Krippendorff's alpha for ordinal scores (for interval ones of a HUM); None where it is unknown.
        reading: ``firm``, ``tentative``, ``grey`` (raters do not agree), ``few`` (too few cases scored twice) or ``constant`` (all scores alike).
        consistency: Cronbach's alpha of the four items, of a HUM only.
        rater_sd: Standard deviation between raters in points of the scale, of a HUM only.
    """

    name: str
    alpha: Span | None
    reading: str
    consistency: float | None = None
    rater_sd: Span | None = None


@dataclass(frozen=True)
class CategoryScores:
    """How a category was answered.

    Attributes:
        category: Its name.
        cases: Cases scored.
        scores: By HUM the score from 0 to 4; empty with fewer than `FEWEST_CASES`.
    """

    category: str
    cases: int
    scores: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class HumsAudit:
    """What an audit found. No case and no rater is in it.

    Attributes:
        cases, raters, met: Cases scored, raters, and cases that two or more of them scored.
        blank_rows: Rows of the sheets without a score.
        items, hums: Agreement on each.
        categories: Scores of each.
        incomplete: Categories of which lines of the draw are missing.
    """

    cases: int
    raters: int
    met: int
    blank_rows: int
    items: tuple[ItemAgreement, ...]
    hums: tuple[ItemAgreement, ...]
    categories: tuple[CategoryScores, ...]
    incomplete: tuple[str, ...] = ()

    def of(self, category: str) -> CategoryScores | None:
        """The scores of a category; None where no case of it was scored."""
        return next((one for one in self.categories if one.category == category), None)

    def among(self, names: Collection[str] | None) -> Self:
        """The same with these categories only; None keeps all."""
        return self if names is None else replace(
            self,
            categories=tuple(one for one in self.categories if one.category in names),
            incomplete=tuple(one for one in self.incomplete if one in names),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the header of stored counts."""
        return {
            **{name: getattr(self, name) for name in ("cases", "raters", "met", "blank_rows")},
            **{name: [_agreement_to_dict(one) for one in getattr(self, name)] for name in ("items", "hums")},
            "incomplete": list(self.incomplete),
            "categories": [[one.category, one.cases, {hum: list(span) for hum, span in one.scores.items()}] for one in self.categories],
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        if entry is None:
            return None
        scored = [
            CategoryScores(name, cases, {hum: Span(*span) for hum, span in scores.items()}) for name, cases, scores in entry["categories"]
        ]
        return cls(
            **{name: int(entry[name]) for name in ("cases", "raters", "met", "blank_rows")},
            items=tuple(map(_agreement_from_dict, entry["items"])),
            hums=tuple(map(_agreement_from_dict, entry["hums"])),
            categories=tuple(scored),
            incomplete=tuple(entry.get("incomplete", ())),  # audits that were stored earlier have none
        )


def _agreement_to_dict(one: ItemAgreement) -> dict[str, Any]:
    return {
        "name": one.name,
        "alpha": one.alpha and list(one.alpha),
        "reading": one.reading,
        "consistency": one.consistency,
        "rater_sd": one.rater_sd and list(one.rater_sd),
    }


def _agreement_from_dict(entry: Mapping[str, Any]) -> ItemAgreement:
    alpha, rater_sd = (Span(*entry[name]) if entry[name] else None for name in ("alpha", "rater_sd"))
    return ItemAgreement(entry["name"], alpha, entry["reading"], entry["consistency"], rater_sd)


# What tickets show of how they were answered: from columns of the complaints, and from the texts of replies, which are counted on request only.
FROM_COLUMNS = ("recontact", "called_back", "reopened", "replies", "transfers", "first_reply_hours", "gesture")
FROM_TEXTS = ("template", "apology", "ownership")
INDICATORS = (*FROM_COLUMNS, *FROM_TEXTS)
MEANS = ("replies", "transfers", "first_reply_hours")  # the others are shares


@dataclass(frozen=True)
class TicketFigures:
    """The indicators of a category, or of all.

    Attributes:
        category: Its name; None for all.
        cases: Its cases.
        known: By indicator, the cases of which it is known.
        shares_and_means: By indicator, the share or mean; None where it would count one to four cases.
    """

    category: str | None
    cases: int
    known: Mapping[str, int]
    shares_and_means: Mapping[str, float | None]


@dataclass(frozen=True)
class TicketIndicators:
    """Every indicator that a file has.

    Attributes:
        everybody: Of all cases.
        categories: Of each category.
        missing: Indicators for which the file has no column.
        off: Those of reply texts, where no column of them was named.
    """

    everybody: TicketFigures
    categories: tuple[TicketFigures, ...]
    missing: tuple[str, ...]
    off: tuple[str, ...]
