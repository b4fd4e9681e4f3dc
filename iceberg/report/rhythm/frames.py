"""The frames behind the pictures of rhythms: weeks, stretches of four weeks, and the average trace; with the sentence that the trace says."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.locale import Translator
from iceberg.report.rhythm.sentences import safe_breaks, weekly

SHOWN_WEEKS = 53  # a year, and the week in which the same one of last year lies
_PERIOD = timedelta(weeks=4)
_QUARTER = (-13, -1)
_AFTER = (1, 7)  # week 0 is that of the break


def weeks_frame(counts: RhythmCounts) -> pd.DataFrame:
    """``week`` (its Monday) and ``activity`` (1 is usual; NaN where the log has a hole) of the last year."""
    rows = weekly(counts)[-SHOWN_WEEKS:]
    return pd.DataFrame(
        {"week": pd.to_datetime([day for day, _ in rows]), "activity": [level if level > 0 else float("nan") for _, level in rows]}
    )


def periods_frame(counts: RhythmCounts, *, smallest: int = 0) -> pd.DataFrame:
    """``first_day``, ``end``, ``breaks`` and ``by_chance`` of the last year's stretches of four weeks.

    Stretches that were not judged are left out, and with `smallest` those with breaks of fewer people.
    """
    first = weekly(counts)[-SHOWN_WEEKS:][0][0] if counts.weekly else counts.first_day
    rows = [
        (one.first_day, one.first_day + _PERIOD, breaks, min(one.by_chance or 0.0, breaks))
        for one in counts.periods
        if one.first_day >= first and (breaks := safe_breaks(one, smallest)) is not None
    ]
    frame = pd.DataFrame(rows, columns=["first_day", "end", "breaks", "by_chance"])
    return frame.assign(first_day=pd.to_datetime(frame["first_day"]), end=pd.to_datetime(frame["end"]))


def trace_frame(counts: RhythmCounts) -> pd.DataFrame:
    """``week`` before or after the break, ``level`` (1 is the own rhythm) and ``people``; weeks of fewer than five people are left out."""
    rows = [(one.week, one.level, one.people) for one in counts.trace if one.level is not None]
    return pd.DataFrame(rows, columns=["week", "level", "people"])


def trace_table(counts: RhythmCounts, words: Translator) -> pd.DataFrame:
    """The frame in words, for readers."""
    names = [words.text(f"rhythm.picture.{name}") for name in ("trace_axis", "level", "people")]
    rows = [(words.integer(week), words.percent(level), words.integer(people)) for week, level, people in trace_frame(counts).itertuples(index=False)]
    return pd.DataFrame(rows, columns=names)


def trace_sentence(counts: RhythmCounts, words: Translator) -> str:
    """How far the average trace falls."""
    frame = trace_frame(counts)
    means = [frame[frame["week"].between(*span)]["level"].mean() for span in (_QUARTER, _AFTER)]
    if frame.empty or any(pd.isna(mean) for mean in means):
        return words.text("rhythm.trace_none")
    before, after = (words.percent(float(mean)) for mean in means)
    return words.text("rhythm.trace_says", before=before, after=after)
