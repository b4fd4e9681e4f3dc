"""The step "columns": the column proposed for each field and why, to be corrected, confirmed and saved for next month."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.columns.flat_sheet import MONTHS_PER_UNIT, says_its_unit, tenure_unit
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import CERTAIN, normalise_header
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rules.amounts import has_intervals, revenue_period
from iceberg.ingest.schema import ASKED_FIELDS, BLANK_LEVEL, COLUMNS_TOGETHER, LEVELS_TOGETHER, MONTH_OF_YEAR, REQUIRED, SCALES, WITHOUT_CATEGORY
from iceberg.ingest.values.currencies import currency_named
from iceberg.ingest.values.dates import AS_WRITTEN, DATE_FORMATS
from iceberg.ingest.values.flags import values_to_ask
from iceberg.ingest.values.intervals import BY_ROW
from iceberg.ingest.values.numbers import PERIODS_PER_YEAR
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.upload_choices import decide
from iceberg.ui.upload.files import UploadedFile
from iceberg.ui.upload.reading import Previews, choose_other
from iceberg.ui.upload.upload import FilePreview, Upload, confirm_mapping

MARKS = {"certain": ":material/check_small:", "chosen": ""}
SAVED, SAME_CHOICES, CONFIRMED = "mapping.saved", "mapping.same", "confirmed"
MOST_SIDE_BY_SIDE = 2  # judgement: with more, the boxes are too narrow at 1280 px for the names of columns
LEAVERS = {"subscriptions", "events", "activity"}
ZONES = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/", "right/")))


def choose_columns(frame: Frame, upload: Upload, previews: Previews) -> MappingSet | None:
    """Show the proposal of each table and let it be corrected.

    Returns:
        The mapping, once the analyst has confirmed it, or where a saved one fits these files; None before.
    """
    words = frame.words
    st.caption(words.text("ui.upload.columns_lead"))
    saved = _open_saved(frame)
    mappings = {}
    for file, place in zip(upload.files, _places(frame, upload), strict=True):
        with place:
            st.markdown(f"**{words.text(f'ui.upload.table_{file.table}')}** · {plain(file.name)}")
            mappings[file.table] = _choose_table(frame, file, previews, saved.get(file.table) if saved else None, saved.segments if saved else ())
    mapping = replace(saved, tables=mappings, segments=()) if saved else MappingSet(mappings)  # the segments are among the columns of a table
    missing = {table: ", ".join(field_name(frame, name) for name in mapping.missing) for table, mapping in mappings.items() if mapping.missing}
    if missing:  # beside other tables its name says under which tab to look
        several = len(mappings) > 1
        tables = {table: words.text(f"ui.upload.table_{table}") for table in missing}
        shown = (words.text("ui.upload.missing_in", fields=names, table=tables[table]) if several else names for table, names in missing.items())
        named = " · ".join(shown)
        st.warning(plain(words.text("ui.upload.missing", fields=named)), icon=":material/warning:")
        return None
    if not _all_readable(frame, upload, mapping) or not _says_who_left(frame, upload, mapping):
        return None
    identity = upload.identity + mapping.to_toml()
    if saved is not None and st.session_state.pop(SAME_CHOICES, False):
        st.session_state[CONFIRMED] = identity
    confirm = partial(decide, CONFIRMED, identity)
    st.button(words.text("ui.upload.confirm"), type="primary", icon=":material/check:", key="columns.confirm", on_click=confirm)
    if st.session_state.get(CONFIRMED) != identity:
        return None
    st.success(words.text("ui.upload.confirmed"), icon=":material/check_circle:")
    return mapping


def _places(frame: Frame, upload: Upload) -> Sequence[st.delta_generator.DeltaGenerator]:
    """A place for each table: side by side, or one behind the other where there are more than a window holds."""
    if len(upload.files) <= MOST_SIDE_BY_SIDE:
        return st.columns(len(upload.files), gap="large")
    return st.tabs([plain(frame.words.text(f"ui.upload.table_{file.table}")) for file in upload.files])


def _says_who_left(frame: Frame, upload: Upload, mapping: MappingSet) -> bool:
    """Whether a column says who left, or another table does; else the analyst says that nobody did."""
    customers = mapping.get("customers")
    if customers is None or customers.header("end_date") or customers.header("churned") or LEAVERS & set(mapping.tables):
        return True
    words = frame.words
    st.warning(words.text("ui.upload.nobody_left"), icon=":material/help:")
    return st.checkbox(words.text("ui.upload.nobody_left_accept"), key=f"column.nobody.{upload.identity[:12]}")


def _all_readable(frame: Frame, upload: Upload, mapping: MappingSet) -> bool:
    """Whether every date can be read one way only; where 03/04/2025 could be two days, show the error that asks for the format."""
    try:
        for file in upload.files:
            upload.check(file, mapping.tables[file.table])
    except IcebergError as error:
        show_error(error, frame.words)
        return False
    return True


def _open_saved(frame: Frame) -> MappingSet | None:
    """The choices of an earlier month: of a file that is opened here, or of the study that was on screen."""
    words = frame.words
    with st.popover(
        words.text("ui.upload.mapping_load"),
        icon=":material/folder_open:",
        help=words.text("ui.upload.mapping_help"),
        key="mapping.open",
    ):
        st.file_uploader(words.text("ui.upload.mapping_load"), type=["toml", "json"], key="mapping.file", max_upload_size=1, on_change=_take_saved)
    name, text = st.session_state.get(SAVED, ("", ""))
    if not text:
        return None
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(text)
            mapping = MappingSet.load(path)
    except IcebergError as error:
        show_error(error, words)
        return None
    st.caption(plain(words.text("ui.upload.mapping_in_force", file=name)))
    return mapping


def _take_saved() -> None:
    upload = st.session_state.get("mapping.file")
    if upload is None:
        st.session_state.pop(SAVED, None)
    else:
        st.session_state[SAVED] = (Path(upload.name).name, upload.getvalue())


def take_same_choices(mapping: str) -> None:
    """Let the mapping of a study decide about the files that come next; where it fits them, nothing is confirmed again."""
    st.session_state[SAVED] = ("mapping.toml", mapping.encode())
    st.session_state[SAME_CHOICES] = True


def _choose_table(
    frame: Frame, file: UploadedFile, previews: Previews, saved: ColumnMapping | None, segments: tuple[str, ...]
) -> ColumnMapping:
    preview, options = previews[file.table]
    stem = f"column.{file.table}.{file.sha256[:8]}.{'saved' if saved else 'found'}"
    chosen: dict[str, str] = {}
    formats: dict[str, str] = dict(saved.date_formats) if saved else {}
    fixed: dict[str, Any] = {"date_formats": formats, "decimal": saved.decimal if saved else ""}
    for name, kind in ASKED_FIELDS[file.table].items():
        if name == "segment":
            header = _choose_segments(frame, preview, stem, saved, segments)
        else:
            header = _choose_header(frame, preview, file.table, name, stem, saved)
        if header is None:
            if name == "category" and file.table in WITHOUT_CATEGORY:
                fixed["one_category"] = _name_all(frame, stem, saved)
            continue
        chosen[name] = header
        if kind in {"date", "end"} and (date_format := _choose_dates(frame, preview, header, f"{stem}.{name}", formats.get(name))):
            formats[name] = date_format
        if kind in {"date", "end"} and (zone := _choose_zone(frame, preview, header, f"{stem}.{name}", saved)):
            fixed["time_zone"] = zone
        if kind == "number" and (mark := _choose_decimal(frame, preview, header, f"{stem}.{name}")):
            fixed["decimal"] = mark
        if name == "revenue":
            fixed["revenue_period"] = _choose_period(frame, preview, header, f"{stem}.{name}", saved)
            fixed["exchange_rates"] = _choose_rates(frame, preview, header, f"{stem}.{name}", saved.exchange_rates if saved else {})
        if kind == "flag" and (yes := _choose_yes(frame, preview, header, f"{stem}.{name}", saved.yes_values.get(name, ()) if saved else ())):
            fixed.setdefault("yes_values", {})[name] = yes
        if name == "score":
            fixed["scale"] = _choose_scale(frame, f"{stem}.{name}", saved)
        if name == "tenure":
            fixed["tenure_unit"] = _choose_unit(frame, preview, header, f"{stem}.{name}", saved)
    return confirm_mapping(preview, file.table, chosen, options, fixed)


def _choose_header(frame: Frame, preview: FilePreview, table: str, name: str, stem: str, saved: ColumnMapping | None) -> str | None:
    words = frame.words
    proposed = preview.proposal.choices.get(name)
    header = saved.header(name) if saved else (proposed.header if proposed else None)
    headers = [None, *preview.reading.headers, *((header,) if header is not None and MONTH_OF_YEAR in header else ())]
    need = words.text("ui.upload.required" if name in REQUIRED[table] else "ui.upload.optional")
    chosen: str | None = st.selectbox(
        plain(f"{field_name(frame, name)} ({need})"),
        headers,
        index=headers.index(header) if header in headers else 0,
        format_func=lambda column: words.text("ui.upload.column_none") if column is None else column,
        placeholder=words.text("ui.upload.column_none"),  # of a page that is opened again
        key=f"{stem}.{name}",
        help=words.text(help_key) if words.has(help_key := f"ui.upload.field_{name}_help") else None,
    )
    if chosen is not None:
        certainty, says = _reason(frame, preview, name, chosen)
        mark = f":orange-badge[{plain(words.text('ui.upload.to_confirm'))}]" if certainty == "likely" else MARKS[certainty]
        st.caption(f"{mark} {plain(says)}")
    return chosen


def _choose_segments(frame: Frame, preview: FilePreview, stem: str, saved: ColumnMapping | None, segments: tuple[str, ...]) -> str | None:
    """The segment column, or several of them as one (`COLUMNS_TOGETHER`); `segments` are those of a saved mapping that names them for all tables."""
    words, headers = frame.words, preview.reading.headers
    proposed = preview.proposal.choices.get("segment")
    header = saved.header("segment") if saved else (proposed.header if proposed else None)
    known = segments or (() if header is None else (header,) if header in headers else tuple(header.split(COLUMNS_TOGETHER)))
    chosen = st.multiselect(
        plain(f"{field_name(frame, 'segment')} ({words.text('ui.upload.optional')})"),
        headers,
        default=[name for name in known if name in headers],
        key=f"{stem}.segment",
        placeholder=words.text("ui.upload.column_none"),
        help=words.text("ui.upload.field_segment_help"),
        format_func=str,
        select_all=False,  # its words are English
    )
    if len(chosen) == 1:
        certainty, says = _reason(frame, preview, "segment", chosen[0])
        st.caption(f"{MARKS[certainty]} {plain(says)}")
    elif chosen:
        rows = zip(*(preview.sample(name) for name in chosen), strict=False)
        examples = list(dict.fromkeys(LEVELS_TOGETHER.join((text or "").strip() or BLANK_LEVEL for text in row) for row in rows))[:3]
        shown = words.text("ui.upload.examples", values=" · ".join(words.text("report.noise.quoted", category=text[:40]) for text in examples))
        st.caption(plain(f"{words.text('ui.upload.segments_together')} {shown}"))
    return COLUMNS_TOGETHER.join(chosen) or None


def _name_all(frame: Frame, stem: str, saved: ColumnMapping | None) -> str:
    """The one category for all complaints of a file without a category column; "" where none was written."""
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


def _reason(frame: Frame, preview: FilePreview, name: str, chosen: str) -> tuple[str, str]:
    """How certain a column is, one of `MARKS`; and why it was proposed, with its first values."""
    words = frame.words
    proposed = preview.proposal.choices.get(name)
    examples = [text.strip() for text in preview.sample(chosen) if text and text.strip()][:3]
    quoted = " · ".join(words.text("report.noise.quoted", category=text[:24]) for text in examples)
    shown = words.text("ui.upload.examples", values=quoted) if examples else ""
    if proposed is None or proposed.header != chosen:
        return "chosen", f"{words.text('ui.upload.chosen_by_you')} {shown}"
    key = f"ingest.reasons.{proposed.reason}"
    why = words.text(key) if words.has(key) else proposed.reason
    sure = words.percent(proposed.confidence)
    return "certain" if proposed.confidence >= CERTAIN else "likely", f"{words.text('ui.upload.proposed', why=why, confidence=sure)} {shown}"


def _choose_dates(frame: Frame, preview: FilePreview, header: str, key: str, saved: str | None) -> str | None:
    """The date format chosen by hand; None where the one found stands. When both orders fit, the analyst must choose."""
    words = frame.words
    found = preview.dates(header)
    if found is None:
        return saved

    def name_of(date_format: str) -> str:
        return words.text(f"ingest.date_formats.{date_format}")

    if found.ambiguous or found.mixed:
        orders = ("day_first", "month_first")
        order: str | None = st.radio(
            plain(words.text("ui.upload.date_ambiguous", value=found.example)),
            orders,
            index=orders.index(saved) if saved in orders else None,
            format_func=lambda order: plain(name_of(order)),
            key=f"{key}.order",
            horizontal=True,
        )
        return order
    return choose_other(frame, "reading_dates", found.format, DATE_FORMATS, key=f"{key}.format", name_of=name_of, saved=saved) or None


def _choose_zone(frame: Frame, preview: FilePreview, header: str, key: str, saved: ColumnMapping | None) -> str:
    """The zone whose days are counted; shown only where another zone could put a moment on another day."""
    found = preview.dates(header)
    if found is None or not found.time_zone:
        return ""
    zone = frame.words.text("ui.upload.zone_as_written") if found.time_zone == AS_WRITTEN else found.time_zone
    return choose_other(frame, "reading_time_zone", zone, ZONES, key=f"{key}.zone", saved=saved.time_zone if saved else "")


def _choose_decimal(frame: Frame, preview: FilePreview, header: str, key: str) -> str:
    found = preview.numbers(header)
    if found is None or found.plain:
        return ""
    return choose_other(frame, "reading_decimal", found.decimal, (".", ","), key=f"{key}.decimal")


def _choose_period(frame: Frame, preview: FilePreview, header: str, key: str, saved: ColumnMapping | None) -> str:
    """What amounts are paid per; "" where a column beside them leaves it open and nothing is chosen yet."""
    words, choice = frame.words, preview.proposal.choices.get("interval")
    revenue, beside = preview.source.column(header), preview.source.column(choice.header) if choice is not None else None
    mapping = replace(preview.proposal, revenue_period=saved.revenue_period) if saved else preview.proposal
    found = revenue_period(mapping, revenue, beside) if revenue is not None else "year"
    chosen: str | None = st.pills(
        words.text("ui.upload.revenue_period"),
        (BY_ROW,) if beside is not None and has_intervals(mapping) else (*PERIODS_PER_YEAR, *((BY_ROW,) if beside is not None else ())),
        default=found or None,
        format_func=lambda period: words.text(f"ui.upload.per_{period}"),
        key=f"{key}.period",
        required=bool(found),
        wrap=True,
    )
    if beside is not None and chosen in {BY_ROW, None}:
        said = ", ".join(list(dict.fromkeys(beside.texts))[:4])
        st.caption(plain(words.text("ui.upload.period_beside" if chosen else "ui.upload.period_unclear", beside=beside.header, values=said)))
    return chosen or ""


def _choose_rates(frame: Frame, preview: FilePreview, header: str, key: str, saved: Mapping[str, float]) -> dict[str, float]:
    """What one unit of each currency of the amounts is worth in the first one; asked only where there are several."""
    words, found, beside = frame.words, preview.numbers(header), preview.proposal.choices.get("currency")
    codes = found.currencies if found is not None else ()
    if not codes and beside is not None:
        codes = tuple(dict.fromkeys(code for text in preview.sample(beside.header) if (code := currency_named(text or ""))))
    if len(codes) < 2:
        return dict(saved)
    base = next((code for code in codes if code not in saved), codes[0])
    st.caption(plain(words.text("ui.upload.rates_lead", currencies=", ".join(codes), base=base)))
    rates: dict[str, float] = {}
    for code in codes:
        if code != base:
            label = words.text("ui.upload.rate_label", code=code, base=base)
            rate = st.number_input(plain(label), min_value=0.0, value=saved.get(code), step=0.01, format="%.4f", key=f"{key}.rate.{code}")
            rates |= {code: float(rate)} if rate else {}
    return rates


def _choose_unit(frame: Frame, preview: FilePreview, header: str, key: str, saved: ColumnMapping | None) -> str:
    """The unit of tenure of a sheet without dates, where its header does not name it; "" where the one found stands."""
    known = saved.tenure_unit if saved else ""
    if says_its_unit(header) and not known:
        return ""
    words, found = frame.words, tenure_unit(header, preview.sample(header))

    def name_of(unit: str) -> str:
        return words.text(f"ui.upload.unit_{unit}")

    return choose_other(frame, "tenure_unit", found, MONTHS_PER_UNIT, key=f"{key}.unit", name_of=name_of, saved=known)


def _choose_scale(frame: Frame, key: str, saved: ColumnMapping | None) -> str:
    """The scale of the scores; "" where header and values show it."""
    words, options = frame.words, ["", *SCALES]
    known = saved.scale if saved else ""
    chosen: str = st.selectbox(
        words.text("ui.upload.scale"),
        options,
        index=options.index(known) if known in options else 0,
        format_func=lambda value: words.text(f"ui.upload.scale_{value or 'auto'}") if value in {"", "percent", "words"} else value,
        key=f"{key}.scale",
        help=words.text("ui.upload.scale_help"),
    )
    return chosen


def _choose_yes(frame: Frame, preview: FilePreview, header: str, key: str, saved: tuple[str, ...]) -> tuple[str, ...]:
    """The values that mean yes, where a column has codes or words of its own; none is assumed."""
    values = values_to_ask(preview.sample(header), header=normalise_header(header))
    if not values:
        return saved
    words = frame.words
    known = [value for value in values if value in saved]
    chosen = st.multiselect(
        words.text("ui.upload.yes_values"),
        values,
        default=known,
        key=f"{key}.yes",
        help=words.text("ui.upload.yes_values_help"),
        placeholder=words.text("ui.upload.choose_some"),
        select_all=False,  # its words are English
    )
    return tuple(chosen)
