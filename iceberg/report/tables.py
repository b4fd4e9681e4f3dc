"""Owns the tidy frames: one function per chart (its table twin), raw values in, plus `display_table` that writes them in a language.

Columns of an interval share a stem: ``<stem>_lower``, ``<stem>_median``, ``<stem>_upper`` (90 %). NaN means "cannot be known from these files".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from iceberg.locale import Translator
from iceberg.model.results import CredibleInterval, Diagnostic, EstimateCells, IcebergEstimate

LEVELS_WITH_OWN_RATIO = frozenset({"3", "4", "F"})  # the ratio itself is moved by departures; below, only capped
Measure = Literal["customers", "money"]
FloatArray = npt.NDArray[np.float64]


class CurveLike(Protocol):
    """What a survival table needs of a curve, whoever estimated it. All arrays share one length; times are days."""

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


def interval_columns(stem: str, interval: CredibleInterval | None) -> dict[str, float]:
    """``stem_lower/_median/_upper`` of an interval, NaN where there is none."""
    if interval is None:
        return {f"{stem}_{end}": float("nan") for end in ("lower", "median", "upper")}
    return {f"{stem}_lower": interval.lower, f"{stem}_median": interval.median, f"{stem}_upper": interval.upper}


def iceberg_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """One row per category, in the estimate's order: what is heard and what is not.

    Columns: category, vocal_customers, silent_*, revenue_lost_*, silent_share (of all silent leavers), placebo_*, above_noise.
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
        }
        for item in estimate.categories
    ]
    return _frame(rows, ICEBERG_COLUMNS)


ICEBERG_COLUMNS = (
    "category",
    "vocal_customers",
    "silent_lower",
    "silent_median",
    "silent_upper",
    "revenue_lost_lower",
    "revenue_lost_median",
    "revenue_lost_upper",
    "silent_share",
    "placebo_lower",
    "placebo_median",
    "placebo_upper",
    "above_noise",
)


def iceberg_totals(estimate: IcebergEstimate) -> dict[str, float]:
    """vocal, low, median, high of the whole company: from its own draws, never the sum of the categories."""
    churn = estimate.total.silent_churn
    return {
        "vocal": float(estimate.total.vocal_customers),
        "low": churn.lower,
        "median": churn.median,
        "high": churn.upper,
    }


def above_noise(interval: CredibleInterval, placebo: CredibleInterval | None) -> bool | None:
    """Whether an estimate stands clear of its placebo (their intervals do not overlap); None where there is no placebo."""
    return None if placebo is None else interval.lower > placebo.upper


def total_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """One row per quantity of the whole company: quantity, lower, median, upper (observed counts have all three equal)."""
    total = estimate.total
    known = total.vocal_customers
    rows: list[tuple[str, CredibleInterval | float | None]] = [
        ("vocal_customers", known),
        ("silent_churn", total.silent_churn),
        ("revenue_lost", total.revenue_lost),
        ("folk_estimate", total.folk_estimate),
        ("silent_leavers", float(estimate.silent_leavers) if estimate.evidence.level != "0" else None),
        ("natural_departures", estimate.natural_departures if estimate.evidence.level != "0" else None),
        ("placebo", total.placebo),
        *((f"pipeline_{days}", interval) for days, interval in (total.pipeline or {}).items()),
    ]
    return pd.DataFrame([{"quantity": name, **_ends(value)} for name, value in rows if value is not None])


def _ends(value: CredibleInterval | float) -> dict[str, float]:
    if isinstance(value, CredibleInterval):
        return {"lower": value.lower, "median": value.median, "upper": value.upper}
    return {"lower": float(value), "median": float(value), "upper": float(value)}


def ranking_table(estimate: IcebergEstimate, *, by: Measure = "customers") -> pd.DataFrame:
    """Categories from most to least silent churn (customers or money), each with the probability that it really is the first.

    Columns: rank, category, lower, median, upper, probability_first, prior_share, above_noise. Money falls back to customers without revenue.
    """
    money = by == "money" and all(item.revenue_lost is not None for item in estimate.categories)
    rows = []
    for item in estimate.categories:
        interval = item.revenue_lost if money and item.revenue_lost is not None else item.silent_churn
        rows.append(
            {
                "category": item.category,
                **_ends(interval),
                "probability_first": item.probability_costliest if money else item.probability_worst,
                "prior_share": item.prior_share,
                "above_noise": above_noise(item.silent_churn, item.placebo),
            }
        )
    frame = _frame(rows, ("category", "lower", "median", "upper", "probability_first", "prior_share", "above_noise"))
    # probability first, then size: the category named first is the one most likely to be first
    frame = frame.sort_values(
        ["probability_first", "median", "category"], ascending=[False, False, True], kind="stable", ignore_index=True
    )
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame


