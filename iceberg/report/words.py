"""Writes the sentences of an estimate: headline, badge, tiles, comparator, decisions, diagnostics.

Sentences carry two significant digits and a range; observed counts (complainants, departures) are written in full. Exact estimates stand in tables
only. The takeaway of each chart is in `iceberg.report.takeaways`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from iceberg.locale import Translator, round_significant
from iceberg.model.evidence import NO_RANGE, cannot_say
from iceberg.model.results import CategoryEstimate, CredibleInterval, Diagnostic, IcebergEstimate
from iceberg.report.tables.estimate import chance_test, currency_of, is_selection, ranking_table

Advice = Literal["act", "measure", "watch", "untested", "none"]
MOSTLY_ASSUMPTION = 0.5  # judgement: past half, the answer is still more assumption than data
PIPELINE_TILE_DAYS = 90


@dataclass(frozen=True)
class Tile:
    """One figure of the executive page. `known` is False where the files cannot tell; `value` and `detail` then say what is missing."""

    key: Literal["silent", "money", "first", "pipeline"]
    label: str
    value: str
    detail: str
    help: str
    known: bool = True

    @property
    def on_paper(self) -> tuple[str, str, str]:
        """Label, value and detail for a report; a value that is not known is a dash, and the detail says why."""
        return (self.label, self.value, self.detail) if self.known else (self.label, "—", f"{self.value}. {self.detail}")


@dataclass(frozen=True)
class Badge:
    """The evidence badge: its short label, the evidence level in one sentence, what that means, and the reasons."""

    kind: str
    level: str
    label: str
    says: str
    help: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What to do about one category: a verdict, its label and the sentence."""

    verdict: Advice
    label: str
    sentence: str


def customers(value: float, translator: Translator) -> str:
    """Estimated customers for a sentence: two significant digits, never a fraction of a person."""
    return translator.integer(round_significant(max(value, 0.0)))


def ratio(value: float, translator: Translator) -> str:
    """``1:2.4`` or ``1 pour 2,4``: two significant digits."""
    rounded = round_significant(value)
    return translator.text("report.ratio", value=translator.decimal(rounded) if rounded < 10 else translator.integer(rounded))


def share(rate: float | None, translator: Translator) -> str:
    """A rate as a percentage of at most two digits; draws never prove a certainty or an impossibility. A dash where it is not known."""
    if rate is None or rate != rate:  # noqa: PLR0124  # NaN is the only number that differs from itself
        return "—"
    space = "\N{NO-BREAK SPACE}"
    if rate >= 0.995:
        return f">{space}{translator.percent(0.99)}"
    if rate < 0.005:
        return f"<{space}{translator.percent(0.01)}"
    return translator.percent(rate)


def customers_range(interval: CredibleInterval, translator: Translator) -> dict[str, str]:
    """The three ends of an interval of customers, as words."""
    return {
        "low": customers(interval.lower, translator),
        "middle": customers(interval.median, translator),
        "high": customers(interval.upper, translator),
    }


def headline(estimate: IcebergEstimate, translator: Translator) -> str:
    """The headline sentence, followed by the reservation where there is one."""
    return " ".join(filter(None, (headline_sentence(estimate, translator), headline_reservation(estimate, translator))))


def headline_reservation(estimate: IcebergEstimate, translator: Translator) -> str:
    """The reservations beside the headline; "" without one.

    They name months that are no evidence, a day on which most departures fall, contracts that the model cannot follow, cancellations logged as
    complaints and days from which all complaints seem to be recorded otherwise, give the second opinion where it differs, and say that the
    total is not distinguishable from noise or not tested in this selection.
    """
    named = ("months_", "mass_end", "cancellations_", "recording_step_", NO_RANGE)
    chosen = [item for item in estimate.diagnostics if item.code.startswith(named) or item.code == "second_opinion_differs"]
    said = [diagnostic_sentences(item, translator)[0] for item in chosen]
    return " ".join(filter(None, (*said, _chance_reservation(estimate, translator))))


