"""Builds the keys ``audit`` and ``tickets`` of the JSON document."""

from __future__ import annotations

from typing import Any

from iceberg.cohort.audit.record import BASIS, HUMS, INDICATORS, HumsAudit, ItemAgreement, Span, TicketFigures, TicketIndicators

_DECIMALS = 6  # as in the whole document


def audit_document(audit: HumsAudit) -> dict[str, Any]:
    """What an audit found, as plain values; a category of too few cases has no scores, and raters are a number and a spread."""
    return {
        "cases": audit.cases,
        "raters": audit.raters,
        "scored_twice": audit.met,
        "blank_rows": audit.blank_rows,
        "incomplete": list(audit.incomplete),
        "items": [{"item": one.name, "alpha": _span(one.alpha), "reading": one.reading} for one in audit.items],
        "hums": [_hum(one) for one in audit.hums],
        "categories": [
            {"category": one.category, "cases": one.cases, "scores": {hum: _span(one.scores.get(hum)) for hum in HUMS}} for one in audit.categories
        ],
    }


def _hum(one: ItemAgreement) -> dict[str, Any]:
    return {
        "hum": one.name,
        "alpha": _span(one.alpha),
        "reading": one.reading,
        "consistency": _number(one.consistency),
        "rater_sd": _span(one.rater_sd),
        "basis": BASIS[one.name],
    }


def tickets_document(tickets: TicketIndicators) -> dict[str, Any]:
    """What the tickets show; a figure of one to four cases is null."""
    return {
        "missing": list(tickets.missing),
        "not_counted": list(tickets.off),
        "all": _figures(tickets.everybody),
        "categories": [{"category": one.category, **_figures(one)} for one in tickets.categories],
    }


def _figures(one: TicketFigures) -> dict[str, Any]:
    return {"cases": one.cases, **{name: _number(one.shares_and_means[name]) for name in INDICATORS if name in one.shares_and_means}}


def _span(span: Span | None) -> dict[str, float] | None:
    return None if span is None else {name: round(value, _DECIMALS) for name, value in span._asdict().items()}


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)
