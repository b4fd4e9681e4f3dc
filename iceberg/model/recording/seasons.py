"""Says whether the complaints of all categories rise and fall together with the seasons.

Such a wave may be one of the problems, or one of speaking up: more people write in December about what happens all year. Complaints cannot tell the
two apart; where departures follow the first and not the second, they can (`LexisDesign.before_change`).
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.recording.series import read_rates

LEAST_MONTHS = 18  # judgement: in fewer a wave of a year looks like growth
SURE = np.log(19.0)  # judgement: log odds from which a wave is reckoned with, from even ones


def yearly_waves(counts: CohortCounts, before: int = 0) -> FloatArray:
    """(2, Q) cosine and sine of a year over `before` months before the window and its own."""
    calendar = counts.months[0].month - 1 - before + np.arange(counts.shape[1] + before)
    return np.stack([np.cos(2 * np.pi * calendar / 12), np.sin(2 * np.pi * calendar / 12)])


def has_common_season(counts: CohortCounts) -> bool:
    """Whether complaints of all categories follow a wave of a year, beside growth and what else they have in common."""
    if not counts.has_calendar or len(counts.months) < LEAST_MONTHS:
        return False
    rates = read_rates(counts)
    return bool(len(rates.groups) and len(rates.month) >= LEAST_MONTHS and rates.common().season_log_odds() > SURE)
