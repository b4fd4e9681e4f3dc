"""An incident audit: n customers who met a problem are followed, who of them speaks, and who of the others leaves.

    q      ~ Normal(complainers' own, `SILENT_VS_VOCAL_SD`) on (0, 1)       the silent need not be like those who complain
    spoke  ~ Binomial(n, p),          log (1 - p) / p = log r - log q - e   e ~ Normal(0, bias): who is in the log, and who is matched
    left   ~ Binomial(n - spoke, 1 - (1 - q)(1 - b))                        b: how many would have left anyway, known from matched others

The doubts are those with which level 4 reads an incident log (`iceberg.model.ratio.measurements`, `iceberg.model.survival.net_survival`): what is
simulated, what is weighed and what the estimate makes of the file are one study. The likelihood of r sums over q and e on one grid of logs, on which
both are sums of shifted columns.

References:
    Raiffa and Schlaifer (1961), chapter 5; Turner et al. 2009 (priors of bias).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray, IntArray
from iceberg.model.survival.excess_posterior import ExcessPosterior
from iceberg.model.survival.net_survival import SILENT_VS_VOCAL_SD

LEAVING_ANYWAY = 0.1  # judgement, grade D: b, share of any customers who leave within the horizon of an audit
LEAST_RATIO = 1e-3  # no audit distinguishes draws below it
_STEP = 0.05  # of the grid, log scale
_REACH = 3.0  # standard deviations of the bias


@dataclass(frozen=True, eq=False)
class IncidentAudit:
    """An audit of one category, before it is made.

    Attributes:
        number: Customers who met the problem.
        ratio: (K,) draws of r.
        excess: (K,) draws of q of those who complain.
        bias_sd: Of log r, what an incident log may be wrong by.
    """

    number: int
    ratio: FloatArray
    excess: FloatArray
    bias_sd: float

    @property
    def silent_excess(self) -> ExcessPosterior:
        """What is believed of the q of the silent before the audit."""
        return ExcessPosterior(float(self.excess.mean()), float(np.hypot(self.excess.std(), SILENT_VS_VOCAL_SD)), self.number)

    def simulate(self, truth: IntArray, *, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """(N,) who spoke, and (N,) who of the others left, where such draws are true."""
        excess = self.silent_excess.quantile(rng.random(len(truth)))
        log_odds = self._log_ratio[truth] - np.log(excess) - self.bias_sd * rng.standard_normal(len(truth))
        spoke = rng.binomial(self.number, special.expit(-log_odds))
        left = rng.binomial(self.number - spoke, _leaves(excess))
        return np.asarray(spoke, dtype=np.int64), np.asarray(left, dtype=np.int64)

    def log_likelihood(self, spoke: IntArray, left: IntArray) -> FloatArray:
        """(N, K) of N results at the draws, constants dropped."""
        log_excess = np.arange(np.log(1e-3), 0.0, _STEP)
        chance = self._chance(np.exp(log_excess))
        log_excess, chance = log_excess[chance > 1e-9], chance[chance > 1e-9]
        low, high = self._log_ratio.min(), self._log_ratio.max()
        points = max(int(np.ceil((high - low) / _STEP)), 1) + 1
        odds = low - log_excess[-1] + _STEP * np.arange(points + len(log_excess) - 1)  # ascending; log r - log q for every pair
        said = self._of_words(spoke, odds)
        gone = _binomial(left, self.number - spoke, _leaves(np.exp(log_excess))) * chance
        of_ratio = np.zeros((len(spoke), points))
        for place in range(len(log_excess)):  # the largest q has the smallest log r - log q
            start = len(log_excess) - 1 - place
            of_ratio += gone[:, [place]] * said[:, start : start + points]
        height = np.log(np.maximum(of_ratio, 1e-300))
        at = (self._log_ratio - low) / _STEP
        below = np.minimum(at.astype(np.int64), points - 2)
        return np.asarray(height[:, below] + (at - below) * (height[:, below + 1] - height[:, below]), dtype=np.float64)

    @property
    def _log_ratio(self) -> FloatArray:
        return np.asarray(np.log(np.maximum(self.ratio, LEAST_RATIO)), dtype=np.float64)

    def _chance(self, excess: FloatArray) -> FloatArray:
        """Of points that are equally far apart on the log scale."""
        belief = self.silent_excess
        weight = np.exp(-0.5 * ((excess - belief.location) / belief.sd) ** 2) * excess
        return np.asarray(weight / weight.sum(), dtype=np.float64)

    def _of_words(self, spoke: IntArray, log_odds: FloatArray) -> FloatArray:
        """(N, points) likelihood of those who spoke, summed over the bias."""
        steps = int(np.ceil(_REACH * self.bias_sd / _STEP))
        moves = np.arange(-steps, steps + 1) * _STEP
        weight = np.exp(-0.5 * (moves / self.bias_sd) ** 2) if steps else np.ones(1)
        wide = np.concatenate([log_odds[0] + moves[:steps], log_odds, log_odds[-1] + moves[steps + 1 :]])
        plain = _binomial(spoke, np.full(len(spoke), self.number), special.expit(-wide))
        summed = np.zeros((len(spoke), len(log_odds)))
        for place, share in enumerate(weight / weight.sum()):
            summed += share * plain[:, place : place + len(log_odds)]
        return summed


def _leaves(excess: FloatArray) -> FloatArray:
    """Probability that one who said nothing leaves, because of the problem or anyway."""
    return np.asarray(1 - (1 - excess) * (1 - LEAVING_ANYWAY), dtype=np.float64)


def _binomial(hits: IntArray, tries: IntArray, probability: FloatArray) -> FloatArray:
    """(N, points) likelihood, each row relative to its largest."""
    log = special.xlogy(hits[:, None], probability) + special.xlog1py((tries - hits)[:, None], -probability)
    return np.asarray(np.exp(log - log.max(axis=1, keepdims=True)), dtype=np.float64)
