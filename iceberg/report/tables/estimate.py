"""Frames of an estimate: categories, total, ranking, comparator, months, segments, customers still to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from iceberg.arrays import FloatArray, SingleArray
from iceberg.model.decision.chance_test import above_noise
from iceberg.model.results import CredibleInterval, EstimateCells, IcebergEstimate
from iceberg.report.tables.tidy import interval_columns, interval_ends, tidy_frame

Measure = Literal["customers", "money"]
ICEBERG_COLUMNS = (
    "category", "vocal_customers", "silent_lower", "silent_median", "silent_upper", "revenue_lost_lower", "revenue_lost_median",
    "revenue_lost_upper", "silent_share", "placebo_lower", "placebo_median", "placebo_upper", "above_noise",
    "common_cause_lower", "common_cause_median", "common_cause_upper",
)  # fmt: skip
RANKING_COLUMNS = ("category", "lower", "median", "upper", "probability_first", "prior_share", "placebo_upper", "above_noise", "likely_above_noise")
COMPARATOR_COLUMNS = (
    "category", "vocal_customers", "folk_ratio", "folk_leavers", "supported_lower", "supported_median", "supported_upper", "prior_lower",
    "prior_median", "prior_upper", "feasible_ratio", "allowed_ratio", "placebo_ratio", "prior_share", "own_ratio", "ordered",
)  # fmt: skip


def iceberg_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """One row per category, in the estimate's order: what is heard and what is not.

    Columns: category, vocal_customers, silent_*, revenue_lost_*, silent_share (of all silent leavers), placebo_*, above_noise,
    common_cause_* (factor by which other departures would have to rise).
    """
    leavers = estimate.silent_leavers
    rows = [
        {
            "category": item.category,
            "vocal_customers": item.vocal_customers,
            **interval_columns("silent", item.silent_churn),
            **interval_columns("revenue_lost", item.revenue_lost),
            "silent_share": item.silent_churn.median / leavers if leavers else float("nan"),
            **interval_columns("placebo", item.placebo),
            "above_noise": above_noise(item.silent_churn, item.placebo),
            **interval_columns("common_cause", item.common_cause),
        }
        for item in estimate.categories
    ]
    return tidy_frame(rows, ICEBERG_COLUMNS)


def iceberg_totals(estimate: IcebergEstimate) -> dict[str, float]:
    """vocal, low, high of the whole company: from its own draws, never a sum; `ordered`: 1 where the categories have an order."""
    churn = estimate.total.silent_churn
    ordered = float(estimate.evidence.ranks)
    return {"vocal": float(estimate.total.vocal_customers), "low": churn.lower, "high": churn.upper, "ordered": ordered}


def total_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """One row per quantity of the whole company: quantity, lower, median, upper (observed counts have all three equal)."""
    total = estimate.total
    known = total.vocal_customers
    rows: list[tuple[str, CredibleInterval | float | None]] = [
        ("vocal_customers", known),
        ("silent_churn", total.silent_churn),
        ("revenue_lost", total.revenue_lost),
        ("folk_estimate", total.folk_estimate),
        ("silent_leavers", float(estimate.silent_leavers) if estimate.evidence.level.knows_departures else None),
        ("natural_departures", estimate.natural_departures if estimate.evidence.level.knows_departures else None),
        ("placebo", total.placebo),
        ("common_cause", total.common_cause),
        *((f"pipeline_{days}", interval) for days, interval in (total.pipeline or {}).items()),
    ]
    return pd.DataFrame([{"quantity": name, **interval_ends(value)} for name, value in rows if value is not None])


def ranking_table(estimate: IcebergEstimate, *, by: Measure = "customers") -> pd.DataFrame:
    """Categories from most to least silent churn (customers or money), each with the probability that it really is the first.

    Columns: rank, category, lower, median, upper, probability_first, prior_share, placebo_upper (customers that the model finds at most where
    complaints cannot be the cause; unknown in money), above_noise, likely_above_noise. Money falls back to customers without revenue. Where the
    files cannot order the categories, rank and probability are unknown and the rows stand by name; of a single category nothing is ranked.
    """
    money = by == "money" and all(item.revenue_lost is not None for item in estimate.categories)
    rows = []
    for item in estimate.categories:
        interval = item.revenue_lost if money and item.revenue_lost is not None else item.silent_churn
        rows.append(
            {
                "category": item.category,
                **interval_ends(interval),
                "probability_first": item.probability_costliest if money else item.probability_worst,
                "prior_share": item.prior_share,
                "placebo_upper": item.placebo.upper if item.placebo is not None and not money else float("nan"),
                "above_noise": above_noise(item.silent_churn, item.placebo),
                "likely_above_noise": None if item.placebo is None else not item.placebo.is_noise,
            }
        )
    frame = tidy_frame(rows, RANKING_COLUMNS)
    # probability first, then size: the category named first is the one most likely to be first
    frame = frame.sort_values(
        ["probability_first", "median", "category"], ascending=[False, False, True], kind="stable", ignore_index=True
    )
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    if not estimate.evidence.ranks:
        frame = frame.sort_values("category", ignore_index=True).assign(rank=np.nan, probability_first=np.nan)
    if len(frame) == 1:
        frame["probability_first"] = np.nan
    return frame


def comparator_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """The folk 1:25 beside what the company's own departures allow and support, per category.

    Columns: category, vocal_customers, folk_ratio (25 leavers per complainant, read literally), folk_leavers, supported_* (leavers per
    complainant), prior_* (the same before the files speak), feasible_ratio (sufferers per complainant that the departures allow at most),
    allowed_ratio (the leavers among them), placebo_ratio (what the model finds at most where complaints cannot be the cause),
    prior_share, own_ratio (whether departures moved the ratio itself: level 3 and above), ordered (whether the categories have an order).
    """
    rows = [
        {
            "category": item.category,
            "vocal_customers": item.vocal_customers,
            "folk_ratio": item.folk_estimate / item.vocal_customers if item.vocal_customers else float("nan"),
            "folk_leavers": item.folk_estimate,
            **interval_columns("supported", item.ratio_posterior),
            **interval_columns("prior", item.ratio_prior),
            "feasible_ratio": float("nan") if item.feasible_ratio is None else item.feasible_ratio,
            "allowed_ratio": float("nan")
            if item.feasible_ratio is None
            else item.feasible_ratio * item.excess_probability.median,
            "placebo_ratio": item.placebo.upper / item.vocal_customers if item.placebo is not None and item.vocal_customers else float("nan"),
            "prior_share": item.prior_share,
            "own_ratio": estimate.evidence.level.has_own_ratio,
            "ordered": estimate.evidence.ranks,
        }
        for item in estimate.categories
    ]
    return tidy_frame(rows, COMPARATOR_COLUMNS)


def prior_posterior_table(estimate: IcebergEstimate, *, category: str | None = None) -> pd.DataFrame:
    """Leavers per complainant before and after the files spoke.

    Columns: category, stage ("prior" or "posterior"), lower, median, upper, prior_share.
    """
    rows = [
        {"category": item.category, "stage": stage, **interval_ends(interval), "prior_share": item.prior_share}
        for item in estimate.categories
        if category in (None, item.category)
        for stage, interval in (("prior", item.ratio_prior), ("posterior", item.ratio_posterior))
    ]
    return tidy_frame(rows, ("category", "stage", "lower", "median", "upper", "prior_share"))


def cells_of(estimate: IcebergEstimate) -> EstimateCells:
    """The cells of an estimate that the model made.

    Raises:
        ValueError: For an estimate put together by hand, without cells.
    """
    if estimate.cells is None:
        raise ValueError("this estimate holds no cells: months and segments are unknown")
    return estimate.cells


def currency_of(estimate: IcebergEstimate) -> str:
    """ISO code of the money."""
    return "EUR" if estimate.cells is None else estimate.cells.currency


def month_trend_table(estimate: IcebergEstimate, *, category: str | None = None) -> pd.DataFrame:
    """Silent churn per calendar month of departure, from the joint draws.

    Columns: month (first day), last_month where neighbouring months are taken together, lower, median, upper, vocal_customers (first complaints of
    that month), silent_leavers.
    """
    cells = cells_of(estimate)
    chosen = _category_axis(cells.categories, category)
    draws = _summed(estimate.draws.silent_churn, chosen, over=2)
    lower, median, upper = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    vocal = cells.vocal_any.sum(0) if category is None else cells.vocal[chosen].sum((0, 1))
    return pd.DataFrame(
        {
            "month": pd.to_datetime(list(cells.months)),
            **({"last_month": pd.to_datetime(list(cells.last_months))} if cells.last_months else {}),
            "lower": lower,
            "median": median,
            "upper": upper,
            "vocal_customers": vocal,
            "silent_leavers": cells.leavers.sum(0),
        }
    )


def segment_table(estimate: IcebergEstimate, *, category: str | None = None, column: str | None = None) -> pd.DataFrame:
    """Silent churn per segment, or per level of one of the columns that make the segments, from the joint draws, largest first.

    Columns: segment, lower, median, upper, vocal_customers, silent_leavers, silent_share (of the segment's silent leavers).
    """
    cells = cells_of(estimate)
    chosen = _category_axis(cells.categories, category)
    draws = _summed(estimate.draws.silent_churn, chosen, over=3)
    leavers = cells.leavers.sum(1)
    vocal = cells.vocal_any.sum(1) if category is None else cells.vocal[chosen].sum((0, 2))
    names = list(cells.segments)
    if column is not None:
        levels = levels_of(cells, column)
        names = list(levels)
        draws, leavers, vocal = (np.stack([one[..., mine].sum(-1) for mine in levels.values()], axis=-1) for one in (draws, leavers, vocal))
    lower, median, upper = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(leavers > 0, median / leavers, np.nan)
    frame = pd.DataFrame(
        {
            "segment": names,
            "lower": lower,
            "median": median,
            "upper": upper,
            "vocal_customers": vocal,
            "silent_leavers": leavers,
            "silent_share": share,
        }
    )
    return frame.sort_values(["median", "segment"], ascending=[False, True], ignore_index=True)


def column_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """`segment_table` of every column that makes the segments, named in a first column; empty where segments come from one column."""
    frames = []
    for column in cells_of(estimate).segment_columns:
        frame = segment_table(estimate, column=column)
        frame.insert(0, "column", column)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def levels_of(cells: EstimateCells, column: str) -> dict[str, list[int]]:
    """Positions of the segments of each level of a segment column."""
    place = cells.segment_columns.index(column)
    found: dict[str, list[int]] = {}
    for segment, levels in enumerate(cells.segment_levels):
        found.setdefault(levels[place], []).append(segment)
    return dict(sorted(found.items()))


def _summed(draws: SingleArray, chosen: Sequence[int], *, over: int) -> FloatArray:
    """Draws of customers over the chosen categories and one more axis, added in double precision without a copy of them all."""
    total = sum((draws[:, place].sum(over - 1, dtype=np.float64) for place in chosen), start=np.zeros(()))
    return np.asarray(total, dtype=np.float64)


def _category_axis(categories: Sequence[str], category: str | None) -> list[int]:
    return list(range(len(categories))) if category is None else [list(categories).index(category)]


def pipeline_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """Customers still here who are expected to leave silently: category ("" = all), days, lower, median, upper. Empty below level 3."""
    rows = [
        {"category": name, "days": days, **interval_ends(interval)}
        for name, pipeline in (
            ("", estimate.total.pipeline),
            *((item.category, item.pipeline) for item in estimate.categories),
        )
        for days, interval in (pipeline or {}).items()
    ]
    return tidy_frame(rows, ("category", "days", "lower", "median", "upper"))
