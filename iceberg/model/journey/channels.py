"""`ChannelEstimate`: complainants by the channel of their first complaint, and how many of them left beyond what others of their kind do.

The channel through which a problem was reported is not the place where it happened. Silent churn is split by channel only where an incident log names
the channel, or where the analyst says that the channel is the place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.journey_counts import JourneyCounts, Split
from iceberg.model.evidence import cannot_say
from iceberg.model.priors import LEAST_LOGGED_SILENT, LEAST_OF_GROUP, PRIOR_STAGE_COMPLAINANTS, STAGE_RATIO_LOG_SD
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.model.survival.net_survival import excess_draws, matched_hazard

DRAWS = 4_000


@dataclass(frozen=True)
class ChannelEstimate:
    """One channel.

    Attributes:
        channel: Its name, or `OTHER_CHANNELS`; "" for complaints without one.
        vocal_customers: Customers whose first complaint came through it.
        excess: Share of them who left within the horizon beyond what others of the same tenure, segment and month do; None for too few.
        silent_churn: Customers; None where the channel is not known to be the place.
    """

    channel: str
    vocal_customers: int
    excess: CredibleInterval | None = None
    silent_churn: CredibleInterval | None = None


def estimate_channels(estimate: IcebergEstimate, counts: CohortCounts, rng: np.random.Generator) -> tuple[ChannelEstimate, ...]:
    """Every channel, that of most complainants first; empty without a column.

    Args:
        estimate: Of these counts.
        counts: With those of the journey.
        rng: For the ranges.
    """
    found = counts.journey
    if found is None or not found.channels:
        return ()
    people = np.zeros(len(found.channels), dtype=np.int64)
    np.add.at(people, found.clock.category, found.clock.exited + found.clock.censored)
    blank = counts.vocal_customers_total - int(people.sum()) if found.heard else 0
    lost = _lost(estimate, counts, found, rng)
    matched = matched_hazard(counts) if found.clock.rows else None
    channels = []
    for place, name in enumerate(found.channels):
        excess = None
        if matched is not None and people[place] >= LEAST_OF_GROUP:
            horizon = estimate.assumptions.horizon_days
            drawn = excess_draws(counts, place, matched, rng, horizon_days=horizon, source=found.clock, draws=DRAWS)
            excess = CredibleInterval.of(drawn)
        channels.append(ChannelEstimate(name, int(people[place]), excess, lost[place]))
    if blank > 0:
        channels.append(ChannelEstimate("", blank, None, lost[-1]))
    return tuple(channels)


def _lost(estimate: IcebergEstimate, counts: CohortCounts, found: JourneyCounts, rng: np.random.Generator) -> list[CredibleInterval | None]:
    """Silent churn by channel and, last, without one; None where the channel is not known to be the place."""
    places, cells = len(found.channels), estimate.cells
    nothing: list[CredibleInterval | None] = [None] * (places + 1)
    rows = _placing(found, len(counts.categories))
    if rows is None or cells is None or cannot_say(estimate):
        return nothing
    names = {name: place for place, name in enumerate(counts.categories)}
    churn = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    pooled = rows.sum(axis=0) / max(rows.sum(), 1.0)
    lost = np.zeros((len(churn), places + 1))
    for row, name in enumerate(cells.categories):
        place = names.get(name)
        if place is None or not rows[place, :-1].any():
            lost[:, -1] += churn[:, row]
            continue
        weight = rng.standard_gamma(rows[place] + PRIOR_STAGE_COMPLAINANTS * pooled, (len(churn), places + 1))
        weight *= np.exp(STAGE_RATIO_LOG_SD * rng.standard_normal(weight.shape))
        lost += churn[:, [row]] * weight / weight.sum(axis=1, keepdims=True)
    return [CredibleInterval.of(lost[:, place]) for place in range(places + 1)]


def _placing(found: JourneyCounts, categories: int) -> FloatArray | None:
    """(C, channels + 1) customers that say where problems happen: the silent of the log, else complainants where the analyst says so.

    None where nobody does.
    """

    def table(splits: tuple[Split, ...]) -> FloatArray:
        counted = np.zeros((categories, len(found.channels) + 1))
        for one in splits:
            counted[one.category, one.place if one.place >= 0 else len(found.channels)] += one.customers
        return counted

    logged = table(found.struck_through)
    enough = logged.sum(axis=1, keepdims=True) >= LEAST_LOGGED_SILENT
    if found.channel_is_place:
        return np.where(enough, logged, table(found.heard))
    return np.where(enough, logged, 0.0) if enough.any() else None
