"""The list of published studies: what each says, its versions and its link; for owners renaming and deletion."""

from __future__ import annotations

import unicodedata
from typing import Any

import streamlit as st

from iceberg.errors import StoreError
from iceberg.locale import Translator
from iceberg.model.decision.verdict import Verdict
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import customers_range
from iceberg.store.annotations.names import LONGEST_DESCRIPTION, StudyNames, read_names, rename_study
from iceberg.store.naming import LONGEST_TITLE
from iceberg.store.retention import delete_study, overwrites_at_once
from iceberg.store.studies import StudyEntry, VersionEntry
from iceberg.ui.access.access import Access, current_access
from iceberg.ui.frame import page_file, show_error
from iceberg.ui.guide.clipboard import show_copy
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import version_key
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.session.open_versions import open_versions
from iceberg.ui.session.published_study import close_study, summary_interval
from iceberg.ui.study_store import open_store

HOME = page_file("iceberg")
SEARCH_FROM = 4  # judgement: three cards are found without a search
_FACTS = LruCache(500)  # by version: its currency, and whose answer it is


def show_study_cards(studies: tuple[StudyEntry, ...], access: Access, words: Translator, *, figures: bool = True) -> None:
    """Draw a card per study, the most recently published first, under a search where there are many; where a link failed, without their figures."""
    asked = ""
    if len(studies) >= SEARCH_FROM:
        asked = st.text_input(words.text("ui.studies.search"), key="studies.search", icon=":material/search:")
    shown = [study for study in studies if _key(asked) in _key(f"{study.title} {study.description}")]
    if not shown:
        st.info(words.text("ui.studies.none_fit"), icon=":material/search_off:")
    for study in shown:
        _show_card(study, access, words, figures=figures)


def _key(text: str) -> str:
    """Without case and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def _show_card(study: StudyEntry, access: Access, words: Translator, *, figures: bool) -> None:
    newest = study.newest
    with st.container(border=True, gap="xsmall"):
        st.header(plain(study.title), anchor=False)
        if study.description:
            st.markdown(plain(study.description))
        for sentence in card_sentences(newest, access, words) if figures else ():
            st.markdown(plain(sentence))
        day = newest.published_at.date()
        st.caption(plain(words.text("ui.study.published_by", author=newest.author or "–", day=day, version=str(newest.number))))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if st.button(words.text("ui.studies.open"), key=f"open.{study.study_id}", icon=":material/arrow_forward:"):
                open_version(study.study_id, None, words)
            show_copy(f"{_base_path()}/?study={study.study_id}", words, key=f"copy.{study.study_id}")
            if study.versions > 1:
                _show_versions(study, access, words)
            if access.may("owner"):
                _show_rename(study, words)
                _show_delete(study, words)


def card_sentences(newest: VersionEntry, access: Access, words: Translator) -> list[str]:
    """What the newest version says: customers, money, where most of them are lost, and how much of it is evidence."""
    summary = newest.summary
    currency, kind = _FACTS.get(version_key(newest), lambda: _facts(newest))
    if summary["total"]["silent_churn"] is None:
        line = words.text("ui.studies.no_range")
    else:
        ends = customers_range(summary_interval(newest), words)
        nothing = summary["total"].get("verdict") == Verdict.NOTHING
        line = words.text("ui.studies.newest_nothing" if nothing else "ui.studies.newest", low=ends["low"], high=ends["high"])
    details = []
    money = summary["total"].get("revenue_lost")
    if money:
        low, high = (words.money_compact(money[end], currency) for end in ("lower", "upper"))
        details.append(words.text("ui.studies.money", low=low, high=high))
    largest = _largest(summary, newest, access)
    if largest:
        details.append(words.text("ui.studies.largest", category=largest))
    if kind:
        details.append(words.text(f"evidence.kinds.{kind}"))
    return [line, " · ".join(details)] if details else [line]


def _facts(entry: VersionEntry) -> tuple[str, str]:
    version = open_store().load(entry.study_id, entry.number)
    return version.counts.currency, "" if version.estimate is None else version.estimate.evidence.kind


def _largest(summary: dict[str, Any], newest: VersionEntry, access: Access) -> str:
    """The category with most silent leavers, where one stands out from its files; "" where none may be named."""
    if summary["total"].get("verdict") in {Verdict.WATCH, Verdict.NOTHING}:
        return ""
    ranked = [one for one in summary["categories"] if one.get("probability_worst") and one.get("silent_churn")]
    if len(ranked) < 2:
        return ""
    first = max(ranked, key=lambda one: (one["probability_worst"], one["silent_churn"]["median"]))
    if access.sees_everything:
        return str(first["category"])
    pooled = open_versions(open_store().versions(newest.study_id)).groups.pooled
    return "" if first["category"] in pooled or first["vocal_customers"] < SMALLEST else str(first["category"])


def open_version(study_id: str, number: int | None, words: Translator) -> None:
    """Go to a version on the first page; the address would lose the language otherwise."""
    version = {} if number is None else {"version": str(number)}
    st.switch_page(HOME, query_params={"study": study_id, **version, "lang": words.language})


def _base_path() -> str:
    """The dashboard's own path on its server: "" unless it is served below one."""
    base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def _show_versions(study: StudyEntry, access: Access, words: Translator) -> None:
    with st.popover(plain(words.text("ui.studies.versions", count=study.versions)), icon=":material/history:", key=f"versions.{study.study_id}"):
        entries = open_store().versions(study.study_id)
        if not access.sees_everything:
            numbers = open_versions(entries).numbers
            entries = tuple(entry for entry in entries if entry.number in numbers)
        for entry in entries:
            label = words.text("ui.study.version_of", version=str(entry.number), day=entry.published_at.date())
            if st.button(plain(label), key=f"version.{study.study_id}.{entry.number}", type="tertiary"):
                open_version(study.study_id, entry.number, words)


def _show_rename(study: StudyEntry, words: Translator) -> None:
    with st.popover(words.text("ui.studies.rename"), icon=":material/edit:", type="tertiary", key=f"rename.{study.study_id}"):
        own = read_names(open_store().engine, study.study_id)
        title = st.text_input(words.text("ui.studies.new_title"), own.title, max_chars=LONGEST_TITLE, key=f"title.{study.study_id}")
        about = st.text_area(words.text("ui.studies.description"), own.description, max_chars=LONGEST_DESCRIPTION, key=f"about.{study.study_id}")
        st.caption(words.text("ui.studies.rename_help"))
        if st.button(words.text("ui.studies.rename_run"), key=f"rename.run.{study.study_id}", type="primary", disabled=not title.strip()):
            access = current_access()  # again: the button may have been on screen for hours
            try:
                if access.may("owner"):
                    rename_study(open_store().engine, study.study_id, StudyNames(title, about), actor=access.name)
            except StoreError as error:
                show_error(error, words)
                return
            st.rerun()


def _show_delete(study: StudyEntry, words: Translator) -> None:
    with st.popover(words.text("ui.studies.delete"), icon=":material/delete_forever:", type="tertiary", key=f"delete.{study.study_id}"):
        st.markdown(plain(words.text("ui.studies.delete_sure", title=study.title, count=study.versions)))
        if not overwrites_at_once(open_store()):
            st.caption(words.text("store.cli.overwritten_later"))
        if st.button(words.text("ui.studies.delete_run"), key=f"delete.run.{study.study_id}", type="primary"):
            access = current_access()
            if access.may("owner"):
                delete_study(open_store(), study.study_id, actor=access.name)
                close_study()
            st.rerun()
