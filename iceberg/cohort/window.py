"""The observation window, and the edges of the tenure and complaint clocks on which customers are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iceberg.errors import OptionError

# Judgement: fine where hazards move fast (the first year), coarse where they do not; as in the trial of the method.
DEFAULT_BAND_EDGES_MONTHS = (0, 1, 3, 6, 9, 12, 18, 24, 36, 60, 96)
# Judgement: days since the complaint, fine at first as most departures follow within weeks. 180 is the default horizon.
DEFAULT_CLOCK_EDGES_DAYS = (0, 7, 14, 21, 30, 45, 60, 90, 120, 150, 180, 240, 300, 365)
DEFAULT_WINDOW_MONTHS = 24
# Judgement: who complained half a year before the window did not leave in silence; as long as a departure is put down to a problem by default.
DEFAULT_LOOK_BACK_DAYS = 180
UNKNOWN_TENURE_MONTHS = 1200  # lower edge of the band of customers of unknown tenure (flat sheets only)


@dataclass(frozen=True)
class ObservationWindow:
    """The days in which departures and complaints are counted, both ends included.

    A customer is at risk on each day from the later of `since` and their first day to the earlier of `as_of` and their last day. The day of departure
    is a day at risk and carries the event; the day of the first complaint belongs to the complained state.

    Attributes:
        since: First day counted.
        as_of: Last day counted.
        look_back_days: Complaints up to this many days before `since` also end a customer's silence, as far as the file goes back.
    """

    since: date
    as_of: date
    look_back_days: int = DEFAULT_LOOK_BACK_DAYS

    def __post_init__(self) -> None:
        if self.since > self.as_of:
            raise OptionError("window_reversed", {"since": self.since, "as_of": self.as_of})
        if self.look_back_days < 0:
            raise OptionError("look_back_negative", {"value": self.look_back_days})

    @property
    def days(self) -> int:
        """Number of days in the window."""
        return (self.as_of - self.since).days + 1

    @property
    def months(self) -> tuple[date, ...]:
        """First day of every calendar month the window touches; the first and the last may be partly covered."""
        first = self.since.year * 12 + self.since.month - 1
        last = self.as_of.year * 12 + self.as_of.month - 1
        return tuple(date(index // 12, index % 12 + 1, 1) for index in range(first, last + 1))

    @classmethod
    def ending(cls, as_of: date, *, first_complaint: date | None = None, look_back_days: int = DEFAULT_LOOK_BACK_DAYS) -> ObservationWindow:
        """The default window: 24 months up to `as_of`, not before the first complaint month."""
        return moving_window(as_of, DEFAULT_WINDOW_MONTHS, first_complaint=first_complaint, look_back_days=look_back_days)


def moving_window(
    as_of: date, months: int, *, first_complaint: date | None = None, look_back_days: int = DEFAULT_LOOK_BACK_DAYS
) -> ObservationWindow:
    """The window of so many months up to `as_of`, not before the first complaint month; it moves on with `as_of`."""
    since = months_before(as_of + timedelta(days=1), months)
    if first_complaint is not None and first_complaint <= as_of:
        since = max(since, first_complaint.replace(day=1))
    return ObservationWindow(since, as_of, look_back_days)


def months_before(day: date, months: int) -> date:
    """The same day of the month `months` earlier, or the last day of that month where it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    first = date(index // 12, index % 12 + 1, 1)
    following = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), following - timedelta(days=1))
