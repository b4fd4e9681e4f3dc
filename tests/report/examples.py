"""Plausible synthetic estimates and counts built straight from the dataclasses: any number of categories, any silent ratio."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.assumptions import Assumptions
from iceberg.model.results import (
    CategoryEstimate,
    CredibleInterval,
    Diagnostic,
    Draws,
    EstimateCells,
    Evidence,
    IcebergEstimate,
    PlaceboInterval,
    PredictiveCheck,
    PredictivePoint,
    TotalEstimate,
)

NAMES = {
    "en": (
        "Price",
        "Billing",
        "Delivery",
        "Waiting time",
        "Staff",
        "Website & app",
        "Contract",
        "Product defect",
        "Returns",
        "Opening hours",
        "Advice",
        "Other",
    ),
    "fr": (
        "Prix",
        "Facturation",
        "Livraison",
        "Temps d'attente",
        "Personnel",
        "Site & appli",
        "Contrat",
        "Produit défectueux",
        "Retours",
        "Horaires",
        "Conseil",
        "Autre",
    ),
    "long": (
        "Prix et promotions non appliquées",
        "Erreur de facturation ou de prélèvement",
        "Retard de livraison",
        "Temps d'attente au téléphone",
        "Attitude du personnel en magasin",
        "Site internet et application mobile",
        "Résiliation et conditions contractuelles",
        "Produit défectueux (petit panier)",
        "Remboursement et retours de marchandise",
        "Disponibilité des articles",
        "Programme de fidélité",
        "Autre",
    ),
}
NAMES["sixty"] = tuple(
    f"{name} {word} des clients du réseau de distribution"[:60].rstrip().ljust(60, "x")
    for word, name in zip(range(10, 29), (*NAMES["long"], *NAMES["fr"][:7]), strict=True)
)  # nineteen of sixty characters
SEGMENTS = ("North", "South", "Online")
_WEIGHTS = np.array([0.30, 0.48, 1.0, 0.71, 0.40, 0.18, 0.085, 0.33, 0.25, 0.12, 0.06, 0.15, 0.22, 0.2, 0.17, 0.14, 0.1, 0.08, 0.07])
_TILT = np.array([0.8, 1.1, 1.0, 1.2, 1.1, 0.7, 0.9, 0.9, 1.0, 1.1, 0.8, 1.0, 0.9, 1.1, 1.0, 0.8, 1.2, 1.0, 0.9])


def example_names(number: int, *, names: str = "fr") -> tuple[str, ...]:
    return NAMES[names][:number]


def example_counts(
    number: int = 7,
    *,
    ratio: float = 2.0,
    names: str = "fr",
    scale: float = 512.0,
    months: int = 24,
    seed: int = 0,
    revenue: bool = True,
) -> CohortCounts:
    """Counts of a company with `number` categories; silent leavers are about twice what the ratio asks for."""
    rng = np.random.default_rng(seed)
    window = ObservationWindow(date(2024, 7, 1), date(2024 + (6 + months - 1) // 12, (6 + months - 1) % 12 + 1, 28))
    edges = 11
    cells = len(SEGMENTS) * months * edges
    vocal = np.maximum(np.round(scale * _WEIGHTS[:number]), 1).astype(int)
    complainants = np.stack(
        [rng.multinomial(v, _cell_weights(rng, months, edges)).reshape(len(SEGMENTS), months, edges) for v in vocal]
    )
    any_first = rng.binomial(complainants.sum(0), 0.95 if number > 1 else 1.0)
    silent_total = round(2.2 * ratio * vocal.sum() + 500)
    exits = rng.multinomial(silent_total, np.full(cells, 1 / cells)).reshape(len(SEGMENTS), months, edges)
    person_days = rng.integers(20_000, 40_000, (len(SEGMENTS), months, edges))
    none = np.zeros(0, dtype=np.int64)
    return CohortCounts(
        window=window,
        segments=SEGMENTS,
        categories=example_names(number, names=names),
        silent_person_days=person_days,
        silent_exits=exits,
        silent_exit_revenue=exits * 420.0 if revenue else np.zeros(exits.shape),
        silent_exit_revenue_known=exits if revenue else np.zeros(exits.shape, dtype=np.int64),
        vocal_person_days=any_first * 200,
        vocal_exits=np.floor(any_first * 0.3).astype(np.int64),
        complainants=complainants,
        complainants_any=any_first,
        complaints=complainants.sum((1, 3)) + 1,
        tenure_days=TenureDayCounts(none, none, none, none, none, none),
        clock=ComplaintClockCounts(none, none, none, none, none, none, none, none),
        has_customers=True,
        has_linked_complaints=True,
        has_revenue=revenue,
    )


def _cell_weights(rng: np.random.Generator, months: int, bands: int) -> np.ndarray:
    weights = rng.gamma(2.0, 1.0, (len(SEGMENTS), months, bands)) * np.linspace(1.6, 0.4, bands)
    return (weights / weights.sum()).ravel()


def example_estimate(
    number: int = 7,
    *,
    ratio: float = 2.0,
    names: str = "fr",
    level: str = "3",
    revenue: bool = True,
    spread: float = 0.25,
    draws: int = 400,
    months: int = 24,
    scale: float = 512.0,
    seed: int = 0,
) -> IcebergEstimate:
    """An estimate over `example_counts` of the same arguments, consistent draw by draw."""
    counts = example_counts(number, ratio=ratio, names=names, scale=scale, months=months, seed=seed, revenue=revenue)
    rng = np.random.default_rng(seed + 1)
    vocal = counts.complainants.sum((1, 2, 3))
    centre = ratio * vocal * _TILT[:number]
    per_category = centre * np.exp(rng.normal(0, spread * (1 + 0.6 * (vocal < 100)), (draws, number)))
    leavers = counts.silent_exits.sum(2).astype(float)
    where = leavers / leavers.sum()
    season = 1 + 0.25 * np.sin(np.arange(months) / 4)
    weights = where * season
    weights /= weights.sum()
    silent = per_category[:, :, None, None] * weights
    over = silent.sum(1) / leavers
    silent = silent / np.maximum(over, 1.0)[:, None]
    natural = leavers - silent.sum(1)
    totals = silent.sum((2, 3))
    money = silent * 420.0 if revenue else None
    first = np.bincount(totals.argmax(1), minlength=number) / draws
    categories = tuple(
        _category(
            name,
            int(vocal[c]),
            totals[:, c],
            money=None if money is None else money[:, c].sum((1, 2)),
            first=float(first[c]),
            ratio=ratio,
            level=level,
            prior_share=float(np.clip(0.15 + 0.6 * (vocal[c] < 100), 0, 1)),
        )
        for c, name in enumerate(counts.categories)
    )
    forward = level in "34"
    return IcebergEstimate(
        categories=categories,
        total=TotalEstimate(
            vocal_customers=int(counts.complainants_any.sum()),
            silent_churn=CredibleInterval.of(totals.sum(1)),
            revenue_lost=None if money is None else CredibleInterval.of(money.sum((1, 2, 3))),
            folk_estimate=25.0 * int(counts.complainants_any.sum()),
            placebo=PlaceboInterval.of(totals.sum(1) * 0.04) if forward else None,
            second_opinion=CredibleInterval.of(totals.sum(1) * 0.9) if forward else None,
            pipeline={days: CredibleInterval.of(totals.sum(1) * days / 2000) for days in (30, 90, 180)}
            if forward
            else None,
            common_cause=CredibleInterval(1.05, 1.13, 1.24) if forward else None,
        ),
        silent_leavers=int(counts.silent_exits.sum()) if level != "0" else 0,
        natural_departures=CredibleInterval.of(natural.sum((1, 2))),
        evidence=Evidence(level, {"0": "assumption_led", "1": "assumption_led", "2": "mixed"}.get(level, "data_led")),  # type: ignore[arg-type]
        assumptions=Assumptions(),
        diagnostics=(Diagnostic("few_complaints", "caution", {"vocal": int(vocal[-1]), "needed": 30}, counts.categories[-1]),),
        draws=Draws(
            silent.astype(np.float32),
            natural.astype(np.float32),
            None if money is None else money.astype(np.float32),
            totals / vocal,
            (0.05 * silent).astype(np.float32) if forward else None,
        ),
        counts_digest="example",
        seed=seed,
        cells=EstimateCells(
            categories=counts.categories,
            segments=counts.segments,
            months=counts.months,
            vocal=counts.complainants.sum(3).astype(float),
            vocal_any=counts.complainants_any.sum(2).astype(float),
            leavers=leavers if level != "0" else np.zeros_like(leavers),
            ratio_prior=np.exp(rng.normal(np.log(7.5), 1.5, (draws, number))),
            excess=rng.beta(26, 74, (draws, number)),
        ),
    )


def _category(
    name: str,
    vocal: int,
    draws: np.ndarray,
    *,
    money: np.ndarray | None,
    first: float,
    ratio: float,
    level: str,
    prior_share: float,
) -> CategoryEstimate:
    forward = level in "34"
    return CategoryEstimate(
        category=name,
        vocal_customers=vocal,
        silent_churn=CredibleInterval.of(draws),
        revenue_lost=None if money is None else CredibleInterval.of(money),
        ratio_prior=CredibleInterval(0.7, 7.5, 82.0),
        ratio_posterior=CredibleInterval.of(draws / vocal),
        excess_probability=CredibleInterval(0.18, 0.26, 0.34),
        prior_share=prior_share,
        probability_worst=first,
        probability_costliest=first,
        folk_estimate=25.0 * vocal,
        feasible_ratio=None if level == "0" else 9.0,
        placebo=PlaceboInterval.of(draws * 0.05) if forward else None,
        second_opinion=CredibleInterval.of(draws * 0.9) if forward else None,
        pipeline={days: CredibleInterval.of(draws * days / 2000) for days in (30, 90, 180)} if forward else None,
        common_cause=CredibleInterval(1.002, 1.07, 1.16) if forward else None,
    )


class ExampleCurve:
    """A daily survival curve with a band, as a model gives it."""

    def __init__(self, yearly_rate: float, *, days: int = 1500, customers: int = 9000) -> None:
        self.days = np.arange(days + 1)
        self.estimate = np.exp(-yearly_rate * self.days / 365)
        self.lower, self.upper = (
            self.estimate - 0.02 * self.days / days,
            np.minimum(self.estimate + 0.02 * self.days / days, 1.0),
        )
        self.at_risk = np.maximum(np.round(customers * self.estimate * (1 - self.days / (days + 1))), 0)


class ExampleNetSurvival:
    """Complainants against their matched expectation at the edges of the clock."""

    def __init__(self, *, excess: float = 0.22) -> None:
        days = np.array([0, 7, 14, 21, 30, 45, 60, 90, 120, 150, 180, 240, 300, 365], dtype=float)
        expected = np.exp(-0.2 * days / 365)
        observed = expected * (1 - excess * (1 - np.exp(-days / 60)))
        lower, upper = observed - 0.0001 * days, observed + 0.0001 * days
        at_risk = np.round(500 * observed * (1 - days / 800))
        self.expected = SimpleNamespace(estimate=expected)
        self.observed = SimpleNamespace(days=days, estimate=observed, lower=lower, upper=upper, at_risk=at_risk)
        self.net = SimpleNamespace(estimate=observed / expected, lower=lower / expected, upper=upper / expected)


def example_sensitivity(estimate: IcebergEstimate) -> list[dict[str, object]]:
    """One point per category and assumed ratio."""
    return [
        {
            "category": item.category,
            "ratio": ratio,
            "lower": item.silent_churn.lower * (ratio / 25) ** 0.3,
            "median": item.silent_churn.median * (ratio / 25) ** 0.3,
            "upper": item.silent_churn.upper * (ratio / 25) ** 0.3,
        }
        for item in estimate.categories
        for ratio in (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)
    ]


def example_tornado() -> list[dict[str, object]]:
    """Four assumptions with the total at both ends."""
    return [
        {
            "assumption": "Silent sufferers per complainant",
            "low_value": "1:5",
            "high_value": "1:125",
            "at_low": 2100.0,
            "at_high": 4400.0,
            "base": 3400.0,
        },
        {
            "assumption": "Horizon",
            "low_value": "90 days",
            "high_value": "365 days",
            "at_low": 2700.0,
            "at_high": 3900.0,
            "base": 3400.0,
        },
        {
            "assumption": "Repeat complaints",
            "low_value": 1.0,
            "high_value": 1.5,
            "at_low": 3600.0,
            "at_high": 3100.0,
            "base": 3400.0,
        },
        {
            "assumption": "Spread",
            "low_value": 0.5,
            "high_value": 2.0,
            "at_low": 3300.0,
            "at_high": 3450.0,
            "base": 3400.0,
        },
    ]


def example_checks() -> tuple[PredictiveCheck, ...]:
    """Departures along every axis: months as predicted, and one quarter of entry far from it."""

    def points(*observed: tuple[str, float]) -> tuple[PredictivePoint, ...]:
        return tuple(PredictivePoint(label, value, CredibleInterval(80.0, 100.0, 120.0)) for label, value in observed)

    return (
        PredictiveCheck("departures", "month", points(("2025-01-01", 95.0), ("2025-02-01", 118.0)), 1.1, 0.4),
        PredictiveCheck("departures", "tenure", points(("0-3", 101.0), ("96-", 99.0)), 0.9, 0.5),
        PredictiveCheck("departures", "entry", points(("2024-10-01", 190.0), ("2025-01-01", 70.0), ("rest", 100.0)), 11.9, 0.0),
        PredictiveCheck("departures", "segment", points(("", 100.0), ("North", 90.0)), 1.0, 0.6),
    )
