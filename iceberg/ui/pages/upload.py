"""The upload page, from files to an estimate: files, how they are read, columns, checks, estimate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import IcebergError
from iceberg.ingest.mapping import MappingSet, mapping_as_read
from iceberg.ingest.tables import IngestReport
from iceberg.ui.access.access import require
from iceberg.ui.decisions.audit_sheets import read_audit, take_audit
from iceberg.ui.decisions.spheres.sheet import take_spheres, with_spheres_of_session
from iceberg.ui.frame import Frame, current_frame, page_file, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import session_cache
from iceberg.ui.session.current import own_study, set_current_study
from iceberg.ui.session.estimates import estimate_study
from iceberg.ui.session.sample import beside_file, measured_files, sample_files
from iceberg.ui.session.study import Study
from iceberg.ui.session.upload_choices import forget_choices, recall_choices, remember_choices
from iceberg.ui.session.work import MINUTES, forget_work
from iceberg.ui.upload.category_table import choose_stages, chosen_stages
from iceberg.ui.upload.checks import (
    chosen_controls,
    chosen_term,
    chosen_today,
    chosen_window,
    keeps_cancellations,
    keeps_months,
    look_back,
    score_look_back,
    show_checks,
)
from iceberg.ui.upload.columns import choose_columns, take_same_choices
from iceberg.ui.upload.file_boxes import Place, empty_boxes, judge_files, offer_download, offer_swap, take_file
from iceberg.ui.upload.file_field import word_file_fields
from iceberg.ui.upload.files import (
    DECLARED,
    MEASURED,
    NAMES_CUSTOMERS,
    TABLES,
    Shape,
    UploadedFile,
    optional_tables,
    sources_of,
)
from iceberg.ui.upload.joining import ask_about_ids, chosen_links, chosen_rules, show_joining
from iceberg.ui.upload.limit import LIMIT_MB, show_limit
from iceberg.ui.upload.reading import choose_reading
from iceberg.ui.upload.recording import ask_about_recording, chosen_changes
from iceberg.ui.upload.typed_volumes import type_volumes
from iceberg.ui.upload.upload import CountedUpload, Upload, open_upload

SHAPES: tuple[Shape, ...] = ("linked", "volumes", "alone", "flat", "joined")


def show_page() -> None:
    """The five steps, each open as soon as the one before is done; what is chosen outlives the page."""
    require("upload")
    frame = current_frame()
    words = frame.words
    recall_choices(frame.language)
    st.title(words.text("ui.upload.title"), anchor=False)
    st.caption(plain(words.text("ui.upload.lead", minutes=int(MINUTES))))
    try:
        _show_steps(frame)
    finally:
        remember_choices()


def _show_steps(frame: Frame) -> None:
    _offer_next_month(frame)
    upload = None
    with _step(frame, "files"):
        upload = _take_files(frame)
    if upload is None:
        return
    previews = None
    with _step(frame, "reading"):
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
        _estimate(frame, upload, counted, mapping)


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


def _take_files(frame: Frame) -> Upload | None:
    """The files, each judged below its box as soon as it is there; None while one is missing or is no table."""
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
    boxes = {table: take_file(frame, table, column) for table, column in zip(TABLES[shape], places, strict=False)}
    files = [file for file, _ in boxes.values()]
    if shape == "alone" and files == [None]:
        files = [type_volumes(frame)]
    boxes |= _take_measured(frame, shape) | _take_declared(frame, shape)
    take_audit(frame)
    measured = tuple(file for table, (file, _) in boxes.items() if table in optional_tables(shape) and file is not None)
    taken = tuple(file for file in files if file is not None)
    show_limit(frame, shape, (*taken, *measured))
    complete = len(taken) == len(files) or (shape == "joined" and bool({file.table for file in taken} & NAMES_CUSTOMERS))
    upload = open_upload((*taken, *measured)) if taken or measured else None
    if upload is not None:
        previews = judge_files(frame, upload, {table: place for table, (_, place) in boxes.items()})
        offer_swap(frame, previews)
        _ask_before_leaving()
        st.button(words.text("ui.upload.forget"), icon=":material/delete:", type="tertiary", key="press.forget", on_click=_forget_files)
        if complete and len(previews) == len(upload.files):
            return upload
    if not complete:
        st.info(words.text(f"ui.upload.waiting_{shape}"), icon=":material/arrow_upward:")
        if shape == "linked" and upload is None:
            _offer_sample(frame)
    return None


def _forget_files() -> None:
    forget_work()
    forget_choices()
    session_cache("upload").clear()
    empty_boxes()


def _offer_next_month(frame: Frame) -> None:
    """The study on screen, and the way to read the next month's files as these were read, in one click."""
    study, words = frame.study, frame.words
    if study.is_sample or not study.mapping:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="on_screen"):
        st.markdown(f"{plain(words.text('ui.upload.on_screen'))}: **{plain(study.name or words.text('ui.study.typed'))}**")
        label = words.text("ui.upload.next_month")
        st.button(label, icon=":material/event_repeat:", key="press.next_month", on_click=_take_next_month, args=(study.mapping,))


