"""Draws the sea floor through the depths of the steps of the journey."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from iceberg.arrays import FloatArray

_SAMPLES = 12  # points between two steps
_SHORE = 0.4  # from the first and the last step to the shore, in steps


def sea_floor(places: FloatArray, depths: FloatArray) -> pd.DataFrame:
    """A smooth floor that is level at each step, so that it is nowhere deeper than the deeper of its two neighbours.

    Args:
        places: (S,) of the steps, rising.
        depths: (S,) below 0.

    Returns:
        Columns at, depth and surface (0); empty for fewer than two steps.
    """
    if len(places) < 2:
        return pd.DataFrame(columns=["at", "depth", "surface"])
    passed = np.linspace(0.0, 1.0, _SAMPLES, endpoint=False)
    eased = passed**2 * (3 - 2 * passed)
    at = [start + passed * (end - start) for start, end in pairwise(places)]
    depth = [start + eased * (end - start) for start, end in pairwise(depths)]
    return pd.DataFrame(
        {
            "at": np.concatenate([[places[0] - _SHORE], *at, [places[-1], places[-1] + _SHORE]]),
            "depth": np.concatenate([[0.0], *depth, [depths[-1], 0.0]]),
            "surface": 0.0,
        }
    )
