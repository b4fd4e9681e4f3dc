"""The section ``[journey]`` of a mapping: at which step of the customer's journey each category and each kind of good moment happens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iceberg.errors import MappingError

JOURNEY = "journey"
# The usual steps in their order, each with the words that files in English and French write for it.
STAGES: dict[str, tuple[str, ...]] = {
    "before": (
        "before", "before purchase", "before buying", "pre purchase", "presales", "pre sales", "prospect", "prospection", "discovery", "information",
        "avant", "avant l achat", "avant achat", "avant vente", "decouverte",
    ),
    "buying": (
        "buying", "buy", "purchase", "purchasing", "order", "ordering", "checkout", "sale", "sales", "sign up", "signup", "subscribing",
        "achat", "acheter", "commande", "vente", "souscription", "inscription",
    ),
    "delivery": (
        "delivery", "shipping", "shipment", "installation", "onboarding", "activation", "livraison", "expedition", "mise en service", "reception",
    ),
    "use": ("use", "usage", "using", "in use", "product use", "consumption", "utilisation", "consommation"),
    "help": (
        "help", "support", "after sales", "after sales service", "customer service", "assistance",
        "aide", "apres vente", "sav", "service apres vente", "service client",
    ),
    "renewal": ("renewal", "renewing", "loyalty", "repurchase", "renouvellement", "reconduction", "fidelisation", "reachat"),
    "leaving": (
        "leaving", "leave", "departure", "cancellation", "exit", "offboarding", "depart", "resiliation", "sortie", "annulation",
    ),
}  # fmt: skip
_SETTINGS = ("stages", "channel_is_place", "moments")
_KNOWN_VALUES = {
    "stages": '["first step", "second step"]',
    "channel_is_place": "true, false",
    "moments": 'a table of its own: [journey.moments], "call-back" = "help"',
}
MOST_STAGES = 20  # judgement: a picture of more steps is not read from left to right


@dataclass(frozen=True)
class JourneyRules:
    """What the analyst says of the journey.

    Attributes:
        categories: Stage by category.
        stages: Own names of the stages in their order; empty for the usual ones (`STAGES`).
        channel_is_place: Whether the channel column says where the problem happened, and not only where it was reported.
        moments: Stage by kind of good moment; places nothing of the estimate, only buoys on the picture.
    """

    categories: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    channel_is_place: bool = False
    moments: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The stages in their order."""
        return self.stages or tuple(STAGES)

    def stage_of(self, text: str) -> str | None:
        """The stage that a text names, whatever its case, accents and punctuation; None where it names none."""
        return self._words().get(fold_stage(text))

    def _words(self) -> dict[str, str]:
        if self.stages:
            return {fold_stage(name): name for name in self.stages}
        return {word: name for name, words in STAGES.items() for word in (name, *words)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        settings: dict[str, Any] = {"stages": list(self.stages)} if self.stages else {}
        settings |= {"channel_is_place": True} if self.channel_is_place else {}
        settings |= {"moments": dict(self.moments)} if self.moments else {}
        return settings | dict(self.categories)

    @classmethod
    def from_dict(cls, entry: Any, *, name: str) -> JourneyRules:  # noqa: ANN401  # whatever the file holds
        """From the section of a mapping. A text is the stage of the category that is its key; lists and yes or no are settings.

        Raises:
            MappingError: ``mapping_value_wrong``.
        """
        if not isinstance(entry, dict):
            raise _wrong(name, JOURNEY, entry, f'category = "{next(iter(STAGES))}"')
        own = entry.get("stages", [])
        # A category may be called like a setting: then its value is the name of a stage.
        placed = {str(key): value for key, value in entry.items() if key not in _SETTINGS or (isinstance(value, str) and value)}
        own = [] if isinstance(own, str) else own
        if not isinstance(own, list) or not all(isinstance(one, str) and fold_stage(one) for one in own) or len(own) > MOST_STAGES:
            raise _wrong(name, "stages", own, '["first step", "second step"]')
        if len({fold_stage(one) for one in own}) < len(own):
            raise _wrong(name, "stages", own, "a list in which no stage stands twice")
        is_place = entry.get("channel_is_place", False)
        is_place = False if isinstance(is_place, str) else is_place
        if not isinstance(is_place, bool):
            raise _wrong(name, "channel_is_place", is_place, "true, false")
        moments = entry.get("moments", {})
        moments = {} if isinstance(moments, str) else moments
        if not isinstance(moments, dict):
            raise _wrong(name, "moments", moments, _KNOWN_VALUES["moments"])
        rules = cls(stages=tuple(own), channel_is_place=is_place)
        return cls(rules._read(placed, name=name), rules.stages, is_place, rules._read(moments, name=name))

    def _read(self, placed: Mapping[str, Any], *, name: str) -> dict[str, str]:
        """The stage of each key."""
        found = {}
        for key, stage in placed.items():
            known = self.stage_of(stage) if isinstance(stage, str) else None
            if known is None and key in _SETTINGS:
                raise _wrong(name, key, stage, _KNOWN_VALUES[key])
            if known is None:
                others = "" if self.stages else '; or your own names in their order: stages = ["...", "..."]'
                raise _wrong(name, key, stage, ", ".join(self.names) + others)
            found[key] = known
        return found


def fold_stage(text: str) -> str:
    """A text without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter))))


def _wrong(name: str, key: str, value: Any, known: str) -> MappingError:  # noqa: ANN401  # whatever the file holds
    return MappingError("mapping_value_wrong", {"file": name, "table": JOURNEY, "key": key, "value": str(value), "known": known})
