"""Files that are too large to upload: the limit, and the command that reads such a file by its path.

The browser refuses the file before a byte is sent, in its own words; a listener on the page reports its name and size, never its content.
"""

from __future__ import annotations

import os.path
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from iceberg.ingest.schema import OPTION_OF_TABLE
from iceberg.locale import FALLBACK, Translator
from iceberg.ui.access.upload_bounds import take_refusal
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.upload.files import TABLES, Shape, UploadedFile, optional_tables

LIMIT_MB = 200  # as in .streamlit/config.toml
_KEY = "refused"
_REPORT_REFUSED = """
export default function (component) {
  const { data, setStateValue } = component;
  const report = event => {
    const files = event.type === "drop" ? event.dataTransfer && event.dataTransfer.files : event.target && event.target.files;
    const field = event.target && event.target.closest && event.target.closest("[class*=st-key-file-]");
    if (!files || !field) return;
    const table = [...field.classList].find(name => name.startsWith("st-key-file-")).slice("st-key-file-".length);
    const large = [...files].filter(file => file.size > data.bytes).map(file => ({ table, name: file.name, bytes: file.size }));
    if (large.length || data.reported) setStateValue("files", large);
  };
  for (const kind of ["change", "drop"]) document.addEventListener(kind, report, true);
  return () => { for (const kind of ["change", "drop"]) document.removeEventListener(kind, report, true); };
}
"""


def show_limit(frame: Frame, shape: Shape, taken: Iterable[UploadedFile]) -> None:
    """Show the limit of this page, and for every refused file the command that reads it."""
    words = frame.words
    refused = _refused_files()
    names = {file.table: [source.name for source in file.sources] for file in taken}
    for file in refused:
        names.setdefault(file["table"], []).append(file["name"])
    for file in refused:
        size = words.integer(round(file["bytes"] / 1_000_000))
        st.error(plain(words.text("ui.upload.refused", file=file["name"], size=size, limit=LIMIT_MB)), icon=":material/block:")
    context = get_script_run_ctx()
    bound = take_refusal(context.session_id) if context is not None else None
    if bound is not None:
        st.error(plain(words.text(f"ui.upload.bound_{bound.bound}", limit=bound.limit_mb)), icon=":material/block:")
    if refused:
        st.markdown(words.text("ui.upload.refused_command"))
        st.code(command_line(shape, names, words), language=None, wrap_lines=True)
    else:
        st.caption(plain(words.text("ui.upload.larger", limit=LIMIT_MB)))


def command_line(shape: Shape, names: Mapping[str, list[str]], words: Translator) -> str:
    """The command for these files; a word in capitals stands for each file that the shape needs and nobody gave."""
    optional = set(optional_tables(shape))
    if shape == "joined":  # every table is optional; without any, the two that most companies have
        optional |= set(TABLES[shape]) - (set() if names else {"customers", "complaints"})
    parts = ["python", "-m", "iceberg", "estimate"]
    for table in (*TABLES[shape], *optional_tables(shape)):
        given = names.get(table, [])
        if given or table not in optional:
            parts += [f"--{OPTION_OF_TABLE[table]}", shlex.quote(_pattern(given)) if given else words.text("ui.upload.file_word")]
    return " ".join([*parts, *([] if words.language == FALLBACK else ["--lang", words.language])])


def _pattern(names: list[str]) -> str:
    """One name, or the pattern that several share."""
    if len(names) == 1:
        return names[0]
    endings = {Path(name).suffix for name in names}
    shared = os.path.commonprefix(names)  # noqa: RUF071  # of the letters: exports-2026-01.csv and exports-2026-02.csv
    return f"{shared}*{endings.pop() if len(endings) == 1 else ''}"


def _refused_files() -> list[dict[str, Any]]:
    """Names and sizes that the listener reported, checked: what a browser sends is never trusted."""
    reported = getattr(st.session_state.get(_KEY), "files", None) or []
    listen = st.components.v2.component("iceberg_refused", js=_REPORT_REFUSED)
    listen(key=_KEY, data={"bytes": LIMIT_MB * 1024 * 1024, "reported": bool(reported)}, on_files_change=lambda: None)
    tables = {table for shape in TABLES for table in (*TABLES[shape], *optional_tables(shape))}
    return [
        {"table": file["table"], "name": str(file["name"])[:200], "bytes": int(file["bytes"])}
        for file in reported
        if isinstance(file, dict) and file.get("table") in tables and isinstance(file.get("bytes"), int | float) and file.get("name")
    ]
