"""Owns the row rules: one entry per rule; its id names it in the report, its SQL says which rows break it.

A rule either rejects its rows, or keeps them (repaired, or only flagged); ``ingest.rules.<id>`` holds its sentences.
Rules are evaluated while the rows are read and leave one bit each in the integer column ``flags``, so that counting
them costs one pass over small integers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["reject", "repair", "flag"]

# Dates before this are placeholders (0001-01-01 of .NET, 1900-01-00 of Excel, 1899-12-30 of Access), not customers
# (judgement).
EARLIEST = "DATE '1900-01-02'"
# 31/12/99, or 31 December 1999 before the first day, is how old systems write "never".
NEVER = "(end_date_parsed = DATE '1999-12-31' AND start_date_parsed > end_date_parsed)"
_PLACEHOLDER_END = f"({{end}} < {EARLIEST} OR {{end}} = DATE '1970-01-01' OR {NEVER})"


@dataclass(frozen=True)
class RowRule:
    """One way a row can be wrong.

    Attributes:
        id: Name of the rule.
        table: Table it judges.
        field: Field whose value is shown; "" when the whole row is meant.
        outcome: What happens to the row.
        sql: Predicate over ``<field>_parsed`` (typed value), ``<field>_blank`` (nothing was written) and ``today``;
            "" for rules judged on
            several rows or tables after reading (see `iceberg.ingest.load`).
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
_TOTAL = "^(?i)(grand |sub|sous-)?tota(l|ux)( g[eé]n[eé]ral| of .*| \\(.*\\))?\\s*:?$"


def _whole_row(table: str, key: str, typed: str) -> tuple[RowRule, ...]:
    """Rows that hold nothing, the header once more, or a sum; no other rule speaks about them."""
    rules = (
        RowRule("empty_row", table, "", "reject", f"{key}_parsed IS NULL AND {{empty}}"),
        RowRule("repeated_header", table, "", "reject", f"{typed}_parsed IS NULL AND {{header:{typed}}}"),
    )
    if key == typed:  # no name to call a sum by
        return rules
    is_sum = f"CASE WHEN {typed}_parsed IS NULL THEN regexp_matches({key}_parsed, '{_TOTAL}') ELSE FALSE END"
    return (*rules, RowRule("totals_row", table, "", "reject", is_sum))


_END = _PLACEHOLDER_END.format(end="end_date_parsed")

