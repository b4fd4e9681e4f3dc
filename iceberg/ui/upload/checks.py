"""The step "checks": what became of every row, which rules found problems where, and what to do about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import cast

import pandas as pd
import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.sections.window import LONGEST_LOOK_BACK, LONGEST_SCORE_LOOK_BACK, SHORTEST_SCORE_LOOK_BACK
from iceberg.ingest.tables import IngestReport
from iceberg.locale import visible
from iceberg.ui.figure import draw_table, show_diagnostics
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.upload.upload import CountedUpload, ending_by

WINDOW = "window"
READ_ON = "read_on"
KEEP_MONTHS = "keep_months"
LOOK_BACK = "look_back"
SCORE_LOOK_BACK = "score_look_back"
TERM = "term"
TERMS_OFFERED = (6, 12, 24, 36)
KEEP_CANCELLATIONS = "keep_cancellations"
CONTROLS = "negative_controls"


def show_checks(frame: Frame, counted: CountedUpload, *, files: str, term: int | None = None) -> None:
    """Show what became of every row; then what was counted and over which days."""
    show_report(frame, counted.report)
    _choose_today(frame, counted.report, files)
    if counted.rejected:
        st.download_button(
            frame.words.text("ui.upload.checks_download"),
            data=counted.rejected,
            file_name=frame.words.text("ui.upload.checks_file"),
            mime="text/csv",
            icon=":material/download:",
            key="issues.download",
            on_click="ignore",
        )
    if counted.counts is not None:
        if counted.counts.has_calendar:
            last = counted.visible_until
            if last is not None:
                _show_breaks(frame, counted.counts)
            _choose_window(frame, ending_by(chosen_window(files), last) or counted.counts.window, files, last=last)
            _choose_months(frame, counted.counts, files)
            _choose_cancellations(frame, counted.counts, files)
        if counted.counts.has_calendar and counted.counts.has_customers:
            _choose_term(frame, counted.counts, files, term)
        _choose_controls(frame, counted.counts, files)
        _choose_score_days(frame, counted.counts, files)
        _show_counted(frame, counted)


def show_report(frame: Frame, report: IngestReport) -> None:
    """Show totals per table, rules that found problems, the rows concerned, and columns never read."""
    for table, totals in report.rows.items():
        said = frame.words.text(
            "ui.upload.checks_balance",
            table=frame.words.text(f"ui.upload.table_{table}"),
            read=totals.read,
            kept=totals.kept,
            rejected=totals.rejected,
        )
        st.markdown(plain(said))
    for part in report.parts:
        says = frame.words.text("ui.upload.checks_part", file=part.file, read=part.read, kept=part.kept, rejected=part.rejected)
        st.markdown(f"- {plain(says)}")
    for code, values in report.notes:  # assumptions about the files, as the command line prints them
        own = f"ui.upload.note_{code}"  # on the page a control stands in the place of a line in a mapping
        st.info(plain(frame.words.text(own if frame.words.has(own) else f"ingest.notes.{code}", **values)), icon=":material/info:")
    if report.rules:
        _show_rules(frame, report)
    else:
        st.success(frame.words.text("ui.upload.checks_none"), icon=":material/check_circle:")
    _show_dropped(frame, report)


def _show_rules(frame: Frame, report: IngestReport) -> None:
    from iceberg.report.tables.assumptions import rules_table

    words = frame.words
    rules = rules_table(report.rules, words)
    rules["table"] = [words.text(f"ui.upload.table_{table}") for table in rules["table"]]
    rules["rejected"] = [words.text(f"ui.upload.checks_{'rejected' if rejected else 'flagged'}") for rejected in rules["rejected"]]
    columns = ("table", "name", "rows", "rejected", "says", "remedy")
    st.markdown(f"**{words.text('ui.upload.checks_rules')}**")
    draw_table(
        rules[list(columns)],
        columns={column: words.text(f"report.columns.{column}") for column in columns},
        alt_text=words.text("ui.upload.checks_rules"),
        key="rules",
    )
    issues = _issues(frame, report)
    st.markdown(f"**{words.text('ui.upload.checks_issues')}**")
    draw_table(
        issues,
        columns={column: words.text(f"ui.upload.issue_{column}") for column in issues.columns},
        alt_text=words.text("ui.upload.checks_issues"),
        key="issues",
    )


def _issues(frame: Frame, report: IngestReport) -> pd.DataFrame:
    """One row per problem: file, line, column, value, rule, what to do."""
    words = frame.words
    rows = [
        {
            "file": issue.file,
            "line": issue.line,
            "column": issue.column,
            "value": issue.value,
            "rule": words.text(f"ingest.rules.{issue.rule}.name"),
            "remedy": words.text(f"ingest.rules.{issue.rule}.remedy"),
            "outcome": words.text(f"ui.upload.checks_{'rejected' if issue.rejected else 'flagged'}"),
        }
        for issue in report.issues
    ]
    return pd.DataFrame(rows, columns=["file", "line", "column", "value", "rule", "remedy", "outcome"])


def _show_dropped(frame: Frame, report: IngestReport) -> None:
    """Show the columns that were never read: names, addresses and free text stay in the file."""
    dropped = {str(getattr(reading, "file", "")): tuple(getattr(reading, "dropped", ())) for reading in report.files}
    for file, headers in dropped.items():
        if headers:
            st.caption(plain(frame.words.text("ui.upload.dropped", file=file, headers=", ".join(headers))))


def _show_breaks(frame: Frame, counts: CohortCounts) -> None:
    """Say how many regulars left at a break of their rhythm, and that the window ends earlier for it."""
    from iceberg.model.diagnose import about_reading

    show_diagnostics(frame, [one for one in about_reading(counts) if one.code in {"departures_collapse", "departures_both"}])


def chosen_window(files: str) -> ObservationWindow | None:
    """The days chosen on screen for these files; None for the default window."""
    identity, window = st.session_state.get(WINDOW, ("", None))
    return window if identity == files else None


def chosen_today(files: str) -> date | None:
    """The day chosen on screen as today for these files; None where none was."""
    identity, day = st.session_state.get(READ_ON, ("", None))
    return day if identity == files else None


def _choose_today(frame: Frame, report: IngestReport, files: str) -> None:
    """Offer another day as today where a date lies after it; another day counts the files again."""
    chosen = chosen_today(files)
    if report.read_on is None or (chosen is None and all(code != "dates_in_the_future" for code, _ in report.notes)):
        return
    words = frame.words
    day = st.date_input(
        words.text("ui.upload.read_on"),
        value=chosen or report.read_on,
        key=f"read_on.{files[:12]}",
        format="DD/MM/YYYY",
        help=words.text("ui.upload.read_on_help"),
    )
    if isinstance(day, date) and day != (chosen or report.read_on):
        st.session_state[READ_ON] = (files, day)
        st.rerun()


def _choose_window(frame: Frame, window: ObservationWindow, files: str, *, last: date | None) -> None:
    """Choose the first and last day, the last one not after `last`; another choice counts the files again."""
    words = frame.words
    since, as_of, before = st.columns(3)
    first = since.date_input(words.text("ui.upload.window_since"), value=window.since, key=f"since.{window.since}", format="DD/MM/YYYY")
    key = f"as_of.{window.as_of}" + (f".{last}" if last else "")  # a day that was chosen without that bound may lie after it
    end = as_of.date_input(words.text("ui.upload.window_as_of"), value=window.as_of, max_value=last, key=key, format="DD/MM/YYYY")
    before.number_input(
        words.text("ui.upload.look_back"),
        min_value=0,
        max_value=LONGEST_LOOK_BACK,
        value=window.look_back_days,
        step=30,
        key=f"{LOOK_BACK}.{files[:12]}",
        help=words.text("ui.upload.look_back_help"),
    )
    if (first, end) != (window.since, window.as_of):
        st.session_state[WINDOW] = (files, replace(window, since=first, as_of=end))
        st.rerun()


def look_back(files: str, *, usual: int | None) -> int | None:
    """Days before the window in which a complaint ends a silence: as chosen on screen for these files, else as the mapping says."""
    chosen = st.session_state.get(f"{LOOK_BACK}.{files[:12]}", usual)
    return None if chosen is None else int(chosen)


def score_look_back(files: str, *, usual: int | None) -> int | None:
    """For how many days a satisfaction score is a customer's last word: as chosen on screen for these files, else as the mapping says."""
    chosen = st.session_state.get(f"{SCORE_LOOK_BACK}.{files[:12]}", usual)
    return None if chosen is None else int(chosen)


