"""Writes the part of a report about how complaints were answered: the sentence, the picture, the scores and what they rest on."""

from __future__ import annotations

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.audit.sentences import agreement_grid, audit_headline, audit_sentences, audit_table, score_grid
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper


def audit_section(estimate: IcebergEstimate, counts: CohortCounts, words: Translator, *, smallest: int = 0) -> ReportSection:
    """Empty without an audit.

    Args:
        estimate: Has the categories that the reader sees.
        counts: Of the whole study; they hold the audit.
        words: Language.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("audit.title")
    if counts.audit is None:
        return ReportSection(title, ())
    audit = counts.audit.among([item.category for item in estimate.categories] if smallest else None)
    said = audit_headline(audit, words)
    blocks: list[Block] = [Paragraph(said, "lead")]
    table = audit_table(audit)
    if not table.empty:
        from iceberg.report.charts.answers.hums import build_hums
        from iceberg.report.charts.specification import build_specification

        drawn = build_specification(lambda: build_hums(table, words, description=said, width=WIDTH_PX))
        blocks.append(Figure("hums", draw_svg(on_paper(drawn)), said, 0.8))
        headers, rows = score_grid(audit, words)
        blocks.append(section_table(title, headers, rows))
    headers, rows = agreement_grid(audit, words)
    blocks.append(section_table(words.text("audit.agreement_title"), headers, rows, titled=True))
    blocks.append(Bullets(tuple(("", sentence) for sentence in audit_sentences(audit, words))))
    return ReportSection(title, tuple(blocks))
