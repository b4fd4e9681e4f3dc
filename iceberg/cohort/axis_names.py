"""The names of an axis of counts (segments, complaint categories) and the place of each."""

from __future__ import annotations

from dataclasses import dataclass

OTHER_NAMES = "(other)"  # last segment or category where names are taken together


@dataclass(frozen=True)
class Names:
    """Names of an axis in sorted order; `others` names of the file share the last place."""

    names: tuple[str, ...]
    others: int

    @classmethod
    def largest(cls, sizes: dict[str, int], most: int) -> Names:
        """The `most` largest, ties by name; the rest share one place."""
        if len(sizes) <= most and OTHER_NAMES not in sizes:
            return cls(tuple(sorted(sizes)), 0)
        candidates = sorted((name for name in sizes if name != OTHER_NAMES), key=lambda name: (-sizes[name], name))
        named = sorted(candidates[: max(most - 1, 0)])
        return cls((*named, OTHER_NAMES), len(sizes) - len(named))

    def place(self, name: str) -> int:
        """The place of a name of the file."""
        return self.names.index(name) if name in self.names else len(self.names) - 1
