"""Did a fix work, on the page: which one, since when and where; the answer; and keeping it, so that the next decision starts from it."""

from __future__ import annotations

import tomllib
from datetime import date

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.interventions import InterventionEntry
from iceberg.ingest.mapping import MappingSet
from iceberg.locale import visible
from iceberg.model.decision.follow_up import FEWEST_MONTHS, FollowUp, Intervention, follow_up, learned_efficacy
from iceberg.report.comparison import follow_up_lines, follow_up_remarks, follow_up_sentence, learned_sentence
from iceberg.store.annotations.plans import LONGEST_NOTE, Note, add_note, read_plans
from iceberg.ui.decisions.costs import start_from
from iceberg.ui.figure import BOX_AND_ICON
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached
from iceberg.ui.session.current import set_current_study
from iceberg.ui.session.estimates import estimate_name, estimate_study
from iceberg.ui.session.study import Study
from iceberg.ui.study_store import open_store

FixEvidence = tuple[Intervention, float, float]


def show_follow_up(frame: Frame) -> None:
    """The questions, the answer with what it rests on, and the button that keeps it.

    Raises:
        OptionError: As `iceberg.model.decision.follow_up.follow_up`.
    """
    words, study = frame.words, frame.study
    st.caption(words.text("follow_up.page.lead"))
    asked = _ask(frame)
    if asked is None:
        st.info(words.text("ui.compare.needs_months"), icon=":material/event_busy:")
        return
    estimate = estimate_study(study, frame.view.assumptions)
    key = f"follow|{estimate_name(study, estimate.assumptions)}|{asked!r}"
    found: FollowUp = cached(key, lambda: follow_up(estimate, study.counts, asked), study=study)
    st.header(plain(follow_up_sentence(found, words)), anchor=False)
    learned = learned_efficacy([(asked, found.log_effect, found.log_error)], asked.category)
    lines = (*follow_up_lines(found, words), learned_sentence(learned, asked.category, words))
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))
    for severity, sentence in follow_up_remarks(found, words):
        box, icon = BOX_AND_ICON[severity]
        getattr(st, box)(plain(sentence), icon=f":material/{icon}:")
    if st.button(words.text("follow_up.page.keep"), help=words.text("follow_up.page.keep_help"), icon=":material/bookmark:", key="follow.keep"):
        _keep(frame, found)
        st.success(words.text("follow_up.page.kept"), icon=":material/check:")


def evidence_of_session(study: Study) -> tuple[FixEvidence, ...]:
    """What was found about past fixes of a study: kept in this session, or written in its mapping."""
    kept: dict[tuple[str, date], FixEvidence] = st.session_state.get(_key(study), {})
    try:
        written = MappingSet.from_dict(tomllib.loads(study.mapping)).interventions
    except (IcebergError, tomllib.TOMLDecodeError):  # a version of an older product
        written = ()
    entries = {(one.category, one.start): (Intervention(one.category, one.start, extent=one.extent), *one.found) for one in written if one.found}
    return tuple((entries | kept).values())


def _ask(frame: Frame) -> Intervention | None:
    """The fix that the reader names; None where the months are too few for one."""
    words, counts = frame.words, frame.study.counts
    starts = counts.months[FEWEST_MONTHS : len(counts.months) - FEWEST_MONTHS + 1]
    if not counts.categories or not counts.has_calendar or not starts:
        return None
    first, second, third = st.columns(3, gap="medium")
    category = first.selectbox(
        words.text("ui.compare.fixed"), counts.categories, format_func=lambda name: plain(visible(name)), key="follow.category"
    )
    noted = _noted_start(frame.study, category)
    start = second.selectbox(
        words.text("follow_up.page.start"),
        starts,
        index=starts.index(noted) if noted in starts else len(starts) // 2,
        format_func=words.month,
        key=f"follow.start.{frame.study.digest[:8]}.{category}",
    )
    levels = dict.fromkeys(level for row in counts.segment_levels for level in row)
    named = [name for name in (*levels, *counts.segments) if name]
    segments = third.multiselect(
        words.text("follow_up.page.segments"),
        list(dict.fromkeys(named)),
        format_func=lambda name: plain(visible(name)),
        help=words.text("follow_up.page.segments_help"),
        placeholder=words.text("ui.controls.all_segments"),
        key=f"follow.segments.{frame.study.digest[:8]}",
        select_all=False,  # its words are English
    )
    return Intervention(category, start, tuple(segments))


def _noted_start(study: Study, category: str) -> date | None:
    """The month of the last note about a category of a published study: what was done is written there."""
    if study.published is None:
        return None
    _, notes = read_plans(open_store().engine, study.published.study_id).of(category)
    return notes[-1].day.replace(day=1) if notes else None


def _keep(frame: Frame, found: FollowUp) -> None:
    """Keep what was found: in this session; with the mapping of files that were uploaded; as a note of a published study."""
    study, fix = frame.study, found.intervention
    kept: dict[tuple[str, date], FixEvidence] = st.session_state.setdefault(_key(study), {})
    kept[fix.category, fix.start] = (fix, found.log_effect, found.log_error)
    start_from(study, tuple(kept.values()))
    if study.published is not None and frame.access.may("analyst"):
        where = ", ".join(fix.segments) or frame.words.text("follow_up.all_touched")
        text = frame.words.text("follow_up.page.noted", segments=where, start=frame.words.month(fix.start))[:LONGEST_NOTE]
        _, notes = read_plans(open_store().engine, study.published.study_id).of(fix.category)
        if not any(note.day == fix.start and note.text == text for note in notes):
            add_note(open_store().engine, study.published.study_id, Note(fix.category, fix.start, text), actor=frame.access.name)
    elif study.origin == "upload":
        entry = InterventionEntry(fix.category, fix.start, fix.segments, found=(found.log_effect, found.log_error))
        set_current_study(study.with_intervention(entry))


def _key(study: Study) -> str:
    return f"fixes.{study.digest[:16]}"
