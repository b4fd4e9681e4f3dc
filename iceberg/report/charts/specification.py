"""Turns what `build_*` returns into the Vega-Lite text that a page or a file takes.

Altair's checks against its schema are slow, so they run in the tests and not while a reader moves a slider.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from altair.utils.schemapi import debug_mode

from iceberg.locale import visible
from iceberg.report.charts.layers import LayeredChart


def build_specification(build: Callable[[], LayeredChart]) -> str:
    """The Vega-Lite of the chart that `build` makes, as JSON text, without its description: that is the takeaway, shown beside it.

    Each layer carries the values that it draws, because a page turns each named dataset into an Arrow table first.
    """
    with debug_mode(False):
        specification = build().to_dict(validate=False)
    specification.pop("description", None)
    datasets = specification.pop("datasets")
    chosen = {name for selection in specification.get("params", ()) for name in selection["select"]["fields"]}
    for layer in specification["layer"]:
        needed = chosen.union(_fields(layer["encoding"]), *(_fields(step) for step in layer.get("transform", ())))
        layer["data"] = {"values": [_only(row, needed) for row in datasets[layer["data"]["name"]]]}
    return visible(json.dumps(specification, ensure_ascii=False, separators=(",", ":")))


def _fields(part: Any) -> Iterator[str]:  # noqa: ANN401  # any part of a specification
    """Names of the columns that a part of a layer reads."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "field" and isinstance(value, str):
                yield value
            elif name not in {"scale", "axis", "legend"}:
                yield from _fields(value)
    elif isinstance(part, list):
        for value in part:
            yield from _fields(value)


def _only(row: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}
