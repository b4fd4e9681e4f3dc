"""Writes the sentences of an estimate: headline, how sure, badge, comparator, diagnostics; and the numbers inside every sentence.

Sentences carry two significant digits and a range; observed counts (complainants, departures) are written in full. Exact estimates stand in tables
only. What to do is in `iceberg.report.advice`, the takeaway of each chart in `iceberg.report.takeaways`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from iceberg.locale import Translator, round_significant
from iceberg.model.decision.chance_test import chance_test
from iceberg.model.decision.verdict import LEAST_CUSTOMERS, Verdict, judge_study
from iceberg.model.evidence import NO_RANGE, cannot_say
from iceberg.model.results import CategoryEstimate, CredibleInterval, Diagnostic, IcebergEstimate
from iceberg.report.tables.estimate import currency_of


@dataclass(frozen=True)
class Badge:
    """The evidence badge: its short label, the evidence level in one sentence, what that means, and the reasons."""

    kind: str
    level: str
    label: str
    says: str
    help: str
    reasons: tuple[str, ...]


def customers(value: float, translator: Translator) -> str:
    """Estimated customers for a sentence: two significant digits, never a fraction of a person."""
    return translator.integer(round_significant(max(value, 0.0)))


def ratio(value: float, translator: Translator) -> str:
    """A ratio as the number of silent ones for each complainant, "0.88" or "25": two significant digits; what it counts stands beside it."""
    rounded = round_significant(value)
    return translator.decimal(rounded) if rounded < 10 else translator.integer(rounded)


def share(rate: float | None, translator: Translator) -> str:
    """A rate as a percentage of at most two digits; draws never prove a certainty or an impossibility. A dash where it is not known."""
    if rate is None or rate != rate:  # noqa: PLR0124  # NaN is the only number that differs from itself
        return "—"
    space = "\N{NO-BREAK SPACE}"
    if rate >= 0.995:
        return f">{space}{translator.percent(0.99)}"
    if rate <= 0.005:  # half a percent is rounded to the even number, which is none
        return f"<{space}{translator.percent(0.01)}"
    return translator.percent(rate)


def in_hundred(rate: float, translator: Translator) -> str:
    """A probability as a count: "96 in 100"; draws never prove a certainty or an impossibility."""
    count = min(max(round(100 * rate), 1), 99)
    kind = "over" if rate >= 0.995 else "under" if rate < 0.005 else "about"
    return translator.text(f"report.in_hundred.{kind}", number=count)


def simple_fraction(rate: float) -> tuple[int, int]:
    """A share as a person says it, "2 in 5": of at most ten, unless it is small or nearly all."""
    if rate < 0.09 or rate > 0.91:
        small = min(rate, 1 - rate)
        of = min((12, 15, 20, 30, 50, 100), key=lambda number: abs(small - 1 / number))
        return (1, of) if rate < 0.5 else (of - 1, of)
    pairs = [(number, of) for of in range(2, 11) for number in range(1, of)]
    return min(pairs, key=lambda pair: abs(rate - pair[0] / pair[1]) + 0.003 * pair[1])  # judgement: 2 in 5 is easier than 4 in 9


def chance_text(interval: CredibleInterval, translator: Translator) -> str:
    """The chance that holds for everybody of a group, in words: "about 2 in 5 (1 in 6 to 3 in 5)"."""
    def said(rate: float) -> str:
        number, of = simple_fraction(rate)
        return translator.text("callback.fraction", number=number, of=of)

    return translator.text("callback.chance", middle=said(interval.median), low=said(interval.lower), high=said(interval.upper))


def per_complainant(value: float, translator: Translator) -> str:
    """Silent leavers per complainant as said aloud: "0.88 per complainant"."""
    return translator.text("report.per_complainant", value=ratio(value, translator))


def customers_range(interval: CredibleInterval, translator: Translator) -> dict[str, str]:
    """The three ends of an interval of customers, as words."""
    return {
        "low": customers(interval.lower, translator),
        "middle": customers(interval.median, translator),
        "high": customers(interval.upper, translator),
    }


def money_range(interval: CredibleInterval, currency: str, translator: Translator) -> str:
    """The ends of an amount: "€280K–650K", "280 à 650 k€"."""
    low, high = translator.money_ends(interval.lower, interval.upper, currency)
    return translator.text("report.range", low=low, high=high)


def headline(estimate: IcebergEstimate, translator: Translator) -> str:
    """The headline, how sure it is, and the reservations, in one paragraph for a terminal."""
    return " ".join(filter(None, (headline_sentence(estimate, translator), *lead_sentences(estimate, translator))))


def lead_sentences(estimate: IcebergEstimate, translator: Translator) -> tuple[str, ...]:
    """What stands beside the headline, in the order of its weight: how sure it is, then the reservations."""
    return tuple(filter(None, (certainty_sentence(estimate, translator), *reservations(estimate, translator))))


def headline_reservation(estimate: IcebergEstimate, translator: Translator) -> str:
    """`lead_sentences` as one paragraph; "" without one."""
    return " ".join(lead_sentences(estimate, translator))


def reservations(estimate: IcebergEstimate, translator: Translator) -> tuple[str, ...]:
    """The remarks that belong beside the headline.

    They name months that are no evidence, a day on which most departures fall, contracts that the model cannot follow, cancellations logged as
    complaints and days from which complaints seem to be recorded otherwise with the answer under either reading, and give the second opinion where
    it differs.
    """
    named = ("months_", "mass_end", "cancellations_", "recording_step_", "recording_own_step_", "recording_readings", NO_RANGE)
    chosen = [item for item in estimate.diagnostics if item.code.startswith(named) or item.code == "second_opinion_differs"]
    return tuple(diagnostic_sentences(item, translator)[0] for item in chosen)


def certainty_sentence(estimate: IcebergEstimate, translator: Translator) -> str:
    """How sure it is that the total is more than chance, as a count of a hundred; "" where the headline says it already or gives no number."""
    total, judged = estimate.total, judge_study(estimate)
    if judged.verdict is None or total.silent_churn.upper < LEAST_CUSTOMERS or (judged.verdict is Verdict.NOTHING and total.placebo is not None):
        return ""
    if _mass_end_of(estimate, translator):
        return ""
    tested = chance_test(estimate)
    if tested == "none" or total.placebo is None:
        return translator.text(f"report.sure.{'untested' if tested == 'untested' else 'no_test'}")
    key = "total_only" if judged.verdict is Verdict.WATCH else tested
    sure = in_hundred(total.placebo.exceeded, translator)
    begun = sure if key == "inside" else sure[:1].upper() + sure[1:]  # it begins the answer
    return translator.text(f"report.sure.{key}", sure=begun, chance=customers(total.placebo.upper, translator))


def _mass_end_of(estimate: IcebergEstimate, translator: Translator) -> dict[str, object] | None:
    """The day on which most departures of these months fall, and their share; the headline then keeps to what was counted."""
    found = (one.values for one in estimate.diagnostics if one.code == "mass_end" and not one.of_whole_study)
    return next(({"day": values["day"], "share": translator.percent(cast("float", values["share"]))} for values in found), None)


def headline_sentence(estimate: IcebergEstimate, translator: Translator) -> str:
    """The headline: who complained, who left because of the same problems without saying so, and their money; or first that nothing stands out."""
    total, currency = estimate.total, currency_of(estimate)
    if total.vocal_customers == 0:
        return translator.text("report.headline.no_complaint")
    counted = {"vocal": total.vocal_customers, "lost": estimate.silent_leavers}
    one_day = _mass_end_of(estimate, translator)
    if one_day is not None and not cannot_say(estimate):
        return translator.text("report.headline.mass_end", **counted, **one_day)
    if total.silent_churn.upper < LEAST_CUSTOMERS or cannot_say(estimate):
        key = "no_range" if cannot_say(estimate) else "none_of_them" if estimate.silent_leavers else "none"
        return translator.text(f"report.headline.{key}", **counted)
    values = {"vocal": total.vocal_customers, **customers_range(total.silent_churn, translator)}
    if judge_study(estimate).verdict is Verdict.NOTHING and total.placebo is not None:
        chance = customers(total.placebo.upper, translator)
        return translator.text("report.headline.nothing", **values, chance=chance, lost=estimate.silent_leavers)
    if not estimate.silent_leavers or total.revenue_lost is None:
        return translator.text("report.headline.no_money" if estimate.silent_leavers else "report.headline.assumed", **values)
    return translator.text(
        "report.headline.full",
        **values,
        money=translator.money_compact(total.revenue_lost.median, currency),
        money_range=money_range(total.revenue_lost, currency, translator),
        months=estimate.assumptions.residual_horizon_months,
    )


def definition(translator: Translator) -> str:
    """The definition of "silent churn", shown near the headline of every page that uses the word."""
    return translator.text("report.definition")


def evidence_badge(estimate: IcebergEstimate, translator: Translator) -> Badge:
    """The badge of the estimate's evidence level, with the reasons for it."""
    evidence = estimate.evidence
    reasons = tuple(
        translator.text(f"evidence.reasons.{code}", **values)
        for code, values in evidence.reasons
        if translator.has(f"evidence.reasons.{code}")
    )
    return Badge(
        kind=evidence.kind,
        level=str(evidence.level),
        label=translator.text(f"evidence.kinds.{evidence.kind}"),
        says=translator.text(f"evidence.levels.{evidence.level}"),
        help=translator.text(f"evidence.kinds_help.{evidence.kind}"),
        reasons=reasons,
    )


