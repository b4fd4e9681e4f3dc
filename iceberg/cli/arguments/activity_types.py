"""What the values of options about an activity log may be. A test holds the constants to those of `iceberg.cohort.rhythm`; help need not load it."""

from __future__ import annotations

from collections.abc import Callable

from iceberg.cli.arguments.option_types import UsageError, number_or_nan

DEPARTURES = ("inactivity", "collapse", "both")
FALSE_ALARMS, LARGEST_FALSE_ALARMS = 2.0, 50.0  # alarms by chance per 1,000 customers and month that `rhythm` accepts, and at most
SETTLED, LEAST_SETTLED = 0.8, 0.5  # probability from which a break is taken to last, and at least


def check_departures(text: str) -> str:
    """What a departure is in an activity log."""
    if text not in DEPARTURES:
        raise UsageError("departures_unknown", {"value": text, "known": ", ".join(DEPARTURES)})
    return text


def check_budget(option: str, largest: float) -> Callable[[str], float]:
    """A number above 0 and at most `largest`: ``2``, ``0,5``."""

    def check(text: str) -> float:
        number = number_or_nan(text.replace(",", "."))
        if 0 < number <= largest:
            return number
        raise UsageError("budget_out_of_range", {"option": option, "value": text, "largest": f"{largest:g}"})

    return check


def check_settled(text: str) -> float:
    """A probability from `LEAST_SETTLED` up to, but not including, 1: ``0.9``, ``0,9``."""
    number = number_or_nan(text.replace(",", "."))
    if LEAST_SETTLED <= number < 1:
        return number
    raise UsageError("settled_out_of_range", {"value": text})
