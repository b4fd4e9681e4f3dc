"""What a reader wrote of costs, as this session holds it from page to page; nothing of it is stored or published."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
import streamlit as st

from iceberg.errors import IcebergError
from iceberg.locale import Translator
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import Decisions, Fix, decide
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.decisions import decision_headline
from iceberg.ui.frame import Frame
from iceberg.ui.session.study import Study

COST_COLUMNS = ("category", "cost", "running_cost", "extent", "efficacy_low", "efficacy_high")
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


def empty_sheet(categories: tuple[str, ...]) -> CostSheet:
    """No cost yet, every category reached whole, the default efficacy."""
    number = len(categories)
    columns = {
        "category": list(categories),
        "cost": pd.array([None] * number, dtype="Float64"),
        "running_cost": pd.array([None] * number, dtype="Float64"),
        "extent": [100.0] * number,
        "efficacy_low": [DEFAULT_EFFICACY[0]] * number,
        "efficacy_high": [DEFAULT_EFFICACY[1]] * number,
    }
    return CostSheet(pd.DataFrame(columns))


def costs_of_session(study: Study) -> CostSheet | None:
    """What was written for this study in this session; None before."""
    sheet = st.session_state.get(_key(study))
    return sheet if isinstance(sheet, CostSheet) else None


def remember_costs(study: Study, sheet: CostSheet) -> None:
    """Hold what was written until the session ends."""
    st.session_state[_key(study)] = sheet


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
