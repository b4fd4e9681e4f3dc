"""Owns the step "how we read them": every decision of the reader, a preview, and the means to overrule each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.files.source_table import FileReading, ReadOptions
from iceberg.ui.figure import draw_table
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.upload.files import ENCODINGS, SEPARATORS, FileLook, UploadedFile, look_at

Looks = dict[str, tuple[FileLook, ReadOptions]]


def choose_reading(frame: Frame, files: tuple[UploadedFile, ...]) -> Looks | None:
    """Show how each file was read, and read it again as told.

    Returns:
        The look and the overrides of each table; None while one of the files cannot be read.
    """
    looks: Looks = {}
    for file in files:
        with st.container(border=True):
            try:
                look, options = _read_file(frame, file)
            except IcebergError as error:
                show_error(error, frame.words)
                continue
            if not any(one.reading.doubts for one in (look, *look.others)):
                looks[file.table] = look, options
    return looks if len(looks) == len(files) else None


def _read_file(frame: Frame, file: UploadedFile) -> tuple[FileLook, ReadOptions]:
    words = frame.words
    found = look_at(file, ReadOptions(settle=True))
    in_doubt = next((one.reading for one in (found, *found.others) if one.reading.doubts), None)
    told = _ask_encoding(frame, file, in_doubt) if in_doubt else None
    with st.container(horizontal=True, vertical_alignment="center"):
        reading_line = st.empty()
        if found.reading.format in {"csv", "excel"}:
            with st.popover(
                words.text("ui.upload.reading_change"),
                icon=":material/tune:",
                key=f"change.{file.table}.{file.sha256[:8]}",
            ):
                options = _choose_options(frame, file, found.reading)
        else:
            options = ReadOptions()
    options = replace(options, encoding=options.encoding or told)
    look = look_at(file, options) if options != ReadOptions() and (options.encoding or in_doubt is None) else found
    reading_line.markdown(f"**{look.reading.file}** · {describe_reading(frame, look.reading)}", width="stretch")
    _show_preview(frame, look, f"preview.{file.table}")
    for place, other in enumerate(look.others):
        st.markdown(f"**{other.reading.file}** · {describe_reading(frame, other.reading)}")
        _show_preview(frame, other, f"preview.{file.table}.{place}")
    return look, options


def _show_preview(frame: Frame, look: FileLook, key: str) -> None:
    told = frame.words.text("ui.upload.reading_preview")
    draw_table(look.preview, alt_text=f"{told}: {look.reading.file}", key=key, hide_index=False, whole=True)
    st.caption(told)


def _ask_encoding(frame: Frame, file: UploadedFile, found: FileReading) -> str | None:
    """Both readings of a few words, and the choice between them; nothing is read further until it is made."""
    values = dict(found.doubts[0][1])
    readings = {values["first"]: values["first_says"], values["second"]: values["second_says"]}
    chosen: str | None = st.radio(
        frame.words.text("ui.upload.reading_two_ways", file=found.file),
        list(readings),
        index=None,
        format_func=lambda one: f"{readings[one]} ({one})",
        key=f"read.{file.table}.{file.sha256[:8]}.either",
    )
    return chosen


def describe_reading(frame: Frame, reading: FileReading) -> str:
    """Every decision in one phrase: format, encoding, separator or columns of fixed width, sheet, header line."""
    words = frame.words
    named = [{"csv": "CSV", "excel": "Excel", "parquet": "Parquet", "frame": "—"}[reading.format]]
    if reading.encoding:
        named.append(reading.encoding)
    if reading.rewritten:
        named.append(words.text(f"ingest.reading.{reading.rewritten}"))
    if reading.separator and reading.rewritten != "fixed_width":
        named.append(words.text("ui.upload.separated_by", mark=_separator_name(frame, reading.separator)))
    if reading.sheet:
        named.append(f"{words.text('ui.upload.reading_sheet')} “{reading.sheet}”")
        others = [sheet for sheet in reading.sheets if sheet != reading.sheet]
        named += [words.text("ingest.reading.other_sheets", sheets=", ".join(others))] if others else []
    if reading.header_line:
        named.append(f"{words.text('ui.upload.reading_header')} {words.integer(reading.header_line)}")
    if reading.overridden:
        named.append(words.text("ingest.reading.told", decisions=", ".join(words.text(f"ingest.reading.{name}") for name in reading.overridden)))
    return " · ".join(named)


def _separator_name(frame: Frame, separator: str) -> str:
    known = SEPARATORS.get(separator)
    return frame.words.text(f"ui.upload.separator_{known}") if known else repr(separator)


def _choose_options(frame: Frame, file: UploadedFile, found: FileReading) -> ReadOptions:
    stem = f"read.{file.table}.{file.sha256[:8]}"
    encoding = separator = sheet = None
    if found.format == "csv":
        encoding = _choose(frame, "encoding", found.encoding, ENCODINGS, stem, str)
        separator = _choose(frame, "separator", found.separator, tuple(SEPARATORS), stem, lambda mark: _separator_name(frame, mark))
    elif len(found.sheets) > 1:
        sheet = _choose(frame, "sheet", found.sheet, found.sheets, stem, str)
    header = st.number_input(
        frame.words.text("ui.upload.reading_header"),
        min_value=1,
        max_value=1000,
        value=max(found.header_line, 1),
        key=f"{stem}.header",
    )
    return ReadOptions(encoding, separator, int(header) if int(header) != max(found.header_line, 1) else None, sheet)


def _choose(frame: Frame, name: str, found: str, offered: tuple[str, ...], stem: str, label: Callable[[str], str]) -> str | None:
    options = ["", *(one for one in offered if one != found)]
    chosen = st.selectbox(
        frame.words.text(f"ui.upload.reading_{name}"),
        options,
        format_func=lambda one: label(one) if one else frame.words.text("ui.upload.reading_auto", value=label(found)),
        key=f"{stem}.{name}",
    )
    return chosen or None
