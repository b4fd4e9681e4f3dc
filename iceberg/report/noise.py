"""Writes the sentences about chance and common causes: why a noise floor lies so high, and what it cannot see."""

from __future__ import annotations

from iceberg.locale import Translator, round_significant
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CategoryEstimate, CredibleInterval, IcebergEstimate, NegativeControl, TotalEstimate
from iceberg.report.words import category_of, customers, customers_range, per_complainant, share

NEAR_ESTIMATE = 0.8  # judgement: a noise floor this near to the middle of the estimate is explained
NEAR_TOTAL = 0.5  # judgement: so is one that reaches this share of all silent leavers


def placebo_sentence(estimate: IcebergEstimate, translator: Translator, *, category: str | None = None) -> str | None:
    """Why the noise floor of a category, or of the total, is extreme; None where it is not, or where there is none."""
    part = _part(estimate, category)
    if cannot_say(estimate) or part.placebo is None or part.vocal_customers == 0 or part.placebo.upper < 0.5:
        return None
    high, whole = customers(part.placebo.upper, translator), estimate.silent_leavers
    if whole and part.placebo.upper >= NEAR_TOTAL * whole:
        return translator.text("report.common_cause.floor_near_total", placebo_high=high, share=share(part.placebo.upper / whole, translator))
    if part.placebo.upper >= NEAR_ESTIMATE * part.silent_churn.median:
        return translator.text("report.common_cause.floor_near_estimate", placebo_high=high)
    return None


def common_cause_sentence(estimate: IcebergEstimate, translator: Translator, *, category: str | None = None) -> str | None:
    """What the placebo cannot see: how strong a common cause explains a category, or the total, away; None where it cannot be asked."""
    part = _part(estimate, category)
    if cannot_say(estimate) or part.common_cause is None or part.vocal_customers == 0:
        return None
    held = {"needed": rise(part.common_cause.median, translator), "low_end": rise(part.common_cause.lower, translator)}
    if category is None:
        return translator.text("report.common_cause.total", **held)
    return translator.text("report.common_cause.category", category=category, **held)


def control_sentences(estimate: IcebergEstimate, translator: Translator) -> tuple[str, ...]:
    """What the model would find for each negative control, beside what chance finds: bias that the other categories may have as well."""
    return () if cannot_say(estimate) else tuple(control_sentence(one, translator) for one in estimate.controls)


def control_sentence(control: NegativeControl, translator: Translator) -> str:
    """The finding of one negative control; that there is none where the evidence tests nothing."""
    if control.found is None or control.placebo is None:
        return translator.text("report.control.untested", category=control.category)
    ends = customers_range(control.found, translator)
    held = {"category": control.category, **ends, "placebo_high": customers(control.placebo.upper, translator)}
    if not control.above_chance or not control.vocal_customers:
        return translator.text("report.control.inside", **held)
    return translator.text("report.control.above", **held, ratio=per_complainant(control.found.median / control.vocal_customers, translator))


def rise(factor: float, translator: Translator) -> str:
    """A factor on the number of departures: "13 % more frequent", from two on "2.4 times as frequent"."""
    if factor < 1.005:
        return translator.text("report.common_cause.hardly")
    if factor < 2:
        return translator.text("report.common_cause.more", rise=translator.percent(factor - 1))
    return translator.text("report.common_cause.times", factor=translator.decimal(round_significant(factor)))


def short_rise(factor: CredibleInterval | None, translator: Translator) -> str:
    """The middle of a factor for a table: "+13 %"."""
    if factor is None:
        return translator.text("report.unknown")
    return translator.text(
        "report.common_cause.short", rise=share(factor.median - 1, translator) if factor.median < 2 else translator.percent(factor.median - 1)
    )


def _part(estimate: IcebergEstimate, category: str | None) -> CategoryEstimate | TotalEstimate:
    return estimate.total if category is None else category_of(estimate, category)
