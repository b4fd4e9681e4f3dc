"""The Method page: the formula in words, the assumptions and their sources, and how much each of them matters."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from iceberg.errors import IcebergError
from iceberg.model.assumptions import CategoryPrior
from iceberg.model.evidence import cannot_say
from iceberg.model.priors import CAPTURE_PRESETS, FAMILIES
from iceberg.report.files.document.method_section import assumption_rows, limit_sentences, method_sentences
from iceberg.ui.access.access import require
from iceberg.ui.figure import draw_table, table_height
from iceberg.ui.frame import Frame, current_frame, errors_in_words, show_error
from iceberg.ui.guide.glossary import glossary_rows
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.method_checks import show_calibration, show_estimate_checks
from iceberg.ui.sections.prior_table import (
    ENDS,
    SHARES,
    capture_name,
    family_name,
    priors_frame,
    priors_from_frame,
    published_priors,
    with_capture,
)
from iceberg.ui.sections.sensitivity import show_sensitivity, show_tornado
from iceberg.ui.session.choices import apply_priors, edited_priors, forget_priors
from iceberg.ui.session.estimates import estimate_study

NUMBER_PIXELS = 72  # nine columns of two decimals stand side by side
EQUATIONS = (
    r"K_c = \rho_c\,q_c,\qquad \rho_c = \frac{1-p_c}{p_c\,c_c}",
    r"\hat q_c(h) = S_{\text{expected}}(h)-S_{\text{observed}}(h)",
    r"V_{csmb}\sim\text{Poisson}\big(E_{smb}\,A_{csm}\,B_{cb}\big)",
    r"\log A_{csm}=\alpha_c+\text{segment}_{cs}+\text{month}_{cm}+\text{burst}_{csm}",
    r"Y_{smb}\sim\text{Poisson}\Big(N_{smb}\Big[e^{\nu_{smb}}+\sum_c r_c\sum_{\ell} w_\ell\,A_{c,s,m-\ell}\,(T_\ell B_c)_b\Big]\Big)",
    r"\log r_c = \log K_c + m + e_c,\qquad e_c\sim(1-\eta)\,\mathcal N(0,\sigma_e^2)+\eta\,\mathcal N(-2.5,1.5^2)",
    r"m\sim(1-\omega)\,\mathcal N(0,\sigma_m^2)+\omega\,\mathcal N(-5,2^2)",
    r"v_k \leftarrow \frac{b_k^\top S_k b_k}{r_k-\operatorname{tr}(\Sigma_k S_k)/v_k}",
    r"\big(H_{1},\dots,H_{C},\text{natural}\big)_{smb}\,\big|\,Y_{smb}\sim\text{Multinomial}\big(Y_{smb};\ \text{shares of }\mathbb E\,Y_{smb}\big)",
    r"\textstyle\sum_c H_c+\text{natural}=\text{silent leavers, in every draw}",
)
REFERENCES = (
    "Goodman & Newman (2003), *Quality Progress* (TARP: 1 in 26)",
    "CCMC, National Customer Rage Survey (2023)",
    "Kaplan & Meier (1958); Nelson (1972); Aalen (1978); Cox (1972)",
    "Ederer & Heise (1959); Dickman et al. (2004), *Statistics in Medicine* 23",
    "Perme, Stare & Estève (2012), *Biometrics* 68",
    "Wesson et al. (2018), Anchored Multiplier; Scallan et al. (2011), under-reporting pyramids",
    "Wood & Fasiolo (2017), *Biometrics* 73 (generalised Fellner-Schall)",
    "Kristensen et al. (2016), TMB; Rue et al. (2009), INLA",
    "Neal (2011), Hamiltonian Monte Carlo",
    "VanderWeele & Ding (2017), *Annals of Internal Medicine* 167 (E-value)",
    "Talts et al. (2018), simulation-based calibration; Vehtari et al. (2024), PSIS",
)


def show_page() -> None:
    """From ten sentences to every number behind them. A viewer can edit nothing, and sees no figure of a small category."""
    require("method")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.method.title"), anchor=False)
    st.header(words.text("ui.method.in_words"), anchor=False)
    st.markdown("\n".join(f"1. {plain(sentence)}" for sentence in method_sentences(words)))
    st.header(words.text("guide.glossary_title"), anchor=False)
    st.markdown("\n".join(f"- **{plain(term)}** – {plain(means)}" for term, means in glossary_rows(words)))
    with st.expander(words.text("ui.method.equations"), icon=":material/function:"):
        st.markdown(words.text("ui.method.equations_lead"))
        for equation in EQUATIONS:
            st.latex(equation)
        st.markdown(words.text("ui.method.equations_where"))
    with errors_in_words(words):
        show_estimate_checks(frame)
    st.header(words.text("ui.method.priors"), anchor=False)
    if frame.access.may("analyst"):
        _edit_priors(frame)
    else:
        _show_priors(frame)
    with errors_in_words(words):
        _show_weights(frame)
    st.header(words.text("ui.method.defaults"), anchor=False)
    _show_defaults(frame)
    show_calibration(frame)
    st.header(words.text("ui.method.limits"), anchor=False)
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in limit_sentences(words)))
    st.header(words.text("ui.method.references"), anchor=False)
    st.markdown("\n".join(f"- {reference}" for reference in REFERENCES))


def _show_weights(frame: Frame) -> None:
    """How much each assumption moves the answer, where there is one."""
    study, words = frame.study, frame.words
    if study.counts.categories and cannot_say(estimate_study(study, frame.view.assumptions)):
        return
    if study.axes is None:  # it has a figure of each category, the small ones too
        st.header(words.text("ui.method.sensitivity"), anchor=False)
        with errors_in_words(words):
            show_sensitivity(frame)
    st.header(words.text("ui.method.tornado"), anchor=False)
    show_tornado(frame)


def _show_priors(frame: Frame) -> None:
    """Show the published values per category, or those that the analyst replaced them with."""
    words, categories = frame.words, frame.study.categories
    priors: Mapping[str, CategoryPrior] = dict(frame.study.assumptions.category_priors) or published_priors(categories)
    draw_table(priors_frame(categories, priors, words), columns=_prior_columns(frame), key="priors", alt_text=words.text("ui.method.priors"))
    st.caption(words.text("ui.method.grades"))
    active = frame.view.assumptions.use_category_priors
    st.caption(words.text("ui.method.priors_used" if active else "ui.method.priors_unused"))


def _edit_priors(frame: Frame) -> None:
    words = frame.words
    categories = frame.study.counts.categories
    priors: Mapping[str, CategoryPrior] = dict(edited_priors()) or published_priors(categories)
    st.markdown(words.text("ui.method.priors_lead"))
    capture = st.selectbox(
        words.text("ui.method.capture"),
        [None, *CAPTURE_PRESETS],
        format_func=lambda key: words.text("ui.method.capture_keep") if key is None else capture_name(key, words),
        help=words.text("ui.method.capture_help"),
        key="capture",
    )
    shown = with_capture(priors, capture) if capture else priors
    edited = st.data_editor(
        priors_frame(categories, shown, words),
        placeholder="",
        hide_index=True,
        height=table_height(len(categories)),
        disabled=["category", "grade", "source"],
        column_config=_prior_columns(frame),
        key=f"priors.{frame.study.digest[:8]}.{frame.language}.{capture}",
        alt=words.text("ui.method.priors"),
    )
    st.caption(words.text("ui.method.grades"))
    active = frame.view.assumptions.use_category_priors
    st.caption(words.text("ui.method.priors_active" if active else "ui.method.priors_inactive"))
    with st.container(horizontal=True):
        if st.button(words.text("ui.method.priors_apply"), type="primary", icon=":material/check:", key="priors.apply"):
            _apply(frame, edited, shown)
        st.button(words.text("ui.method.priors_restore"), on_click=forget_priors, icon=":material/undo:", key="priors.restore")


def _apply(frame: Frame, edited: pd.DataFrame, shown: Mapping[str, CategoryPrior]) -> None:
    try:
        apply_priors(priors_from_frame(edited, shown, frame.words))
    except IcebergError as error:
        show_error(error, frame.words)
    else:
        st.rerun()


def _prior_columns(frame: Frame) -> dict[str, ColumnConfig | str | None]:
    words = frame.words
    shares = {
        f"{name}_{end}": st.column_config.NumberColumn(
            words.text(f"ui.method.end_{end}", share=name),
            width=NUMBER_PIXELS,
            min_value=0.0,
            max_value=1.0,
            step=0.01,
            format="localized",
            required=True,
        )
        for name in SHARES
        for end in ENDS
    }
    families = [family_name(key, words) for key in FAMILIES]
    return {
        "category": st.column_config.TextColumn(words.text("ui.method.column_category"), pinned=True),
        "family": st.column_config.SelectboxColumn(words.text("ui.method.column_family"), options=families, required=True),
        **shares,
        "grade": st.column_config.TextColumn(words.text("ui.method.column_grade")),
        "source": st.column_config.TextColumn(words.text("ui.method.column_source"), width="large"),
    }


def _show_defaults(frame: Frame) -> None:
    words = frame.words
    columns = [words.text(f"ui.method.default_{name}") for name in ("name", "value", "grade", "source")]
    rows = pd.DataFrame(assumption_rows(frame.view.assumptions, words), columns=columns)
    draw_table(rows, whole=True, key="defaults", alt_text=words.text("ui.method.defaults"))
    st.caption(words.text("ui.method.grades"))


show_page()
