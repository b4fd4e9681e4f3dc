"""Writes what to find out first: the study to make, what each kind would bring, how the sample is drawn, and the document for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from iceberg.locale import Translator
from iceberg.model.decision.information.design import Design, Reach
from iceberg.model.decision.information.sampling import Stratum
from iceberg.model.decision.information.studies import Stakes, StudyKind, StudyPlan, StudyValue
from iceberg.model.results import IcebergEstimate
from iceberg.report.tables.estimate import currency_of
from iceberg.report.words import in_hundred, share


def study_name(study: StudyPlan, words: Translator) -> str:
    """What is done, with its numbers."""
    values = {"number": words.integer(study.number), "asked": words.integer(study.to_ask), "category": study.category or ""}
    return words.text(f"information.study_{study.kind}", **values)


def design_headline(design: Design, estimate: IcebergEstimate, words: Translator, *, stakes: Stakes | None = None) -> str:
    """The study to make, in a sentence; or that none is needed, or none reaches the target."""
    target, best = design.target, design.best
    if target.category is None:
        return _decision_headline(design, estimate, words, stakes)
    values: dict[str, Any] = {"category": target.category, "other": target.other or ""}
    if design.is_settled:
        first, second = sorted((target.category, target.other or ""), key=lambda name: -_median(estimate, name))
        return words.text("information.settled", first=first, second=second, chance=in_hundred(1 - (design.wrong_pick_now or 0.0), words))
    goal = "half" if target.other is None else "choice"
    shown = best or min(design.reaches, key=lambda one: _distance(one, target.category or ""), default=None)
    if shown is None:
        return words.text("information.nothing_possible")
    values |= {"study": study_name(shown.value.study, words), "cost": _money(shown.value.study.cost, estimate, words)}
    values |= {"width": share(shown.value.width_of(target.category).ratio, words)}
    if goal == "choice":
        values |= {"now": in_hundred(design.wrong_pick_now or 0.0, words), "then": in_hundred(shown.wrong_pick or 0.0, words)}
    return words.text(f"information.{goal}" if best is not None else f"information.{goal}_not", **values)


def design_remarks(design: Design, estimate: IcebergEstimate, words: Translator) -> tuple[str, ...]:
    """What to know of the figures: ranges that rest on few draws, what an audit is doubted by, and where the prices come from."""
    unsettled = [study_name(one.value.study, words) for one in design.reaches if not one.value.is_settled]
    found = [words.text("information.few_draws", studies=" · ".join(unsettled))] if unsettled else []
    doubt = estimate.assumptions.incident_bias
    if doubt > 1 and any(one.value.study.kind is StudyKind.INCIDENT_AUDIT for one in design.reaches):
        found.append(words.text("information.audit_doubt", factor=words.decimal(doubt, 1)))
    return (*found, words.text("information.assumed"))


def display_design(design: Design, estimate: IcebergEstimate, words: Translator) -> pd.DataFrame:
    """One row per study tried, the one to make first."""
    rows = []
    for one in design.reaches:
        study = one.value.study
        row = {"study": study_name(study, words), "cost": _money(study.cost, estimate, words)}
        if design.target.category is None:
            row |= {"worth": _money(one.value.worth or 0.0, estimate, words), "gain": _money(one.value.gain or 0.0, estimate, words)}
        elif design.target.other is not None:
            row["wrong"] = in_hundred(one.wrong_pick or 0.0, words)
        else:
            row["width"] = share(one.value.width_of(design.target.category).ratio, words)
        row["reaches"] = words.format(one.reaches)
        rows.append({words.text(f"information.columns.{name}"): value for name, value in row.items()})
    return pd.DataFrame(rows)


def display_sample(strata: Sequence[Stratum], words: Translator) -> pd.DataFrame:
    """How many to draw in each segment."""
    rows = [
        {
            words.text("information.columns.segment"): one.segment or words.text("information.all_customers"),
            words.text("information.columns.leavers"): words.integer(one.leavers),
            words.text("information.columns.to_ask"): words.integer(one.to_ask),
            words.text("information.columns.probability"): share(one.probability, words),
        }
        for one in strata
    ]
    return pd.DataFrame(rows)


def information_document(evpi: float | None, stakes: Stakes | None, values: Sequence[StudyValue]) -> dict[str, Any]:
    """What could be found out, for other programs."""
    return {
        "evpi": _rounded(evpi),
        "of_the_losses": None if stakes is None else _rounded(stakes.certainty),
        "studies": [_study_document(value) for value in values],
    }


def design_document(design: Design) -> dict[str, Any]:
    """What the designer answers, for other programs; its studies are those of ``information``, in the same order."""
    target = design.target
    return {
        "target": {"category": target.category, "other": target.other},
        "settled": design.is_settled,
        "wrong_pick_now": _rounded(design.wrong_pick_now),
        "reaches": [{"reaches": one.reaches, "wrong_pick": _rounded(one.wrong_pick), **_study_document(one.value)} for one in design.reaches],
    }


def _study_document(value: StudyValue) -> dict[str, Any]:
    study = value.study
    return {
        "kind": str(study.kind),
        "category": study.category,
        "number": study.number,
        "to_ask": study.to_ask,
        "cost": round(study.cost, 6),
        "worth": _rounded(value.worth),
        "effective_draws": round(value.effective_draws, 1),
        "settled": value.is_settled,
        "widths": [
            {"category": one.category, "before": round(one.before, 6), "after": round(one.after, 6), "ratio": round(one.ratio, 6)}
            for one in value.widths
        ],
    }


def _decision_headline(design: Design, estimate: IcebergEstimate, words: Translator, stakes: Stakes | None) -> str:
    first = next(iter(design.reaches), None)
    if first is None:
        return words.text("information.nothing_possible")
    values = {"study": study_name(first.value.study, words), "cost": _money(first.value.study.cost, estimate, words)}
    values |= {"worth": _money(first.value.worth or 0.0, estimate, words)}
    if first.reaches:
        return words.text("information.decision", **values)
    most = max(design.reaches, key=lambda one: one.value.worth or 0.0)
    values = {"study": study_name(most.value.study, words), "cost": _money(most.value.study.cost, estimate, words)}
    values |= {"worth": _money(most.value.worth or 0.0, estimate, words)}
    certainty = _money(0.0 if stakes is None else stakes.certainty, estimate, words)
    return words.text("information.decision_not", **values, certainty=certainty)


def _distance(one: Reach, category: str) -> float:
    return one.wrong_pick if one.wrong_pick is not None else one.value.width_of(category).ratio


def _median(estimate: IcebergEstimate, name: str) -> float:
    return next(item.silent_churn.median for item in estimate.categories if item.category == name)


def _money(value: float, estimate: IcebergEstimate, words: Translator) -> str:
    return words.money_compact(value, currency_of(estimate))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
