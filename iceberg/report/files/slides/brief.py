"""Builds the brief of a category as one slide; what leaves no room there stands in its notes."""

from __future__ import annotations

import io

from iceberg.locale import Translator
from iceberg.report.files.brief import Brief, agreement_lines, brief_headline, fix_lines, problem_lines
from iceberg.report.files.slides.canvas import Said, Text
from iceberg.report.files.slides.deck import describe_deck, without_clock
from iceberg.report.files.slides.slide import Deck, Slide
from iceberg.report.files.slides.template import open_file


def build_brief_slide(brief: Brief, words: Translator, *, template: bytes | None = None) -> bytes:
    """The brief as .pptx of one slide; the same arguments give the same bytes. `template` comes from `read_template`."""
    file, layout = open_file(template)
    held = brief.provenance
    deck = Deck(file, layout, template is None, brief.estimate, brief.counts, held, words, held.stamp(brief.counts), brief.smallest)
    describe_deck(deck)
    slide = Slide(deck, brief_headline(brief, words), notes=[deck.text("interval")])
    left, right = slide.box.columns(0.52, 0.35)

    def blocks(name: str, lines: tuple[Said, ...]) -> list[Text]:
        return [Text((words.text(f"brief.section.{name}"),), 14, "accent", bold=True, gap=0, after=3), Text(lines, 12, gap=4, after=8)]

    slide.write(blocks("problem", problem_lines(brief, words)), left, smallest=7)
    slide.write([*blocks("fix", fix_lines(brief, words)), *blocks("test", agreement_lines(brief, words))], right, smallest=7)
    target = io.BytesIO()
    file.save(target)
    return without_clock(target.getvalue())
