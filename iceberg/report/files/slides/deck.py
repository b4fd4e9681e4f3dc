"""Builds the slides for a board meeting: native charts, tables that can be edited, the method in the speaker notes; on a company's template, too."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.advice import first_decisions, noise_sentence, tiles
from iceberg.report.files.document.executive import counted_grid, ranking_grid, remark_lines
from iceberg.report.files.document.method_section import assumption_rows, fact_lines, limit_sentences, method_sentences, table_name
from iceberg.report.files.formula_guard import plain_text
from iceberg.report.files.pictures import available_charts, chart_specification, chart_takeaway, draw_png
from iceberg.report.files.provenance import Provenance
from iceberg.report.files.slides.canvas import Text
from iceberg.report.files.slides.charts import Lines, Ranges, add_lines, add_ranges
from iceberg.report.files.slides.further import add_further_slides
from iceberg.report.files.slides.slide import Deck, Slide, add_tables
from iceberg.report.files.slides.template import open_file
from iceberg.report.small_cells import shown_months
from iceberg.report.tables.estimate import ranking_table
from iceberg.report.takeaways import takeaway_month_trend
from iceberg.report.words import category_of, comparator_sentence, definition, evidence_badge, headline_reservation, headline_sentence

MOST_BARS = 8  # judgement: more names cannot be read from the back of a room; the table after it has them all
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip archive can hold


def build_slides(
    estimate: IcebergEstimate,
    counts: CohortCounts,
    provenance: Provenance,
    words: Translator,
    *,
    smallest: int = 0,
    template: bytes | None = None,
) -> bytes:
    """The deck as .pptx; the same arguments give the same bytes. `template` comes from `read_template`."""
    file, layout = open_file(template)
    deck = Deck(file, layout, template is None, estimate, counts, provenance, words, provenance.stamp(counts), smallest)
    describe_deck(deck)
    _headline_slide(deck)
    if cannot_say(estimate):
        add_tables(deck, deck.text("table.counted"), counted_grid(estimate, words), notes=[])
    elif estimate.total.vocal_customers:
        if estimate.total.silent_churn.upper >= 0.5:  # else there is no first
            _ranking_slide(deck)
        sentence = comparator_sentence(estimate, words)
        add_tables(deck, sentence, ranking_grid(estimate, words), notes=[sentence, deck.text("interval")])
        if "months" in available_charts(estimate):
            _trend_slide(deck)
        _ahead_slide(deck)
    add_further_slides(deck)
    _basis_slide(deck)
    target = io.BytesIO()
    file.save(target)
    return without_clock(target.getvalue())


def describe_deck(deck: Deck) -> None:
    """Write title, author, language and date of the file."""
    held = deck.file.core_properties
    held.title, held.author = plain_text(deck.provenance.title), plain_text(deck.provenance.author)
    held.language = deck.words.conventions.tag
    held.subject = plain_text(headline_sentence(deck.estimate, deck.words))
    held.last_modified_by = held.author
    held.created = held.modified = deck.stamp.replace(tzinfo=None)
    held.revision = 1


def without_clock(content: bytes) -> bytes:
    """The same archive with every member dated alike: python-pptx writes the time of day into each."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            copy.writestr(member, source.read(name))
    return target.getvalue()


def _headline_slide(deck: Deck) -> None:
    estimate, words = deck.estimate, deck.words
    badge = evidence_badge(estimate, words)
    notes = [definition(words), deck.text("interval"), *method_sentences(words), deck.provenance.link]
    slide = Slide(deck, headline_sentence(estimate, words), notes=notes)
    room = slide.box
    if "iceberg" in available_charts(estimate):
        room = slide.put_picture(draw_png(chart_specification("iceberg", estimate, words)), chart_takeaway("iceberg", estimate, words))
    said = f"{badge.label} – {badge.says}"
    if cannot_say(estimate):
        remarks = [f"{severity} – {sentence}" for severity, sentence in remark_lines(estimate, words)]
        slide.write([*(Text((remark,), 15) for remark in remarks), Text((said,), 13, "muted")], room)
        return
    blocks: list[Text] = []
    for tile in tiles(estimate, words) if estimate.total.vocal_customers else ():
        label, value, detail = tile.on_paper
        blocks += [Text((label,), 12, "muted", gap=0, after=0), Text((value,), 20, "accent", bold=True, gap=0, after=1)]
        blocks.append(Text((detail,), 11, gap=0, after=9))
    lines = (said, headline_reservation(estimate, words))
    slide.write([*blocks, *(Text((line,), 10.5, "muted") for line in lines if line)], room)


