"""Where things stand on a slide, how large a text may be to fit there, and in which ink it is written: ours, or those of a company's template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from iceberg.report.charts.iceberg.text_width import text_width
from iceberg.report.files.formula_guard import plain_text

LINE = 1.22  # height of a line, in font sizes
POINTS = 72.0  # per inch
Said = str | tuple[str, str]  # a paragraph, or a bold label and what follows it

# Our inks; on a template each is a colour of its theme, with how much lighter it is.
INKS = {
    **{"ink": "0B2440", "muted": "4A6178", "accent": "0F5C8C", "vocal": "E8772E"},
    **{"soft": "8CC4E4", "pale": "F1F7FB", "paper": "FFFFFF", "grid": "DBE6EE"},
}
_THEME = {
    **{"ink": ("TEXT_1", 0.0), "muted": ("TEXT_1", 0.25), "accent": ("ACCENT_1", 0.0), "vocal": ("ACCENT_2", 0.0)},
    **{"soft": ("ACCENT_1", 0.4), "pale": ("BACKGROUND_1", 0.0), "paper": ("BACKGROUND_1", 0.0), "grid": ("TEXT_1", 0.75)},
}


@dataclass(frozen=True)
class Box:
    """A rectangle on a slide, in inches."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height

    @property
    def place(self) -> tuple[Any, Any, Any, Any]:
        """As python-pptx takes it."""
        from pptx.util import Inches

        return Inches(self.left), Inches(self.top), Inches(self.width), Inches(self.height)

    def columns(self, share: float, gap: float) -> tuple[Box, Box]:
        """Two boxes side by side; the left one takes `share` of the width."""
        left = (self.width - gap) * share
        return replace(self, width=left), Box(self.left + left + gap, self.top, self.width - left - gap, self.height)

    def below(self, height: float) -> Box:
        """What is left under the first `height` inches."""
        return Box(self.left, self.top + height, self.width, max(self.height - height, 0.0))


@dataclass(frozen=True)
class Text:
    """A block of paragraphs of one size: the largest of `sizes` at which all that stands with it fits."""

    paragraphs: tuple[Said, ...]
    size: float
    ink: str = "ink"
    bold: bool = False
    gap: float = 3.0  # points after each paragraph
    after: float = 4.0  # points after the block


def paint(colour: Any, ink: str, *, own: bool) -> None:  # noqa: ANN401  # python-pptx has no types
    """Set a colour of python-pptx to one of `INKS`, or to the theme's own."""
    from pptx.dml import color
    from pptx.enum.dml import MSO_THEME_COLOR

    if own:
        made: Any = color.RGBColor
        colour.rgb = made.from_string(INKS[ink])
        return
    name, brightness = _THEME[ink]
    colour.theme_color = getattr(MSO_THEME_COLOR, name)
    if brightness:
        colour.brightness = brightness


def lines_needed(text: str, width: float, size: float, *, bold: bool = False) -> int:
    """Lines that a paragraph takes at most in `width` inches; a word that is longer than a line is broken."""
    room, lines, used = width * POINTS, 1, 0.0
    for word in text.split():
        taken = text_width(word, size, bold=bold)
        if used and used + taken > room:
            lines, used = lines + 1, 0.0
        if taken > room:
            lines += int(taken // room)
            taken %= room
        used += taken + text_width(" ", size, bold=bold)
    return lines


def height_needed(blocks: Sequence[Text], width: float) -> float:
    """Inches that the blocks take at most under each other."""
    total = 0.0
    for block in blocks:
        total += sum(lines_needed(_joined(said), width, block.size, bold=block.bold) * block.size * LINE + block.gap for said in block.paragraphs)
        total += block.after
    return total / POINTS


def fitted(blocks: Sequence[Text], box: Box, *, smallest: float = 9.0) -> tuple[list[Text], list[Text]]:
    """The blocks in the largest sizes at which they fit into the box, and those at the end for which even the smallest leaves no room."""
    kept = list(blocks)
    while kept:
        for scale in (1.0, 0.93, 0.86, 0.79, 0.72, 0.65):
            tried = [replace(block, size=max(block.size * scale, min(smallest, block.size))) for block in kept]
            if height_needed(tried, box.width) <= box.height:
                return tried, list(blocks[len(kept) :])
        kept = kept[:-1]
    return [], list(blocks)


def fitting_size(text: str, width: float, height: float, sizes: Sequence[float], *, bold: bool = False) -> float:
    """The first of the sizes at which one paragraph fits; else the last."""
    return next((size for size in sizes if lines_needed(text, width, size, bold=bold) * size * LINE <= height * POINTS), sizes[-1])


def write_text(frame: Any, block: Text, *, language: str, own: bool, right: bool = False) -> None:  # noqa: ANN401  # as above
    """Fill a text frame: no margins of its own, wrapped, from the top."""
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
    frame.vertical_anchor = MSO_ANCHOR.TOP
    for place, text in enumerate(block.paragraphs):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
        paragraph.space_after = Pt(block.gap if place < len(block.paragraphs) - 1 else 0)
        pieces = [(text, block.bold)] if isinstance(text, str) else [(f"{text[0]} – ", True), (text[1], block.bold)]
        for piece, heavy in pieces:
            run = paragraph.add_run()
            run.text = plain_text(piece)
            run.font.size, run.font.bold = Pt(block.size), heavy
            paint(run.font.color, block.ink, own=own)
            run._r.get_or_add_rPr().set("lang", language)


def _joined(said: Said) -> str:
    return said if isinstance(said, str) else f"{said[0]} – {said[1]}"
