"""Breaks of rhythm in sentences and in tables of cells, in the language of the reader."""

from __future__ import annotations

from datetime import date, timedelta

from iceberg.cohort.rhythm.counts import COMPANIONS, KINDS, CountRange, RhythmCategory, RhythmCounts, RhythmPeriod, RhythmRemark
from iceberg.locale import Translator
from iceberg.model.decision.ripple import RippleScenario

Grid = list[list[str]]
_SHOWN_PERIODS = 13
_UNNAMED = {"", "(no category)"}  # how reading labels a blank category


def rhythm_headline(counts: RhythmCounts, words: Translator, *, smallest: int = 0) -> str:
    """How many broke with their habit, how many would be usual, and after what it happens most.

    Args:
        counts: The rhythms.
        words: Language.
        smallest: Above 0 for readers who may not see counts of fewer people, nor groups.
    """
    if 0 < counts.collapsing < smallest:
        return words.text("rhythm.too_few", smallest=smallest)
    values = {"count": counts.collapsing, "since": counts.since}
    if counts.usual is None:
        text = words.text("rhythm.headline.no_past", **values)
    else:
        key = "more" if counts.stands_out else "fewer" if counts.collapsing < counts.usual.lower else "usual"
        text = words.text(f"rhythm.headline.{key}", **values, **_ends(counts.usual, words), usual=words.integer(counts.usual.median))
    worst = None if smallest else worst_category(counts)
    if worst is not None and worst.ratio is not None:
        ratio = {name: _times(value, words) for name, value in vars(worst.ratio).items()}
        text += " " + words.text(f"rhythm.headline.after_{worst.source}", category=category_name(worst, words), **ratio)
    return text


def rhythm_sentences(counts: RhythmCounts, words: Translator, *, smallest: int = 0) -> list[str]:
    """What stands below the headline: who lasts, who is judged, how sure it is, and what the log cannot show.

    With `smallest` above 0 only what holds no count of people.
    """
    said = []
    if counts.collapsing and not smallest:
        said.append(
            words.text(
                "rhythm.lasting",
                share=words.percent(counts.unlikely_to_return),
                settled=counts.settled,
                from_=words.percent(counts.settled_from),
                chance=words.rounded(counts.expected_by_chance),
            )
        )
        said.append(words.text("rhythm.kinds.sentence", **{kind: counts.kinds[kind] for kind in KINDS}))
    if not smallest:
        said.append(words.text("rhythm.risk_set", established=counts.established, customers=counts.customers, slow=counts.slow, left=counts.left))
    threshold = words.percent(counts.threshold, 1 if round(1000 * counts.threshold) % 10 else 0)
    if counts.false_alarms is not None:
        rates = {"rate": words.decimal(counts.false_alarms, 1), "budget": words.decimal(counts.budget, 1)}
        said.append(words.text("rhythm.alarms", threshold=threshold, **rates))
    said.append(words.text("rhythm.visible", visible=counts.visible_until))
    return said


def weekly(counts: RhythmCounts) -> list[tuple[date, float]]:
    """The first day of each week of the log and its activity."""
    return [(counts.first_day + timedelta(weeks=week), level) for week, level in enumerate(counts.weekly)]


def safe_breaks(period: RhythmPeriod, smallest: int) -> float | None:
    """The breaks of a period; None where they are not known, or are too few people for the reader."""
    if period.breaks is None or 0 < round(period.breaks) < smallest:
        return None
    return period.breaks


def ripple_sentence(scenario: RippleScenario, words: Translator) -> str:
    """What one who leaves would take along, as the assumption that it is."""
    extra = {name: words.decimal(value, 1) for name, value in vars(scenario.extra).items()}
    ratio = {f"ratio_{name}": _times(value, words) for name, value in vars(scenario.hazard_ratio).items()}
    return words.text("rhythm.ripple", brought=scenario.brought, hazard=words.percent(scenario.hazard, 1), **extra, **ratio)


