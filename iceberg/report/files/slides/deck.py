"""Builds five or six slides for a board meeting: native charts, tables that can be edited, the method in the speaker notes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.advice import first_decisions, noise_sentence, tiles
from iceberg.report.files.document.blocks import TableBlock
from iceberg.report.files.document.executive import counted_grid, period_text, ranking_grid, remark_lines
from iceberg.report.files.document.method_section import (
    assumption_rows,
    fact_lines,
    limit_sentences,
    method_sentences,
    table_name,
)
from iceberg.report.files.formula_guard import plain_text
from iceberg.report.files.pictures import available_charts, chart_specification, chart_takeaway, draw_png
from iceberg.report.files.provenance import Provenance
from iceberg.report.files.slides.charts import INK, MUTED, SILENT, VOCAL, Lines, Ranges, add_lines, add_ranges
from iceberg.report.small_cells import shown_months
from iceberg.report.tables.estimate import ranking_table
from iceberg.report.takeaways import takeaway_month_trend
from iceberg.report.words import (
    category_of,
    comparator_sentence,
    definition,
    evidence_badge,
    headline_reservation,
    headline_sentence,
)

WIDTH_IN, HEIGHT_IN, MARGIN_IN = 13.333, 7.5, 0.6
Said = str | tuple[str, str]  # a paragraph, or a bold label and what follows it
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip archive can hold


@dataclass(frozen=True)
class _Deck:
    """What every slide needs. `file` is python-pptx's, which publishes no types."""

    file: Any
    estimate: IcebergEstimate
    counts: CohortCounts
    provenance: Provenance
    words: Translator
    stamp: datetime
    smallest: int

    def text(self, key: str, **values: Any) -> str:  # noqa: ANN401  # any value a sentence can name
        return self.words.text(f"export.{key}", **values)


def build_slides(
    estimate: IcebergEstimate, counts: CohortCounts, provenance: Provenance, words: Translator, *, smallest: int = 0
) -> bytes:
    """The deck as .pptx; the same arguments give the same bytes."""
    from pptx import Presentation
    from pptx.util import Inches

    file = Presentation()
    file.slide_width, file.slide_height = Inches(WIDTH_IN), Inches(HEIGHT_IN)
    deck = _Deck(file, estimate, counts, provenance, words, provenance.stamp(counts), smallest)
    _describe(deck)
    _headline_slide(deck)
    if cannot_say(estimate):
        _table(_new_slide(deck, deck.text("table.counted"), notes=[]), counted_grid(estimate, words), deck)
    elif estimate.total.vocal_customers:
        if estimate.total.silent_churn.upper >= 0.5:  # else there is no first
            _ranking_slide(deck)
        _table_slide(deck)
        if "months" in available_charts(estimate):
            _trend_slide(deck)
        _ahead_slide(deck)
    _basis_slide(deck)
    target = io.BytesIO()
    file.save(target)
    return _without_clock(target.getvalue())


def _describe(deck: _Deck) -> None:
    held = deck.file.core_properties
    held.title, held.author = plain_text(deck.provenance.title), plain_text(deck.provenance.author)
    held.language = deck.words.conventions.tag
    held.subject = plain_text(headline_sentence(deck.estimate, deck.words))
    held.last_modified_by = held.author
    held.created = held.modified = deck.stamp.replace(tzinfo=None)
    held.revision = 1


