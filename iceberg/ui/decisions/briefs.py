"""The downloads of a brief: whom it names, when the fix starts, and the test that is agreed on; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.locale import visible
from iceberg.model.decision.agreed_test import LONGEST_OWNER, MONTHS_UNTIL_READING, AgreedTest, later_month
from iceberg.model.decision.fixes import Decisions
from iceberg.model.results import IcebergEstimate
from iceberg.report.files import BRIEF_FORMATS, brief_bytes, media_type, report_name
from iceberg.report.files.brief import Brief
from iceberg.report.small_cells import SMALLEST
from iceberg.report.tables.decisions import decision_table
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.sharing.reports import note_export, provenance_of

MONTHS_OFFERED = 24


def show_briefs(frame: Frame, estimate: IcebergEstimate, decisions: Decisions) -> None:
    """Draw the fields of the brief and one download per format."""
    words, counts = frame.words, frame.study.counts
    st.subheader(words.text("brief.page.brief"), anchor=False)
    st.caption(words.text("brief.page.brief_lead"))
    names = [str(name) for name in decision_table(decisions)["category"]]
    starts = [later_month(counts.window.as_of, months) for months in range(-MONTHS_OFFERED, MONTHS_OFFERED + 1)]
    first, second, third, fourth, fifth = st.columns([2, 2, 1.5, 1.5, 1.5], vertical_alignment="bottom")
    category = first.selectbox(
        words.text("brief.page.brief_category"), names, format_func=lambda name: plain(visible(name)), key="brief.category"
    )
    owner = second.text_input(words.text("brief.page.owner"), max_chars=LONGEST_OWNER, key="brief.owner")
    start = third.selectbox(
        words.text("brief.page.start"), starts, index=MONTHS_OFFERED + 1, format_func=words.month, key=f"brief.start.{frame.study.digest[:8]}"
    )
    months = fourth.number_input(
        words.text("brief.page.months"), 1, MONTHS_OFFERED, MONTHS_UNTIL_READING, help=words.text("brief.page.months_help"), key="brief.months"
    )
    fall = fifth.number_input(words.text("brief.page.least_fall"), 0, 99, 0, key="brief.fall")
    try:
        test = AgreedTest(start, later_month(start, int(months) - 1), fall / 100)
        provenance = provenance_of(frame)
        smallest = 0 if frame.access.sees_everything and frame.study.axes is None else SMALLEST
        brief = Brief(
            estimate, counts, decisions, category, test=test, owner=owner.strip(), provenance=provenance, smallest=smallest
        )
    except IcebergError as problem:
        show_error(problem, words)
        return
    with st.container(horizontal=True, gap="small"):
        for name in BRIEF_FORMATS:
            st.download_button(
                words.text(f"ui.reports.{name}"),
                data=_maker(frame, brief, name),
                file_name=report_name(provenance, counts, name, words).replace(".", f"-{words.text('brief.page.file_name')}.", 1),
                mime=media_type(name),
                icon=":material/description:",
                key=f"brief.{name}",
                on_click="ignore",
            )


def _maker(frame: Frame, brief: Brief, name: str) -> Callable[[], bytes]:
    """A function that makes the file when it is downloaded."""
    return partial(_made, frame, brief, name)


def _made(frame: Frame, brief: Brief, name: str) -> bytes:
    from iceberg.report.files.slides.template import default_template

    content = brief_bytes(brief, format=name, language=frame.language, template=default_template() if name == "pptx" else None)
    note_export(frame.study, frame.access, name)
    return content
