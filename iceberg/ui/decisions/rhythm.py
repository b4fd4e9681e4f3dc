"""Who breaks with a habit: one sentence and one picture, the budget of false alarms beside them, and what stands behind them folded.

The counts hold an answer for each budget that is offered, so that no customer's row is needed once the files are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from iceberg.ui.figure import Chart, draw_table, show_chart, show_reach, show_remarks
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain

if TYPE_CHECKING:
    from iceberg.cohort.rhythm.counts import RhythmCounts
    from iceberg.locale import Translator
    from iceberg.report.palette import Theme

    TableOf = Callable[[RhythmCounts, Translator], tuple[list[str], list[list[str]]]]


MOST_BROUGHT, USUAL_BROUGHT = 10_000, 5  # judgement: a number to begin with


def show_rhythm(frame: Frame) -> None:
    """Nothing without an activity log. Viewers read no group and no count of fewer than five people, since those could be subtracted."""
    study, words = frame.study, frame.words
    if not study.counts.rhythms:
        return
    from iceberg.report.rhythm.sentences import remark_sentence, rhythm_headline, rhythm_sentences
    from iceberg.report.small_cells import SMALLEST

    smallest = 0 if study.axes is None else SMALLEST
    st.subheader(words.text("rhythm.title"), anchor=False)
    found = _chosen(frame)
    said = rhythm_headline(found, words, smallest=smallest)
    st.markdown(f"**{plain(said)}**")
    _show_pictures(frame, found, said, smallest)
    sentences = rhythm_sentences(found, words, smallest=smallest)
    sentences += [] if smallest else [remark_sentence(one, words) for one in found.remarks]
    show_remarks(frame, sentences, key="rhythm.remarks")
    show_reach(frame, "scores")
    _show_tables(frame, found, whole=not smallest)


def _chosen(frame: Frame) -> RhythmCounts:
    """The answer for the budget that the reader chooses."""
    words = frame.words
    by_budget = {one.budget: one for one in frame.study.counts.rhythms}
    default = frame.study.counts.rhythms[0].budget
    if len(by_budget) < 2:
        return by_budget[default]
    chosen = st.radio(
        words.text("rhythm.budget"),
        sorted(by_budget),
        index=sorted(by_budget).index(default),
        format_func=lambda budget: words.decimal(budget, 0 if budget == int(budget) else 1),
        horizontal=True,
        help=plain(words.text("rhythm.budget_help")),
        key="rhythm.budget",
    )
    return by_budget.get(chosen, by_budget[default])


def _show_pictures(frame: Frame, found: RhythmCounts, said: str, smallest: int) -> None:
    """The pulse of the company, and the average trace around a break beside it or, on a phone, below."""
    import pandas as pd

    from iceberg.report.rhythm.frames import periods_frame, trace_frame, trace_sentence, trace_table, weeks_frame
    from iceberg.report.rhythm.sentences import period_table

    words, key = frame.words, f"{frame.study.counts.digest}|{found.budget}|{smallest}|{frame.language}"
    weeks, periods, trace, says = weeks_frame(found), periods_frame(found, smallest=smallest), trace_frame(found), trace_sentence(found, words)

    def pulse(theme: Theme = "light") -> Any:  # noqa: ANN401  # a chart of Altair
        from iceberg.report.charts.rhythm.pulse import build_pulse  # with the chart library, which a first visitor need not wait for

        return build_pulse(weeks, periods, words, theme, description=said, since=found.since, narrow=frame.narrow)

    def average(theme: Theme = "light") -> Any:  # noqa: ANN401  # as above
        from iceberg.report.charts.rhythm.trace import build_trace

        return build_trace(trace, words, theme, description=says, narrow=True)

    def figures() -> pd.DataFrame:
        headers, rows = period_table(found, words, smallest=smallest)
        return pd.DataFrame(rows, columns=headers)

    left, right = (st.container(), st.container()) if frame.narrow else st.columns(2, gap="large")
    with left:
        show_chart(frame, Chart("pulse", key, partial(pulse, frame.theme), lambda: said, figures, paper=pulse))
    with right:
        show_chart(frame, Chart("break_trace", key, partial(average, frame.theme), lambda: says, lambda: trace_table(found, words), paper=average))
        st.caption(plain(says))


def _show_tables(frame: Frame, found: RhythmCounts, *, whole: bool) -> None:
    """After what it happens, in which segment, and the test on the past of the log; drawn once a reader asks."""
    from iceberg.report.rhythm.sentences import backtest_table, category_table, segment_table

    if whole:
        _show_table(frame, found, "category", category_table, icon=":material/bolt:", otherwise="rhythm.no_events")
        _show_ripple(frame, found)
        if found.segments:
            _show_table(frame, found, "segment", segment_table, icon=":material/groups:")
    if found.backtest:
        _show_table(frame, found, "past", backtest_table, icon=":material/history:")


def _show_ripple(frame: Frame, found: RhythmCounts) -> None:
    """What one who leaves takes along: measured where a column says who brought whom, else a scenario for a number that is typed."""
    words = frame.words
    folded = st.expander(words.text("rhythm.ripple_title"), icon=":material/waves:", key="folded.rhythm_ripple", on_change="rerun")
    if not folded.open:
        return
    from iceberg.cohort.rhythm.counts import COMPANIONS
    from iceberg.model.decision.ripple import ripple_scenario
    from iceberg.report.rhythm.sentences import ripple_sentence

    with folded:
        if any(one.source == COMPANIONS and one.ratio is not None for one in found.categories):
            st.caption(plain(words.text("rhythm.ripple_measured")))
        brought = st.number_input(words.text("rhythm.ripple_brought"), 1, MOST_BROUGHT, USUAL_BROUGHT, key="rhythm.brought")
        scenario = ripple_scenario(found, int(brought))
        if scenario is not None:
            st.markdown(plain(ripple_sentence(scenario, words)))


_TITLES = {"category": "categories", "segment": "segments", "past": "backtest"}


def _show_table(frame: Frame, found: RhythmCounts, name: str, build: TableOf, *, icon: str, otherwise: str = "") -> None:
    words = frame.words
    folded = st.expander(words.text(f"rhythm.by_{name}"), icon=icon, key=f"folded.rhythm_{name}", on_change="rerun")
    if not folded.open:
        return
    import pandas as pd

    with folded:
        headers, rows = build(found, words)
        if not rows:
            st.caption(plain(words.text(otherwise)))
            return
        title = words.text(f"rhythm.titles.{_TITLES[name]}")
        st.caption(plain(title))
        draw_table(pd.DataFrame(rows, columns=headers), alt_text=title, key=f"rhythm.{name}", hide_index=True)
