"""Whom to call: how many of the recent silent leavers of each segment, drawn at random, and how likely a problem drove those of a segment away.

What is said holds for a whole cell and is equal for everybody in it: the share of its silent leavers that the joint draws give to a problem. Nobody
has a score. A random part is held out and not called, because only beside them it is seen whether a call brings anybody back. This module knows
positions in a list, never a person; ids meet them in the file alone (`iceberg.ingest.silent_leavers`).

References:
    Ascarza (2018), Journal of Marketing Research 55: those most likely to leave are not those whom a call keeps, so a held-out group is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.model.decision.proportional_draw import draw_positions, share_out
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate

SMALLEST_CELL = 5  # the rule of five: what is said of a cell is said of five people at least
MOST_CATEGORIES = 3
_STREAM = 2_018  # keeps these random numbers apart from those of the estimate


@dataclass(frozen=True)
class CallStratum:
    """A cell of recent silent leavers: a segment, or small segments taken together.

    Attributes:
        segments: Names of its segments.
        leavers: Silent leavers of the months asked about.
        drawn, held_out: Of them, on the list; and of those, not to be called.
        chance: Share of its silent leavers whom a problem drove away; the same for each of them.
        categories: The likeliest categories, at most three, each with its share of the silent leavers.
    """

    segments: tuple[str, ...]
    leavers: int
    drawn: int
    held_out: int
    chance: CredibleInterval
    categories: tuple[tuple[str, float], ...]

    @property
    def probability(self) -> float:
        """That one of them is drawn."""
        return self.drawn / self.leavers


@dataclass(frozen=True, eq=False)
class CallPlan:
    """Whom to call.

    Attributes:
        strata: The cells.
        places: Per stratum, by position in its list of leavers: order in which to call, and whether held out.
        hits: Of those to be called, how many a problem drove away.
        months: Months of departure asked about.
    """

    strata: tuple[CallStratum, ...]
    places: tuple[Mapping[int, tuple[int, bool]], ...]
    hits: CredibleInterval
    months: int

    @property
    def drawn(self) -> int:
        """People on the list."""
        return sum(one.drawn for one in self.strata)

    @property
    def held_out(self) -> int:
        """Of them, not to be called."""
        return sum(one.held_out for one in self.strata)

    def stratum_of(self, segment: str) -> int | None:
        """The place of the cell of a segment."""
        return next((place for place, one in enumerate(self.strata) if segment in one.segments), None)


def plan_callback(
    estimate: IcebergEstimate, counts: CohortCounts, leavers: Mapping[str, int], *, people: int = 40, control: float = 0.2, months: int = 3
) -> CallPlan:
    """How many to draw from each cell, which positions, and what to expect of calling them.

    Args:
        estimate: Of the whole window.
        counts: The counts it was made from.
        leavers: Silent leavers of the last months by segment of the counts.
        people: On the list, those held out among them.
        control: Share of them that is not called.
        months: Months of departure, the last ones counted.

    Raises:
        OptionError: ``compare_no_range``, ``compare_no_dates``, ``follow_part`` for a selection, ``callback_control``, ``callback_people``,
            ``callback_nobody``, ``callback_few`` or ``callback_all_held``.
    """
    _check(estimate, counts, people, control)
    sizes = {name: leavers.get(name, 0) for name in counts.segments}
    groups = _cells(sizes, months)
    of_groups = [sum(sizes[name] for name in group) for group in groups]
    taken = share_out(people, of_groups)
    held = share_out(round(control * int(taken.sum())), taken.tolist())
    if int(held.sum()) == int(taken.sum()):
        raise OptionError("callback_all_held", {"people": int(taken.sum()), "control": control})
    rng = np.random.default_rng([estimate.seed, _STREAM])
    drawn = draw_positions(taken.tolist(), of_groups, rng)
    order = rng.permutation(int(taken.sum())) + 1
    ends = np.cumsum([0, *taken])
    places = tuple(
        {int(position): (int(order[ends[place] + rank]), rank < held[place]) for rank, position in enumerate(positions)}
        for place, positions in enumerate(drawn)
    )
    strata, hits = [], np.zeros(len(estimate.draws.silent_churn))
    for place, group in enumerate(groups):
        caused, natural = _of_cell(estimate, counts, group, months)
        everybody = np.maximum(caused.sum(axis=1) + natural, 1e-12)
        chance = caused.sum(axis=1) / everybody
        shares = (caused / everybody[:, None]).mean(axis=0)
        names = [(estimate.categories[one].category, float(shares[one])) for one in np.argsort(-shares, kind="stable")[:MOST_CATEGORIES]]
        size, called = of_groups[place], int(taken[place] - held[place])
        struck = np.rint(np.clip(chance, 0, 1) * size).astype(np.int64)
        hits += rng.hypergeometric(struck, size - struck, called) if called else 0.0
        named = tuple((name, share) for name, share in names if share >= 0.005)
        strata.append(CallStratum(group, size, int(taken[place]), int(held[place]), CredibleInterval.of(chance), named))
    return CallPlan(tuple(strata), places, CredibleInterval.of(hits), months)


def _of_cell(estimate: IcebergEstimate, counts: CohortCounts, group: Sequence[str], months: int) -> tuple[FloatArray, FloatArray]:
    """(K, C) and (K,) silent leavers of a cell in the last months, by category, and those whom no problem drove away."""
    segments = [counts.segments.index(name) for name in group]
    last = slice(-months, None)
    caused = estimate.draws.silent_churn[:, :, segments][..., last].sum(axis=(2, 3), dtype=np.float64)
    natural = estimate.draws.natural[:, segments][..., last].sum(axis=(1, 2), dtype=np.float64)
    return np.asarray(caused, dtype=np.float64), np.asarray(natural, dtype=np.float64)


def _cells(sizes: Mapping[str, int], months: int) -> list[tuple[str, ...]]:
    """Segments with anyone to call; those of fewer than `SMALLEST_CELL` leavers are taken together, with the next smallest where still too few."""
    known = [name for name, size in sizes.items() if size]
    if not known:
        raise OptionError("callback_nobody", {"months": months})
    if sum(sizes.values()) < SMALLEST_CELL:
        raise OptionError("callback_few", {"months": months, "fewest": SMALLEST_CELL})
    small = [name for name in known if sizes[name] < SMALLEST_CELL]
    larger = sorted((name for name in known if name not in small), key=lambda name: (sizes[name], name))
    while small and sum(sizes[name] for name in small) < SMALLEST_CELL:
        small.append(larger.pop(0))
    alone = [(name,) for name in known if name not in small]
    return [*alone, *([tuple(small)] if small else [])]


def _check(estimate: IcebergEstimate, counts: CohortCounts, people: int, control: float) -> None:
    cells = estimate.cells
    if cannot_say(estimate):
        raise OptionError("compare_no_range")
    if cells is None or not cells.has_calendar or not counts.has_customers:
        raise OptionError("compare_no_dates")
    if cells.segments != counts.segments or cells.months != counts.months:
        raise OptionError("follow_part")
    if not 0 <= control < 1:
        raise OptionError("callback_control")
    if people < 1:
        raise OptionError("callback_people")
