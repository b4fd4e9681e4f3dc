"""The files that an estimate is exported to: PDF, slides, workbook, CSV, web page, JSON, pictures; the same numbers in each."""

from iceberg.report.files.formats import BRIEF_FORMATS, FORMATS, brief_bytes, comparison_bytes, media_type, report_bytes
from iceberg.report.files.provenance import Provenance, report_name

__all__ = ["BRIEF_FORMATS", "FORMATS", "Provenance", "brief_bytes", "comparison_bytes", "media_type", "report_bytes", "report_name"]
