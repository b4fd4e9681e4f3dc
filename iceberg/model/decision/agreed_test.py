"""The success criteria of a fix, agreed before it starts so that they cannot be chosen after the results are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iceberg.errors import OptionError
from iceberg.model.compare import CLEAR

MONTHS_UNTIL_READING = 12  # judgement: the horizon of 180 days until old problems have left, and as long again to count
LONGEST_OWNER = 120


@dataclass(frozen=True)
class AgreedTest:
    """What is measured, when it is read, and what would count as success.

    The metric is always the same, the one that the follow-up computes: silent leavers of the category per unit of exposure, before the start against
    after it, set against segments that were not touched where there are any.

    Attributes:
        start: First day of the month in which the fix starts.
        reading: First day of the last month that is counted.
        least_fall: Share by which the rate must have fallen; 0 asks for a fall and no more.
        sureness: Probability that must be reached.
    """

    start: date
    reading: date
    least_fall: float = 0.0
    sureness: float = CLEAR

    def __post_init__(self) -> None:
        if self.start.day != 1 or self.reading.day != 1:
            raise ValueError("months are given by their first day")
        if self.reading < self.start:
            raise OptionError("test_reading", {"start": f"{self.start:%Y-%m}", "reading": f"{self.reading:%Y-%m}"})
        if not 0 <= self.least_fall < 1:
            raise OptionError("test_fall")
        if not 0.5 < self.sureness < 1:
            raise OptionError("test_sureness")

    @classmethod
    def proposed(cls, last_day: date, *, start: date | None = None, reading: date | None = None, least_fall: float = 0.0) -> AgreedTest:
        """The test with what was not agreed filled in: a start in the month after `last_day`, a reading `MONTHS_UNTIL_READING` months long.

        Raises:
            OptionError: ``test_reading``, ``test_fall``.
        """
        begins = start or later_month(last_day, 1)
        return cls(begins.replace(day=1), (reading or later_month(begins, MONTHS_UNTIL_READING - 1)).replace(day=1), least_fall)


def later_month(day: date, months: int) -> date:
    """The first day of the month so many months after that of `day`."""
    place = day.year * 12 + day.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)
