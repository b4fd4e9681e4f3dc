"""Builds the tidy sheets behind the workbook and the CSV: one row per thing, raw numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.decision.verdict import has_ranks, judge_category
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.advice import noise_sentence, ranking_lead
from iceberg.report.files.document.executive import period_text, remark_lines
from iceberg.report.files.document.method_section import (
    assumption_rows,
    fact_lines,
    limit_sentences,
    method_sentences,
    rows_text,
    table_name,
)
from iceberg.report.files.provenance import Provenance
from iceberg.report.noise import common_cause_sentence, control_sentences, placebo_sentence
from iceberg.report.small_cells import hide_small, shown_columns, shown_segments
from iceberg.report.tables.estimate import month_trend_table, pipeline_table, ranking_table, total_table
from iceberg.report.tables.tidy import interval_columns
from iceberg.report.words import comparator_sentence, definition, evidence_badge, headline_reservation, headline_sentence

SheetName = Literal["total", "categories", "months", "columns", "segments", "ahead", "assumptions", "notes"]


NO_VERDICT = "none"  # as in ``report.verdict``
_OBSERVED = ("vocal_customers", "silent_leavers")


@dataclass(frozen=True, eq=False)
class Sheet:
    """One table: its name (``export.sheet.<name>``) and its rows."""

    name: SheetName
    frame: pd.DataFrame


def build_sheets(
    estimate: IcebergEstimate, counts: CohortCounts, provenance: Provenance, words: Translator, *, smallest: int = 0
) -> tuple[Sheet, ...]:
    """Every table of the estimate, the company first, the notes last; tables without a row are left out, counts under `smallest` empty."""
    refused = cannot_say(estimate)
    sheets = [Sheet("total", _totals(estimate)), Sheet("categories", _categories(estimate))]
    cells = estimate.cells if estimate.categories and not refused else None  # without a category nothing is behind anything
    if cells is not None and cells.has_calendar:
        sheets.append(Sheet("months", hide_small(month_trend_table(estimate), _OBSERVED, smallest=smallest)))
    if cells is not None and len(cells.segments) > 1:
        if cells.segment_columns:
            sheets.append(Sheet("columns", shown_columns(estimate, smallest=smallest)))
        sheets.append(Sheet("segments", shown_segments(estimate, smallest=smallest)))
    ahead = pipeline_table(estimate).iloc[: 0 if refused else None]
    ahead["category"] = [name or words.text("report.all_categories") for name in ahead["category"]]
    columns = ["assumption", "value", "grade", "source"]
    sheets += [
        Sheet("ahead", ahead),
        Sheet("assumptions", pd.DataFrame(list(assumption_rows(estimate.assumptions, words)), columns=columns)),
        Sheet("notes", pd.DataFrame(list(_notes(estimate, counts, provenance, words)), columns=["about", "text"])),
    ]
    return tuple(sheet for sheet in sheets if not sheet.frame.empty)




def _totals(estimate: IcebergEstimate) -> pd.DataFrame:
    frame = total_table(estimate)
    if cannot_say(estimate):
        frame = frame[frame["quantity"].isin((*_OBSERVED, "folk_estimate"))].reset_index(drop=True)
    units = {"revenue_lost": "money", "common_cause": "factor"}
    frame["unit"] = [units.get(quantity, "customers") for quantity in frame["quantity"]]
    return frame[["quantity", "unit", "lower", "median", "upper"]]


def _categories(estimate: IcebergEstimate) -> pd.DataFrame:
    """Every figure of every category, the first to fix on top."""
    first = {name: rank for rank, name in zip(*(ranking_table(estimate)[column] for column in ("rank", "category")), strict=True)}
    rows = [
        {
            "rank": first[item.category],
            "category": item.category,
            "verdict": judge_category(estimate, item).verdict or NO_VERDICT,
            "vocal_customers": item.vocal_customers,
            **interval_columns("silent", item.silent_churn),
            **interval_columns("revenue_lost", item.revenue_lost),
            "probability_first": item.probability_worst if has_ranks(estimate) else None,
            "prior_share": item.prior_share,
            **interval_columns("placebo", item.placebo),
            **interval_columns("common_cause", item.common_cause),
            **interval_columns("supported", item.ratio_posterior),
            **interval_columns("prior", item.ratio_prior),
            **interval_columns("excess", item.excess_probability),
            "folk_leavers": item.folk_estimate,
        }
        for item in estimate.categories
    ]
    frame = pd.DataFrame(rows)
    if cannot_say(estimate):  # what was counted and what was assumed stays
        known = {"category", "verdict", "vocal_customers", "prior_share", "folk_leavers", *interval_columns("prior", None)}
        return frame.assign(**{name: float("nan") for name in frame.columns if name not in known}).sort_values("category", ignore_index=True)
    return frame.sort_values(["rank", "category"], ignore_index=True) if rows else frame


def _notes(estimate: IcebergEstimate, counts: CohortCounts, provenance: Provenance, words: Translator) -> Sequence[tuple[str, str]]:
    def about(name: str) -> str:
        return words.text(f"export.about.{name}")

    badge = evidence_badge(estimate, words)
    notes = [
        (about("title"), provenance.title),
        *([(about("sample"), words.text("export.sample"))] if provenance.sample else []),
        (about("period"), period_text(estimate, counts, words)),
        (about("headline"), headline_sentence(estimate, words)),
        (about("headline"), headline_reservation(estimate, words)),
        (about("verdict"), ranking_lead(estimate, words)),
        (about("definition"), definition(words)),
        (about("interval"), words.text("export.interval")),
        *([(about("period"), words.text("export.months_together"))] if estimate.cells is not None and estimate.cells.last_months else []),
        (about("evidence"), f"{badge.label}. {badge.says} {badge.help}"),
        *((about("evidence"), reason) for reason in badge.reasons),
        (about("comparator"), comparator_sentence(estimate, words) if estimate.total.vocal_customers and not cannot_say(estimate) else ""),
        (about("noise"), noise_sentence(estimate, words) or ""),
        (about("noise"), placebo_sentence(estimate, words) or ""),
        (about("common_cause"), common_cause_sentence(estimate, words) or ""),
        *((about("common_cause"), said) for said in control_sentences(estimate, words)),
        *((about("remark"), f"{severity} – {sentence}") for severity, sentence in remark_lines(estimate, words)),
        *((about("method"), sentence) for sentence in method_sentences(words)),
        *((about("limit"), sentence) for sentence in limit_sentences(words)),
        (about("grades"), words.text("ui.method.grades")),
        *((about("file"), _file(file.name, file.table, file.sha256 or "", provenance, words)) for file in provenance.files),
        *((about("reproduce"), line) for line in fact_lines(estimate, provenance, words)),
    ]
    return [(name, text) for name, text in notes if text]


def _file(name: str, role: str, sha256: str, provenance: Provenance, words: Translator) -> str:
    parts = (name, table_name(role, words), rows_text(role, provenance, words), f"SHA-256 {sha256}" if sha256 else "")
    return words.text("report.separator").join(part for part in parts if part)
