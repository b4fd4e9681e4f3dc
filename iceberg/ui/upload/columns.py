"""Owns the step "columns": what was proposed for each field and why, corrected, confirmed, kept for next month."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.columns.flat_sheet import MONTHS_PER_UNIT, says_its_unit, tenure_unit
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN, normalise_header
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rules.select import revenue_period
from iceberg.ingest.schema import FIELDS, REQUIRED, WITHOUT_CATEGORY
from iceberg.ingest.values.dates import AS_WRITTEN, DATE_FORMATS
from iceberg.ingest.values.flags import values_to_ask
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.upload.files import FileLook, UploadedFile, check_mapping, confirm_mapping, read_mapping
from iceberg.ui.upload.reading import Looks

ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/")))


def choose_columns(frame: Frame, files: tuple[UploadedFile, ...], looks: Looks) -> MappingSet | None:
    """Show the proposal of each table and let it be corrected.

    Returns:
        The mapping, once the analyst has confirmed it; None before.
    """
    words = frame.words
    st.caption(words.text("ui.upload.columns_lead"))
    saved = _open_saved(frame)
    mappings = {}
    for file, column in zip(files, st.columns(len(files), gap="large"), strict=True):
        with column:
            st.markdown(f"**{words.text(f'ui.upload.table_{file.table}')}** · {file.name}")
            mappings[file.table] = _choose_table(frame, file, looks, saved.get(file.table) if saved else None)
    mapping = replace(saved, tables=mappings) if saved else MappingSet(mappings)
    missing = [name for one in mappings.values() for name in one.missing]
    if missing:
        named = ", ".join(field_name(frame, name) for name in missing)
        st.warning(words.text("ui.upload.missing", fields=named), icon=":material/warning:")
        return None
    if not _all_readable(frame, files, mapping):
        return None
    identity = "|".join(file.sha256 for file in files) + mapping.to_toml()
    with st.container(horizontal=True):
        if st.button(words.text("ui.upload.confirm"), type="primary", icon=":material/check:", key="columns.confirm"):
            st.session_state["confirmed"] = identity
        st.download_button(
            words.text("ui.upload.mapping_save"),
            data=mapping.to_toml(),
            file_name="mapping.toml",
            mime="application/toml",
            icon=":material/save:",
            help=words.text("ui.upload.mapping_help"),
            key="mapping.save",
            on_click="ignore",
        )
    if st.session_state.get("confirmed") != identity:
        return None
    st.success(words.text("ui.upload.confirmed"), icon=":material/check_circle:")
    return mapping


def _all_readable(frame: Frame, files: tuple[UploadedFile, ...], mapping: MappingSet) -> bool:
    """Whether every date can be read one way only; where 03/04/2025 could be two days, the analyst is asked."""
    try:
        for file in files:
            check_mapping(file, mapping.tables[file.table])
    except IcebergError as error:
        show_error(error, frame.words)
        return False
    return True


def _open_saved(frame: Frame) -> MappingSet | None:
    words = frame.words
    with st.popover(
        words.text("ui.upload.mapping_load"),
        icon=":material/folder_open:",
        help=words.text("ui.upload.mapping_help"),
        key="mapping.open",
    ):
        upload = st.file_uploader(words.text("ui.upload.mapping_load"), type=["toml", "json"], key="mapping.file", max_upload_size=1)
    if upload is None:
        return None
    try:
        return read_mapping(upload.name, upload.getvalue())
    except IcebergError as error:
        show_error(error, words)
        return None


def _choose_table(frame: Frame, file: UploadedFile, looks: Looks, saved: ColumnMapping | None) -> ColumnMapping:
    look, options = looks[file.table]
    stem = f"column.{file.table}.{file.sha256[:8]}.{'saved' if saved else 'found'}"
    chosen: dict[str, str] = {}
    formats: dict[str, str] = dict(saved.date_formats) if saved else {}
    fixed: dict[str, Any] = {"date_formats": formats, "decimal": saved.decimal if saved else ""}
    for name, kind in FIELDS[file.table].items():
        header = _choose_header(frame, look, file.table, name, stem, saved)
        if header is None:
            if name == "category" and file.table in WITHOUT_CATEGORY:
                fixed["one_category"] = _name_all(frame, stem, saved)
            continue
        chosen[name] = header
        if kind in {"date", "end"} and (told := _choose_dates(frame, look, header, f"{stem}.{name}", formats.get(name))):
            formats[name] = told
        if kind in {"date", "end"} and (zone := _choose_zone(frame, look, header, f"{stem}.{name}", saved)):
            fixed["time_zone"] = zone
        if kind == "number" and (mark := _choose_decimal(frame, look, header, f"{stem}.{name}")):
            fixed["decimal"] = mark
        if name == "revenue":
            fixed["revenue_period"] = _choose_period(frame, look, header, f"{stem}.{name}", saved)
        if kind == "flag" and (yes := _choose_yes(frame, look, header, f"{stem}.{name}", saved.yes_values.get(name, ()) if saved else ())):
            fixed.setdefault("yes_values", {})[name] = yes
        if name == "tenure":
            fixed["tenure_unit"] = _choose_unit(frame, look, header, f"{stem}.{name}", saved)
    return confirm_mapping(look, file.table, chosen, options, fixed)


def _choose_header(frame: Frame, look: FileLook, table: str, name: str, stem: str, saved: ColumnMapping | None) -> str | None:
    words = frame.words
    proposed = look.proposal.choices.get(name)
    header = saved.header(name) if saved else (proposed.header if proposed else None)
    headers = [None, *look.reading.headers]
    need = words.text("ui.upload.required" if name in REQUIRED[table] else "ui.upload.optional")
    chosen: str | None = st.selectbox(
        f"{field_name(frame, name)} ({need})",
        headers,
        index=headers.index(header) if header in headers else 0,
        format_func=lambda one: words.text("ui.upload.column_none") if one is None else one,
        key=f"{stem}.{name}",
        help=words.text(helped) if words.has(helped := f"ui.upload.field_{name}_help") else None,
    )
    if chosen is not None:
        st.caption(_reason(frame, look, name, chosen))
    return chosen


def _name_all(frame: Frame, stem: str, saved: ColumnMapping | None) -> str:
    """The one name for all complaints of a file that does not say what they are about; "" where nothing was written."""
    words = frame.words
    return st.text_input(
        words.text("ui.upload.one_category"),
        value=saved.one_category if saved else "",
        placeholder=words.text("ui.upload.one_category_example"),
        help=words.text("ui.upload.one_category_help"),
        key=f"{stem}.one_category",
        max_chars=80,
    ).strip()


def field_name(frame: Frame, name: str) -> str:
    """A field in the reader's language, as a label."""
    text = frame.words.text(f"ingest.fields.{name}")
    return text[:1].upper() + text[1:]


