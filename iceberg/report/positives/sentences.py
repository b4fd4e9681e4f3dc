"""Says whether good moments keep customers, with whom those who had one were compared, and what was left out."""

from __future__ import annotations

import pandas as pd

from iceberg.cohort.positives.positive_counts import EVERY_KIND, OTHER_KINDS, PositiveCounts
from iceberg.locale import Translator, visible
from iceberg.model.positives.estimate import Enchantment, MomentEffect
from iceberg.model.priors import LEAST_EXPECTED_LEAVERS
from iceberg.model.results import CredibleInterval
from iceberg.report.small_cells import SMALLEST

# Columns of `positives_table` that a table shows, with the sentence of `positives` that heads each.
TABLE_COLUMNS = {"name": "kind", "customers": "customers", "leavers": "leavers", "expected": "expected", "saved": "saved", "says": "reading"}
SHOWN = ("protects", "harms", "unclear")  # readings of which a figure is shown


def positives_headline(found: Enchantment, words: Translator) -> str:
    """The one sentence: how many stayed because of a good moment, or why that cannot be said."""
    whole = found.whole
    values = {"customers": _number(whole.customers, words), "least": words.integer(LEAST_EXPECTED_LEAVERS)}
    values |= {"leavers": _number(whole.leavers, words), "expected": words.integer(whole.expected)}
    if whole.saved is not None:
        values |= _counts(whole.saved if whole.reading != "harms" else _turned(whole.saved), words)
    return words.text(f"positives.headline_{whole.reading}", **values)


def _turned(interval: CredibleInterval) -> CredibleInterval:
    """The interval of the number with the other sign."""
    return CredibleInterval(-interval.upper, -interval.median, -interval.lower, interval.mass)


def _counts(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    return {name: _signed(value, words) for name, value in (("low", interval.lower), ("middle", interval.median), ("high", interval.upper))}


def _signed(value: float, words: Translator) -> str:
    """A whole number; one below 0 has the sign of the charts, which no line ends after."""
    return words.integer(value).replace("-", "\N{MINUS SIGN}")


def positives_sentences(found: Enchantment, words: Translator) -> tuple[str, ...]:
    """What follows: the comparison, its placebos, and what was left out. Without the placebos where nothing can be said of the effect."""
    counts, whole = found.positives, found.whole
    said = [words.text(f"positives.compared_{'visits' if counts.sees_engagement else 'blind'}")]
    if whole.reading in SHOWN:
        if whole.reading == "unclear" and whole.saved is not None:
            said.append(words.text("positives.range_unclear", **_counts(whole.saved, words)))
        for name, ratio in (("long_before", whole.long_before), ("just_before", whole.just_before)):
            if ratio is not None:
                said.append(words.text(f"positives.{name}", **_ratios(ratio, words)))
            elif counts.sees_engagement:
                said.append(words.text(f"positives.{name}_unknown"))
        if whole.faded is not None:
            said.append(words.text("positives.faded", **_ratios(whole.faded, words)))
    return (*said, *_left_out(counts, words))


def _ratios(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    return {"low": words.decimal(interval.lower, 2), "middle": words.decimal(interval.median, 2), "high": words.decimal(interval.upper, 2)}


def _left_out(counts: PositiveCounts, words: Translator) -> list[str]:
    """Customers and rows that say nothing, each kind with its number."""
    left_out = (("unmatched", counts.unmatched), ("after", counts.after), ("later", counts.later), ("outside", counts.outside))
    return [words.text(f"positives.{name}", number=_number(number, words)) for name, number in left_out if number]


def _number(number: int, words: Translator) -> str:
    """A count; one to four are not written."""
    return words.text("scores.fewer", smallest=SMALLEST) if 0 < number < SMALLEST else words.integer(number)


def kind_name(counts: PositiveCounts, kind: int, words: Translator) -> str:
    """What moments of a kind are called: in the reader's language where the product knows them, else as the file writes them."""
    if kind == EVERY_KIND:
        return words.text("positives.every")
    code, name = counts.codes[kind], counts.kinds[kind]
    if code:
        return words.text(f"positives.kinds.{code}")
    return words.text("positives.others") if name == OTHER_KINDS else visible(name) or words.text("positives.unnamed")


def positives_table(found: Enchantment, words: Translator, *, whole: bool = True) -> pd.DataFrame:
    """One row for all moments and one per kind: name, customers, leavers, expected, saved and says as texts; reading; lower, median, upper of saved.

    Args:
        found: The figures.
        words: Language.
        whole: Whether kinds are listed; viewers read only what is said of all moments, since the others could be subtracted.
    """
    effects = (found.whole, *(found.kinds if whole else ()))
    return pd.DataFrame([_row(found.positives, one, words) for one in effects])


def positives_grid(found: Enchantment, words: Translator) -> tuple[list[str], list[list[str]]]:
    """The headers and the rows of `positives_table`, as texts."""
    rows = positives_table(found, words).to_dict("records")
    return [words.text(f"positives.{label}") for label in TABLE_COLUMNS.values()], [[str(row[name]) for name in TABLE_COLUMNS] for row in rows]


def _row(counts: PositiveCounts, one: MomentEffect, words: Translator) -> dict[str, object]:
    saved = one.saved if one.reading in SHOWN else None
    shown = one.reading in SHOWN
    return {
        "name": kind_name(counts, one.kind, words),
        "customers": _number(one.customers, words),
        "leavers": _number(one.leavers, words) if shown else "",
        "expected": words.integer(one.expected) if shown else "",
        "saved": words.text("report.range_words", low=_signed(saved.lower, words), high=_signed(saved.upper, words)) if saved else "",
        "says": words.text(f"positives.reading_{one.reading}"),
        "reading": one.reading,
        "lower": saved.lower if saved else None,
        "median": saved.median if saved else None,
        "upper": saved.upper if saved else None,
    }
