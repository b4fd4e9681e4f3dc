"""What plugging in one variance costs: the total under other variances of the natural tenure effect, and averaged over them.

    python -m benchmarks.reference.tenure_variance

The sampler says that of all variances the total hangs on this one. Each value is held in turn, the rest stay as learned; weights are the Laplace
marginal likelihood times the prior of the variance.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from benchmarks.reference.companies import FIXTURES, rebuild_problem
from benchmarks.reference.psis import weighted_quantile
from iceberg.model.departures.fit.model import fit_design, refit
from iceberg.model.departures.fit.variances import PRIOR_FREEDOM, Variances
from iceberg.model.departures.reconciliation import draw_silent_churn

STEPS = np.linspace(-1.6, 2.4, 9)  # of the log variance, around the learned one
DRAWS = 2000
ENDS = (0.05, 0.5, 0.95)


def main() -> int:
    fixture = json.loads((FIXTURES / "nuts_small.json").read_text(encoding="utf-8"))
    problem = rebuild_problem(fixture)
    fit = fit_design(problem.design, problem.prior, problem.kernel)
    steps, assumed = fit.layout.bands - 1, Variances.start(1).natural_band
    weights, totals = [], []
    for log_variance in np.log(fit.variances.natural_band) + STEPS:
        held = replace(fit, variances=replace(fit.variances, natural_band=float(np.exp(log_variance))))
        found = refit(held, fit.shared, fit.own)
        prior = -0.5 * PRIOR_FREEDOM * (log_variance + assumed / np.exp(log_variance))
        weights.append(found.log_posterior - 0.5 * found.arrow.log_determinant - 0.5 * steps * log_variance + prior)
        drawn = draw_silent_churn(found, problem.counts, rng=np.random.default_rng(1), draws=DRAWS)
        totals.append(drawn.silent_churn.sum(axis=(1, 2, 3), dtype=np.float64))
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    for log_step, weight, total in zip(STEPS, share, totals, strict=True):
        sd = np.sqrt(fit.variances.natural_band * np.exp(log_step))
        print(f"sd {sd:5.2f}  weight {weight:.3f}  total {np.quantile(total, ENDS).round()}")
    together, each = np.concatenate(totals), np.repeat(share / DRAWS, DRAWS)
    plugged = draw_silent_churn(fit, problem.counts, rng=np.random.default_rng(1), draws=DRAWS).silent_churn.sum(axis=(1, 2, 3), dtype=np.float64)
    print("plugged in ", np.quantile(plugged, ENDS).round())
    print("averaged   ", [weighted_quantile(together, each, end) for end in ENDS])
    print("sampler    ", [fixture["learned_variances"]["total"]["quantiles"][str(end)] for end in ENDS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
