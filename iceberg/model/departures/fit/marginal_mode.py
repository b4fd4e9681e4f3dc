"""Integrates all other parameters out (Laplace): where the ratios then have their mode, and how well a fit then explains the counts.

References:
    Kass, Raftery 1995 (Laplace's method, Bayes factors of this size); Rue et al. 2009.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.departures.fit.arrow import Arrow
from iceberg.model.departures.fit.information import Information
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior
from iceberg.model.departures.fit.threads import in_batches
from iceberg.model.departures.fit.variances import Variances, log_prior
from iceberg.model.departures.fit.wide_arrow import WideArrow


def log_marginal_likelihood(layout: ParameterLayout, prior: Prior, variances: Variances, arrow: Arrow | WideArrow, log_posterior: float) -> float:
    """Laplace's approximation at one mode of effects and variances, constants dropped.

    Args:
        layout: Of the parameters.
        prior: Under `variances`.
        variances: Learned.
        arrow: Factors of the information at the mode.
        log_posterior: Joint log posterior there.
    """
    precision = float(np.linalg.slogdet(prior.shared_precision)[1])
    if layout.local:
        precision += layout.segments * float(np.log(prior.local_precision).sum())
    return log_posterior + 0.5 * (precision - arrow.log_determinant) + log_prior(variances)


def ratio_drag(layout: ParameterLayout, information: Information, arrow: Arrow | WideArrow) -> FloatArray:
    """(C,) slope in log r_c of -1/2 log |information of everything else|, everything else following the ratio to its own conditional mode.

    This is the difference between the marginal and the joint mode. A large ratio lets a category with few complaints fit its pattern to the
    departures, which the joint mode rewards and the marginal mode does not. It also leaves the natural hazard less to explain, which the marginal
    mode rewards.
    With J the derivatives of departures in blocks k (categories, natural) that move by dh_k in a cell with mean mu, W = 1 / mu and V the
    covariance given the ratios, the derivative of log |.| is sum over cells of 2 sum_k (dh_k / h_k) (J_k V J')W - (sum_k dh_k / mu) (J V J')W.
    """
    ratio = layout.at["ratio"]
    covariance = cho_solve((arrow.shared, True), np.eye(layout.shared_size)[:, ratio], check_finite=False)
    given = (covariance @ np.linalg.inv(covariance[ratio])).astype(np.float32)
    if isinstance(arrow, WideArrow):
        return _wide_drag(layout, information, arrow, given, covariance.astype(np.float32))
    # A slope to three digits is enough, and single precision halves the most expensive step of the fit.
    factor, response = arrow.shared.astype(np.float32), arrow.full_response

    def of_segment(s: int) -> FloatArray:
        cells = arrow.cells[s].astype(np.float32, copy=False)
        through = cho_solve((factor, True), arrow.reach[s].T.astype(np.float32, copy=False), check_finite=False)
        through -= given @ through[ratio]
        # V J' in shared and in own parameters, transposed
        shared = solve_triangular(cells, through.T, lower=True, trans=1, check_finite=False)
        own = solve_triangular(cells, arrow.own_gain(s), lower=True, trans=1, check_finite=False) - shared @ response[s].T
        rows, own_rows = information.rows[s].astype(np.float32, copy=False), information.own_rows[s].astype(np.float32, copy=False)
        own_given = -(response[s] @ given)
        leverage = _of_blocks(layout, rows * shared, own_rows * own)
        moved = np.stack([rows[:, mine] @ given[mine] + own_rows[:, here] @ own_given[here] for mine, here in _blocks(layout)])
        if layout.changes:
            _add_changes(layout, rows, shared, given, leverage, moved)
        weight = information.root_weight[s]  # sqrt(1 / mu): the rows are scaled by it
        # rows are derivative x weight; share is h_k weight^2, so moved * weight is dh_k / mu and moved * weight / share is dh_k / h_k
        scale = leverage * weight / np.maximum(information.share[:, s], 1e-12)
        return np.asarray(2 * np.einsum("kr,krc->c", scale, moved) - np.einsum("r,krc->c", leverage.sum(0) * weight, moved))

    trace = np.zeros(layout.categories)
    for s in range(layout.segments):
        trace += of_segment(s)
    return np.asarray(-trace / 2, dtype=np.float64)


def _add_changes(
    layout: ParameterLayout, rows: SingleArray, shared: SingleArray, given: SingleArray, leverage: SingleArray, moved: SingleArray
) -> None:
    """Adds what a change of the records does to each category's departures: it moves them by way of their months."""
    at = layout.at
    for c, columns in enumerate(layout.before_change.transpose(1, 2, 0).astype(np.float32)):
        part = rows[:, at["month"][c]] @ columns
        leverage[c] += (part * shared[:, at["change"]]).sum(-1)
        moved[c] += part @ given[at["change"]]