def _without_clock(content: bytes) -> bytes:
    """The same archive with every member dated alike: python-pptx writes the time of day into each."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            copy.writestr(member, source.read(name))
    return target.getvalue()


def _new_slide(deck: _Deck, title: str, *, notes: Sequence[str]) -> Any:  # noqa: ANN401  # python-pptx has no types
    from pptx.util import Inches

    slide = deck.file.slides.add_slide(deck.file.slide_layouts[5])  # "Title only": a slide's title is what a screen reader announces
    held = slide.shapes.title
    held.left, held.top, held.width, held.height = Inches(MARGIN_IN), Inches(0.3), Inches(WIDTH_IN - 2 * MARGIN_IN), Inches(1.15)
    _fill(held.text_frame, [title], deck, size=26 if len(title) < 95 else 22 if len(title) < 170 else 19, bold=True)
    foot = deck.provenance.title + " · " + period_text(deck.estimate, deck.counts, deck.words)
    if deck.provenance.sample:
        foot += " · " + deck.words.text("ui.study.sample")
    _text(slide, (MARGIN_IN, 7.05, WIDTH_IN - 2 * MARGIN_IN - 0.8, 0.3), [foot], deck, size=10, colour=MUTED)
    _text(slide, (WIDTH_IN - MARGIN_IN - 0.7, 7.05, 0.7, 0.3), [str(len(deck.file.slides))], deck, size=10, colour=MUTED, right=True)
    slide.notes_slide.notes_text_frame.text = plain_text("\n".join(note for note in notes if note))
    return slide


def _text(slide: Any, place: tuple[float, float, float, float], paragraphs: Sequence[Said], deck: _Deck, **style: Any) -> None:  # noqa: ANN401  # as above
    from pptx.util import Inches

    box = slide.shapes.add_textbox(*(Inches(value) for value in place))
    _fill(box.text_frame, paragraphs, deck, **style)


def _fill(
    frame: Any,  # noqa: ANN401  # as above
    paragraphs: Sequence[Said],
    deck: _Deck,
    *,
    size: float = 14,
    colour: str = INK,
    bold: bool = False,
    right: bool = False,
    gap: float = 6,
) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap = True
    frame.vertical_anchor = MSO_ANCHOR.TOP
    for place, text in enumerate(paragraphs):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
        paragraph.space_after = Pt(gap if place < len(paragraphs) - 1 else 0)
        pieces = [(text, bold)] if isinstance(text, str) else [(f"{text[0]} – ", True), (text[1], bold)]
        for piece, heavy in pieces:
            run = paragraph.add_run()
            run.text = plain_text(piece)
            run.font.size, run.font.bold, run.font.color.rgb = Pt(size), heavy, RGBColor.from_string(colour)
            run._r.get_or_add_rPr().set("lang", deck.words.conventions.tag)


def _describe_shape(shape: Any, text: str) -> None:  # noqa: ANN401  # as above
    """Alternative text of a picture, chart or table."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", plain_text(text))


def _headline_slide(deck: _Deck) -> None:
    from pptx.util import Inches

    estimate, words = deck.estimate, deck.words
    badge = evidence_badge(estimate, words)
    slide = _new_slide(deck, headline_sentence(estimate, words), notes=[definition(words), deck.text("interval"), *method_sentences(words)])
    if "iceberg" in available_charts(estimate):
        picture = slide.shapes.add_picture(
            io.BytesIO(draw_png(chart_specification("iceberg", estimate, words))), Inches(MARGIN_IN), Inches(1.55), height=Inches(5.35)
        )
        _describe_shape(picture, chart_takeaway("iceberg", estimate, words))
        left = MARGIN_IN + picture.width / 914400 + 0.35
    else:
        left = MARGIN_IN
    lines = [f"{badge.label} – {badge.says}", headline_reservation(estimate, words)]
    width = WIDTH_IN - MARGIN_IN - left
    top = 1.55
    if cannot_say(estimate):
        lines = [*(f"{severity} – {sentence}" for severity, sentence in remark_lines(estimate, words)), lines[0]]
        _text(slide, (left, top, width, 5.2), lines, deck, size=_fitting(lines) + 2, gap=8)
        return
    if estimate.total.vocal_customers:
        for tile in tiles(estimate, words):
            label, value, detail = tile.on_paper
            _text(slide, (left, top, width, 0.3), [label], deck, size=12, colour=MUTED)
            _text(slide, (left, top + 0.24, width, 0.4), [value], deck, size=20, colour=SILENT, bold=True)
            _text(slide, (left, top + 0.62, width, 0.4), [detail], deck, size=11)
            top += 1.07
    _text(slide, (left, top + 0.05, width, 1.1), [line for line in lines if line], deck, size=10.5, colour=MUTED, gap=3)


