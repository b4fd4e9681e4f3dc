"""The reports of what is on screen, each made when it is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.report.files import FORMATS, Provenance, media_type, report_bytes, report_name
from iceberg.report.small_cells import SMALLEST
from iceberg.store.audit import write_audit
from iceberg.ui.counters import count
from iceberg.ui.frame import Frame
from iceberg.ui.sections.sharing.links import printed_link
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate
    from iceberg.ui.access.access import Access
    from iceberg.ui.session.study import Study


def show_reports(frame: Frame, estimate: IcebergEstimate) -> None:
    """Draw the button that opens the list of reports."""
    words = frame.words
    with st.popover(words.text("ui.reports.open"), icon=":material/download:", key="reports"):
        st.caption(words.text("ui.reports.lead"))
        for name in FORMATS:
            st.download_button(
                words.text(f"ui.reports.{name}"),
                data=_report(frame, estimate, name),
                file_name=report_name(provenance_of(frame), frame.study.counts, name, words),
                mime=media_type(name),
                icon=":material/description:",
                key=f"report.{name}",
                on_click="ignore",
                type="tertiary",
            )


def _report(frame: Frame, estimate: IcebergEstimate, name: str) -> Callable[[], bytes]:
    """A function that makes a report for a download, and writes the download to the audit trail."""
    study, access, language, provenance = frame.study, frame.access, frame.language, provenance_of(frame)
    smallest = 0 if study.axes is None else SMALLEST

    def make() -> bytes:
        from iceberg.report.files.slides.template import default_template

        template = default_template() if name == "pptx" else None
        content = report_bytes(
            estimate, study.counts, format=name, language=language, provenance=provenance, smallest=smallest, template=template
        )
        note_export(study, access, name)
        return content

    return make


def note_export(study: Study, access: Access, name: str) -> None:
    """Count a report that is downloaded, and write it to the audit trail where the study is published."""
    count("iceberg_reports_total", f'format="{name}"')
    if study.published is not None:
        entry = study.published
        write_audit(open_store().engine, actor=access.name, action="export", study_id=entry.study_id, version=entry.number, format=name)


def provenance_of(frame: Frame) -> Provenance:
    """Where what is on screen comes from."""
    study, entry = frame.study, frame.study.published
    return Provenance(
        title=study.name if entry is not None else "",
        author=entry.author if entry is not None else "",
        created=entry.published_at if entry is not None else None,
        files=study.sources,
        study_version=str(entry.number) if entry is not None else "",
        rows=entry.summary["rows"] if entry is not None else {},
        sample=study.is_sample,
        link=printed_link(frame),
    )
