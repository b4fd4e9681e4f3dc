"""Slides hold with long names, measured with the font itself; and on a company's own template, made here, or refused with a reason."""

import io
import zipfile
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFont
from pptx import Presentation
from pptx.util import Emu, Inches

from iceberg.errors import OptionError
from iceberg.report.files import Provenance, report_bytes
from iceberg.report.files.pictures import font_folder
from iceberg.report.files.slides.template import read_template
from tests.report.examples import example_counts, example_estimate

LINE = 1.17  # of DejaVu Sans: ascent and descent, in font sizes
CLOSE = Inches(0.03)


def made_template(*, wide: bool = True, kind: str = "template") -> bytes:
    """A template as a company has it: other size, places, colours on a dark ground, and a slide that nobody removed."""
    file = Presentation()
    file.slide_width, file.slide_height = Inches(10), Inches(5.625 if wide else 7.5)
    for holder in (file.slide_master, *file.slide_layouts):
        for place in holder.placeholders:
            if place._element.spPr.xfrm is not None:
                place.top, place.height = (Emu(int(edge * file.slide_height / Inches(7.5))) for edge in (place.top, place.height))
    mapping = file.slide_master._element.find("{http://schemas.openxmlformats.org/presentationml/2006/main}clrMap")
    mapping.set("bg1", "dk1")
    mapping.set("tx1", "lt1")
    file.slides.add_slide(file.slide_layouts[0]).shapes.title.text = "Left from last year"
    written = io.BytesIO()
    file.save(written)
    return repacked(written.getvalue(), types=lambda text: text.replace("presentation.main+xml", f"{kind}.main+xml"))


def repacked(content: bytes, *, types: Any = lambda text: text, without: str = "\0", add: str = "") -> bytes:  # a function
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            data = source.read(name)
            if without not in name:
                copy.writestr(name, types(data.decode()).encode() if name == "[Content_Types].xml" else data)
        if add:
            copy.writestr(add, b"x")
    return target.getvalue()


@cache
def font(bold: bool) -> Any:  # Pillow's
    return ImageFont.truetype(str(font_folder() / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), 100)


def lines_of(text: str, points: float, size: float, *, bold: bool) -> int:
    """Lines of a paragraph in `points`, broken between words, else within them."""
    lines, line = 1, ""
    for word in text.split():
        pieces = [word]
        while font(bold).getlength(pieces[-1]) * size / 100 > points and len(pieces[-1]) > 1:
            cut = next(end for end in range(len(pieces[-1]), 0, -1) if end == 1 or font(bold).getlength(pieces[-1][:end]) * size / 100 <= points)
            pieces[-1:] = [pieces[-1][:cut], pieces[-1][cut:]]
        for piece in pieces:
            joined = f"{line} {piece}".strip()
            if line and font(bold).getlength(joined) * size / 100 > points:
                lines, line = lines + 1, piece
            else:
                line = joined
    return lines


def needed(frame: Any, width: int) -> float:  # python-pptx has no types
    """Points that a text frame needs in its width."""
    room, total = (width - frame.margin_left - frame.margin_right) / 12700, (frame.margin_top + frame.margin_bottom) / 12700
    for paragraph in frame.paragraphs:
        if paragraph.runs:
            size, bold = paragraph.runs[0].font.size.pt, any(run.font.bold for run in paragraph.runs)
            total += lines_of("".join(run.text for run in paragraph.runs), room, size, bold=bold) * size * LINE
    return total


def faults(deck: Any) -> list[str]:  # as above
    """Everything that reaches out of its box or its slide, or stands on something else."""
    found = []
    for number, slide in enumerate(deck.slides, 1):
        boxes = []
        for shape in slide.shapes:
            left, top, width, height = (int(edge) for edge in (shape.left, shape.top, shape.width, shape.height))
            if getattr(shape, "has_table", False) and shape.has_table:
                height = table_height(shape.table)
            elif shape.has_text_frame and needed(shape.text_frame, width) * 12700 > height + CLOSE:
                found.append(f"slide {number}: too much text in {shape.text_frame.text[:40]!r}")
            if left < 0 or top < 0 or left + width > deck.slide_width + CLOSE or top + height > deck.slide_height + CLOSE:
                found.append(f"slide {number}: {shape.name} leaves the slide")
            boxes.append((left, top, left + width, top + height, shape.name))
        for one, other in combinations(boxes, 2):
            across, down = (min(one[side + 2], other[side + 2]) - max(one[side], other[side]) for side in (0, 1))
            if across > CLOSE and down > CLOSE:
                found.append(f"slide {number}: {one[4]} on {other[4]}")
    return found