# Order is the order of bits: add at the end of a table's block, never reorder between reading and reporting.
RULES: tuple[RowRule, ...] = (
    *_whole_row("customers", "customer_id", "start_date"),
    RowRule("missing_customer_id", "customers", "customer_id", "reject", "customer_id_parsed IS NULL"),
    RowRule("missing_start_date", "customers", "start_date", "reject", "start_date_blank"),
    _unparseable("customers", "start_date"),
    _unparseable("customers", "end_date"),
    RowRule("implausible_date", "customers", "start_date", "reject", f"start_date_parsed < {EARLIEST}"),
    RowRule("future_date", "customers", "start_date", "reject", "start_date_parsed > {today}"),
    RowRule(
        "end_before_start", "customers", "end_date", "reject", f"end_date_parsed < start_date_parsed AND NOT {_END}"
    ),
    RowRule("future_end_date", "customers", "end_date", "repair", "end_date_parsed > {today}"),
    RowRule("placeholder_end_date", "customers", "end_date", "repair", _END),
    RowRule("still_live_status", "customers", "end_date", "repair", "end_date_parsed IS NOT NULL AND {live}"),
    RowRule("negative_revenue", "customers", "revenue", "repair", "revenue_parsed < 0"),
    _unparseable("customers", "revenue", "repair", "unparseable_revenue"),
    RowRule("exact_duplicate", "customers", "", "reject"),
    RowRule("duplicate_customer_id", "customers", "customer_id", "reject"),
    *_whole_row("complaints", "customer_id", "complaint_date"),
    RowRule("missing_customer_id", "complaints", "customer_id", "reject", "customer_id_parsed IS NULL"),
    RowRule("missing_complaint_date", "complaints", "complaint_date", "reject", "complaint_date_blank"),
    _unparseable("complaints", "complaint_date"),
    RowRule("implausible_date", "complaints", "complaint_date", "reject", f"complaint_date_parsed < {EARLIEST}"),
    RowRule("future_date", "complaints", "complaint_date", "reject", "complaint_date_parsed > {today}"),
    RowRule("blank_category", "complaints", "category", "repair", "category_parsed IS NULL"),
    RowRule("unknown_customer", "complaints", "customer_id", "reject"),
    RowRule("complaint_of_rejected_customer", "complaints", "customer_id", "reject"),
    RowRule("complaint_before_start", "complaints", "complaint_date", "reject"),
    RowRule("complaint_after_departure", "complaints", "complaint_date", "reject"),
    RowRule("duplicate_complaint", "complaints", "", "reject"),
    *_whole_row("volumes", "category", "month"),
    RowRule("total_of_categories", "volumes", "category", "reject", f"regexp_matches(category_parsed, '{_TOTAL}')"),
    RowRule("missing_month", "volumes", "month", "reject", "month_blank"),
    _unparseable("volumes", "month"),
    RowRule("implausible_date", "volumes", "month", "reject", f"month_parsed < {EARLIEST}"),
    RowRule("future_date", "volumes", "month", "reject", "month_parsed > {today}"),
    RowRule("blank_category", "volumes", "category", "repair", "category_parsed IS NULL"),
    RowRule("missing_volume", "volumes", "complaints", "reject", "complaints_blank"),
    _unparseable("volumes", "complaints", "reject", "unparseable_volume"),
    RowRule("volume_not_integer", "volumes", "complaints", "reject", "complaints_parsed <> floor(complaints_parsed)"),
    RowRule("volume_negative", "volumes", "complaints", "reject", "complaints_parsed < 0"),
    *_whole_row("incidents", "customer_id", "incident_date"),
    RowRule("missing_customer_id", "incidents", "customer_id", "reject", "customer_id_parsed IS NULL"),
    RowRule("missing_incident_date", "incidents", "incident_date", "reject", "incident_date_blank"),
    _unparseable("incidents", "incident_date"),
    RowRule("implausible_date", "incidents", "incident_date", "reject", f"incident_date_parsed < {EARLIEST}"),
    RowRule("future_date", "incidents", "incident_date", "reject", "incident_date_parsed > {today}"),
    RowRule("blank_category", "incidents", "category", "repair", "category_parsed IS NULL"),
    RowRule("unknown_customer", "incidents", "customer_id", "reject"),
    *_whole_row("surveys", "category", "asked"),
    RowRule("missing_category", "surveys", "category", "reject", "category_parsed IS NULL"),
    RowRule("unparseable_survey_count", "surveys", "asked", "reject", "asked_parsed IS NULL OR asked_parsed < 0"),
    RowRule(
        "unparseable_survey_count",
        "surveys",
        "had_problem",
        "reject",
        "had_problem_parsed IS NULL OR had_problem_parsed < 0",
    ),
    RowRule(
        "unparseable_survey_count",
        "surveys",
        "complained",
        "reject",
        "complained_parsed IS NULL OR complained_parsed < 0",
    ),
    RowRule(
        "survey_order",
        "surveys",
        "complained",
        "reject",
        "complained_parsed > had_problem_parsed OR had_problem_parsed > asked_parsed",
    ),
    *_whole_row("flat", "churned", "churned"),
    RowRule("missing_churned", "flat", "churned", "reject", "churned_blank"),
    RowRule("unreadable_flag", "flat", "churned", "reject", "churned_parsed IS NULL AND NOT churned_blank"),
    RowRule("unreadable_flag", "flat", "complained", "reject", "complained_parsed IS NULL AND NOT complained_blank"),
    RowRule("blank_complained", "flat", "complained", "repair", "complained_blank"),
    RowRule("unknown_tenure", "flat", "tenure", "repair", "tenure_parsed IS NULL OR tenure_parsed < 0"),
    RowRule("negative_revenue", "flat", "revenue", "repair", "revenue_parsed < 0"),
    _unparseable("flat", "revenue", "repair", "unparseable_revenue"),
    RowRule("exact_duplicate", "flat", "", "reject"),
    RowRule("duplicate_customer_id", "flat", "customer_id", "reject"),
    *_whole_row("activity", "customer_id", "activity_date"),
    RowRule("missing_customer_id", "activity", "customer_id", "reject", "customer_id_parsed IS NULL"),
    _unparseable("activity", "activity_date"),
    RowRule("missing_activity_date", "activity", "activity_date", "reject", "activity_date_blank"),
    RowRule("future_date", "activity", "activity_date", "reject", "activity_date_parsed > {today}"),
    RowRule("implausible_date", "activity", "activity_date", "reject", f"activity_date_parsed < {EARLIEST}"),
    RowRule("unknown_customer", "activity", "customer_id", "reject"),
    RowRule("churned_without_date", "customers", "", "reject"),
    *_whole_row("subscriptions", "customer_id", "start_date"),
    RowRule("missing_customer_id", "subscriptions", "customer_id", "reject", "customer_id_parsed IS NULL"),
    RowRule("missing_start_date", "subscriptions", "start_date", "reject", "start_date_blank"),
    _unparseable("subscriptions", "start_date"),
    _unparseable("subscriptions", "end_date"),
    RowRule("implausible_date", "subscriptions", "start_date", "reject", f"start_date_parsed < {EARLIEST}"),
    RowRule("future_date", "subscriptions", "start_date", "reject", "start_date_parsed > {today}"),
    RowRule("end_before_start", "subscriptions", "end_date", "reject", f"end_date_parsed < start_date_parsed AND NOT {_END}"),
    RowRule("future_end_date", "subscriptions", "end_date", "repair", "end_date_parsed > {today}"),
    RowRule("placeholder_end_date", "subscriptions", "end_date", "repair", _END),
    RowRule("still_live_status", "subscriptions", "end_date", "repair", "end_date_parsed IS NOT NULL AND {live}"),
    RowRule("negative_revenue", "subscriptions", "revenue", "repair", "revenue_parsed < 0"),
    _unparseable("subscriptions", "revenue", "repair", "unparseable_revenue"),
    RowRule("unknown_customer", "subscriptions", "customer_id", "reject"),
    RowRule("exact_duplicate", "subscriptions", "", "reject"),
    RowRule("repeated_subscription", "subscriptions", "", "flag"),
    *_whole_row("events", "customer_id", "event_date"),
    RowRule("missing_customer_id", "events", "customer_id", "reject", "customer_id_parsed IS NULL"),
    RowRule("missing_event_date", "events", "event_date", "reject", "event_date_blank"),
    _unparseable("events", "event_date"),
    RowRule("implausible_date", "events", "event_date", "reject", f"event_date_parsed < {EARLIEST}"),
    RowRule("future_date", "events", "event_date", "reject", "event_date_parsed > {today}"),
    RowRule("unknown_customer", "events", "customer_id", "reject"),
)

