"""Reads how often the ranges held the truth of simulated companies, as the calibration benchmark wrote it beside this file."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

FIGURES = Path(__file__).with_name("coverage.json")
EVERYTHING = "all"
COVERAGE_COLUMNS = ("family", "nominal", "actual", "categories")


def coverage_table() -> pd.DataFrame:
    """One row per family of companies and nominal coverage, those of all families together first.

    Columns: family (a key, ``"all"`` for all together), nominal and actual (0-1), categories (how many the share was taken of).
    """
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else []
    return pd.DataFrame(figures, columns=list(COVERAGE_COLUMNS))