def _chance_reservation(estimate: IcebergEstimate, translator: Translator) -> str:
    total, tested = estimate.total, chance_test(estimate)
    if total.vocal_customers == 0 or total.silent_churn.upper < 0.5:
        return ""
    if tested == "untested":
        return translator.text("report.headline.untested")
    if total.placebo is None or tested == "clear":
        return ""
    likely = tested == "low_end"
    return translator.text(
        "report.headline.noise_low_end" if likely else "report.headline.noise",
        placebo_low=customers(total.placebo.lower, translator),
        placebo_high=customers(total.placebo.upper, translator),
        **({"exceeded": share(total.placebo.exceeded, translator)} if likely else {}),
    )


def headline_sentence(estimate: IcebergEstimate, translator: Translator) -> str:
    """The headline: customers who left in silence behind those who complained, their share, their money."""
    total, currency = estimate.total, currency_of(estimate)
    if total.vocal_customers == 0:
        return translator.text("report.headline.no_complaint")
    if total.silent_churn.upper < 0.5:
        none = "none_of_them" if estimate.silent_leavers else "none"
        return translator.text(f"report.headline.{none}", vocal=total.vocal_customers, lost=estimate.silent_leavers)
    if cannot_say(estimate):
        return translator.text("report.headline.no_range", vocal=total.vocal_customers, lost=estimate.silent_leavers)
    values = {"vocal": total.vocal_customers, **customers_range(total.silent_churn, translator)}
    if not estimate.silent_leavers:
        return translator.text("report.headline.assumed", **values)
    values["share"] = share(total.silent_churn.median / estimate.silent_leavers, translator)
    if total.revenue_lost is None:
        return translator.text("report.headline.no_money", **values)
    return translator.text(
        "report.headline.full",
        **values,
        money_low=translator.money_compact(total.revenue_lost.lower, currency),
        money_high=translator.money_compact(total.revenue_lost.upper, currency),
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


def tiles(estimate: IcebergEstimate, translator: Translator) -> tuple[Tile, Tile, Tile, Tile]:
    """The four figures of the executive page, in order: silent leavers, money, first category to fix, still to leave."""
    return (
        _silent_tile(estimate, translator),
        _money_tile(estimate, translator),
        _first_tile(estimate, translator),
        _pipeline_tile(estimate, translator),
    )


def _silent_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    ends = customers_range(estimate.total.silent_churn, translator)
    if estimate.silent_leavers:
        part = share(estimate.total.silent_churn.median / estimate.silent_leavers, translator)
        detail = translator.text("report.tiles.silent.detail", middle=ends["middle"], share=part)
    else:
        detail = translator.text("report.tiles.silent.detail_assumed", middle=ends["middle"])
    return _tile("silent", translator, value=translator.text("report.range", low=ends["low"], high=ends["high"]), detail=detail)


def _money_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    lost, currency = estimate.total.revenue_lost, currency_of(estimate)
    if lost is None:
        return _missing("money", "missing_detail", translator)
    low, middle, high = (translator.money_compact(value, currency) for value in (lost.lower, lost.median, lost.upper))
    detail = translator.text(
        "report.tiles.money.detail", months=estimate.assumptions.residual_horizon_months, middle=middle
    )
    return _tile("money", translator, value=translator.text("report.range", low=low, high=high), detail=detail)


def _first_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    ranking = ranking_table(estimate)
    if ranking.empty or estimate.total.vocal_customers == 0:
        return _missing("first", "missing_detail", translator)
    if not estimate.evidence.ranks and len(ranking) > 1:
        return _missing("first", "missing_detail_unranked", translator)
    first = ranking.iloc[0]
    untested = "_untested" if is_selection(estimate) else ""
    label = translator.text(f"report.tiles.first.label{untested}")
    if len(ranking) == 1:
        single = translator.text(f"report.tiles.first.detail_single{untested}")
        return replace(_tile("first", translator, value=str(first["category"]), detail=single), label=label)
    second = ranking.iloc[1]
    detail = translator.text(
        f"report.tiles.first.detail{untested}",
        probability=share(first["probability_first"], translator),
        next=second["category"],
        next_probability=share(second["probability_first"], translator),
    )
    return replace(_tile("first", translator, value=str(first["category"]), detail=detail), label=label)


def _pipeline_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    pipeline = (estimate.total.pipeline or {}).get(PIPELINE_TILE_DAYS)
    if pipeline is None:
        level = estimate.evidence.level
        lacking = "no_customers" if not level.knows_departures else "no_dates" if level.follows_complainers else "no_link"
        return _missing("pipeline", f"missing_detail_{lacking}", translator)
    ends = customers_range(pipeline, translator)
    detail = translator.text("report.tiles.pipeline.detail", days=PIPELINE_TILE_DAYS, middle=ends["middle"])
    return _tile("pipeline", translator, value=translator.text("report.range", low=ends["low"], high=ends["high"]), detail=detail)


def _tile(
    key: Literal["silent", "money", "first", "pipeline"], translator: Translator, *, value: str, detail: str
) -> Tile:
    return Tile(
        key, translator.text(f"report.tiles.{key}.label"), value, detail, translator.text(f"report.tiles.{key}.help")
    )


def _missing(key: Literal["money", "first", "pipeline"], detail: str, translator: Translator) -> Tile:
    value, reason = translator.text(f"report.tiles.{key}.missing"), translator.text(f"report.tiles.{key}.{detail}")
    return replace(_tile(key, translator, value=value, detail=reason), known=False)


def comparator_sentence(estimate: IcebergEstimate, translator: Translator, *, category: str | None = None) -> str:
    """The folk figure, the real losses, and the ratio that the departures support (level 3 and above) or allow."""
    total = estimate.total
    item = category_of(estimate, category) if category is not None else None
    vocal = item.vocal_customers if item else total.vocal_customers
    folk = item.folk_estimate if item else total.folk_estimate
    if vocal == 0 and item is None:
        return translator.text("report.headline.no_complaint")
    if vocal == 0:
        return translator.text("report.decision.none", category=category)
    needed, lost = round(folk), estimate.silent_leavers
    values = {"folk": ratio(folk / vocal, translator), "needed": needed, "lost": lost}
    if not lost:
        sentence = translator.text("report.comparator.no_departures", folk=values["folk"], needed=needed)
    else:
        outcome = "impossible" if needed > lost else "possible"
        if estimate.evidence.level.has_own_ratio:
            supported = item.ratio_posterior if item else _total_ratio(estimate)
            low, middle, high = (ratio(end, translator) for end in (supported.lower, supported.median, supported.upper))
            sentence = translator.text(f"report.comparator.{outcome}", **values, low=low, middle=middle, high=high)
        elif outcome == "impossible":
            sentence = translator.text(
                "report.comparator.impossible_allowed", **values, allowed=ratio(lost / vocal, translator)
            )
        else:
            sentence = translator.text("report.comparator.possible_allowed", **values)
    return sentence if item is None else translator.text("report.comparator.about", category=item.category, sentence=sentence)


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


def decision(estimate: IcebergEstimate, category: str, translator: Translator) -> Decision:
    """The advice for a category (fix it, measure it first, or only watch it), with the customers that fixing it would have saved."""
    item = category_of(estimate, category)
    ends = {name: value for name, value in customers_range(item.silent_churn, translator).items() if name != "middle"}
    control = category in {one.category for one in estimate.controls}
    if control or item.vocal_customers == 0:
        return _decision("none", translator, "control" if control else "none", category=category)
    tested = chance_test(estimate, item)
    if tested == "untested":
        return _decision("untested", translator, "untested" if is_selection(estimate) else "untested_together", category=category, **ends)
    if tested in {"inside", "low_end"} and item.placebo is not None:
        noise = {"placebo_high": customers(item.placebo.upper, translator)}
        if tested == "low_end":  # the headline says the same of the total: only the low end is in doubt
            noise["exceeded"] = share(item.placebo.exceeded, translator)
            return _decision("measure", translator, "measure_low_end", category=category, **ends, **noise)
        return _decision("watch", translator, "watch", category=category, **ends, **noise)
    if item.prior_share > MOSTLY_ASSUMPTION or not estimate.evidence.ranks:
        return _decision(
            "measure", translator, "measure", category=category, **ends, share=share(item.prior_share, translator)
        )
    saved = {**ends, "probability": share(item.probability_worst, translator)}
    if item.revenue_lost is not None:
        ends_of_money = {"money_low": item.revenue_lost.lower, "money_high": item.revenue_lost.upper}
        saved |= {name: translator.money_compact(value, currency_of(estimate)) for name, value in ends_of_money.items()}
    return _decision("act", translator, "act_no_money" if item.revenue_lost is None else "act", category=category, **saved)


def _decision(verdict: Advice, translator: Translator, sentence: str, **values: str) -> Decision:
    return Decision(
        verdict,
        translator.text(f"report.decision.verdict_{verdict}"),
        translator.text(f"report.decision.{sentence}", **values),
    )


def noise_text(placebo_upper: float, clear: bool | None, translator: Translator, *, likely: bool = False) -> str:
    """The noise floor of a category and the side of it on which the estimate is; unknown without a placebo (below level 3)."""
    if clear is None or placebo_upper != placebo_upper:  # noqa: PLR0124  # NaN is the only number that differs from itself
        return translator.text("report.unknown")
    side = "clear" if clear else "low_end" if likely else "inside"
    return translator.text(f"report.noise.{side}", placebo_high=customers(placebo_upper, translator))


def noise_sentence(estimate: IcebergEstimate, translator: Translator) -> str | None:
    """The categories that are not clear of noise, in one sentence for the ranking; None without a placebo."""
    if is_selection(estimate):
        return translator.text("report.noise.untested")
    judged = [(item.category, chance_test(estimate, item)) for item in estimate.categories if item.placebo is not None and item.vocal_customers]
    if not judged:
        return None
    lost = [name for name, tested in judged if tested == "inside"]
    doubted = [name for name, tested in judged if tested == "low_end"]
    if not lost and not doubted:
        return translator.text("report.noise.all_clear")
    if len(lost) == len(judged):
        return translator.text("report.noise.none_clear")
    sentences = [translator.text("report.noise.some", categories=_quoted(lost, translator))] if lost else [translator.text("report.noise.band")]
    if doubted:
        sentences.append(translator.text("report.noise.some_low_end", categories=_quoted(doubted, translator)))
    return " ".join(sentences)


def _quoted(names: list[str], translator: Translator) -> str:
    return ", ".join(translator.text("report.noise.quoted", category=name) for name in names)


def diagnostic_sentences(item: Diagnostic, translator: Translator) -> tuple[str, str]:
    """The sentences of a diagnostic: the finding (marked where it is about the whole study) and the action. An unknown code is named."""
    values = {"category": item.category or translator.text("report.all_categories"), "code": item.code, **item.values}
    # Sentences carry two significant digits; counts that were observed are whole numbers and stay as they are.
    values = {name: round_significant(value) if isinstance(value, float) else value for name, value in values.items()}
    part = item.values.get("share")
    if isinstance(part, float):
        values["share"] = translator.percent(part)
    code = item.code if translator.has(f"diagnostics.{item.code}.says") else "unknown"
    says, what_to_do = translator.text(f"diagnostics.{code}.says", **values), translator.text(f"diagnostics.{code}.do", **values)
    return translator.text("report.of_whole_study", sentence=says) if item.of_whole_study else says, what_to_do