def _reason(frame: Frame, look: FileLook, name: str, chosen: str) -> str:
    words = frame.words
    proposed = look.proposal.choices.get(name)
    examples = [text.strip() for text in look.sample(chosen) if text and text.strip()][:3]
    shown = words.text("ui.upload.examples", values=" · ".join(f"`{text[:24]}`" for text in examples)) if examples else ""
    if proposed is None or proposed.header != chosen:
        return f"{words.text('ui.upload.chosen_by_you')} {shown}"
    key = f"ingest.reasons.{proposed.reason}"
    why = words.text(key) if words.has(key) else proposed.reason
    sure = words.percent(proposed.confidence)
    mark = ":material/check_small:" if proposed.confidence >= CERTAIN else ":material/help:"
    return f"{mark} {words.text('ui.upload.proposed', why=why, confidence=sure)} {shown}"


def _choose_dates(frame: Frame, look: FileLook, header: str, key: str, saved: str | None) -> str | None:
    """The date format told by hand; None where the one found stands. When both orders fit, the analyst must say."""
    words = frame.words
    found = look.dates(header)
    if found is None:
        return saved
    if found.ambiguous or found.mixed:
        orders = ("day_first", "month_first")
        told: str | None = st.radio(
            words.text("ui.upload.date_ambiguous", value=found.example),
            orders,
            index=orders.index(saved) if saved in orders else None,
            format_func=lambda one: words.text(f"ingest.date_formats.{one}"),
            key=f"{key}.order",
            horizontal=True,
        )
        return told
    options = ["", *(one for one in DATE_FORMATS if one != found.format)]
    chosen = st.selectbox(
        words.text("ui.upload.reading_dates"),
        options,
        index=options.index(saved) if saved in options else 0,
        format_func=lambda one: words.text(
            "ui.upload.plain" if one else "ui.upload.reading_auto",
            value=words.text(f"ingest.date_formats.{one or found.format}"),
        ),
        key=f"{key}.format",
    )
    return chosen or None


