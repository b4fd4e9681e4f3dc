"""Writes the part of a report about complaints closed in time: the sentence, the picture, the reservation and the categories."""

from __future__ import annotations

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.journey.service import TABLE_COLUMNS, service_headline, service_sentences, service_table
from iceberg.report.journey.waits import wait_grid


def service_section(counts: CohortCounts, words: Translator, *, horizon_days: int, seed: int, smallest: int = 0) -> ReportSection:
    """Empty where no column says whether complaints were closed in time. A report for viewers has all complainants only.

    Args:
        counts: Of the whole study.
        words: Language.
        horizon_days: Of the estimate.
        seed: Of the estimate.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("service.title")
    if counts.service is None:
        return ReportSection(title, ())
    from iceberg.model.journey.service import estimate_service

    service = estimate_service(counts, horizon_days=horizon_days, seed=seed)
    if service is None:
        return ReportSection(title, ())
    from iceberg.report.charts.answers.service import build_service_chart
    from iceberg.report.charts.specification import build_specification

    said = service_headline(service, words)
    blocks: list[Block] = [Paragraph(said, "lead")]
    table = service_table(service, words)
    table = table.head(1) if smallest else table
    if not table[["in_median", "late_median"]].isna().all(axis=None):
        drawn = build_specification(lambda: build_service_chart(table, words, description=said, width=WIDTH_PX))
        blocks.append(Figure("service", draw_svg(on_paper(drawn)), said, 0.7))
    sentences = service_sentences(service, words)
    if sentences:
        blocks.append(Bullets(tuple(("", sentence) for sentence in sentences)))
    if len(table) > 1:
        headers = tuple(words.text(f"service.{name}") for name in TABLE_COLUMNS.values())
        rows = tuple(tuple(str(row[name]) for name in TABLE_COLUMNS) for row in table.to_dict("records"))
        blocks.append(section_table(title, headers, rows))
    waited, rows_waited = wait_grid(service.waits, words)
    if rows_waited and not smallest:
        blocks.append(section_table(words.text("service.waits.title"), waited, rows_waited, titled=True))
    return ReportSection(title, tuple(blocks))
