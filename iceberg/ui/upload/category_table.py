"""The tables of categories: every name of the files and the category that it counts as; and at which step of the journey each category happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.ingest.joining.options import CategoryReport, Joining
from iceberg.ingest.sections.journey import JourneyRules
from iceberg.locale import visible
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.upload_choices import decide

RULES, STAGES = "joining", "journey"


def chosen_stages(files: str, *, usual: JourneyRules) -> JourneyRules:
    """What is said of the journey: as chosen on screen for these files, else as the mapping says."""
    identity, rules = st.session_state.get(STAGES, ("", usual))
    return rules if identity == files else usual


def choose_stages(frame: Frame, counts: CohortCounts, rules: JourneyRules, *, files: str) -> None:
    """A step of the journey for each category; another choice counts the files again. Estimates do not depend on it."""
    words = frame.words
    if not counts.categories:
        return
    names = {"": "", **{name: visible(name) if rules.stages else words.text(f"journey.stage_{name}") for name in rules.names}}
    placed = {counts.categories[category]: counts.journey.stages[stage] for category, stage in counts.journey.placed} if counts.journey else {}
    table = pd.DataFrame({"category": list(counts.categories), "stage": [names[placed.get(name, "")] for name in counts.categories]})
    box = st.expander(words.text("journey.place"), icon=":material/sailing:", key="stages.table")
    with box, st.form(f"stages.form.{files[:12]}", border=False):
        st.caption(words.text("journey.place_help"))
        edited = st.data_editor(
            table,
            placeholder="",
            hide_index=True,
            num_rows="fixed",
            disabled=["category"],
            key=f"stages.{hash(tuple(placed.items())) & 0xFFFFFF:x}.{frame.language}",
            column_config={
                "category": st.column_config.TextColumn(words.text("journey.place_category")),
                "stage": st.column_config.SelectboxColumn(words.text("journey.place_stage"), options=list(names.values())),
            },
            alt=words.text("journey.place"),
        )
        if not st.form_submit_button(words.text("journey.place_apply"), icon=":material/check:"):
            return
    st.session_state[STAGES] = (files, with_stages(rules, counts, dict(zip(edited["category"], edited["stage"].fillna(""), strict=True)), names))
    st.rerun()


def with_stages(rules: JourneyRules, counts: CohortCounts, edited: Mapping[str, str], names: Mapping[str, str]) -> JourneyRules:
    """The rules after the table was edited; categories that these files lack keep their step.

    Args:
        rules: As they were.
        counts: Of these files.
        edited: Step by category, as it is written on screen.
        names: What is written on screen, by step.
    """
    absent = set(counts.journey.missing) if counts.journey is not None else set()
    stages = {label: name for name, label in names.items()}
    kept = {name: stage for name, stage in rules.categories.items() if name in absent}
    return replace(rules, categories=kept | {name: stages[label] for name, label in edited.items() if stages.get(label)})


def choose_categories(frame: Frame, found: CategoryReport, rules: Joining, *, files: str) -> Joining:
    """Show the table and what is proposed; the rules as they stand after this run."""
    words = frame.words
    if len(found.names) < 2:
        return rules
    proposals = {other: group.kept for group in found.alike for other in group.others}
    title = words.text("ui.upload.categories", names=len(found.names), categories=len({name for _, _, becomes in found.names for name in becomes}))
    with st.expander(plain(title), icon=":material/category:", expanded=bool(proposals or found.several), key="categories"):
        if found.spellings:
            count = sum(len(group.rows) for group in found.spellings)
            st.caption(plain(words.text("ui.upload.spellings", count=count, into=len(found.spellings))))
        _offer(frame, found, proposals, rules, files)
        _edit(frame, found, proposals, rules, files)
        keeps = rules.category_spelling == "keep"
        if st.toggle(words.text("ui.upload.keep_spellings"), value=keeps, key=f"joining.spelling.{files[:12]}") != keeps:
            rules = replace(rules, category_spelling="merge" if keeps else "keep")
    return rules


def _offer(frame: Frame, found: CategoryReport, proposals: Mapping[str, str], rules: Joining, files: str) -> None:
    words = frame.words

    def offer(name: str, label: str, icon: str, chosen: Joining, kind: Literal["primary", "secondary", "tertiary"] = "secondary") -> None:
        st.button(plain(label), icon=f":material/{icon}:", type=kind, key=f"press.{name}", on_click=partial(decide, RULES, (files, chosen)))

    for group in found.alike:
        why = ", ".join(words.text(f"joining.categories.{reason}") for reason in dict.fromkeys(group.reasons))
        st.markdown(f"- {plain(words.text('ui.upload.alike', others=', '.join(group.others), kept=group.kept, why=why))}")
    with st.container(horizontal=True):
        if proposals:
            merged = merge_names(rules, proposals)
            offer("merge_all", words.text("ui.upload.merge_all", count=len(found.alike)), "merge", merged, "primary")
        if found.several is not None:
            label = words.text("ui.upload.split", separator=found.several.separator.strip(), example=found.several.cells[0], rows=found.several.rows)
            offer("split", label, "call_split", replace(rules, split_categories=found.several.separator))
        if rules.split_categories:
            offer("unsplit", words.text("ui.upload.unsplit"), "undo", replace(rules, split_categories=""))
        if rules.merge_categories or rules.drop_categories:
            offer("as_found", words.text("ui.upload.as_found"), "undo", replace(rules, merge_categories={}, drop_categories=()), "tertiary")


def _edit(frame: Frame, found: CategoryReport, proposals: Mapping[str, str], rules: Joining, files: str) -> None:
    """The category of each name, to be edited and applied; names of split cells are not in it."""
    words = frame.words
    single = [(name, rows, becomes) for name, rows, becomes in found.names if len(becomes) < 2]
    table = pd.DataFrame(
        {
            "name": [name for name, _, _ in single],
            "rows": [rows for _, rows, _ in single],
            "category": [becomes[0] if becomes else name for name, _, becomes in single],
            "proposal": [proposals.get(becomes[0], "") if becomes else "" for _, _, becomes in single],
            "dropped": [not becomes for _, _, becomes in single],
        }
    )
    key = f"names.{hash(tuple(found.names)) & 0xFFFFFF:x}"

    def apply() -> None:
        edits = st.session_state.get(key, {}).get("edited_rows", {})
        decide(RULES, (files, with_names(rules, found, edited_names(table.to_dict("records"), edits))))

    with st.form(f"categories.{hash(tuple(found.names)) & 0xFFFFFF:x}.{files[:12]}", border=False):
        st.data_editor(
            table,
            placeholder="",
            hide_index=True,
            num_rows="fixed",
            disabled=["name", "rows", "proposal"],
            key=key,
            column_config={
                "name": st.column_config.TextColumn(words.text("ui.upload.name_found")),
                "rows": st.column_config.NumberColumn(words.text("ui.upload.name_rows")),
                "category": st.column_config.TextColumn(words.text("ui.upload.name_category"), required=True, max_chars=80),
                "proposal": st.column_config.TextColumn(words.text("ui.upload.name_proposal")),
                "dropped": st.column_config.CheckboxColumn(words.text("ui.upload.name_dropped")),
            },
            alt=words.text("ui.upload.categories_table"),
        )
        st.caption(words.text("ui.upload.categories_help"))
        st.form_submit_button(words.text("ui.upload.categories_apply"), icon=":material/check:", on_click=apply)


def edited_names(rows: Sequence[Mapping[Any, Any]], edits: Mapping[Any, Mapping[str, Any]]) -> dict[str, str]:
    """The category of each name as edited, "" where it is dropped.

    Args:
        rows: The table as it was drawn.
        edits: Changed cells by number of the row, as the browser sends them.
    """
    changes = {int(place): cells for place, cells in edits.items()}
    after = [{**row, **changes.get(place, {})} for place, row in enumerate(rows)]
    return {row["name"]: "" if row["dropped"] else str(row["category"] or row["name"]).strip() for row in after}


def merge_names(rules: Joining, merges: Mapping[str, str]) -> Joining:
    """The rules with more names merged, each into the name that it stands beside."""
    merged = {name: tuple(others) for name, others in rules.merge_categories.items()}
    for other, name in merges.items():
        others = (*merged.pop(other, ()), other)  # what was merged into it follows
        merged[name] = tuple(dict.fromkeys(one for one in (*merged.get(name, ()), *others) if one != name))
    return replace(rules, merge_categories=merged)


def with_names(rules: Joining, found: CategoryReport, edited: Mapping[str, str]) -> Joining:
    """The rules after the table was edited: only what differs from the name itself is written down."""
    usual = {name: group.kept for group in found.spellings for name in (group.kept, *group.others)} if rules.category_spelling == "merge" else {}
    split = {name: becomes for name, _, becomes in found.names if len(becomes) > 1}
    merged: dict[str, list[str]] = {}
    for name, category in edited.items():
        if category and category not in {name, usual.get(name)}:
            merged.setdefault(category, []).append(name)
    untouched = {kept: others for kept, others in rules.merge_categories.items() if not set(others) & set(edited) and split}
    dropped = tuple(name for name, category in edited.items() if not category)
    return replace(rules, merge_categories=untouched | {name: tuple(others) for name, others in merged.items()}, drop_categories=dropped)
