"""Draws a sample inside cells with known probabilities: how many of the silent leavers of each segment to ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.errors import OptionError
from iceberg.model.decision.proportional_draw import share_out
from iceberg.model.results import IcebergEstimate


@dataclass(frozen=True)
class Stratum:
    """A segment in a sample.

    Attributes:
        segment: Its name; "" where there are none.
        leavers: Silent leavers of the window.
        to_ask: Of them, drawn at random.
    """

    segment: str
    leavers: int
    to_ask: int

    @property
    def probability(self) -> float:
        """That one of them is drawn."""
        return self.to_ask / self.leavers if self.leavers else 0.0


def plan_sample(estimate: IcebergEstimate, people: int) -> tuple[Stratum, ...]:
    """So many silent leavers, in proportion to the segments, by largest remainders: every leaver then has nearly the same probability.

    Raises:
        OptionError: ``study_too_large``: there are fewer leavers.
    """
    cells = estimate.cells
    names = cells.segments if cells is not None else ("",)
    leavers = cells.leavers.sum(axis=1) if cells is not None else np.array([float(estimate.silent_leavers)])
    whole = round(float(leavers.sum()))
    if people > whole:
        raise OptionError("study_too_large", {"number": people, "most": whole})
    sizes = leavers.round().astype(int).tolist()
    return tuple(Stratum(*one) for one in zip(names, sizes, share_out(people, sizes).tolist(), strict=True))
