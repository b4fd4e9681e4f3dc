"""Frames that explain a number: how it follows from the counts, and what its uncertainty means as equally likely outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from iceberg.model.decision.verdict import by_urgency
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.tables.estimate import cells_of
from iceberg.report.tables.tidy import interval_ends, tidy_frame

ORIGIN_COLUMNS = ("step", "category", "lower", "median", "upper", "start", "end")
NAMED_CATEGORIES = 8  # judgement: of more, the smaller ones are one bar
DOTS = 20  # equally likely outcomes; people count so many at a glance (Fernandes et al. 2018 used 20 and 50)


def origin_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """From the counts down to the silent leavers of each category, one row per step.

    Columns: step (``complained``, ``left`` without complaining, ``natural``: would have left anyway, ``caused`` by a problem, then ``category``, and
    ``others`` where there are many), category, lower, median, upper, and the start and end of its bar. Counted steps have three equal ends. Where
    departures are not known, the steps that need them are left out. The most likely numbers of categories need not add up to that of the total.
    """
    total = estimate.total
    rows = [_step("complained", CredibleInterval(*[float(total.vocal_customers)] * 3), 0.0)]
    if estimate.silent_leavers:
        lost, natural = float(estimate.silent_leavers), estimate.natural_departures
        rows.append(_step("left", CredibleInterval(lost, lost, lost), 0.0))
        rows.append(_step("natural", natural, lost - natural.median))
    rows.append(_step("caused", total.silent_churn, 0.0))
    order = sorted(by_urgency(estimate), key=lambda item: -item.silent_churn.median)
    many = len(order) > NAMED_CATEGORIES + 1
    named = order[:NAMED_CATEGORIES] if many else order
    start = 0.0
    for item in named:
        rows.append(_step("category", item.silent_churn, start, item.category))
        start += item.silent_churn.median
    if many:
        places = [cells_of(estimate).categories.index(item.category) for item in order[NAMED_CATEGORIES:]]
        rest = CredibleInterval.of(estimate.draws.silent_churn[:, places].sum(axis=(1, 2, 3), dtype=np.float64))
        rows.append(_step("others", rest, start))
    return tidy_frame(rows if total.vocal_customers else [], ORIGIN_COLUMNS)


def _step(step: str, interval: CredibleInterval, start: float, category: str = "") -> dict[str, object]:
    return {"step": step, "category": category, **interval_ends(interval), "start": start, "end": start + interval.median}


def outcomes_table(estimate: IcebergEstimate, category: str, *, dots: int = DOTS) -> pd.DataFrame:
    """The silent churn of a category as equally likely outcomes: quantiles of its draws.

    Columns: value (customers, in ascending order), above_chance (whether it is more than chance alone gives; None without a test).

    References:
        Kay, Kola, Hullman, Munson 2016, When (ish) is my bus?; Fernandes et al. 2018, Uncertainty displays using quantile dotplots or CDFs.
    """
    place = list(cells_of(estimate).categories).index(category)
    item = next(one for one in estimate.categories if one.category == category)
    churn = estimate.draws.silent_churn[:, place].sum(axis=(1, 2), dtype=np.float64)
    values = np.quantile(churn, (np.arange(dots) + 0.5) / dots)
    above = [None if item.placebo is None else bool(value > item.placebo.upper) for value in values]
    return pd.DataFrame({"value": values, "above_chance": pd.Series(above, dtype=object)})
