"""Owns the difference between the joint mode and the marginal one: what integrating everything else out does to a ratio."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular

from iceberg.model.arrow import Arrow, Information, of_segments, pick_columns
from iceberg.model.lexis_design import Columns
from iceberg.model.parameter_layout import Layout

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]


def ratio_drag(layout: Layout, information: Information, arrow: Arrow) -> FloatArray:
    """(C,) slope in log r_c of -1/2 log |information of everything else|, everything else following the ratio to its own conditional mode.

    What integrating out adds to the joint mode. A large ratio lets a category with few complaints bend its pattern to the departures: the joint
    mode likes that, the marginal does not. A large ratio also leaves the natural hazard less to explain, which frees it: the marginal likes that.
    With J the derivatives of departures in blocks k (categories, natural) that move by dh_k in a cell with mean mu, W = 1 / mu and V the
    covariance given the ratios, the derivative of log |.| is sum over cells of 2 sum_k (dh_k / h_k) (J_k V J')W - (sum_k dh_k / mu) (J V J')W.
    """
    columns = Columns(information.scaled, *_offsets(layout))
    shared_pick, local_pick = pick_columns(layout, columns)
    blocks = _blocks(layout)
    ratio = layout.at["ratio"]
    covariance = cho_solve((arrow.shared, True), np.eye(layout.shared_size)[:, ratio], check_finite=False)
    given = (covariance @ np.linalg.inv(covariance[ratio])).astype(np.float32)
    # A slope to three digits is enough, and single precision halves the most expensive step of the fit.
    factor = arrow.shared.astype(np.float32)

    def of_segment(s: int) -> FloatArray:
        rows = information.scaled[s].astype(np.float32)
        shared_rows, local_rows = rows[:, shared_pick].T, rows[:, local_pick].T if layout.local else np.zeros((0, len(rows)), np.float32)
        first, local_given = local_rows, np.zeros((0, layout.categories), np.float32)
        half = shared_rows
        if layout.local:
            local_factor, bridge = arrow.local[s].astype(np.float32), arrow.bridge[s].astype(np.float32)
            first = solve_triangular(local_factor, local_rows, lower=True, check_finite=False)
            half = shared_rows - bridge.T @ first
        through = cho_solve((factor, True), half, check_finite=False)
        through -= given @ through[ratio]
        back = first
        if layout.local:
            right = np.concatenate([first - bridge @ through, -(bridge @ given)], axis=1)
            both = solve_triangular(local_factor, right, lower=True, trans=1, check_finite=False)
            back, local_given = both[:, : len(rows)], both[:, len(rows) :]
        weight = information.root_weight[s]  # sqrt(1 / mu): the rows are scaled by it
        shared_product, local_product = shared_rows * through, local_rows * back
        leverage = np.stack([shared_product[mine].sum(0) + local_product[own].sum(0) for mine, own in blocks])
        moved = np.stack([shared_rows[mine].T @ given[mine] + local_rows[own].T @ local_given[own] for mine, own in blocks])
        # rows are derivative x weight; share is h_k weight^2, so moved * weight is dh_k / mu and moved * weight / share is dh_k / h_k
        scale = leverage * weight / np.maximum(information.share[:, s], 1e-12)
        return np.asarray(2 * np.einsum("kr,krc->c", scale, moved) - np.einsum("r,krc->c", leverage.sum(0) * weight, moved))

    trace = np.zeros(layout.categories)
    for part in of_segments(of_segment, layout.segments):
        trace += part
    return np.asarray(-trace / 2, dtype=np.float64)


def _blocks(layout: Layout) -> list[tuple[IndexArray, IndexArray]]:
    """Positions of the shared and the per-segment parameters of each category, then of the natural hazard."""
    at = layout.at
    own = layout.own_at
    nothing = np.zeros(0, dtype=np.int64)
    found = []
    for c in range(layout.categories):
        mine = np.concatenate([at["month"][c], at["band"][c], at["ratio"][c : c + 1]])
        found.append((mine, np.concatenate([own["segment"][c : c + 1], own["burst"][c]]) if own else nothing))
    rest = [own[name] for name in ("natural_segment", "natural_segment_month", "natural_segment_band")] if own else [nothing]
    found.append((np.concatenate([at["natural_month"], at["natural_band"]]), np.concatenate(rest)))
    return found


def _offsets(layout: Layout) -> list[int]:
    c, bands = layout.categories, layout.bands
    return [int(start) for start in np.cumsum([0, c * layout.every, c * bands, c, 2, layout.months, bands])]
