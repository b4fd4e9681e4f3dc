"""Good moments: whether they keep customers, in one sentence and, where something can be said, one picture."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.figure import Chart, draw_table, show_chart, show_remarks
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached

if TYPE_CHECKING:
    from iceberg.model.positives.estimate import Enchantment
    from iceberg.report.palette import Theme


def show_enchantment(frame: Frame, estimate: IcebergEstimate) -> None:
    """Nothing without a file of good moments. Viewers see all moments together only."""
    study, words = frame.study, frame.words
    if study.counts.positives is None:
        return
    from iceberg.model.positives.estimate import estimate_enchantment
    from iceberg.report.positives.sentences import TABLE_COLUMNS, positives_headline, positives_sentences, positives_table

    key = f"positives|{study.counts.digest}|{estimate.seed}"
    found: Enchantment | None = cached(key, lambda: estimate_enchantment(study.counts, seed=estimate.seed), study=study)
    if found is None:
        return
    whole = study.axes is None
    st.subheader(words.text("positives.title"), anchor=False)
    said = positives_headline(found, words)
    st.markdown(f"**{plain(said)}**")
    table = positives_table(found, words, whole=whole)
    if table["median"].notna().any():

        def buoys(theme: Theme = "light") -> Any:  # noqa: ANN401  # a chart of Altair
            from iceberg.report.charts.journey.buoys import build_buoys  # with the chart library, which a first visitor need not wait for

            return build_buoys(table, words, theme, description=said, narrow=frame.narrow)

        show_chart(frame, Chart("positives", f"{key}|{whole}", partial(buoys, frame.theme), lambda: said, lambda: table, paper=buoys))
    show_remarks(frame, positives_sentences(found, words), key="positives.remarks")
    if frame.view.filters.months or frame.view.filters.segments:
        st.caption(words.text("positives.whole"))
    if len(table) > 1:
        with st.expander(words.text("positives.details"), icon=":material/lifebuoy:", key="folded.positives"):
            columns = {name: words.text(f"positives.{label}") for name, label in TABLE_COLUMNS.items()}
            draw_table(table[list(TABLE_COLUMNS)], columns=columns, alt_text=words.text("positives.details"), key="positives.table")
