"""The controls of the sidebar: language, study, period, segments, starting ratio and horizon.

Choices other than the defaults are parameters of the address, so that a link opens the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, cast

import streamlit as st

from iceberg.locale import LANGUAGES, Translator, load_conventions
from iceberg.model.assumptions import FOLK_RATIO, Assumptions, SilentRatioPrior
from iceberg.ui.language import default_language
from iceberg.ui.plain_text import plain
from iceberg.ui.session.choices import START_NEXT, chosen_value, edited_priors, forget_choices
from iceberg.ui.session.current import forget_study
from iceberg.ui.session.published_study import SAMPLE_LINK, wants_sample
from iceberg.ui.session.study import Filters, Study

# Judgement: a ladder of ratios that people say aloud, about evenly spaced on the log scale. 1:25 is the folk figure.
RATIO_STEPS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 250.0)
# Judgement: how many times smaller or larger the ratio may be, 9 times in 10; 5 is the width of `SilentRatioPrior`.
SPREAD_STEPS = (1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
DEFAULT_SPREAD = 5.0
HORIZON_STEPS = (30.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0)
DEFAULT_HORIZON = float(Assumptions().horizon_days)
# Judgement: by how much a log or a survey may be wrong, from "trust it" to "it hardly counts".
BIAS_STEPS = {"incident_bias": (1.0, 1.3, 1.9, 2.5, 4.0, 8.0), "survey_bias": (1.0, 1.5, 2.0, 2.7, 4.0, 8.0)}
# Judgement: how far ahead companies plan, and what they discount by.
MONEY_STEPS = {"money_months": (3.0, 6.0, 12.0, 24.0, 36.0, 60.0, 120.0), "discount": (0.0, 0.02, 0.03, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2)}
_OF_ASSUMPTIONS = {"money_months": "residual_horizon_months", "discount": "annual_discount_rate"} | {name: name for name in BIAS_STEPS}
STEPS = {
    "ratio": (RATIO_STEPS, FOLK_RATIO),
    "spread": (SPREAD_STEPS, DEFAULT_SPREAD),
    "horizon": (HORIZON_STEPS, DEFAULT_HORIZON),
    **{name: (steps, float(getattr(Assumptions(), _OF_ASSUMPTIONS[name]))) for name, steps in (BIAS_STEPS | MONEY_STEPS).items()},
}
_UPLOAD = Path(__file__).parent / "pages" / "upload.py"
STARTS = ("folk", "evidence")
Control = Literal["period", "segments", "assumptions"]


@dataclass(frozen=True)
class View:
    """The reader's choices in the sidebar."""

    translator: Translator
    filters: Filters
    assumptions: Assumptions


def show_language(language: str) -> None:
    """Draw the switch of languages, each named in itself."""
    if st.session_state.get("lang") not in LANGUAGES:
        st.session_state["lang"] = language
    words = Translator(language)
    st.segmented_control(
        words.text("ui.controls.language"),
        LANGUAGES,
        format_func=lambda code: plain(load_conventions(code).name),
        key="lang",
        required=True,
        width="stretch",
    )
    _set_parameter("lang", None if st.session_state["lang"] == default_language() else st.session_state["lang"])


def show_study(study: Study, words: Translator) -> None:
    """Draw which study is on screen, and the way back to the sample."""
    with st.container(border=True, gap="xsmall"):
        if study.is_sample:
            st.badge(words.text("ui.study.sample"), icon=":material/science:", color="orange")
            st.caption(words.text("ui.study.sample_help"))
            if wants_sample():
                _set_parameter("study", SAMPLE_LINK)
        elif study.published is not None:
            st.badge(words.text("ui.study.published"), icon=":material/public:", color="blue")
            st.caption(plain(f"{study.name} · {words.text('ui.study.version', version=str(study.published.number))}"))
            _set_parameter("study", study.published.study_id)
        else:
            st.badge(words.text("ui.study.own"), icon=":material/description:", color="green")
            st.caption(plain(study.name or words.text("ui.study.typed")))
            st.page_link(_UPLOAD, label=words.text("ui.study.back_to_columns"), icon=":material/view_column:", query_params=link_with())
            with st.popover(words.text("ui.study.leave"), icon=":material/undo:", type="tertiary", key="leave"):
                st.markdown(plain(words.text("ui.study.leave_question")))
                st.button(words.text("ui.study.back_to_sample"), on_click=forget_study, icon=":material/delete:", key="press.sample")


