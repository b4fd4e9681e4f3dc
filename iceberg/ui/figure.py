"""Results on a page: a chart with its takeaway, its table and its download; tables; remarks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import streamlit as st

from iceberg.locale import load_conventions
from iceberg.ui.chart_files import show_picture_button
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached, parse_chart

if TYPE_CHECKING:
    import pandas as pd

    from iceberg.locale import Translator
    from iceberg.model.results import Diagnostic, IcebergEstimate
    from iceberg.report.palette import Theme

Unit = Literal["customers", "money", "ratio", "rate"]
Result = TypeVar("Result")
REMARKS = 2  # judgement: beside a headline or below a picture; the others are folded
TABLE_LINE = 35  # Streamlit's own height of a row, in pixels
UNKNOWN = "–"  # of a cell without a value; the framework would write None
LETTER_PX, CELL_PX, LONGEST_NAME = 6.2, 18, 260  # of a letter on average, of the edges of a cell, of a column of names
LONGEST_TABLE = 400  # where Streamlit lets a table scroll
# Gravest first: Streamlit box and icon.
BOX_AND_ICON = {"warning": ("error", "front_hand"), "caution": ("warning", "visibility"), "info": ("info", "info")}


def estimate_key(estimate: IcebergEstimate) -> str:
    """Identity of an estimate on screen: counts, assumptions and the slice that is shown."""
    cells = estimate.cells
    shown = (cells.segments, cells.months) if cells is not None else ()
    return f"{estimate.counts_digest}|{estimate.assumptions!r}|{shown!r}"


@dataclass(frozen=True)
class Chart:
    """A chart on a page; its functions are called only where no result is cached.

    Attributes:
        name: Short name, for keys and file names.
        key: Everything the chart depends on, but for the frame.
        build: Makes the chart.
        takeaway: Makes the sentence a screen reader hears instead.
        table: Makes the frame behind the chart; None where the page shows it itself.
        unit: Of its plain intervals.
        paper: Makes the chart for white paper, whatever the theme on screen; None as on screen.
    """

    name: str
    key: str
    build: Callable[..., Any]
    takeaway: Callable[[], str]
    table: Callable[[], pd.DataFrame] | None = None
    unit: Unit = "customers"
    paper: Callable[[], Any] | None = None


def table_chart(
    frame: Frame,
    name: str,
    table: pd.DataFrame,
    build: Callable[[pd.DataFrame, Translator, Theme], Any],
    takeaway: Callable[[pd.DataFrame, Translator], str],
    *,
    key: str,
    unit: Unit = "customers",
) -> Chart:
    """The chart of a table that is there already, in the reader's language and theme."""
    words = frame.words
    return Chart(
        name,
        key,
        lambda: build(table, words, frame.theme),
        lambda: takeaway(table, words),
        lambda: table,
        unit,
        paper=lambda: build(table, words, "light"),
    )


def show_chart(frame: Frame, chart: Chart, *, selectable: bool = False) -> str | None:
    """Show a chart, described for screen readers and followed by the button that saves it, its table and download.

    Args:
        frame: Language, theme and width.
        chart: Made once for its key.
        selectable: Whether a click chooses a category.

    Returns:
        The category that was clicked, if any.
    """
    spec, alt_text = read_chart(frame, chart)
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": "category"} if selectable else {}
    event = st.vega_lite_chart(
        spec=dict(spec),  # Streamlit sets the width and the like, all at the top
        width="content" if spec.get("width") not in {None, "container"} else "stretch",
        theme=None,
        alt=alt_text,
        key=f"chart.{chart.name}.{_short(chart_identity(frame, chart))}",
        **options,
    )
    show_picture_button(frame, chart.name, chart.paper or chart.build, alone=chart.table is None)
    if chart.table is not None:
        _show_table(frame, chart, chart.table, alt_text)
    points = (event["selection"].get("category") or []) if selectable else []
    return str(points[0]["category"]) if points else None


def chart_identity(frame: Frame, chart: Chart) -> str:
    """Everything that a chart on screen depends on."""
    return f"{chart.name}|{chart.key}|{frame.language}|{frame.theme}|{frame.narrow}"


