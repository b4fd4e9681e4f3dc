"""Owns the reference: the joint model written a second time, in jax, from the equations, for a sampler that approximates nothing.

Shared with the product: the counts and how they are laid out (`LexisDesign`: months at risk, exposure, tenure bands back in time), the Gaussian
prior of the delay, the constants of the prior; where the product found more, the shares of each cell by month of entry, the share of each month
before a change of what is recorded, and the renewals that each cell meets. Not shared: intensities, delay weights, departures, likelihood, random
walks, the mixture prior of log r (here a sum over plain multivariate normals), what months of entry, changes, seasons of speaking up and contracts
do to complaints and departures, the split of departures, the posterior.

Every effect is sampled as a standard normal (non-centred) and the whole vector is turned and scaled by a Gaussian around a starting point, which
changes how fast the sampler moves and not where it goes. So does the stretching of log r, whose lower tail is long (`log_ratio`, with its
Jacobian).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammainc, gammaln, logsumexp

from benchmarks.reference.companies import Problem
from iceberg.model.departures.fit.variances import POOL_FREEDOM, PRIOR_FREEDOM, Variances
from iceberg.model.entry.shares import entry_shares
from iceberg.model.entry.wave import find_wave
from iceberg.model.priors import HARMLESS_SD, HARMLESS_SHIFT

jax.config.update("jax_enable_x64", True)

LEVEL_SD, NATURAL_LEVEL_SD, TILT_SD = 5.0, 1.0, 0.4
CHANGE_SD, SPEAKING_SD, SEASON_SD = 1.0, 0.3, 0.3
DAYS_PER_MONTH = 30.4375
PER_CATEGORY = ("month", "band", "segment", "burst")
NATURAL = ("natural_month", "natural_band", "natural_segment", "natural_segment_month", "natural_segment_band")


class JointModel:
    """log posterior of the joint model over one flat vector.

    Args:
        problem: Counts and priors.
        variances: Of the effects. Fixed at these, or where `learn`, only the start.
        centre, scale: (C,) of log r, roughly; for speed alone.
        learn: Sample the variances too: v_natural ~ scaled-inv-chi2(2, assumed); per category, v_c ~ scaled-inv-chi2(3, pool) and
            pool ~ scaled-inv-chi2(2, assumed), densities on the log scale. These are the priors whose modes the Fellner-Schall step seeks.
    """

    def __init__(self, problem: Problem, variances: Variances, *, centre: np.ndarray, scale: np.ndarray, learn: bool) -> None:
        design = problem.design
        self.learn, self.centre, self.scale = learn, jnp.asarray(centre), jnp.asarray(scale)
        self.problem = problem
        categories, segments, months, bands = design.shape
        self.sizes = (categories, segments, months, bands)
        self.before, self.lags, self.reference = design.before, design.lags, design.reference_band
        every = self.before + months
        self.shapes: dict[str, tuple[int, ...]] = {
            "level": (categories,), "month": (categories, every - 1), "band": (categories, bands - 1), "stretched_ratio": (categories,),
            "log_ratio_level": (), "delay": (2 * categories,), "tilt": (),
            "natural_level": (), "natural_month": (months - 1,), "natural_band": (bands - 1,), "segment": (categories, segments),
            "burst": (categories, segments, months), "natural_segment": (segments,), "natural_segment_month": (segments, months),
            "natural_segment_band": (segments, bands),
        }  # fmt: skip
        self.at_risk, self.exits = jnp.asarray(design.at_risk), jnp.asarray(design.exits)
        self.exposure, self.complainants = jnp.asarray(design.exposure), jnp.asarray(design.complainants)
        self._read_terms(problem)
        if learn:
            self.shapes |= {f"log_variance_{name}": (categories,) for name in PER_CATEGORY}
            self.shapes |= {f"log_pool_{name}": () for name in PER_CATEGORY}
            self.shapes |= {f"log_variance_{name}": () for name in NATURAL}
        self.size = int(sum(np.prod(shape, dtype=int) for shape in self.shapes.values()))
        self.fixed = {name: np.asarray(getattr(variances, name)) for name in PER_CATEGORY + NATURAL}
        start = Variances.start(categories)
        self.assumed = {name: float(np.ravel(getattr(start, name))[0]) for name in PER_CATEGORY + NATURAL}
        self.source_band, self.tenure_score = jnp.asarray(design.source_band), jnp.asarray(design.tenure_score)
        totals = design.complainants.sum((1, 2, 3))
        self.level_mean = jnp.asarray(np.log((totals + 0.5) / (design.exposure.sum() + 1.0)))
        self.natural_mean = float(np.log((design.exits.sum() + 0.5) / (design.at_risk.sum() + 1.0)))
        self.delay_root = jnp.asarray(np.linalg.cholesky(problem.kernel.covariance))

    def _read_terms(self, problem: Problem) -> None:
        """What this company has beyond the ordinary model: parameters, and what they multiply; months of entry as the product found them."""
        design, clock = problem.design, problem.design.clock
        self.changes, self.season = jnp.asarray(design.before_change), jnp.asarray(design.season)  # (L, C, Q), (W, Q)
        self.change_sd = jnp.asarray([CHANGE_SD] * (len(self.changes) - design.speaking) + [SPEAKING_SD] * design.speaking)
        if len(self.changes):
            self.shapes |= {"change": (len(self.changes),), "season": (len(self.season),)}
        wave = find_wave(problem.counts)
        if wave is not None:
            self.entry_share = jnp.asarray(entry_shares(problem.counts))  # (M, B, E)
            self.entry = {"departures": jnp.asarray(wave.departures), "complaints": jnp.asarray(wave.complaints)}
            self.exposure = self.exposure / wave.exposure  # of everybody; what the wave complains of comes in with its effects
        self.has_wave, self.has_contracts = wave is not None, clock is not None
        if clock is not None and problem.counts.renewals is not None:
            (term,) = clock.terms
            self.until = np.array([0.5, *[1.0] * (term - 1), 0.5])  # a wish of so many months ago meets the renewals of this month
            self.logit_bound = jnp.asarray(np.log(problem.counts.renewals.bound) - np.log1p(-np.array(problem.counts.renewals.bound)))
            self.bound_sd = problem.counts.renewals.bound_sd
            self.binds, self.renewing = jnp.asarray(clock.under[0]), jnp.asarray(clock.renewing[0])  # (S, B)
            self.term_band = jnp.asarray(clock.source_band)
            self.shapes |= {"bound": ()}

    def _entry_factor(self, effects: jax.Array, weight: jax.Array) -> jax.Array:
        """(M, B) factor of each cell by the months of entry of its customers, 1 on average over `weight`."""
        factor = self.entry_share @ jnp.exp(effects)
        return factor * weight.sum() / (factor * weight).sum()

    def _log_ratio_prior(self, vector: jax.Array) -> jax.Array:
        """Of log r and the level its categories share: spread and kind of level summed out, each category harmless or not."""
        prior, level = self.problem.prior, self.unpack(vector)["log_ratio_level"]
        own = self.log_ratio(vector) - jnp.asarray(prior.mean) - level
        weight, spread = (jnp.asarray(part)[:, None] for part in prior.spreads)
        usual = jnp.log(1 - prior.harmless) - 0.5 * (own / spread) ** 2 - jnp.log(spread)
        harmless = jnp.log(prior.harmless) - 0.5 * ((own - HARMLESS_SHIFT) / HARMLESS_SD) ** 2 - jnp.log(HARMLESS_SD)
        of_categories = logsumexp(weight[:, 0] + jnp.logaddexp(usual, harmless).sum(axis=1))
        kind, mean, sd = (jnp.asarray(part) for part in prior.levels)
        return of_categories + logsumexp(kind - 0.5 * ((level - mean) / sd) ** 2 - jnp.log(sd))

    def unpack(self, vector: jax.Array) -> dict[str, jax.Array]:
        """Named parts of the flat vector."""
        found, low = {}, 0
        for name, shape in self.shapes.items():
            high = low + int(np.prod(shape, dtype=int))
            found[name] = vector[low:high].reshape(shape)
            low = high
        return found

    def log_ratio(self, vector: jax.Array) -> jax.Array:
        """(C,) on its own scale."""
        at = self.unpack(vector)["stretched_ratio"]
        return self.centre + self.scale * (at - jax.nn.softplus(-at) ** 2 / 4)

    def effects(self, vector: jax.Array) -> dict[str, jax.Array]:
        """Effects on their own scale.

        Log intensity (C, S, Q), log tenure effect (C, B), log r, delay (C, 2), log r by tenure (B,), log natural hazard (S, M, B).
        """
        z = self.unpack(vector)
        variance = {name: jnp.exp(z[f"log_variance_{name}"]) if self.learn else jnp.asarray(self.fixed[name]) for name in self.fixed}
        sd = {name: jnp.sqrt(value) for name, value in variance.items()}
        anchor, reference = self.before, self.reference
        level = self.level_mean + LEVEL_SD * z["level"]
        month = _walk(z["month"] * sd["month"][:, None], anchor) + level[:, None]
        band = _walk(z["band"] * sd["band"][:, None], reference)
        segment = z["segment"] * sd["segment"][:, None]
        burst = z["burst"] * sd["burst"][:, None, None]
        month, unrecorded = self._as_today(month, level, z, anchor)
        intensity = month[:, None, :] + segment[:, :, None]
        intensity = intensity.at[:, :, anchor:].add(burst)
        natural = (self.natural_mean + NATURAL_LEVEL_SD * z["natural_level"] + _walk(z["natural_month"] * sd["natural_month"], 0))[None, :, None]
        natural = natural + _walk(z["natural_band"] * sd["natural_band"], reference)[None, None, :]
        natural = natural + (z["natural_segment"] * sd["natural_segment"])[:, None, None]
        natural = natural + (z["natural_segment_month"] * sd["natural_segment_month"])[:, :, None]
        natural = natural + (z["natural_segment_band"] * sd["natural_segment_band"])[:, None, :]
        delay = jnp.asarray(self.problem.kernel.location) + (self.delay_root @ z["delay"]).reshape(-1, 2)
        tilt = TILT_SD * z["tilt"] * self.tenure_score
        found = {"intensity": intensity, "band": band, "log_ratio": self.log_ratio(vector), "delay": delay, "tilt": tilt, "natural": natural}
        if self.has_contracts:
            found["bound"] = jax.nn.sigmoid(self.logit_bound + self.bound_sd * z["bound"])
        return found | {"unrecorded": unrecorded}

    def _as_today(self, month: jax.Array, level: jax.Array, z: dict[str, jax.Array], anchor: int) -> tuple[jax.Array, jax.Array]:
        """(C, Q) log rate as it would be recorded today, and the part of it that was not recorded.

        What walks is the rate as of today, less a season that all share; the level is that of what was recorded at the anchor.
        """
        if "change" not in z:
            return month, jnp.zeros_like(month)
        unrecorded = jnp.einsum("l,lcq->cq", self.change_sd * z["change"], self.changes)
        today = month + (SEASON_SD * z["season"]) @ self.season
        return today - today[:, anchor, None] + (level + unrecorded[:, anchor])[:, None], unrecorded

    def expected(self, vector: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Expected complainants (C, S, M, B), caused departures (C, S, M, B), natural departures (S, M, B)."""
        effect = self.effects(vector)
        intensity, band = jnp.exp(effect["intensity"]), jnp.exp(effect["band"])
        months, before = self.sizes[2], self.before
        recorded = intensity[:, :, before:] * jnp.exp(-effect["unrecorded"])[:, None, before:]
        complaints = self.exposure * recorded[..., None] * band[:, None, None, :]
        wish = jnp.exp(effect["natural"])
        if self.has_wave:
            complaints = complaints * self._entry_factor(self.entry["complaints"], self.exposure.sum(0))
            wish = wish * self._entry_factor(self.entry["departures"], self.at_risk.sum(0))
        weight = jax.vmap(lambda one: delay_weights(one, self.lags))(effect["delay"])  # (C, lags + 1)
        struck = band * jnp.exp(effect["tilt"])
        leaving = self._waits(weight, effect)
        sufferers = sum(
            leaving[:, :, lag, None, :]
            * intensity[:, :, before - lag : before - lag + months, None]
            * (struck @ self.source_band[lag].T)[:, None, None, :]
            for lag in range(self.lags + 1)
        )
        caused = self.at_risk * jnp.exp(effect["log_ratio"])[:, None, None, None] * sufferers
        return complaints, caused, self.at_risk * (self._renewed(wish, effect["bound"]) if self.has_contracts else wish)

    def _waits(self, weight: jax.Array, effect: dict[str, jax.Array]) -> jax.Array:
        """(C, S, lags + 1, B): who decides to go leaves at once, or where bound at the next renewal."""
        everywhere = jnp.broadcast_to(weight[:, None, :, None], (len(weight), *self.at_risk.shape[:1], self.lags + 1, self.at_risk.shape[2]))
        if not self.has_contracts:
            return everywhere
        at_renewal = jax.vmap(lambda one: jnp.convolve(one, jnp.asarray(self.until))[: self.lags + 1])(weight)
        bound = effect["bound"][:, None]
        free = (1 - bound * self.binds)[None, :, None, :]
        return free * everywhere + (bound * self.renewing)[None, :, None, :] * at_renewal[:, None, :, None]

    def _renewed(self, wish: jax.Array, bound: jax.Array) -> jax.Array:
        """(S, M, B) natural hazard: wishes of the bound add up until their renewal; those before the window are as in the same calendar month."""
        months = wish.shape[1]
        total = jnp.zeros_like(wish)
        for ago, share in enumerate(self.until):
            then = np.array([month - ago if month >= ago else min((month - ago) % 12, months - 1) for month in range(months)])
            total = total + share * jnp.einsum("smd,bd->smb", wish[:, then], self.term_band[ago])
        return (1 - bound[:, None] * self.binds)[:, None, :] * wish + (bound[:, None] * self.renewing)[:, None, :] * total

    def log_posterior(self, vector: jax.Array) -> jax.Array:
        """Up to a constant."""
        z = self.unpack(vector)
        complaints, caused, natural = self.expected(vector)
        departures = natural + caused.sum(0)
        value = _poisson(self.complainants, complaints) + _poisson(self.exits, departures)
        for name in z:
            if not name.startswith(("log_", "stretched")):
                value = value - 0.5 * (z[name] ** 2).sum()
        at = z["stretched_ratio"]
        value = value + jnp.log1p(jax.nn.softplus(-at) * jax.nn.sigmoid(-at) / 2).sum()
        value = value + self._log_ratio_prior(vector)
        return value + (self._log_variance_prior(z) if self.learn else 0.0)

    def _log_variance_prior(self, z: dict[str, jax.Array]) -> jax.Array:
        value = jnp.zeros(())
        for name in PER_CATEGORY:
            pool = z[f"log_pool_{name}"]
            value += _log_scaled_inverse_chi2(pool, PRIOR_FREEDOM, jnp.log(self.assumed[name]))
            value += _log_scaled_inverse_chi2(z[f"log_variance_{name}"], POOL_FREEDOM, pool).sum()
        for name in NATURAL:
            value += _log_scaled_inverse_chi2(z[f"log_variance_{name}"], PRIOR_FREEDOM, jnp.log(self.assumed[name]))
        return value

    def start(self) -> np.ndarray:
        """All effects zero, variances as given."""
        at: dict[str, Any] = {name: np.zeros(shape) for name, shape in self.shapes.items()}
        if self.learn:
            for name, value in self.fixed.items():
                at[f"log_variance_{name}"] = np.log(value)
                if name in PER_CATEGORY:
                    at[f"log_pool_{name}"] = np.log(value).mean()
        return np.concatenate([np.ravel(part) for part in at.values()])


