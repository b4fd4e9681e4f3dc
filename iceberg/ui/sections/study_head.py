"""What stands about a published version below the answer: who published it, the other versions, and what changed."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.locale import Translator
from iceberg.model.assumptions import SilentRatioPrior
from iceberg.report.comparison import comparison_headline
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import customers_range
from iceberg.store.studies import VersionEntry
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached, stored_version
from iceberg.ui.session.open_versions import open_versions
from iceberg.ui.session.published_study import choose_version
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.model.results import CredibleInterval
    from iceberg.store.changes import Cause, Change

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def show_study_details(frame: Frame) -> None:
    """Show who published the version, the other versions and what changed, where a published study is on screen."""
    entry = frame.study.published
    if entry is None:
        return
    words = frame.words
    entries, bare = open_store().versions(entry.study_id), frozenset[int]()
    if frame.study.axes is not None:  # a viewer: what changed is said of versions that may both be opened
        opened = open_versions(entries)
        entries, bare = tuple(version for version in entries if version.number in opened.numbers), opened.bare
    st.subheader(words.text("ui.study.about"), anchor=False)
    day = entry.published_at.date()
    st.caption(plain(words.text("ui.study.published_by", author=entry.author or "–", day=day, version=str(entry.number))))
    if len(entries) > 1:
        _show_versions(frame, entry, entries)
    if frame.study.axes is not None:
        veiled, why = (words.text(f"ui.study.{key}", smallest=SMALLEST) for key in ("veiled", "veiled_help"))
        st.caption(plain(veiled), help=plain(why))
        if entry.number in bare:
            st.caption(plain(words.text("ui.study.bare", smallest=SMALLEST)))
    earlier = next((version for version in entries if version.number < entry.number), None)
    if earlier is not None:
        _show_change(frame, earlier, entry)


def _show_versions(frame: Frame, entry: VersionEntry, entries: tuple[VersionEntry, ...]) -> None:
    labels = {
        version.number: frame.words.text("ui.study.version_of", version=str(version.number), day=version.published_at.date()) for version in entries
    }
    numbers = list(labels)
    key = f"version.{entry.study_id}.{entry.number}"

    def choose() -> None:
        chosen = st.session_state[key]
        choose_version(entry.study_id, None if chosen == numbers[0] else chosen)

    st.selectbox(
        frame.words.text("ui.study.versions"),
        numbers,
        index=numbers.index(entry.number),
        format_func=labels.__getitem__,
        key=key,
        on_change=choose,
        width=260,
    )


def _show_change(frame: Frame, earlier: VersionEntry, entry: VersionEntry) -> None:
    words = frame.words
    title = plain(words.text("ui.changes.title", version=str(earlier.number)))
    folded = st.expander(title, icon=":material/difference:", key="changes", on_change="rerun", type="compact")
    if not folded.open:
        return
    with folded:
        key = f"changes|{earlier.study_id}|{earlier.number}|{entry.number}"
        from iceberg.store.changes import explain_change  # brings the estimator, which a first visit does not need

        change = cached(key, lambda: explain_change(stored_version(earlier), stored_version(entry)), study=frame.study)
        st.markdown(plain(_change_sentence(change, words)))
        for name, cause in (("data", change.data), ("assumptions", change.assumptions), ("method", change.method)):
            sentence, facts = _cause_sentences(name, cause, words)
            st.markdown("".join([plain(sentence), *(f"\n- {plain(fact)}" for fact in facts)]))


def _change_sentence(change: Change, words: Translator) -> str:
    before, after = customers_range(change.before, words), customers_range(change.after, words)
    if change.rates is not None:
        first, last = (months_between(months) for months in (change.rates.months_before, change.rates.months_after))
        return f"{words.text('ui.changes.unequal', before=first, after=last)} {comparison_headline(change.rates, words)}"
    return words.text(
        "ui.changes.sentence",
        before_low=before["low"],
        before_high=before["high"],
        after_low=after["low"],
        after_high=after["high"],
        difference=_signed(change.difference, words),
        fell=words.percent(change.probability_fell),
    )


def months_between(months: tuple[date, date] | None) -> int:
    """Months of a window, the first and the last included."""
    first, last = months or (date.min, date.min)
    return 12 * (last.year - first.year) + last.month - first.month + 1


def _cause_sentences(name: str, cause: Cause, words: Translator) -> tuple[str, list[str]]:
    """The sentence about a cause, and its facts."""
    if not cause.moved:
        return words.text(f"ui.changes.{name}_same"), []
    facts = [_fact(name, *fact, words) for fact in cause.facts]
    effect = "" if cause.effect is None else words.text("ui.changes.effect", effect=_signed(cause.effect, words))
    if cause.answers is not None:
        effect = _two_answers(*cause.answers, words)
    return f"{words.text(f'ui.changes.{name}_moved')} {effect}", facts


def _two_answers(was: CredibleInterval, now: CredibleInterval, words: Translator) -> str:
    """The answer of another method for the same counts, beside the answer of this one."""
    before, after = customers_range(was, words), customers_range(now, words)
    shift = _minus(_with_sign(now.median - was.median))
    ends = {f"before_{end}": value for end, value in before.items()} | {f"after_{end}": value for end, value in after.items()}
    return words.text("ui.changes.two_answers", shift=shift, **ends)


def _fact(cause: str, code: str, before: object, after: object, words: Translator) -> str:
    name = f"assumption_{code}" if cause == "assumptions" else code
    values = {"before": _as_text(before, words), "after": _as_text(after, words)}
    return words.text("ui.changes.fact", name=words.text(f"ui.changes.{name}"), **values)


def _as_text(value: object, words: Translator) -> str:
    """A value as part of a sentence; a ratio by its median and range."""
    if isinstance(value, SilentRatioPrior):
        ends = {"median": value.median, "lower": value.lower, "upper": value.upper}
        return words.text("ui.changes.ratio", **{name: words.decimal(end) for name, end in ends.items()})
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, str) and _DAY.fullmatch(item) for item in value):
        since, as_of = (date.fromisoformat(item) for item in value)
        return words.text("export.period.days", since=since, as_of=as_of)
    if isinstance(value, tuple):
        return " – ".join(value) if all(isinstance(item, str) for item in value) else str(len(value))
    return str(words.format(value))


def _signed(interval: CredibleInterval, words: Translator) -> str:
    low, middle, high = (_with_sign(value) for value in (interval.lower, interval.median, interval.upper))
    if low == high:
        return _minus(middle)
    return words.text("ui.changes.signed", low=_minus(low), median=_minus(middle), high=_minus(high))


def _with_sign(value: float) -> str:
    return f"{round(value):+d}" if round(value) else "0"


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