def _wide_drag(
    layout: ParameterLayout, information: Information, arrow: WideArrow, given: SingleArray, of_ratio: SingleArray
) -> FloatArray:
    """`ratio_drag` where segments are many; `of_ratio` is the covariance with the ratios, `given` how all follow them.

    Shared parameters that do what own ones do are taken together with these: departures follow the sum alone.
    """
    of_met = arrow.of_met(arrow.shared_covariance().astype(np.float32) - given @ of_ratio.T)
    other_blocks, own_blocks = _block_masks(layout)
    weight = information.root_weight.astype(np.float32)
    share = np.maximum(information.share, 1e-12).astype(np.float32)
    size, at, mine = layout.categories, layout.others(np.arange(len(layout.other_places))), len(layout.of_own[0])
    # A change of what is recorded moves each category's departures by way of its months.
    before = layout.every - layout.months
    changes = layout.before_change.transpose(1, 2, 0).astype(np.float32) if layout.changes else ()

    def of_batch(batch: slice) -> FloatArray:
        rows, own_rows = information.rows[batch], information.own_rows[batch]
        halves, whole, met = arrow.halved(batch, own_rows), arrow.whole(batch), of_met(batch)
        through = np.matmul(whole, met)
        crossed = through[..., mine:]  # s n U
        # V J' in the other and in own parameters
        other = np.matmul(halves, crossed) + np.matmul(rows, met[:, mine:, mine:])
        covariance = np.matmul(through, whole.transpose(0, 2, 1))
        covariance += arrow.inner[batch]
        own = arrow.back(batch, np.matmul(halves, covariance) + np.matmul(rows, crossed.transpose(0, 2, 1)))
        leverage = np.matmul(rows * other, other_blocks) + np.matmul(own_rows * own, own_blocks)  # s R C+1
        here = given[arrow.columns[batch]]  # s H C
        own_here = arrow.back(batch, np.matmul(whole, here).transpose(0, 2, 1)).transpose(0, 2, 1)
        here = here[:, mine:]
        moved = np.matmul(rows, (here[:, :, None] * other_blocks[..., None]).reshape(*here.shape[:2], -1))
        moved += np.matmul(own_rows, (own_here[:, :, None] * own_blocks[..., None]).reshape(*own_here.shape[:2], -1))
        moved = moved.reshape(*moved.shape[:2], size + 1, size)
        burst = own_rows[..., size : size * (1 + layout.months)].reshape(*own_rows.shape[:2], size, -1) if layout.changes else own_rows
        for c, columns in enumerate(changes):
            part = burst[:, :, c] @ columns[before:] + rows[..., at["month"][c]] @ columns[:before]
            leverage[..., c] += (part * other[..., at["change"]]).sum(-1)
            moved[..., c, :] += part @ here[:, at["change"]]
        # rows are derivative x weight; share is h_k weight^2, so moved * weight is dh_k / mu and moved * weight / share is dh_k / h_k
        scale = 2 * leverage / share[:, batch].transpose(1, 2, 0) - leverage.sum(-1, keepdims=True)
        return np.asarray(np.einsum("srk,srkc->c", scale * weight[batch][..., None], moved), dtype=np.float64)

    return np.asarray(-sum(in_batches(of_batch, layout.segments)) / 2, dtype=np.float64)


def _block_masks(layout: ParameterLayout) -> tuple[SingleArray, SingleArray]:
    """(U, C + 1) and (n, C + 1): which block each of the other parameters (`ParameterLayout.others`), and each of a segment's own, belongs to."""
    size = layout.categories
    other, own = np.zeros((len(layout.other_places), size + 1), dtype=np.float32), np.zeros((layout.local_size, size + 1), dtype=np.float32)
    at, mine = layout.others(np.arange(len(other))), layout.own_at
    for k in range(size):
        for part in (at["month"][k], at["band"][k], at["delay"][k]):
            other[part, k] = 1.0
        own[mine["segment"][k], k] = own[mine["burst"][k], k] = 1.0
    for name in ("natural_segment", "natural_segment_month", "natural_segment_band"):
        own[mine[name], size] = 1.0
    return other, own


def _blocks(layout: ParameterLayout) -> list[tuple[IntArray, IntArray]]:
    """Positions of the shared and the per-segment parameters of each category, then of the natural hazard."""
    at = layout.at
    own = layout.own_at
    nothing = np.zeros(0, dtype=np.int64)
    blocks = []
    for c in range(layout.categories):
        mine = np.concatenate([at["month"][c], at["band"][c], at["ratio"][c : c + 1], at["delay"][c]])
        blocks.append((mine, np.concatenate([own["segment"][c : c + 1], own["burst"][c]]) if own else nothing))
    rest = [own[name] for name in ("natural_segment", "natural_segment_month", "natural_segment_band")] if own else [nothing]
    blocks.append((np.concatenate([at["natural_month"], at["natural_band"]]), np.concatenate(rest)))
    return blocks


def _of_blocks(layout: ParameterLayout, shared: SingleArray, own: SingleArray) -> SingleArray:
    """(C + 1, R) sums over the parameters of each block, from (R, G) and (R, n)."""
    of, mine = layout.shared(shared), layout.own(own) if layout.local else {}
    categories = of["month"].sum(-1) + of["band"].sum(-1) + of["ratio"] + of["delay"].sum(-1)
    natural = of["natural_month"].sum(-1) + of["natural_band"].sum(-1)
    if mine:
        categories = categories + mine["segment"] + mine["burst"].sum(-1)
        natural = natural + sum(mine[name].sum(-1) for name in ("natural_segment", "natural_segment_month", "natural_segment_band"))
    return np.concatenate([categories.T, natural[None]])
