"""Writes the part of a report about good moments: the sentence, the picture where something can be said, and the comparison."""

from __future__ import annotations

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.positives.estimate import estimate_enchantment
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.positives.sentences import TABLE_COLUMNS, positives_headline, positives_sentences, positives_table


def positives_section(counts: CohortCounts, words: Translator, *, seed: int, smallest: int = 0) -> ReportSection:
    """Empty without a file of good moments. A report for viewers has all moments together only.

    Args:
        counts: Of the whole study.
        words: Language.
        seed: Of the estimate.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("positives.title")
    found = estimate_enchantment(counts, seed=seed)
    if found is None:
        return ReportSection(title, ())
    from iceberg.report.charts.journey.buoys import build_buoys
    from iceberg.report.charts.specification import build_specification

    said = positives_headline(found, words)
    blocks: list[Block] = [Paragraph(said, "lead")]
    table = positives_table(found, words, whole=not smallest)
    if table["median"].notna().any():
        drawn = build_specification(lambda: build_buoys(table, words, description=said, width=WIDTH_PX))
        blocks.append(Figure("positives", draw_svg(on_paper(drawn)), said, 0.7))
    blocks.append(Bullets(tuple(("", sentence) for sentence in positives_sentences(found, words))))
    if len(table) > 1:
        headers = tuple(words.text(f"positives.{name}") for name in TABLE_COLUMNS.values())
        rows = tuple(tuple(str(row[name]) for name in TABLE_COLUMNS) for row in table.to_dict("records"))
        blocks.append(section_table(title, headers, rows))
    return ReportSection(title, tuple(blocks))
