"""Frames over tenure and over the time since a complaint: curves, numbers at risk, delays, tenure at the complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from iceberg.report.tables.tidy import tidy_frame

if TYPE_CHECKING:
    from iceberg.model.survival.net_survival import NetSurvival


class CurveLike(Protocol):
    """What a survival table needs of a curve, estimated or drawn from a formula. All arrays share one length; times are days."""

    @property
    def days(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def estimate(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def lower(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def upper(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def at_risk(self) -> npt.ArrayLike: ...  # noqa: D102


def curve_table(curves: Mapping[str, CurveLike]) -> pd.DataFrame:
    """Survival, cumulative hazard or net survival curves in one frame: group, day, estimate, lower, upper, at_risk."""
    frames = [
        pd.DataFrame(
            {
                "group": name,
                "day": np.asarray(curve.days, dtype=float),
                "estimate": np.asarray(curve.estimate, dtype=float),
                "lower": np.asarray(curve.lower, dtype=float),
                "upper": np.asarray(curve.upper, dtype=float),
                "at_risk": np.asarray(curve.at_risk, dtype=float),
            }
        )
        for name, curve in curves.items()
    ]
    columns = ["group", "day", "estimate", "lower", "upper", "at_risk"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def net_survival_table(curve: NetSurvival) -> pd.DataFrame:
    """Complainants against comparable customers: day, observed (+ _lower, _upper), expected, net (+ _lower, _upper), at_risk."""
    return pd.DataFrame(
        {
            "day": curve.observed.days,
            "observed": curve.observed.estimate,
            "observed_lower": curve.observed.lower,
            "observed_upper": curve.observed.upper,
            "expected": curve.expected.estimate,
            "net": curve.net.estimate,
            "net_lower": curve.net.lower,
            "net_upper": curve.net.upper,
            "at_risk": curve.observed.at_risk.astype(float),
        }
    )


def numbers_at_risk_table(curves: pd.DataFrame, *, days: Sequence[float]) -> pd.DataFrame:
    """Customers at risk at chosen days, one row per group: group, day, at_risk (0 after the last one observed)."""
    rows = []
    for name, curve in curves.groupby("group", sort=False):
        times, at_risk = curve["day"].to_numpy(), curve["at_risk"].to_numpy()
        for day in days:
            index = int(np.searchsorted(times, day, side="left"))
            rows.append(
                {"group": name, "day": float(day), "at_risk": float(at_risk[index]) if index < len(times) else 0.0}
            )
    return tidy_frame(rows, ("group", "day", "at_risk"))


def thinned(curves: pd.DataFrame, *, points: int = 200) -> pd.DataFrame:
    """At most `points` rows per group, evenly over the rows, the first and the last kept: a daily curve stays a light chart."""
    kept = [
        part.iloc[np.unique(np.linspace(0, len(part) - 1, min(points, len(part))).round().astype(int))]
        for _, part in curves.groupby("group", sort=False)
    ]
    return pd.concat(kept, ignore_index=True) if kept else curves


def delay_table(
    edges_days: Sequence[float], leavers: npt.ArrayLike, *, expected: npt.ArrayLike | None = None
) -> pd.DataFrame:
    """Delay from complaint to departure: from_day, to_day (NaN for the open end), leavers, expected (natural departures), share.

    Args:
        edges_days: Lower edges of the bins; the last bin is open.
        leavers: Complainants who left in each bin.
        expected: Departures expected in each bin without a problem; NaN where unknown.
    """
    counts = np.asarray(leavers, dtype=float)
    upper = [*[float(edge) for edge in edges_days[1:]], float("nan")]
    total = counts.sum()
    return pd.DataFrame(
        {
            "from_day": np.asarray(edges_days, dtype=float),
            "to_day": upper,
            "leavers": counts,
            "expected": np.full(len(counts), np.nan) if expected is None else np.asarray(expected, dtype=float),
            "share": counts / total if total else np.zeros(len(counts)),
        }
    )


def tenure_profile_table(
    band_edges_months: Sequence[int], complainants: npt.ArrayLike, person_days: npt.ArrayLike
) -> pd.DataFrame:
    """Where in a customer's life the problem strikes: from_month, to_month, complainants, customer_years, rate (per 100 customer-years).

    Args:
        band_edges_months: Lower edges of completed months of tenure; the last band is open.
        complainants: Distinct complainants per band.
        person_days: Days at risk per band.
    """
    counts, days = np.asarray(complainants, dtype=float), np.asarray(person_days, dtype=float)
    years = days / 365.25
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(years > 0, 100 * counts / years, np.nan)
    return pd.DataFrame(
        {
            "from_month": np.asarray(band_edges_months, dtype=float),
            "to_month": [*[float(edge) for edge in band_edges_months[1:]], float("nan")],
            "complainants": counts,
            "customer_years": years,
            "rate": rate,
        }
    )
