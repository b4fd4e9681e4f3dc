"""Composes the executive report: the sentence, the picture, what to do first, what is to come, how certain it is and why."""

from __future__ import annotations

from collections.abc import Sequence

from iceberg.cohort.counts import CohortCounts
from iceberg.locale import Translator
from iceberg.model.decision.verdict import by_urgency, has_ranks, judge_category
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.advice import first_decisions, noise_sentence, tiles, verdict_label
from iceberg.report.files.document.audit_section import audit_section
from iceberg.report.files.document.blocks import (
    Block,
    Bullets,
    Figure,
    Figures,
    Paragraph,
    ReportSection,
    TableBlock,
    WrittenReport,
    name_and_figures,
)
from iceberg.report.files.document.journey_section import journey_section
from iceberg.report.files.document.method_section import assumptions_section, files_section, method_section
from iceberg.report.files.document.positives_section import positives_section
from iceberg.report.files.document.rhythm_section import rhythm_section
from iceberg.report.files.document.scores_section import scores_section
from iceberg.report.files.document.service_section import service_section
from iceberg.report.files.document.spheres_section import spheres_section
from iceberg.report.files.pictures import available_charts, chart_specification, chart_takeaway, checks_specification, draw_svg
from iceberg.report.files.provenance import Provenance
from iceberg.report.noise import common_cause_sentence, control_sentences, placebo_sentence, short_rise
from iceberg.report.tables.checks import checks_table
from iceberg.report.tables.estimate import currency_of
from iceberg.report.takeaways import takeaway_checks
from iceberg.report.words import (
    comparator_sentence,
    customers,
    definition,
    diagnostic_sentences,
    evidence_badge,
    headline_reservation,
    headline_sentence,
    money_range,
    share,
)

_WIDTHS = {"category": 2.2, "money": 1.9, "likely": 1.1, "vocal": 1.2, "cause": 1.1, "first": 1.3, "verdict": 1.6}  # of columns, beside 1
_GRAVITY = {"warning": 0, "caution": 1, "info": 2}
_MANY = 8  # past so many categories one figure is drawn smaller and one left out, to keep the report within four pages


def build_written(
    estimate: IcebergEstimate, counts: CohortCounts, provenance: Provenance, words: Translator, *, smallest: int = 0
) -> WrittenReport:
    """The report as blocks; `provenance` is completed, small categories are pooled already."""
    badge = evidence_badge(estimate, words)
    refused = cannot_say(estimate)
    reservation = headline_reservation(estimate, words)
    opening: list[Block] = [Paragraph(reservation, "lead")] if reservation else []
    opening += _figure("iceberg", estimate, words)
    if estimate.total.vocal_customers and not refused:
        opening.append(Figures(tuple(tile.on_paper for tile in tiles(estimate, words))))
    opening.append(Paragraph(definition(words), "note"))
    if provenance.sample:
        opening.insert(0, Paragraph(words.text("export.sample"), "caution"))
    answers = (
        _ranking_section(estimate, words),
        _comparator_section(estimate, words),
        _ahead_section(estimate, words),
        _trend_section(estimate, words, smallest),
    )
    sections = (
        *((ReportSection(words.text("export.section.counted"), (counted_grid(estimate, words),)),) if refused else answers),
        *further_sections(estimate, counts, words, smallest=smallest).values(),
        _evidence_section(estimate, words),
        method_section(words),
        assumptions_section(estimate, words),
        files_section(estimate, provenance, words),
    )
    return WrittenReport(
        language=words.language,
        title=provenance.title,
        period=period_text(estimate, counts, words),
        badge=badge.label,
        badge_kind=badge.kind,
        headline=headline_sentence(estimate, words),
        opening=tuple(opening),
        sections=tuple(section for section in sections if section.blocks),
        footer=words.text("export.footer", title=provenance.title, version=provenance.product_version),
        author=provenance.author,
        stamp=provenance.stamp(counts).isoformat(),
        link=provenance.link,
        link_says=words.text("export.link"),
    )


def further_sections(estimate: IcebergEstimate, counts: CohortCounts, words: Translator, *, smallest: int = 0) -> dict[str, ReportSection]:
    """What further files say, by the name of the file's kind; empty for a study that has none of them.

    Args:
        estimate: Has the categories that the reader sees.
        counts: Of the whole study.
        words: Language.
        smallest: Above 0 for a report that goes to viewers.
    """
    seed, days = estimate.seed, estimate.assumptions.horizon_days
    sections = {
        "journey": journey_section(estimate, counts, words, smallest=smallest),
        "service": service_section(counts, words, horizon_days=days, seed=seed, smallest=smallest),
        "spheres": spheres_section(estimate, counts, words, smallest=smallest),
        "positives": positives_section(counts, words, seed=seed, smallest=smallest),
        "scores": scores_section(counts, words, seed=seed, smallest=smallest),
        "audit": audit_section(estimate, counts, words, smallest=smallest),
        "rhythm": rhythm_section(counts, words, smallest=smallest),
    }
    return {name: section for name, section in sections.items() if section.blocks}


