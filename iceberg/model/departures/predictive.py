"""Checks the fit against what it was fitted to: posterior predictive draws of departures and complaints beside the observed ones.

Added up over one axis at a time. Months, tenure bands and segments have effects of their own in the model; the quarter in which a customer came
(month less tenure) has none, so it shows what the model cannot know: a campaign that won customers who do not fit, a price that only newcomers pay.

    X(y, theta) = sum_g (y_g - mu_g(theta))^2 / mu_g(theta)          p = P(X(replicate, theta) >= X(observed, theta))

References:
    Gelman, Meng, Stern 1996 (realised discrepancies); Gelman et al. 2013, chapter 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.model import ExcessHazardFit
from iceberg.model.departures.reconciliation import draw_rates, draw_shared_parameters
from iceberg.model.results import CredibleInterval, PredictiveCheck, PredictivePoint

DRAWS = 60  # enough for a band and a p-value of some hundredths; each costs as much as a draw of the estimate
WIDEST_BAND_MONTHS = 12  # a wider band does not say when its customers came
MONTHS_PER_QUARTER = 3
LEAST_OBSERVED = 5  # smaller places are added up: they say little, and would say too much of few customers
REST = "rest"


@dataclass(frozen=True, eq=False)
class _Axis:
    """How cells add up to an axis: its name, its places, and (places, S * M * B) shares of each cell."""

    name: str
    labels: tuple[str, ...]
    share: FloatArray


def check_fit(fit: ExcessHazardFit, counts: CohortCounts, *, rng: np.random.Generator) -> tuple[PredictiveCheck, ...]:
    """Every check of `fit`: departures and complaints along month, tenure, entry quarter and segment.

    Args:
        fit: Of `counts`.
        counts: As fitted: their months, bands and segments name the places of the axes.
        rng: Random numbers.
    """
    away, shared, _ = draw_shared_parameters(fit, rng, DRAWS)
    own = fit.arrow.draw_own(rng, away) + fit.own.astype(np.float32)
    caused, departures, _ = draw_rates(fit, shared, own)
    for part in caused:
        departures = departures + part
    design = fit.design
    pairs = (
        ("departures", departures, design.exits, design.group_size),
        ("complaints", _complaint_rates(fit, shared, own), design.complainants.sum(axis=0), 1.0),
    )
    checks = []
    for what, fitted, decided, together in pairs:
        observed = decided * together  # groups that leave together decide as one
        rates = fitted.reshape(DRAWS, -1)
        # The estimate splits the departures that happened: only their pattern is asked about, and every draw predicts as many as there were.
        rates *= (observed.sum() / np.maximum(rates.sum(axis=1, keepdims=True, dtype=np.float64), 1e-9)).astype(np.float32)
        replicated = (rng.poisson(rates / together) * together).astype(np.float32)
        for axis in _axes(counts):
            large = _large_places(axis, observed.ravel())
            if large is not None:
                checks.append(_check(what, large, observed.ravel(), rates, replicated))
    return tuple(checks)


def _complaint_rates(fit: ExcessHazardFit, shared: FloatArray, own: SingleArray) -> SingleArray:
    """(K, S, M, B) expected complainants of all categories."""
    design, layout = fit.design, fit.layout
    of = layout.shared(shared.astype(np.float32))
    mine = layout.own(own.astype(np.float32)) if layout.local else {}
    total = np.zeros((len(shared), *design.shape[1:]), dtype=np.float32)
    for category in range(layout.categories):
        log_rate = np.repeat(of["month"][:, category, None, design.before :], layout.segments, axis=1)
        if layout.local:
            log_rate = log_rate + mine["segment"][:, :, category, None] + mine["burst"][:, :, category]
            if layout.column_sizes:
                log_rate += of["level"][:, np.array(layout.membership), category].sum(2)[..., None]
        band = np.zeros((len(shared), layout.bands), dtype=np.float32)
        band[:, layout.free_bands] = of["band"][:, category]
        total += np.exp(np.clip(log_rate, -40, 15))[..., None] * np.exp(np.clip(band, -20, 20))[:, None, None, :]
    return np.asarray(total * design.exposure.astype(np.float32), dtype=np.float32)


def _axes(counts: CohortCounts) -> Iterator[_Axis]:
    """The axes along which something can be seen."""
    shape = counts.shape
    place = np.indices(shape).reshape(3, -1)
    edges = counts.band_edges_months
    names = (
        ("month", 1, [month.isoformat() for month in counts.months]),
        ("tenure", 2, [f"{low}-{high}" for low, high in zip(edges, (*edges[1:], ""), strict=True)]),
        ("segment", 0, list(counts.segments)),
    )
    for name, number, labels in names:
        yield _Axis(name, tuple(labels), (place[number] == np.arange(len(labels))[:, None]).astype(np.float64))
    labels, share = _entry_quarters(counts)
    spread = np.broadcast_to(share[:, None], (len(labels), *shape)).reshape(len(labels), -1)
    yield _Axis("entry", tuple(labels), np.asarray(spread, dtype=np.float64))


def _large_places(axis: _Axis, observed: FloatArray) -> _Axis | None:
    """The axis with its places of fewer than `LEAST_OBSERVED` added up, and with as many more as make the rest large enough; None for one place."""
    seen = axis.share @ observed
    by_size = np.argsort(seen, kind="stable")
    total = np.cumsum(seen[by_size])
    small = int((seen < LEAST_OBSERVED).sum())
    if small:
        small = max(small, int(np.searchsorted(total, LEAST_OBSERVED) + 1))
    rest, kept = by_size[:small], np.sort(by_size[small:])
    share, labels = axis.share[kept], [axis.labels[place] for place in kept]
    if small:
        share, labels = np.vstack([share, axis.share[rest].sum(axis=0)]), [*labels, REST]
    return _Axis(axis.name, tuple(labels), share) if len(labels) > 1 else None


def _entry_quarters(counts: CohortCounts) -> tuple[list[str], FloatArray]:
    """First days of the quarters in which customers came, and (quarters, M, B) share of each month and band that came then.

    A customer of month m in the band [low, high) came low to high months before; months of tenure count alike within a band.
    """
    edges = np.asarray(counts.band_edges_months)
    narrow = [band for band in range(len(edges) - 1) if edges[band + 1] - edges[band] <= WIDEST_BAND_MONTHS]
    first = counts.months[0].year * 12 + counts.months[0].month - 1
    earliest = first - (int(edges[max(narrow) + 1]) if narrow else 0)
    quarters = range(earliest // MONTHS_PER_QUARTER, (first + len(counts.months) - 1) // MONTHS_PER_QUARTER + 1)
    share = np.zeros((len(quarters), len(counts.months), len(edges)))
    for month in range(len(counts.months)):
        for band in narrow:
            tenures = np.arange(edges[band], edges[band + 1])
            came = (first + month - tenures) // MONTHS_PER_QUARTER - quarters[0]
            np.add.at(share[:, month, band], came, 1 / len(tenures))
    return [f"{quarter // 4}-{quarter % 4 * MONTHS_PER_QUARTER + 1:02d}-01" for quarter in quarters], share


def _check(what: str, axis: _Axis, observed: FloatArray, rates: SingleArray, replicated: SingleArray) -> PredictiveCheck:
    """One axis: what was observed beside the band of the replicates, and how much further it is from its mean than they are."""
    seen = axis.share @ observed
    expected, drawn = rates.astype(np.float64) @ axis.share.T, replicated.astype(np.float64) @ axis.share.T
    mean = np.maximum(expected, 1e-9)
    drawn *= seen.sum() / np.maximum(drawn.sum(axis=1, keepdims=True), 1e-9)
    apart, usual = ((seen - mean) ** 2 / mean).sum(axis=1), ((drawn - mean) ** 2 / mean).sum(axis=1)
    points = tuple(
        PredictivePoint(label, float(value), CredibleInterval.of(drawn[:, index]))
        for index, (label, value) in enumerate(zip(axis.labels, seen, strict=True))
    )
    return PredictiveCheck(
        what=what,  # type: ignore[arg-type]  # one of the two literals above
        axis=axis.name,  # type: ignore[arg-type]  # one of the literals of `_axes`
        points=points,
        discrepancy=float(apart.mean() / max(float(usual.mean()), 1e-9)),
        p_value=float((usual >= apart).mean()),
    )
