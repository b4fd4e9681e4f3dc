"""Sets the written report on A4 with Typst, tagged for screen readers (PDF/UA-1). The only module that loads Typst.

Typst needs no system library (WeasyPrint needs Pango), tags headings, lists, tables and pictures (fpdf2 and reportlab's free edition do not), keeps
the text of an SVG as text, and gives the same bytes twice.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from iceberg.locale import load_conventions, visible
from iceberg.report.files.document.blocks import Figure, WrittenReport, plain
from iceberg.report.files.pictures import FAMILY, MONO, font_folder
from iceberg.report.files.qr_code import qr_size_mm, qr_svg


def build_pdf(report: WrittenReport) -> bytes:
    """The report as a tagged PDF; the same report gives the same bytes."""
    import typst

    code = qr_svg(report.link)
    moment = datetime.fromisoformat(report.stamp)
    data = {
        "lang": report.language,
        "region": load_conventions(report.language).region,
        "font": FAMILY,
        "mono": MONO,
        "time": [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second],
        **{name: getattr(report, name) for name in ("title", "period", "badge", "badge_kind", "headline", "footer", "author", "link", "link_says")},
        "qr_mm": qr_size_mm(report.link) if code else 0,
        "opening": [plain(block) for block in report.opening],
        "sections": [
            {name: getattr(section, name) for name in ("title", "fine", "together")} | {"blocks": [plain(block) for block in section.blocks]}
            for section in report.sections
        ],
    }
    parts = {"main": _template(), "data.json": visible(json.dumps(data, ensure_ascii=False)).encode()}
    blocks = [*report.opening, *(block for section in report.sections for block in section.blocks)]
    parts |= {f"{block.name}.svg": block.svg for block in blocks if isinstance(block, Figure)}
    parts |= {"qr.svg": code} if code else {}
    compiled: Any = typst.compile  # its types leave out a mapping of files
    made: bytes = compiled(
        parts, format="pdf", font_paths=[str(font_folder())], ignore_system_fonts=True, pdf_standards=["ua-1"], timestamp=int(moment.timestamp())
    )
    return made


@cache
def _template() -> bytes:
    return files(__package__).joinpath("report.typ").read_bytes()
