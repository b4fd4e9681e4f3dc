"""What a reader wrote of costs, as this session holds it from page to page; nothing of it is stored or published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pandas as pd
import streamlit as st

from iceberg.errors import IcebergError
from iceberg.locale import Translator
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import Decisions, Fix, decide
from iceberg.model.decision.follow_up import Intervention, learned_efficacy
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.decisions import decision_headline
from iceberg.ui.frame import Frame
from iceberg.ui.session.study import Study

COST_COLUMNS = ("category", "cost", "running_cost", "extent", "efficacy_low", "efficacy_high")
BASE = "decide.base"  # the table from which the editor of the page counts its edits
DEFAULT_EFFICACY = (15.0, 48.0)  # per cent; of `Efficacy()`


@dataclass(frozen=True)
class CostSheet:
    """What was written: a table of costs (`COST_COLUMNS`; amounts, per cent), and the terms of the decision."""

    table: pd.DataFrame
    budget: float | None = None
    years: int = 1
    customer_value: float | None = None

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """A fix per category with a cost.

        Raises:
            OptionError: As `Fix` and `Efficacy`.
        """
        rows = self.table[self.table["cost"].notna()].to_dict("records")
        return tuple(
            Fix(
                str(row["category"]),
                float(row["cost"]),
                _number(row["running_cost"], 0.0),
                _number(row["extent"], 100.0) / 100,
                _efficacy(_number(row["efficacy_low"], DEFAULT_EFFICACY[0]), _number(row["efficacy_high"], DEFAULT_EFFICACY[1])),
            )
            for row in rows
        )

    def decided(self, estimate: IcebergEstimate) -> Decisions:
        """What these costs decide.

        Raises:
            OptionError: As `decide`.
        """
        return decide(estimate, self.fixes, budget=self.budget, years=self.years, customer_value=self.customer_value)


def empty_sheet(categories: tuple[str, ...], *, evidence: Sequence[tuple[Intervention, float, float]] = ()) -> CostSheet:
    """No cost yet, every category reached whole, the default efficacy or what past fixes say of it."""
    number = len(categories)
    ends = [DEFAULT_EFFICACY] * number
    if evidence:
        learned = [learned_efficacy(evidence, name).quantiles((0.05, 0.95)) for name in categories]
        ends = [(round(100 * low, 1), round(100 * high, 1)) for low, high in learned]
    columns = {
        "category": list(categories),
        "cost": pd.array([None] * number, dtype="Float64"),
        "running_cost": pd.array([None] * number, dtype="Float64"),
        "extent": [100.0] * number,
        "efficacy_low": [low for low, _ in ends],
        "efficacy_high": [high for _, high in ends],
    }
    return CostSheet(pd.DataFrame(columns))


def costs_of_session(study: Study) -> CostSheet | None:
    """What was written for this study in this session; None before."""
    sheet = st.session_state.get(_key(study))
    return sheet if isinstance(sheet, CostSheet) else None


def remember_costs(study: Study, sheet: CostSheet) -> None:
    """Hold what was written until the session ends."""
    st.session_state[_key(study)] = sheet


def start_from(study: Study, evidence: Sequence[tuple[Intervention, float, float]]) -> None:
    """Where costs are written already: put what past fixes say in place of the default efficacy, and leave what was typed."""
    sheet = costs_of_session(study)
    if sheet is None:
        return
    table, fresh = sheet.table.copy(), empty_sheet(tuple(sheet.table["category"]), evidence=evidence).table
    ends = ["efficacy_low", "efficacy_high"]
    default = (table[ends] == list(DEFAULT_EFFICACY)).all(axis=1)
    table.loc[default, ends] = fresh.loc[default, ends]
    remember_costs(study, replace(sheet, table=table))
    st.session_state.pop(BASE, None)


def decided_line(frame: Frame, estimate: IcebergEstimate) -> str | None:
    """The decision in a sentence, for the first page; None before a cost is written or where it decides nothing."""
    sheet = costs_of_session(frame.study)
    if sheet is None or cannot_say(estimate):
        return None
    try:
        return decision_headline(sheet.decided(estimate), estimate, frame.words) if sheet.fixes else None
    except IcebergError:  # said on the page on which the costs were written
        return None


def cost_header(name: str, currency: str, words: Translator) -> str:
    """The head of a column of the sheet."""
    return words.text(f"decide.{name}", currency=currency)


@cache
def _efficacy(low: float, high: float) -> Efficacy:
    return Efficacy() if (low, high) == DEFAULT_EFFICACY else Efficacy.between(low / 100, high / 100)


def _number(value: Any, default: float) -> float:  # noqa: ANN401  # a cell
    return default if pd.isna(value) else float(value)


def _key(study: Study) -> str:
    return f"costs.{study.digest[:16]}"