def specify(frame: Frame, chart: Chart) -> tuple[str, str]:
    """The Vega-Lite of a chart as text, and its takeaway: made once, or loaded from an earlier start of the server."""
    return cached(chart_identity(frame, chart), lambda: (_specification(chart.build), chart.takeaway()), study=frame.study)


def read_chart(frame: Frame, chart: Chart) -> tuple[dict[str, Any], str]:
    """The Vega-Lite of a chart, parsed, and its takeaway."""
    text, alt_text = specify(frame, chart)
    return parse_chart(chart_identity(frame, chart), text, study=frame.study), alt_text


def say(frame: Frame, estimate: IcebergEstimate, make: Callable[[IcebergEstimate, Translator], Result]) -> Result:
    """Words about an estimate in the reader's language, made once."""
    key = f"words|{make.__name__}|{estimate_key(estimate)}|{frame.language}"
    return cached(key, lambda: make(estimate, frame.words), study=frame.study)


def _specification(build: Callable[[], Any]) -> str:
    from iceberg.report.charts.specification import build_specification

    return build_specification(build)


def _show_table(frame: Frame, chart: Chart, table: Callable[[], pd.DataFrame], alt_text: str) -> None:
    """Show the figures behind a chart in a closed expander, with their download."""
    words = frame.words
    folded = st.expander(
        words.text("ui.show.figures"),
        icon=":material/table_view:",
        key=f"figures.{chart.name}",
        on_change="rerun",
        type="compact",
    )
    if not folded.open:
        return
    from iceberg.report.tables.written import display_table

    with folded:
        values = cached(f"table|{chart.name}|{chart.key}", table, study=frame.study)
        if values.empty:
            st.caption(words.text("ui.show.empty"))
            return
        shown = display_table(values, words, currency=frame.study.counts.currency, unit=chart.unit)
        draw_table(shown, alt_text=alt_text, key=f"table.{chart.name}")
        show_download(frame, chart.name, values)


def show_figures(frame: Frame, name: str, values: pd.DataFrame, *, alt_text: str) -> None:
    """Show a table that is itself the result, with its download."""
    draw_table(values, alt_text=alt_text, key=f"table.{name}")
    show_download(frame, name, values)


