"""`JourneyCounts`: complainants by category and by what their cases say of themselves, the step of the journey and the channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from iceberg.cohort.day_counts import ComplaintClockCounts

BLANK, OUTSIDE = -1, -2  # places beside those of the stages: the cell is empty; it names no stage
OTHER_CHANNELS = "\x00others"  # name of the channels of few customers together, which no file can have


@dataclass(frozen=True, order=True)
class Split:
    """Customers of one category and one place.

    Attributes:
        category: Place in the axis of the counts.
        place: Of the stage, `BLANK` or `OUTSIDE`; or of the channel, `BLANK` without one.
        customers: How many.
    """

    category: int
    place: int
    customers: int


@dataclass(frozen=True, eq=False)
class JourneyCounts:
    """Where in the journey complainants stand, and through which channel they came.

    Attributes:
        stages: Names of the stages in their order: those of the analyst, else the usual ones (`iceberg.ingest.sections.journey.STAGES`).
        own_names: Whether the analyst named them.
        placed: Category and stage, as a mapping says.
        missing: Categories that the mapping names and no complaint has.
        complained: Complainants by category and stage, from the column of the complaints; empty without one.
        struck: The same of customers with a logged incident who did not complain, from the column of the log.
        outside: Texts of the stage columns that are no stage, and the cases that have them, most first.
        channels: Names, those of most complainants first; the last may be `OTHER_CHANNELS`.
        channel_is_place: Whether the analyst says that a channel is where the problem happened.
        heard: Complainants by category and channel.
        struck_through: Customers with a logged incident who did not complain, by category and channel of the log.
        clock: Complainants since their first complaint of all; its category is the place of that complaint's channel.
        moments: Kind of good moment and stage, as a mapping says; whether there are such moments is not asked here.
    """

    stages: tuple[str, ...]
    own_names: bool = False
    placed: tuple[tuple[int, int], ...] = ()
    missing: tuple[str, ...] = ()
    complained: tuple[Split, ...] = ()
    struck: tuple[Split, ...] = ()
    outside: tuple[tuple[str, int], ...] = ()
    channels: tuple[str, ...] = ()
    channel_is_place: bool = False
    heard: tuple[Split, ...] = ()
    struck_through: tuple[Split, ...] = ()
    clock: ComplaintClockCounts = field(default_factory=ComplaintClockCounts.empty)
    moments: tuple[tuple[str, int], ...] = ()

    def select(self, chosen: Sequence[int]) -> Self:
        """The counts for some segments, which take the places of their order. Only the clock knows segments; the rest stays that of the file."""
        places = {int(old): new for new, old in enumerate(chosen)}
        inside = self.clock.where(np.isin(self.clock.segment, list(places)))
        moved = np.array([places[int(segment)] for segment in inside.segment], dtype=np.int64)
        return replace(self, clock=replace(inside, segment=moved))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return {
            "stages": list(self.stages),
            "own_names": self.own_names,
            "placed": [list(one) for one in self.placed],
            "missing": list(self.missing),
            "moments": [list(one) for one in self.moments],
            "outside": [list(one) for one in self.outside],
            "channels": list(self.channels),
            "channel_is_place": self.channel_is_place,
            **{name: [[one.category, one.place, one.customers] for one in getattr(self, name)] for name in _SPLITS},
            "clock": {name: values.tolist() for name, values in self.clock.columns.items()},
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        if entry is None:
            return None
        return cls(
            stages=tuple(entry["stages"]),
            own_names=bool(entry["own_names"]),
            placed=tuple((int(category), int(stage)) for category, stage in entry["placed"]),
            missing=tuple(entry["missing"]),
            moments=tuple((str(name), int(stage)) for name, stage in entry.get("moments", ())),  # counts that were stored earlier have none
            outside=tuple((str(name), int(cases)) for name, cases in entry["outside"]),
            channels=tuple(entry["channels"]),
            channel_is_place=bool(entry["channel_is_place"]),
            **{name: tuple(Split(*one) for one in entry[name]) for name in _SPLITS},
            clock=ComplaintClockCounts(**{name: np.array(values, dtype=np.int64) for name, values in entry["clock"].items()}),
        )


_SPLITS = ("complained", "struck", "heard", "struck_through")
