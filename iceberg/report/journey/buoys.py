"""Places good moments at the steps of the journey: a buoy per kind that the mapping names, which is never taken off the silent churn."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from iceberg.cohort.positives.positive_counts import PositiveCounts
from iceberg.locale import LANGUAGES, Translator, visible
from iceberg.model.journey.stages import Journey
from iceberg.model.positives.estimate import Enchantment, MomentEffect
from iceberg.report.positives.sentences import SHOWN, kind_name


@dataclass(frozen=True)
class Buoy:
    """Moments of one kind at their step.

    Attributes:
        stage: As in `Journey.stages`.
        name: Of the kind, for a reader.
        effect: What became of the customers; of kinds that cannot be distinguished, of all of them.
    """

    stage: str
    name: str
    effect: MomentEffect

    @property
    def certain(self) -> bool:
        """Whether it surely kept customers, or surely drove some away: zero is outside the range."""
        return self.effect.reading in {"protects", "harms"}

    def says(self, words: Translator) -> str:
        """How many stayed because of it with the range, or why that cannot be said."""
        saved = self.effect.saved if self.effect.reading in SHOWN else None
        if saved is None:
            return words.text(f"positives.reading_{self.effect.reading}")
        numbers = (("low", saved.lower), ("middle", saved.median), ("high", saved.upper))
        ends = {name: words.integer(value).replace("-", "\N{MINUS SIGN}") for name, value in numbers}
        return words.text("journey.buoy_certain" if self.certain else "journey.buoy_open", **ends)


def buoys_of(journey: Journey, found: Enchantment | None, words: Translator, *, whole: bool = True) -> tuple[Buoy, ...]:
    """The buoys in the order of the mapping; kinds that the file of good moments does not have make none.

    Args:
        journey: With the moments that the mapping names.
        found: What good moments did; None without a file.
        words: Language.
        whole: False for viewers, who read only what is said of all moments together: a buoy where all are of one kind.
    """
    if found is None or (not whole and len(found.positives.kinds) > 1):
        return ()
    by_name, buoys = _kinds_by_name(journey, found.positives), []
    for name, stage in journey.moments:
        kind = by_name.get(_plain(name))
        if kind is not None:
            effect = next((one for one in found.kinds if one.kind == kind), found.whole)
            spoken = kind_name(found.positives, kind, words) if found.positives.kinds[kind] else visible(name)
            buoys.append(Buoy(stage, spoken, effect))
    return tuple(buoys)


def unknown_moments(journey: Journey, found: Enchantment | None) -> tuple[str, ...]:
    """Kinds that the mapping names and the file of good moments does not have; none without a file."""
    if found is None:
        return ()
    by_name = _kinds_by_name(journey, found.positives)
    return tuple(name for name, _ in journey.moments if _plain(name) not in by_name)


def _kinds_by_name(journey: Journey, counts: PositiveCounts) -> dict[str, int]:
    """The kind of each name that a mapping may write for it: as in the file, or as the page calls it in either language.

    The moments of a file without kinds are what the only name of the mapping says.
    """
    if counts.kinds == ("",) and len(journey.moments) == 1:
        return {_plain(journey.moments[0][0]): 0}
    names: dict[str, int] = {}
    for kind, written in enumerate(counts.kinds):
        spoken = (kind_name(counts, kind, Translator(language)) for language in LANGUAGES)
        for name in (written, *spoken):
            names.setdefault(_plain(name), kind)
    return names


def _plain(name: str) -> str:
    """A name without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return " ".join(re.findall(r"\w+", "".join(letter for letter in letters if not unicodedata.combining(letter))))
