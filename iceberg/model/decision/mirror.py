"""What reaches a company beside what its customers did: the share of each category among complainants and among the silent leavers.

gap_c = s_c - v_c        s_c = H_c / sum H in a draw, v_c the share of complainants
index = sum |gap_c| / 2  0: the company hears where it hurts; 1: it hears only of what costs nobody
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate


@dataclass(frozen=True)
class Reflection:
    """One category in the mirror.

    Attributes:
        category: Its name.
        heard: Share of complainants.
        left: Share of the silent leavers.
        gap: `left` - `heard`, in shares.
    """

    category: str
    heard: float
    left: CredibleInterval
    gap: CredibleInterval


@dataclass(frozen=True)
class Mirror:
    """The whole picture.

    Attributes:
        reflections: The most heard first.
        index: Half of the sum of all gaps.
        loudest: The category most heard of.
        costliest: The category that most probably is the largest silent loss.
        probability: That it is, as everywhere: it allows for errors that no draw knows.
    """

    reflections: tuple[Reflection, ...]
    index: CredibleInterval
    loudest: str
    costliest: str
    probability: float

    @property
    def agrees(self) -> bool:
        """Whether the company hears most of what costs it most."""
        return self.loudest == self.costliest


def hold_mirror(estimate: IcebergEstimate) -> Mirror | None:
    """The mirror of an estimate; None where nothing can be said: without a range, without an order of the categories, with fewer than two of them."""
    controls = {one.category for one in estimate.controls}
    items = [(place, one) for place, one in enumerate(estimate.categories) if one.vocal_customers and one.category not in controls]
    if len(items) < 2 or cannot_say(estimate) or not estimate.evidence.ranks:
        return None
    churn = estimate.draws.silent_churn[:, [place for place, _ in items]].sum(axis=(2, 3), dtype=np.float64)
    some = churn.sum(axis=1) > 0
    if not some.any():
        return None
    left = churn[some] / churn[some].sum(axis=1, keepdims=True)
    heard = np.array([item.vocal_customers for _, item in items], dtype=np.float64)
    heard /= heard.sum()
    gap = left - heard
    costliest = max((item for _, item in items), key=lambda item: item.probability_worst or 0.0)
    order = np.argsort(-heard, kind="stable")
    return Mirror(
        tuple(
            Reflection(items[place][1].category, float(heard[place]), CredibleInterval.of(left[:, place]), CredibleInterval.of(gap[:, place]))
            for place in order
        ),
        CredibleInterval.of(0.5 * np.abs(gap).sum(axis=1)),
        items[int(heard.argmax())][1].category,
        costliest.category,
        float(costliest.probability_worst or 0.0),
    )
