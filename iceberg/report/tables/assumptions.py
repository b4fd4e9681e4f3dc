"""Frames about the assumptions of an estimate (how it moves with each of them) and about the rules that rows broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.tables.tidy import tidy_frame


def sensitivity_table(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Silent churn of each category as the assumed ratio moves: category, ratio, lower, median, upper (one mapping per point)."""
    return tidy_frame(list(points), ("category", "ratio", "lower", "median", "upper"))


def tornado_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """How far each assumption moves the total: assumption, low_value, high_value, at_low, at_high, base; widest swing first."""
    frame = tidy_frame(list(rows), ("assumption", "low_value", "high_value", "at_low", "at_high", "base"))
    swing = (frame["at_high"].astype(float) - frame["at_low"].astype(float)).abs()
    return frame.iloc[np.argsort(-swing.to_numpy(), kind="stable")].reset_index(drop=True)


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
    return tidy_frame(rows, ("table", "rule", "name", "rows", "rejected", "says", "remedy"))


def _optional(translator: Translator, key: str, fallback: str) -> str:
    return translator.text(key) if translator.has(key) else fallback