def _ranking_slide(deck: _Deck) -> None:
    from pptx.util import Inches

    estimate, words = deck.estimate, deck.words
    names = list(ranking_table(estimate)["category"])
    decided = first_decisions(estimate, words)
    noise = noise_sentence(estimate, words)
    notes = [deck.text("interval"), noise or "", comparator_sentence(estimate, words)]
    slide = _new_slide(deck, chart_takeaway("ranking", estimate, words), notes=notes)
    data = _ranges(names, [category_of(estimate, name).silent_churn for name in names], words)
    place = (Inches(MARGIN_IN), Inches(1.65), Inches(7.4), Inches(5.2))
    frame = add_ranges(slide, place, data, horizontal=True, stamp=deck.stamp)
    _describe_shape(frame, chart_takeaway("ranking", estimate, words))
    _text(slide, (MARGIN_IN, 1.3, 7.4, 0.35), [deck.text("chart_ranges")], deck, size=12, colour=MUTED)
    said = [(one.label, one.sentence) for one in decided]
    size = 14 if max(len(sentence) for _, sentence in said) < 220 else 12
    _text(slide, (8.3, 1.6, WIDTH_IN - MARGIN_IN - 8.3, 4.6), said, deck, size=size, gap=10)
    if noise and len(names) > 1:
        _text(slide, (8.3, 5.85, WIDTH_IN - MARGIN_IN - 8.3, 1.1), [noise.partition(". ")[2] or noise], deck, size=10.5, colour=MUTED)


def _ranges(labels: Sequence[str], intervals: Sequence[CredibleInterval], words: Translator) -> Ranges:
    """Silent churn per label, for a chart with ranges."""
    return Ranges(
        labels,
        [interval.lower for interval in intervals],
        [interval.median for interval in intervals],
        [interval.upper for interval in intervals],
        (words.text("report.columns.silent_median"), words.text("report.columns.silent_lower"), words.text("report.columns.silent_upper")),
    )


def _table_slide(deck: _Deck) -> None:
    grid = ranking_grid(deck.estimate, deck.words)
    sentence = comparator_sentence(deck.estimate, deck.words)
    slide = _new_slide(deck, deck.text("table.ranking"), notes=[sentence, deck.text("interval")])
    _table(slide, grid, deck)
    _text(slide, (MARGIN_IN, 6.5, WIDTH_IN - 2 * MARGIN_IN, 0.5), [sentence], deck, size=13)


def _table(slide: Any, grid: TableBlock, deck: _Deck) -> None:  # noqa: ANN401  # as above
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches, Pt

    lines, columns = len(grid.rows) + 1, len(grid.headers)
    row_height = min(0.42, (4.7 - 0.55) / (lines - 1))
    size = 13 if lines <= 10 else 10.5
    shape = slide.shapes.add_table(
        lines, columns, Inches(MARGIN_IN), Inches(1.35), Inches(WIDTH_IN - 2 * MARGIN_IN), Inches(0.55 + row_height * (lines - 1))
    )
    _describe_shape(shape, grid.caption)
    table = shape.table
    total = sum(grid.widths)
    for place, share in enumerate(grid.widths):
        table.columns[place].width = Inches((WIDTH_IN - 2 * MARGIN_IN) * share / total)
    table.last_row = grid.total
    for line, row in enumerate((grid.headers, *grid.rows)):
        table.rows[line].height = Inches(0.55 if line == 0 else row_height)
        for place, text in enumerate(row):
            cell = table.cell(line, place)
            cell.margin_top = cell.margin_bottom = Inches(0.02)
            cell.margin_left = cell.margin_right = Inches(0.06)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.fill.solid()
            bold = line == 0 or (grid.total and line == lines - 1)
            cell.fill.fore_color.rgb = RGBColor.from_string(SILENT if line == 0 else "F1F7FB" if bold else "FFFFFF")
            _fill(cell.text_frame, [text], deck, size=size, bold=bold, colour="FFFFFF" if line == 0 else INK)
            for paragraph in cell.text_frame.paragraphs:
                paragraph.alignment = PP_ALIGN.RIGHT if grid.align[place] == "right" else PP_ALIGN.LEFT
                paragraph.space_after = Pt(0)


