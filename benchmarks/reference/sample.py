"""Sample the joint model by NUTS and freeze what it says as fixtures of the tests.

    python -m benchmarks.reference.sample --companies mixed,small,none

Needs benchmarks/reference/requirements.txt, in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.diagnostics import effective_sample_size, gelman_rubin
from numpyro.infer import MCMC, NUTS
from scipy.optimize import minimize

from benchmarks.reference.companies import FIXTURES, MAKERS, Problem, build_problem, digest_of, given, terms_of
from benchmarks.reference.joint_model import JointModel
from iceberg.model.departures.fit.model import fit_design

PROBABILITIES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
CHAINS = 4
KINDS = ("fixed_variances", "learned_variances")
THINNED = 2000  # draws whose departures are split


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", default="mixed,small,none", help=f"of {', '.join(MAKERS)}")
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--samples", type=int, default=600, help="per chain")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, help="one of the two posteriors; the other stays as frozen")
    options = parser.parse_args()
    FIXTURES.mkdir(exist_ok=True)
    for name in options.companies.split(","):
        problem = build_problem(name)
        path = FIXTURES / f"nuts_{name}.json"
        earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        fixture = earlier if options.only and earlier.get("counts_sha256") == digest_of(problem.counts) else {}
        kinds = [options.only] if options.only else KINDS
        fixture = fixture | freeze(problem, kinds, warmup=options.warmup, samples=options.samples, seed=options.seed)
        path.write_text(json.dumps(fixture, indent=1) + "\n", encoding="utf-8")
    return 0


def freeze(problem: Problem, kinds: Sequence[str], *, warmup: int, samples: int, seed: int) -> dict[str, Any]:
    """Everything the tests compare: the posterior with variances fixed where the fit put them, and with variances sampled."""
    fit = fit_design(problem.design, problem.prior, problem.kernel)
    variances = fit.variances
    centre, scale = fit.shared[fit.ratio_positions], np.minimum(np.sqrt(np.diagonal(fit.ratio_covariance)), 1.0)
    models = {kind: JointModel(problem, variances, centre=centre, scale=scale, learn=kind == "learned_variances") for kind in kinds}
    return {
        "company": problem.name,
        "seed": problem.seed,
        "counts_sha256": digest_of(problem.counts),
        "categories": list(problem.counts.categories),
        "vocal_customers": problem.counts.vocal_customers.tolist(),
        "silent_leavers": problem.counts.silent_leavers,
        "true_silent_churn": list(problem.truth),
        "versions": {"numpyro": numpyro.__version__, "jax": jax.__version__, "numpy": np.__version__},
        "given": given(problem) | {"terms": terms_of(problem)},
        "variances": {name: np.asarray(value).tolist() for name, value in vars(variances).items()},
    } | {kind: _sample(model, warmup=warmup, samples=samples, seed=seed) for kind, model in models.items()}


def _sample(model: JointModel, *, warmup: int, samples: int, seed: int) -> dict[str, Any]:
    began = time.perf_counter()
    centre, turn = _whiten(model)

    def potential(u: jax.Array) -> jax.Array:
        return -model.log_posterior(centre + turn @ u)

    kernel = NUTS(potential_fn=potential, target_accept_prob=0.85, max_tree_depth=8)
    sampler = MCMC(kernel, num_warmup=warmup, num_samples=samples, num_chains=CHAINS, chain_method="sequential", progress_bar=False)
    rng = np.random.default_rng(seed)
    sampler.run(
        jax.random.PRNGKey(seed),
        init_params=jnp.asarray(rng.standard_normal((CHAINS, model.size))),
        extra_fields=("diverging", "num_steps"),
    )
    drawn = np.asarray(sampler.get_samples(group_by_chain=True)) @ np.asarray(turn).T + np.asarray(centre)  # chain, draw, parameter
    extra = sampler.get_extra_fields(group_by_chain=True)
    kept = drawn[:, :: max(1, CHAINS * samples // THINNED)]
    churn = split_departures(model, kept.reshape(-1, model.size), rng).reshape(*kept.shape[:2], -1)
    ratio = np.asarray(jax.vmap(jax.vmap(model.log_ratio))(drawn))
    watched = drawn.reshape(CHAINS, -1, model.size)
    found = {
        "log_ratio": [_describe(ratio[..., number]) for number in range(ratio.shape[-1])],
        "silent_churn": [_describe(churn[..., number]) for number in range(churn.shape[-1])],
        "total": _describe(churn.sum(-1)),
        "ratio_correlation": np.atleast_2d(np.corrcoef(ratio.reshape(-1, ratio.shape[-1]).T)).round(4).tolist(),
        "sampler": {
            "seed": seed, "chains": CHAINS, "warmup": warmup, "samples": samples,
            "divergent": int(np.asarray(extra["diverging"]).sum()),
            "mean_steps": round(float(np.asarray(extra["num_steps"]).mean()), 1),
            "worst_r_hat": round(float(np.nanmax(gelman_rubin(watched))), 4),
            "least_ess": round(float(np.nanmin(effective_sample_size(watched))), 0),
            "seconds": round(time.perf_counter() - began, 1),
        },
    }  # fmt: skip
    print(model.problem.name, "learned" if model.learn else "fixed", json.dumps(found["sampler"]), flush=True)
    if model.learn:
        parts = jax.vmap(model.unpack)(drawn.reshape(-1, model.size))
        learned = {name.removeprefix("log_variance_"): np.asarray(value) for name, value in parts.items() if name.startswith("log_variance")}
        found["sd_of_effects"] = {name: _sds(value) for name, value in learned.items()}
        total = churn.sum(-1).ravel()
        every = np.arange(drawn.shape[0] * drawn.shape[1]).reshape(drawn.shape[:2])[:, :: max(1, CHAINS * samples // THINNED)].ravel()
        found["correlation_of_total_with_log_sd"] = {
            name: [round(float(np.corrcoef(total, one)[0, 1]), 3) for one in value[every].reshape(len(every), -1).T]
            for name, value in learned.items()
        }
    return found


def _sds(log_variance: np.ndarray) -> list[list[float]]:
    """Quantiles (5, 50, 95 %) of standard deviations, one row per category."""
    table = np.quantile(np.exp(log_variance / 2).reshape(len(log_variance), -1), (0.05, 0.5, 0.95), axis=0).T
    return [[round(float(value), 4) for value in row] for row in table]


def _whiten(model: JointModel) -> tuple[jax.Array, jax.Array]:
    """A point of high density with the variances held, and a root of the inverse curvature there."""
    objective = jax.jit(jax.value_and_grad(lambda vector: -model.log_posterior(vector)))
    held = np.zeros(model.size, dtype=bool)
    low = 0
    for name, shape in model.shapes.items():
        high = low + int(np.prod(shape, dtype=int))
        held[low:high] = name.startswith(("log_variance", "log_pool"))
        low = high
    start = model.start()

    def negative(part: np.ndarray) -> tuple[float, np.ndarray]:
        full = start.copy()
        full[~held] = part
        value, slope = objective(jnp.asarray(full))
        return float(value), np.asarray(slope)[~held]

    found = minimize(negative, start[~held], jac=True, method="L-BFGS-B", options={"maxiter": 500})
    centre = start.copy()
    centre[~held] = found.x
    steps = 1e-4 * np.eye(model.size)  # differences of the gradient: the incomplete gamma function has no second derivative in jax
    curvature = np.stack([(np.asarray(objective(centre + one)[1]) - np.asarray(objective(centre - one)[1])) / 2e-4 for one in steps])
    curvature = (curvature + curvature.T) / 2
    values, vectors = np.linalg.eigh(curvature[np.ix_(~held, ~held)])
    turn = np.zeros_like(curvature)
    turn[np.ix_(~held, ~held)] = vectors / np.sqrt(np.maximum(values, 0.3))
    turn[held, held] = 0.8
    return jnp.asarray(centre), jnp.asarray(turn)


def split_departures(model: JointModel, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(K, C) silent churn: each cell's observed departures split multinomially by the draw's expected shares."""
    expected = jax.jit(model.expected)
    exits = np.asarray(model.exits).astype(np.int64)
    churn = np.empty((len(draws), model.sizes[0]))
    for number, one in enumerate(draws):
        _, caused, natural = expected(jnp.asarray(one))
        parts = np.concatenate([np.asarray(caused), np.asarray(natural)[None]]) + 1e-300
        shares = np.moveaxis(parts / parts.sum(0), 0, -1)
        churn[number] = rng.multinomial(exits, shares)[..., :-1].sum((0, 1, 2))
    return churn


def _describe(draws: np.ndarray) -> dict[str, Any]:
    """Quantiles, moments and how well they are known; (chains, draws)."""
    return {
        "quantiles": {str(p): round(float(value), 4) for p, value in zip(PROBABILITIES, np.quantile(draws, PROBABILITIES), strict=True)},
        "mean": round(float(draws.mean()), 4),
        "sd": round(float(draws.std()), 4),
        "ess": round(float(effective_sample_size(draws)), 0),
        "r_hat": round(float(gelman_rubin(draws)), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
