"""Exports a comparison: PDF and web page (the same written report), CSV and JSON; the same numbers in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from iceberg.locale import Translator
from iceberg.model.compare import Comparison
from iceberg.model.decision.follow_up import FollowUp, learned_efficacy
from iceberg.report.comparison import (
    comparison_headline,
    comparison_table,
    display_comparison,
    follow_up_lines,
    follow_up_remarks,
    follow_up_sentence,
    learned_sentence,
    period_names,
    remark_sentences,
    unit_text,
    verdict_text,
)
from iceberg.report.files.document.blocks import (
    Block,
    Bullets,
    Figure,
    Paragraph,
    ReportSection,
    TableBlock,
    WrittenReport,
    name_and_figures,
)
from iceberg.report.files.formula_guard import safe_cell

_BADGES = {"fell": "data_led", "rose": "assumption_led"}  # the colours of the template: green, orange, else blue
_BEGINNING = datetime(1980, 1, 1, tzinfo=UTC)  # of the metadata, where a comparison of volumes knows no day


@dataclass(frozen=True)
class Compared:
    """A comparison and the facts that its files state.

    Attributes:
        comparison: Its content.
        category: The one that was fixed; its sentence comes first. None speaks of the company.
        sources: One line per side: files with their SHA-256, or study and version.
        author: Of the metadata; may be "".
        followed: Fixes that were followed up; they stand first.
        made: Of the metadata; None takes the end of the later period, so that the same comparison gives the same bytes.
    """

    comparison: Comparison
    category: str | None = None
    sources: Sequence[str] = ()
    author: str = ""
    made: datetime | None = None
    followed: Sequence[FollowUp] = ()

    @property
    def stamp(self) -> datetime:
        """The moment of the metadata."""
        if self.made is not None:
            return self.made
        months = self.comparison.months_after
        return _BEGINNING if months is None else datetime(months[1].year, months[1].month, 1, tzinfo=UTC)


def build_written_comparison(compared: Compared, words: Translator) -> WrittenReport:
    """The comparison as blocks: the answer, the picture, every category, what to know of it, and what it was made from."""
    comparison = compared.comparison
    table = comparison_table(comparison, words)
    before, after = period_names(comparison, words)
    said = comparison_headline(comparison, words)
    opening: list[Block] = [Paragraph(said, "lead")] if compared.category is not None else []
    opening += [_figure(compared, words), Paragraph(words.text("compare.report.reading"), "note")]
    shown = display_comparison(table, words)
    grid = TableBlock(
        words.text("compare.report.table"),
        tuple(shown.columns),
        tuple(tuple(row) for row in shown.itertuples(index=False)),
        name_and_figures(len(shown.columns)),
        total=True,
        widths=(0.18, 0.13, 0.1, 0.15, 0.15, 0.15, 0.14),
        small=True,
    )
    remarks = Bullets(tuple(("", sentence) for _, sentence in remark_sentences(comparison, words)))
    sections = [_fix_section(one, words) for one in compared.followed]
    sections.append(ReportSection(words.text("compare.report.categories"), (grid,)))
    sections.append(ReportSection(words.text("compare.report.remarks"), (remarks,), fine=True))
    if compared.sources:
        sections.append(ReportSection(words.text("compare.report.sources"), (Bullets(tuple(("", line) for line in compared.sources)),), fine=True))
    one = next((row for row in comparison.categories if row.category == compared.category), comparison.total)
    title = words.text("compare.report.title")
    return WrittenReport(
        language=words.language,
        title=title,
        period=words.text("compare.report.period", before=before, after=after),
        badge=verdict_text(one.verdict, words),
        badge_kind=_BADGES.get(one.verdict, "mixed"),
        headline=comparison_headline(comparison, words, category=compared.category),
        opening=tuple(opening),
        sections=tuple(section for section in sections if section.blocks[0] != Bullets(())),
        footer=title,
        author=compared.author,
        stamp=compared.stamp.isoformat(),
    )


def _fix_section(found: FollowUp, words: Translator) -> ReportSection:
    """Whether one fix worked, and what that rests on."""
    lines = (*follow_up_lines(found, words), *(sentence for _, sentence in follow_up_remarks(found, words)))
    category = found.intervention.category
    learned = learned_efficacy([(found.intervention, found.log_effect, found.log_error)], category)
    lines = (*lines, learned_sentence(learned, category, words))
    blocks = (Paragraph(follow_up_sentence(found, words), "lead"), Bullets(tuple(("", line) for line in lines)))
    return ReportSection(words.text("follow_up.title"), blocks, together=True)


def _figure(compared: Compared, words: Translator) -> Figure:
    from iceberg.report.charts.changes import build_changes
    from iceberg.report.charts.specification import build_specification
    from iceberg.report.files.pictures import draw_svg, on_paper

    comparison = compared.comparison
    said = comparison_headline(comparison, words)
    table = comparison_table(comparison, words)
    written = build_specification(lambda: build_changes(table, words, "light", description=said, axis_title=unit_text(comparison, words)))
    return Figure("changes", draw_svg(on_paper(written)), said, 0.95)


def comparison_csv(compared: Compared, words: Translator) -> bytes:
    """One row per category and the company; codes, commas and decimal points in both languages, a mark for Excel."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    table = comparison_table(compared.comparison, words)
    writer.writerow(table.columns)
    for row in table.itertuples(index=False):
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else round(float(cell), 6) for cell in row])
    return b"\xef\xbb\xbf" + target.getvalue().encode()
