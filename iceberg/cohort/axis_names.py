"""The names of an axis of counts (segments, complaint categories) and the place of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iceberg.ingest.schema import LEVELS_TOGETHER

OTHER_NAMES = "(other)"  # last segment or category where names are taken together


@dataclass(frozen=True)
class Names:
    """Names of an axis in sorted order; `others` names of the file share the last place."""

    names: tuple[str, ...]
    others: int

    @classmethod
    def largest(cls, sizes: dict[str, int], most: int, *, few: int = 0, least: int = 0) -> Names:
        """The `most` largest, ties by name; the rest share one place. Of more than `few` names, so do small ones, under `least`."""
        by_size = sorted((name for name in sizes if name != OTHER_NAMES), key=lambda name: (-sizes[name], name))
        small = {name for name in by_size[max(few - 1, 0) :] if sizes[name] < least} if len(sizes) > few else set[str]()
        small = small if len(small) > 1 else set()  # one alone would be no smaller for another name
        if len(sizes) <= most and OTHER_NAMES not in sizes and not small:
            return cls(tuple(sorted(sizes)), 0)
        named = sorted([name for name in by_size if name not in small][: max(most - 1, 0)])
        return cls((*named, OTHER_NAMES), len(sizes) - len(named))

    def columns(self, headers: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
        """`CohortCounts.segment_columns` and `segment_levels` of the columns that make the names; names taken together have a level of their own."""
        parts = [tuple(name.split(LEVELS_TOGETHER)) for name in self.names if headers]
        levels = tuple(part if len(part) == len(headers) else (OTHER_NAMES,) * len(headers) for part in parts)
        return {"segment_columns": headers if self.names else (), "segment_levels": levels}

    def place(self, name: str) -> int:
        """The place of a name of the file."""
        return self.names.index(name) if name in self.names else len(self.names) - 1
