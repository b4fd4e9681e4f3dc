"""Owns the last step of a chart: from an Altair object to the Vega-Lite a page or a file is given, quickly.

Altair checks every part of a chart against its schema while it is built, which takes longer than all the rest. The
tests build the charts with the checks on; a reader who moves a slider does not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode


def build_specification(build: Callable[[], Any]) -> dict[str, Any]:
    """The Vega-Lite of the chart that `build` makes, without its description: that is the takeaway, shown beside it."""
    with debug_mode(False), alt.data_transformers.enable(_TRANSFORMER):
        specification: dict[str, Any] = build().to_dict(validate=False)
    specification.pop("description", None)
    return specification


def _plain_values(data: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a chart carries
    """Rows as they are: the frames of `iceberg.report.tables` hold texts, numbers and truth values only."""
    if not isinstance(data, pd.DataFrame):
        return dict(data)
    plain = data.astype(object).where(data.notna(), None)
    return {"values": plain.to_dict(orient="records")}


_TRANSFORMER = "iceberg_plain"
alt.data_transformers.register(_TRANSFORMER, _plain_values)
