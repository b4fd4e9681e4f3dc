"""Adds one slide for each kind of further file: its sentence as the title, its picture, and what else is to be known of it."""

from __future__ import annotations

from iceberg.report.files.document.blocks import Figure, ReportSection
from iceberg.report.files.document.executive import further_sections
from iceberg.report.files.pictures import png_of_svg
from iceberg.report.files.slides.canvas import Text
from iceberg.report.files.slides.slide import Deck, Slide, add_tables


def add_further_slides(deck: Deck) -> None:
    """Nothing for a study without further files; where a kind has no picture, its first table takes that place."""
    for section in further_sections(deck.estimate, deck.counts, deck.words, smallest=deck.smallest).values():
        _add_section(deck, section)


def _add_section(deck: Deck, section: ReportSection) -> None:
    figure = next((block for block in section.blocks if isinstance(block, Figure)), None)
    notes = [section.title, deck.text("interval"), *section.small_print]
    if figure is None and section.tables:
        add_tables(deck, section.sentence, section.tables[0], notes=[*notes, *section.lines])
        return
    slide = Slide(deck, section.sentence, notes=notes)
    room = slide.box if figure is None else slide.put_picture(png_of_svg(figure.svg), figure.alt)
    lines = (Text((f"• {line}",), 14, after=5) for line in section.lines)
    slide.write([Text((section.title,), 13, "muted", after=6), *lines], room, smallest=10)
