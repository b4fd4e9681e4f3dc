"""Writes a comparison: its sentence, its table, its document for other programs. Its chart is in `charts.changes`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from iceberg.locale import Translator, round_significant
from iceberg.model.assumptions import Efficacy
from iceberg.model.compare import Comparison, Difference, Months, Remark
from iceberg.model.decision.follow_up import FollowUp, learned_efficacy
from iceberg.model.results import CredibleInterval
from iceberg.report.tables.tidy import interval_columns, tidy_frame
from iceberg.report.words import customers, share

COMPARISON_COLUMNS = (
    "category", "verdict", "probability_fell", "rate_before_lower", "rate_before_median", "rate_before_upper", "rate_after_lower",
    "rate_after_median", "rate_after_upper", "rate_change_lower", "rate_change_median", "rate_change_upper", "before_lower", "before_median",
    "before_upper", "after_lower", "after_median", "after_upper", "change_lower", "change_median", "change_upper", "kept_lower", "kept_median",
    "kept_upper", "vocal_before", "vocal_after",
)  # fmt: skip
_INTERVALS = ("rate_before", "rate_after", "rate_change", "before", "after", "change", "kept")


def comparison_table(comparison: Comparison, words: Translator) -> pd.DataFrame:
    """One row per category, the clearest fall first, then the company; columns as `COMPARISON_COLUMNS`, rates per unit of `Comparison.basis`."""
    ordered = sorted(comparison.categories, key=lambda one: (-one.probability_fell, one.category or ""))
    rows = [
        {
            "category": one.category or words.text("report.all_categories"),
            "verdict": one.verdict,
            "probability_fell": one.probability_fell,
            **{name: value for stem in _INTERVALS for name, value in interval_columns(stem, getattr(one, stem)).items()},
            "vocal_before": one.vocal_before,
            "vocal_after": one.vocal_after,
        }
        for one in (*ordered, comparison.total)
    ]
    return tidy_frame(rows, COMPARISON_COLUMNS)


def comparison_headline(comparison: Comparison, words: Translator, *, category: str | None = None) -> str:
    """Did the churn fall, beyond noise? One sentence with both rates, the probability and the customers kept.

    Args:
        comparison: From `compare_periods` or `compare_studies`.
        words: Language.
        category: The one that was fixed; None speaks of the company.

    Raises:
        KeyError: When the comparison has no such category.
    """
    one = comparison.total if category is None else {row.category: row for row in comparison.categories}[category]
    kept = one.kept
    low, high = (kept.lower, kept.upper) if kept.median >= 0 else (-kept.upper, -kept.lower)
    ends = {"low": customers(low, words), "high": customers(high, words), "middle": customers(abs(kept.median), words)}
    values = {
        "about": words.text("compare.company") if one.category is None else words.text("compare.category", category=one.category),
        "before": rate_text(one.rate_before.median, words),
        "after": rate_text(one.rate_after.median, words),
        "unit": unit_text(comparison, words),
        "probability": share(one.probability_fell, words),
        "probability_rose": share(1 - one.probability_fell, words),
        **ends,
    }
    return words.text(f"compare.headline.{one.verdict}", **values)


def rate_text(rate: float, words: Translator) -> str:
    """A rate with two significant digits."""
    return words.decimal(round(round_significant(rate), 3) + 0.0, digits=3)  # + 0.0: no "-0"


def unit_text(comparison: Comparison, words: Translator) -> str:
    """The unit of a rate."""
    return words.text(f"compare.unit.{comparison.basis}")


def period_names(comparison: Comparison, words: Translator) -> tuple[str, str]:
    """Both periods in words."""
    return _period(comparison.months_before, "before", words), _period(comparison.months_after, "after", words)


def _period(months: Months | None, side: str, words: Translator) -> str:
    if months is None:
        return words.text(f"compare.side.{side}")
    first, last = (words.month(month) for month in months)
    return first if first == last else words.text("report.range_words", low=first, high=last)


def remark_sentences(comparison: Comparison, words: Translator) -> tuple[tuple[str, str], ...]:
    """The remarks on the comparison: severity and sentence."""
    return tuple((remark.severity, _remark(remark, words)) for remark in comparison.remarks)


def _remark(remark: Remark, words: Translator) -> str:
    values = dict(remark.values)
    if "names" in values:
        values["names"] = ", ".join(words.text(f"compare.assumption.{name}") for name in values["names"])
    if "categories" in values:
        values["categories"] = ", ".join(words.text("report.noise.quoted", category=name) for name in values["categories"])
    if isinstance(values.get("share"), float):
        values["share"] = words.percent(values["share"])
    values |= {name: round_significant(values[name]) for name in ("observed", "implied") if name in values}
    values |= {name: words.month(value) for name, value in values.items() if isinstance(value, date)}
    return words.text(f"compare.remarks.{remark.code}", **values)


def verdict_text(verdict: str, words: Translator) -> str:
    """The verdict in a word or two."""
    return words.text(f"compare.verdict.{verdict}")


def display_comparison(frame: pd.DataFrame, words: Translator) -> pd.DataFrame:
    """`comparison_table` as a reader of this language sees it: most likely value and range of each rate, the verdict in words."""

    def span(row: pd.Series, stem: str, *, whole: bool = False) -> str:
        low, middle, high = (float(row[f"{stem}_{end}"]) for end in ("lower", "median", "upper"))
        low, middle, high = (round(value, 0 if whole else 2) + 0.0 for value in (low, middle, high))  # no "-0"
        write = words.integer if whole else words.decimal
        return words.text("export.likely_range", middle=write(middle), low=write(low), high=write(high))

    shown = {
        "category": list(frame["category"]),
        "verdict": [verdict_text(verdict, words) for verdict in frame["verdict"]],
        "probability_fell": [share(value, words) for value in frame["probability_fell"]],
        **{stem: [span(row, stem) for _, row in frame.iterrows()] for stem in ("rate_before", "rate_after", "rate_change")},
        "kept": [span(row, "kept", whole=True) for _, row in frame.iterrows()],
    }
    return pd.DataFrame({words.text(f"compare.columns.{name}"): values for name, values in shown.items()})


def comparison_document(comparison: Comparison, words: Translator) -> dict[str, Any]:
    """The comparison for other programs, ready for `json`; intervals are 90 %."""
    return {
        "schema_version": 1,
        "basis": comparison.basis,
        "joint_draws": comparison.joint,
        "before": _side(comparison.months_before, comparison.exposure_before),
        "after": _side(comparison.months_after, comparison.exposure_after),
        "total": _document(comparison.total),
        "categories": [{"category": one.category} | _document(one) for one in comparison.categories],
        "remarks": [
            {"code": remark.code, "severity": remark.severity, "message": _remark(remark, words)} for remark in comparison.remarks
        ],
    }


def _side(months: Months | None, exposure: float) -> dict[str, Any]:
    first, last = (f"{month:%Y-%m}" for month in months) if months is not None else (None, None)
    return {"first_month": first, "last_month": last, "exposure": round(exposure, 6)}


def _document(difference: Difference) -> dict[str, Any]:
    intervals = {
        "silent_churn_before": difference.before,
        "silent_churn_after": difference.after,
        "silent_churn_change": difference.change,
        "rate_before": difference.rate_before,
        "rate_after": difference.rate_after,
        "rate_change": difference.rate_change,
        "customers_kept": difference.kept,
    }
    return {
        "verdict": difference.verdict,
        "probability_fell": round(difference.probability_fell, 6),
        "vocal_customers_before": difference.vocal_before,
        "vocal_customers_after": difference.vocal_after,
        **{name: _interval(interval) for name, interval in intervals.items()},
    }


def _interval(interval: CredibleInterval) -> dict[str, float]:
    return {"lower": round(interval.lower, 6), "median": round(interval.median, 6), "upper": round(interval.upper, 6)}


def follow_up_sentence(found: FollowUp, words: Translator) -> str:
    """Did the fix work? One sentence with the fall, its range, the probability and the customers kept."""
    fall, kept = found.fall, found.kept
    key = found.outcome
    if key == "probably" and not found.untouched and found.probability_success >= found.sureness:
        key = "worked_alone"  # type: ignore[assignment]  # a key of the sentences
    return words.text(
        f"follow_up.{key}",
        category=found.intervention.category,
        start=words.month(found.intervention.start),
        probability=share(found.probability_fell, words),
        kept_low=customers(kept.lower, words),
        kept_high=customers(kept.upper, words),
        **{name: share(max(value, 0.0), words) for name, value in _ends_of(fall)},
        **{f"change{name}": words.percent(1 - value) for name, value in (("", fall.median), ("_low", fall.upper), ("_high", fall.lower))},
        **{f"rise{name}": words.percent(max(-value, 0.0)) for name, value in (("", fall.median), ("_low", fall.upper), ("_high", fall.lower))},
    )


def _ends_of(interval: CredibleInterval) -> tuple[tuple[str, float], ...]:
    return ("low", interval.lower), ("middle", interval.median), ("high", interval.upper)


def follow_up_lines(found: FollowUp, words: Translator) -> tuple[str, ...]:
    """What the sentence rests on: the months, both rates of either side, earlier starts, what was expected, and the agreed test."""
    unit = words.text(f"follow_up.unit.{found.basis}")
    before, after = (_period(months, side, words) for months, side in ((found.months_before, "before"), (found.months_after, "after")))
    touched = ", ".join(found.touched) if found.untouched else words.text("follow_up.all_touched")
    rates = {"rate_before": rate_text(found.before.median, words), "rate_after": rate_text(found.after.median, words)}
    lines = [words.text("follow_up.periods", before=before, after=after), words.text("follow_up.touched", touched=touched, unit=unit, **rates)]
    if found.before_others is not None and found.after_others is not None:
        rates = {"rate_before": rate_text(found.before_others.median, words), "rate_after": rate_text(found.after_others.median, words)}
        lines.append(words.text("follow_up.untouched", untouched=", ".join(found.untouched), **rates))
    if found.placebo_p is not None:
        lines.append(words.text("follow_up.placebo", starts=found.starts, share=words.percent(found.placebo_p)))
    expected, test = found.intervention.expected, found.intervention.test
    if expected is not None:
        side = "under" if expected < found.fall.lower else "over" if expected > found.fall.upper else "inside"
        lines.append(words.text("follow_up.expected", expected=words.percent(expected), verdict=words.text(f"follow_up.expected_{side}")))
    if test is not None:
        asked = words.text("follow_up.test_fall", fall=words.percent(test.least_fall)) if test.least_fall else words.text("follow_up.test_any")
        passed = words.text("follow_up.passed" if found.probability_success >= test.sureness else "follow_up.failed")
        values = {"sureness": words.percent(test.sureness), "reading": words.month(test.reading)}
        lines.append(words.text("follow_up.test", fall=asked, passed=passed, probability=share(found.probability_success, words), **values))
    return tuple(lines)


def follow_up_remarks(found: FollowUp, words: Translator) -> tuple[tuple[str, str], ...]:
    """The remarks on a follow-up: severity and sentence."""
    return tuple((remark.severity, _remark(remark, words)) for remark in found.remarks)


def learned_sentence(efficacy: Efficacy, category: str, words: Translator) -> str:
    """What past fixes made of the efficacy that is assumed for the next one."""
    ends = {name: share(value, words) for name, value in zip(("low", "middle", "high"), efficacy.quantiles((0.05, 0.5, 0.95)), strict=True)}
    return words.text("follow_up.learned", category=category, before=share(Efficacy().mean, words), **ends)


def follow_up_document(found: FollowUp, words: Translator) -> dict[str, Any]:
    """A follow-up for other programs; intervals are 90 %."""
    intervention, test = found.intervention, found.intervention.test
    months = {name: [f"{month:%Y-%m}" for month in getattr(found, name)] for name in ("months_before", "months_after")}
    rates = {"before": found.before, "after": found.after, "before_others": found.before_others, "after_others": found.after_others}
    learned = learned_efficacy([(intervention, found.log_effect, found.log_error)], intervention.category)
    return {
        "category": intervention.category,
        "start": f"{intervention.start:%Y-%m}",
        "touched": list(found.touched),
        "untouched": list(found.untouched),
        "expected": intervention.expected,
        "extent": intervention.extent,
        "agreed_test": None if test is None else {
            "read_in": f"{test.reading:%Y-%m}",
            "least_fall": test.least_fall,
            "sureness": test.sureness,
            "passed": found.probability_success >= test.sureness,
        },
        "outcome": found.outcome,
        **months,
        "basis": found.basis,
        **{f"complaint_rate_{name}": None if rate is None else _interval(rate) for name, rate in rates.items()},
        "fall": _interval(found.fall),
        "probability_fell": round(found.probability_fell, 6),
        "probability_success": round(found.probability_success, 6),
        "customers_kept": _interval(found.kept),
        "earlier_starts": found.starts,
        "placebo_p": None if found.placebo_p is None else round(found.placebo_p, 6),
        "log_effect": round(found.log_effect, 6),
        "log_error": round(found.log_error, 6),
        "efficacy": {"alpha": round(learned.alpha, 6), "beta": round(learned.beta, 6), "mean": round(learned.mean, 6)},
        "remarks": [{"code": one.code, "severity": one.severity, "message": _remark(one, words)} for one in found.remarks],
    }  # fmt: skip
