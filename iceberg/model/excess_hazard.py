"""Owns the reconciliation model: complaints and silent departures explained together, so that departures answer back to the assumed ratio.

    complainants[c, cell] ~ Poisson(exposure x category x segment x month x tenure, with segment x month bursts)
    silent exits[cell]    ~ Poisson(at risk x natural hazard + sum_c r_c x delayed complaint intensity of c)
    log r_c = m + e_c;  m ~ Normal(log(rho q), .), e_c ~ Normal(0, spread)

One penalised Poisson likelihood, Fisher scoring to its mode, variances by Fellner-Schall, a Gaussian at the mode. Effects of one segment meet those of
another only through what all segments share, so the information matrix is an arrow: each segment's block is eliminated first.

References:
    Dickman et al. 2004; Wood, Fasiolo 2017; Rue et al. 2009; method of the excess hazard: Perme, Stare, Esteve 2012.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular

from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.delay_kernel import DelayKernel, fit_delay_kernel, lags_needed
from iceberg.model.fellner_schall import Spread, Variances, largest_change, update_variances
from iceberg.model.ratio_evidence import ratio_prior_of
from iceberg.model.ratio_posterior import RatioLikelihood, RatioPrior, climb_log_ratios, information_only
from iceberg.model.lexis_design import Columns, Effects, LexisDesign, Rates, departure_columns, evaluate_rates

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]

LONGEST_LAG = 12


@dataclass(frozen=True)
class Layout:
    """Where each effect sits in the vectors of shared and of per-segment parameters."""

    categories: int
    segments: int
    months: int
    bands: int
    every: int
    reference: int

    @property
    def free_bands(self) -> IndexArray:
        return np.delete(np.arange(self.bands), self.reference)

    @property
    def local(self) -> bool:
        return self.segments > 1

    @property
    def shared_size(self) -> int:
        b = self.bands - 1
        return self.categories * (self.every + b + 1) + 2 + self.months + b

    @property
    def local_size(self) -> int:
        return (self.categories * (1 + self.months) + 1 + self.months + self.bands) if self.local else 0

    def shared(self, vector: FloatArray) -> dict[str, FloatArray]:
        """Views of a shared vector (leading axes allowed)."""
        lead, c, b = vector.shape[:-1], self.categories, self.bands - 1
        sizes = np.cumsum([0, c * self.every, c * b, c, 2, self.months, b])
        part = [vector[..., low:high] for low, high in zip(sizes[:-1], sizes[1:], strict=True)]
        return {
            "month": part[0].reshape(*lead, c, self.every),
            "band": part[1].reshape(*lead, c, b),
            "ratio": part[2],
            "delay": part[3],
            "natural_month": part[4],
            "natural_band": part[5],
        }

    def own(self, vector: FloatArray) -> dict[str, FloatArray]:
        """Views of the per-segment vectors (..., S, local_size)."""
        lead, c, m = vector.shape[:-1], self.categories, self.months
        sizes = np.cumsum([0, c, c * m, 1, m, self.bands])
        part = [vector[..., low:high] for low, high in zip(sizes[:-1], sizes[1:], strict=True)]
        return {
            "segment": part[0],
            "burst": part[1].reshape(*lead, c, m),
            "natural_segment": part[2],
            "natural_segment_month": part[3],
            "natural_segment_band": part[4],
        }

    def effects(self, shared: FloatArray, own: FloatArray) -> Effects:
        """Parameters unpacked for `evaluate_rates` (no leading axes)."""
        of = self.shared(shared)
        band = np.zeros((self.categories, self.bands))
        band[:, self.free_bands] = of["band"]
        natural = np.zeros((self.segments, self.months, self.bands)) + of["natural_month"][None, :, None]
        natural[:, :, self.free_bands] += of["natural_band"]
        segment = np.zeros((self.categories, self.segments))
        burst = np.zeros((self.categories, self.segments, self.months))
        if self.local:
            mine = self.own(own)
            segment, burst = mine["segment"].T, mine["burst"].transpose(1, 0, 2)
            natural += mine["natural_segment"][:, :, None] + mine["natural_segment_month"][:, :, None]
            natural += mine["natural_segment_band"][:, None, :]
        return Effects(of["month"], band, segment, burst, of["ratio"], of["delay"], natural)


@dataclass(frozen=True, eq=False)
class Prior:
    """Gaussian prior of all parameters under given variances: precision of the shared ones, diagonal precision of the local ones."""

    shared_mean: FloatArray
    shared_precision: FloatArray
    local_precision: FloatArray
    walks: dict[str, FloatArray]


LEVEL_SD = 5.0  # weak: monthly log rates are anything


def build_prior(layout: Layout, variances: Variances, ratio: RatioPrior, kernel: DelayKernel, levels: tuple[FloatArray, float]) -> Prior:
    """The prior of the smooth effects under `variances`."""
    size, c, b = layout.shared_size, layout.categories, layout.bands - 1
    precision, mean = np.zeros((size, size)), np.zeros(size)
    index = layout.shared(np.arange(size).astype(float))
    walk_every, walk_months = _walk(layout.every), _walk(layout.months)
    walk_band = _walk(layout.bands)[np.ix_(layout.free_bands, layout.free_bands)]
    anchor = layout.every - layout.months
    for k in range(c):
        month = index["month"][k].astype(int)
        precision[np.ix_(month, month)] = walk_every / variances.month[k]
        precision[month[anchor], month[anchor]] += LEVEL_SD**-2
        # The prior mean of the walk is a constant: every month at the level.
        mean[month] = levels[0][k]
        if b:
            band = index["band"][k].astype(int)
            precision[np.ix_(band, band)] = walk_band / variances.band[k]
    at = index["ratio"].astype(int)
    mean[at], precision[np.ix_(at, at)] = ratio.gaussian
    at = index["delay"].astype(int)
    precision[np.ix_(at, at)] = np.linalg.inv(kernel.covariance)
    mean[at] = kernel.location
    at = index["natural_month"].astype(int)
    precision[np.ix_(at, at)] = walk_months / variances.natural_month
    precision[at[0], at[0]] += LEVEL_SD**-2
    mean[at] = levels[1]
    if b:
        at = index["natural_band"].astype(int)
        precision[np.ix_(at, at)] = walk_band / variances.natural_band
    local = np.zeros(layout.local_size)
    if layout.local:
        mine = layout.own(local)
        mine["segment"][:] = 1 / variances.segment
        mine["burst"][:] = 1 / variances.burst[:, None]
        mine["natural_segment"][:] = 1 / variances.natural_segment
        mine["natural_segment_month"][:] = 1 / variances.natural_segment_month
        mine["natural_segment_band"][:] = 1 / variances.natural_segment_band
    return Prior(mean, precision, local, {"month": walk_every, "band": walk_band, "natural_month": walk_months})


def _walk(size: int) -> FloatArray:
    step = np.diff(np.eye(size), axis=0)
    return np.asarray(step.T @ step)


@dataclass(frozen=True, eq=False)
class Arrow:
    """Cholesky factors of the information: per segment, and of what is shared after the segments are eliminated.

    Attributes:
        local: (S, n, n) lower factors.
        bridge: (S, n, G) local^-1 x coupling.
        shared: (G, G) lower factor of the Schur complement.
    """

    local: FloatArray
    bridge: FloatArray
    shared: FloatArray

    def solve(self, shared: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
        """information^-1 times a vector."""
        reduced = shared.copy()
        halves = np.empty_like(own)
        for s in range(len(own)):
            halves[s] = solve_triangular(self.local[s], own[s], lower=True, check_finite=False)
            reduced -= self.bridge[s].T @ halves[s]
        first = cho_solve((self.shared, True), reduced, check_finite=False)
        for s in range(len(own)):
            halves[s] = solve_triangular(self.local[s], halves[s] - self.bridge[s] @ first, lower=True, trans=1, check_finite=False)
        return first, halves

    def shared_covariance(self) -> FloatArray:
        """Posterior covariance of the shared parameters."""
        return np.asarray(cho_solve((self.shared, True), np.eye(len(self.shared)), check_finite=False))

    def local_variances(self) -> FloatArray:
        """(S, n) posterior variances of the per-segment parameters."""
        found = np.empty(self.local.shape[:2])
        eye = np.eye(self.local.shape[1])
        for s in range(len(found)):
            inverse = solve_triangular(self.local[s], eye, lower=True, check_finite=False)
            through = solve_triangular(self.shared, (inverse.T @ self.bridge[s]).T, lower=True, check_finite=False)
            found[s] = (inverse**2).sum(0) + (through**2).sum(0)
        return found

    def draw(self, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
        """Deviations from the mode with the posterior covariance: (K, G) and (K, S, n)."""
        size = len(self.shared)
        shared = solve_triangular(self.shared, rng.standard_normal((size, draws)), lower=True, trans=1, check_finite=False)
        segments, own_size = self.local.shape[:2]
        own = np.empty((draws, segments, own_size))
        for s in range(segments):
            noise = rng.standard_normal((own_size, draws)) - self.bridge[s] @ shared
            own[:, s] = solve_triangular(self.local[s], noise, lower=True, trans=1, check_finite=False).T
        return shared.T, own

    @property
    def log_determinant(self) -> float:
        """Log |information|."""
        own = np.log(np.diagonal(self.local, axis1=1, axis2=2)).sum()
        return float(2 * (own + np.log(np.diagonal(self.shared)).sum()))


def log_likelihood(design: LexisDesign, rates: Rates, dispersion: float = 0.0) -> float:
    """Poisson log-likelihood of complainants and silent exits, without constants."""
    complaints = np.where(design.complainants > 0, design.complainants * np.log(np.maximum(rates.complaints, 1e-300)), 0.0)
    departures = rates.departures
    weight = _discount(rates, dispersion)
    exits = np.where(design.exits > 0, design.exits * np.log(np.maximum(departures, 1e-300)), 0.0) - departures
    # deviance-weighted quasi-likelihood where natural departures are over-dispersed
    return float(complaints.sum() - rates.complaints.sum() + (weight * exits).sum())


def _discount(rates: Rates, dispersion: float) -> FloatArray:
    """Weight of each departure cell where natural hazards scatter by `dispersion` (squared coefficient of variation)."""
    if dispersion == 0.0:
        return np.ones_like(rates.natural)
    return np.asarray(1 / (1 + dispersion * rates.natural**2 / np.maximum(rates.departures, 1e-12)))


@dataclass(frozen=True, eq=False)
class Information:
    """Score and Fisher information of the likelihood in shared and per-segment parameters."""

    shared_score: FloatArray
    local_score: FloatArray
    shared: FloatArray
    coupling: FloatArray
    local: FloatArray
    scaled: FloatArray
    root_weight: FloatArray
    share: FloatArray


def fisher_information(design: LexisDesign, layout: Layout, effects: Effects, rates: Rates, dispersion: float = 0.0) -> Information:
    """Score and expected information of complaints and departures."""
    columns = departure_columns(design, effects, rates)
    shared_pick, local_pick = _pick(layout, columns)
    segments = layout.segments
    departures = np.maximum(rates.departures, 1e-12)
    weight = (_discount(rates, dispersion) / departures).reshape(segments, -1)
    weight = np.where(design.at_risk.reshape(segments, -1) > 0, weight, 0.0)
    residual = ((design.exits - rates.departures).reshape(segments, -1)) * weight
    score = np.einsum("sr,srp->sp", residual, columns.matrix)
    scaled = columns.matrix * np.sqrt(weight)[..., None]
    gram = np.stack([one.T @ one for one in scaled])
    total = gram.sum(0)
    shared = total[np.ix_(shared_pick, shared_pick)]
    coupling = gram[:, local_pick[:, None], shared_pick[None]] if layout.local else np.zeros((segments, 0, layout.shared_size))
    local = gram[:, local_pick[:, None], local_pick[None]] if layout.local else np.zeros((segments, 0, 0))
    information = Information(
        score.sum(0)[shared_pick],
        score[:, local_pick] if layout.local else np.zeros((segments, 0)),
        shared,
        coupling,
        local,
        scaled,
        np.sqrt(weight),
        (np.concatenate([rates.caused, rates.natural[None]]) / departures).reshape(layout.categories + 1, segments, -1),
    )
    _add_complaints(design, layout, rates, information)
    return information


def _pick(layout: Layout, columns: Columns) -> tuple[IndexArray, IndexArray]:
    """Column of `columns.matrix` for each shared and each per-segment parameter."""
    c, m, every, bands = layout.categories, layout.months, layout.every, layout.bands
    category, free = np.arange(c), layout.free_bands
    shared = [
        columns.month + np.arange(c * every),
        (columns.band + category[:, None] * bands + free[None]).ravel(),
        columns.ratio + category,
        columns.delay + np.arange(2),
        columns.natural_month + np.arange(m),
        columns.natural_band + free,
    ]
    own = [
        columns.ratio + category,
        (columns.month + category[:, None] * every + (every - m) + np.arange(m)[None]).ravel(),
        np.array([columns.natural_all]),
        columns.natural_month + np.arange(m),
        columns.natural_band + np.arange(bands),
    ]
    return np.concatenate(shared), np.concatenate(own)


def _add_complaints(design: LexisDesign, layout: Layout, rates: Rates, into: Information) -> None:
    """Add the complaint part, which is diagonal within (category, month), (category, band) and crossed between them."""
    mu, residual = rates.complaints, design.complainants - rates.complaints
    score = layout.shared(into.shared_score)
    first = layout.every - layout.months
    free = layout.free_bands
    score["month"][:, first:] += residual.sum((1, 3))
    score["band"][:] += residual.sum((1, 2))[:, free]
    index = layout.shared(np.arange(layout.shared_size).astype(float))
    month = index["month"].astype(int)[:, first:]
    band = index["band"].astype(int)
    into.shared[month, month] += mu.sum((1, 3))
    into.shared[band, band] += mu.sum((1, 2))[:, free]
    cross = mu.sum(1)[:, :, free]
    into.shared[month[:, :, None], band[:, None, :]] += cross
    into.shared[band[:, None, :], month[:, :, None]] += cross
    if not layout.local:
        return
    own_score = layout.own(into.local_score)
    own_score["segment"][:] += residual.sum((2, 3)).T
    own_score["burst"][:] += residual.sum(3).transpose(1, 0, 2)
    own = layout.own(np.arange(layout.local_size).astype(float))
    segment, burst = own["segment"].astype(int), own["burst"].astype(int)
    by_month = mu.sum(3).transpose(1, 0, 2)  # S C M
    by_band = mu.sum(2)[:, :, free].transpose(1, 0, 2)
    cells = mu[..., free].transpose(1, 0, 2, 3)
    into.local[:, segment, segment] += by_month.sum(2)
    into.local[:, burst, burst] += by_month
    into.local[:, segment[:, None], burst] += by_month
    into.local[:, burst, segment[:, None]] += by_month
    into.coupling[:, segment[:, None], month] += by_month
    into.coupling[:, segment[:, None], band] += by_band
    into.coupling[:, burst, month] += by_month
    into.coupling[:, burst[:, :, None], band[:, None, :]] += cells


def factorise(information: Information, prior: Prior) -> Arrow:
    """Cholesky factors of information + prior precision."""
    shared = information.shared + prior.shared_precision
    segments, size = information.local.shape[:2]
    local = information.local.copy()
    bridge = np.empty_like(information.coupling)
    diagonal = np.arange(size)
    local[:, diagonal, diagonal] += prior.local_precision
    if size:
        local = np.linalg.cholesky(local)
        for s in range(segments):
            bridge[s] = solve_triangular(local[s], information.coupling[s], lower=True, check_finite=False)
            shared -= bridge[s].T @ bridge[s]
    return Arrow(local, bridge, np.linalg.cholesky((shared + shared.T) / 2))


def ratio_drag(layout: Layout, information: Information, arrow: Arrow) -> FloatArray:
    """(C,) slope in log r_c of -1/2 log |information of everything else|, everything else following the ratio to its own conditional mode.

    What integrating out adds to the joint mode. A large ratio lets a category with few complaints bend its pattern to the departures: the joint
    mode likes that, the marginal does not. A large ratio also leaves the natural hazard less to explain, which frees it: the marginal likes that.
    With J the derivatives of departures in blocks k (categories, natural) that move by dh_k in a cell with mean mu, W = 1 / mu and V the
    covariance given the ratios, the derivative of log |.| is sum over cells of 2 sum_k (dh_k / h_k) (J_k V J')W - (sum_k dh_k / mu) (J V J')W.
    """
    columns = Columns(information.scaled, *_offsets(layout))
    shared_pick, local_pick = _pick(layout, columns)
    blocks = _blocks(layout)
    ratio = layout.shared(np.arange(layout.shared_size))["ratio"]
    covariance = cho_solve((arrow.shared, True), np.eye(layout.shared_size)[:, ratio], check_finite=False)
    given = (covariance @ np.linalg.inv(covariance[ratio])).astype(np.float32)
    # A slope to three digits is enough, and single precision halves the most expensive step of the fit.
    factor = arrow.shared.astype(np.float32)
    trace = np.zeros(layout.categories)
    for s in range(layout.segments):
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
        trace += 2 * np.einsum("kr,krc->c", scale, moved) - np.einsum("r,krc->c", leverage.sum(0) * weight, moved)
    return np.asarray(-trace / 2, dtype=np.float64)


def _blocks(layout: Layout) -> list[tuple[IndexArray, IndexArray]]:
    """Positions of the shared and the per-segment parameters of each category, then of the natural hazard."""
    at = layout.shared(np.arange(layout.shared_size))
    own = layout.own(np.arange(layout.local_size)) if layout.local else {}
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


@dataclass(frozen=True, eq=False)
class ExcessHazardFit:
    """The mode, the Gaussian around it, and how it was reached."""

    design: LexisDesign
    layout: Layout
    kernel: DelayKernel
    ratio_prior: RatioPrior
    variances: Variances
    dispersion: float
    shared: FloatArray
    own: FloatArray
    arrow: Arrow
    rates: Rates
    converged: bool
    iterations: int
    log_posterior: float

    drag: FloatArray
    score: FloatArray

    @property
    def effects(self) -> Effects:
        """The mode, unpacked."""
        return self.layout.effects(self.shared, self.own)

    def rates_at(self, shared: FloatArray, own: FloatArray) -> Rates:
        """Expected counts at other parameters."""
        return evaluate_rates(self.design, self.layout.effects(shared, own))

    @property
    def ratio_positions(self) -> IndexArray:
        """Where log r sits among the shared parameters."""
        return self.layout.shared(np.arange(self.layout.shared_size))["ratio"]

    @property
    def ratio_covariance(self) -> FloatArray:
        """(C, C) of log r in the Gaussian at the mode."""
        at = self.ratio_positions
        unit = np.eye(self.layout.shared_size)[:, at]
        return np.asarray(cho_solve((self.arrow.shared, True), unit, check_finite=False)[at])

    @property
    def ratio_likelihood(self) -> RatioLikelihood:
        """What departures say of the ratios, everything else integrated out."""
        mode = self.shared[self.ratio_positions]
        information = information_only(np.linalg.inv(self.ratio_covariance), self.ratio_prior)
        return RatioLikelihood(mode, self.score, information, self.drag)


def starting_values(design: LexisDesign, layout: Layout, ratio: RatioPrior, kernel: DelayKernel) -> tuple[FloatArray, FloatArray, tuple[FloatArray, float]]:
    """Margins of the counts, lightly smoothed; ratios at their prior unless that asks for more than 10 % of the departures."""
    by_month = design.complainants.sum((1, 3))
    exposure = design.exposure.sum((0, 2))
    overall = (by_month.sum(1) + 0.5) / (exposure.sum() + 1.0)
    shared = np.zeros(layout.shared_size)
    of = layout.shared(shared)
    rate = (by_month + 5 * 1.0) / (exposure[None] + 5 / overall[:, None])
    of["month"][:, layout.every - layout.months :] = np.log(rate)
    of["month"][:, : layout.every - layout.months] = np.log(rate[:, :1])
    risk, exits = design.at_risk.sum((0, 1)), design.exits.sum((0, 1))
    natural = (exits.sum() + 0.5) / (risk.sum() + 1.0)
    of["natural_month"][:] = np.log(natural)
    relative = np.log((exits + 5) / (risk * natural + 5))
    of["natural_band"][:] = (relative - relative[layout.reference])[layout.free_bands]
    assumed = ratio.gaussian[0]
    demanded = float((np.exp(assumed) * by_month.sum(1)).sum())
    excess = np.log(max(demanded, 1e-9) / (0.1 * exits.sum() + 1.0))
    of["ratio"][:] = assumed - max(excess, 0.0)
    of["delay"][:] = kernel.location
    return shared, np.zeros((layout.segments, layout.local_size)), (np.log(overall), float(np.log(natural)))


MAX_ITERATIONS = 60
TOLERANCE = 1e-4


def fit_excess_hazard(
    counts: CohortCounts,
    assumptions: Assumptions,
    *,
    warm: object | None = None,
    progress: Callable[[str, float], None] | None = None,
    kernel: DelayKernel | None = None,
    ratio_prior: RatioPrior | None = None,
) -> ExcessHazardFit:
    """Mode and Gaussian of the reconciliation model."""
    kernel = kernel or fit_delay_kernel(counts)
    ratio = ratio_prior or ratio_prior_of(counts, assumptions, kernel)
    months = counts.shape[1]
    design = LexisDesign.of(counts, lags=lags_needed(kernel.location, longest=min(LONGEST_LAG, max(months - 1, 1))))
    return fit_design(design, ratio, kernel, warm=warm if isinstance(warm, ExcessHazardFit) else None, progress=progress)


def fit_design(
    design: LexisDesign,
    ratio: RatioPrior,
    kernel: DelayKernel,
    *,
    warm: ExcessHazardFit | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> ExcessHazardFit:
    """Fisher scoring, a Fellner-Schall step after each, until both settle.

    Complaints are fitted alone first: started from flat patterns, a category with few complaints can settle in a second mode where its pattern
    stands in for natural departures.
    """
    categories, segments, months, bands = design.shape
    layout = Layout(categories, segments, months, bands, design.all_months, design.reference_band)
    shared, own, levels = starting_values(design, layout, ratio, kernel)
    if warm is not None and warm.layout == layout:
        state, fewest = _State(warm.shared.copy(), warm.own.copy(), warm.variances, warm.drag, warm.score), 1
    else:
        fewest = 3
        silence = replace(design, at_risk=np.zeros_like(design.at_risk), exits=np.zeros_like(design.exits))
        state = _State(shared, own, Variances.start(categories), np.zeros(categories), np.zeros(categories))
        state, _, _, _ = _iterate(silence, layout, ratio, kernel, levels, state, progress=None, most=8)
    state, arrow, value, settled = _iterate(design, layout, ratio, kernel, levels, state, progress=progress, most=MAX_ITERATIONS, fewest=fewest)
    rates = evaluate_rates(design, layout.effects(state.shared, state.own))
    return ExcessHazardFit(
        design, layout, kernel, ratio, state.variances, 0.0, state.shared, state.own, arrow, rates, settled is not None, settled or MAX_ITERATIONS, value, state.drag, state.score
    )


REFIT_ITERATIONS = 6


def refit(fit: ExcessHazardFit, shared: FloatArray, own: FloatArray) -> ExcessHazardFit:
    """The mode for other complainants (`fit.design`) under the variances of `fit`, from starting values."""
    design, layout = fit.design, fit.layout
    levels = starting_values(design, layout, fit.ratio_prior, fit.kernel)[2]
    state = _State(shared, own, fit.variances, fit.drag, fit.score)
    state, arrow, value, settled = _iterate(
        design, layout, fit.ratio_prior, fit.kernel, levels, state, progress=None, most=REFIT_ITERATIONS, learn=False, fewest=0
    )
    return replace(
        fit,
        shared=state.shared,
        own=state.own,
        arrow=arrow,
        rates=fit.rates_at(state.shared, state.own),
        converged=settled is not None,
        log_posterior=value,
        drag=state.drag,
        score=state.score,
    )


def _step_in_ratio(
    arrow: Arrow,
    ratios: IndexArray,
    prior: RatioPrior,
    log_ratio: FloatArray,
    drag: FloatArray,
    gradient: FloatArray,
    own_gradient: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A scoring step that treats departures as linear in r: the ratios go to the top of their own posterior, the rest follows linearly.

    Args:
        arrow: Information and prior.
        ratios: Positions of log r.
        prior: Of the ratios.
        log_ratio: Where they are.
        drag: See `ratio_drag`.
        gradient: Of the likelihood in log r, of the posterior in everything else.
        own_gradient: Of the posterior in the per-segment parameters.

    Returns:
        Both steps, and the score of the ratios with everything else at its best.
    """
    step, own_step = arrow.solve(gradient, own_gradient)
    covariance = cho_solve((arrow.shared, True), np.eye(len(gradient))[:, ratios], check_finite=False)
    precision = np.linalg.inv(covariance[ratios])
    likelihood = RatioLikelihood(log_ratio, precision @ step[ratios], information_only(precision, prior), drag)
    found = climb_log_ratios(likelihood, prior)
    further = np.expm1(found - log_ratio) - step[ratios]
    shift = covariance @ (precision @ further)
    step += shift
    score = likelihood.slope
    step[ratios] = found - log_ratio
    for s in range(len(own_step) if own_step.shape[1] else 0):
        moved = arrow.bridge[s] @ shift
        own_step[s] -= solve_triangular(arrow.local[s], moved, lower=True, trans=1, check_finite=False)
    return step, own_step, score


