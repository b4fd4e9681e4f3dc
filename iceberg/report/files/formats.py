"""The list of report formats, and one estimate or comparison in any of them.

Light: the command line reads the list for its help, so what makes a file is loaded when that file is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.report.files.provenance import Provenance

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.results import IcebergEstimate
    from iceberg.report.files.brief import Brief
    from iceberg.report.files.comparison import Compared


@dataclass(frozen=True)
class _Asked:
    estimate: IcebergEstimate
    counts: CohortCounts
    provenance: Provenance
    words: Translator
    chart: str
    smallest: int
    template: bytes | None


def report_bytes(
    estimate: IcebergEstimate,
    counts: CohortCounts,
    *,
    format: str,
    language: str = "en",
    provenance: Provenance | None = None,
    smallest: int = 0,
    chart: str = "iceberg",
    template: bytes | None = None,
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
        template: What ``pptx`` is built on, from `iceberg.report.files.slides.template.read_template`; None is our own look.

    Raises:
        OptionError: ``report_format``, ``report_chart_unknown``, ``report_no_chart`` or ``report_too_small``.
    """
    from iceberg.report.small_cells import pool_small_categories

    build = _BY_SUFFIX[format].of_estimate if format in FORMATS else None
    if build is None:
        raise OptionError("report_format", {"format": format, "known": ", ".join(FORMATS)})
    words = Translator(language)
    held = (provenance or Provenance()).completed(counts, words)
    shown = pool_small_categories(estimate, words, smallest=smallest)
    return build(_Asked(shown, counts, held, words, chart, smallest, template))


def comparison_bytes(compared: Compared, *, format: str, language: str = "en") -> bytes:
    """A comparison as a file, ready to be written or downloaded.

    Args:
        compared: The comparison.
        format: One of `COMPARISON_FORMATS`.
        language: One of `iceberg.locale.LANGUAGES`.

    Raises:
        OptionError: ``report_format``.
    """
    build = _BY_SUFFIX[format].of_comparison if format in COMPARISON_FORMATS else None
    if build is None:
        raise OptionError("report_format", {"format": format, "known": ", ".join(COMPARISON_FORMATS)})
    return build(compared, Translator(language))


def brief_bytes(brief: Brief, *, format: str, language: str = "en", template: bytes | None = None) -> bytes:
    """The brief of a category as a file, ready to be written or downloaded. The same arguments give the same bytes.

    Args:
        brief: The brief.
        format: One of `BRIEF_FORMATS`.
        language: One of `iceberg.locale.LANGUAGES`.
        template: As in `report_bytes`.

    Raises:
        OptionError: ``report_format``.
    """
    build = _BY_SUFFIX[format].of_brief if format in BRIEF_FORMATS else None
    if build is None:
        raise OptionError("report_format", {"format": format, "known": ", ".join(BRIEF_FORMATS)})
    words = Translator(language)
    return build(replace(brief, provenance=brief.provenance.completed(brief.counts, words)), words, template)


def media_type(format: str) -> str:
    """The MIME type of a format."""
    return _BY_SUFFIX[format].media_type


def _pdf(asked: _Asked) -> bytes:
    from iceberg.report.files.document.executive import build_written
    from iceberg.report.files.document.pdf import build_pdf

    return build_pdf(build_written(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest))


def _pptx(asked: _Asked) -> bytes:
    from iceberg.report.files.slides.deck import build_slides

    return build_slides(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest, template=asked.template)


def _html(asked: _Asked) -> bytes:
    from iceberg.report.files.document.executive import build_written
    from iceberg.report.files.document.web_page import build_web_page

    return build_web_page(build_written(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest))


def _xlsx(asked: _Asked) -> bytes:
    from iceberg.report.files.spreadsheet.further import build_further_sheets
    from iceberg.report.files.spreadsheet.sheets import build_sheets
    from iceberg.report.files.spreadsheet.workbook import build_workbook

    held, counts, words = asked.provenance, asked.counts, asked.words
    sheets = build_sheets(asked.estimate, counts, held, words, smallest=asked.smallest)
    further = build_further_sheets(asked.estimate, counts, words, smallest=asked.smallest)
    stamp = held.stamp(counts)
    return build_workbook(sheets, words, currency=counts.currency, title=held.title, author=held.author, stamp=stamp, further=further)


def _csv(asked: _Asked) -> bytes:
    from iceberg.report.files.spreadsheet.csv import build_csv
    from iceberg.report.files.spreadsheet.sheets import build_sheets

    sheets = build_sheets(asked.estimate, asked.counts, asked.provenance, asked.words, smallest=asked.smallest)
    return build_csv(sheets, currency=asked.counts.currency)


