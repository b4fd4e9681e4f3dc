"""How well a fit explains the counts, everything integrated out: what decides between two modes, and how much each of them counts.

References:
    Kass, Raftery 1995 (Laplace's method, Bayes factors of this size); Rue et al. 2009.
"""

from __future__ import annotations

import numpy as np

from iceberg.model.departures.fit.arrow import Arrow
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior
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