def comparator_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """The folk 1:25 beside what the company's own departures allow and support, per category.

    Columns: category, vocal_customers, folk_ratio (25 leavers per complainant, read literally), folk_leavers, supported_* (leavers per
    complainant), prior_* (the same before the files speak), feasible_ratio (sufferers per complainant that the departures allow at most),
    allowed_ratio (the leavers among them), prior_share, own_ratio (whether departures moved the ratio itself: level 3 and above).
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
            "prior_share": item.prior_share,
            "own_ratio": estimate.evidence.level in LEVELS_WITH_OWN_RATIO,
        }
        for item in estimate.categories
    ]
    return _frame(rows, COMPARATOR_COLUMNS)


COMPARATOR_COLUMNS = (
    "category",
    "vocal_customers",
    "folk_ratio",
    "folk_leavers",
    "supported_lower",
    "supported_median",
    "supported_upper",
    "prior_lower",
    "prior_median",
    "prior_upper",
    "feasible_ratio",
    "allowed_ratio",
    "prior_share",
    "own_ratio",
)


def prior_posterior_table(estimate: IcebergEstimate, *, category: str | None = None) -> pd.DataFrame:
    """Leavers per complainant before and after the files spoke.

    Columns: category, stage ("prior" or "posterior"), lower, median, upper, prior_share.
    """
    rows = [
        {"category": item.category, "stage": stage, **_ends(interval), "prior_share": item.prior_share}
        for item in estimate.categories
        if category in (None, item.category)
        for stage, interval in (("prior", item.ratio_prior), ("posterior", item.ratio_posterior))
    ]
    return _frame(rows, ("category", "stage", "lower", "median", "upper", "prior_share"))


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

    Columns: month (first day), lower, median, upper, vocal_customers (first complaints of that month), silent_leavers.
    """
    cells = cells_of(estimate)
    chosen = _category_axis(cells.categories, category)
    draws = _summed(estimate.draws.silent_churn, chosen, over=2)
    lower, median, upper = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    vocal = cells.vocal_any.sum(0) if category is None else cells.vocal[chosen].sum((0, 1))
    return pd.DataFrame(
        {
            "month": pd.to_datetime(list(cells.months)),
            "lower": lower,
            "median": median,
            "upper": upper,
            "vocal_customers": vocal,
            "silent_leavers": cells.leavers.sum(0),
        }
    )


