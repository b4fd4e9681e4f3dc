"""`Journey`: silent churn by step of the customer's journey, from the joint draws of the categories.

H_s = sum over categories c of share_cs H_c        in every draw
share_cs = 1 where the mapping places c at s; else ~ Dirichlet(n_cs + PRIOR p_s) exp(e_cs), rescaled, e_cs ~ Normal(0, STAGE_RATIO_LOG_SD)

n_cs: complainants of c whose first case names s (where an incident log names steps: customers it logged who said nothing); p_s: their share over all
such categories. Assumed: within a category, customers who stay silent meet their problem at the same steps as those who complain, but for e_cs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.journey_counts import JourneyCounts, Split
from iceberg.model.evidence import cannot_say
from iceberg.model.journey.channels import ChannelEstimate, estimate_channels
from iceberg.model.priors import LEAST_LOGGED_SILENT, PRIOR_STAGE_COMPLAINANTS, STAGE_RATIO_LOG_SD
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.model.summary import order_error_sd, with_order_error

_STREAM = 20_261  # of random numbers: no other part of an estimate draws from it


@dataclass(frozen=True)
class StageEstimate:
    """One step of the journey.

    Attributes:
        stage: Its name as in `JourneyCounts.stages`; "" for what has no step.
        vocal_customers: Complainants; a customer who complained of two categories counts for each.
        by_column: Those of them whose category a column splits over several steps.
        silent_churn: Customers; None where no range can be given.
        share: Of all silent churn; None likewise.
        probability_largest: That no other step loses more in silence, as for categories; None where the files cannot order them.
        categories: Placed here as a whole.
    """

    stage: str
    vocal_customers: int
    by_column: int
    silent_churn: CredibleInterval | None = None
    share: CredibleInterval | None = None
    probability_largest: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Journey:
    """The whole journey.

    Attributes:
        stages: The steps that any complaint has, in their order.
        unplaced: What has no step: categories that neither a mapping nor a column places, empty cells, and texts that are no step.
        own_names: Whether the steps are named by the analyst.
        split: Categories that a column splits.
        without_stage: Categories without any step.
        missing: Categories that the mapping names and no complaint has.
        outside: Texts of the column that are no step, and the cases that have them.
        from_log: Whether the shares within categories come from an incident log.
        channels: By channel; empty without such a column.
        moments: Kind of good moment, as the mapping names it, and its step.
    """

    stages: tuple[StageEstimate, ...]
    unplaced: StageEstimate
    own_names: bool
    split: tuple[str, ...]
    without_stage: tuple[str, ...]
    missing: tuple[str, ...]
    outside: tuple[tuple[str, int], ...]
    from_log: bool
    channels: tuple[ChannelEstimate, ...] = ()
    moments: tuple[tuple[str, str], ...] = ()

    @property
    def largest(self) -> StageEstimate | None:
        """The step with the largest silent churn, by its probability where it has one; None where no range can be given."""
        known = [one for one in self.stages if one.silent_churn is not None]
        return max(known, key=lambda one: (one.probability_largest or 0.0, one.silent_churn.median if one.silent_churn else 0.0), default=None)


def estimate_journey(estimate: IcebergEstimate, counts: CohortCounts) -> Journey | None:
    """Silent churn by step; None where neither a mapping nor a column says anything of the journey.

    Args:
        estimate: Of these counts, or with small categories taken together: these have no step.
        counts: With those of the journey.
    """
    found, cells = counts.journey, estimate.cells
    if found is None or cells is None:
        return None
    rng = np.random.default_rng([estimate.seed, _STREAM])
    names = {name: place for place, name in enumerate(counts.categories)}
    known = [names.get(name) for name in cells.categories]
    heard = np.array([one.vocal_customers for one in estimate.categories], dtype=np.int64)
    splits, from_log = _splits(found, len(counts.categories))
    placed = dict(found.placed)
    vocal = _vocal(found, known, heard, splits=_complained(found, len(counts.categories)))
    churn = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    shares = _shares(known, placed, splits, len(found.stages), rng, draws=len(churn))
    split = [place for place in known if place is not None and place not in placed and splits[place, :-1].any()]
    without = [name for name, place in zip(cells.categories, known, strict=True) if place is None or (place not in placed and place not in split)]
    figures = _figures(estimate, churn, shares)
    whole = [(placed[place], counts.categories[place]) for place in known if place is not None and place in placed]
    stages = [
        StageEstimate(name, int(vocal[0, place]), int(vocal[1, place]), *figures[place], categories=tuple(one for at, one in whole if at == place))
        for place, name in enumerate(found.stages)
    ]
    unplaced = StageEstimate("", int(vocal[0, -1]), int(vocal[1, -1]), *figures[-1][:2])
    buoyed = {stage for _, stage in found.moments} if counts.positives is not None else set()
    used = [one for place, one in enumerate(stages) if one.vocal_customers or one.categories or splits[:, place].any() or place in buoyed]
    return Journey(
        tuple(used),
        unplaced,
        found.own_names,
        tuple(counts.categories[place] for place in split),
        tuple(without),
        found.missing,
        found.outside,
        from_log,
        estimate_channels(estimate, counts, rng),
        tuple((name, found.stages[stage]) for name, stage in found.moments),
    )


def _table(rows: tuple[Split, ...], categories: int, places: int) -> FloatArray:
    """(categories, places + 1) customers; what has no place is in the last column."""
    table = np.zeros((categories, places + 1))
    for one in rows:
        table[one.category, one.place if one.place >= 0 else places] += one.customers
    return table


def _complained(found: JourneyCounts, categories: int) -> FloatArray:
    return _table(found.complained, categories, len(found.stages))


def _splits(found: JourneyCounts, categories: int) -> tuple[FloatArray, bool]:
    """What the shares within each category come from: the silent of an incident log where it has enough of them, else the complainants."""
    complained, struck = _complained(found, categories), _table(found.struck, categories, len(found.stages))
    logged = struck.sum(axis=1) >= LEAST_LOGGED_SILENT
    return np.where(logged[:, None], struck, complained), bool(logged.any())


def _vocal(found: JourneyCounts, known: list[int | None], heard: IntArray, *, splits: FloatArray) -> FloatArray:
    """(2, stages + 1) complainants by step, and those of them in categories that a column splits."""
    vocal = np.zeros((2, len(found.stages) + 1))
    placed = dict(found.placed)
    for place, number in zip(known, heard, strict=True):
        if place is not None and place in placed:
            vocal[0, placed[place]] += number
        elif place is not None and splits[place, :-1].any():
            own = np.round(splits[place] * (number / max(splits[place].sum(), 1.0)))  # as many as the category has, where records changed
            vocal += own
        else:
            vocal[0, -1] += number
    return vocal


def _shares(
    known: list[int | None], placed: dict[int, int], splits: FloatArray, stages: int, rng: np.random.Generator, *, draws: int
) -> FloatArray:
    """(K, C, stages + 1) shares of each category, which add up to 1."""
    shares = np.zeros((draws, len(known), stages + 1))
    of_all = [place for place in known if place is not None and place not in placed]
    pooled = splits[of_all].sum(axis=0) if of_all else np.zeros(stages + 1)
    pooled = pooled / max(pooled.sum(), 1.0)
    for row, place in enumerate(known):
        if place is not None and place in placed:
            shares[:, row, placed[place]] = 1.0
        elif place is None or not splits[place, :-1].any():
            shares[:, row, -1] = 1.0
        else:
            weight = rng.standard_gamma(splits[place] + PRIOR_STAGE_COMPLAINANTS * pooled, (draws, stages + 1))
            weight *= np.exp(STAGE_RATIO_LOG_SD * rng.standard_normal(weight.shape))
            shares[:, row] = weight / weight.sum(axis=1, keepdims=True)
    return shares


_Figures = tuple[CredibleInterval | None, CredibleInterval | None, float | None]


def _figures(estimate: IcebergEstimate, churn: FloatArray, shares: FloatArray) -> list[_Figures]:
    """Silent churn, its share and the probability of the largest of each step; then of what has no step."""
    places = shares.shape[2]
    if cannot_say(estimate) or not len(churn):
        return [(None, None, None)] * places
    lost = np.einsum("kc,kcs->ks", churn, shares)
    total = lost.sum(axis=1)
    some = total > 0
    fraction = lost[some] / total[some, None]
    # Each category may be off by itself, as in its own probability; steps are compared among themselves.
    error = order_error_sd(estimate.evidence.level, estimate.assumptions)
    moved = np.einsum("kc,kcs->ks", with_order_error(churn, error), shares)[:, :-1]
    top = moved.max(axis=1, keepdims=True)
    largest = ((moved == top) & (top > 0)).astype(np.float64)
    chance = (largest / np.maximum(largest.sum(axis=1, keepdims=True), 1)).mean(axis=0)
    return [
        (
            CredibleInterval.of(lost[:, place]),
            CredibleInterval.of(fraction[:, place]) if some.any() else None,
            float(chance[place]) if place < places - 1 and estimate.evidence.ranks else None,
        )
        for place in range(places)
    ]
