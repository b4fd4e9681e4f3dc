"""Owns the sidebar: language, study, period, segments, starting ratio and horizon; and the link that carries them.

What the reader chose lives in the address, so that a link opens on the same picture. Defaults stay out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, cast

import streamlit as st

from iceberg.locale import LANGUAGES, Translator, load_conventions
from iceberg.model.assumptions import FOLK_RATIO, Assumptions, CategoryPrior, SilentRatioPrior
from iceberg.ui.language import _spoken
from iceberg.ui.session.choices import _HELD, PRIORS, forget_choices
from iceberg.ui.session.current import forget_study
from iceberg.ui.session.study import Filters, Study

# Judgement: a ladder of ratios that people say aloud, about evenly spaced on the log scale. 1:25 is the folk figure.
RATIO_STEPS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 250.0)
# Judgement: how many times smaller or larger the ratio may be, 9 times in 10; 5 is the width of `SilentRatioPrior`.
SPREAD_STEPS = (1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
DEFAULT_SPREAD = 5.0
HORIZON_STEPS = (30.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0)
DEFAULT_HORIZON = float(Assumptions().horizon_days)
STEPS = {"ratio": (RATIO_STEPS, FOLK_RATIO), "spread": (SPREAD_STEPS, DEFAULT_SPREAD), "horizon": (HORIZON_STEPS, DEFAULT_HORIZON)}
STARTS = ("folk", "evidence")
Control = Literal["period", "segments", "assumptions"]
START_NEXT = "start_next"  # a widget's own value may only be set before it is drawn
@dataclass(frozen=True)
class View:
    """What the reader chose in the sidebar."""

    translator: Translator
    filters: Filters
    assumptions: Assumptions

    @property
    def language(self) -> str:
        """One of `iceberg.locale.LANGUAGES`."""
        return self.translator.language


def show_language(language: str) -> None:
    """The language switch; its labels are in their own language."""
    if st.session_state.get("lang") not in LANGUAGES:
        st.session_state["lang"] = language
    words = Translator(language)
    st.segmented_control(
        words.text("ui.controls.language"),
        LANGUAGES,
        format_func=lambda code: load_conventions(code).name,
        key="lang",
        required=True,
        width="stretch",
    )
    _remember("lang", None if st.session_state["lang"] == _spoken() else st.session_state["lang"])


def show_study(study: Study, words: Translator) -> None:
    """Whose numbers these are, and the way back to the sample."""
    with st.container(border=True, gap="xsmall"):
        if study.is_sample:
            st.badge(words.text("ui.study.sample"), icon=":material/science:", color="orange")
            st.caption(words.text("ui.study.sample_help"))
        elif study.published is not None:
            st.badge(words.text("ui.study.published"), icon=":material/public:", color="blue")
            st.caption(f"{study.name} · {words.text('ui.study.version', version=str(study.published.number))}")
            _remember("study", study.published.study_id)
        else:
            st.badge(words.text("ui.study.own"), icon=":material/description:", color="green")
            st.caption(study.name or words.text("ui.study.typed"))
            st.button(words.text("ui.study.back_to_sample"), on_click=forget_study, icon=":material/undo:", type="tertiary")


def read_view(study: Study, words: Translator, *, shown: frozenset[Control]) -> View:
    """What was chosen, before any control is drawn: on a first visit the page goes out ahead of its controls.

    Args:
        study: Its months and segments can be chosen.
        words: The reader's language.
        shown: The controls of the page; the others keep what was chosen for the pages that need them.
    """
    months = _narrowed(_months_chosen(study), study.months) if "period" in shown else None
    segments = tuple(_segments_chosen(study)) or None if "segments" in shown else None
    assumptions = _assumptions_chosen(study) if "assumptions" in shown else study.assumptions
    return View(words, Filters(segments, months), assumptions)


def show_controls(study: Study, words: Translator, *, shown: frozenset[Control]) -> None:
    """The controls that move what a page shows; `read_view` says what was chosen."""
    if {"segments", "period"} & shown:
        st.subheader(words.text("ui.controls.what"), anchor=False)
    if "period" in shown:
        _show_months(study, words)
    if "segments" in shown:
        _show_segments(study, words)
    if "assumptions" in shown:
        st.subheader(words.text("ui.controls.assumed"), anchor=False, help=words.text("ui.controls.assumed_help"))
        _show_assumptions(study, words)
    if shown:
        st.button(words.text("ui.controls.reset"), on_click=_reset, icon=":material/restart_alt:", type="tertiary")


def _held(key: str, otherwise: object) -> Any:  # noqa: ANN401  # whatever the control of that key holds
    """The value of a control drawn on an earlier run, on whichever page; `otherwise` on the first."""
    if key in st.session_state:
        st.session_state[_HELD + key] = st.session_state[key]
    return st.session_state.setdefault(_HELD + key, otherwise)


def _months_chosen(study: Study) -> tuple[date, date] | None:
    months = study.months
    if len(months) < 2:
        return None
    return cast("tuple[date, date]", tuple(_held(_months_key(study), _months_from_link(months) or (months[0], months[-1]))))


def _months_key(study: Study) -> str:
    return f"months.{study.digest[:12]}"


def _narrowed(chosen: tuple[date, date] | None, months: Sequence[date]) -> tuple[date, date] | None:
    return None if chosen is None or chosen == (months[0], months[-1]) else chosen


def _show_months(study: Study, words: Translator) -> None:
    chosen, months, key = _months_chosen(study), study.months, _months_key(study)
    if chosen is None:
        return
    st.select_slider(
        words.text("ui.controls.period"),
        months,
        value=st.session_state.setdefault(f"{key}.start", chosen),
        format_func=lambda month: _period(study, month, words),
        key=key,
        help=words.text("ui.controls.period_help"),
        persist_state="session",
    )
    narrowed = _narrowed(chosen, months)
    _remember("months", f"{narrowed[0]:%Y-%m}..{narrowed[1]:%Y-%m}" if narrowed else None)


def _period(study: Study, month: date, words: Translator) -> str:
    """A month, or the months that a viewer sees taken together."""
    last = month if study.axes is None else study.axes.last_months[study.axes.months.index(month)]
    return words.month(month) if last == month else words.text("ui.controls.period_of", first=words.month(month), last=words.month(last))


def _months_from_link(months: Sequence[date]) -> tuple[date, date] | None:
    named = {f"{month:%Y-%m}": month for month in months}
    first, _, last = st.query_params.get("months", "").partition("..")
    if first in named and last in named and named[first] <= named[last]:
        return named[first], named[last]
    return None


def _segments_key(study: Study) -> str:
    return f"segments.{study.digest[:12]}"


def _segments_chosen(study: Study) -> list[str]:
    segments = study.segments
    if len(segments) < 2:
        return []
    chosen = _held(_segments_key(study), [segment for segment in st.query_params.get_all("segment") if segment in segments])
    return [segment for segment in segments if segment in chosen]


def _show_segments(study: Study, words: Translator) -> None:
    segments, key = study.segments, _segments_key(study)
    if len(segments) < 2:
        return
    chosen = _segments_chosen(study)
    if key not in st.session_state:
        st.session_state[key] = chosen
    st.multiselect(
        words.text("ui.controls.segments"),
        segments,
        format_func=lambda segment: segment or words.text("ui.controls.no_segment"),
        key=key,
        placeholder=words.text("ui.controls.all_segments"),
        help=words.text("ui.controls.segments_help"),
        persist_state="session",
    )
    _remember("segment", chosen or None)
    if study.axes is not None and not study.axes.both and chosen and _narrowed(_months_chosen(study), study.months):
        st.caption(words.text("ui.controls.one_of_two"))


def _assumptions_chosen(study: Study) -> Assumptions:
    """What the sliders say; where nobody moved one, exactly what the study assumes."""
    evidence = _start_chosen(study) == "evidence"
    steps = {name: _step_chosen(study, name) for name in STEPS}
    usual = study.assumptions
    moved = {name for name, step in steps.items() if step != _ladder(study, name)[1]}
    if evidence == usual.use_category_priors and not (moved & {"horizon"} if evidence else moved) and not (evidence and edited_priors()):
        return usual
    ratio, spread = (FOLK_RATIO, DEFAULT_SPREAD) if evidence else (steps["ratio"], steps["spread"])
    return replace(
        usual,
        ratio=SilentRatioPrior(ratio, ratio / spread, ratio * spread),
        horizon_days=int(steps["horizon"]),
        use_category_priors=evidence,
        category_priors=(edited_priors() or usual.category_priors) if evidence else (),
    )


def _show_assumptions(study: Study, words: Translator) -> None:
    _show_starting_point(study, words)
    if _start_chosen(study) == "folk":
        _show_step(study, "ratio", words, lambda step: words.text("ui.controls.one_to", ratio=step))
        _show_step(study, "spread", words, lambda step: words.text("ui.controls.times", factor=step))
        prior = _assumptions_chosen(study).ratio
        st.caption(words.text("ui.controls.range", lower=prior.lower, upper=prior.upper))
    _show_step(study, "horizon", words, lambda step: words.text("ui.controls.days", count=int(step)))


def _ladder(study: Study, name: str) -> tuple[Sequence[float], float]:
    """The steps of a slider and where it stands at first; what a published study assumes is one of them."""
    steps, usual = STEPS[name]
    if study.published is None:
        return steps, usual
    held = study.assumptions
    assumed = {"ratio": held.ratio.median, "spread": math.sqrt(held.ratio.upper / held.ratio.lower), "horizon": float(held.horizon_days)}[name]
    near = next((step for step in steps if math.isclose(step, assumed, rel_tol=1e-6)), None)
    return (steps, near) if near is not None else (tuple(sorted((*steps, assumed))), assumed)


def _start_chosen(study: Study) -> str:
    if START_NEXT in st.session_state:
        st.session_state["start"] = st.session_state.pop(START_NEXT)
    asked = st.query_params.get("start")
    return str(_held("start", asked if asked in STARTS else _usual_start(study)))


def _usual_start(study: Study) -> str:
    return "evidence" if study.assumptions.use_category_priors else "folk"


def _show_starting_point(study: Study, words: Translator) -> None:
    chosen = _start_chosen(study)
    if "start" not in st.session_state:
        st.session_state["start"] = chosen
    st.radio(
        words.text("ui.controls.start"),
        STARTS,
        format_func=lambda option: words.text(f"ui.controls.start_{option}"),
        key="start",
        help=words.text("ui.controls.start_help"),
        persist_state="session",
    )
    _remember("start", None if chosen == _usual_start(study) else chosen)


def _step_chosen(study: Study, name: str) -> float:
    steps, default = _ladder(study, name)
    asked = st.query_params.get(name, "")
    return float(_held(name, next((step for step in steps if f"{step:g}" == asked), default)))


def _show_step(study: Study, name: str, words: Translator, label: Callable[[float], str]) -> None:
    steps, default = _ladder(study, name)
    chosen = _step_chosen(study, name)
    if name not in st.session_state:
        st.session_state[name] = chosen
    st.select_slider(
        words.text(f"ui.controls.{name}"),
        steps,
        format_func=label,
        key=name,
        help=words.text(f"ui.controls.{name}_help"),
        persist_state="session",
    )
    _remember(name, None if chosen == default else f"{chosen:g}")


def edited_priors() -> tuple[tuple[str, CategoryPrior], ...]:
    """The category priors that the reader edited on the Method page; empty where none was."""
    edited: Mapping[str, CategoryPrior] = st.session_state.get(PRIORS, {})
    return tuple(sorted(edited.items()))


def keep_priors(priors: Mapping[str, CategoryPrior]) -> None:
    """Let edited category priors drive the estimate from now on."""
    st.session_state[PRIORS] = dict(priors)
    st.session_state[START_NEXT] = "evidence"


def forget_priors() -> None:
    """Return to the published values."""
    st.session_state.pop(PRIORS, None)


def _remember(name: str, value: str | list[str] | None) -> None:
    """Put `value` in the address, or take it out; the address is only touched when it changes."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get_all(name) != ([value] if isinstance(value, str) else value):
        st.query_params[name] = value


def link_with(**choices: str) -> dict[str, list[str]]:
    """The parameters of a link to another page that keeps what was chosen here, whatever window it opens in; `choices` are that page's own."""
    kept = {name: st.query_params.get_all(name) for name in st.query_params if name != "category"}
    return kept | {name: [value] for name, value in choices.items()}


def _reset() -> None:
    forget_choices()
    for name in ("start", "ratio", "spread", "horizon", "months", "segment"):
        _remember(name, None)


