"""The quadratic form of the information matrix from its factors, without the matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iceberg.model.departures.fit.arrow import Arrow

FloatArray = npt.NDArray[np.float64]


def quadratic_form(arrow: Arrow, shared: FloatArray, own: FloatArray) -> float:
    """(shared, own)' information (shared, own)."""
    value = float(((arrow.shared.T @ shared) ** 2).sum())
    response = arrow.response(shared)
    for segment in range(len(own)):
        value += _own_quadratic(arrow, segment, own[segment] + response[segment])
    return value


def _own_quadratic(arrow: Arrow, segment: int, own: FloatArray) -> float:
    base = arrow.base
    c, m = base.pull.shape[1:]
    burst = own[c : c * (1 + m)].reshape(c, m)
    forward = np.empty_like(own)  # F' own
    forward[:c] = np.sqrt(base.segment[segment]) * own[:c]
    together = np.concatenate([(burst + base.pull[segment] * own[:c, None]).ravel(), own[c * (1 + m) :]])
    forward[c:] = np.sqrt(np.concatenate([base.burst[segment].ravel(), base.natural[segment]])) * together
    return float(forward @ forward + ((arrow.rows[segment] @ forward) ** 2).sum())