def _take_next_month(mapping: str) -> None:
    """Empty the boxes and keep the choices."""
    shape = st.session_state.get("shape")
    _forget_files()
    if shape is not None:
        st.session_state["shape"] = shape
    take_same_choices(mapping)


def _take_measured(frame: Frame, shape: Shape) -> dict[str, tuple[UploadedFile | None, Place]]:
    """Optional files that say who had a problem, with or without a complaint."""
    tables = MEASURED.get(shape, ())
    if not tables:
        return {}
    with st.expander(frame.words.text("ui.upload.measured"), icon=":material/fact_check:", key="measured"):
        st.caption(frame.words.text("ui.upload.measured_joined_lead" if shape == "joined" else "ui.upload.measured_lead"))
        columns = [column for _ in range(0, len(tables), 2) for column in st.columns(2)]
        boxes = {table: take_file(frame, table, column) for table, column in zip(tables, columns, strict=False)}
        with st.container(horizontal=True):
            for table, path in measured_files(frame.language).items():
                if table in tables:
                    offer_download(frame, table, path)
    return boxes


def _take_declared(frame: Frame, shape: Shape) -> dict[str, tuple[UploadedFile | None, Place]]:
    """Satisfaction scores and good moments, which change no estimate."""
    tables = DECLARED.get(shape, ())
    if not tables:
        return {}
    with st.expander(frame.words.text("ui.upload.declared"), icon=":material/mood:", key="declared"):
        st.caption(frame.words.text("ui.upload.declared_lead"))
        boxes = {}
        for table, column in zip(tables, st.columns(len(tables)), strict=True):
            boxes[table] = take_file(frame, table, column)
            with column:
                offer_download(frame, table, beside_file(frame.language, table))
    return boxes


_ASK = """
export default function () {
  const ask = event => { event.preventDefault(); };
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
"""


def _ask_before_leaving() -> None:
    """Let the browser ask before its tab is closed while there are files and no estimate of them yet."""
    if own_study() is None:
        st.components.v2.component("iceberg_leaving", js=_ASK)(key="leaving")


def _offer_sample(frame: Frame) -> None:
    with st.container(horizontal=True):
        for table, path in zip(("customers", "complaints"), sample_files(frame.language), strict=True):
            offer_download(frame, table, path)


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
        score_look_back_days=score_look_back(identity, usual=mapping.score_look_back_days),
        term=chosen_term(identity, usual=mapping.term),
        keep_cancellations=keeps_cancellations(identity, usual=mapping.keep_cancellations),
        negative_controls=chosen_controls(identity, usual=mapping.negative_controls),
        journey=chosen_stages(identity, usual=mapping.journey),
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
    if counted.counts is not None:
        choose_stages(frame, counted.counts, mapping.journey, files=identity)
    if counted.counts is not None and counted.counts.has_calendar:
        ask_about_recording(frame, counted.counts, mapping.joining, files=identity)
    if counted.error is not None:
        raise counted.error
    return counted