def table_height(table: Any) -> int:  # as above
    """What a program makes of the rows: none is lower than its text."""
    total = 0
    for row in table.rows:
        texts = []
        for cell, column in zip(row.cells, table.columns, strict=True):
            frame = cell.text_frame
            run = frame.paragraphs[0].runs[0]
            room = (column.width - cell.margin_left - cell.margin_right) / 12700
            height = lines_of(run.text, room, run.font.size.pt, bold=bool(run.font.bold)) * run.font.size.pt * LINE * 12700
            texts.append(height + cell.margin_top + cell.margin_bottom)
        total += max(int(row.height), *(int(text) for text in texts))
    return total


def deck_of(number: int, language: str, template: bytes | None = None) -> Any:  # as above
    estimate, counts = example_estimate(number, names="sixty", draws=60, months=12), example_counts(number, names="sixty", months=12)
    origin = Provenance(title="A title of some length that a company gives to its study of silent departures")
    return Presentation(io.BytesIO(report_bytes(estimate, counts, format="pptx", language=language, provenance=origin, template=template)))


@pytest.mark.parametrize(("number", "language"), [(1, "fr"), (2, "en"), (12, "en"), (19, "fr")])
def test_nothing_overflows_or_overprints_with_names_of_sixty_letters(number: int, language: str) -> None:
    assert faults(deck_of(number, language)) == []


def test_the_measure_would_find_an_overflow() -> None:
    deck = deck_of(1, "en")
    box = deck.slides[0].shapes.add_textbox(0, 0, Inches(2), Inches(0.4))
    box.text_frame.word_wrap = True
    box.text_frame.text = "A sentence that takes more than a line in two inches"
    box.text_frame.paragraphs[0].runs[0].font.size = Inches(0.3)
    assert [fault for fault in faults(deck) if "too much text" in fault]


def test_every_bar_keeps_its_label_and_every_category_its_row() -> None:
    deck = deck_of(19, "en")
    shapes = [shape for slide in deck.slides for shape in slide.shapes]
    chart = next(shape.chart for shape in shapes if shape.has_chart)
    assert len(list(chart.plots[0].categories)) == 8
    assert chart._chartSpace.xpath(".//c:catAx/c:tickLblSkip/@val") == ["1"]
    rows = [row.cells[0].text for shape in shapes if getattr(shape, "has_table", False) and shape.has_table for row in shape.table.rows]
    names = {item.category for item in example_estimate(19, names="sixty", draws=60, months=12).categories}
    assert sorted(name for name in rows if name in names) == sorted(names)


@pytest.mark.parametrize("wide", [True, False])
def test_slides_stand_in_the_places_and_colours_of_a_companys_template(tmp_path: Path, wide: bool) -> None:  # a parameter
    (tmp_path / "deck.potx").write_bytes(made_template(wide=wide))
    deck = deck_of(12, "en", read_template(tmp_path / "deck.potx"))
    assert (deck.slide_width, deck.slide_height) == (Inches(10), Inches(5.625 if wide else 7.5))
    assert faults(deck) == []
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides]
    assert all(titles) and "Left from last year" not in titles
    assert {slide.slide_layout.name for slide in deck.slides} == {"Title Only"}
    texts = [shape.text_frame for slide in deck.slides for shape in slide.shapes if shape.has_text_frame]
    fixed = [ink for text in texts for ink in text._element.xpath(".//a:srgbClr")]
    assert fixed == [], "every ink is one of the theme, so that it can be read on its ground"


def test_a_presentation_serves_as_a_template_too(tmp_path: Path) -> None:
    (tmp_path / "deck.pptx").write_bytes(made_template(kind="presentation"))
    assert len(deck_of(2, "en", read_template(tmp_path / "deck.pptx")).slides) >= 5


LETTER = repacked(made_template(), types=lambda text: text.replace("presentationml.template", "wordprocessingml.template"))
BROKEN = {
    "missing.potx": (None, "template_missing"),
    "text.potx": (b"Dear all, please find attached", "template_no_deck"),
    "letter.potx": (LETTER, "template_no_deck"),
    "cut.potx": (made_template()[:5000], "template_no_deck"),
    "empty.potx": (repacked(made_template(), without="ppt/presentation.xml"), "template_no_deck"),
    "macros.potm": (repacked(made_template(), add="ppt/vbaProject.bin"), "template_macros"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    content, code = BROKEN[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(OptionError) as refused:
        read_template(tmp_path / name)
    assert refused.value.code == code
    for language in ("en", "fr"):
        assert name in refused.value.message(language) and str(tmp_path) not in refused.value.message(language)


def test_a_template_without_room_below_a_title_names_its_layouts(tmp_path: Path) -> None:
    file = Presentation(io.BytesIO(made_template(kind="presentation")))
    for layout in (*file.slide_layouts, file.slide_master):
        for place in layout.placeholders:
            if "Title" in place.name:
                place.left, place.top, place.width, place.height = Inches(1), Inches(1), Inches(8), Inches(3.5)
    file.save(str(tmp_path / "full.pptx"))
    with pytest.raises(OptionError, match="Title Only") as refused:
        read_template(tmp_path / "full.pptx")
    assert refused.value.code == "template_no_layout"
