"""The sections ``[window]`` and ``[money]`` of a mapping: which values they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from iceberg.errors import MappingError
from iceberg.ingest.schema import LONGEST_TERM, SHORTEST_TERM, TERM_WORDS

LONGEST_LOOK_BACK = 3650  # days
SHORTEST_SCORE_LOOK_BACK, LONGEST_SCORE_LOOK_BACK = 30, 730  # days
LONGEST_MONEY_MONTHS = 120


def _is_whole(value: Any, low: int, high: int) -> bool:  # noqa: ANN401  # whatever the file holds
    return type(value) is int and low <= value <= high


_WINDOW_CHOICES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "keep_months": ("true, false", lambda value: isinstance(value, bool)),
    "look_back_days": (f"0 - {LONGEST_LOOK_BACK}", lambda value: _is_whole(value, 0, LONGEST_LOOK_BACK)),
    "score_look_back_days": (
        f"{SHORTEST_SCORE_LOOK_BACK} - {LONGEST_SCORE_LOOK_BACK}",
        lambda value: _is_whole(value, SHORTEST_SCORE_LOOK_BACK, LONGEST_SCORE_LOOK_BACK),
    ),
    "term": (
        f"{', '.join(TERM_WORDS)}, {SHORTEST_TERM} - {LONGEST_TERM}",
        lambda value: value in TERM_WORDS if isinstance(value, str) else _is_whole(value, SHORTEST_TERM, LONGEST_TERM),
    ),
}


def window_from(entry: Any, name: str) -> dict[str, Any]:  # noqa: ANN401  # whatever the file holds
    """The values of ``[window]``, by the names of `iceberg.ingest.mapping.MappingSet`.

    Raises:
        MappingError: ``mapping_value_wrong``, ``mapping_field_unknown``.
    """
    values = {"file": name, "table": "window"}
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", values | {"key": "keep_months", "value": str(entry), "known": "true, false"})
    for key, value in entry.items():
        if key not in _WINDOW_CHOICES:
            raise MappingError("mapping_field_unknown", values | {"value": key, "known": ", ".join(_WINDOW_CHOICES)})
        known, holds = _WINDOW_CHOICES[key]
        if not holds(value):
            raise MappingError("mapping_value_wrong", values | {"key": key, "value": str(value), "known": known})
    return {key: TERM_WORDS.get(value, value) if key == "term" else value for key, value in entry.items()}


_MONEY_CHOICES: dict[str, tuple[str, str, Callable[[Any], bool]]] = {
    "months": ("money_months", f"1 - {LONGEST_MONEY_MONTHS}", lambda value: _is_whole(value, 1, LONGEST_MONEY_MONTHS)),
    "discount": ("discount", "0 - 1", lambda value: type(value) in {int, float} and 0 <= value <= 1),
}


def money_from(entry: Any, name: str) -> dict[str, Any]:  # noqa: ANN401  # whatever the file holds
    """The values of ``[money]``, likewise."""
    values = {"file": name, "table": "money"}
    if not isinstance(entry, dict):
        raise MappingError("mapping_value_wrong", values | {"key": "months", "value": str(entry), "known": _MONEY_CHOICES["months"][1]})
    for key, value in entry.items():
        if key not in _MONEY_CHOICES:
            raise MappingError("mapping_field_unknown", values | {"value": key, "known": ", ".join(_MONEY_CHOICES)})
        _, known, holds = _MONEY_CHOICES[key]
        if not holds(value):
            raise MappingError("mapping_value_wrong", values | {"key": key, "value": str(value), "known": known})
    return {_MONEY_CHOICES[key][0]: value for key, value in entry.items()}
