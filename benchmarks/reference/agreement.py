"""Whether the two ways of writing the model say the same: expected counts and prior at the same parameters, drawn at random.

    .venv-reference/bin/python -m benchmarks.reference.agreement

Needs benchmarks/reference/requirements.txt. Prints the largest relative difference of expected complaints, caused and natural departures, and of the
log prior of everything but the ratios.
"""

from __future__ import annotations

import sys

import jax.numpy as jnp
import numpy as np

from benchmarks.reference.companies import MAKERS, build_problem
from benchmarks.reference.joint_model import SEASON_SD, TILT_SD, JointModel
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_design, prior_of
from iceberg.model.departures.fit.parameters import penalty


def main() -> int:
    for name in MAKERS:
        problem = build_problem(name)
        fit = fit_design(problem.design, problem.prior, problem.kernel)
        model = JointModel(problem, fit.variances, centre=fit.shared[fit.ratio_positions], scale=np.ones(fit.layout.categories), learn=False)
        drawn = jnp.asarray(0.3 * np.random.default_rng(0).standard_normal(model.size))
        shared, own = _as_the_fit_has_them(fit, model, drawn)
        rates = fit.rates_at(shared, own)
        pairs = zip(model.expected(drawn), (rates.complaints, rates.caused, rates.natural), strict=True)
        apart = [float(np.abs(np.asarray(ours) - theirs).max() / theirs.max()) for ours, theirs in pairs]
        at, prior = fit.ratio_positions, prior_of(fit)
        away = shared[at] - prior.shared_mean[at]
        theirs = penalty(prior, shared, own) - 0.5 * away @ prior.shared_precision[np.ix_(at, at)] @ away
        ours = 0.5 * sum(float((part**2).sum()) for key, part in model.unpack(drawn).items() if not key.startswith(("log_", "stretched")))
        print(name, [f"{value:.0e}" for value in (*apart, abs(ours / theirs - 1))])
    return 0


def _as_the_fit_has_them(fit: ExcessHazardFit, model: JointModel, drawn: jnp.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shared and per-segment parameters of the fit."""
    layout, variance = fit.layout, fit.variances
    shared, own = np.zeros(layout.shared_size), np.zeros((layout.segments, layout.local_size))
    of, mine = layout.shared(shared), layout.own(own)
    z = {name: np.asarray(value) for name, value in model.unpack(drawn).items()}
    effect = {name: np.asarray(value) for name, value in model.effects(drawn).items()}
    of["ratio"][:], of["delay"][:], of["tilt"][:] = effect["log_ratio"], effect["delay"], TILT_SD * z["tilt"]
    of["band"][:] = effect["band"][:, layout.free_bands]
    mine["segment"][:] = (z["segment"] * np.sqrt(variance.segment)[:, None]).T
    mine["burst"][:] = (z["burst"] * np.sqrt(variance.burst)[:, None, None]).transpose(1, 0, 2)
    mine["natural_segment"][:] = (z["natural_segment"] * np.sqrt(variance.natural_segment))[:, None]
    mine["natural_segment_month"][:] = z["natural_segment_month"] * np.sqrt(variance.natural_segment_month)
    mine["natural_segment_band"][:] = z["natural_segment_band"] * np.sqrt(variance.natural_segment_band)
    natural = effect["natural"][0] - mine["natural_segment"][0] - mine["natural_segment_month"][0][:, None] - mine["natural_segment_band"][0]
    of["natural_month"][:] = natural[:, layout.reference]
    of["natural_band"][:] = (natural[0] - natural[0, layout.reference])[layout.free_bands]
    month = effect["intensity"][:, 0].copy()
    month[:, layout.every - layout.months :] -= mine["burst"][0]
    of["month"][:] = month - mine["segment"][0][:, None] - effect["unrecorded"]
    if layout.changes:
        of["change"][:], of["season"][:] = z["change"] * np.asarray(model.change_sd), SEASON_SD * z["season"]
    if layout.binding:
        of["bound"][:] = model.bound_sd * z["bound"]
    return shared, own


if __name__ == "__main__":
    sys.exit(main())
