"""Writes the takeaway of every chart, from the chart's own frame: one sentence that stands for the picture, its alternative text."""

from __future__ import annotations

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.compare import CLEAR
from iceberg.model.results import INTERVAL_MASS, CredibleInterval
from iceberg.report.tables.written import month_text
from iceberg.report.words import customers, customers_range, in_hundred, ratio, share

HORIZON_DAYS = Assumptions().horizon_days
CLEAR_FIRST = 0.5  # judgement: below one half, the sentence also names the second category


def _highest(frame: pd.DataFrame, column: str) -> pd.Series:
    """The first row with the largest value of a column."""
    return frame.iloc[int(frame[column].to_numpy(float).argmax())]


def takeaway_iceberg(frame: pd.DataFrame, translator: Translator, *, totals: dict[str, float]) -> str:
    """Customers who complained, customers who left in silence, and the category with most of the latter."""
    if frame.empty or not frame["vocal_customers"].sum():
        return translator.text("report.takeaway.iceberg_empty")
    first = _highest(frame, "silent_median")
    values = {"low": customers(totals["low"], translator), "high": customers(totals["high"], translator)}
    if not totals.get("ordered", 1.0) and len(frame) > 1:
        return translator.text("report.takeaway.iceberg_unordered", count=len(frame), vocal=round(totals["vocal"]), **values)
    return translator.text(
        "report.takeaway.iceberg",
        count=len(frame),
        vocal=round(totals["vocal"]),
        **values,
        first=first["category"],
        first_low=customers(first["silent_lower"], translator),
        first_high=customers(first["silent_upper"], translator),
        first_vocal=int(first["vocal_customers"]),
    )


def takeaway_ranking(frame: pd.DataFrame, translator: Translator, *, currency: str | None = None, lead: str = "") -> str:
    """The first category with its probability, and the second where the first is not clear; after the verdict, `lead`, where there is one."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    if lead:
        return translator.text("report.takeaway.with_lead", lead=lead, sentence=takeaway_ranking(frame, translator, currency=currency))
    first = frame.iloc[0]
    if len(frame) == 1:
        ends = {end: amount(first[name], translator, currency) for end, name in (("low", "lower"), ("high", "upper"))}
        return translator.text("report.takeaway.ranking_single", first=first["category"], **ends)
    if pd.isna(first["probability_first"]):
        return translator.text("report.takeaway.ranking_unordered", count=len(frame))
    values = {
        "first": first["category"],
        "probability": share(first["probability_first"], translator),
        "low": amount(first["lower"], translator, currency),
        "high": amount(first["upper"], translator, currency),
    }
    if first["probability_first"] >= CLEAR_FIRST:
        return translator.text("report.takeaway.ranking", **values)
    second = frame.iloc[1]
    return translator.text(
        "report.takeaway.ranking_open",
        **values,
        second=second["category"],
        second_probability=share(second["probability_first"], translator),
    )


def amount(value: float, translator: Translator, currency: str | None) -> str:
    """Customers, or money where a currency is given; two significant digits."""
    return customers(value, translator) if currency is None else translator.money_compact(value, currency)


def takeaway_origin(frame: pd.DataFrame, translator: Translator) -> str:
    """How the number follows from the counts, in one sentence."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    steps = {row["step"]: row for row in frame.to_dict("records") if row["step"] != "category"}
    caused = {"low": customers(steps["caused"]["lower"], translator), "high": customers(steps["caused"]["upper"], translator)}
    vocal = round(steps["complained"]["median"])
    if "left" not in steps:
        return translator.text("report.takeaway.origin_assumed", vocal=vocal, **caused)
    natural = {f"natural_{name}": customers(steps["natural"][end], translator) for name, end in (("low", "lower"), ("high", "upper"))}
    return translator.text("report.takeaway.origin", vocal=vocal, lost=round(steps["left"]["median"]), **natural, **caused)


