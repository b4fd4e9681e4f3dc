"""BG/NBD (Fader, Hardie and Lee 2005, "Counting your customers the easy way", Marketing Science 24(2)): only here, to be compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln

from iceberg.arrays import FloatArray


@dataclass(frozen=True)
class BgNbd:
    """Purchases at a rate from Gamma(r, alpha) per week; after each one the customer is lost with a probability from Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, repeats: FloatArray, last: FloatArray, age: FloatArray) -> FloatArray:
        """Log density by customer (their equation 6).

        Args:
            repeats: Purchase days after the first.
            last: Weeks from the first to the last of them; 0 without a repeat.
            age: Weeks from the first to the day of judgement.
        """
        start = gammaln(self.r + repeats) - gammaln(self.r) + self.r * np.log(self.alpha)
        stays = gammaln(self.a + self.b) + gammaln(self.b + repeats) - gammaln(self.b) - gammaln(self.a + self.b + repeats)
        alive = -(self.r + repeats) * np.log(self.alpha + age)
        once = np.maximum(repeats, 1)  # who never came back cannot have been lost after a repeat: the term does not count for them
        lost = np.log(self.a) - np.log(self.b + once - 1) - (self.r + repeats) * np.log(self.alpha + last)
        return np.asarray(start + stays + np.where(repeats > 0, np.logaddexp(alive, lost), alive))

    def alive(self, repeats: FloatArray, last: FloatArray, age: FloatArray) -> FloatArray:
        """P(alive) by customer; 1 for those without a repeat, as the model has it."""
        longer = (self.r + repeats) * np.log((self.alpha + age) / (self.alpha + last))
        odds = np.exp(np.log(self.a) - np.log(self.b + np.maximum(repeats, 1) - 1) + longer)
        return np.asarray(np.where(repeats > 0, 1 / (1 + odds), 1.0))

    @classmethod
    def fit(cls, repeats: FloatArray, last: FloatArray, age: FloatArray) -> BgNbd:
        """Maximum likelihood.

        Raises:
            RuntimeError: The search did not end.
        """

        def loss(logs: FloatArray) -> float:
            return -float(cls(*np.exp(logs).tolist()).log_likelihood(repeats, last, age).mean())

        found = minimize(loss, np.log([0.5, 5.0, 1.0, 2.0]), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9, "maxiter": 4_000})
        if not found.success:
            raise RuntimeError(f"BG/NBD: {found.message}")
        return cls(*np.exp(found.x).tolist())
