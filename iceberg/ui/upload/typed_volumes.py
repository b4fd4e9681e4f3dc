"""Volumes without a file: typed in a table that starts with twelve months, or pasted from a spreadsheet."""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.upload.files import UploadedFile

MONTHS = 12
_SHOWN = 6  # missing cells that are named
_BASE = "typed.base"


def type_volumes(frame: Frame) -> UploadedFile | None:
    """The volumes as the file that an analyst would have saved; None while a cell is missing."""
    words = frame.words
    st.markdown(f"**{words.text('ui.upload.typed_title')}**")
    example = words.text("ui.upload.paste_example").replace(", ", "\t").replace(" / ", "\n")  # as a spreadsheet copies cells
    how = words.text("ui.upload.paste_help")
    pasted = st.text_area(words.text("ui.upload.paste"), key="typed.paste", height=120, placeholder=example, help=how)
    if pasted and pasted.strip():
        return UploadedFile.of("volumes", "volumes.csv", pasted.strip("\n").encode())
    named = st.text_input(words.text("ui.upload.typed_categories"), key="typed.names", placeholder=words.text("ui.upload.typed_categories_example"))
    names = list(dict.fromkeys(name for text in (named or "").replace(";", ",").split(",") if (name := text.strip())))
    if not names:
        return None
    typed = st.data_editor(
        _table(names, frame),
        hide_index=True,
        num_rows="fixed",
        key="typed",
        disabled=["month"],
        column_config={
            "month": st.column_config.TextColumn(words.text("ui.upload.typed_month"), pinned=True),
            **{name: st.column_config.NumberColumn(plain(name), min_value=0, step=1) for name in names},
        },
        alt=words.text("ui.upload.typed_title"),
        placeholder="",
    )
    st.session_state["typed.table"] = typed
    filled = typed[names].notna()
    if not filled.to_numpy().any():
        st.info(words.text("ui.upload.typed_empty"), icon=":material/edit:")
        return None
    first, last = (int(filled.any(axis=1).to_numpy().nonzero()[0][end]) for end in (0, -1))
    cells = [(place, name) for place in range(first, last + 1) for name in names]
    missing = [(typed["month"].iloc[place], name) for place, name in cells if not filled[name].iloc[place]]
    if missing:
        named_cells = "; ".join(words.text("ui.upload.typed_cell", category=name, month=month) for month, name in missing[:_SHOWN])
        st.warning(plain(words.text("ui.upload.typed_missing", count=len(missing), cells=named_cells)), icon=":material/edit:")
        return None
    months = [day.isoformat() for day in _months()]
    rows = [(months[place], name, int(typed[name].iloc[place])) for place, name in cells]
    text: str = pd.DataFrame(rows, columns=["month", "category", "complaints"]).to_csv(index=False)
    return UploadedFile.of("volumes", "volumes.csv", text.encode())


def _months() -> list[date]:
    """The twelve months before this one, the earliest first."""
    this = pd.Period(date.today(), freq="M")
    return [(this - back).start_time.date() for back in range(MONTHS, 0, -1)]


def _table(names: list[str], frame: Frame) -> pd.DataFrame:
    """The table to type in: with other categories it is made anew, and has what was typed before."""
    base: pd.DataFrame | None = st.session_state.get(_BASE)
    is_open = "typed" in st.session_state
    months = [frame.words.month(day) for day in _months()]
    if base is not None and is_open and list(base.columns) == ["month", *names] and list(base["month"]) == months:
        return base  # the editor adds what is typed to the same table
    before: pd.DataFrame | None = st.session_state.get("typed.table")
    table = pd.DataFrame({"month": months})
    for name in names:
        kept = before[name].to_numpy() if before is not None and name in before else [None] * MONTHS
        table[name] = pd.array(list(kept), dtype="Int64")
    st.session_state[_BASE] = table
    return table