def _estimate(frame: Frame, upload: Upload, counted: CountedUpload, mapping: MappingSet) -> None:
    """Estimate with a word per step, and go to the picture; or keep everything chosen so far for the next month."""
    words, counts = frame.words, counted.counts
    assert counts is not None  # noqa: S101  # checked by the caller
    chosen = _mapping_of(mapping, counted.report, counts, upload.identity)
    ready = ask_about_ids(frame, counted.report, files=upload.identity)
    only_rhythm = bool(counts.rhythms) and not counts.categories
    if only_rhythm:
        st.info(words.text("ui.upload.only_rhythm"), icon=":material/info:")
    elif counts.has_linked_complaints and not counts.categories:
        st.warning(words.text("ui.upload.no_complaints"), icon=":material/add:")
        ready = False
    take_spheres(frame, counts)
    with st.container(horizontal=True):
        label = words.text("ui.upload.show_rhythm" if only_rhythm else "ui.upload.estimate_run")
        pressed = st.button(label, type="primary", icon=":material/play_arrow:", key="estimate.run", disabled=not ready)
        st.download_button(
            words.text("ui.upload.mapping_save"),
            data=chosen.to_toml(),
            file_name="mapping.toml",
            mime="application/toml",
            icon=":material/save:",
            help=words.text("ui.upload.mapping_help"),
            key="mapping.save",
            on_click="ignore",
        )
    if not pressed:
        return
    name = " + ".join(file.name for file in upload.files)
    other, audit = counted.other_counts, read_audit(counts)
    counts, other = replace(with_spheres_of_session(counts), audit=audit), other and replace(with_spheres_of_session(other), audit=audit)
    study = Study(
        counts=counts,
        digest=counts.digest,
        name=name,
        origin="upload",
        report=counted.report,
        sources=sources_of(upload.files, counted.report),
        mapping=chosen.to_toml(),
        other_counts=other,
    )
    if not only_rhythm:
        _estimate_with_steps(frame, study)
    set_current_study(study)
    st.switch_page(page_file("iceberg"), query_params={"lang": frame.language})  # the address would lose it otherwise


def _estimate_with_steps(frame: Frame, study: Study) -> None:
    """Estimate with a word per step."""
    words = frame.words
    with st.status(words.text("ui.upload.progress_estimate"), expanded=True) as status:
        bar = st.progress(0.0)

        def show_step(step: str, share: float) -> None:
            bar.progress(min(max(share, 0.0), 1.0), text=words.text(f"evidence.steps.{step}"))

        estimate_study(study, frame.view.assumptions, progress=show_step)
        status.update(label=words.text("ui.upload.progress_done"), state="complete", expanded=False)


def _mapping_of(mapping: MappingSet, report: IngestReport, counts: CohortCounts, files: str) -> MappingSet:
    """The mapping with everything chosen so far: columns, joins, ids, categories, months, contracts, cancellations, controls and changes."""
    named = counts.recording_changes
    return replace(
        mapping_as_read(report, mapping),
        joining=chosen_rules(files, mapping),
        links=chosen_links(files, mapping),
        keep_months=any(run.overruled for run in counts.unrecorded),
        look_back_days=look_back(files, usual=mapping.look_back_days),
        score_look_back_days=score_look_back(files, usual=mapping.score_look_back_days),
        term=chosen_term(files, usual=mapping.term),
        keep_cancellations=any(one.overruled for one in counts.cancellations),
        negative_controls=counts.negative_controls,
        journey=chosen_stages(files, usual=mapping.journey),
        recording_changes=None if named is None else tuple(map(str, named)),
    )


show_page()
