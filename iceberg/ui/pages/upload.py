"""The upload page, from files to an estimate: files, how they are read, columns, checks, estimate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import IcebergError
from iceberg.ingest.mapping import MappingSet, mapping_as_read
from iceberg.ingest.tables import IngestReport
from iceberg.ui.access.access import require
from iceberg.ui.frame import Frame, current_frame, page_file, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.current import set_current_study
from iceberg.ui.session.estimates import estimate_study
from iceberg.ui.session.sample import measured_files, sample_files
from iceberg.ui.session.study import Study
from iceberg.ui.upload.checks import (
    chosen_controls,
    chosen_term,
    chosen_today,
    chosen_window,
    keeps_cancellations,
    keeps_months,
    look_back,
    show_checks,
    show_report,
)
from iceberg.ui.upload.columns import choose_columns
from iceberg.ui.upload.file_field import word_file_fields
from iceberg.ui.upload.files import (
    MEASURED,
    NAMES_CUSTOMERS,
    TABLES,
    Shape,
    UploadedFile,
    sources_of,
    take_bytes,
)
from iceberg.ui.upload.joining import chosen_links, chosen_rules, show_joining
from iceberg.ui.upload.limit import LIMIT_MB, show_limit
from iceberg.ui.upload.reading import choose_reading
from iceberg.ui.upload.recording import ask_about_recording, chosen_changes
from iceberg.ui.upload.upload import CountedUpload, Upload, open_upload

SUFFIXES = ["csv", "tsv", "txt", "gz", "xlsx", "xlsm", "xls", "xlsb", "ods", "parquet", "zip"]
SHAPES: tuple[Shape, ...] = ("linked", "volumes", "alone", "flat", "joined")


def show_page() -> None:
    """The five steps, each open as soon as the one before is done."""
    require("upload")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.upload.title"), anchor=False)
    st.caption(words.text("ui.upload.lead"))
    with _step(frame, "files"):
        files = _take_files(frame)
    if files is None:
        _show_study(frame)
        return
    previews = None
    with _step(frame, "reading"):
        upload = open_upload(files)
        previews = choose_reading(frame, upload)
    if previews is None:
        return
    with _step(frame, "columns"):
        mapping = choose_columns(frame, upload, previews)
    if mapping is None:
        return
    counted = None
    with _step(frame, "checks"):
        counted = _count(frame, upload, mapping)
    if counted is None or counted.counts is None:
        return
    with _step(frame, "estimate"):
        _estimate(frame, upload, counted)


@contextmanager
def _step(frame: Frame, name: str) -> Iterator[None]:
    """One step of the timeline; its errors are shown inside it."""
    label = f"{list(ICONS).index(name) + 1} · {frame.words.text(f'ui.upload.step_{name}')}"
    with st.expander(f"**{plain(label)}**", expanded=True, icon=f":material/{ICONS[name]}:", type="step"):
        try:
            yield
        except IcebergError as error:
            show_error(error, frame.words)


ICONS = {
    "files": "upload_file",
    "reading": "visibility",
    "columns": "view_column",
    "checks": "rule",
    "estimate": "sailing",
}


def _take_files(frame: Frame) -> tuple[UploadedFile, ...] | None:
    words = frame.words
    word_file_fields(words, {"file-": words.text("ui.upload.kinds", limit=LIMIT_MB), "mapping-file": words.text("ui.upload.mapping_kinds")})
    shape = st.radio(
        words.text("ui.upload.shape"),
        SHAPES,
        format_func=lambda name: words.text(f"ui.upload.shape_{name}"),
        captions=[words.text(f"ui.upload.shape_{name}_help") for name in SHAPES],
        horizontal=not frame.narrow,
        key="shape",
    )
    assert shape is not None  # noqa: S101  # a radio button with options always has one chosen
    places = [column for _ in range(0, len(TABLES[shape]), 2) for column in st.columns(2)]
    files = [_take_file(frame, table, column) for table, column in zip(TABLES[shape], places, strict=False)]
    if shape == "alone" and files == [None]:
        files = [_type_volumes(frame)]
    measured = _take_measured(frame, shape)
    taken = tuple(file for file in files if file is not None)
    show_limit(frame, shape, (*taken, *measured))
    if len(taken) == len(files) or (shape == "joined" and {file.table for file in taken} & NAMES_CUSTOMERS):
        return (*taken, *measured)
    st.info(words.text(f"ui.upload.waiting_{shape}"), icon=":material/arrow_upward:")
    if shape == "linked":
        _offer_sample(frame)
    return None


def _take_measured(frame: Frame, shape: Shape) -> tuple[UploadedFile, ...]:
    """Optional files that say who had a problem, with or without a complaint."""
    tables = MEASURED.get(shape, ())
    if not tables:
        return ()
    with st.expander(frame.words.text("ui.upload.measured"), icon=":material/fact_check:", key="measured"):
        st.caption(frame.words.text("ui.upload.measured_lead"))
        files = [_take_file(frame, table, column) for table, column in zip(tables, st.columns(len(tables)), strict=True)]
        with st.container(horizontal=True):
            for table, path in zip(tables, measured_files(frame.language), strict=True):
                _offer_download(frame, table, path)
    return tuple(file for file in files if file is not None)


def _take_file(frame: Frame, table: str, column: st.delta_generator.DeltaGenerator) -> UploadedFile | None:
    words = frame.words
    uploads = column.file_uploader(
        words.text(f"ui.upload.{table}_file"),
        type=SUFFIXES,
        max_upload_size=LIMIT_MB,
        accept_multiple_files=True,
        help=plain(words.text("ui.upload.file_help", limit=LIMIT_MB)),
        key=f"file.{table}",
    )
    return UploadedFile.of_several(table, [take_bytes(upload.file_id, upload.name, upload.getvalue()) for upload in uploads]) if uploads else None


def _offer_sample(frame: Frame) -> None:
    with st.container(horizontal=True):
        for table, path in zip(("customers", "complaints"), sample_files(frame.language), strict=True):
            _offer_download(frame, table, path)


def _offer_download(frame: Frame, table: str, path: Path) -> None:
    st.download_button(
        frame.words.text(f"ui.upload.sample_{table}"),
        data=path.read_bytes(),
        file_name=path.name,
        icon=":material/download:",
        type="tertiary",
        key=f"sample.{table}",
        on_click="ignore",
    )


def _type_volumes(frame: Frame) -> UploadedFile | None:
    """Volumes typed on screen, as the file that an analyst would have saved."""
    words = frame.words
    st.markdown(f"**{words.text('ui.upload.typed_title')}**")
    empty = pd.DataFrame(
        {
            "month": pd.Series(dtype="datetime64[ns]"),
            "category": pd.Series(dtype="str"),
            "complaints": pd.Series(dtype="Int64"),
        }
    )
    typed = st.data_editor(
        empty,
        num_rows="dynamic",
        hide_index=True,
        key="typed",
        column_config={
            "month": st.column_config.DateColumn(words.text("ui.upload.typed_month"), format="YYYY-MM-DD", required=True),
            "category": st.column_config.TextColumn(words.text("ui.upload.typed_category"), required=True),
            "complaints": st.column_config.NumberColumn(words.text("ui.upload.typed_complaints"), min_value=0, step=1, required=True),
        },
        alt=words.text("ui.upload.typed_title"),
    )
    if not st.toggle(words.text("ui.upload.typed_use"), key="typed.use"):
        return None
    filled = typed.dropna()
    if filled.empty:
        st.warning(words.text("ui.upload.typed_empty"), icon=":material/edit:")
        return None
    text: str = filled.assign(month=pd.to_datetime(filled["month"]).dt.strftime("%Y-%m-%d")).to_csv(index=False)
    return UploadedFile.of("volumes", "volumes.csv", text.encode())


def _count(frame: Frame, upload: Upload, mapping: MappingSet) -> CountedUpload | None:
    words = frame.words
    identity, changes = upload.identity, mapping.recording_changes
    mapping = replace(
        mapping,
        recording_changes=None,  # an answer does not count the files again
        joining=chosen_rules(identity, mapping),
        links=chosen_links(identity, mapping),
        keep_months=keeps_months(identity, usual=mapping.keep_months),
        look_back_days=look_back(identity, usual=mapping.look_back_days),
        term=chosen_term(identity, usual=mapping.term),
        keep_cancellations=keeps_cancellations(identity, usual=mapping.keep_cancellations),
        negative_controls=chosen_controls(identity, usual=mapping.negative_controls),
    )
    place, sizes, begun = st.empty(), {source.name: len(source.data) for file in upload.files for source in file.sources}, list[str]()

    def show_file(name: str) -> None:
        done = sum(sizes.get(file, 0) for file in begun) / max(sum(sizes.values()), 1)
        begun.append(name)
        size = words.decimal(sizes.get(name, 0) / 1_000_000, 1)
        place.progress(min(done, 1.0), text=plain(words.text("ui.upload.progress_file", file=name, size=size)))

    with st.spinner(words.text("ui.upload.progress_read"), show_time=True):
        read_on = chosen_today(identity)
        counted = upload.count(mapping, chosen_window(identity), language=frame.language, read_on=read_on, on_file=show_file)
    place.empty()
    changes = chosen_changes(identity, usual=changes)
    counted = counted.with_changes(changes)
    show_joining(frame, counted.report, replace(mapping, recording_changes=changes), files=identity)
    show_checks(frame, counted, files=identity, term=mapping.term)
    if counted.counts is not None and counted.counts.has_calendar:
        ask_about_recording(frame, counted.counts, mapping.joining, files=identity)
    if counted.error is not None:
        raise counted.error
    return counted


def _estimate(frame: Frame, upload: Upload, counted: CountedUpload) -> None:
    """Estimate with a word per step, and go to the picture."""
    words, counts = frame.words, counted.counts
    assert counts is not None  # noqa: S101  # checked by the caller
    if not st.button(words.text("ui.upload.estimate_run"), type="primary", icon=":material/play_arrow:", key="estimate.run"):
        return
    name = " + ".join(file.name for file in upload.files)
    study = Study(
        counts=counts,
        digest=counts.digest,
        name=name,
        origin="upload",
        report=counted.report,
        sources=sources_of(upload.files, counted.report),
        mapping=_mapping_of(counted.report, counts, chosen_term(upload.identity, usual=None)).to_toml(),
        other_counts=counted.other_counts,
    )
    with st.status(words.text("ui.upload.progress_estimate"), expanded=True) as status:
        bar = st.progress(0.0)

        def show_step(step: str, share: float) -> None:
            bar.progress(min(max(share, 0.0), 1.0), text=words.text(f"evidence.steps.{step}"))

        estimate_study(study, frame.view.assumptions, progress=show_step)
        status.update(label=words.text("ui.upload.progress_done"), state="complete", expanded=False)
    set_current_study(study)
    st.switch_page(page_file("iceberg"), query_params={"lang": frame.language})  # the address would lose it otherwise


def _mapping_of(report: IngestReport, counts: CohortCounts, term: int | None) -> MappingSet:
    """The mapping as read, with what was answered about months, contracts, cancellations, controls and changes of the records."""
    named = counts.recording_changes
    return replace(
        mapping_as_read(report),
        keep_months=any(run.overruled for run in counts.unrecorded),
        term=term,
        keep_cancellations=any(one.overruled for one in counts.cancellations),
        negative_controls=counts.negative_controls,
        recording_changes=None if named is None else tuple(map(str, named)),
    )


def _show_study(frame: Frame) -> None:
    """Show which study is on screen, and what became of its rows."""
    study = frame.study
    if study.is_sample or study.report is None:
        return
    st.header(frame.words.text("ui.upload.on_screen"), anchor=False)
    st.markdown(f"**{plain(study.name)}**")
    show_report(frame, study.report)


show_page()
