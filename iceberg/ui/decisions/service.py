"""Closed in time, and lived: how many complaints were, and how many of those customers left all the same, in one sentence and one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import draw_table, open_section, show_reach, show_remarks, show_section_chart
from iceberg.ui.frame import Frame
from iceberg.ui.session.caches import cached

if TYPE_CHECKING:
    from iceberg.model.journey.service import Service
    from iceberg.report.charts.layers import LayeredChart


def show_service(frame: Frame, estimate: IcebergEstimate) -> None:
    """Nothing where no column says whether complaints were closed in time. Viewers see all complainants only."""
    study, words = frame.study, frame.words
    if study.counts.service is None:
        return
    # With scipy, which the page of a company without such a column need not wait for
    from iceberg.model.journey.service import estimate_service
    from iceberg.report.journey.service import TABLE_COLUMNS, service_headline, service_sentences, service_table

    horizon = estimate.assumptions.horizon_days
    key = f"service|{study.counts.digest}|{estimate.seed}|{horizon}"
    service: Service | None = cached(key, lambda: estimate_service(study.counts, horizon_days=horizon, seed=estimate.seed), study=study)
    if service is None:
        return
    whole = study.axes is None
    said = service_headline(service, words)
    open_section(frame, "service", said)
    table = service_table(service, words)
    table = table if whole else table.head(1)
    if not table[["in_median", "late_median"]].isna().all(axis=None):
        show_section_chart(frame, "service", f"{key}|{whole}", said, table, _dots, unit="rate")
    show_remarks(frame, service_sentences(service, words), key="service.remarks")
    show_reach(frame, "service")
    if len(table) > 1:
        with st.expander(words.text("service.details"), icon=":material/timer:", key="folded.service"):
            columns = {name: words.text(f"service.{label}") for name, label in TABLE_COLUMNS.items()}
            draw_table(table[list(TABLE_COLUMNS)], columns=columns, alt_text=words.text("service.details"), key="service.table")
    if whole:
        _show_waits(frame, service)


def _show_waits(frame: Frame, service: Service) -> None:
    """How long each category waited, folded; nothing where no column says it."""
    import pandas as pd

    from iceberg.report.journey.waits import wait_grid

    words = frame.words
    headers, rows = wait_grid(service.waits, words)
    if rows:
        with st.expander(words.text("service.waits.title"), icon=":material/hourglass:", key="folded.waits"):
            draw_table(pd.DataFrame(rows, columns=headers), alt_text=words.text("service.waits.title"), key="waits.table", hide_index=True)


def _dots() -> Callable[..., LayeredChart]:
    from iceberg.report.charts.answers.service import build_service_chart

    return build_service_chart
