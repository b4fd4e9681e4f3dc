"""Owns `report_bytes`: one estimate in any of the formats. Each format is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.pictures import CHARTS, ChartName
from iceberg.report.files.provenance import Provenance
from iceberg.report.small_cells import pool_small_categories

__all__ = ["CHARTS", "FORMATS", "media_type", "report_bytes"]


@dataclass(frozen=True)
class _Asked:
    estimate: IcebergEstimate
    counts: CohortCounts
    provenance: Provenance
    words: Translator
    chart: ChartName
    smallest: int


def report_bytes(
    estimate: IcebergEstimate,
    counts: CohortCounts,
    *,
    format: str,
    language: str = "en",
    provenance: Provenance | None = None,
    smallest: int = 0,
    chart: ChartName = "iceberg",
) -> bytes:
    """The estimate as a file, ready to be written or downloaded. The same arguments give the same bytes.

    Args:
        estimate: From `estimate_iceberg` or `focus_estimate`.
        counts: The counts it was made from; they hold the window.
        format: One of `FORMATS`.
        language: One of `iceberg.locale.LANGUAGES`.
        provenance: Title, author, files; what is not given is not said.
        smallest: Smallest number of customers that may be shown; 5 for what leaves a store to a viewer, 0 shows everything.
        chart: Which chart, for ``png`` and ``svg``.

    Raises:
        OptionError: ``report_format``, ``report_chart_unknown``, ``report_no_chart`` or ``report_too_small``.
    """
    if format not in _BUILDERS:
        raise OptionError("report_format", {"format": format, "known": ", ".join(FORMATS)})
    words = Translator(language)
    held = (provenance or Provenance()).completed(counts, words)
    shown = pool_small_categories(estimate, words, smallest=smallest)
    return _BUILDERS[format](_Asked(shown, counts, held, words, chart, smallest))


def media_type(format: str) -> str:
    """The MIME type of a format."""
    return _MEDIA_TYPES[format]


def _pdf(asked: _Asked) -> bytes:
    from iceberg.report.files.document.executive import build_written
    from iceberg.report.files.document.pdf import build_pdf

    return build_pdf(build_written(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest))


def _pptx(asked: _Asked) -> bytes:
    from iceberg.report.files.slides.deck import build_slides

    return build_slides(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest)


def _html(asked: _Asked) -> bytes:
    from iceberg.report.files.document.executive import build_written
    from iceberg.report.files.document.web_page import build_web_page

    return build_web_page(build_written(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest))


def _xlsx(asked: _Asked) -> bytes:
    from iceberg.report.files.spreadsheet.sheets import build_sheets
    from iceberg.report.files.spreadsheet.workbook import build_workbook

    held = asked.provenance
    sheets = build_sheets(asked.estimate, asked.counts, held, asked.words, smallest=asked.smallest)
    return build_workbook(
        sheets, asked.words, currency=asked.counts.currency, title=held.title, author=held.author, stamp=held.stamp(asked.counts)
    )


def _csv(asked: _Asked) -> bytes:
    from iceberg.report.files.spreadsheet.csv import build_csv
    from iceberg.report.files.spreadsheet.sheets import build_sheets

    sheets = build_sheets(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest)
    return build_csv(sheets, currency=asked.counts.currency)


def _json(asked: _Asked) -> bytes:
    from iceberg.report.export import build_document, document_to_json

    document = build_document(asked.estimate, asked.counts, rows=asked.provenance.rows, language=asked.words.language)
    return document_to_json(document).encode()


def _png(asked: _Asked) -> bytes:
    from iceberg.report.files.pictures import chart_specification, draw_png

    return draw_png(chart_specification(asked.chart, asked.estimate, asked.words, smallest=asked.smallest))


def _svg(asked: _Asked) -> bytes:
    from iceberg.report.files.pictures import chart_specification, draw_svg

    return draw_svg(chart_specification(asked.chart, asked.estimate, asked.words, smallest=asked.smallest))


_BUILDERS: dict[str, Callable[[_Asked], bytes]] = {
    "pdf": _pdf,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "csv": _csv,
    "html": _html,
    "json": _json,
    "png": _png,
    "svg": _svg,
}
FORMATS = tuple(_BUILDERS)
_MEDIA_TYPES = {
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
}
