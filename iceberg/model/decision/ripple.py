"""What one who leaves takes along, where no column says who brought whom: a scenario beside the figures, in none of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from iceberg.cohort.rhythm.counts import CountRange, RhythmCounts
from iceberg.model.priors import LOST_COMPANION

_DAYS = 90
_RECENT_DAYS = 91  # of `RhythmCounts.collapsing`: thirteen weeks
_Z_90 = 1.645  # standard normal


@dataclass(frozen=True)
class RippleScenario:
    """What losing the one who brought them would do to `brought` members.

    Attributes:
        brought: Members whom one customer brought.
        hazard: Probability that a regular breaks for good within 90 days, of this log.
        hazard_ratio: How many times as likely the loss is assumed to make it, with its 90 % range.
        extra: Members who leave because of the loss within 90 days, per customer who leaves.
    """

    brought: int
    hazard: float
    hazard_ratio: CountRange
    extra: CountRange


def ripple_scenario(counts: RhythmCounts, brought: int) -> RippleScenario | None:
    """``extra = brought * hazard * (ratio - 1)``, with a lognormal ratio (`LOST_COMPANION`); None where there are no regulars.

    Nitzan and Libai (2011) found 80 % more defections among telephone customers after one they talk to had left. People who know each other are also
    alike, so this leans to the high side.
    """
    if not counts.established or brought < 1:
        return None
    hazard = counts.collapsing * counts.unlikely_to_return / counts.established * _DAYS / _RECENT_DAYS
    ratio = CountRange(*(exp(log(LOST_COMPANION[0]) + z * LOST_COMPANION[1]) for z in (-_Z_90, 0.0, _Z_90)))
    extra = CountRange(*(brought * hazard * max(value - 1, 0.0) for value in (ratio.lower, ratio.median, ratio.upper)))
    return RippleScenario(brought, hazard, ratio, extra)
