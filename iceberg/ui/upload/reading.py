"""The step "how we read them": every decision of the file reader, a preview, and the means to overrule each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.files.source_table import FileReading, ReadOptions
from iceberg.ui.figure import draw_table
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.upload.files import UploadedFile
from iceberg.ui.upload.upload import FilePreview, Upload

Previews = dict[str, tuple[FilePreview, ReadOptions]]
# Offered in place of the encoding found; `iceberg.ingest.files.text.encoding` proposes among the same.
ENCODINGS = ("utf-8", "utf-16", "cp1252", "cp1250", "latin-1", "mac_roman", "cp850")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


def choose_reading(frame: Frame, upload: Upload) -> Previews | None:
    """Show how each file was read, and read it again as overruled.

    Returns:
        The preview and the overrides of each table; None while one of the files cannot be read.
    """
    previews: Previews = {}
    for file in upload.files:
        with st.container(border=True):
            try:
                preview, options = _read_file(frame, upload, file)
            except IcebergError as error:
                show_error(error, frame.words)
                continue
            if not any(part.reading.doubts for part in (preview, *preview.others)):
                previews[file.table] = preview, options
    return previews if len(previews) == len(upload.files) else None


def _read_file(frame: Frame, upload: Upload, file: UploadedFile) -> tuple[FilePreview, ReadOptions]:
    words = frame.words
    found = upload.preview(file, ReadOptions(settle=True))
    in_doubt = next((part.reading for part in (found, *found.others) if part.reading.doubts), None)
    encoding = _choose_encoding(frame, file, in_doubt) if in_doubt else None
    with st.container(horizontal=True, vertical_alignment="center"):
        reading_line = st.empty()
        if found.reading.format in {"csv", "excel"}:
            with st.popover(
                words.text("ui.upload.reading_change"),
                icon=":material/tune:",
                key=f"change.{file.table}.{file.sha256[:8]}",
            ):
                options = _choose_options(frame, file, found.reading, upload.fitting_sheet(file))
        else:
            options = ReadOptions()
    options = replace(options, encoding=options.encoding or encoding)
    preview = upload.preview(file, options) if options != ReadOptions() and (options.encoding or in_doubt is None) else found
    reading_line.markdown(f"**{plain(preview.reading.file)}** · {plain(describe_reading(frame, preview.reading))}", width="stretch")
    _show_preview(frame, preview, f"preview.{file.table}")
    for place, other in enumerate(preview.others):
        st.markdown(f"**{plain(other.reading.file)}** · {plain(describe_reading(frame, other.reading))}")
        _show_preview(frame, other, f"preview.{file.table}.{place}")
    return preview, options


def _show_preview(frame: Frame, preview: FilePreview, key: str) -> None:
    title = frame.words.text("ui.upload.reading_preview")
    draw_table(preview.first_rows, alt_text=f"{title}: {preview.reading.file}", key=key, hide_index=False, whole=True)
    st.caption(title)


def _choose_encoding(frame: Frame, file: UploadedFile, found: FileReading) -> str | None:
    """Show a few words in both encodings that fit, to choose from; None before the choice."""
    values = dict(found.doubts[0][1])
    readings = {values["first"]: values["first_says"], values["second"]: values["second_says"]}
    chosen: str | None = st.radio(
        plain(frame.words.text("ui.upload.reading_two_ways", file=found.file)),
        list(readings),
        index=None,
        format_func=lambda encoding: plain(f"{readings[encoding]} ({encoding})"),
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
        named.append(f"{words.text('ui.upload.reading_sheet')} {words.text('report.noise.quoted', category=reading.sheet)}")
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


def _choose_options(frame: Frame, file: UploadedFile, found: FileReading, fitting_sheet: str) -> ReadOptions:
    stem = f"read.{file.table}.{file.sha256[:8]}"
    encoding = separator = sheet = None
    if found.format == "csv":
        encoding = choose_other(frame, "reading_encoding", found.encoding, ENCODINGS, key=f"{stem}.encoding")
        name_of = partial(_separator_name, frame)
        separator = choose_other(frame, "reading_separator", found.separator, tuple(SEPARATORS), key=f"{stem}.separator", name_of=name_of)
    elif len(found.sheets) > 1:
        sheet = choose_other(frame, "reading_sheet", found.sheet, found.sheets, key=f"{stem}.sheet", saved=fitting_sheet)
    header = st.number_input(
        frame.words.text("ui.upload.reading_header"),
        min_value=1,
        max_value=1000,
        value=max(found.header_line, 1),
        key=f"{stem}.header",
    )
    return ReadOptions(encoding or None, separator or None, int(header) if int(header) != max(found.header_line, 1) else None, sheet or None)


def choose_other(
    frame: Frame,
    name: str,
    found: str,
    offered: Iterable[str],
    *,
    key: str,
    name_of: Callable[[str], str] = str,
    saved: str | None = "",
) -> str:
    """Show what was found, to be left as it is or replaced.

    Args:
        frame: Of the page.
        name: Of the setting: ``ui.upload.<name>`` is its label, ``ui.upload.<name>_help`` its help where there is one.
        found: The value in force.
        offered: Values to choose from.
        key: Of the select box.
        name_of: A value in the reader's language.
        saved: The value of a saved mapping.

    Returns:
        The replacement; "" where the value found stands.
    """
    words, options = frame.words, ["", *(value for value in offered if value != found)]
    help_key = f"ui.upload.{name}_help"
    chosen: str = st.selectbox(
        words.text(f"ui.upload.{name}"),
        options,
        index=options.index(saved) if saved in options else 0,
        format_func=lambda value: name_of(value) if value else words.text("ui.upload.reading_auto", value=name_of(found)),
        key=key,
        help=words.text(help_key) if words.has(help_key) else None,
    )
    return chosen
