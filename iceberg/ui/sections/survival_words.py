"""The models of the survival page in words: hazard ratios with their check, fits with their distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from iceberg.arrays import FloatArray
from iceberg.locale import Translator
from iceberg.model.survival.cox import CoxReading
from iceberg.model.survival.curves import ParametricFit, SurvivalCurve


@dataclass(frozen=True, eq=False)
class FittedCurve:
    """A fit beside the curve it was made from: no band, and no customers of its own."""

    days: FloatArray
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_risk: FloatArray


def cox_table(reading: CoxReading, words: Translator) -> pd.DataFrame:
    """One row per category: hazard ratio with its interval, p-value of the check, and the check in words."""
    rows = [
        {
            words.text("report.columns.category"): category,
            words.text("ui.survival.hazard_ratio"): words.decimal(ratio.median),
            words.text("report.columns.lower"): words.decimal(ratio.lower),
            words.text("report.columns.upper"): words.decimal(ratio.upper),
            words.text("ui.survival.check"): words.text(f"ui.survival.check_{code}"),
            words.text("ui.survival.p_value"): words.decimal(float(str(values["p_value"])), digits=3),
        }
        for category, ratio, (code, values) in zip(reading.categories, reading.hazard_ratio, reading.proportional, strict=True)
    ]
    return pd.DataFrame(rows)


def fit_sentences(fit: ParametricFit, words: Translator) -> list[str]:
    """How close the fit is, and what its shape says."""
    name = words.text(f"ui.survival.{fit.kind}")
    if fit.code == "fit_failed":
        return [words.text("ui.survival.fit_failed", name=name)]
    gap = words.percent(fit.largest_gap, digits=1)
    sentences = [words.text(f"ui.survival.{fit.code}", name=name, gap=gap, day=round(fit.gap_day), aic=round(fit.aic))]
    if fit.kind == "weibull":
        trend = "falls" if fit.shape_upper < 1 else "grows" if fit.shape_lower > 1 else "steady"
        sentences.append(
            words.text(
                f"ui.survival.shape_{trend}",
                shape=fit.parameters["shape"],
                lower=fit.shape_lower,
                upper=fit.shape_upper,
            )
        )
    return sentences


def fit_curves(observed: SurvivalCurve, fits: Sequence[ParametricFit], words: Translator) -> dict[str, SurvivalCurve | FittedCurve]:
    """The Kaplan-Meier curve and every fit that worked, by name."""
    curves: dict[str, SurvivalCurve | FittedCurve] = {"Kaplan-Meier": observed}
    for fit in fits:
        if fit.code != "fit_failed":
            none = np.full(len(fit.days), np.nan)
            curves[words.text(f"ui.survival.{fit.kind}")] = FittedCurve(fit.days, fit.estimate, none, none, none)
    return curves