def takeaway_outcomes(frame: pd.DataFrame, translator: Translator, *, chance: float | None = None) -> str:
    """How many of the equally likely outcomes are more than chance gives; without a test, between which numbers most of them lie."""
    if frame.empty or not frame["value"].max():
        return translator.text("report.takeaway.empty")
    if chance is not None:
        above = int((frame["value"] > chance).sum())
        return translator.text("report.takeaway.outcomes", dots=len(frame), above=above, chance=customers(chance, translator))
    inner = frame["value"].iloc[1:-1]
    ends = {"low": customers(inner.min(), translator), "high": customers(inner.max(), translator)}
    return translator.text("report.takeaway.outcomes_untested", dots=len(frame), inner=len(inner), **ends)


def takeaway_comparator(frame: pd.DataFrame, translator: Translator) -> str:
    """The folk figure and the range of ratios that the departures support."""
    known = frame.dropna(subset=["folk_ratio"])
    if known.empty:
        return translator.text("report.takeaway.empty")
    first = _highest(known, "supported_median")
    key = "comparator" if known["own_ratio"].all() else "comparator_assumed"
    return translator.text(
        f"report.takeaway.{key}" if known["ordered"].all() or len(known) == 1 else "report.takeaway.comparator_unordered",
        folk=ratio(float(known["folk_ratio"].iloc[0]), translator),
        low=ratio(known["supported_median"].min(), translator),
        high=ratio(known["supported_median"].max(), translator),
        first=first["category"],
    )


def takeaway_prior_posterior(frame: pd.DataFrame, translator: Translator) -> str:
    """The assumed and the posterior ratio of the category whose ratio moved most."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    prior = frame[frame["stage"] == "prior"].set_index("category")
    posterior = frame[frame["stage"] == "posterior"].set_index("category")
    moved = (np.log(posterior["median"].clip(lower=1e-9)) - np.log(prior["median"].clip(lower=1e-9))).abs()
    name = moved.idxmax()
    return translator.text(
        "report.takeaway.prior_posterior",
        category=name,
        prior_low=ratio(prior.loc[name, "lower"], translator),
        prior_high=ratio(prior.loc[name, "upper"], translator),
        low=ratio(posterior.loc[name, "lower"], translator),
        high=ratio(posterior.loc[name, "upper"], translator),
        share=share(float(posterior.loc[name, "prior_share"]), translator),
    )


def takeaway_month_trend(frame: pd.DataFrame, translator: Translator) -> str:
    """The month with most silent leavers, and the last month."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    highest, last = _highest(frame, "median"), frame.iloc[-1]
    return translator.text(
        "report.takeaway.month_trend",
        month=month_text(highest, translator),
        low=customers(highest["lower"], translator),
        high=customers(highest["upper"], translator),
        last=translator.text("report.range_words", low=customers(last["lower"], translator), high=customers(last["upper"], translator)),
        last_month=month_text(last, translator),
    )


