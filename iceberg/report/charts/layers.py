"""Puts a chart together: rows drawn as marks, in layers, handed to Altair as one specification.

Altair's fluent `Chart` copies all it holds at every call, so a chart here is built once, of Altair's own marks and channels, in the class that its
schema has for a layered chart. The tests have Altair check the result (`to_dict(validate=True)`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import Any, Literal

import altair as alt
import pandas as pd

MarkKind = Literal["area", "bar", "circle", "line", "point", "rect", "rule", "text", "tick"]
Channels = Mapping[str, Any]
_CHANNELS_OF_TEXT = {"x2": alt.X2, "y2": alt.Y2, "y": alt.Y, "text": alt.Text, "order": alt.Order, "detail": alt.Detail}


@dataclass(frozen=True, eq=False)
class Drawing:
    """One layer: rows, the mark they are drawn as, and the channels that place and colour it.

    Attributes:
        rows: A frame of texts, numbers and truth values; layers that share one share it in the specification too.
        mark: The mark, once it is chosen.
        channels: Channel by name: an Altair channel, an `alt.value`, or text such as ``"upper:Q"``.
        only: ``{"field": ..., "equal": ...}`` where some of the rows are drawn.
    """

    rows: pd.DataFrame
    mark: Any = alt.Undefined
    channels: Channels = field(default_factory=dict)
    only: Mapping[str, Any] | None = None

    def marked(self, kind: MarkKind, **style: Any) -> Drawing:  # noqa: ANN401  # Altair types each property of a mark
        """The same rows as this mark: ``bar``, ``line``, ``rect``, ``rule``, ``text`` ..."""
        return replace(self, mark=alt.MarkDef(type=kind, **style))

    def encode(self, **channels: Any) -> Drawing:  # noqa: ANN401  # channels of many kinds
        """These channels, beside those it has."""
        return replace(self, channels={**self.channels, **channels})

    def where(self, name: str, value: str) -> Drawing:
        """Only the rows with this value."""
        return replace(self, only={"field": name, "equal": value})


def drawing(rows: pd.DataFrame) -> Drawing:
    """A layer of `rows`, before its mark."""
    return Drawing(rows)


@dataclass(frozen=True, eq=False)
class LayeredChart:
    """A finished chart: Altair's specification, and the rows beside it, because Altair would walk through each of their values."""

    specification: alt.TopLevelLayerSpec
    datasets: Mapping[str, list[dict[str, Any]]]

    def to_dict(self, *, validate: bool = True) -> dict[str, Any]:
        """Vega-Lite, with the rows under ``datasets``. `validate` has Altair check it against Vega-Lite's schema."""
        return {**self.specification.to_dict(validate=validate), "datasets": dict(self.datasets)}


def layered(
    layers: Sequence[Drawing],
    *,
    selection: alt.TopLevelSelectionParameter | None = None,
    **properties: Any,  # noqa: ANN401  # as Altair's own class types them
) -> LayeredChart:
    """The layers as one chart, the first at the bottom.

    Args:
        layers: At least one, each with its mark.
        selection: What a click chooses; it listens on the last layer.
        properties: Of the whole chart, as `alt.TopLevelLayerSpec` names them.
    """
    names = {key: f"rows_{place}" for place, key in enumerate(dict.fromkeys(id(layer.rows) for layer in layers), 1)}
    datasets = {names[id(layer.rows)]: layer.rows for layer in layers}
    units = [_unit(layer, names[id(layer.rows)]) for layer in layers]
    if selection is not None:
        units[-1]["name"] = selection["views"][0]
        properties["params"] = [selection]
    properties["$schema"] = alt.SCHEMA_URL
    return LayeredChart(alt.TopLevelLayerSpec(layer=units, **properties), {name: plain_rows(rows) for name, rows in datasets.items()})


def _unit(layer: Drawing, dataset: str) -> alt.UnitSpec:
    channels = {name: _CHANNELS_OF_TEXT[name](channel) if isinstance(channel, str) else channel for name, channel in layer.channels.items()}
    return alt.UnitSpec(
        data=alt.NamedData(name=dataset),
        mark=layer.mark,
        encoding=channels,
        transform=alt.Undefined if layer.only is None else [{"filter": dict(layer.only)}],
    )


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping per row; what is unknown (NaN) is None."""
    columns = [[None if isinstance(value, float) and isnan(value) else value for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]
