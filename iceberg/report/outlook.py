"""Sentences about the near future of a category: who is still to leave, and at which ratio the order of the categories changes."""

from __future__ import annotations

from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.model.sensitivity import break_even_ratio
from iceberg.report.words import category_of, customers_range, per_complainant

PIPELINE_DAYS = (30, 90, 180)


def pipeline_sentence(estimate: IcebergEstimate, category: str, translator: Translator) -> str | None:
    """Silent leavers expected within 30, 90 and 180 days, each as a range; None below level 3, which cannot forecast them."""
    pipeline = category_of(estimate, category).pipeline
    if pipeline is None or not set(PIPELINE_DAYS) <= set(pipeline):
        return None
    values = {}
    for days in PIPELINE_DAYS:
        ends = customers_range(pipeline[days], translator)
        values[f"days_{days}"] = translator.text("report.range_words", low=ends["low"], high=ends["high"])
    return translator.text("report.outlook.pipeline", **values)


def break_even_sentence(estimate: IcebergEstimate, category: str, translator: Translator) -> str | None:
    """The ratio at which this category and the one it is compared with change places; None without another category, or without an order.

    The first category is compared with the second, every other one with the first, by their median silent churn.
    """
    item = category_of(estimate, category)
    others = [other for other in estimate.categories if other.category != category]
    if not others or item.vocal_customers == 0 or not estimate.evidence.ranks:
        return None
    other = max(others, key=lambda rival: rival.silent_churn.median)
    flips = break_even_ratio(estimate, category=category, other=other.category)
    if not flips:
        return None
    key = "stays_first" if item.silent_churn.median >= other.silent_churn.median else "becomes_first"
    own = item.silent_churn.median / item.vocal_customers
    values = {"ratio": per_complainant(flips, translator), "own": per_complainant(own, translator)}
    return translator.text(f"report.outlook.{key}", category=category, other=other.category, **values)