def draw_table(
    values: pd.DataFrame,
    *,
    alt_text: str,
    key: str,
    hide_index: bool = True,
    whole: bool = False,
    lines: int = 1,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Draw a table at a height that is set in advance.

    A browser loads the code that draws tables with the first one. On a slow line a table without a height would then push down everything
    below it, such as a button that the reader is about to press.

    Args:
        values: One row per line of the table, `(rows, columns)`.
        alt_text: The sentence a screen reader hears.
        key: Name of the element.
        hide_index: Leave the index out.
        whole: All rows at once, however many; otherwise a long table scrolls.
        lines: Lines of text in a row; with several, sentences are broken instead of cut off.
        columns: Streamlit's configuration of columns.
    """
    tall = lines * TABLE_LINE if lines > 1 else None
    height = table_height(len(values), whole=whole) if tall is None else len(values) * tall + TABLE_LINE + 2
    st.dataframe(values, hide_index=hide_index, alt=alt_text, key=key, height=height, row_height=tall, column_config=columns, placeholder=UNKNOWN)


def table_height(rows: int, *, whole: bool = False) -> int:
    """The pixels that Streamlit would choose: a line per row and one of names, a border, and no more than `LONGEST_TABLE`."""
    height = max(rows, 1) * TABLE_LINE + TABLE_LINE + 2
    return height if whole else min(height, LONGEST_TABLE)


def whole_columns(values: pd.DataFrame) -> dict[str, Any]:
    """Columns as wide as their longest text: a browser measures some of the rows, and cuts the others."""
    longest = {name: max(len(name), int(values[name].str.len().max())) for name in values.columns}
    return {name: st.column_config.TextColumn(width=min(round(LETTER_PX * letters) + CELL_PX, LONGEST_NAME)) for name, letters in longest.items()}


def show_download(frame: Frame, name: str, values: pd.DataFrame) -> None:
    """Show the download of a CSV that Excel in the reader's language opens as it is."""
    words = frame.words
    st.download_button(
        words.text("ui.show.download"),
        data=csv_bytes(values, language=frame.language),
        file_name=words.text("ui.show.download_name", name=name.replace("_", "-")),
        mime="text/csv",
        icon=":material/download:",
        key=f"download.{name}",
        on_click="ignore",
    )


def csv_bytes(values: pd.DataFrame, *, language: str) -> bytes:
    """UTF-8 with a mark that Excel needs; semicolons where the decimal sign is a comma; no cell is a formula."""
    safe = values.copy()
    for column in safe.select_dtypes(include=["object", "string"]):
        safe[column] = [f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell for cell in safe[column]]
    decimal = load_conventions(language).decimal
    text: str = safe.to_csv(index=False, sep=";" if decimal == "," else ",", decimal=decimal, lineterminator="\r\n")
    return text.encode("utf-8-sig")


def show_diagnostics(frame: Frame, diagnostics: Sequence[Diagnostic]) -> None:
    """Show the remarks, gravest first, each with what to do; a remark that several categories share becomes one box."""
    from iceberg.report.words import diagnostic_sentences

    sentences_of: dict[tuple[str, str], list[str]] = {}
    actions: dict[tuple[str, str], str] = {}
    for item in diagnostics:
        says, actions[item.severity, item.code] = diagnostic_sentences(item, frame.words, on_page=True)
        sentences_of.setdefault((item.severity, item.code), []).append(says)
    for severity, (box, icon) in BOX_AND_ICON.items():
        for (own, code), sentences in sentences_of.items():
            if own == severity:
                text = plain(sentences[0]) if len(sentences) == 1 else "\n".join(f"- {plain(sentence)}" for sentence in sentences)
                action = plain(frame.words.text("ui.iceberg.what_to_do", action=actions[own, code]))
                getattr(st, box)(f"{text}\n\n{action}", icon=f":material/{icon}:")


def open_section(frame: Frame, name: str, said: str) -> None:
    """The title of a section of the first page, `name` in the sentences, and what it says in one sentence."""
    st.subheader(frame.words.text(f"{name}.title"), anchor=False)
    st.markdown(f"**{plain(said)}**")


def show_section_chart(
    frame: Frame,
    name: str,
    key: str,
    said: str,
    table: pd.DataFrame,
    builder: Callable[[], Callable[..., Any]],
    *,
    unit: Unit = "customers",
    **further: object,
) -> None:
    """The picture of what a section says; see `Chart` for name, key and unit.

    `said` is the sentence, which a screen reader hears instead, `table` what is drawn. `builder` brings the function that draws it together with the
    chart library, which a first visitor need not wait for; `further` is what else that function takes.
    """

    def drawn(theme: Theme = "light") -> Any:  # noqa: ANN401  # a chart of Altair
        return builder()(table, frame.words, theme, description=said, narrow=frame.narrow, **further)

    show_chart(frame, Chart(name, key, partial(drawn, frame.theme), lambda: said, lambda: table, unit, paper=drawn))


def show_reach(frame: Frame, name: str) -> None:
    """Under a filter, what of a section it does not reach: ``whole`` among its sentences."""
    if frame.view.filters.months or frame.view.filters.segments:
        st.caption(frame.words.text(f"{name}.whole"))


def show_remarks(frame: Frame, remarks: Sequence[str], *, key: str) -> None:
    """What is to be said beside a sentence or below a picture: the first remarks, which weigh most, and the others folded."""
    if shown := remarks[:REMARKS]:
        st.markdown("\n".join(f"- {plain(remark)}" for remark in shown))
    if rest := remarks[REMARKS:]:
        with st.expander(plain(frame.words.text("ui.iceberg.more_remarks", count=len(rest))), icon=":material/notes:", key=f"folded.{key}"):
            st.markdown("\n".join(f"- {plain(remark)}" for remark in rest))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