def kinds_word(kind: str, words: Translator) -> str:
    """The name of a kind of break."""
    return words.text(f"rhythm.kinds.{kind}")


def worst_category(counts: RhythmCounts) -> RhythmCategory | None:
    """The category after which breaks are most above what is expected; None where none is distinguishable."""
    more = [one for one in counts.categories if one.verdict == "more" and one.ratio is not None]
    return max(more, key=lambda one: one.ratio.lower if one.ratio is not None else 0.0, default=None)


def category_name(one: RhythmCategory, words: Translator) -> str:
    """A category as it is shown; ``(no category)`` is a word of the language."""
    if one.source == COMPANIONS:
        return words.text("rhythm.lost_companion")
    return words.text("ingest.uncategorised") if one.category in _UNNAMED else one.category


def category_table(counts: RhythmCounts, words: Translator) -> tuple[list[str], Grid]:
    """After what it happens: struck, breaks, expected ones, the ratio, the placebo, and what that says."""
    names = ("category", "source", "struck", "observed", "expected", "ratio", "placebo", "verdict")
    rows = [
        [
            category_name(one, words),
            words.text(f"ingest.tables.{'customers' if one.source == COMPANIONS else one.source}"),
            words.integer(one.struck),
            words.integer(one.observed),
            words.decimal(one.expected, 1),
            _ratio(one.ratio, words),
            _ratio(one.placebo, words),
            words.text(f"rhythm.verdicts.{one.verdict}"),
        ]
        for one in sorted(counts.categories, key=lambda one: -(one.ratio.lower if one.ratio is not None else -1.0))
    ]
    return [words.text(f"rhythm.columns.{name}") for name in names], rows


def period_table(counts: RhythmCounts, words: Translator, *, smallest: int = 0) -> tuple[list[str], Grid]:
    """The last year in stretches of four weeks; with `smallest` those with breaks of fewer people hold the activity only."""
    names = ("period", "activity", "at_risk", "breaks", "by_chance")
    unknown, rows = words.text("rhythm.unknown"), []
    for one in counts.periods[-_SHOWN_PERIODS:]:
        judged = [unknown] * 3
        if safe_breaks(one, smallest) is not None:
            judged = [words.integer(one.at_risk or 0), words.integer(one.breaks or 0), words.decimal(one.by_chance or 0, 1)]
        rows.append([words.date(one.first_day), words.percent(one.activity), *judged])
    return [words.text(f"rhythm.columns.{name}") for name in names], rows


def segment_table(counts: RhythmCounts, words: Translator) -> tuple[list[str], Grid]:
    """Regulars, breaks, those that last and those expected at the rate of all."""
    names = ("segment", "established", "collapsing", "settled", "expected_here")
    rows = [
        [
            one.segment or words.text("rhythm.other_segments"),
            *(words.integer(value) for value in (one.established, one.collapsing, one.settled)),
            words.integer(one.expected),
        ]
        for one in counts.segments
    ]
    return [words.text(f"rhythm.columns.{name}") for name in names], rows


def backtest_table(counts: RhythmCounts, words: Translator) -> tuple[list[str], Grid]:
    """What was said in the past of this log, and what came of it."""
    rows = [[words.percent(one.said), words.percent(one.lasted), words.integer(one.n)] for one in counts.backtest]
    return [words.text(f"rhythm.columns.{name}") for name in ("said", "lasted", "spells")], rows


def remark_sentence(remark: RhythmRemark, words: Translator) -> str:
    """What the reader must know about the log."""
    return words.text(f"rhythm.remarks.{remark.code}", **remark.values)


def _ends(one: CountRange, words: Translator) -> dict[str, str]:
    return {"lower": words.integer(one.lower), "upper": words.integer(one.upper)}


def _times(value: float, words: Translator) -> str:
    return words.decimal(value, 0 if value >= 9.95 else 1)


def _ratio(one: CountRange | None, words: Translator) -> str:
    if one is None:
        return words.text("rhythm.unknown")
    return words.text("rhythm.ratio", **{name: _times(value, words) for name, value in vars(one).items()})
