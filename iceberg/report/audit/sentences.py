"""Says how customers were answered: by category on three sides, how far raters agree, and what tickets show beside it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from iceberg.cohort.audit.record import (
    FEWEST_CASES,
    FEWEST_MET,
    HUMS,
    INDICATORS,
    MEANS,
    CategoryScores,
    HumsAudit,
    Span,
    TicketFigures,
    TicketIndicators,
)
from iceberg.locale import Translator, visible
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import share

MIDDLE = 2.0  # of the scale: a category is called low or high on a HUM only where its whole range lies on one side
_READINGS = ("firm", "tentative", "grey", "few", "constant")


def audit_headline(audit: HumsAudit, words: Translator) -> str:
    """The category and the side on which customers were answered worst."""
    scored = [one for one in audit.categories if one.scores]
    if not scored:
        return words.text("audit.nothing", needed=FEWEST_CASES)
    return _said(min(scored, key=lambda one: (_weakest(one)[1].median, one.category)), words)


def category_sentence(audit: HumsAudit, category: str, words: Translator) -> str:
    """How customers of a category were answered, or why that cannot be said."""
    found = audit.of(category)
    if found is None:
        return words.text("audit.none_of_category", category=category)
    if not found.scores:
        return words.text("audit.too_few_of_category", category=category, needed=FEWEST_CASES)
    return words.text("audit.brief", said=_said(found, words), cases=found.cases)


def _weakest(one: CategoryScores) -> tuple[str, Span]:
    hum = min(one.scores, key=lambda name: (one.scores[name].median, HUMS.index(name)))
    return hum, one.scores[hum]


def _said(one: CategoryScores, words: Translator) -> str:
    hum, span = _weakest(one)
    side = "low" if span.upper < MIDDLE else "high" if span.lower > MIDDLE else "middle"
    return words.text(f"audit.headline_{side}_{hum}", category=one.category, **_ends(span, words))


def _ends(span: Span, words: Translator) -> dict[str, str]:
    return {name: words.decimal(value, 1) for name, value in (("low", span.lower), ("middle", span.median), ("high", span.upper))}


def audit_sentences(audit: HumsAudit, words: Translator) -> tuple[str, ...]:
    """What it rests on: cases and raters, how far they agree, what is left out."""
    said = [words.text("audit.lead", cases=audit.cases, raters=audit.raters), words.text("audit.met", met=audit.met, cases=audit.cases)]
    for reading in _READINGS:
        items = [_item(one.name, words) for one in audit.items if one.reading == reading]
        if items:
            said.append(words.text(f"audit.agree_{reading}", items=", ".join(items), needed=FEWEST_MET))
    rough = [words.text(f"audit.hums.{one.name}") for one in audit.hums if one.reading == "grey"]
    said += [words.text("audit.rough", hums=", ".join(rough))] if rough else []
    few = [visible(one.category) for one in audit.categories if not one.scores]
    said += [words.text("audit.too_few", names=", ".join(few), needed=FEWEST_CASES)] if few and len(few) < len(audit.categories) else []
    said += [words.text("audit.blank_rows", count=audit.blank_rows)] if audit.blank_rows else []
    said += [words.text("audit.incomplete", names=", ".join(map(visible, audit.incomplete)))] if audit.incomplete else []
    return (*said, words.text("audit.method"))


def _item(item: str, words: Translator) -> str:
    hum, number = item.split("_")
    return f"{words.text(f'audit.hums.{hum}')} {number}"


def audit_table(audit: HumsAudit) -> pd.DataFrame:
    """One row per category and HUM: category, cases, hum, lower, median, upper; by the names of the categories, without those of too few cases."""
    rows = [
        {"category": one.category, "cases": one.cases, "hum": hum, **one.scores[hum]._asdict()}
        for one in audit.categories
        for hum in HUMS
        if hum in one.scores
    ]
    return pd.DataFrame(rows, columns=["category", "cases", "hum", "lower", "median", "upper"])


def score_grid(audit: HumsAudit, words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: category, cases, and the score on each HUM with its range."""
    headers = [words.text("audit.category"), words.text("audit.cases_of"), *(words.text(f"audit.hums.{hum}") for hum in HUMS)]
    rows = []
    for one in audit.categories:
        cells = [words.text("audit.range", **_ends(one.scores[hum], words)) if hum in one.scores else words.text("audit.unknown") for hum in HUMS]
        rows.append([visible(one.category), words.integer(one.cases), *cells])
    return headers, rows


def agreement_grid(audit: HumsAudit, words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: each HUM with the agreement of raters on it, how it is read, its consistency and the spread of raters."""
    headers = ["", *(words.text(f"audit.{name}") for name in ("agreement", "consistency", "rater_sd"))]
    rows = []
    for one in audit.hums:
        read = words.text(f"audit.readings.{one.reading}")
        agreed = read if one.alpha is None else f"{_range(one.alpha, words)}, {read}"
        consistency = words.text("report.unknown") if one.consistency is None else words.decimal(one.consistency)
        spread = words.text("report.unknown") if one.rater_sd is None else _range(one.rater_sd, words)
        rows.append([words.text(f"audit.hums.{one.name}"), agreed, consistency, spread])
    return headers, rows


def _range(span: Span, words: Translator) -> str:
    return words.text("audit.range", low=words.decimal(span.lower), middle=words.decimal(span.median), high=words.decimal(span.upper))


def ticket_grid(tickets: TicketIndicators, words: Translator) -> tuple[list[str], list[list[str]]]:
    """Headers and rows: an indicator that the export has per row, all cases and each category per column."""
    names = [name for name in INDICATORS if name not in (*tickets.missing, *tickets.off) and name in tickets.everybody.shares_and_means]
    figures = (tickets.everybody, *tickets.categories)
    headers = ["", words.text("audit.tickets.everybody"), *(visible(str(one.category)) for one in tickets.categories)]
    return headers, [[words.text(f"audit.tickets.{name}"), *(_figure(one, name, words) for one in figures)] for name in names]


def _figure(figures: TicketFigures, name: str, words: Translator) -> str:
    value = figures.shares_and_means.get(name)
    if value is None:
        return words.text("audit.tickets.small") if figures.known.get(name) else words.text("report.unknown")
    return words.decimal(value, 1) if name in MEANS else share(value, words)


def ticket_sentences(tickets: TicketIndicators, words: Translator) -> Sequence[str]:
    """What was counted, and what the export has not."""
    said = [words.text("audit.tickets.note", smallest=SMALLEST)]
    for kind in ("missing", "off"):
        names = [words.text(f"audit.tickets.{name}") for name in getattr(tickets, kind)]
        said += [words.text(f"audit.tickets.{kind}", names=", ".join(names))] if names else []
    return said
