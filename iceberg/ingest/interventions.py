"""Fixes that were made, as a mapping writes them down: what was fixed, where, since when, what was expected and agreed, and what was found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from iceberg.errors import MappingError

SECTION = "interventions"
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_KEYS = ("category", "start", "segments", "expected", "extent", "read_in", "least_fall", "owner", "found")
_SHARES = {"expected": "0.05 - 0.95", "extent": "0.05 - 1", "least_fall": "0 - 0.95"}


@dataclass(frozen=True)
class InterventionEntry:
    """One ``[[interventions]]`` of a mapping.

    Attributes:
        category: What was fixed.
        start: First day of the month in which it started.
        segments: Where; empty for everywhere.
        expected: Share by which the rate was expected to fall.
        extent: Share of the problem that the fix reached.
        read_in: First day of the month at whose end the agreed test is read; None where no test was agreed.
        least_fall: By how much the rate must have fallen to pass it.
        owner: Who answers for it.
        found: Log of the factor on the rate and its standard deviation, as a follow-up found them; None before one.
    """

    category: str
    start: date
    segments: tuple[str, ...] = ()
    expected: float | None = None
    extent: float = 1.0
    read_in: date | None = None
    least_fall: float = 0.0
    owner: str = ""
    found: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        values: dict[str, Any] = {"category": self.category, "start": f"{self.start:%Y-%m}"}
        values |= {"segments": list(self.segments)} if self.segments else {}
        values |= {} if self.expected is None else {"expected": self.expected}
        values |= {} if self.extent == 1 else {"extent": self.extent}
        values |= {} if self.read_in is None else {"read_in": f"{self.read_in:%Y-%m}"}
        values |= {"least_fall": self.least_fall} if self.least_fall else {}
        values |= {"owner": self.owner} if self.owner else {}
        return values | ({} if self.found is None else {"found": [round(one, 6) for one in self.found]})


def interventions_from(entries: Any, name: str) -> tuple[InterventionEntry, ...]:  # noqa: ANN401  # whatever the file holds
    """The fixes of a mapping.

    Raises:
        MappingError: ``mapping_value_wrong``, ``mapping_field_unknown``.
    """
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        values = {"file": name, "table": SECTION, "key": SECTION, "value": str(entries)[:80], "known": "[[interventions]]"}
        raise MappingError("mapping_value_wrong", values)
    return tuple(_entry(one, name) for one in entries)


def _entry(values: dict[str, Any], name: str) -> InterventionEntry:
    for key in values:
        if key not in _KEYS:
            raise MappingError("mapping_field_unknown", {"file": name, "table": SECTION, "value": key, "known": ", ".join(_KEYS)})

    def wrong(key: str, known: str) -> MappingError:
        held = {"file": name, "table": SECTION, "key": key, "value": str(values.get(key, ""))[:80], "known": known}
        return MappingError("mapping_value_wrong", held)

    category, owner, segments = values.get("category", ""), values.get("owner", ""), values.get("segments", [])
    if not isinstance(category, str) or not category.strip():
        raise wrong("category", '"billing"')
    if not isinstance(owner, str):
        raise wrong("owner", '"A. Martin"')
    if not isinstance(segments, list) or not all(isinstance(one, str) and one for one in segments):
        raise wrong("segments", '["north", "south"]')
    months = {key: values.get(key) for key in ("start", "read_in")}
    for key, text in months.items():
        if (text is None and key == "start") or (text is not None and not (isinstance(text, str) and _MONTH.fullmatch(text))):
            raise wrong(key, '"2026-03"')
    for key, known in _SHARES.items():
        low, high = (float(one) for one in known.split(" - "))
        if key in values and not (type(values[key]) in {int, float} and low <= values[key] <= high):
            raise wrong(key, known)
    found = values.get("found")
    numbers = isinstance(found, list) and len(found) == 2 and all(type(one) in {int, float} for one in found)
    if found is not None and not (numbers and abs(found[0]) < 20 and 0 < found[1] < 20):
        raise wrong("found", "[-0.3, 0.2]")
    start, reading = (None if text is None else date.fromisoformat(f"{text}-01") for text in months.values())
    assert start is not None  # noqa: S101  # checked above
    return InterventionEntry(
        category=category,
        start=start,
        segments=tuple(segments),
        expected=values.get("expected"),
        extent=float(values.get("extent", 1.0)),
        read_in=reading,
        least_fall=float(values.get("least_fall", 0.0)),
        owner=owner,
        found=None if found is None else (float(found[0]), float(found[1])),
    )