def period_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """The days, or the months of a part of them, and the segments where they are not all."""
    cells = estimate.cells
    if not counts.has_calendar:
        shown = words.text("export.period.no_calendar")
    elif cells is None or cells.months == counts.months:
        shown = words.text("export.period.days", since=counts.window.since, as_of=counts.window.as_of)
    else:
        shown = words.text("export.period.months", first=words.month(cells.months[0]), last=words.month((cells.last_months or cells.months)[-1]))
    if cells is not None and set(cells.segments) != set(counts.segments):
        shown += words.text("report.separator") + words.text("export.period.segments", segments=", ".join(cells.segments))
    return shown


def _figure(name: str, estimate: IcebergEstimate, words: Translator, *, part: float = 1.0, smallest: int = 0) -> list[Block]:
    if name not in available_charts(estimate):
        return []
    drawn = draw_svg(chart_specification(name, estimate, words, smallest=smallest))
    return [Figure(name, drawn, chart_takeaway(name, estimate, words), part)]


def _ranking_section(estimate: IcebergEstimate, words: Translator) -> ReportSection:
    if estimate.total.vocal_customers == 0:
        return ReportSection(words.text("export.section.ranking"), ())
    decided = first_decisions(estimate, words)
    many = len(estimate.categories) > _MANY
    noise = noise_sentence(estimate, words)
    nothing = estimate.total.silent_churn.upper < 0.5  # "would have kept 0 to 0" decides nothing
    blocks: list[Block] = [] if nothing else [Bullets(tuple((one.label, one.sentence) for one in decided))]
    if len(estimate.categories) > 1 and not nothing:
        blocks += _figure("ranking", estimate, words, part=0.72 if many else 0.85)
        blocks += [Paragraph(noise, "note")] if noise else []
    blocks.append(ranking_grid(estimate, words))
    if estimate.total.common_cause is not None:
        blocks.append(Paragraph(words.text("report.common_cause.note"), "note"))
    return ReportSection(words.text("export.section.ranking"), tuple(blocks))


def ranking_grid(estimate: IcebergEstimate, words: Translator) -> TableBlock:
    """Every category with its exact range, what it costs, the probability that it is the first and the verdict; the company in the last row."""
    money = estimate.total.revenue_lost is not None
    noise = estimate.total.placebo is not None
    caused = any(item.common_cause is not None for item in estimate.categories)
    columns = ["category", "vocal", "low", "likely", "high", *(["money"] if money else []), "first", "verdict"]
    columns += [*(["noise"] if noise else []), *(["cause"] if caused else [])]
    rows = []
    for item in by_urgency(estimate):
        rows.append(
            (
                item.category,
                words.integer(item.vocal_customers),
                *_ends(item.silent_churn, words),
                *([_money(item.revenue_lost, estimate, words)] if money else []),
                share(item.probability_worst, words) if has_ranks(estimate) else "—",
                verdict_label(judge_category(estimate, item).verdict, words),
                *([words.text("report.unknown") if item.placebo is None else customers(item.placebo.upper, words)] if noise else []),
                *([short_rise(item.common_cause, words)] if caused else []),
            )
        )
    total = estimate.total
    rows.append(
        (
            words.text("report.all_categories"),
            words.integer(total.vocal_customers),
            *_ends(total.silent_churn, words),
            *([_money(total.revenue_lost, estimate, words)] if money else []),
            "",
            "",
            *([customers(total.placebo.upper, words)] if total.placebo is not None else []),
            *([short_rise(total.common_cause, words)] if caused else []),
        )
    )
    headers = tuple(words.text(f"export.column.{name}") for name in columns)
    return TableBlock(
        words.text("export.table.ranking"),
        headers,
        tuple(rows),
        name_and_figures(len(columns)),
        total=True,
        widths=tuple(_WIDTHS.get(name, 1.0) for name in columns),
    )


def counted_grid(estimate: IcebergEstimate, words: Translator) -> TableBlock:
    """What was counted, where no range can be given: the complainants of every category."""
    rows = [(item.category, words.integer(item.vocal_customers)) for item in estimate.categories]
    rows.append((words.text("report.all_categories"), words.integer(estimate.total.vocal_customers)))
    headers = tuple(words.text(f"export.column.{name}") for name in ("category", "vocal"))
    return TableBlock(words.text("export.table.counted"), headers, tuple(rows), name_and_figures(2), total=True, widths=(2.2, 1.2))


