"""Owns what is said about tables that were put together: one sentence per fact, for the terminal and the page alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from iceberg.ingest.joining.activity import FEW_RETURNS
from iceberg.ingest.joining.links import Link, Relation, Relations
from iceberg.ingest.joining.options import (
    CHOICES,
    PREFIX_STEP,
    CategoryGroup,
    Contradiction,
    IdProposal,
    Inactivity,
    JoiningReport,
    RepeatedCustomers,
)
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.ingest.files.source_table import FileReading
    from iceberg.ingest.tables import IngestReport

Section = Literal["joined", "relations", "contradictions", "ids", "categories"]


@dataclass(frozen=True)
class Told:
    """One thing to know.

    Attributes:
        section: What it is about; ``joining.<section>.title`` where the section has a title.
        says: The fact.
        choice: What was done about it; "" where nothing was chosen.
        change: How to do otherwise; "" where there is nothing to change.
        option: Option of `iceberg.ingest.joining.options.Joining` that decides; "" where none does.
    """

    section: Section
    says: str
    choice: str = ""
    change: str = ""
    option: str = ""


def tell_report(report: IngestReport, words: Translator) -> list[Told]:
    """Everything there is to know about several tables, in the order in which it is read."""
    told: list[Told] = []
    if report.joining is not None:
        readings = cast("tuple[FileReading, ...]", report.files)
        file = next((reading.file for reading in readings if reading.table == report.joining.derived), "")
        told = tell_joining(report.joining, words, file=file)
    joined = [entry for entry in told if entry.section == "joined"]
    return [*joined, *tell_relations(report.relations, words), *(entry for entry in told if entry.section != "joined")]


def tell_joining(report: JoiningReport, words: Translator, *, file: str = "") -> list[Told]:
    """Everything found while tables were put together, the most general first.

    Args:
        report: What was found.
        words: Language.
        file: File that the customers were put together from, where they were.
    """
    told: list[Told] = []
    if report.repeated is not None:
        told.append(_repeated(report.repeated, words, report.rules.repeated_customers))
    if report.ends or report.derived or report.folding or report.inactivity:
        given = not report.derived or (report.repeated is not None and report.repeated.folded)
        says = words.text("joining.joined" if given else "joining.derived", file=file, customers=report.customers, leavers=report.leavers)
        named = {words.text(f"ingest.tables.{table}"): leavers for table, leavers in report.ends.items() if table}
        sources = ", ".join(words.text("joining.source", table=table, count=leavers) for table, leavers in named.items())
        says += " " + words.text("joining.ends", sources=sources) if sources else ""
        told.append(Told("joined", says, *_choice(words, "end_from", report.rules.end_from)))
    if report.folding is not None:
        folding = report.folding
        says = words.text(
            "joining.folding",
            subscriptions=folding.subscriptions,
            customers=folding.customers,
            open=folding.open_customers,
            gaps=folding.gaps,
            gap_days=folding.gap_days,
            bridged=folding.bridged_gaps,
            reactivations=folding.reactivations,
            reactivated=folding.reactivated_customers,
        )
        told.append(Told("joined", says, "", words.text("joining.change_days", option="gap_days", days=folding.gap_days), "gap_days"))
        returned, change, option = _choice(words, "reactivated", report.rules.reactivated)
        told.append(Told("joined", returned, "", change, option))
    if report.inactivity is not None:
        told += _inactivity(report.inactivity, words, report.rules.inactivity_end)
    told += [_contradiction(entry, words) for entry in report.contradictions]
    told += [_ids(proposal, words) for proposal in report.id_proposals]
    return told + [_group(group, words) for group in report.category_groups]


def _choice(words: Translator, option: str, value: str) -> tuple[str, str, str]:
    values = " / ".join(f'"{one}"' for one in CHOICES[option])
    change = words.text("joining.change", option=option, values=values, choice=f'"{value}"')
    return words.text(f"joining.choices.{option}.{value}"), change, option


def _repeated(found: RepeatedCustomers, words: Translator, choice: str) -> Told:
    stem = "folded" if found.folded else "left_out"
    says = words.text(f"joining.repeated.{stem}", file=found.file, customers=found.customers, repeated=found.repeated, restarted=found.restarted)
    values = " / ".join(f'"{one}"' for one in CHOICES["repeated_customers"])
    change = words.text("joining.change", option="repeated_customers", values=values, choice=f'"{choice}"')
    return Told("joined", says, words.text(f"joining.choices.repeated_customers.{choice}"), change, "repeated_customers")


def _inactivity(found: Inactivity, words: Translator, end: str) -> list[Told]:
    if not found.used:
        return [Told("joined", words.text("joining.inactivity.unused", customers=found.customers))]
    stem = "chosen" if found.chosen else ("proposed" if found.settled else "too_short")
    says = words.text(f"joining.inactivity.{stem}", days=found.days, proposed=found.proposed_days, few=words.percent(FEW_RETURNS))
    says += " " + words.text("joining.inactivity.found", customers=found.customers, silent=found.silent, returned=found.returned)
    steps = ", ".join(words.text("joining.inactivity.step", days=step.days, share=words.percent(step.share)) for step in found.steps)
    says += " " + words.text("joining.inactivity.steps", steps=steps)
    change = words.text("joining.change_days", option="inactivity_days", days=found.days)
    visible = words.text(f"joining.inactivity.{'visible' if end == 'last_activity' else 'visible_threshold'}", days=found.days, as_of=found.as_of)
    told = [Told("joined", says, "", change, "inactivity_days"), Told("joined", visible, "", *_choice(words, "inactivity_end", end)[1:])]
    if found.early_customers:
        told.append(Told("joined", words.text("joining.inactivity.early", days=found.days, count=found.early_customers)))
    return told


def tell_relations(relations: Relations, words: Translator) -> list[Told]:
    """Which column points where, why it is thought so, and what else could be meant."""
    return [_link(link, words, measured=relations.measured) for link in relations.links]


def _link(link: Link, words: Translator, *, measured: bool) -> Told:
    one = link.relation
    says = words.text(
        "joining.relations.line" if measured else "joining.relations.unmeasured",
        file=one.file or one.table,
        column=one.column,
        other_file=one.other_file or one.other_table,
        other_column=one.other_column,
        share=words.percent(one.share),
        ids=one.ids,
        found=one.found,
        why=words.text(f"joining.relations.{link.origin}"),
    )
    others = [_pair(pair, words) for pair in link.alternatives]
    choice = words.text("joining.relations.alternatives", pairs="; ".join(others)) if others else ""
    best = link.alternatives[0] if link.alternatives else one
    change = words.text("joining.relations.change", table=link.table, column=best.column, other=best.other_table, other_column=best.other_column)
    return Told("relations", says, choice, change if others else "", f"relations.{link.table}")


def _pair(pair: Relation, words: Translator) -> str:
    share = words.percent(pair.share)
    return words.text("joining.relations.pair", column=pair.column, other_file=pair.other_file, other_column=pair.other_column, share=share)


def _contradiction(found: Contradiction, words: Translator) -> Told:
    says = words.text(f"joining.contradictions.{found.code}", file=found.file, other=found.other_file, count=found.count, total=found.total)
    says += " " + words.text("joining.example", ids=", ".join(found.examples)) if found.examples else ""
    return Told("contradictions", says, *(_choice(words, found.option, found.choice) if found.option else ("", "", "")))


def tell_steps(steps: Sequence[str], words: Translator) -> str:
    """Steps of an id in words."""
    return ", ".join(
        words.text("joining.id_steps.strip_prefix", prefix=step.removeprefix(PREFIX_STEP))
        if step.startswith(PREFIX_STEP)
        else words.text(f"joining.id_steps.{step}")
        for step in steps
    )


def _ids(proposal: IdProposal, words: Translator) -> Told:
    says = words.text(
        "joining.ids.proposal",
        table=words.text(f"ingest.tables.{proposal.table}"),
        before=words.percent(proposal.before),
        after=words.percent(proposal.after),
        steps=tell_steps(proposal.steps, words),
        value=json.dumps(list(proposal.steps), ensure_ascii=False),
    )
    if proposal.examples:
        one, other = proposal.examples[0]
        says += " " + words.text("joining.ids.pair", one=one, other=other)
    return Told("ids", says, option="id_normalisation")


def _group(group: CategoryGroup, words: Translator) -> Told:
    names = (group.kept, *group.others)
    says = words.text(
        "joining.categories.group",
        names=", ".join(words.text("joining.categories.name", name=name, rows=rows) for name, rows in zip(names, group.rows, strict=True)),
        why=", ".join(words.text(f"joining.categories.{reason}") for reason in dict.fromkeys(group.reasons)),
        kept=group.kept,
        others=json.dumps(list(group.others), ensure_ascii=False),
    )
    return Told("categories", says, option="merge_categories")
