"""The row rules: the id of a rule names it in the report, its SQL says which rows break it.

A rule either rejects its rows, or keeps them (repaired, or only flagged); ``ingest.rules.<id>`` has its sentences. Rules are evaluated while
rows are read and leave one bit each in the column ``flags``, so that counting them costs one pass over small integers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.flags import cannot_say_sql, stayed_sql
from iceberg.ingest.values.scores import OUTSIDE
from iceberg.ingest.values.terms import LONGEST_MONTHS, renewal_fits_sql

Outcome = Literal["reject", "repair", "flag"]

# Dates before this are placeholders (0001-01-01 of .NET, 1900-01-00 of Excel, 1899-12-30 of Access), not customers (judgement).
EARLIEST = "DATE '1900-01-02'"
# 31/12/99, or 31 December 1999 before the first day, is how old systems write "never".
NEVER = "(end_date_parsed = DATE '1999-12-31' AND start_date_parsed > end_date_parsed)"
_PLACEHOLDER_END = f"(end_date_parsed < {EARLIEST} OR end_date_parsed = DATE '1970-01-01' OR {NEVER})"


@dataclass(frozen=True)
class RowRule:
    """One way a row can be wrong.

    Attributes:
        id: Name of the rule.
        table: Table it judges.
        field: Field whose value is shown; "" when the whole row is meant.
        outcome: What happens to the row.
        sql: Predicate over ``<field>_parsed`` (typed value), ``<field>_blank`` (the cell is empty) and ``today``; "" for rules about
            several rows or tables (see `iceberg.ingest.judging.across_rows`).
    """

    id: str
    table: str
    field: str
    outcome: Outcome
    sql: str = ""

    @property
    def rejects(self) -> bool:
        """Whether its rows are left out."""
        return self.outcome == "reject"


def _unparseable(table: str, field: str, outcome: Outcome = "reject", rule: str = "unparseable_date") -> RowRule:
    return RowRule(rule, table, field, outcome, f"{field}_parsed IS NULL AND NOT {field}_blank")


# How exports name the sum below their rows, or the sum of all categories.
_TOTAL = "^(?i)(grand |sub[ -]?|sous[ -]?)?tota(l|ux|le)( g[eé]n[eé]ral| of .*| \\(.*\\))?\\s*:?$"


def _whole_row(table: str, key: str, typed: str) -> tuple[RowRule, ...]:
    """Empty rows, the header once more, or a sum; no other rule judges them."""
    rules = (
        RowRule("empty_row", table, "", "reject", f"{key}_parsed IS NULL AND {{empty}}"),
        RowRule("repeated_header", table, "", "reject", f"{typed}_parsed IS NULL AND {{header:{typed}}}"),
    )
    if key == typed:  # a sum would have no name
        return rules
    is_sum = f"CASE WHEN {typed}_parsed IS NULL THEN regexp_matches({key}_parsed, '{_TOTAL}') ELSE FALSE END"
    return (*rules, RowRule("totals_row", table, "", "reject", is_sum))


def _missing_id(table: str) -> RowRule:
    return RowRule("missing_customer_id", table, "customer_id", "reject", "customer_id_parsed IS NULL")


def _day(table: str, field: str, missing: str) -> tuple[RowRule, ...]:
    """The day that a row is about."""
    return (
        RowRule(missing, table, field, "reject", f"{field}_blank"),
        _unparseable(table, field),
        RowRule("implausible_date", table, field, "reject", f"{field}_parsed < {EARLIEST}"),
        RowRule("future_date", table, field, "reject", f"{field}_parsed > {{today}}"),
    )


def _revenue(table: str) -> tuple[RowRule, ...]:
    return (
        RowRule("negative_revenue", table, "revenue", "repair", "revenue_parsed < 0"),
        _unparseable(table, "revenue", "repair", "unparseable_revenue"),
    )


def _span(table: str) -> tuple[RowRule, ...]:
    """First day, last day and revenue of a customer or a subscription."""
    missing, unparseable, implausible, future = _day(table, "start_date", "missing_start_date")
    before = f"end_date_parsed < start_date_parsed AND NOT {_PLACEHOLDER_END}"
    return (
        *_whole_row(table, "customer_id", "start_date"),
        _missing_id(table),
        missing,
        unparseable,
        _unparseable(table, "end_date"),
        implausible,
        future,
        RowRule("end_before_start", table, "end_date", "reject", before),
        RowRule("future_end_date", table, "end_date", "repair", "end_date_parsed > {today}"),
        RowRule("placeholder_end_date", table, "end_date", "repair", _PLACEHOLDER_END),
        RowRule("still_live_status", table, "end_date", "repair", "end_date_parsed IS NOT NULL AND {live}"),
        *_revenue(table),
    )


def _survey_count(field: str) -> RowRule:
    return RowRule("unparseable_survey_count", "surveys", field, "reject", f"{field}_parsed IS NULL OR {field}_parsed < 0")


def _unreadable_answer(field: str, read: str) -> RowRule:
    """An answer of a leaver that is none: it counts as not given, and is named."""
    says_nothing = cannot_say_sql(f"{field}_text")
    return RowRule("unreadable_answer", "leaver_surveys", field, "repair", f"{read} IS NULL AND NOT {field}_blank AND NOT {says_nothing}")


# Order is the order of bits: add at the end of a table's block, never reorder between reading and reporting.
RULES: tuple[RowRule, ...] = (
    *_span("customers"),
    RowRule("exact_duplicate", "customers", "", "reject"),
    RowRule("duplicate_customer_id", "customers", "customer_id", "reject"),
    RowRule("churned_without_date", "customers", "", "reject"),
    _unparseable("customers", "term", "repair", "unreadable_term"),
    RowRule("implausible_term", "customers", "term", "repair", f"term_parsed > {LONGEST_MONTHS}"),
    _unparseable("customers", "renewal_date", "repair", "unreadable_renewal_date"),
    RowRule("implausible_renewal_date", "customers", "renewal_date", "repair", f"NOT {renewal_fits_sql()}"),
    *_whole_row("complaints", "customer_id", "complaint_date"),
    _missing_id("complaints"),
    *_day("complaints", "complaint_date", "missing_complaint_date"),
    RowRule("blank_category", "complaints", "category", "repair", "category_parsed IS NULL"),
    RowRule("unknown_customer", "complaints", "customer_id", "reject"),
    RowRule("complaint_of_rejected_customer", "complaints", "customer_id", "reject"),
    RowRule("complaint_before_start", "complaints", "complaint_date", "reject"),
    RowRule("complaint_after_departure", "complaints", "complaint_date", "reject"),
    RowRule("duplicate_complaint", "complaints", "", "reject"),
    RowRule("dropped_category", "complaints", "category", "reject"),
    *_whole_row("volumes", "category", "month"),
    RowRule("total_of_categories", "volumes", "category", "reject", f"regexp_matches(category_parsed, '{_TOTAL}')"),
    *_day("volumes", "month", "missing_month"),
    RowRule("blank_category", "volumes", "category", "repair", "category_parsed IS NULL"),
    RowRule("missing_volume", "volumes", "complaints", "reject", "complaints_blank"),
    _unparseable("volumes", "complaints", "reject", "unparseable_volume"),
    RowRule("volume_not_integer", "volumes", "complaints", "reject", "complaints_parsed <> floor(complaints_parsed)"),
    RowRule("volume_negative", "volumes", "complaints", "reject", "complaints_parsed < 0"),
    RowRule("dropped_category", "volumes", "category", "reject"),
    *_whole_row("incidents", "customer_id", "incident_date"),
    _missing_id("incidents"),
    *_day("incidents", "incident_date", "missing_incident_date"),
    RowRule("blank_category", "incidents", "category", "repair", "category_parsed IS NULL"),
    RowRule("unknown_customer", "incidents", "customer_id", "reject"),
    RowRule("dropped_category", "incidents", "category", "reject"),
    *_whole_row("surveys", "category", "asked"),
    RowRule("missing_category", "surveys", "category", "reject", "category_parsed IS NULL"),
    _survey_count("asked"),
    _survey_count("had_problem"),
    _survey_count("complained"),
    RowRule("survey_order", "surveys", "complained", "reject", "complained_parsed > had_problem_parsed OR had_problem_parsed > asked_parsed"),
    *_whole_row("leaver_surveys", "category", "category"),
    _unreadable_answer("reached", "reached_parsed"),
    _unreadable_answer("would_have_stayed", stayed_sql("would_have_stayed_parsed")),
    _unreadable_answer("told_us", "told_us_parsed"),
    *_whole_row("cancellation_reasons", "customer_id", "category"),
    _missing_id("cancellation_reasons"),
    *_whole_row("scores", "customer_id", "score_date"),
    _missing_id("scores"),
    RowRule("missing_score_date", "scores", "score_date", "reject", "score_date_blank AND sent_date_blank"),
    *_day("scores", "score_date", "")[1:],
    RowRule("score_out_of_range", "scores", "score", "reject", f"score_parsed = {OUTSIDE}"),
    RowRule("unreadable_score", "scores", "score", "reject", "score_parsed IS NULL AND NOT score_blank"),
    _unparseable("scores", "sent_date", "repair", "unreadable_sent_date"),
    RowRule("unknown_customer", "scores", "customer_id", "reject"),
    *_whole_row("positives", "customer_id", "positive_date"),
    _missing_id("positives"),
    *_day("positives", "positive_date", "missing_positive_date"),
    RowRule("unknown_customer", "positives", "customer_id", "reject"),
    *_whole_row("flat", "churned", "churned"),
    RowRule("missing_churned", "flat", "churned", "reject", "churned_blank"),
    RowRule("unreadable_flag", "flat", "churned", "reject", "churned_parsed IS NULL AND NOT churned_blank"),
    RowRule("unreadable_flag", "flat", "complained", "reject", "complained_parsed IS NULL AND NOT complained_blank"),
    RowRule("blank_complained", "flat", "complained", "repair", "complained_blank"),
    RowRule("unknown_tenure", "flat", "tenure", "repair", "tenure_parsed IS NULL OR tenure_parsed < 0"),
    *_revenue("flat"),
    RowRule("exact_duplicate", "flat", "", "reject"),
    RowRule("duplicate_customer_id", "flat", "customer_id", "reject"),
    *_whole_row("activity", "customer_id", "activity_date"),
    _missing_id("activity"),
    _unparseable("activity", "activity_date"),
    RowRule("missing_activity_date", "activity", "activity_date", "reject", "activity_date_blank"),
    RowRule("future_date", "activity", "activity_date", "reject", "activity_date_parsed > {today}"),
    RowRule("implausible_date", "activity", "activity_date", "reject", f"activity_date_parsed < {EARLIEST}"),
    RowRule("unknown_customer", "activity", "customer_id", "reject"),
    *_span("subscriptions"),
    RowRule("unknown_customer", "subscriptions", "customer_id", "reject"),
    RowRule("exact_duplicate", "subscriptions", "", "reject"),
    RowRule("repeated_subscription", "subscriptions", "", "flag"),
    *_whole_row("events", "customer_id", "event_date"),
    _missing_id("events"),
    *_day("events", "event_date", "missing_event_date"),
    RowRule("unknown_customer", "events", "customer_id", "reject"),
)

# True only for rows that break no rule of their table (a test compares it with every rule): one test of a row in order saves a test per rule.
FINE = {
    "customers": (
        f"customer_id_parsed IS NOT NULL AND start_date_parsed BETWEEN {EARLIEST} AND {{today}} "
        "AND coalesce(end_date_parsed BETWEEN start_date_parsed AND {today} AND end_date_parsed > DATE '1970-01-01', end_date_blank) "
        "AND coalesce(revenue_parsed >= 0, revenue_blank)"
    ),
}
# The same of fields that few files have.
FINE_FIELDS = {
    "customers": {
        "term": f"coalesce(term_parsed <= {LONGEST_MONTHS}, term_blank)",
        "renewal_date": f"coalesce({renewal_fits_sql()}, renewal_date_blank)",
    },
}

# Lines that do not fit the header's columns (see `iceberg.ingest.files.text.malformed_lines`), and whether they are rejected.
LINE_RULES = {
    "broken_quotes": True,
    "line_too_long": True,
    "too_few_cells": True,
    "too_many_cells": True,
    "short_line_padded": False,
}
_WHOLE_ROW = ("empty_row", "repeated_header", "totals_row", "total_of_categories")


def rules_of(table: str) -> tuple[tuple[int, RowRule], ...]:
    """(bit value, rule) of each rule of a table."""
    return tuple((1 << position, rule) for position, rule in enumerate(rule for rule in RULES if rule.table == table))


def bit_of(table: str, rule_id: str) -> int:
    """Bits of a rule, all its fields together."""
    return sum(bit for bit, rule in rules_of(table) if rule.id == rule_id)


def reject_mask(table: str) -> int:
    """Bits that leave a row out."""
    return sum(bit for bit, rule in rules_of(table) if rule.rejects)


def flags_sql(
    table: str, *, today: str, headers: Mapping[str, str], text_fields: frozenset[str], live: str = "FALSE", silent: Collection[tuple[str, str]] = ()
) -> str:
    """SQL for the integer of broken rules; rules about fields that the file lacks are left out.

    Args:
        table: Canonical table.
        today: SQL of the day after which dates lie in the future.
        headers: Header of each mapped field.
        text_fields: Mapped fields whose values are text.
        live: SQL that is true where a status says that the customer is still here.
        silent: Rules (id, field) that no row can break; see `iceberg.ingest.rules.bounds`.
    """
    empty = " AND ".join(f"coalesce(trim({name}_text), '') = ''" if name in text_fields else f"{name}_text IS NULL" for name in headers)
    whole, terms = [], []
    for bit, rule in rules_of(table):
        if not rule.sql or (rule.field and rule.field not in headers) or ("{live}" in rule.sql and live == "FALSE"):
            continue
        if (rule.id, rule.field) in silent:
            continue
        predicate = rule.sql.replace("{today}", today).replace("{empty}", f"({empty})").replace("{live}", live)
        for name, header in headers.items():
            same = f"trim({name}_text) = {quote_text(header)}" if name in text_fields else "FALSE"
            predicate = predicate.replace(f"{{header:{name}}}", same)
        if rule.id in _WHOLE_ROW:
            whole.append(f"WHEN {predicate} THEN {bit} ")
        else:
            terms.append(f"(CASE WHEN {predicate} THEN {bit} ELSE 0 END)")
    others = " + ".join(terms) or "0"
    if table in FINE and not silent:
        in_order = FINE[table].replace("{today}", today) + (f" AND (end_date_parsed IS NULL OR NOT {live})" if live != "FALSE" else "")
        in_order += "".join(f" AND {fine}" for name, fine in FINE_FIELDS.get(table, {}).items() if name in headers)
        whole.insert(0, f"WHEN {in_order} THEN 0 ")
    return f"CASE {''.join(whole)}ELSE {others} END" if whole else others