def segment_table(estimate: IcebergEstimate, *, category: str | None = None) -> pd.DataFrame:
    """Silent churn per segment, from the joint draws, largest first.

    Columns: segment, lower, median, upper, vocal_customers, silent_leavers, silent_share (of the segment's silent leavers).
    """
    cells = cells_of(estimate)
    chosen = _category_axis(cells.categories, category)
    draws = _summed(estimate.draws.silent_churn, chosen, over=3)
    lower, median, upper = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    leavers = cells.leavers.sum(1)
    vocal = cells.vocal_any.sum(1) if category is None else cells.vocal[chosen].sum((0, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(leavers > 0, median / leavers, np.nan)
    frame = pd.DataFrame(
        {
            "segment": list(cells.segments),
            "lower": lower,
            "median": median,
            "upper": upper,
            "vocal_customers": vocal,
            "silent_leavers": leavers,
            "silent_share": share,
        }
    )
    return frame.sort_values(["median", "segment"], ascending=[False, True], ignore_index=True)


def _summed(draws: npt.NDArray[np.float32], chosen: Sequence[int], *, over: int) -> FloatArray:
    """Draws of customers over the chosen categories and one more axis, added in double precision without a copy of them all."""
    total = sum((draws[:, place].sum(over - 1, dtype=np.float64) for place in chosen), start=np.zeros(()))
    return np.asarray(total, dtype=np.float64)


def _category_axis(categories: Sequence[str], category: str | None) -> list[int]:
    return list(range(len(categories))) if category is None else [list(categories).index(category)]


def pipeline_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """Customers still here who are expected to leave silently: category ("" = all), days, lower, median, upper. Empty below level 3."""
    rows = [
        {"category": name, "days": days, **_ends(interval)}
        for name, pipeline in (
            ("", estimate.total.pipeline),
            *((item.category, item.pipeline) for item in estimate.categories),
        )
        for days, interval in (pipeline or {}).items()
    ]
    return _frame(rows, ("category", "days", "lower", "median", "upper"))


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


class NetSurvivalLike(Protocol):
    """Complainants on the clock since their complaint against their matched expectation; arrays of one length (`model.net_survival`)."""

    @property
    def days(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def observed(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def observed_lower(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def observed_upper(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def expected(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def net(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def net_lower(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def net_upper(self) -> npt.ArrayLike: ...  # noqa: D102
    @property
    def at_risk(self) -> npt.ArrayLike: ...  # noqa: D102


NET_COLUMNS = (
    "day",
    "observed",
    "observed_lower",
    "observed_upper",
    "expected",
    "net",
    "net_lower",
    "net_upper",
    "at_risk",
)


def net_survival_table(curve: NetSurvivalLike) -> pd.DataFrame:
    """Complainants against comparable customers: day, observed (+ _lower, _upper), expected, net (+ _lower, _upper), at_risk."""
    columns = {"day": curve.days} | {name: getattr(curve, name) for name in NET_COLUMNS[1:]}
    return pd.DataFrame({name: np.asarray(values, dtype=float) for name, values in columns.items()})


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
    return _frame(rows, ("group", "day", "at_risk"))


def thinned(curves: pd.DataFrame, *, by: str = "group", points: int = 200) -> pd.DataFrame:
    """At most `points` rows per group, evenly over the rows, the first and the last kept: a daily curve stays a light chart."""
    kept = [
        part.iloc[np.unique(np.linspace(0, len(part) - 1, min(points, len(part))).round().astype(int))]
        for _, part in curves.groupby(by, sort=False)
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


def sensitivity_table(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Silent churn of each category as the assumed ratio moves: category, ratio, lower, median, upper (one mapping per point)."""
    return _frame(list(points), ("category", "ratio", "lower", "median", "upper"))


def tornado_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """How far each assumption moves the total: assumption, low_value, high_value, at_low, at_high, base; widest swing first."""
    frame = _frame(list(rows), ("assumption", "low_value", "high_value", "at_low", "at_high", "base"))
    swing = (frame["at_high"].astype(float) - frame["at_low"].astype(float)).abs()
    return frame.iloc[np.argsort(-swing.to_numpy(), kind="stable")].reset_index(drop=True)


def diagnostics_table(diagnostics: Sequence[Diagnostic], translator: Translator) -> pd.DataFrame:
    """What to know before trusting a number: severity, category, says, do."""
    from iceberg.report.words import diagnostic_sentences

    rows = []
    for item in diagnostics:
        says, do = diagnostic_sentences(item, translator)
        rows.append({"severity": item.severity, "category": item.category or "", "says": says, "do": do})
    return _frame(rows, ("severity", "category", "says", "do"))


def rules_table(rules: Sequence[Any], translator: Translator) -> pd.DataFrame:
    """Counts per ingestion rule: table, rule, name, rows, rejected, says, remedy. Each item has table, rule, rows and rejected."""
    rows = [
        {
            "table": item.table,
            "rule": item.rule,
            "name": _optional(translator, f"ingest.rules.{item.rule}.name", item.rule),
            "rows": item.rows,
            "rejected": item.rejected,
            "says": _optional(translator, f"ingest.rules.{item.rule}.says", ""),
            "remedy": _optional(translator, f"ingest.rules.{item.rule}.remedy", ""),
        }
        for item in rules
    ]
    return _frame(rows, ("table", "rule", "name", "rows", "rejected", "says", "remedy"))


def _optional(translator: Translator, key: str, fallback: str) -> str:
    return translator.text(key) if translator.has(key) else fallback


_COUNTS = frozenset(
    {
        "rank",
        "vocal_customers",
        "silent_lower",
        "silent_median",
        "silent_upper",
        "placebo_lower",
        "placebo_median",
        "placebo_upper",
        "folk_leavers",
        "silent_leavers",
        "at_risk",
        "leavers",
        "expected",
        "complainants",
        "customer_years",
        "at_low",
        "at_high",
        "base",
        "rows",
        "day",
        "days",
        "from_day",
        "to_day",
        "from_month",
        "to_month",
    }
)
_RATES = frozenset(
    {
        "silent_share",
        "probability_first",
        "prior_share",
        "share",
        "observed",
        "observed_lower",
        "observed_upper",
        "net",
        "net_lower",
        "net_upper",
    }
)
_MONEY = frozenset({"revenue_lost_lower", "revenue_lost_median", "revenue_lost_upper"})
_INTERVAL = frozenset({"lower", "median", "upper"})
IntervalUnit = Literal["customers", "money", "ratio", "rate"]


def display_table(
    frame: pd.DataFrame, translator: Translator, *, currency: str = "EUR", unit: IntervalUnit = "customers"
) -> pd.DataFrame:
    """The same rows as a reader of this language sees them: headers in words, numbers, rates, money and months written out. Exact figures.

    Args:
        frame: Any frame of this module.
        translator: Language.
        currency: ISO code of the money.
        unit: What the plain lower / median / upper columns hold.
    """
    shown = {}
    for name in frame.columns:
        key = f"report.columns.{name}"
        header = translator.text(key) if translator.has(key) else str(name)
        shown[header] = [_written(name, value, translator, currency, unit) for value in frame[name]]
    return pd.DataFrame(shown, index=frame.index)


def _written(name: str, value: Any, translator: Translator, currency: str, unit: IntervalUnit) -> str:  # noqa: ANN401, PLR0911  # one line per kind
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return translator.text("report.unknown")
    if isinstance(value, bool | np.bool_):
        return str(translator.format(bool(value)))
    if isinstance(value, date):  # pandas timestamps are dates too
        return translator.month(value)
    if isinstance(value, str):
        key = f"report.{name}.{value}"
        return translator.text(key) if name in ("stage", "severity", "quantity") and translator.has(key) else value
    if name in _MONEY or (name in _INTERVAL and unit == "money"):
        return translator.money(float(value), currency)
    if name in _RATES or (name in _INTERVAL and unit == "rate") or (name == "expected" and unit == "rate"):
        return translator.percent(float(value), digits=1)
    if name in _COUNTS or (name in _INTERVAL and unit == "customers"):
        return translator.integer(float(value))
    return translator.decimal(float(value))


def _frame(rows: list[Any], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))
