"""Owns the sidebar: language, study, period, segments, starting ratio and horizon; and the link that carries them.

What the reader chose lives in the address, so that a link opens on the same picture. Defaults stay out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast

import streamlit as st

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import FOLK_RATIO, Assumptions, CategoryPrior, SilentRatioPrior
from iceberg.ui.state import Filters, Study, forget_study

# Judgement: a ladder of ratios that people say aloud, about evenly spaced on the log scale. 1:25 is the folk figure.
RATIO_STEPS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 250.0)
# Judgement: how many times smaller or larger the ratio may be, 9 times in 10; 5 is the width of `SilentRatioPrior`.
SPREAD_STEPS = (1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
DEFAULT_SPREAD = 5.0
HORIZON_STEPS = (30.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0)
DEFAULT_HORIZON = float(Assumptions().horizon_days)
STEPS = {"ratio": (RATIO_STEPS, FOLK_RATIO), "spread": (SPREAD_STEPS, DEFAULT_SPREAD), "horizon": (HORIZON_STEPS, DEFAULT_HORIZON)}
PRIORS = "category_priors"
Control = Literal["period", "segments", "assumptions"]
START_NEXT = "start_next"  # a widget's own value may only be set before it is drawn
_HELD = "held."  # what a control held when it was last drawn


@dataclass(frozen=True)
class View:
    """What the reader chose in the sidebar."""

    translator: Translator
    filters: Filters
    assumptions: Assumptions

    @property
    def language(self) -> str:
        """``"en"`` or ``"fr"``."""
        return self.translator.language


def browser_language() -> str:
    """The language to speak: the one chosen in this session, else the link's, else the browser's, else English."""
    chosen = st.session_state.get("lang") or st.query_params.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return _spoken()


def _spoken() -> str:
    spoken = (st.context.locale or "en").split("-")[0].lower()
    return spoken if spoken in LANGUAGES else "en"


def show_language(language: str) -> None:
    """The language switch; its labels are in their own language."""
    if st.session_state.get("lang") not in LANGUAGES:
        st.session_state["lang"] = language
    words = Translator(language)
    st.segmented_control(
        words.text("ui.controls.language"),
        LANGUAGES,
        format_func={"en": "English", "fr": "Français"}.__getitem__,
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
    months = _narrowed(_months_chosen(study), study.counts.months) if "period" in shown else None
    segments = tuple(_segments_chosen(study)) or None if "segments" in shown else None
    assumptions = _assumptions_chosen() if "assumptions" in shown else Assumptions()
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
        _show_assumptions(words)
    if shown:
        st.button(words.text("ui.controls.reset"), on_click=_reset, icon=":material/restart_alt:", type="tertiary")


def _held(key: str, otherwise: object) -> Any:  # noqa: ANN401  # whatever the control of that key holds
    """The value of a control drawn on an earlier run, on whichever page; `otherwise` on the first."""
    if key in st.session_state:
        st.session_state[_HELD + key] = st.session_state[key]
    return st.session_state.setdefault(_HELD + key, otherwise)


def _months_chosen(study: Study) -> tuple[date, date] | None:
    months = study.counts.months
    if len(months) < 2:
        return None
    return cast("tuple[date, date]", tuple(_held(_months_key(study), _months_from_link(months) or (months[0], months[-1]))))


def _months_key(study: Study) -> str:
    return f"months.{study.digest[:12]}"


def _narrowed(chosen: tuple[date, date] | None, months: Sequence[date]) -> tuple[date, date] | None:
    return None if chosen is None or chosen == (months[0], months[-1]) else chosen


def _show_months(study: Study, words: Translator) -> None:
    chosen, months, key = _months_chosen(study), study.counts.months, _months_key(study)
    if chosen is None:
        return
    st.select_slider(
        words.text("ui.controls.period"),
        months,
        value=st.session_state.setdefault(f"{key}.start", chosen),
        format_func=words.month,
        key=key,
        help=words.text("ui.controls.period_help"),
        persist_state="session",
    )
    narrowed = _narrowed(chosen, months)
    _remember("months", f"{narrowed[0]:%Y-%m}..{narrowed[1]:%Y-%m}" if narrowed else None)


def _months_from_link(months: Sequence[date]) -> tuple[date, date] | None:
    named = {f"{month:%Y-%m}": month for month in months}
    first, _, last = st.query_params.get("months", "").partition("..")
    if first in named and last in named and named[first] <= named[last]:
        return named[first], named[last]
    return None


def _segments_key(study: Study) -> str:
    return f"segments.{study.digest[:12]}"


def _segments_chosen(study: Study) -> list[str]:
    segments = study.counts.segments
    if len(segments) < 2:
        return []
    chosen = _held(_segments_key(study), [segment for segment in st.query_params.get_all("segment") if segment in segments])
    return [segment for segment in segments if segment in chosen]


def _show_segments(study: Study, words: Translator) -> None:
    segments, key = study.counts.segments, _segments_key(study)
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


def _assumptions_chosen() -> Assumptions:
    published = _start_chosen() == "evidence"
    ratio, spread = (FOLK_RATIO, DEFAULT_SPREAD) if published else (_step_chosen("ratio"), _step_chosen("spread"))
    return Assumptions(
        ratio=SilentRatioPrior(ratio, ratio / spread, ratio * spread),
        horizon_days=int(_step_chosen("horizon")),
        use_category_priors=published,
        category_priors=edited_priors() if published else (),
    )


def _show_assumptions(words: Translator) -> None:
    _show_starting_point(words)
    if _start_chosen() == "folk":
        _show_step("ratio", words, lambda step: words.text("ui.controls.one_to", ratio=step))
        _show_step("spread", words, lambda step: words.text("ui.controls.times", factor=step))
        prior = _assumptions_chosen().ratio
        st.caption(words.text("ui.controls.range", lower=prior.lower, upper=prior.upper))
    _show_step("horizon", words, lambda step: words.text("ui.controls.days", count=int(step)))


def _start_chosen() -> str:
    if START_NEXT in st.session_state:
        st.session_state["start"] = st.session_state.pop(START_NEXT)
    return str(_held("start", "evidence" if st.query_params.get("start") == "evidence" else "folk"))


def _show_starting_point(words: Translator) -> None:
    chosen = _start_chosen()
    if "start" not in st.session_state:
        st.session_state["start"] = chosen
    st.radio(
        words.text("ui.controls.start"),
        ("folk", "evidence"),
        format_func=lambda option: words.text(f"ui.controls.start_{option}"),
        key="start",
        help=words.text("ui.controls.start_help"),
        persist_state="session",
    )
    _remember("start", "evidence" if chosen == "evidence" else None)


def _step_chosen(name: str) -> float:
    steps, default = STEPS[name]
    asked = st.query_params.get(name, "")
    return float(_held(name, next((step for step in steps if f"{step:g}" == asked), default)))


def _show_step(name: str, words: Translator, label: Callable[[float], str]) -> None:
    steps, default = STEPS[name]
    chosen = _step_chosen(name)
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


def _reset() -> None:
    for name in list(st.session_state):
        if str(name).startswith(_HELD) or name in {"start", "ratio", "spread", "horizon", PRIORS} or str(name).startswith(("months.", "segments.")):
            del st.session_state[name]
    for name in ("start", "ratio", "spread", "horizon", "months", "segment"):
        _remember(name, None)
