"""Writes the part of a report about the journey: the sentence, the coastline, the steps and the channels."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.results import IcebergEstimate
from iceberg.report.files.document.blocks import Block, Bullets, Figure, Paragraph, ReportSection, TableBlock, section_table
from iceberg.report.files.pictures import WIDTH_PX, draw_svg, on_paper
from iceberg.report.journey.sentences import channel_sentences, channel_table, journey_headline, journey_sentences, journey_table, step_texts


def journey_section(estimate: IcebergEstimate, counts: CohortCounts, words: Translator, *, smallest: int = 0) -> ReportSection:
    """Empty where nothing is known of the journey. A report for viewers has no counts by step and no channels.

    Args:
        estimate: Of the whole study.
        counts: Of the whole study.
        words: Language.
        smallest: Above 0 for a report that goes to viewers.
    """
    title = words.text("journey.title")
    if counts.journey is None:
        return ReportSection(title, ())
    from iceberg.model.journey.stages import estimate_journey
    from iceberg.model.positives.estimate import estimate_enchantment

    moments = estimate_enchantment(counts, seed=estimate.seed)
    journey = estimate_journey(estimate, counts)
    if journey is None:
        return ReportSection(title, ())
    from iceberg.report.charts.journey.coastline import build_coastline
    from iceberg.report.charts.specification import build_specification

    said, whole = journey_headline(journey, words), not smallest
    blocks: list[Block] = [Paragraph(said, "lead")]
    table = journey_table(journey, words, whole=whole, moments=moments)
    if not table.empty:
        drawn = build_specification(lambda: build_coastline(table, words, description=said, width=WIDTH_PX))
        blocks.append(Figure("journey", draw_svg(on_paper(drawn)), said, 0.9))
    sentences = journey_sentences(journey, words, whole=whole, moments=moments)
    if sentences:
        blocks.append(Bullets(tuple(("", sentence) for sentence in sentences)))
    if not table.empty:
        blocks.append(_steps(title, table.to_dict("records"), words))
    if journey.channels and whole:
        days = estimate.assumptions.horizon_days
        blocks.append(_channels(journey_channels=channel_table(journey, words).to_dict("records"), words=words, days=days))
        blocks += [Paragraph(one, "note") for one in channel_sentences(journey, words, channel_is_place=counts.journey.channel_is_place)]
    return ReportSection(title, tuple(blocks))


def _steps(title: str, rows: list[dict[Hashable, Any]], words: Translator) -> TableBlock:
    headers = tuple(words.text(f"journey.{name}") for name in ("stage", "vocal", "silent", "share", "probability"))
    return section_table(title, headers, [step_texts(row, words) for row in rows])


def _channels(*, journey_channels: list[dict[Hashable, Any]], words: Translator, days: int) -> TableBlock:
    """The channels as a table, with silent churn only where the channel is the place."""
    names = ["channel", "vocal", "excess"] + (["silent"] if any(row["silent"] for row in journey_channels) else [])
    headers = tuple(words.text(f"journey.{name}", days=days) for name in names)
    rows = [[str(row[name]) for name in names] for row in journey_channels]
    return section_table(words.text("journey.channels"), headers, rows, titled=True)
