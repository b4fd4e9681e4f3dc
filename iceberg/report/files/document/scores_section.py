"""Writes the part of a report about what customers declared: the sentence, the picture, what a score knows, and the three lines."""

from __future__ import annotations

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.scores.estimate import estimate_declared
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.scores.sentences import PARTS, curve_sentence, curve_table, declared_headline, declared_sentences, declared_table


def scores_section(counts: CohortCounts, words: Translator, *, seed: int, smallest: int = 0) -> ReportSection:
    """Empty without scores. A report for viewers has the figures of all leavers only, since those of groups could be subtracted.

    Args:
        counts: Of the whole study.
        words: Language.
        seed: Of the estimate.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("scores.title")
    declared = estimate_declared(counts, seed=seed)
    if declared is None:
        return ReportSection(title, ())
    from iceberg.report.charts.scores.bars import build_score_bars
    from iceberg.report.charts.scores.curve import build_score_curve
    from iceberg.report.charts.specification import build_specification

    said = declared_headline(declared, words)
    blocks: list[Block] = [Paragraph(said, "lead")]
    table = declared_table(declared, words, whole=not smallest)
    if not table.empty:
        bars = build_specification(lambda: build_score_bars(table, words, description=said, width=WIDTH_PX))
        blocks.append(Figure("declared", draw_svg(on_paper(bars)), said, 0.85))
    blocks.append(Bullets(tuple(("", sentence) for sentence in declared_sentences(declared, words, whole=not smallest))))
    curve = curve_table(declared)
    if not curve.empty:
        says = curve_sentence(declared, words)
        drawn = build_specification(lambda: build_score_curve(curve, words, description=says, width=WIDTH_PX))
        blocks += [Paragraph(says), Figure("score_curve", draw_svg(on_paper(drawn)), says, 0.6)]
    if len(table) > 1:
        headers = (words.text("scores.group"), words.text("scores.leavers"), *(words.text(f"scores.part_{part}") for part in PARTS))
        rows = tuple((str(row["name"]), *(words.integer(row[name]) for name in ("leavers", *PARTS))) for row in table.to_dict("records"))
        blocks.append(section_table(title, headers, rows))
    return ReportSection(title, tuple(blocks))