@dataclass(frozen=True, eq=False)
class _State:
    shared: FloatArray
    own: FloatArray
    variances: Variances
    drag: FloatArray
    score: FloatArray


def _iterate(
    design: LexisDesign,
    layout: Layout,
    ratio: RatioPrior,
    kernel: DelayKernel,
    levels: tuple[FloatArray, float],
    state: _State,
    *,
    progress: Callable[[str, float], None] | None,
    most: int,
    learn: bool = True,
    fewest: int = 3,
) -> tuple[_State, Arrow, float, int | None]:
    """Scoring and variance steps until both settle; the last factors are those of the final variances at the final mode."""
    shared, own, variances = state.shared, state.own, state.variances
    settled, silence = None, not design.exits.any()
    ratios = layout.shared(np.arange(layout.shared_size))["ratio"]
    drag, drag_at = np.zeros(layout.categories), shared[ratios]
    before, score, caution = np.zeros(layout.categories), np.zeros(layout.categories), 1.0
    for iteration in range(most):
        prior = build_prior(layout, variances, ratio, kernel, levels)
        effects = layout.effects(shared, own)
        rates = evaluate_rates(design, effects)
        value = log_likelihood(design, rates) - _penalty(prior, shared, own)
        information = fisher_information(design, layout, effects, rates)
        arrow = factorise(information, prior)
        if not silence:
            drag, drag_at = ratio_drag(layout, information, arrow), shared[ratios]
        pull = (ratios, drag, drag_at)
        value += _dragged(pull, shared)
        slope = information.local_score - prior.local_precision * own
        gradient = information.shared_score - prior.shared_precision @ (shared - prior.shared_mean)
        if silence:
            step, own_step = arrow.solve(gradient, slope)
        else:
            # Between two looks the drag is taken as linear in r, as it is in the posterior.
            now = drag * np.exp(np.minimum(shared[ratios] - drag_at, 5.0))
            gradient[ratios] = information.shared_score[ratios]
            step, own_step, score = _step_in_ratio(arrow, ratios, ratio, shared[ratios], now, gradient, slope)
            # To and fro means that the drag had changed on the way.
            caution = caution / 2 if step[ratios] @ before < 0 else min(1.0, 1.5 * caution)
            before = step[ratios]
            step, own_step = caution * step, caution * own_step
        if settled is not None and max(np.abs(step).max(initial=0.0), np.abs(own_step).max(initial=0.0)) < 0.05:
            break
        if settled is not None and iteration >= settled + 4:
            break
        shared, own, rates, value, size = _line_search(design, layout, prior, shared, own, step, own_step, value, pull)
        change = float(max(np.abs(step).max(initial=0.0), np.abs(own_step).max(initial=0.0))) * size
        if progress is not None:
            progress("fit", min(0.95, (iteration + 1) / 25))
        if settled is not None:
            continue
        updated = update_variances(variances, _spreads(layout, prior, arrow, shared, own)) if learn and iteration >= 1 else variances
        if iteration >= fewest and change < 0.05 and largest_change(variances, updated) < 0.05:
            settled = iteration + 1
        else:
            variances = updated
    return _State(shared, own, variances, drag, score), arrow, value - _dragged(pull, shared), settled