def _walk(steps: jax.Array, anchor: int) -> jax.Array:
    """Random walk over the last axis that is zero at `anchor`."""
    after = jnp.cumsum(steps[..., anchor:], axis=-1)
    prior = jnp.cumsum(steps[..., :anchor][..., ::-1], axis=-1)[..., ::-1]
    return jnp.concatenate([prior, jnp.zeros((*steps.shape[:-1], 1)), after], axis=-1)


def _poisson(observed: jax.Array, mean: jax.Array) -> jax.Array:
    logs = jnp.where(observed > 0, observed * jnp.log(jnp.where(observed > 0, mean, 1.0)), 0.0)
    return (logs - mean - gammaln(observed + 1)).sum()


def _log_scaled_inverse_chi2(log_value: jax.Array, freedom: float, log_scale: Any) -> jax.Array:
    """Density of log v, without constants."""
    return -0.5 * freedom * (log_value - log_scale) - 0.5 * freedom * jnp.exp(log_scale - log_value)


def delay_weights(delay: jax.Array, lags: int) -> jax.Array:
    """P(departure l calendar months after the problem): gamma delay, problem on any day of its month."""
    mean, shape = jnp.exp(delay[0]), jnp.exp(delay[1])
    edges = DAYS_PER_MONTH * jnp.arange(1, lags + 2)

    def integral(days: jax.Array) -> jax.Array:
        scaled = days * shape / mean
        return days * gammainc(shape, scaled) - mean * gammainc(shape + 1.0, scaled)

    upper = jnp.concatenate([jnp.zeros(1), integral(edges)]) / DAYS_PER_MONTH  # int_0^{l months} F, in months
    within = jnp.diff(upper)
    return jnp.concatenate([within[:1], jnp.diff(within)])
