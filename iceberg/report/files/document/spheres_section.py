"""Writes the part of a report about priorities, beliefs, targets and promises: the sentence, the gaps, and importance beside performance."""

from __future__ import annotations

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.journey.spheres import (
    quadrant_names,
    quadrants_grid,
    quadrants_headline,
    quadrants_note,
    quadrants_table,
    spheres_grid,
    spheres_headline,
    spheres_sentences,
)


def spheres_section(estimate: IcebergEstimate, counts: CohortCounts, words: Translator, *, smallest: int = 0) -> ReportSection:
    """Empty without a sheet. A report for viewers has only the categories that they see, and no share closed in time of one.

    Args:
        estimate: Categories that are shown, and their draws.
        counts: Of the whole study; they hold the sheet.
        words: Language.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("spheres.title")
    if counts.spheres is None:
        return ReportSection(title, ())
    from iceberg.model.journey.spheres import estimate_spheres

    found = estimate_spheres(estimate, counts, whole=not smallest)
    if found is None:
        return ReportSection(title, ())
    headers, rows = spheres_grid(found, words)
    blocks: list[Block] = [
        Paragraph(spheres_headline(found, words), "lead"),
        section_table(words.text("spheres.gaps_title"), headers, rows, titled=True),
    ]
    if said := quadrants_headline(found, words):
        from iceberg.report.charts.journey.quadrants import build_quadrants
        from iceberg.report.charts.specification import build_specification

        names = quadrant_names(found, words)
        drawn = build_specification(lambda: build_quadrants(quadrants_table(found), words, names=names, description=said, width=WIDTH_PX))
        headers, rows = quadrants_grid(found, words)
        blocks += [
            Paragraph(f"{said} {quadrants_note(found, words)}"),
            Figure("quadrants", draw_svg(on_paper(drawn)), said, 0.7),
            section_table(words.text("spheres.quadrants_title"), headers, rows, titled=True),
        ]
    blocks.append(Bullets(tuple(("", sentence) for sentence in spheres_sentences(found, words))))
    return ReportSection(title, tuple(blocks))