def read_view(study: Study, words: Translator, *, shown: frozenset[Control]) -> View:
    """The choices so far, read before any control is drawn: on a first visit the page is drawn before its controls.

    Args:
        study: Its months and segments can be chosen.
        words: The reader's language.
        shown: The controls of the page; the choices of the others wait for the pages that have them.
    """
    months = _narrowed(_months_chosen(study), study.months) if "period" in shown else None
    segments = _segments_chosen(study) if "segments" in shown else None
    assumptions = _assumptions_chosen(study) if "assumptions" in shown else study.assumptions
    return View(words, Filters(segments, months), assumptions)


def show_controls(study: Study, words: Translator, *, shown: frozenset[Control]) -> None:
    """Draw the controls of a page; `read_view` reads them."""
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


def _months_chosen(study: Study) -> tuple[date, date] | None:
    months = study.months
    if len(months) < 2:
        return None
    return cast("tuple[date, date]", tuple(chosen_value(_months_key(study), _months_from_link(months) or (months[0], months[-1]))))


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
        format_func=lambda month: plain(_period(study, month, words)),
        key=key,
        help=words.text("ui.controls.period_help"),
        persist_state="session",
    )
    narrowed = _narrowed(chosen, months)
    _set_parameter("months", f"{narrowed[0]:%Y-%m}..{narrowed[1]:%Y-%m}" if narrowed else None)


def _period(study: Study, month: date, words: Translator) -> str:
    """A month, or the first and last of those that a viewer sees as one."""
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


@dataclass(frozen=True)
class _SegmentChoice:
    """One list of the sidebar: the segments, or the levels of one of the columns that make them."""

    label: str
    names: tuple[str, ...]
    of_segment: tuple[str, ...]
    key: str
    parameter: str

    def chosen(self) -> list[str]:
        """What the reader chose in it, or came with in the address; empty for all, also where each one was chosen."""
        linked = [name for name in st.query_params.get_all(self.parameter) if name in self.names]
        kept = chosen_value(self.key, linked)
        chosen = [name for name in self.names if name in kept]
        return [] if len(chosen) == len(self.names) else chosen


def _segment_choices(study: Study, words: Translator | None = None) -> list[_SegmentChoice]:
    segments, key = study.segments, _segments_key(study)
    if len(segments) < 2:
        return []
    if not study.segment_columns:
        return [_SegmentChoice("" if words is None else words.text("ui.controls.segments"), segments, segments, key, "segment")]
    by_column = zip(study.segment_columns, zip(*study.segment_levels, strict=True), strict=True)
    return [
        _SegmentChoice(column, tuple(sorted(set(levels))), levels, f"{key}.{number}", f"segment{number}")
        for number, (column, levels) in enumerate(by_column, 1)
    ]


def _segments_chosen(study: Study) -> tuple[str, ...] | None:
    """The segments that every list has chosen; None for all of them."""
    lists = [(choice, chosen) for choice in _segment_choices(study) if (chosen := choice.chosen())]
    if not lists:
        return None
    places = [place for place in range(len(study.segments)) if all(choice.of_segment[place] in chosen for choice, chosen in lists)]
    return tuple(study.segments[place] for place in places)


def _show_segments(study: Study, words: Translator) -> None:
    for choice in _segment_choices(study, words):
        chosen = choice.chosen()
        if choice.key not in st.session_state or not chosen:  # each one chosen is all of them: the list is empty again
            st.session_state[choice.key] = chosen
        st.multiselect(
            plain(choice.label),
            choice.names,
            format_func=lambda name: name or words.text("ui.controls.no_segment"),
            key=choice.key,
            placeholder=words.text("ui.controls.all_segments"),
            help=words.text("ui.controls.segments_help"),
            persist_state="session",
            select_all=False,  # its words are English
        )
        _set_parameter(choice.parameter, chosen or None)
    if study.axes is not None and not study.axes.both and _segments_chosen(study) and _narrowed(_months_chosen(study), study.months):
        st.caption(words.text("ui.controls.one_of_two"))


