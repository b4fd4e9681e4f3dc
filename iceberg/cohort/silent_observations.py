"""`ObservedSilence`: what an incident log and a survey show of silent customers, as counts (evidence level 4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.day_counts import ComplaintClockCounts, whole_numbers

# Judgement: a customer who has not complained within two months of an incident stays silent about it.
COMPLAIN_WITHIN_DAYS = 60
SURVEY_FIELDS = ("asked", "had_problem", "complained")


def _none() -> IntArray:
    return np.zeros((0, 0), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class ObservedSilence:
    """Customers who are known to have met a problem, whether or not they complained.

    Attributes:
        struck: int64 (C, S) distinct customers with an incident of the category; only incidents that were followed for
            `complain_within_days` before the window ended, so that their silence is decided.
        voiced: int64 (C, S) of them, those who complained of that category within that time. The others are silent
            sufferers, also when they left before they could complain.
        clock: Silent sufferers who had not complained of anything before, on the clock since their first incident of
            the category; a later complaint of any category ends the follow-up. Month and band are those of the incident.
        complain_within_days: Days after the incident in which a complaint counts as one about it.
        survey: int64 (C, 3) people asked, who had the problem, who complained; zeros where the survey is silent.
        unmatched: Names of the log and the survey that are no complaint category, sorted; they are not counted.
    """

    struck: IntArray = field(default_factory=_none)
    voiced: IntArray = field(default_factory=_none)
    clock: ComplaintClockCounts = field(default_factory=ComplaintClockCounts.empty)
    complain_within_days: int = COMPLAIN_WITHIN_DAYS
    survey: IntArray = field(default_factory=_none)
    unmatched: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("struck", "voiced", "survey"):
            object.__setattr__(self, name, whole_numbers(getattr(self, name), name=name))
        object.__setattr__(self, "unmatched", tuple(self.unmatched))

    @property
    def incidents(self) -> IntArray:
        """(C, 2) customers struck, of them voiced; all segments."""
        return np.stack([self.struck.sum(axis=1), self.voiced.sum(axis=1)], axis=1)

    def check(self, categories: int, segments: int) -> None:
        """Refuse contradictions.

        Raises:
            ValueError: Only a defect can make them.
        """
        if self.struck.shape != (categories, segments) or self.voiced.shape != (categories, segments):
            raise ValueError(f"struck and voiced must be {(categories, segments)}, are {self.struck.shape}")
        if self.survey.shape != (categories, len(SURVEY_FIELDS)):
            raise ValueError(f"survey must be {(categories, len(SURVEY_FIELDS))}, is {self.survey.shape}")
        if (self.voiced < 0).any() or (self.voiced > self.struck).any():
            raise ValueError("more customers complained of an incident than had one")
        if (self.survey < 0).any() or (np.diff(self.survey, axis=1) > 0).any():
            raise ValueError("a survey needs complained <= had_problem <= asked")
        rows = self.clock
        if rows.rows and (rows.category.min() < 0 or rows.category.max() >= categories or rows.segment.max() >= segments):
            raise ValueError("a silent sufferer outside the categories or segments")
        followed = rows.exited.sum() + rows.censored.sum()
        if followed > (self.struck - self.voiced).sum():
            raise ValueError("more silent sufferers followed than there were")

    def rearranged(self, categories: IntArray, segments: IntArray) -> ObservedSilence:
        """The same with categories and segments in another order; those not listed are left out."""
        clock = self.clock.where(np.isin(self.clock.category, categories) & np.isin(self.clock.segment, segments))
        place = np.zeros((2, max(self.struck.shape, default=0) + 1), dtype=np.int64)
        place[0, categories], place[1, segments] = np.arange(len(categories)), np.arange(len(segments))
        return replace(
            self,
            struck=self.struck[np.ix_(categories, segments)],
            voiced=self.voiced[np.ix_(categories, segments)],
            survey=self.survey[categories],
            clock=replace(clock, category=place[0, clock.category], segment=place[1, clock.segment]),
        )
