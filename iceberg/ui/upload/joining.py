"""The joining of several tables: how it was done, which tables contradict each other, and the choices offered."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from iceberg.cohort.rhythm.assumptions import SETTLED
from iceberg.cohort.rhythm.reduce import LEAST_SETTLED
from iceberg.ingest.joining.links import LinkChoice, Relation, Relations
from iceberg.ingest.joining.options import CHOICES, Contradiction, Joining, JoiningReport
from iceberg.ingest.joining_sentences import tell_report, tell_steps
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.tables import IngestReport
from iceberg.ui.figure import draw_table
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.upload_choices import decide
from iceberg.ui.upload.category_table import RULES, choose_categories

LINKS = "relations"
AGREEMENTS = {"flag_and_event"}  # what two tables say alike is counted too, and is no contradiction
ENOUGH_MET = 0.95  # judgement: with fewer of the complaints, the missing ones are no longer single errors
_WIDTHS = {"what": 350, "rows": 80, "rule": 270, "examples": 130}  # pixels: together what a window of 1280 has
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
    words, found = frame.words, report.joining
    entries = [entry for entry in tell_report(report, words) if entry.section in {"joined", "relations"}]
    rules = found.rules if found is not None else mapping.joining
    chosen = set[str]()
    if entries:
        with st.expander(words.text("ui.upload.joining_title"), icon=":material/join:", expanded=len(report.rows) > 2, key="joining"):
            for entry in entries:
                st.markdown(f"- {plain(entry.says)}")
                if entry.section == "relations":
                    _choose_link(frame, report.relations, entry.option.removeprefix("relations."), mapping, files)
                elif found is not None and entry.option not in chosen:
                    rules = _choose(frame, entry.option, rules, found, files)
                    chosen.add(entry.option)
    if found is None:
        return
    if found.contradictions:
        rules = _show_contradictions(frame, found, rules, files, without=chosen)
    _offer_ids(frame, found, rules, files)
    rules = choose_categories(frame, found.categories, rules, files=files)
    if rules != found.rules:
        st.session_state[RULES] = (files, rules)
        st.rerun()


def _show_contradictions(frame: Frame, found: JoiningReport, rules: Joining, files: str, *, without: set[str]) -> Joining:
    """One table of what the tables say that cannot both be true, with the choices below; where they agree is said beside it.

    `without` are the options whose choices stand above.
    """
    words = frame.words
    agreed = [entry for entry in found.contradictions if entry.code in AGREEMENTS]
    others = [entry for entry in found.contradictions if entry.code not in AGREEMENTS]
    if others:
        st.markdown(f"**{words.text('joining.contradictions.title')}**")
        table = pd.DataFrame(
            {
                "what": [words.text(f"joining.contradictions.{one.code}", **_files_of(one)) for one in others],
                "rows": [one.count for one in others],
                "rule": [words.text(f"joining.choices.{one.option}.{one.choice}") if one.option else "" for one in others],
                "examples": [", ".join(one.examples) for one in others],
            }
        )
        named = {name: words.text(f"ui.upload.contradiction_{name}") for name in table.columns}
        columns = {name: st.column_config.Column(label, width=_WIDTHS[name]) for name, label in named.items()}
        draw_table(table, columns=columns, lines=3, alt_text=words.text("joining.contradictions.title"), key="contradictions")
        for option in dict.fromkeys(one.option for one in others if one.option and one.option not in without):
            rules = _choose(frame, option, rules, found, files)
    for one in agreed:
        st.caption(f":material/check_small: {plain(words.text(f'joining.contradictions.{one.code}', **_files_of(one)))}")
    return rules


def _files_of(one: Contradiction) -> dict[str, object]:
    return {"file": one.file, "other": one.other_file, "count": one.count, "total": one.total}


def _offer_ids(frame: Frame, found: JoiningReport, rules: Joining, files: str) -> None:
    """Ids that do not meet, with the button that makes them comparable inside the note."""
    words = frame.words
    for proposal in found.id_proposals:
        with st.container(border=True, key=f"ids-{proposal.table}"):
            steps = tell_steps(proposal.steps, words)
            values = {"table": words.text(f"ingest.tables.{proposal.table}"), "before": words.percent(proposal.before), "steps": steps}
            says = words.text("joining.ids.proposal", **values, after=words.percent(proposal.after))
            pair = words.text("joining.ids.pair", one=proposal.examples[0][0], other=proposal.examples[0][1]) if proposal.examples else ""
            st.warning(plain(f"{says} {pair}"), icon=":material/join:")
            label = words.text("ui.upload.joining_ids", steps=steps)
            apply = partial(decide, RULES, (files, replace(rules, id_normalisation=proposal.steps)))
            st.button(plain(label), icon=":material/join:", type="primary", key=f"press.ids.{proposal.table}", on_click=apply)


def ask_about_ids(frame: Frame, report: IngestReport, *, files: str) -> bool:
    """Whether the estimate may begin: where fewer than `ENOUGH_MET` of the complaints name a customer of the file, the analyst decides."""
    words, ready = frame.words, True
    for table in ("complaints", "incidents"):
        read = report.rows[table].read if table in report.rows else 0
        unknown = sum(count.rows for count in report.rules if count.table == table and count.rule == "unknown_customer")
        if read and unknown / read > 1 - ENOUGH_MET:
            name, share = words.text(f"ui.upload.table_{table}"), words.percent(1 - unknown / read)
            st.warning(plain(words.text("ui.upload.few_met", table=name, share=share, count=unknown, read=read)), icon=":material/help:")
            ready = st.checkbox(plain(words.text("ui.upload.few_met_accept", count=unknown)), key=f"ids.accepted.{table}.{files[:12]}") and ready
    return ready


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


def _choose(frame: Frame, option: str, rules: Joining, found: JoiningReport, files: str) -> Joining:
    words = frame.words
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
        rules = _with(rules, option, chosen)
        return _choose_settled(frame, rules, files) if option == "departures" and chosen != values[0] else rules
    if option in _DAYS:
        now = found.inactivity.days if option == "inactivity_days" and found.inactivity is not None else rules.gap_days
        days = int(st.number_input(label, min_value=_DAYS[option], max_value=3650, value=now, key=key))
        return _with(rules, option, days) if days != now else rules
    return rules


def _choose_settled(frame: Frame, rules: Joining, files: str) -> Joining:
    """From which probability on a break of rhythm is a departure; asked only where breaks are."""
    words, now = frame.words, rules.settled or SETTLED
    sure = st.number_input(
        words.text("ui.upload.joining_settled"), min_value=LEAST_SETTLED, max_value=0.99, value=now, step=0.05, format="%.2f",
        help=words.text("ui.upload.joining_settled_help"), key=f"joining.settled.{files[:12]}",
    )  # fmt: skip
    return _with(rules, "settled", round(sure, 4)) if sure != now else rules


def _with(rules: Joining, option: str, value: object) -> Joining:
    changed: dict[str, Any] = {option: value}
    return replace(rules, **changed)