def comparator_sentence(estimate: IcebergEstimate, translator: Translator, *, category: str | None = None) -> str:
    """What the saying of 25 would need beside those who really left, and the ratio that the departures support (level 3 and above) or allow."""
    total = estimate.total
    item = category_of(estimate, category) if category is not None else None
    part = total if item is None else item
    vocal = part.vocal_customers
    if vocal == 0 and item is None:
        return translator.text("report.headline.no_complaint")
    if vocal == 0:
        return translator.text("report.decision.no_complaints", category=category)
    needed, lost = round(part.folk_estimate), estimate.silent_leavers
    values = {"folk": translator.integer(part.folk_estimate / vocal), "needed": needed, "lost": lost}
    if not lost:
        sentence = translator.text("report.comparator.no_departures", **values)
    else:
        outcome = "impossible" if needed > lost else "possible"
        sentence = translator.text(f"report.comparator.{outcome}", **values)
        if estimate.evidence.level.has_own_ratio:
            ratios = item.ratio_posterior if item else _total_ratio(estimate)
            sentence = f"{_out_of_complainants(ratios, translator, folk=part.folk_estimate / vocal)} {sentence}"
        elif outcome == "impossible":
            base = _base_of(lost / vocal)
            sentence += " " + translator.text("report.comparator.allowed", base=base, allowed=customers(base * lost / vocal, translator))
    return sentence if item is None else translator.text("report.comparator.about", category=item.category, sentence=sentence)