def _choose_score_days(frame: Frame, counts: CohortCounts, files: str) -> None:
    """Choose for how long a score counts; another choice counts the files again."""
    if counts.scores is None:
        return
    words = frame.words
    st.number_input(
        words.text("ui.upload.score_look_back"),
        min_value=SHORTEST_SCORE_LOOK_BACK,
        max_value=LONGEST_SCORE_LOOK_BACK,
        value=counts.scores.look_back_days,
        step=30,
        key=f"{SCORE_LOOK_BACK}.{files[:12]}",
        help=words.text("ui.upload.score_look_back_help"),
    )


def keeps_months(files: str, *, usual: bool) -> bool:
    """Whether to count the months that are no evidence: as chosen on screen for these files, else as the mapping says."""
    return bool(st.session_state.get(f"{KEEP_MONTHS}.{files[:12]}", usual))


def _choose_months(frame: Frame, counts: CohortCounts, files: str) -> None:
    """Name the months that are no evidence; one click counts them all the same."""
    if not counts.unrecorded:
        return
    from iceberg.model.diagnose import about_months

    show_diagnostics(frame, about_months(counts))
    _keep_all_the_same(frame, KEEP_MONTHS, files, overruled=any(run.overruled for run in counts.unrecorded))


def _keep_all_the_same(frame: Frame, what: str, files: str, *, overruled: bool) -> None:
    """A switch that counts what was left out."""
    st.toggle(frame.words.text(f"ui.upload.{what}"), value=overruled, key=f"{what}.{files[:12]}")