def _assumptions_chosen(study: Study) -> Assumptions:
    """The assumptions of the sliders; where none was moved, exactly those of the study."""
    evidence = _start_chosen(study) == "evidence"
    steps = {name: _step_chosen(study, name) for name in STEPS}
    usual = study.assumptions
    moved = {name for name, step in steps.items() if step != _ladder(study, name)[1]}
    if evidence == usual.use_category_priors and not (moved - {"ratio", "spread"} if evidence else moved) and not (evidence and edited_priors()):
        return usual
    ratio, spread = (FOLK_RATIO, DEFAULT_SPREAD) if evidence else (steps["ratio"], steps["spread"])
    return replace(
        usual,
        ratio=SilentRatioPrior(ratio, ratio / spread, ratio * spread),
        horizon_days=int(steps["horizon"]),
        incident_bias=steps["incident_bias"],
        survey_bias=steps["survey_bias"],
        residual_horizon_months=int(steps["money_months"]),
        annual_discount_rate=steps["discount"],
        use_category_priors=evidence,
        category_priors=(edited_priors() or usual.category_priors) if evidence else (),
    )


def _show_assumptions(study: Study, words: Translator) -> None:
    _show_starting_point(study, words)
    if _start_chosen(study) == "folk":
        _show_step(study, "ratio", words, words.decimal)
        _show_step(study, "spread", words, lambda step: words.text("ui.controls.times", factor=step))
        prior = _assumptions_chosen(study).ratio
        st.caption(plain(words.text("ui.controls.range", lower=prior.lower, upper=prior.upper)))
    _show_step(study, "horizon", words, lambda step: words.text("ui.controls.days", count=int(step)))
    observed = study.counts.observed
    for name, asked in zip(BIAS_STEPS, (observed.incidents, observed.survey) if observed else (), strict=False):
        if asked.any():
            _show_step(study, name, words, lambda step: words.text("ui.controls.times", factor=step))
    if study.counts.has_revenue:
        _show_step(study, "money_months", words, lambda step: words.text("ui.controls.months", count=int(step)))
        _show_step(study, "discount", words, words.percent)


def _ladder(study: Study, name: str) -> tuple[Sequence[float], float]:
    """The steps of a slider and its first position; the value that the study assumes is one of them."""
    steps, _ = STEPS[name]
    ratio, days = study.assumptions.ratio, study.assumptions.horizon_days
    assumed = {"ratio": ratio.median, "spread": math.sqrt(ratio.upper / ratio.lower), "horizon": float(days)}
    assumed |= {step: float(getattr(study.assumptions, field)) for step, field in _OF_ASSUMPTIONS.items()}
    near = next((step for step in steps if math.isclose(step, assumed[name], rel_tol=1e-6, abs_tol=1e-9)), None)
    return (steps, near) if near is not None else (tuple(sorted((*steps, assumed[name]))), assumed[name])


def _start_chosen(study: Study) -> str:
    if START_NEXT in st.session_state:
        st.session_state["start"] = st.session_state.pop(START_NEXT)
    asked = st.query_params.get("start")
    return str(chosen_value("start", asked if asked in STARTS else _usual_start(study)))


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
    _set_parameter("start", None if chosen == _usual_start(study) else chosen)


def _step_chosen(study: Study, name: str) -> float:
    steps, default = _ladder(study, name)
    asked = st.query_params.get(name, "")
    return float(chosen_value(name, next((step for step in steps if f"{step:g}" == asked), default)))


def _show_step(study: Study, name: str, words: Translator, label: Callable[[float], str]) -> None:
    steps, default = _ladder(study, name)
    chosen = _step_chosen(study, name)
    if name not in st.session_state:
        st.session_state[name] = chosen
    st.select_slider(
        words.text(f"ui.controls.{name}"),
        steps,
        format_func=lambda step: plain(label(step)),
        key=name,
        help=words.text(f"ui.controls.{name}_help"),
        persist_state="session",
    )
    _set_parameter(name, None if chosen == default else f"{chosen:g}")


def _set_parameter(name: str, value: str | list[str] | None) -> None:
    """Set a parameter of the address, or remove it where `value` is None; an unchanged address is not sent again."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get_all(name) != ([value] if isinstance(value, str) else value):
        st.query_params[name] = value


def link_with(**choices: str) -> dict[str, list[str]]:
    """The parameters of a link to another page with the choices made here, valid in a new window too; `choices` are that page's own."""
    here = {name: st.query_params.get_all(name) for name in st.query_params if name != "category"}
    return here | {name: [value] for name, value in choices.items()}


def _reset() -> None:
    forget_choices()
    columns = [name for name in st.query_params if name.startswith("segment")]
    for name in ("start", *STEPS, "months", *columns):
        _set_parameter(name, None)


