"""What to find out first: the question, the study that answers it, whom to ask, and the questions to send."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.sections.prices import LARGEST_PRICE
from iceberg.model.decision.information.design import Design, StudyTarget, design_study
from iceberg.model.decision.information.sampling import plan_sample
from iceberg.model.decision.information.studies import StudyKind, stakes_of
from iceberg.model.results import IcebergEstimate
from iceberg.report.information.questions import questionnaire
from iceberg.report.information.studies import design_headline, design_remarks, display_design, display_sample
from iceberg.ui.decisions.costs import costs_of_session
from iceberg.ui.figure import draw_table
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.current import set_current_study

ONE_LINE = 80  # letters of the name of a study beside its figures, at 1280 px
PHONE_NAME = 200  # px; the rest of a phone shows the first figure
_GOALS = ("half", "choice", "decision")
_PRICES = "information.prices"  # by study, as written; they outlive the page


def show_information(frame: Frame, estimate: IcebergEstimate) -> None:
    """The question above, the study that answers it below."""
    words = frame.words
    st.header(words.text("information.title"), anchor=False)
    st.caption(words.text("information.lead"))
    names = [item.category for item in estimate.categories if item.vocal_customers]
    target = _ask_target(frame, names)
    if target is None:
        return
    sheet, prices = costs_of_session(frame.study), _ask_prices(frame)
    try:
        stakes = None
        if target.category is None:
            if sheet is None or not sheet.fixes:
                st.info(words.text("information.no_decision"), icon=":material/edit:")
                return
            stakes = stakes_of(estimate, sheet.fixes, budget=sheet.budget, years=sheet.years, customer_value=sheet.customer_value)
        design = design_study(estimate, target, stakes=stakes, prices=prices)
    except IcebergError as problem:
        show_error(problem, words)
        return
    st.subheader(plain(design_headline(design, estimate, words, stakes=stakes)), anchor=False)
    if design.reaches:
        _show_studies(frame, estimate, design)
    _show_questions(frame, estimate, names)


def _ask_target(frame: Frame, names: list[str]) -> StudyTarget | None:
    words = frame.words
    goals = _GOALS if len(names) > 1 else tuple(goal for goal in _GOALS if goal != "choice")
    goal = st.segmented_control(
        words.text("information.goal"),
        goals,
        default="half",
        required=True,
        format_func=lambda name: words.text(f"information.goal_{name}"),
        key="information.goal",
    )
    if goal == "decision":
        return StudyTarget()
    first, second = st.columns(2)
    category = first.selectbox(words.text("information.category"), names, format_func=plain, key="information.category")
    if goal != "choice" or category is None:
        return None if category is None else StudyTarget(category)
    others = [name for name in names if name != category]
    other = second.selectbox(words.text("information.other"), others, format_func=plain, key="information.other")
    return None if other is None else StudyTarget(category, other)


def _ask_prices(frame: Frame) -> dict[StudyKind, float]:
    """What one answer, interview, customer followed or ticket costs, of every kind of study; as the mapping says, until it is written here."""
    words, study = frame.words, frame.study
    kept = st.session_state.setdefault(f"{_PRICES}.{study.digest[:16]}", {})
    saved = study.study_prices
    with st.expander(words.text("information.prices"), icon=":material/payments:"):
        st.caption(plain(words.text("information.prices_lead")))
        for column, kind in zip(st.columns(len(StudyKind)), StudyKind, strict=True):
            known = float(kept.get(kind, saved.get(kind, kind.price)))
            written = column.number_input(
                words.text(f"information.price_{kind}"), min_value=0.0, max_value=LARGEST_PRICE, value=known, key=f"information.price.{kind}"
            )
            kept[kind] = known if written is None else written
        if study.origin == "upload":
            _keep_prices(frame, kept)
    return dict(kept)


def _keep_prices(frame: Frame, prices: Mapping[StudyKind, float]) -> None:
    """Write the prices into the mapping of files that were uploaded, and offer it."""
    study, words = frame.study, frame.words
    own, saved = ({str(kind): price for kind, price in given.items() if price != StudyKind(kind).price} for given in (prices, study.study_prices))
    if own != saved:
        study = study.with_study_prices(own)
        set_current_study(study)
    st.download_button(
        words.text("ui.upload.mapping_save"),
        data=study.mapping,
        file_name="mapping.toml",
        mime="application/toml",
        icon=":material/save:",
        help=words.text("ui.upload.mapping_help"),
        key="information.mapping",
        on_click="ignore",
    )


def _show_studies(frame: Frame, estimate: IcebergEstimate, design: Design) -> None:
    words = frame.words
    shown = display_design(design, estimate, words)
    lines = 3 if frame.narrow else 2 if shown.iloc[:, 0].str.len().max() > ONE_LINE else 1
    names = {shown.columns[0]: st.column_config.TextColumn(width=PHONE_NAME)} if frame.narrow else None
    draw_table(shown, alt_text=words.text("information.title"), key="table.information", whole=True, lines=lines, columns=names)
    for sentence in design_remarks(design, estimate, words):
        st.caption(plain(sentence))
    asked = next((one.value.study for one in design.reaches if one.value.study.kind.asks_leavers), None)
    if asked is None:
        return
    people = min(asked.to_ask, estimate.silent_leavers)
    with st.expander(words.text("information.sample"), icon=":material/how_to_reg:"):
        st.markdown(plain(words.text("information.sample_lead", people=people)))
        shown = display_sample(plan_sample(estimate, people), words)
        draw_table(shown, alt_text=words.text("information.sample"), key="table.sample", whole=True)


def _show_questions(frame: Frame, estimate: IcebergEstimate, names: list[str]) -> None:
    words = frame.words
    text = questionnaire(names, words, seed=estimate.seed)
    with st.expander(words.text("information.questions"), icon=":material/quiz:"):
        st.markdown(plain(words.text("information.questions_lead")))
        st.code(text, language=None, height=360)
        st.download_button(
            words.text("information.questions_save"),
            text.encode(),
            file_name="questions.txt",
            mime="text/plain",
            on_click="ignore",
            icon=":material/download:",
        )
