"""One slide: its title, foot and notes, and the blocks of text, tables and pictures that are put on it where they fit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.document.blocks import TableBlock
from iceberg.report.files.document.executive import period_text
from iceberg.report.files.formula_guard import plain_text
from iceberg.report.files.provenance import Provenance
from iceberg.report.files.slides.canvas import LINE, POINTS, Box, Text, fitted, fitting_size, height_needed, lines_needed, paint, write_text
from iceberg.report.files.slides.template import MARGIN_IN, WIDTH_IN, template_boxes, title_of

TITLE_SIZES = (26.0, 22.0, 19.0, 17.0, 15.0, 13.0, 11.0)
TABLE_SIZES = (13.0, 12.0, 11.0, 10.0, 9.0, 8.0)
SMALLEST_CROWDED = 10.0  # a table too long for one slide goes on on the next one before its letters are smaller; too wide ones shrink further
CELL_SIDE_IN, CELL_TOP_IN = 0.06, 0.025
_TITLE = Box(MARGIN_IN, 0.3, WIDTH_IN - 2 * MARGIN_IN, 1.15)
_BODY = Box(MARGIN_IN, 1.55, WIDTH_IN - 2 * MARGIN_IN, 5.35)
_FOOT = Box(MARGIN_IN, 7.05, WIDTH_IN - 2 * MARGIN_IN, 0.3)


@dataclass(frozen=True)
class Deck:
    """What every slide needs. `file` and `layout` are python-pptx's, which publishes no types; `own` is False on a company's template."""

    file: Any
    layout: Any
    own: bool
    estimate: IcebergEstimate
    counts: CohortCounts
    provenance: Provenance
    words: Translator
    stamp: datetime
    smallest: int

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401  # any value a sentence can name
        """A sentence of the reports."""
        return self.words.text(f"export.{key}", **values)

    @property
    def boxes(self) -> tuple[Box, Box]:
        """The room for content, and the line of the foot."""
        return (_BODY, _FOOT) if self.own else template_boxes(self.file, self.layout)


class Slide:
    """A slide with its title and foot; `box` is the room for content."""

    def __init__(self, deck: Deck, title: str, *, notes: Sequence[str]) -> None:
        self.deck = deck
        self.box, foot = deck.boxes
        self.file = deck.file.slides.add_slide(deck.layout)
        self._write_title(title)
        line = " · ".join((deck.provenance.title, period_text(deck.estimate, deck.counts, deck.words)))
        if deck.provenance.sample:
            line += " · " + deck.words.text("ui.study.sample")
        left, right = foot.columns((foot.width - 0.7) / foot.width, 0.0)
        size = fitting_size(line, left.width, left.height, (10.0, 9.0, 8.0, 7.0))
        self.write([Text((line,), size, "muted", gap=0, after=0)], left, smallest=size)
        self._box(right, Text((str(len(deck.file.slides)),), size, "muted", gap=0, after=0), right=True)
        self.notes = [note for note in notes if note]
        self.end()

    def end(self) -> None:
        """Write the speaker notes."""
        self.file.notes_slide.notes_text_frame.text = plain_text("\n".join(self.notes))

    def _write_title(self, title: str) -> None:
        deck, held = self.deck, self.file.shapes.title
        for place in list(self.file.placeholders):
            if place.placeholder_format.idx != held.placeholder_format.idx:  # an empty place would invite a click
                place._element.getparent().remove(place._element)
        if deck.own:
            held.left, held.top, held.width, held.height = _TITLE.place
            box = _TITLE
        else:
            own: Any = title_of(deck.layout)
            box = Box(own.left / 914400, own.top / 914400, own.width / 914400, own.height / 914400)
        size = fitting_size(title, box.width - 0.2, box.height - 0.1, TITLE_SIZES, bold=True)
        if deck.own:
            write_text(held.text_frame, Text((title,), size, bold=True), language=deck.words.conventions.tag, own=True)
            return
        from pptx.util import Pt

        held.text_frame.word_wrap = True
        held.text_frame.text = plain_text(title)  # in the template's own letters and ink
        for run in held.text_frame.paragraphs[0].runs:
            run.font.size = Pt(size)
            run._r.get_or_add_rPr().set("lang", deck.words.conventions.tag)

    def write(self, blocks: Sequence[Text], box: Box, *, smallest: float = 9.0) -> float:
        """Put the blocks under each other into the box, as large as they fit; what does not fit goes into the notes. Returns the inches taken."""
        shown, left_out = fitted(blocks, box, smallest=smallest)
        top = box.top
        for block in shown:
            height = height_needed([block], box.width)
            self._box(Box(box.left, top, box.width, height), block)
            top += height
        if left_out:
            self.notes += [said if isinstance(said, str) else " – ".join(said) for block in left_out for said in block.paragraphs]
            self.end()
        return top - box.top

    def _box(self, box: Box, block: Text, *, right: bool = False) -> None:
        frame = self.file.shapes.add_textbox(*box.place).text_frame
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        write_text(frame, block, language=self.deck.words.conventions.tag, own=self.deck.own, right=right)

    def put_picture(self, drawn: bytes, alt: str) -> Box:
        """Put a picture (PNG) to the left, as large as it fits; returns the room beside it."""
        from pptx.util import Inches

        box = self.box
        picture = self.file.shapes.add_picture(io.BytesIO(drawn), Inches(box.left), Inches(box.top), height=Inches(box.height))
        widest = 0.62 * box.width
        if picture.width > Inches(widest):
            picture.height = int(picture.height * Inches(widest) / picture.width)
            picture.width = Inches(widest)
        self.describe(picture, alt)
        taken = picture.width / 914400 + 0.3
        return Box(box.left + taken, box.top, box.width - taken, box.height)

    def describe(self, shape: Any, text: str) -> None:  # noqa: ANN401  # python-pptx has no types
        """Alternative text of a picture, chart or table."""
        shape._element.xpath(".//p:cNvPr")[0].set("descr", plain_text(text))


def add_tables(deck: Deck, title: str, grid: TableBlock, *, notes: Sequence[str]) -> None:
    """The table on as many slides as it takes, each with the line of names; the total stands on the last one."""
    box, _ = deck.boxes
    caption = Text((grid.caption,), 12, "muted", gap=0, after=4)
    room = box.below(height_needed([caption], box.width))
    size, widths, pages = _paged(grid, room)
    for number, rows in enumerate(pages, 1):
        named = title if len(pages) == 1 else deck.text("continued", title=title, number=number, all=len(pages))
        slide = Slide(deck, named, notes=notes)
        slide.write([caption], box)
        _fill_table(slide, grid, rows, room, (size, widths))


def _paged(grid: TableBlock, room: Box) -> tuple[float, list[float], list[list[int]]]:
    """Font size, widths of columns and the rows of each slide: one slide where a readable size allows it."""
    for size in TABLE_SIZES:
        widths, whole = _widths(grid, room.width, size)
        heights = [row_height(row, widths, size) for row in grid.rows]
        head = row_height(grid.headers, widths, size, bold=True)
        if whole and (head + sum(heights) <= room.height or size <= SMALLEST_CROWDED):
            break
    pages: list[list[int]] = [[]]
    used = head
    for place, height in enumerate(heights):
        if pages[-1] and used + height > room.height:
            pages.append([])
            used = head
        pages[-1].append(place)
        used += height
    return size, widths, pages


def _widths(grid: TableBlock, width: float, size: float) -> tuple[list[float], bool]:
    """Each column as wide as its longest word at least, names take what is left; and whether no word had to be broken for that."""
    from iceberg.report.charts.iceberg.text_width import text_width

    def longest(texts: Sequence[str]) -> float:
        return max(text_width(word, size, bold=True) for text in texts for word in (text or "–").split()) / POINTS + 2 * CELL_SIDE_IN + 0.02

    needed = [longest([header, *(row[place] for row in grid.rows)]) for place, header in enumerate(grid.headers)]
    rest = width - sum(needed[1:])
    if rest < width * 0.3:  # names would stand one word a line: the figures give way
        share = (width * 0.7) / sum(needed[1:])
        return [width * 0.3, *(one * share for one in needed[1:])], False
    spare = max(rest - max(width * 0.34, needed[0]), 0.0) / max(len(needed) - 1, 1)  # figures may stand apart, too
    return [rest - spare * (len(needed) - 1), *(one + spare for one in needed[1:])], True


def row_height(cells: Sequence[str], widths: Sequence[float], size: float, *, bold: bool = False) -> float:
    """Inches of a row: of its cell with most lines."""
    lines = max(lines_needed(cell, width - 2 * CELL_SIDE_IN, size, bold=bold) for cell, width in zip(cells, widths, strict=True))
    return lines * size * LINE / POINTS + 2 * CELL_TOP_IN


def _fill_table(slide: Slide, grid: TableBlock, rows: Sequence[int], room: Box, letters: tuple[float, list[float]]) -> None:
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches

    size, widths = letters
    own = slide.deck.own
    lines = [grid.headers, *(grid.rows[place] for place in rows)]
    heights = [row_height(cells, widths, size, bold=place == 0) for place, cells in enumerate(lines)]
    shape = slide.file.shapes.add_table(len(lines), len(widths), *Box(room.left, room.top, room.width, sum(heights)).place)
    slide.describe(shape, grid.caption)
    table = shape.table
    table.last_row = grid.total
    for place, width in enumerate(widths):
        table.columns[place].width = Inches(width)
    for line, cells in enumerate(lines):
        table.rows[line].height = Inches(heights[line])
        total = grid.total and line > 0 and rows[line - 1] == len(grid.rows) - 1
        for place, text in enumerate(cells):
            cell = table.cell(line, place)
            cell.margin_top = cell.margin_bottom = Inches(CELL_TOP_IN)
            cell.margin_left = cell.margin_right = Inches(CELL_SIDE_IN)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.fill.solid()
            paint(cell.fill.fore_color, "accent" if line == 0 else "pale" if total else "paper", own=own)
            block = Text((text,), size, "paper" if line == 0 else "ink", bold=line == 0 or total, gap=0)
            write_text(cell.text_frame, block, language=slide.deck.words.conventions.tag, own=own)
            cell.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT if grid.align[place] == "right" else PP_ALIGN.LEFT
