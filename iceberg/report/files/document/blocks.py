"""The parts of a written report. `executive` fills them; `pdf` and `web_page` set them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Align = Literal["left", "right"]
_SHORT = 12  # rows: a third of a page


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; `style` is ``body``, ``lead`` (what to remember), ``label`` (of what follows), ``note`` (small) or ``caution`` (framed)."""

    text: str
    style: Literal["body", "lead", "label", "note", "caution"] = "body"


@dataclass(frozen=True)
class Bullets:
    """A list; each item may start with a few bold words. `columns` is how many abreast on paper."""

    items: tuple[tuple[str, str], ...]
    numbered: bool = False
    columns: int = 1


@dataclass(frozen=True)
class Figure:
    """A chart as SVG with the sentence that stands for it where it cannot be seen; `share` is its width on paper."""

    name: str
    svg: bytes
    alt: str
    share: float = 1.0


@dataclass(frozen=True)
class TableBlock:
    """A table: headers, rows of text, and how each column stands. The last row is a total where `total` says so."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[Align, ...]
    total: bool = False
    widths: tuple[float, ...] = ()  # shares of the page's width, 0 = as wide as its text; none = all as wide as their text
    small: bool = False
    titled: bool = False  # on paper too its caption stands above it
    whole: bool = False  # on paper it stands on one page


@dataclass(frozen=True)
class Figures:
    """Four figures side by side: label, value, detail."""

    items: tuple[tuple[str, str, str], ...]


Block = Paragraph | Bullets | Figure | TableBlock | Figures


@dataclass(frozen=True)
class ReportSection:
    """A heading and what stands under it. `fine` is set smaller (method, limits, files); `together` stays on one page."""

    title: str
    blocks: tuple[Block, ...]
    fine: bool = False
    together: bool = False

    @property
    def sentence(self) -> str:
        """What to remember of it: its first paragraph that leads; "" where none does."""
        return next((block.text for block in self.blocks if isinstance(block, Paragraph) and block.style == "lead"), "")

    @property
    def tables(self) -> tuple[TableBlock, ...]:
        """Its tables, in their order."""
        return tuple(block for block in self.blocks if isinstance(block, TableBlock))

    @property
    def lines(self) -> tuple[str, ...]:
        """What else it says, a paragraph or an item of a list each; without small print."""
        said: list[str] = []
        for block in self.blocks:
            if isinstance(block, Bullets):
                said += [text for _, text in block.items]
            elif isinstance(block, Paragraph) and block.style == "body":
                said.append(block.text)
        return tuple(said)

    @property
    def small_print(self) -> tuple[str, ...]:
        """Its paragraphs in small letters."""
        return tuple(block.text for block in self.blocks if isinstance(block, Paragraph) and block.style == "note")


@dataclass(frozen=True)
class WrittenReport:
    """The executive report, ready to be set.

    Attributes:
        language: One of `iceberg.locale.LANGUAGES`.
        title: Of the study: the document's title, and the small line above the headline.
        period: The days it covers, in words.
        badge: Quality of the evidence, in three words.
        badge_kind: ``assumption_led``, ``mixed`` or ``data_led``.
        headline: The one sentence.
        opening: What stands on the first page under it.
        sections: The rest.
        footer: Repeated at the foot of each page.
        author: May be "".
        stamp: ISO time for the document's metadata.
        link: The address that opens what is on the paper; "" where there is none.
        link_says: What that address opens, in words.
    """

    language: str
    title: str
    period: str
    badge: str
    badge_kind: str
    headline: str
    opening: tuple[Block, ...]
    sections: tuple[ReportSection, ...]
    footer: str
    author: str
    stamp: str
    link: str = ""
    link_says: str = ""


def section_table(caption: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, titled: bool = False) -> TableBlock:
    """A table of names and figures in a section; a short one is not broken over two pages."""
    cells = tuple(tuple(row) for row in rows)
    return TableBlock(caption, tuple(headers), cells, name_and_figures(len(headers)), titled=titled, whole=len(rows) <= _SHORT)


def name_and_figures(columns: int) -> tuple[Align, ...]:
    """How a table of names and figures stands: the name to the left, every figure to the right."""
    return tuple("left" if place == 0 else "right" for place in range(columns))


def plain(block: Block) -> dict[str, Any]:
    """A block as JSON for a template; a figure is named, not carried."""
    kind = type(block).__name__.lower()
    values = {name: value for name, value in vars(block).items() if name != "svg"}
    return {"kind": kind, **values}
