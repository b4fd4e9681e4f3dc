"""The boxes of the step "files": one per table, with what was given and what is wrong with it below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN
from iceberg.ingest.files.source_table import ReadOptions
from iceberg.ingest.recognise import likeness
from iceberg.ingest.schema import REQUIRED
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import session_cache
from iceberg.ui.session.work import FILES, files_of_session
from iceberg.ui.upload.files import UploadedFile, take_bytes
from iceberg.ui.upload.limit import LIMIT_MB
from iceberg.ui.upload.upload import FilePreview, Upload

_ROUND = "file.round"  # a box is emptied by giving it another key
_CLEARLY = 1.0  # judgement: of `likeness`; a required field more on each side is worth more than that

Place = st.delta_generator.DeltaGenerator


def take_file(frame: Frame, table: str, column: Place) -> tuple[UploadedFile | None, Place]:
    """The files of a table, given now or before, and the place below their box for what is to be said about them."""
    words, key = frame.words, _key(table)
    column.file_uploader(
        words.text(f"ui.upload.{table}_file"),
        max_upload_size=LIMIT_MB,
        accept_multiple_files=True,
        help=plain(words.text("ui.upload.file_help", limit=LIMIT_MB)),
        key=key,
        on_change=partial(_take, table),
    )
    parts = files_of_session().get(table, ())
    if parts and not st.session_state.get(key):
        with column.container(horizontal=True, vertical_alignment="center", key=f"given-{table}"):
            held = sum(len(source.data) for source, _ in parts)
            small = held < 100_000
            size = words.integer(max(round(held / 1000), 1)) if small else words.decimal(held / 1_000_000, 1)
            name = " + ".join(source.name for source, _ in parts)
            st.markdown(f":material/draft: **{plain(name)}** · {plain(words.text('ui.upload.size_small' if small else 'ui.upload.size', size=size))}")
            remove = partial(_remove, table)
            st.button(words.text("ui.upload.remove"), icon=":material/close:", type="tertiary", key=f"press.remove.{table}", on_click=remove)
    return (UploadedFile.of_several(table, parts) if parts else None), column.container()


def show_contents(frame: Frame, file: UploadedFile | None, place: Place, read: Callable[[], str]) -> None:
    """Say below its box what a sheet holds, or what is wrong with it.

    Args:
        frame: Of the page.
        file: From `take_file`; nothing is said without one.
        place: The place below the box.
        read: Reads it and says what it holds; called once per file and language.
    """
    if file is None:
        return
    with place:
        try:
            said = session_cache("results").get(f"sheet|{file.table}|{file.sha256}|{frame.language}", read)
            st.caption(f":material/check_small: {plain(said)}")
        except IcebergError as error:
            show_error(error, frame.words)


def offer_download(frame: Frame, table: str, path: Path) -> None:
    """A file of the sample company to try a box with."""
    st.download_button(
        frame.words.text(f"ui.upload.sample_{table}"),
        data=path.read_bytes(),
        file_name=path.name,
        icon=":material/download:",
        type="tertiary",
        key=f"sample.{table}",
        on_click="ignore",
    )


def _key(table: str) -> str:
    turn = st.session_state.get(_ROUND, 0)
    return f"file.{table}.{turn}" if turn else f"file.{table}"


def _take(table: str) -> None:
    uploads = st.session_state.get(_key(table)) or []
    give_files(table, tuple(take_bytes(one.file_id, one.name, one.getvalue()) for one in uploads))


def _remove(table: str) -> None:
    give_files(table, ())


def give_files(table: str, parts: Sequence[tuple[object, str]]) -> None:
    """Put files in the place of those of a table; none removes them."""
    others = {name: given for name, given in files_of_session().items() if name != table}
    st.session_state[FILES] = others | ({table: tuple(parts)} if parts else {})


def empty_boxes() -> None:
    """Show the boxes empty; the files stay until others come or they are removed."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def judge_files(frame: Frame, upload: Upload, places: dict[str, Place]) -> dict[str, FilePreview]:
    """Say of each file below its box what it is, or why it is no table; the previews of those that are."""
    previews: dict[str, FilePreview] = {}
    for file in upload.files:
        with places.get(file.table) or st.container():
            try:
                sheet = upload.fitting_sheet(file) or None
                found = previews[file.table] = upload.preview(file, ReadOptions(settle=True, sheet=sheet))
            except IcebergError as error:
                show_error(error, frame.words)
                continue
            headers = found.reading.headers
            st.caption(f":material/check_small: {plain(frame.words.text('ui.upload.judged', count=len(headers), headers=_listed(headers)))}")
    return previews


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(headers[:4]) + (" …" if len(headers) > 4 else "")


def offer_swap(frame: Frame, previews: dict[str, FilePreview]) -> None:
    """Where two files look as if each stood in the other's place, say so, with a button."""
    pair = find_swap(previews)
    if pair is None:
        return
    words = frame.words
    first, second = (words.text(f"ui.upload.table_{table}") for table in pair)
    with st.container(border=True, key="swap"):
        st.warning(plain(words.text("ui.upload.swapped", first=first, second=second)), icon=":material/swap_horiz:")
        st.button(words.text("ui.upload.swap"), icon=":material/swap_horiz:", type="primary", key="press.swap", on_click=partial(_swap, pair))


def find_swap(previews: dict[str, FilePreview]) -> tuple[str, str] | None:
    """Two tables whose files fit each other's place better, and whose own place lacks a certain required column; None where all fit."""
    tables = list(previews)

    def fit(table: str, place: str) -> float:
        source = previews[table].source
        return likeness(source, place, source.reading.file)

    for number, one in enumerate(tables):
        for other in tables[number + 1 :]:
            lacks = any(_lacks(table, previews[table].proposal) for table in (one, other))
            if lacks and fit(one, other) + fit(other, one) > fit(one, one) + fit(other, other) + _CLEARLY:
                return one, other
    return None


def _lacks(table: str, proposal: ColumnMapping) -> bool:
    """Whether a required column is missing, or has nothing but its values for it: those of the other table may suit as well."""
    doubtful = {choice.field for choice in proposal.uncertain(CERTAIN)} | set(proposal.missing)
    return bool(doubtful & set(REQUIRED.get(table, ())))


def _swap(pair: tuple[str, str]) -> None:
    files, (one, other) = files_of_session(), pair
    st.session_state[FILES] = files | {one: files[other], other: files[one]}
    empty_boxes()