def takeaway_segments(frame: pd.DataFrame, translator: Translator) -> str:
    """The segment with most silent leavers."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    first = _highest(frame, "median")
    values = {"low": customers(first["lower"], translator), "high": customers(first["upper"], translator)}
    if len(frame) == 1:
        return translator.text("report.takeaway.segments_single", **values)
    return translator.text(
        "report.takeaway.segments", first=first["segment"] or translator.text("report.all_segments"), **values
    )


def takeaway_net_survival(frame: pd.DataFrame, translator: Translator, *, horizon_days: int = HORIZON_DAYS) -> str:
    """The loss of complainants against comparable customers at the horizon, or at the last known day before it."""
    known = frame[(frame["day"] <= horizon_days) & frame["net"].notna()]
    if known.empty:
        return translator.text("report.takeaway.empty")
    last = known.iloc[-1]
    low, middle, high = (_whole_percent(1 - last[name]) for name in ("net_upper", "net", "net_lower"))
    key = "net_survival" if low > 0 else "net_survival_none"
    values = {"loss": share(max(middle, 0.0), translator)} if low > 0 else {}
    return translator.text(
        f"report.takeaway.{key}",
        days=int(last["day"]),
        low=translator.percent(low),
        high=translator.percent(high),
        **values,
    )


def _whole_percent(rate: float) -> float:
    """Rounded to whole percents, zero without a sign."""
    return round(float(rate), 2) + 0.0


def takeaway_delay(frame: pd.DataFrame, translator: Translator) -> str:
    """The number of days within which half of the leaving complainants have left."""
    if frame.empty or not frame["leavers"].sum():
        return translator.text("report.takeaway.empty")
    cumulated = frame["leavers"].cumsum() / frame["leavers"].sum()
    row = frame.iloc[int((cumulated >= 0.5).to_numpy().argmax())]
    if pd.isna(row["to_day"]):
        return translator.text("report.takeaway.delay_late", days=int(row["from_day"]))
    return translator.text("report.takeaway.delay", days=int(row["to_day"]))


def takeaway_tenure_profile(frame: pd.DataFrame, translator: Translator) -> str:
    """The tenure band in which complaints are most frequent."""
    known = frame.dropna(subset=["rate"])
    if known.empty:
        return translator.text("report.takeaway.empty")
    row = _highest(known, "rate")
    return translator.text(
        "report.takeaway.tenure",
        band=band_text(row["from_month"], row["to_month"], translator, unit="months"),
        rate=translator.rounded(row["rate"]),
    )


def band_text(low: float, high: float, translator: Translator, *, unit: str) -> str:
    """``3–6 months``, ``96 months and more``; unit is ``months`` or ``days``."""
    if pd.isna(high):
        return translator.text(f"report.chart.open_{unit}", low=int(low))
    return translator.text(f"report.chart.{unit}", low=int(low), high=int(high))


def takeaway_curves(frame: pd.DataFrame, translator: Translator, *, percent: bool = True) -> str:
    """The value of each curve at the last day that all of them reach."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    day = frame.groupby("group", sort=False)["day"].max().min()
    values = []
    for name, part in frame.groupby("group", sort=False):
        reached = part.loc[part["day"] <= day, "estimate"]
        if reached.empty:  # followed only later in its life
            continue
        value = float(reached.iloc[-1])
        written = translator.percent(value) if percent else translator.decimal(value)
        values.append(translator.text("report.takeaway.curve_value", group=name, value=written))
    return translator.text("report.takeaway.curves", days=int(day), values=", ".join(values))


def takeaway_sensitivity(frame: pd.DataFrame, translator: Translator) -> str:
    """The range of the most sensitive category over the ratios tried."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    ends = frame.sort_values("ratio").groupby("category", sort=False)["median"].agg(["first", "last"])
    moved = ends.reset_index().assign(swing=(ends["last"] - ends["first"]).abs().to_numpy())
    most = _highest(moved, "swing")
    return translator.text(
        "report.takeaway.sensitivity",
        low_ratio=ratio(frame["ratio"].min(), translator),
        high_ratio=ratio(frame["ratio"].max(), translator),
        first=most["category"],
        low=customers(most["first"], translator),
        high=customers(most["last"], translator),
    )


def takeaway_coverage(frame: pd.DataFrame, translator: Translator) -> str:
    """The coverage of the 90 % ranges, over all families and in the worst one."""
    at_mass = frame.loc[np.isclose(frame["nominal"].to_numpy(float), INTERVAL_MASS)]
    together, families = at_mass.loc[at_mass["family"] == "all"], at_mass.loc[at_mass["family"] != "all"]
    if together.empty or families.empty:
        return translator.text("report.takeaway.empty")
    worst = families.sort_values("actual").iloc[0]
    return translator.text(
        "report.takeaway.coverage",
        nominal=share(INTERVAL_MASS, translator),
        actual=share(float(together["actual"].iloc[0]), translator),
        family=translator.text(f"report.families.{worst['family']}"),
        worst=share(float(worst["actual"]), translator),
    )


def takeaway_checks(frame: pd.DataFrame, translator: Translator) -> str:
    """The patterns that are not reproduced, or that all are."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    patterns = frame.groupby(["what", "axis"], sort=False)["misfit"].first()
    if not patterns.any():
        return translator.text("report.takeaway.checks_fit", all=len(patterns))
    names = [translator.text(f"report.checks.{one}_{other}") for one, other in patterns[patterns].index]
    return translator.text("report.takeaway.checks", count=len(names), all=len(patterns), patterns=", ".join(names))