def _trend_slide(deck: _Deck) -> None:
    from pptx.util import Inches

    words, frame = deck.words, shown_months(deck.estimate, smallest=deck.smallest)
    takeaway = takeaway_month_trend(frame, words)
    slide = _new_slide(deck, takeaway, notes=[deck.text("section.trend"), deck.text("interval")])
    series = [
        (words.text("report.columns.silent_upper"), list(frame["upper"]), "8CC4E4", True),
        (words.text("report.columns.silent_median"), list(frame["median"]), SILENT, False),
        (words.text("report.columns.silent_lower"), list(frame["lower"]), "8CC4E4", True),
    ]
    if frame["vocal_customers"].notna().all():
        series.append((words.text("report.columns.vocal_customers"), [float(value) for value in frame["vocal_customers"]], VOCAL, True))
    data = Lines([_short_month(month.date(), words) for month in frame["month"]], series)
    shape = add_lines(slide, (Inches(MARGIN_IN), Inches(1.5), Inches(WIDTH_IN - 2 * MARGIN_IN), Inches(5.4)), data, stamp=deck.stamp)
    _describe_shape(shape, takeaway)


def _short_month(day: date, words: Translator) -> str:
    from babel.dates import format_skeleton

    return str(format_skeleton("yMMM", day, locale=words.locale))


def _ahead_slide(deck: _Deck) -> None:
    from pptx.util import Inches

    pipeline, words = deck.estimate.total.pipeline, deck.words
    if not pipeline or max(own.upper for own in pipeline.values()) < 0.5:
        return
    slide = _new_slide(deck, deck.text("section.ahead"), notes=[deck.text("ahead"), deck.text("interval")])
    days = sorted(pipeline)
    data = _ranges([deck.text("column.within", days=day) for day in days], [pipeline[day] for day in days], words)
    shape = add_ranges(slide, (Inches(MARGIN_IN), Inches(1.6), Inches(7.0), Inches(5.2)), data, horizontal=False, stamp=deck.stamp)
    said = [
        deck.text("ahead_line", when=label, range=deck.text("likely_range", middle=middle, low=low, high=high))
        for label, middle, low, high in zip(
            data.labels, *([words.integer(value) for value in ends] for ends in (data.median, data.lower, data.upper)), strict=True
        )
    ]
    _describe_shape(shape, " ".join(said))
    _text(slide, (8.0, 1.7, WIDTH_IN - MARGIN_IN - 8.0, 4.5), [deck.text("ahead"), *said], deck, size=15, gap=12)


def _basis_slide(deck: _Deck) -> None:
    estimate, words = deck.estimate, deck.words
    badge = evidence_badge(estimate, words)
    assumed = [f"{name}: {value} ({grade}; {source})" for name, value, grade, source in assumption_rows(estimate.assumptions, words)]
    files = [f"{file.name} ({table_name(file.table, words)}), SHA-256 {file.sha256 or ''}" for file in deck.provenance.files]
    remarks = [f"{severity} – {sentence}" for severity, sentence in remark_lines(estimate, words)]
    notes = [
        *method_sentences(words),
        deck.text("limits"),
        *limit_sentences(words),
        deck.text("section.assumptions"),
        *assumed,
        words.text("ui.method.grades"),
        *remarks,
    ]
    slide = _new_slide(deck, deck.text("section.evidence"), notes=notes)
    half = (WIDTH_IN - 2 * MARGIN_IN - 0.4) / 2
    left = [f"{badge.label}. {badge.says} {badge.help}", *(f"• {reason}" for reason in badge.reasons), *(f"• {line}" for line in remarks[:4])]
    _text(slide, (MARGIN_IN, 1.3, half, 5.6), left, deck, size=_fitting(left), gap=5)
    right = [deck.text("limits"), *(f"• {line}" for line in limit_sentences(words)), *files, *fact_lines(estimate, deck.provenance, words)]
    _text(slide, (MARGIN_IN + half + 0.4, 1.3, half, 5.6), right, deck, size=_fitting(right), gap=5)


def _fitting(lines: Sequence[str]) -> float:
    """A font size at which the lines fit half a slide."""
    letters = sum(len(line) + 40 for line in lines)
    return 13 if letters < 1200 else 12 if letters < 1500 else 11 if letters < 1900 else 10