# True only for rows that break no rule of their table (a test holds every rule against it): one look at a row in order saves a look per rule.
FINE = {
    "customers": (
        f"customer_id_parsed IS NOT NULL AND start_date_parsed BETWEEN {EARLIEST} AND {{today}} "
        "AND coalesce(end_date_parsed BETWEEN start_date_parsed AND {today} AND end_date_parsed > DATE '1970-01-01', end_date_blank) "
        "AND coalesce(revenue_parsed >= 0, revenue_blank)"
    ),
}

# Lines that could not be cut into the header's columns (see `iceberg.ingest.files.text.malformed_lines`): all but the padded ones are
# rejected.
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
        silent: Rules (id, field) that no row can break, as somebody proved.
    """
    empty = " AND ".join(
        f"{name}_text IS NULL" if name not in text_fields else f"coalesce(trim({name}_text), '') = ''"
        for name in headers
    )
    whole, terms = [], []
    for bit, rule in rules_of(table):
        if not rule.sql or (rule.field and rule.field not in headers) or ("{live}" in rule.sql and live == "FALSE"):
            continue
        if (rule.id, rule.field) in silent:
            continue
        predicate = rule.sql.replace("{today}", today).replace("{empty}", f"({empty})").replace("{live}", live)
        for name in headers:
            same = (
                f"trim({name}_text) = '{headers[name].replace(chr(39), chr(39) * 2)}'"
                if name in text_fields
                else "FALSE"
            )
            predicate = predicate.replace(f"{{header:{name}}}", same)
        if rule.id in _WHOLE_ROW:
            whole.append(f"WHEN {predicate} THEN {bit} ")
        else:
            terms.append(f"(CASE WHEN {predicate} THEN {bit} ELSE 0 END)")
    others = " + ".join(terms) or "0"
    if table in FINE and not silent:
        in_order = FINE[table].replace("{today}", today) + (f" AND (end_date_parsed IS NULL OR NOT {live})" if live != "FALSE" else "")
        whole.insert(0, f"WHEN {in_order} THEN 0 ")
    return f"CASE {''.join(whole)}ELSE {others} END" if whole else others