def _ranking_slide(deck: Deck) -> None:
    estimate, words = deck.estimate, deck.words
    names = list(ranking_table(estimate)["category"])
    noise = noise_sentence(estimate, words)
    says = chart_takeaway("ranking", estimate, words)
    slide = Slide(deck, says, notes=[deck.text("interval"), noise or "", comparator_sentence(estimate, words)])
    left, right = slide.box.columns(0.6, 0.35)
    lead = deck.text("chart_ranges")
    if len(names) > MOST_BARS:
        lead += " · " + deck.text("first_of", shown=MOST_BARS, all=len(names))
        names = names[:MOST_BARS]
    taken = slide.write([Text((lead,), 12, "muted", gap=0, after=2)], left)
    data = _ranges(names, [category_of(estimate, name).silent_churn for name in names], words)
    slide.describe(add_ranges(slide.file, left.below(taken), data, horizontal=True, stamp=deck.stamp, own=deck.own), says)
    blocks = [Text(((one.label, one.sentence),), 14, after=10) for one in first_decisions(estimate, words)]
    if noise and len(names) > 1:
        blocks.append(Text((noise.partition(". ")[2] or noise,), 11, "muted"))
    slide.write(blocks, right)


def _ranges(labels: Sequence[str], intervals: Sequence[CredibleInterval], words: Translator) -> Ranges:
    """Silent churn per label, for a chart with ranges."""
    return Ranges(
        labels,
        [interval.lower for interval in intervals],
        [interval.median for interval in intervals],
        [interval.upper for interval in intervals],
        (words.text("report.columns.silent_median"), words.text("report.columns.silent_lower"), words.text("report.columns.silent_upper")),
    )


def _trend_slide(deck: Deck) -> None:
    words, frame = deck.words, shown_months(deck.estimate, smallest=deck.smallest)
    takeaway = takeaway_month_trend(frame, words)
    slide = Slide(deck, takeaway, notes=[deck.text("section.trend"), deck.text("interval")])
    series = [
        (words.text("report.columns.silent_upper"), list(frame["upper"]), "soft", True),
        (words.text("report.columns.silent_median"), list(frame["median"]), "accent", False),
        (words.text("report.columns.silent_lower"), list(frame["lower"]), "soft", True),
    ]
    if frame["vocal_customers"].notna().all():
        series.append((words.text("report.columns.vocal_customers"), [float(value) for value in frame["vocal_customers"]], "vocal", True))
    data = Lines([_short_month(month.date(), words) for month in frame["month"]], series)
    slide.describe(add_lines(slide.file, slide.box, data, stamp=deck.stamp, own=deck.own), takeaway)


def _short_month(day: date, words: Translator) -> str:
    from babel.dates import format_skeleton

    return str(format_skeleton("yMMM", day, locale=words.locale))


def _ahead_slide(deck: Deck) -> None:
    pipeline, words = deck.estimate.total.pipeline, deck.words
    if not pipeline or max(own.upper for own in pipeline.values()) < 0.5:
        return
    slide = Slide(deck, deck.text("section.ahead"), notes=[deck.text("ahead"), deck.text("interval")])
    left, right = slide.box.columns(0.58, 0.4)
    days = sorted(pipeline)
    data = _ranges([deck.text("column.within", days=day) for day in days], [pipeline[day] for day in days], words)
    shape: Any = add_ranges(slide.file, left, data, horizontal=False, stamp=deck.stamp, own=deck.own)
    said = [
        deck.text("ahead_line", when=label, range=deck.text("likely_range", middle=middle, low=low, high=high))
        for label, middle, low, high in zip(
            data.labels, *([words.integer(value) for value in ends] for ends in (data.median, data.lower, data.upper)), strict=True
        )
    ]
    slide.describe(shape, " ".join(said))
    slide.write([Text((line,), 15, after=10) for line in (deck.text("ahead"), *said)], right)


def _basis_slide(deck: Deck) -> None:
    """How sure, and what the method cannot know; fingerprints of files, the method and every assumption are in the notes."""
    estimate, words = deck.estimate, deck.words
    badge = evidence_badge(estimate, words)
    remarks = [f"{severity} – {sentence}" for severity, sentence in remark_lines(estimate, words)]
    notes = [
        *method_sentences(words),
        deck.text("limits"),
        *limit_sentences(words),
        deck.text("section.assumptions"),
        *(f"{name}: {value} ({grade}; {source})" for name, value, grade, source in assumption_rows(estimate.assumptions, words)),
        words.text("ui.method.grades"),
        *remarks,
        *(f"{file.name} ({table_name(file.table, words)}), SHA-256 {file.sha256 or ''}" for file in deck.provenance.files),
        *fact_lines(estimate, deck.provenance, words),
    ]
    slide = Slide(deck, deck.text("section.evidence"), notes=notes)
    left, right = slide.box.columns(0.5, 0.4)
    points = [f"• {line}" for line in (*badge.reasons, *remarks[:4])]
    slide.write([Text((line,), 14, after=5) for line in (f"{badge.label}. {badge.says} {badge.help}", *points)], left, smallest=11)
    limits = [Text((deck.text("limits"),), 14, bold=True), *(Text((f"• {line}",), 14, after=5) for line in limit_sentences(words))]
    files = ", ".join(dict.fromkeys(f"{file.name} ({table_name(file.table, words)})" for file in deck.provenance.files))
    slide.write([*limits, *([Text((files,), 12, "muted")] if files else [])], right, smallest=11)