def _out_of_complainants(ratios: CredibleInterval, translator: Translator, *, folk: float) -> str:
    """"For every 10 who complain, about 9 leave silently"."""
    base = _base_of(ratios.median)
    ends = CredibleInterval(base * ratios.lower, base * ratios.median, base * ratios.upper, ratios.mass)
    return translator.text("report.comparator.supported", base=base, folk=round(base * folk), **customers_range(ends, translator))


def _base_of(value: float) -> int:
    """Of how many complainants to speak, so that two digits of the leavers are seen: 10, or 100 or 1000 where few leave."""
    return next((base for base in (10, 100) if base * value >= 3), 1000)  # judgement


def _total_ratio(estimate: IcebergEstimate) -> CredibleInterval:
    """Silent leavers per complainant of the whole company; complainants are observed, so the interval is that of the leavers."""
    churn, vocal = estimate.total.silent_churn, estimate.total.vocal_customers
    return CredibleInterval(churn.lower / vocal, churn.median / vocal, churn.upper / vocal, churn.mass)


def category_of(estimate: IcebergEstimate, category: str) -> CategoryEstimate:
    """The record of a category by name.

    Raises:
        KeyError: When the estimate has no such category.
    """
    return {item.category: item for item in estimate.categories}[category]


def diagnostic_sentences(item: Diagnostic, translator: Translator, *, on_page: bool = False) -> tuple[str, str]:
    """The sentences of a diagnostic: the finding (marked where it is about the whole study) and the action. An unknown code is named.

    On a page the action names its buttons, and not the options of the command line.
    """
    values = {"category": item.category or translator.text("report.all_categories"), "code": item.code, **item.values}
    # Sentences carry two significant digits; counts that were observed are whole numbers and stay as they are.
    values = {name: round_significant(value) if isinstance(value, float) else value for name, value in values.items()}
    part = item.values.get("share")
    if isinstance(part, float):
        values["share"] = translator.percent(part)
    code = item.code if translator.has(f"diagnostics.{item.code}.says") else "unknown"
    here = on_page and translator.has(f"diagnostics.{code}.do_here")
    says, what_to_do = (translator.text(f"diagnostics.{code}.{part}", **values) for part in ("says", "do_here" if here else "do"))
    return translator.text("report.of_whole_study", sentence=says) if item.of_whole_study else says, what_to_do
