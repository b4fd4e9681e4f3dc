"""Opens the file that slides are built on: ours, or a company's template with the layout that has a title and room below it."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

from iceberg.errors import OptionError
from iceberg.report.files.slides.canvas import Box

TEMPLATE_SUFFIXES = (".potx", ".pptx")
LARGEST_BYTES = 50_000_000  # judgement: a template with photographs has a tenth of it
LARGEST_UNPACKED = 400_000_000  # judgement: what a small file may grow to
LEAST_HEIGHT, LEAST_WIDTH = 3.2, 6.0  # inches below the title: less holds no chart and no table
VARIABLE = "ICEBERG_DECK_TEMPLATE"
WIDTH_IN, HEIGHT_IN, MARGIN_IN = 13.333, 7.5, 0.6
_TYPES = "[Content_Types].xml"
_BROKEN = (KeyError, ValueError, AttributeError, TypeError, IndexError, SyntaxError)  # of parts that are not there or no XML
_KIND = "application/vnd.openxmlformats-officedocument.presentationml.{}.main+xml"
_TITLE_ONLY = "titleOnly"  # ST_SlideLayoutType of ECMA-376 19.7.15


def read_template(path: Path) -> bytes:
    """A company's template, checked, as a presentation that python-pptx opens.

    Raises:
        OptionError: ``template_missing``, ``template_too_large``, ``template_no_deck``, ``template_macros`` or ``template_no_layout``.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as problem:
        raise OptionError("template_missing", {"file": path.name, "reason": problem.strerror or type(problem).__name__}) from None
    if size > LARGEST_BYTES:
        raise OptionError("template_too_large", {"file": path.name, "limit": LARGEST_BYTES // 1_000_000})
    opened = _as_presentation(content, path.name)
    from pptx.exc import PythonPptxError

    try:
        file = _presentation(opened)
        layout = find_layout(file)
    except (PythonPptxError, *_BROKEN) as problem:
        raise OptionError("template_no_deck", {"file": path.name}) from problem
    if layout is None:
        raise OptionError("template_no_layout", {"file": path.name, "layouts": ", ".join(one.name for one in file.slide_layouts) or "–"})
    return opened


def default_template() -> bytes | None:
    """The template that the environment names for all slides; None where it names none.

    Raises:
        OptionError: As `read_template`.
    """
    named = os.environ.get(VARIABLE, "").strip()
    return read_template(Path(named).expanduser()) if named else None


def _as_presentation(content: bytes, name: str) -> bytes:
    """The same archive, called a presentation and not a template: python-pptx opens no other."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            if sum(member.file_size for member in source.infolist()) > LARGEST_UNPACKED:
                raise OptionError("template_too_large", {"file": name, "limit": LARGEST_UNPACKED // 1_000_000})
            types = source.read(_TYPES).decode("utf-8")
            members = {member: source.read(member) for member in source.namelist()}
    except (zipfile.BadZipFile, KeyError, UnicodeError, NotImplementedError, RuntimeError, EOFError, OSError) as problem:
        raise OptionError("template_no_deck", {"file": name}) from problem
    if "macroEnabled" in types or any(member.endswith("vbaProject.bin") for member in members):
        raise OptionError("template_macros", {"file": name})
    if _KIND.format("template") not in types and _KIND.format("presentation") not in types:
        raise OptionError("template_no_deck", {"file": name})
    members[_TYPES] = types.replace(_KIND.format("template"), _KIND.format("presentation")).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for member, data in members.items():
            copy.writestr(member, data)
    return target.getvalue()


def open_file(template: bytes | None) -> tuple[Any, Any]:
    """The presentation to fill and the layout of its slides: a template without the slides it came with, or an empty wide one of ours."""
    from pptx import Presentation
    from pptx.util import Inches

    if template is not None:
        file = _presentation(template)
        return file, find_layout(file)
    file = Presentation()
    file.slide_width, file.slide_height = Inches(WIDTH_IN), Inches(HEIGHT_IN)
    return file, file.slide_layouts[5]  # "Title only": a slide's title is what a screen reader announces


def _presentation(content: bytes) -> Any:  # noqa: ANN401  # python-pptx has no types
    from pptx import Presentation

    file = Presentation(io.BytesIO(content))
    listed = file.slides._sldIdLst
    for slide in list(listed):
        file.part.drop_rel(slide.rId)
        listed.remove(slide)
    return file


def find_layout(file: Any) -> Any | None:  # noqa: ANN401  # as above
    """The layout with a title and nothing else in it; else the one with a title and fewest other places; None without room below any title."""
    fitting = [layout for layout in file.slide_layouts if _has_room(layout, file)]
    return min(fitting, key=lambda layout: (layout._element.get("type") != _TITLE_ONLY, len(_places(layout))), default=None)


def _places(layout: Any) -> list[Any]:  # noqa: ANN401  # as above
    return [place for place in layout.placeholders if place.placeholder_format.type not in _foot_types()]


def title_of(layout: Any) -> Any | None:  # noqa: ANN401  # as above
    """The place of a layout's title; None without one."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    titles = {PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE}
    return next((place for place in layout.placeholders if place.placeholder_format.type in titles and place.width), None)


def _foot_types() -> set[Any]:
    from pptx.enum.shapes import PP_PLACEHOLDER

    return {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER}


def _has_room(layout: Any, file: Any) -> bool:  # noqa: ANN401  # as above
    if title_of(layout) is None:
        return False
    body, _ = template_boxes(file, layout)
    return body.height >= LEAST_HEIGHT and body.width >= LEAST_WIDTH


def template_boxes(file: Any, layout: Any) -> tuple[Box, Box]:  # noqa: ANN401  # as above
    """On a template: the room below the title and above the foot, and the line of the foot."""
    width, height = file.slide_width / 914400, file.slide_height / 914400
    title = title_of(layout)
    assert title is not None  # noqa: S101  # `find_layout` chose it
    left, top = title.left / 914400, (title.top + title.height) / 914400 + 0.1
    right = min(left + title.width / 914400, width)
    places = [place for one in (layout, layout.slide_master) for place in one.placeholders if place.placeholder_format.type in _foot_types()]
    tops = [place.top / 914400 for place in places if place.top is not None and place.top / 914400 > height * 0.75]
    foot = min(tops, default=height - 0.4)
    foot_height = min(0.3, max(height - foot - 0.02, 0.18))
    return Box(left, top, right - left, foot - 0.1 - top), Box(left, foot, right - left, foot_height)