def _choose_zone(frame: Frame, look: FileLook, header: str, key: str, saved: ColumnMapping | None) -> str | None:
    """The zone whose days are counted; asked only where another zone could put a moment on another day."""
    words, found = frame.words, look.dates(header)
    if found is None or not found.time_zone:
        return None
    as_found = words.text("ui.upload.zone_as_written") if found.time_zone == AS_WRITTEN else found.time_zone
    options = ["", *ZONES]
    told = saved.time_zone if saved else ""
    chosen = st.selectbox(
        words.text("ui.upload.reading_time_zone"),
        options,
        index=options.index(told) if told in options else 0,
        format_func=lambda one: one or words.text("ui.upload.reading_auto", value=as_found),
        key=f"{key}.zone",
        help=words.text("ui.upload.reading_time_zone_help"),
    )
    return chosen or None


def _choose_decimal(frame: Frame, look: FileLook, header: str, key: str) -> str | None:
    words = frame.words
    found = look.numbers(header)
    if found is None or found.plain:
        return None
    other = "." if found.decimal == "," else ","
    chosen = st.selectbox(
        words.text("ui.upload.reading_decimal"),
        ["", other],
        format_func=lambda one: one or words.text("ui.upload.reading_auto", value=found.decimal),
        key=f"{key}.decimal",
    )
    return chosen or None


def _choose_period(frame: Frame, look: FileLook, header: str, key: str, saved: ColumnMapping | None) -> str:
    words = frame.words
    found = revenue_period(saved or look.proposal, header)
    chosen: str = st.segmented_control(
        words.text("ui.upload.revenue_period"),
        ("year", "month"),
        default=found,
        format_func=lambda one: words.text(f"ui.upload.per_{one}"),
        key=f"{key}.period",
        required=True,
    )
    return chosen


def _choose_unit(frame: Frame, look: FileLook, header: str, key: str, saved: ColumnMapping | None) -> str:
    """What the tenure of a sheet without dates is counted in, where its header does not say it; "" where the one found stands."""
    told = saved.tenure_unit if saved else ""
    if says_its_unit(header) and not told:
        return ""
    words, found = frame.words, tenure_unit(header, look.sample(header))
    options = ["", *(unit for unit in MONTHS_PER_UNIT if unit != found)]
    chosen: str = st.selectbox(
        words.text("ui.upload.tenure_unit"),
        options,
        index=options.index(told) if told in options else 0,
        format_func=lambda one: words.text(
            "ui.upload.plain" if one else "ui.upload.reading_auto", value=words.text(f"ui.upload.unit_{one or found}")
        ),
        key=f"{key}.unit",
        help=words.text("ui.upload.tenure_unit_help"),
    )
    return chosen


def _choose_yes(frame: Frame, look: FileLook, header: str, key: str, told: tuple[str, ...]) -> tuple[str, ...]:
    """The values that mean yes, where a column is coded or worded in its own way; nothing is taken for granted."""
    found = values_to_ask(look.sample(header), header=normalise_header(header))
    if not found:
        return told
    words = frame.words
    known = [value for value in found if value in told]
    chosen = st.multiselect(words.text("ui.upload.yes_values"), found, default=known, key=f"{key}.yes", help=words.text("ui.upload.yes_values_help"))
    return tuple(chosen)