def _ends(interval: CredibleInterval, words: Translator) -> tuple[str, str, str]:
    return words.integer(interval.lower), words.integer(interval.median), words.integer(interval.upper)


def _money(interval: CredibleInterval | None, estimate: IcebergEstimate, words: Translator) -> str:
    if interval is None:
        return words.text("report.unknown")
    return money_range(interval, currency_of(estimate), words)


def _comparator_section(estimate: IcebergEstimate, words: Translator) -> ReportSection:
    if estimate.total.vocal_customers == 0:
        return ReportSection(words.text("export.section.comparator"), ())
    figure = _figure("comparator", estimate, words, part=0.8) if len(estimate.categories) <= _MANY else []
    blocks = (Paragraph(comparator_sentence(estimate, words)), *figure)
    return ReportSection(words.text("export.section.comparator"), blocks, together=True)


def _ahead_section(estimate: IcebergEstimate, words: Translator) -> ReportSection:
    """Silent leavers still to come from incidents that have happened."""
    title, pipeline = words.text("export.section.ahead"), estimate.total.pipeline
    if not pipeline:
        missing = next(tile for tile in tiles(estimate, words) if tile.key == "pipeline")
        return ReportSection(title, (Paragraph(f"{missing.value[:1].upper()}{missing.value[1:]}. {missing.detail}."),))
    days = sorted(pipeline)
    held = [(item.category, item.pipeline) for item in estimate.categories if item.pipeline]
    held.sort(key=lambda entry: -entry[1][days[-1]].median)
    rows = [(name, *(_span(own[day], words) for day in days)) for name, own in [*held, (words.text("report.all_categories"), pipeline)]]
    headers = (words.text("export.column.category"), *(words.text("export.column.within", days=day) for day in days))
    grid = TableBlock(
        words.text("export.table.ahead"), headers, tuple(rows), name_and_figures(1 + len(days)), total=True, widths=(1.0, *[0.0] * len(days))
    )
    return ReportSection(title, (Paragraph(words.text("export.ahead")), grid), together=True)


def _span(interval: CredibleInterval, words: Translator) -> str:
    low, middle, high = _ends(interval, words)
    return words.text("export.likely_range", middle=middle, low=low, high=high)


def _trend_section(estimate: IcebergEstimate, words: Translator, smallest: int) -> ReportSection:
    title = words.text("export.section.trend")
    figure = _figure("months", estimate, words, part=0.85, smallest=smallest)
    if figure:
        return ReportSection(title, tuple(figure), together=True)
    return ReportSection(title, (Paragraph(words.text("export.no_trend")),) if estimate.total.vocal_customers else ())


def _evidence_section(estimate: IcebergEstimate, words: Translator) -> ReportSection:
    badge = evidence_badge(estimate, words)
    blocks: list[Block] = [Paragraph(f"{badge.label}. {badge.says} {badge.help}")]
    if badge.reasons:
        blocks.append(Bullets(tuple(("", reason) for reason in badge.reasons)))
    blocks += [Paragraph(said) for said in (placebo_sentence(estimate, words), common_cause_sentence(estimate, words)) if said]
    blocks += [Paragraph(said) for said in control_sentences(estimate, words)]
    remarks = remark_lines(estimate, words)
    if remarks:
        blocks.append(Bullets(tuple(remarks)))
    if estimate.checks:
        said = takeaway_checks(checks_table(estimate), words)
        blocks += [Paragraph(said), Figure("checks", draw_svg(checks_specification(estimate, words)), said, 0.6)]
    return ReportSection(words.text("export.section.evidence"), tuple(blocks))


def remark_lines(estimate: IcebergEstimate, words: Translator) -> Sequence[tuple[str, str]]:
    """The diagnostics, each once, the gravest first; its other categories are only named."""
    lines = []
    for code in dict.fromkeys(entry.code for entry in sorted(estimate.diagnostics, key=lambda entry: _GRAVITY[entry.severity])):
        first, *others = [entry for entry in estimate.diagnostics if entry.code == code]
        sentence = " ".join(diagnostic_sentences(first, words)).strip()
        if others:
            named = ", ".join(str(entry.category or words.text("report.all_categories")) for entry in others)
            sentence += " " + words.text("cli.estimate.likewise", categories=named)
        lines.append((words.text(f"report.severity.{first.severity}"), sentence))
    return lines
