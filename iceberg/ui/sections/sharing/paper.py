"""What only a print of the first page shows: the table of the categories and where the page came from. The style sheet hides it on a screen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.locale import Translator, visible
from iceberg.report.words import definition
from iceberg.ui.figure import say
from iceberg.ui.frame import Frame
from iceberg.ui.sections.sharing.links import printed_link

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate
    from iceberg.report.files.document.blocks import TableBlock


def show_printed_table(frame: Frame, estimate: IcebergEstimate) -> None:
    """Add the table of the PDF report to the page, for paper alone; it costs a screen nothing to draw."""
    lines = [definition(frame.words), printed_link(frame)]
    notes = "".join(f"<p>{escape(visible(line))}</p>" for line in lines if line)
    st.html(f'<div class="printed" aria-hidden="true">{say(frame, estimate, printed_table)}{notes}</div>')


def printed_table(estimate: IcebergEstimate, words: Translator) -> str:
    """Every category with its range, what it costs and the verdict, as HTML."""
    from iceberg.report.files.document.executive import ranking_grid

    return _grid(ranking_grid(estimate, words))


def _grid(grid: TableBlock) -> str:
    headers = "".join(f'<th scope="col">{escape(visible(header))}</th>' for header in grid.headers)
    rows = []
    for line, row in enumerate(grid.rows, 1):
        cells = "".join(f"<td>{escape(visible(cell))}</td>" for cell in row[1:])
        kind = ' class="total"' if grid.total and line == len(grid.rows) else ""
        rows.append(f'<tr{kind}><th scope="row">{escape(visible(row[0]))}</th>{cells}</tr>')
    return f"<table><caption>{escape(visible(grid.caption))}</caption><thead><tr>{headers}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