def takeaway_tornado(frame: pd.DataFrame, translator: Translator) -> str:
    """The assumption that moves the total most."""
    if frame.empty:
        return translator.text("report.takeaway.empty")
    first = frame.iloc[0]
    low, high = sorted((float(first["at_low"]), float(first["at_high"])))
    return translator.text(
        "report.takeaway.tornado",
        first=first["assumption"],
        low=customers(low, translator),
        high=customers(high, translator),
    )


def segment_value(row: pd.Series, measure: str, translator: Translator) -> str:
    """A rate with one digit after the point, or customers; a dash where there are too few to say."""
    value = row[measure]
    if pd.isna(value):
        return translator.text("report.unknown")
    return translator.decimal(float(value), digits=2) if measure == "rate_median" else customers(float(value), translator)


def segment_range(row: pd.Series, measure: str, translator: Translator) -> str:
    """The ends of a rate or of customers, as `segment_value` writes them."""
    ends = [row[measure.replace("median", end)] for end in ("lower", "upper")]
    if any(map(pd.isna, ends)):
        return translator.text("report.unknown")
    low, high = (segment_value(pd.Series({measure: end}), measure, translator) for end in ends)
    return translator.text("report.range", low=low, high=high)


def takeaway_segment_dots(frame: pd.DataFrame, translator: Translator) -> str:
    """The segment with the largest rate beside the smallest, and the category that is largest there: the alternative text."""
    whole = frame[(frame["category"] == "") & frame["rate_median"].notna()].sort_values("rate_median", ascending=False)
    if len(whole) < 2:
        return translator.text("where.none")
    most, least = whole.iloc[0], whole.iloc[-1]
    own = frame[(frame["segment"] == most["segment"]) & (frame["category"] != "")].sort_values("median", ascending=False)
    names = [row["segment"] or translator.text("report.all_segments") for row in (most, least)]
    rates = [translator.decimal(float(row["rate_median"]), digits=2) for row in (most, least)]
    spans = [segment_range(row, "rate_median", translator) for row in (most, least)]
    clear = "clear" if most["rate_lower"] > least["rate_upper"] else "open"
    values = {"most": names[0], "least": names[1], "high": rates[0], "low": rates[1], "high_range": spans[0], "low_range": spans[1]}
    return translator.text(f"where.{clear}", **values, category=own.iloc[0]["category"])


def rate_text(value: float, translator: Translator) -> str:
    """A rate with two digits after the point."""
    return translator.decimal(float(value), digits=2)


def takeaway_segment_pair(frame: pd.DataFrame, pair: tuple[str, str], translator: Translator) -> str:
    """Which of two segments loses more, how sure that is, what it costs and over which category: the alternative text."""
    whole, parts = frame.iloc[0], frame.iloc[1:]
    names = [name or translator.text("report.all_segments") for name in pair]
    turned = bool(whole["more"] < 0.5)
    more, less = ("second", "first") if turned else ("first", "second")
    chance = 1 - whole["more"] if turned else whole["more"]
    values = {
        "more": names[turned],
        "less": names[not turned],
        "high": rate_text(whole[f"{more}_median"], translator),
        "low": rate_text(whole[f"{less}_median"], translator),
        "chance": in_hundred(float(chance), translator),
    }
    if chance < CLEAR:
        return translator.text("where.pair_open", **values)
    gaps = parts["difference_median"] * (-1 if turned else 1)
    ends = [f"extra_{end}" for end in ("lower", "median", "upper")]
    low, middle, high = (-whole[name] for name in reversed(ends)) if turned else (whole[name] for name in ends)
    ends_said = customers_range(CredibleInterval(max(low, 0.0), max(middle, 0.0), high), translator)
    extra = {"middle": ends_said["middle"], "low_end": ends_said["low"], "high_end": ends_said["high"]}
    return translator.text("where.pair_clear", **values, **extra, category=parts["category"].iloc[int(gaps.argmax())])