def chosen_term(files: str, *, usual: int | None) -> int | None:
    """Months between renewals of contracts: as chosen on screen for these files, else as the mapping says."""
    return cast("int | None", st.session_state.get(f"{TERM}.{files[:12]}", usual))


def _choose_term(frame: Frame, counts: CohortCounts, files: str, usual: int | None) -> None:
    """The term of contracts: as the departures show, none, or a number of months; what was found is named."""
    words = frame.words
    names = {None: words.text("ui.upload.term_auto"), 0: words.text("ui.upload.term_none")}
    terms = [None, 0, *sorted({*TERMS_OFFERED, *([usual] if usual else [])})]
    st.selectbox(
        words.text("ui.upload.term"),
        terms,
        index=terms.index(usual),
        format_func=lambda months: names.get(months) or words.text("ui.upload.term_months", months=months),
        help=words.text("ui.upload.term_help"),
        key=f"{TERM}.{files[:12]}",
    )
    if counts.renewals is not None:
        found, share = counts.renewals, round(100 * counts.renewals.departures)
        if found.source == "column" and found.modelled:
            said = words.text("ui.upload.term_column", terms=", ".join(map(str, found.all_terms)), share=share)
        elif found.source == "column" and not found.blocks:
            said = words.text("ui.upload.term_column_unseen")
        elif found.unmodelled == "calendar":
            said = words.text("ui.upload.term_calendar", term=found.term_months, share=share)
        else:
            said = words.text("ui.upload.term_found", term=found.term_months, share=share)
        st.caption(plain(said))


def keeps_cancellations(files: str, *, usual: bool) -> bool:
    """Whether logged cancellations count as complaints: as chosen on screen for these files, else as the mapping says."""
    return bool(st.session_state.get(f"{KEEP_CANCELLATIONS}.{files[:12]}", usual))


def _choose_cancellations(frame: Frame, counts: CohortCounts, files: str) -> None:
    """Name the categories with logged cancellations; one click counts these as complaints."""
    if not counts.cancellations:
        return
    from iceberg.model.diagnose import about_cancellations

    show_diagnostics(frame, about_cancellations(counts))
    _keep_all_the_same(frame, KEEP_CANCELLATIONS, files, overruled=any(one.overruled for one in counts.cancellations))


def chosen_controls(files: str, *, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The negative controls: as chosen on screen for these files, else as the mapping says."""
    return tuple(st.session_state.get(f"{CONTROLS}.{files[:12]}", usual))


def _choose_controls(frame: Frame, counts: CohortCounts, files: str) -> None:
    """Choose the categories that cannot make customers leave; two are needed, one of them to estimate."""
    if len(counts.categories) < 2 or not counts.has_customers:
        return
    words = frame.words
    st.multiselect(
        words.text("ui.upload.controls"),
        counts.categories,
        default=list(counts.negative_controls),
        max_selections=len(counts.categories) - 1,
        format_func=visible,
        help=words.text("ui.upload.controls_help"),
        placeholder=words.text("ui.upload.choose_some"),
        key=f"{CONTROLS}.{files[:12]}",
        select_all=False,  # its words are English
    )


def _show_counted(frame: Frame, counted: CountedUpload) -> None:
    counts = counted.counts
    assert counts is not None  # noqa: S101  # checked by the caller
    from iceberg.report.counts_summary import counts_summary

    sentence = "counted" if counts.has_linked_complaints else "counted_volumes"
    found = counts_summary(counts)
    named = {name: frame.words.text(f"ui.upload.count_{name}", count=found[name]) for name in ("categories", "segments")}
    st.markdown(plain(frame.words.text(f"ui.upload.{sentence}", **{**found, **named})))
    if counts.rhythms:
        from iceberg.report.rhythm.sentences import rhythm_headline

        st.markdown(plain(rhythm_headline(counts.rhythms[0], frame.words)))
    if counted.no_rhythm is not None:
        reason = counted.no_rhythm.message_on_page(frame.words.language)
        st.info(plain(frame.words.text("ui.upload.no_rhythm", reason=reason)), icon=":material/info:")