def _json(asked: _Asked) -> bytes:
    from iceberg.report.export import build_document, document_to_json

    rows, language = asked.provenance.rows, asked.words.language
    document = build_document(asked.estimate, asked.counts, rows=rows, language=language, smallest=asked.smallest)
    return document_to_json(document).encode()


def _png(asked: _Asked) -> bytes:
    from iceberg.report.files.pictures import chart_specification, draw_png

    return draw_png(chart_specification(asked.chart, asked.estimate, asked.words, smallest=asked.smallest))


def _svg(asked: _Asked) -> bytes:
    from iceberg.report.files.pictures import chart_specification, draw_svg

    return draw_svg(chart_specification(asked.chart, asked.estimate, asked.words, smallest=asked.smallest))


def _comparison_pdf(compared: Compared, words: Translator) -> bytes:
    from iceberg.report.files.comparison import build_written_comparison
    from iceberg.report.files.document.pdf import build_pdf

    return build_pdf(build_written_comparison(compared, words))


def _comparison_html(compared: Compared, words: Translator) -> bytes:
    from iceberg.report.files.comparison import build_written_comparison
    from iceberg.report.files.document.web_page import build_web_page

    return build_web_page(build_written_comparison(compared, words))


def _comparison_csv(compared: Compared, words: Translator) -> bytes:
    from iceberg.report.files.comparison import comparison_csv

    return comparison_csv(compared, words)


def _comparison_json(compared: Compared, words: Translator) -> bytes:
    from iceberg.report.comparison import comparison_document, follow_up_document
    from iceberg.report.export import document_to_json

    document = comparison_document(compared.comparison, words)
    if compared.followed:
        document["interventions"] = [follow_up_document(one, words) for one in compared.followed]
    return document_to_json(document).encode()


def _brief_pdf(brief: Brief, words: Translator, _template: bytes | None) -> bytes:
    from iceberg.report.files.brief import build_written_brief
    from iceberg.report.files.document.pdf import build_pdf

    return build_pdf(build_written_brief(brief, words))


def _brief_html(brief: Brief, words: Translator, _template: bytes | None) -> bytes:
    from iceberg.report.files.brief import build_written_brief
    from iceberg.report.files.document.web_page import build_web_page

    return build_web_page(build_written_brief(brief, words))


def _brief_pptx(brief: Brief, words: Translator, template: bytes | None) -> bytes:
    from iceberg.report.files.slides.brief import build_brief_slide

    return build_brief_slide(brief, words, template=template)


@dataclass(frozen=True)
class ReportFormat:
    """One kind of file; ``ui.reports.<suffix>`` is what its button says.

    Attributes:
        suffix: Extension of the file, and what the format is called: ``"pdf"``.
        media_type: MIME type.
        of_estimate: Makes the file of an estimate; None where there is none.
        of_comparison: Makes the file of a comparison; None where there is none.
        of_brief: Makes the file of a brief; None where there is none.
    """

    suffix: str
    media_type: str
    of_estimate: Callable[[_Asked], bytes] | None = None
    of_comparison: Callable[[Compared, Translator], bytes] | None = None
    of_brief: Callable[[Brief, Translator, bytes | None], bytes] | None = None


_OFFICE = "application/vnd.openxmlformats-officedocument"
# Every format, in the order in which command line and page offer them. A format is added here and nowhere else.
EVERY_FORMAT = (
    ReportFormat("pdf", "application/pdf", _pdf, _comparison_pdf, _brief_pdf),
    ReportFormat("pptx", f"{_OFFICE}.presentationml.presentation", _pptx, of_brief=_brief_pptx),
    ReportFormat("xlsx", f"{_OFFICE}.spreadsheetml.sheet", _xlsx),
    ReportFormat("csv", "text/csv", _csv, _comparison_csv),
    ReportFormat("html", "text/html", _html, _comparison_html, _brief_html),
    ReportFormat("json", "application/json", _json, _comparison_json),
    ReportFormat("png", "image/png", _png),
    ReportFormat("svg", "image/svg+xml", _svg),
)
_BY_SUFFIX = {one.suffix: one for one in EVERY_FORMAT}
FORMATS = tuple(one.suffix for one in EVERY_FORMAT if one.of_estimate is not None)
COMPARISON_FORMATS = tuple(one.suffix for one in EVERY_FORMAT if one.of_comparison is not None)
BRIEF_FORMATS = tuple(one.suffix for one in EVERY_FORMAT if one.of_brief is not None)
