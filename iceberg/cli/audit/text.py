"""The audit in a terminal: scores by category, agreement of raters, and what tickets show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.audit.record import HumsAudit, TicketIndicators


def build_audit_text(audit: HumsAudit, words: Translator, *, title: str = "") -> str:
    """The headline, the scores by category, the agreement of raters, and what it rests on."""
    from iceberg.cli.text import build_table, wrap
    from iceberg.report.audit.sentences import agreement_grid, audit_headline, audit_sentences, score_grid

    tables = [build_table(*score_grid(audit, words)), "", build_table(*agreement_grid(audit, words)), ""]
    parts = [wrap(f"{title}{audit_headline(audit, words)}"), "", *tables]
    return "\n".join([*parts, *(wrap(one, indent="  ", first="- ") for one in audit_sentences(audit, words))]) + "\n"


def build_tickets_text(tickets: TicketIndicators, words: Translator) -> str:
    """What the tickets show beside the audit."""
    from iceberg.cli.text import build_table, wrap
    from iceberg.report.audit.sentences import ticket_grid, ticket_sentences

    headers, rows = ticket_grid(tickets, words)
    parts = ["", wrap(words.text("audit.tickets.title")), *([build_table(headers, rows)] if rows else []), ""]
    return "\n".join([*parts, *(wrap(one, indent="  ", first="- ") for one in ticket_sentences(tickets, words))]) + "\n"


def build_answered_text(audit: HumsAudit | None, words: Translator) -> str:
    """The audit beside an estimate; "" without one."""
    return "" if audit is None else "\n" + build_audit_text(audit, words, title=words.text("audit.title") + ". ")
