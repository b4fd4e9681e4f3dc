"""Writes decisions: what to fix with this money, how sure that is and what it hangs on; the mirror; and how far off a guess was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from iceberg.locale import Translator, round_significant
from iceberg.model.decision.fixes import LONGEST_YEARS, Decisions, FixOutcome
from iceberg.model.decision.mirror import Mirror
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.tables.decisions import decision_table
from iceberg.report.tables.estimate import currency_of
from iceberg.report.words import customers, customers_range, in_hundred, money_range, share

SELDOM = 0.05  # judgement: below this, a fix is said almost never to pay


def decision_headline(decisions: Decisions, estimate: IcebergEstimate, words: Translator) -> str:
    """What to do with the money, in a sentence; with the loudest category where fixing that one is another matter."""
    best = decisions.best
    if best is None:
        return _kept_headline(decisions, words)
    within, loudest = _within(decisions, words), _loudest(decisions, estimate)
    if not best.categories:
        closest = max(decisions.outcomes, key=lambda one: one.probability_pays or 0.0)
        values = {"category": closest.action.category, "chance": _chance(closest, words), "within": within}
        return words.text("decide.none_pays", **values)
    values = {"outlay": _money(best.outlay, estimate, words), "names": _quoted(best.categories, words), "within": within}
    brings = span_text(best.net_present_value, estimate, words)
    said = words.text("decide.best", **values, chance=in_hundred(best.probability_pays, words), value=brings)
    if loudest is None or loudest.action.category in best.categories or loudest.probability_pays is None:
        return said
    key = "loudest_never" if loudest.probability_pays < SELDOM else "loudest"
    return f"{said} {words.text(f'decide.{key}', category=loudest.action.category, chance=_chance(loudest, words))}"


def doubt_sentences(decisions: Decisions, estimate: IcebergEstimate, words: Translator) -> tuple[str, ...]:
    """What the choice hangs on: the runner-up, the efficacy and where the decision turns, and what certainty would be worth."""
    found = []
    best, second = decisions.best, decisions.runner_up
    if best is not None and second is not None:
        names = _quoted(second.categories, words) if second.categories else words.text("decide.nothing")
        values = {"names": names, "regret": _money(decisions.regret, estimate, words), "chance": in_hundred(decisions.runner_up_better, words)}
        found.append(words.text("decide.runner_up", **values))
    first = next((one for one in decisions.outcomes if best is not None and one.action.category in best.categories), None)
    if first is None:
        first = max(decisions.outcomes, key=lambda one: one.probability_pays or 0.0)
    turns = doubt_of_fix(first, words)
    found += [turns] if turns else []
    if decisions.value_of_certainty is not None:
        found.append(words.text("decide.certainty", value=_money(decisions.value_of_certainty, estimate, words)))
    return tuple(found)


def doubt_of_fix(one: FixOutcome, words: Translator) -> str:
    """Which share of the doubt the efficacy of a fix carries, and above which efficacy it pays on average; "" without money."""
    if one.break_even_efficacy is None:
        return ""
    reachable = one.break_even_efficacy < 1
    values = {"category": one.action.category, "share": share(one.efficacy_share, words), "assumed": share(one.action.efficacy.mean, words)}
    flips = words.percent(round_significant(one.break_even_efficacy)) if reachable else ""
    return words.text("decide.turns" if reachable else "decide.never_turns", **values, flips=flips)


def idle_sentence(decisions: Decisions, estimate: IcebergEstimate, words: Translator) -> str:
    """The cost of doing nothing about the dearest of these problems."""
    one = max(decisions.outcomes, key=lambda outcome: (outcome.idle_money or outcome.idle).median)
    key = "idle" if one.idle_money is None else "idle_money"
    values: dict[str, Any] = {"category": one.action.category, **customers_range(one.idle, words)}
    return words.text(f"decide.{key}", **values, money="" if one.idle_money is None else span_text(one.idle_money, estimate, words))


def payback_text(payback: CredibleInterval | None, words: Translator) -> str:
    """Months until the money has come back: "7 (4 to > 120)"; a dash where it is unknown."""
    if payback is None:
        return words.text("report.unknown")
    low, middle, high = (
        words.integer(end) if math.isfinite(end) else words.text("decide.longer", months=12 * LONGEST_YEARS)
        for end in (payback.lower, payback.median, payback.upper)
    )
    return middle if low == middle == high else words.text("export.likely_range", middle=middle, low=low, high=high)


def display_decisions(decisions: Decisions, estimate: IcebergEstimate, words: Translator) -> pd.DataFrame:
    """`decision_table` as a reader of this language sees it."""
    outcomes = {one.action.category: one for one in decisions.outcomes}
    shown: list[dict[str, str]] = []
    for category in decision_table(decisions)["category"]:
        one = outcomes[category]
        kept = customers_range(one.kept, words)
        row = {
            "category": category,
            "cost": _money(one.action.outlay, estimate, words),
            "kept": words.text("export.likely_range", middle=kept["middle"], low=kept["low"], high=kept["high"]),
            "money": words.text("report.unknown") if one.money is None else span_text(one.money, estimate, words),
            "value": words.text("report.unknown") if one.net_present_value is None else span_text(one.net_present_value, estimate, words),
            "pays": share(one.probability_pays, words),
            "payback": payback_text(one.payback_months, words),
            "best": share(one.probability_in_best_set, words),
        }
        shown.append({words.text(f"decide.columns.{name}"): value for name, value in row.items()})
    return pd.DataFrame(shown)


def mirror_sentence(mirror: Mirror, words: Translator) -> str:
    """What the company hears beside why its customers leave."""
    values = {"loudest": mirror.loudest, "costliest": mirror.costliest, "chance": in_hundred(mirror.probability, words)}
    return words.text("decide.mirror_agrees" if mirror.agrees else "decide.mirror_differs", **values)


def index_sentence(mirror: Mirror, words: Translator) -> str:
    """How far the two pictures are apart."""
    index = mirror.index
    return words.text("decide.index", middle=share(index.median, words), low=share(index.lower, words), high=share(index.upper, words))


def guess_sentences(estimate: IcebergEstimate, words: Translator, *, category: str | None, number: float | None) -> tuple[str, ...]:
    """How far off a guess was: the category, then the number of silent leavers, of what was guessed."""
    of_category = () if category is None else (_guessed_category(estimate, words, category),)
    return (*of_category, *(() if number is None else (_guessed_number(estimate, words, number),)))


def _guessed_category(estimate: IcebergEstimate, words: Translator, category: str) -> str:
    guessed = next(item for item in estimate.categories if item.category == category)
    first = max(estimate.categories, key=lambda item: item.probability_worst or 0.0)
    values = {"guess": category, "first": first.category, "chance": in_hundred(first.probability_worst or 0.0, words)}
    right = guessed.category == first.category
    return words.text("decide.guess_right" if right else "decide.guess_other", **values, own=in_hundred(guessed.probability_worst or 0.0, words))


def _guessed_number(estimate: IcebergEstimate, words: Translator, number: float) -> str:
    total = estimate.total.silent_churn
    ends = customers_range(total, words)
    inside = total.lower <= number <= total.upper
    factor = max(total.median, 1.0) / max(number, 1.0)
    side = "inside" if inside else "none" if number < 1 else "low" if number < total.lower else "high"
    times = words.decimal(round_significant(max(factor, 1 / factor)))
    return words.text(f"decide.number_{side}", guess=customers(number, words), times=times, **ends)


def decisions_document(decisions: Decisions) -> dict[str, Any]:
    """The decisions for other programs, as the contract of the command line has them; intervals are 90 %."""
    table = decision_table(decisions)
    return {
        "decisions": [_document(row) | {"efficacy": _efficacy(row["category"], decisions)} for row in table.to_dict("records")],
        "best_set": None if decisions.best is None else {
            "categories": list(decisions.best.categories),
            "outlay": round(decisions.best.outlay, 6),
            "net_present_value": _ends(decisions.best.net_present_value),
            "probability_pays": round(decisions.best.probability_pays, 6),
            "runner_up": None if decisions.runner_up is None else list(decisions.runner_up.categories),
            "regret_of_runner_up": round(decisions.regret, 6),
            "probability_runner_up_better": round(decisions.runner_up_better, 6),
        },
        "years": decisions.years,
        "budget": decisions.budget,
        "months_counted": decisions.months_counted,
    }  # fmt: skip


def mirror_document(mirror: Mirror | None) -> dict[str, Any] | None:
    """The mirror for other programs; null where nothing can be said."""
    if mirror is None:
        return None
    return {
        "categories": [
            {"category": one.category, "heard": round(one.heard, 6), "left": _ends(one.left), "gap": _ends(one.gap)} for one in mirror.reflections
        ],
        "index": _ends(mirror.index),
        "loudest": mirror.loudest,
        "costliest": mirror.costliest,
        "probability": round(mirror.probability, 6),
    }


def _document(row: dict[Any, Any]) -> dict[str, Any]:
    def ends(stem: str) -> dict[str, float | None] | None:
        values = {end: row[f"{stem}_{end}"] for end in ("lower", "median", "upper")}
        if all(pd.isna(value) for value in values.values()):
            return None
        return {end: round(float(value), 6) if math.isfinite(value) else None for end, value in values.items()}

    def number(name: str) -> float | None:
        return None if pd.isna(row[name]) else round(float(row[name]), 6)

    return {
        "category": row["category"],
        "cost": number("cost"),
        "running_cost": number("running_cost"),
        "extent": number("extent"),
        "saved": ends("kept"),
        "money": ends("money"),
        "net_present_value": ends("value"),
        "probability_pays": number("probability_pays"),
        "payback_months": ends("payback"),
        "break_even_efficacy": number("break_even_efficacy"),
        "efficacy_share_of_doubt": number("efficacy_share"),
        "probability_in_best_set": number("probability_in_best_set"),
        "lost_if_nothing_is_done": ends("idle"),
    }


def _efficacy(category: str, decisions: Decisions) -> dict[str, float]:
    """What a fix was taken to take away where it reaches: the default, what was typed, or what past fixes said."""
    used = next(one.action.efficacy for one in decisions.outcomes if one.action.category == category)
    low, high = used.quantiles((0.05, 0.95))
    return {"mean": round(used.mean, 6), "lower": round(low, 6), "upper": round(high, 6)}


def _ends(interval: CredibleInterval) -> dict[str, float]:
    return {"lower": round(interval.lower, 6), "median": round(interval.median, 6), "upper": round(interval.upper, 6)}


def _kept_headline(decisions: Decisions, words: Translator) -> str:
    """Without money only customers can be said."""
    one = max(decisions.outcomes, key=lambda outcome: outcome.kept.median)
    return words.text("decide.kept_only", category=one.action.category, **customers_range(one.kept, words))


def _loudest(decisions: Decisions, estimate: IcebergEstimate) -> FixOutcome | None:
    """The fix of the category with most complainants, where it has a cost."""
    if not estimate.categories:
        return None
    loudest = max(estimate.categories, key=lambda item: item.vocal_customers).category
    return next((one for one in decisions.outcomes if one.action.category == loudest), None)


def _within(decisions: Decisions, words: Translator) -> str:
    return words.text("decide.within_year" if decisions.years == 1 else "decide.within_years", years=decisions.years)


def _chance(one: FixOutcome, words: Translator) -> str:
    return in_hundred(one.probability_pays or 0.0, words)


def _quoted(names: Sequence[str], words: Translator) -> str:
    *others, last = [words.text("report.noise.quoted", category=name) for name in names]
    return words.text("decide.both", others=", ".join(others), last=last) if others else last


def _money(value: float, estimate: IcebergEstimate, words: Translator) -> str:
    return words.money_compact(value, currency_of(estimate))


def span_text(interval: CredibleInterval, estimate: IcebergEstimate, words: Translator) -> str:
    """A range of money; ends of different signs in words, because a dash would read as a minus."""
    if interval.lower >= 0:
        return money_range(interval, currency_of(estimate), words)
    low, high = (_money(end, estimate, words) for end in (interval.lower, interval.upper))
    return words.text("report.range_words", low=low, high=high)
