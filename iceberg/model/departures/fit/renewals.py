"""Contracts as the model reads them: those bound decide like the others, and leave at the first renewal after the decision.

With phi_s the share of a segment that is bound, rho_b renewals per month in band b and h = 1/2, 1, ..., 1, 1/2 over the months 0 to term (decisions
and renewals fall anywhere in a month), the weights of the lags of caused departures become

    w[s, l, b] = (1 - phi_s) w_l + phi_s rho_b sum_j h_j w[l - j]

and natural departures, of which the wish has the hazard n[s, m, b],

    (1 - phi_s) n[s, m, b] + phi_s rho_b sum_l h_l (T_l n[s, m - l])[b].

Where a column gives the contracts, phi_s is the share of those under a term who keep to it, each term has its share of a segment and band and its
own renewals, and phi rho_b becomes a sum over terms. A customer who has several reasons within one term leaves for the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.renewals.clock import Renewals


@dataclass(frozen=True, eq=False)
class RenewalClock:
    """The contracts of one company.

    Attributes:
        terms: Months between renewals of each term.
        renewing: (terms, S, B) share under the term times its renewals per month.
        under: (terms, S, B) share under the term.
        logit_bound: (S,) share of them who keep to it, on the logit scale; a parameter of the model moves all of them.
        source_band: (longest term + 1, B, B) the map T of `LexisDesign`.
        months: M.
    """

    terms: tuple[int, ...]
    renewing: FloatArray
    under: FloatArray
    logit_bound: FloatArray
    source_band: FloatArray
    months: int

    @classmethod
    def of(cls, counts: CohortCounts, renewals: Renewals, source_band: FloatArray) -> RenewalClock:
        """The clock of `counts`, which have the tenure bands of `renewals`."""
        edges, bound = counts.band_edges_months, np.asarray(renewals.bound)
        under = renewals.shares_under(edges)
        if renewals.terms:
            renewing = under * np.array([one.per_month for one in renewals.terms])
        else:
            renewing = np.broadcast_to(renewals.per_month(edges), under.shape)
        return cls(renewals.all_terms, renewing, under, np.log(bound / (1 - bound)), source_band, len(counts.months))

    @cached_property
    def share_of_month(self) -> FloatArray:
        """(terms, longest term + 1) h: how much of each month up to the renewal lies in its term."""
        shares = np.zeros((len(self.terms), max(self.terms) + 1))
        for place, term in enumerate(self.terms):
            shares[place, : term + 1] = np.append(np.insert(np.ones(term - 1), 0, 0.5), 0.5)
        return shares

    @cached_property
    def binds(self) -> FloatArray:
        """(S, B) share under any term."""
        return np.asarray(self.under.sum(axis=0), dtype=np.float64)

    @cached_property
    def _renewing_by_lag(self) -> FloatArray:
        """(longest term + 1, S, B) of the customers who wished to go so many months ago, how many meet a renewal of theirs in a month."""
        return np.asarray(np.einsum("tl,tsb->lsb", self.share_of_month, self.renewing), dtype=np.float64)

    def bound(self, moved: FloatArray | float) -> FloatArray:
        """(..., S) share bound, `moved` on the logit scale; its axes are draws."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self.logit_bound + np.asarray(moved)[..., None], -20, 20))), dtype=np.float64)

    def weights(self, moved: FloatArray | float, by_lag: FloatArray) -> FloatArray:
        """(..., S, L, B) weights of the lags in each segment and band, from those of customers who may leave at any time, (..., L).

        The leading axes are draws, or categories of one point.
        """
        lags = by_lag.shape[-1]
        earlier = np.arange(lags)[:, None] - np.arange(lags)[None]
        bound = self.bound(moved)[..., None, None]
        weights = (1 - bound * self.binds[:, None]) * by_lag[..., None, :, None]
        for share, renewing in zip(self.share_of_month, self.renewing, strict=True):
            window = np.where((earlier >= 0) & (earlier < len(share)), share[np.clip(earlier, 0, len(share) - 1)], 0.0)
            weights = weights + bound * (by_lag @ window.T)[..., None, :, None] * renewing[:, None]
        return np.asarray(weights, dtype=np.float64)

    def natural(self, moved: FloatArray | float, wish: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(..., S, M, B) natural hazard per month at risk, from that of the wish to leave."""
        bound = self.bound(moved)[..., None, None].astype(wish.dtype)
        free = (1 - bound * self.binds[:, None].astype(wish.dtype)) * wish
        return np.asarray(free + bound * self._renewing(wish))

    def _renewing(self, wish: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(..., S, M, B) hazard of customers who all keep to their term."""
        total = np.zeros_like(wish)
        for lag, share in enumerate(self._renewing_by_lag.astype(wish.dtype)):
            total += share[:, None] * (wish[..., self._month_before(lag), :] @ self.source_band[lag].T.astype(wish.dtype))
        return total

    def _month_before(self, lag: int) -> IntArray:
        """(M,) position of the month `lag` months earlier; before the window the same month of a later year, so that a season is one."""
        place = np.arange(self.months) - lag
        return np.minimum(np.where(place < 0, place % 12, place), self.months - 1)

    def natural_slopes(self, moved: float, wish: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Derivatives of `natural` in the log wish: of each month (S, M, B, M), of each band (S, M, B, B); and in `moved`."""
        segments, months, bands = wish.shape
        by_month, by_band = np.zeros((segments, months, bands, months)), np.zeros((segments, months, bands, bands))
        bound = self.bound(moved)[:, None, None]
        free = (1 - bound * self.binds[:, None]) * wish
        here, band = np.arange(months), np.arange(bands)
        by_month[:, here, :, here] += free.transpose(1, 0, 2)
        by_band[:, :, band, band] += free
        for lag, share in enumerate(self._renewing_by_lag):
            then = self._month_before(lag)
            sent = bound[..., None] * (share[:, None, :, None] * self.source_band[lag]) * wish[:, then, None, :]  # S M B D
            by_band += sent
            by_month[:, here, :, then] += sent.sum(-1).transpose(1, 0, 2)
        return by_month, by_band, np.asarray(bound * (1 - bound) * (self._renewing(wish) - self.binds[:, None] * wish), dtype=np.float64)