def _penalty(prior: Prior, shared: FloatArray, own: FloatArray) -> float:
    away = shared - prior.shared_mean
    return float(0.5 * away @ prior.shared_precision @ away + 0.5 * (own**2 * prior.local_precision).sum())


def _dragged(pull: tuple[IndexArray, FloatArray, FloatArray], shared: FloatArray) -> float:
    """Antiderivative in log r of the drag."""
    ratios, drag, drag_at = pull
    return float(drag @ np.exp(np.minimum(shared[ratios] - drag_at, 5.0)))


def _line_search(design: LexisDesign, layout: Layout, prior: Prior, shared: FloatArray, own: FloatArray, step: FloatArray, own_step: FloatArray, value: float, pull: tuple[IndexArray, FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray, Rates, float, float]:
    """Halve the step until the penalised likelihood rises."""
    size = min(1.0, 3.0 / max(float(np.abs(step).max(initial=0.0)), float(np.abs(own_step).max(initial=0.0)), 1e-12))
    for _ in range(12):
        tried, tried_own = shared + size * step, own + size * own_step
        rates = evaluate_rates(design, layout.effects(tried, tried_own))
        found = log_likelihood(design, rates) - _penalty(prior, tried, tried_own) + _dragged(pull, tried)
        if np.isfinite(found) and found >= value - 1e-9 * abs(value):
            return tried, tried_own, rates, found, size
        size /= 2
    return shared, own, evaluate_rates(design, layout.effects(shared, own)), value, 0.0


def _spreads(layout: Layout, prior: Prior, arrow: Arrow, shared: FloatArray, own: FloatArray) -> dict[str, Spread]:
    """B'Sb and tr(V S) of every group of effects."""
    covariance = arrow.shared_covariance()
    of, at = layout.shared(shared), layout.shared(np.arange(layout.shared_size).astype(float))
    found: dict[str, Spread] = {}
    for name in ("month", "band", "natural_month", "natural_band"):
        walk = prior.walks[name.removeprefix("natural_")] if name != "natural_month" else prior.walks["natural_month"]
        if len(walk) == 0 or not walk.any():
            continue
        rank = len(walk) - (1 if "month" in name else 0)
        groups, where = np.atleast_2d(of[name]), np.atleast_2d(at[name]).astype(int)
        squares = np.einsum("ki,ij,kj->k", groups, walk, groups)
        trace = np.array([(covariance[np.ix_(w, w)] * walk).sum() for w in where])
        found[name] = Spread(squares, trace, rank)
    if layout.local:
        values, variance = layout.own(own), layout.own(arrow.local_variances())
        for name in ("segment", "burst"):
            rank = values[name].size / layout.categories
            axis = (0,) if name == "segment" else (0, 2)
            found[name] = Spread((values[name] ** 2).sum(axis), variance[name].sum(axis), rank)
        for name in ("natural_segment", "natural_segment_month", "natural_segment_band"):
            found[name] = Spread(np.array([(values[name] ** 2).sum()]), np.array([variance[name].sum()]), values[name].size)
    return found
