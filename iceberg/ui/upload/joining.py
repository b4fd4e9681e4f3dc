"""The joining of several tables: how it was done, which tables contradict each other, and the choices offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from iceberg.ingest.joining.links import LinkChoice, Relation, Relations
from iceberg.ingest.joining.options import CHOICES, Joining, JoiningReport
from iceberg.ingest.joining_sentences import JoiningFact, tell_report, tell_steps
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.tables import IngestReport
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain

RULES = "joining"
LINKS = "relations"
_DAYS = {"gap_days": 0, "inactivity_days": 1}  # smallest value of each


def chosen_rules(files: str, mapping: MappingSet) -> Joining:
    """The choices made on screen for these files; those of the mapping before any was made."""
    identity, rules = st.session_state.get(RULES, ("", mapping.joining))
    return rules if identity == files else mapping.joining


def chosen_links(files: str, mapping: MappingSet) -> dict[str, LinkChoice]:
    """The joins chosen on screen for these files; those of the mapping before any was chosen."""
    identity, links = st.session_state.get(LINKS, ("", mapping.links))
    return links if identity == files else mapping.links


def show_joining(frame: Frame, report: IngestReport, mapping: MappingSet, *, files: str) -> None:
    """Show how the tables were joined, with the means to choose otherwise; a choice counts the files again."""
    entries = tell_report(report, frame.words)
    if not entries:
        return
    if entries[0].section == "joined":
        st.markdown(f"**{frame.words.text('ui.upload.joining_title')}**")
    found = report.joining
    rules = found.rules if found is not None else mapping.joining
    section, shown = "joined", set[str]()
    for entry in entries:
        if entry.section != section:
            section = entry.section
            st.markdown(f"**{frame.words.text(f'joining.{section}.title')}**")
        warns = entry.section == "contradictions"
        (st.warning if warns else st.info)(plain(entry.says), icon=":material/warning:" if warns else ":material/info:")
        if entry.section == "relations":
            _choose_link(frame, report.relations, entry.option.removeprefix("relations."), mapping, files)
        elif found is not None and entry.option not in shown:
            rules = _choose(frame, entry, rules, found, files)
            shown.add(entry.option)
    if found is not None:
        rules = _offers(frame, found, rules, files)
        if rules != found.rules:
            st.session_state[RULES] = (files, rules)
            st.rerun()
    st.download_button(
        frame.words.text("ui.upload.joining_save"),
        data=replace(mapping, joining=rules).to_toml(),
        file_name="mapping.toml",
        mime="application/toml",
        icon=":material/save:",
        key="joining.save",
        on_click="ignore",
    )


def _choose_link(frame: Frame, relations: Relations, table: str, mapping: MappingSet, files: str) -> None:
    """Offer every pair of columns with ids in common, the pair in force first; another choice counts the files again."""
    words, link = frame.words, relations.get(table)
    if link is None or not link.alternatives:
        return
    pairs = (link.relation, *link.alternatives)
    chosen = st.selectbox(
        plain(words.text("ui.upload.relation", table=words.text(f"ui.upload.table_{table}"))),
        range(len(pairs)),
        format_func=lambda place: _pair_name(frame, pairs[place], measured=relations.measured),
        key=f"relation.{table}.{files[:12]}.{link.relation.column}.{link.relation.other_table}.{link.relation.other_column}",
        help=words.text("ui.upload.relation_help"),
    )
    if chosen:
        st.session_state[LINKS] = (files, mapping.with_link(table, pairs[chosen].choice).links)
        st.rerun()


def _pair_name(frame: Frame, pair: Relation, *, measured: bool) -> str:
    words = frame.words
    name = f"{pair.file or pair.table} · {pair.column} → {pair.other_file or pair.other_table} · {pair.other_column}"
    return words.text("ui.upload.relation_pair", pair=name, share=words.percent(pair.share), ids=pair.ids) if measured else name


def _choose(frame: Frame, entry: JoiningFact, rules: Joining, found: JoiningReport, files: str) -> Joining:
    words, option = frame.words, entry.option
    label = words.text(f"ui.upload.joining_{option}") if option in CHOICES or option in _DAYS else ""
    key = f"joining.{option}.{files[:12]}"
    if option in CHOICES:
        values = CHOICES[option]
        chosen = st.selectbox(
            label,
            values,
            index=values.index(getattr(rules, option)),
            format_func=lambda choice: words.text(f"joining.choices.{option}.{choice}"),
            key=key,
        )
        return _with(rules, option, chosen)
    if option in _DAYS:
        now = found.inactivity.days if option == "inactivity_days" and found.inactivity is not None else rules.gap_days
        days = int(st.number_input(label, min_value=_DAYS[option], max_value=3650, value=now, key=key))
        return _with(rules, option, days) if days != now else rules
    return rules


def _with(rules: Joining, option: str, value: object) -> Joining:
    changed: dict[str, Any] = {option: value}
    return replace(rules, **changed)


def _offers(frame: Frame, found: JoiningReport, rules: Joining, files: str) -> Joining:
    """Offer to make ids comparable and to merge categories, one click each."""
    words = frame.words
    for proposal in found.id_proposals:
        label = words.text("ui.upload.joining_ids", steps=tell_steps(proposal.steps, words))
        if st.button(plain(label), icon=":material/join:", key=f"joining.ids.{proposal.table}"):
            rules = replace(rules, id_normalisation=proposal.steps)
    for place, group in enumerate(found.categories.alike):
        label = words.text("ui.upload.joining_merge", others=", ".join(group.others), kept=group.kept)
        if st.button(plain(label), icon=":material/merge:", key=f"joining.merge.{place}.{files[:12]}"):
            others = (*rules.merge_categories.get(group.kept, ()), *group.others)
            rules = replace(rules, merge_categories=rules.merge_categories | {group.kept: others})
    return rules
