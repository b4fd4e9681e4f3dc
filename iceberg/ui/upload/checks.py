"""The step "checks": what became of every row, which rules found problems where, and what to do about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.mapping import LONGEST_LOOK_BACK
from iceberg.ingest.tables import IngestReport
from iceberg.ui.figure import draw_table, show_diagnostics
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.upload.upload import CountedUpload

WINDOW = "window"
READ_ON = "read_on"
KEEP_MONTHS = "keep_months"
LOOK_BACK = "look_back"


def show_checks(frame: Frame, counted: CountedUpload, *, files: str) -> None:
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
            _choose_window(frame, chosen_window(files) or counted.counts.window, files)
            _choose_months(frame, counted.counts, files)
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
        st.info(plain(frame.words.text(f"ingest.notes.{code}", **values)), icon=":material/info:")
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


def _choose_window(frame: Frame, window: ObservationWindow, files: str) -> None:
    """Choose the first and last day; another choice counts the files again."""
    words = frame.words
    since, as_of, before = st.columns(3)
    first = since.date_input(words.text("ui.upload.window_since"), value=window.since, key=f"since.{window.since}", format="DD/MM/YYYY")
    last = as_of.date_input(words.text("ui.upload.window_as_of"), value=window.as_of, key=f"as_of.{window.as_of}", format="DD/MM/YYYY")
    before.number_input(
        words.text("ui.upload.look_back"),
        min_value=0,
        max_value=LONGEST_LOOK_BACK,
        value=window.look_back_days,
        step=30,
        key=f"{LOOK_BACK}.{files[:12]}",
        help=words.text("ui.upload.look_back_help"),
    )
    if (first, last) != (window.since, window.as_of):
        st.session_state[WINDOW] = (files, replace(window, since=first, as_of=last))
        st.rerun()


def look_back(files: str, *, usual: int | None) -> int | None:
    """Days before the window in which a complaint ends a silence: as chosen on screen for these files, else as the mapping says."""
    chosen = st.session_state.get(f"{LOOK_BACK}.{files[:12]}", usual)
    return None if chosen is None else int(chosen)


def keeps_months(files: str, *, usual: bool) -> bool:
    """Whether to count the months that are no evidence: as chosen on screen for these files, else as the mapping says."""
    return bool(st.session_state.get(f"{KEEP_MONTHS}.{files[:12]}", usual))


def _choose_months(frame: Frame, counts: CohortCounts, files: str) -> None:
    """Name the months that are no evidence; one click counts them all the same."""
    if not counts.unrecorded:
        return
    from iceberg.model.diagnose import about_months

    show_diagnostics(frame, about_months(counts))
    overruled = any(run.overruled for run in counts.unrecorded)
    st.toggle(frame.words.text("ui.upload.keep_months"), value=overruled, key=f"{KEEP_MONTHS}.{files[:12]}")


def _show_counted(frame: Frame, counted: CountedUpload) -> None:
    counts = counted.counts
    assert counts is not None  # noqa: S101  # checked by the caller
    from iceberg.report.counts_summary import counts_summary

    sentence = "counted" if counts.has_linked_complaints else "counted_volumes"
    st.markdown(plain(frame.words.text(f"ui.upload.{sentence}", **counts_summary(counts))))
