"""Owns the last step of a chart: from an Altair object to the Vega-Lite a page or a file is given, quickly.

Altair checks every part of a chart against its schema while it is built, which takes longer than all the rest. The
tests build the charts with the checks on; a reader who moves a slider does not wait for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altair.utils.schemapi import debug_mode


def build_specification(build: Callable[[], Any]) -> dict[str, Any]:
    """The Vega-Lite of the chart that `build` makes, without its description: that is the takeaway, shown beside it."""
    with debug_mode(False):
        specification: dict[str, Any] = build().to_dict(validate=False)
    specification.pop("description", None)
    return specification
