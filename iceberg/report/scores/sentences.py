"""Says what customers had declared before they left, what their scores know of it, and what can be said of those who were not heard."""

from __future__ import annotations

import pandas as pd

from iceberg.locale import Translator, visible
from iceberg.model.results import CredibleInterval
from iceberg.model.scores.estimate import Declared, LastWords
from iceberg.report.scores.groups import OTHERS, groups_by_complaint, groups_by_segment, is_safe
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import share

PARTS = ("dissatisfied", "neutral", "satisfied", "not_heard")
KNOWS_NOTHING = 0.5  # of an AUC: chance


def declared_headline(declared: Declared, words: Translator) -> str:
    """The one sentence: of those who left, who had said what; or why it cannot be said."""
    group = declared.everybody
    if not group.leavers:
        return words.text("scores.nobody_left")
    if not is_safe(group):
        return words.text("scores.too_few", smallest=SMALLEST)
    return words.text(f"scores.headline{'' if group.neutral else '_two'}", **_shares(group, words), days=declared.scores.look_back_days)


def _shares(group: LastWords, words: Translator) -> dict[str, str]:
    said = {name: f"{words.integer(number)} ({share(number / group.leavers, words)})" for name, number in zip(PARTS, group.parts, strict=True)}
    return {"leavers": words.integer(group.leavers), **said}


def declared_sentences(declared: Declared, words: Translator, *, whole: bool = True) -> tuple[str, ...]:
    """What follows the headline: the silent who had given a bad score, what the score knows, the three lines, and the scores left out.

    Args:
        declared: The figures.
        words: Language.
        whole: Whether groups may be named; viewers read only what is said of all leavers.
    """
    found = [_of_silent(declared, words) if whole else "", _knows(declared, words), *share_lines(declared, words)]
    found += [_left_out(declared, words), _response(declared, words)]
    return tuple(one for one in found if one)


def _of_silent(declared: Declared, words: Translator) -> str:
    """Those who never complained, and had said by a score that they were dissatisfied."""
    silent = next((one for one in groups_by_complaint(declared) if one.name == ""), None)
    if silent is None or not silent.leavers or not silent.dissatisfied:
        return ""
    number, rate = words.integer(silent.dissatisfied), share(silent.dissatisfied / silent.leavers, words)
    return words.text("scores.silent_said", leavers=words.integer(silent.leavers), number=number, share=rate)


def _knows(declared: Declared, words: Translator) -> str:
    """How well the score tells leavers from stayers."""
    auc = declared.auc
    if auc is None:
        return words.text("scores.knows_unknown")
    kind = "something" if auc.lower > KNOWS_NOTHING else "reverse" if auc.upper < KNOWS_NOTHING else "nothing"
    values = {name: f"{100 * value:.0f}" for name, value in (("low", auc.lower), ("middle", auc.median), ("high", auc.upper))}
    return words.text(f"scores.knows_{kind}", **values)


def share_lines(declared: Declared, words: Translator) -> tuple[str, ...]:
    """The share of the satisfied among those who left, in three lines; none where a count is too small."""
    lines, group = declared.share, declared.everybody
    if lines is None or not is_safe(group) or not group.unheard:
        return ()
    said = []
    if lines.answered is not None:
        heard = words.integer(group.leavers - group.unheard)
        said.append(words.text("scores.line_answered", heard=heard, **_range(lines.answered, words)))
    said.append(words.text("scores.line_bounds", low=share(lines.lowest, words), high=share(lines.highest, words)))
    if lines.resembling is not None:
        said.append(words.text("scores.line_resemble", **_range(lines.resembling, words)))
    else:
        said.append(words.text(f"scores.no_line_{lines.reason}"))
    return tuple(said)


def _range(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    return {"low": share(interval.lower, words), "middle": share(interval.median, words), "high": share(interval.upper, words)}


def _left_out(declared: Declared, words: Translator) -> str:
    """Scores given at the cancellation, or after it."""
    given, after = declared.departure_scores, declared.scores.after
    said = []
    if given.leavers:
        kind = "found" if given.found else "chance"
        values = {"days": given.days, "expected": words.integer(given.expected)}
        said.append(words.text(f"scores.leak_{kind}", number=_number(given.leavers, words), **values))
    if after:
        said.append(words.text("scores.after", number=_number(after, words)))
    return " ".join(said)


def _number(number: int, words: Translator) -> str:
    """A count; one to four are not written."""
    return words.text("scores.fewer", smallest=SMALLEST) if 0 < number < SMALLEST else words.integer(number)


def _response(declared: Declared, words: Translator) -> str:
    """How much of the time at risk a score is valid, and how many questions were answered."""
    said = words.text("scores.heard_time", share=share(declared.heard_time, words))
    if declared.response_rate is not None:
        said += " " + words.text("scores.response_rate", share=share(declared.response_rate, words))
    return said


def group_name(group: LastWords, words: Translator) -> str:
    """What a row is called."""
    return words.text("scores.others") if group.name == OTHERS else visible(group.name) or words.text("scores.without_complaint")


def curve_sentence(declared: Declared, words: Translator) -> str:
    """Both ends of the curve."""
    table = curve_table(declared)
    if len(table) < 2:
        return words.text("scores.curve_none")
    low, high = table.iloc[0], table.iloc[-1]
    values = {"low": low["score"], "low_left": share(low["median"], words), "high": high["score"], "high_left": share(high["median"], words)}
    return words.text("scores.curve_says", **values)


def declared_table(declared: Declared, words: Translator, *, whole: bool = True) -> pd.DataFrame:
    """One row per group: kind (``all``, ``complaint``, ``segment``), name, leavers, and the parts in `PARTS`; empty where a count is too small."""
    if not declared.everybody.leavers or not is_safe(declared.everybody):
        return pd.DataFrame(columns=["kind", "name", "leavers", *PARTS])
    groups = [("all", declared.everybody)]
    if whole:
        groups += [("complaint", one) for one in groups_by_complaint(declared)]
        groups += [("segment", one) for one in groups_by_segment(declared)]
    rows = [
        {"kind": kind, "name": words.text("scores.everybody") if kind == "all" else group_name(one, words), "leavers": one.leavers}
        | dict(zip(PARTS, one.parts, strict=True))
        for kind, one in groups
    ]
    return pd.DataFrame(rows)


def curve_table(declared: Declared) -> pd.DataFrame:
    """One row per point of the curve: score (as text), low, high, leavers, expected, and the share who leave with its range."""
    step = 10 if declared.scores.scale == "percent" else 1
    rows = []
    for point in declared.curve:
        low, high = point.low * step, point.high * step
        rows.append(
            {
                "score": f"{low}" if low == high else f"{low}–{high}",
                "low": point.low,
                "high": point.high,
                "leavers": point.leavers,
                "expected": point.expected,
                "lower": point.left.lower,
                "median": point.left.median,
                "upper": point.left.upper,
            }
        )
    return pd.DataFrame(rows)
