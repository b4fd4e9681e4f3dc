"""Writes the part of a report about breaks of rhythm: the sentence, the pulse, the average trace, after what it happens, and a test of it."""

from __future__ import annotations

from collections.abc import Callable

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.locale import Translator
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.rhythm.frames import periods_frame, trace_frame, trace_sentence, weeks_frame
from iceberg.report.rhythm.sentences import (
    Grid,
    backtest_table,
    category_table,
    remark_sentence,
    rhythm_headline,
    rhythm_sentences,
    segment_table,
)


def rhythm_section(counts: CohortCounts, words: Translator, *, smallest: int = 0) -> ReportSection:
    """Empty without an activity log. A report for viewers names no group and has no count of fewer people than `smallest`.

    Args:
        counts: Of the whole study.
        words: Language.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("rhythm.title")
    if not counts.rhythms:
        return ReportSection(title, ())
    found = counts.rhythms[0]
    said = rhythm_headline(found, words, smallest=smallest)
    blocks: list[Block] = [Paragraph(said, "lead"), *_figures(found, words, said, smallest)]
    remarks = () if smallest else tuple(("", remark_sentence(one, words)) for one in found.remarks)
    blocks.append(Bullets((*(("", sentence) for sentence in rhythm_sentences(found, words, smallest=smallest)), *remarks)))
    tables: dict[str, Callable[[RhythmCounts, Translator], tuple[list[str], Grid]]] = {
        "categories": category_table, "segments": segment_table, "backtest": backtest_table
    }
    for name, build in tables.items():
        headers, rows = build(found, words)
        if rows and (name == "backtest" or not smallest):
            blocks.append(section_table(words.text(f"rhythm.titles.{name}"), headers, rows, titled=True))
    return ReportSection(title, tuple(blocks))


def _figures(found: RhythmCounts, words: Translator, said: str, smallest: int) -> list[Block]:
    from iceberg.report.charts.rhythm.pulse import build_pulse
    from iceberg.report.charts.rhythm.trace import build_trace
    from iceberg.report.charts.specification import build_specification

    weeks, periods, trace = weeks_frame(found), periods_frame(found, smallest=smallest), trace_frame(found)
    pulse = build_specification(lambda: build_pulse(weeks, periods, words, description=said, since=found.since, width=WIDTH_PX))
    blocks: list[Block] = [Figure("pulse", draw_svg(on_paper(pulse)), said, 0.9)]
    if not trace.empty:
        says = trace_sentence(found, words)
        drawn = build_specification(lambda: build_trace(trace, words, description=says, width=WIDTH_PX))
        blocks += [Paragraph(says), Figure("trace", draw_svg(on_paper(drawn)), says, 0.6)]
    return blocks
