"""Owns the step "how we read them": every decision of the reader, a preview, and the means to overrule each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.read import FileReading, ReadOptions
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.uploads import ENCODINGS, SEPARATORS, FileLook, UploadedFile, look_at

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
            if not look.reading.doubts:
                looks[file.table] = look, options
    return looks if len(looks) == len(files) else None


def _read_file(frame: Frame, file: UploadedFile) -> tuple[FileLook, ReadOptions]:
    words = frame.words
    found = look_at(file, ReadOptions(settle=True))
    told = _ask_encoding(frame, file, found.reading) if found.reading.doubts else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{file.source.name}** · {describe_reading(frame, found.reading)}", width="stretch")
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
    look = look_at(file, options) if options != ReadOptions() and (options.encoding or not found.reading.doubts) else found
    st.dataframe(look.preview, alt=words.text("ui.upload.reading_preview"), key=f"preview.{file.table}", height="content")
    st.caption(words.text("ui.upload.reading_preview"))
    return look, options


def _ask_encoding(frame: Frame, file: UploadedFile, found: FileReading) -> str | None:
    """Both readings of a few words, and the choice between them; nothing is read further until it is made."""
    values = dict(found.doubts[0][1])
    readings = {"cp1252": values["western"], "cp1250": values["central"]}
    chosen: str | None = st.radio(
        frame.words.text("ui.upload.reading_two_ways", file=file.source.name),
        list(readings),
        index=None,
        format_func=lambda one: f"{readings[one]} ({one})",
        key=f"read.{file.table}.{file.sha256[:8]}.either",
    )
    return chosen


def describe_reading(frame: Frame, reading: FileReading) -> str:
    """Format, encoding, separator, sheet and header line in one phrase."""
    words = frame.words
    parts = {"csv": "CSV", "excel": "Excel", "parquet": "Parquet", "frame": "—"}[reading.format]
    named = [parts]
    if reading.encoding:
        named.append(reading.encoding)
    if reading.separator:
        named.append(_separator_name(frame, reading.separator))
    if reading.sheet:
        named.append(f"{words.text('ui.upload.reading_sheet')} “{reading.sheet}”")
    if reading.header_line:
        named.append(f"{words.text('ui.upload.reading_header')} {words.integer(reading.header_line)}")
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
