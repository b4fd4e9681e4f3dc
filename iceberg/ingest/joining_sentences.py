"""Writes the sentences about joined tables, one per fact, for the terminal and the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
    from iceberg.ingest.tables import IngestReport

FactSection = Literal["joined", "relations", "contradictions", "ids", "spellings", "categories"]
_MOST_SPELLINGS = 8  # judgement: a sentence with more names is read by nobody


@dataclass(frozen=True)
class JoiningFact:
    """One fact about joined tables.

    Attributes:
        section: Its subject; ``joining.<section>.title`` where the section has a title.
        says: The fact.
        choice: The rule that was applied; "" where there is none.
        change: How to choose another rule; "" where there is none.
        option: Option of `iceberg.ingest.joining.options.Joining` that holds the rule; "" where there is none.
    """

    section: FactSection
    says: str
    choice: str = ""
    change: str = ""
    option: str = ""


def tell_report(report: IngestReport, words: Translator) -> list[JoiningFact]:
    """Every fact about the joined tables of a load, in reading order."""
    facts: list[JoiningFact] = []
    if report.joining is not None:
        file = next((reading.file for reading in report.files if reading.table == report.joining.derived), "")
        facts = tell_joining(report.joining, words, file=file)
    joined = [fact for fact in facts if fact.section == "joined"]
    return [*joined, *tell_relations(report.relations, words), *(fact for fact in facts if fact.section != "joined")]


def tell_joining(report: JoiningReport, words: Translator, *, file: str = "") -> list[JoiningFact]:
    """Every fact about the joining of tables, the most general first.

    Args:
        report: The report of the joining.
        words: Language.
        file: File that the customers are derived from, if any.
    """
    facts: list[JoiningFact] = []
    if report.repeated is not None:
        facts.append(_repeated(report.repeated, words, report.rules.repeated_customers))
    if report.ends or report.derived or report.folding or report.inactivity:
        given = not report.derived or (report.repeated is not None and report.repeated.folded)
        says = words.text("joining.joined" if given else "joining.derived", file=file, customers=report.customers, leavers=report.leavers)
        named = {words.text(f"ingest.tables.{table}"): leavers for table, leavers in report.ends.items() if table}
        sources = ", ".join(words.text("joining.source", table=table, count=leavers) for table, leavers in named.items())
        says += " " + words.text("joining.ends", sources=sources) if sources else ""
        facts.append(JoiningFact("joined", says, *_choice(words, "end_from", report.rules.end_from)))
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
        facts.append(JoiningFact("joined", says, "", words.text("joining.change_days", option="gap_days", days=folding.gap_days), "gap_days"))
        returned, change, option = _choice(words, "reactivated", report.rules.reactivated)
        facts.append(JoiningFact("joined", returned, "", change, option))
    if report.inactivity is not None:
        facts += _inactivity(report.inactivity, words, report.rules.inactivity_end)
        dated, change, option = _choice(words, "departures", report.rules.departures)
        facts.append(JoiningFact("joined", dated, "", change, option))
    facts += [_contradiction(entry, words) for entry in report.contradictions]
    facts += [_ids(proposal, words) for proposal in report.id_proposals]
    return facts + tell_categories(report, words)


def tell_categories(report: JoiningReport, words: Translator) -> list[JoiningFact]:
    """The facts about the names of categories: spellings that count as one, names that look alike, cells with several."""
    found, facts = report.categories, list[JoiningFact]()
    if found.spellings:
        names = "; ".join(_names(group, words) for group in found.spellings[:_MOST_SPELLINGS])
        more, count = len(found.spellings) - _MOST_SPELLINGS, sum(len(group.rows) for group in found.spellings)
        says = words.text("joining.categories.spellings", count=count, names=names, into=len(found.spellings))
        says += " " + words.text("joining.categories.more", count=more) if more > 0 else ""
        facts.append(JoiningFact("spellings", says, *_choice(words, "category_spelling", report.rules.category_spelling)))
    facts += [_group(group, words) for group in found.alike]
    if found.several is not None:
        several = found.several
        says = words.text("joining.categories.several", rows=several.rows, example=several.cells[0], separator=several.separator.strip())
        change = words.text("joining.categories.several_change", value=json.dumps(several.separator, ensure_ascii=False))
        facts.append(JoiningFact("categories", says, "", change, option="split_categories"))
    return facts


def _choice(words: Translator, option: str, value: str) -> tuple[str, str, str]:
    values = " / ".join(f'"{known}"' for known in CHOICES[option])
    change = words.text("joining.change", option=option, values=values, choice=f'"{value}"')
    return words.text(f"joining.choices.{option}.{value}"), change, option


def _repeated(entry: RepeatedCustomers, words: Translator, choice: str) -> JoiningFact:
    stem = "folded" if entry.folded else "left_out"
    says = words.text(f"joining.repeated.{stem}", file=entry.file, customers=entry.customers, repeated=entry.repeated, restarted=entry.restarted)
    return JoiningFact("joined", says, *_choice(words, "repeated_customers", choice))


def _inactivity(silence: Inactivity, words: Translator, end: str) -> list[JoiningFact]:
    if not silence.used:
        return [JoiningFact("joined", words.text("joining.inactivity.unused", customers=silence.customers))]
    stem = "chosen" if silence.chosen else ("proposed" if silence.settled else "too_short")
    says = words.text(f"joining.inactivity.{stem}", days=silence.days, proposed=silence.proposed_days, few=words.percent(FEW_RETURNS))
    says += " " + words.text("joining.inactivity.found", customers=silence.customers, silent=silence.silent, returned=silence.returned)
    steps = ", ".join(words.text("joining.inactivity.step", days=step.days, share=words.percent(step.share)) for step in silence.steps)
    says += " " + words.text("joining.inactivity.steps", steps=steps)
    change = words.text("joining.change_days", option="inactivity_days", days=silence.days)
    visible = words.text(f"joining.inactivity.{'visible' if end == 'last_activity' else 'visible_threshold'}", days=silence.days, as_of=silence.as_of)
    facts = [JoiningFact("joined", says, "", change, "inactivity_days")]
    facts.append(JoiningFact("joined", visible, "", *_choice(words, "inactivity_end", end)[1:]))
    if silence.early_customers:
        facts.append(JoiningFact("joined", words.text("joining.inactivity.early", days=silence.days, count=silence.early_customers)))
    return facts


def tell_relations(relations: Relations, words: Translator) -> list[JoiningFact]:
    """The facts about the columns that join the tables, with the reasons and the alternatives."""
    return [_link(link, words, measured=relations.measured) for link in relations.links]


def _link(link: Link, words: Translator, *, measured: bool) -> JoiningFact:
    relation = link.relation
    says = words.text(
        "joining.relations.line" if measured else "joining.relations.unmeasured",
        file=relation.file or relation.table,
        column=relation.column,
        other_file=relation.other_file or relation.other_table,
        other_column=relation.other_column,
        share=words.percent(relation.share),
        ids=relation.ids,
        found=relation.found,
        why=words.text(f"joining.relations.{link.origin}"),
    )
    others = [_pair(pair, words) for pair in link.alternatives]
    choice = words.text("joining.relations.alternatives", pairs="; ".join(others)) if others else ""
    best = link.alternatives[0] if link.alternatives else relation
    change = words.text("joining.relations.change", table=link.table, column=best.column, other=best.other_table, other_column=best.other_column)
    return JoiningFact("relations", says, choice, change if others else "", f"relations.{link.table}")


def _pair(pair: Relation, words: Translator) -> str:
    share = words.percent(pair.share)
    return words.text("joining.relations.pair", column=pair.column, other_file=pair.other_file, other_column=pair.other_column, share=share)


def _contradiction(entry: Contradiction, words: Translator) -> JoiningFact:
    says = words.text(f"joining.contradictions.{entry.code}", file=entry.file, other=entry.other_file, count=entry.count, total=entry.total)
    says += " " + words.text("joining.example", ids=", ".join(entry.examples)) if entry.examples else ""
    return JoiningFact("contradictions", says, *(_choice(words, entry.option, entry.choice) if entry.option else ("", "", "")))


def tell_steps(steps: Sequence[str], words: Translator) -> str:
    """The steps of an id normalisation in words."""
    return ", ".join(
        words.text("joining.id_steps.strip_prefix", prefix=step.removeprefix(PREFIX_STEP))
        if step.startswith(PREFIX_STEP)
        else words.text(f"joining.id_steps.{step}")
        for step in steps
    )


def _ids(proposal: IdProposal, words: Translator) -> JoiningFact:
    says = words.text(
        "joining.ids.proposal",
        table=words.text(f"ingest.tables.{proposal.table}"),
        before=words.percent(proposal.before),
        after=words.percent(proposal.after),
        steps=tell_steps(proposal.steps, words),
    )
    if proposal.examples:
        own, other = proposal.examples[0]
        says += " " + words.text("joining.ids.pair", one=own, other=other)
    change = words.text("joining.ids.change", value=json.dumps(list(proposal.steps), ensure_ascii=False))
    return JoiningFact("ids", says, "", change, option="id_normalisation")


def _names(group: CategoryGroup, words: Translator) -> str:
    named = zip((group.kept, *group.others), group.rows, strict=True)
    return ", ".join(words.text("joining.categories.name", name=name, rows=rows) for name, rows in named)


def _group(group: CategoryGroup, words: Translator) -> JoiningFact:
    says = words.text(
        "joining.categories.group",
        names=_names(group, words),
        why=", ".join(words.text(f"joining.categories.{reason}") for reason in dict.fromkeys(group.reasons)),
    )
    change = words.text("joining.categories.group_change", kept=group.kept, others=json.dumps(list(group.others), ensure_ascii=False))
    return JoiningFact("categories", says, "", change, option="merge_categories")
