"""Writes what to do: the verdict on each category in a sentence, the four figures under the headline, and what stands against chance.

The verdict itself is `iceberg.model.decision.verdict`; nothing here decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from iceberg.locale import Translator
from iceberg.model.decision.chance_test import chance_test, is_selection
from iceberg.model.decision.verdict import Verdict, by_urgency, has_ranks, judge_category, judge_study
from iceberg.model.evidence import cannot_say
from iceberg.model.results import CategoryEstimate, CredibleInterval, IcebergEstimate
from iceberg.report.tables.estimate import currency_of
from iceberg.report.words import category_of, customers, customers_range, in_hundred, money_range, share

PIPELINE_TILE_DAYS = 90
DECISIONS = 3  # judgement: past the first three an executive reads the ranking
_YEAR_MONTHS = 12
_MOST_NAMED = 3  # judgement: more names in a sentence are not read


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
class Decision:
    """What to do about one category: the verdict (None where there is nothing to decide on), its label and the sentence."""

    category: str
    verdict: Verdict | None
    label: str
    sentence: str


def first_decisions(estimate: IcebergEstimate, translator: Translator) -> tuple[Decision, ...]:
    """What to do about the first categories, the most urgent first."""
    return tuple(decision(estimate, item.category, translator) for item in by_urgency(estimate)[:DECISIONS])


def decision(estimate: IcebergEstimate, category: str, translator: Translator) -> Decision:
    """The advice for a category: fix it, measure it first, or only watch it; with what fixing it could keep per year."""
    item = category_of(estimate, category)
    judged = judge_category(estimate, item)
    key = judged.reason
    values: dict[str, object] = {"category": category, **customers_range(item.silent_churn, translator), "share": share(item.prior_share, translator)}
    if item.placebo is not None:
        values |= {"chance": customers(item.placebo.upper, translator), "sure": in_hundred(item.placebo.exceeded, translator)}
    if judged.verdict is Verdict.FIX:
        return Decision(category, judged.verdict, verdict_label(judged.verdict, translator), _fix_sentence(estimate, item, translator))
    if judged.reason == "untested":
        key = "untested" if is_selection(estimate) else "untested_together"  # type: ignore[assignment]  # a key of the sentences
    if judged.reason == "no_test" and estimate.evidence.level.is_measured:
        key = "no_test_measured"  # type: ignore[assignment]  # as above
    return Decision(category, judged.verdict, verdict_label(judged.verdict, translator), translator.text(f"report.decision.{key}", **values))


def verdict_label(verdict: Verdict | None, translator: Translator) -> str:
    """The verdict in a word or two."""
    return translator.text(f"report.verdict.{verdict or 'none'}")


def _fix_sentence(estimate: IcebergEstimate, item: CategoryEstimate, translator: Translator) -> str:
    """What fixing a category could keep: a year where at least a year was counted, else of the customers counted."""
    factor, key = 1.0, "fix_counted"
    months = months_counted(estimate)
    if months is not None and months >= _YEAR_MONTHS:
        factor, key = _YEAR_MONTHS / months, "fix_yearly"
    values = {"category": item.category, **customers_range(_times(item.silent_churn, factor), translator), "worth": "", "largest": ""}
    if item.revenue_lost is not None:
        money = money_range(_times(item.revenue_lost, factor), currency_of(estimate), translator)
        values["worth"] = translator.text("report.decision.worth", money=money, months=estimate.assumptions.residual_horizon_months)
    if has_ranks(estimate):
        values["largest"] = translator.text("report.decision.largest", probability=in_hundred(item.probability_worst or 0.0, translator))
    return translator.text(f"report.decision.{key}", **values)


def months_counted(estimate: IcebergEstimate) -> int | None:
    """Calendar months on screen; None for a sheet without dates."""
    cells = estimate.cells
    if cells is None or not cells.has_calendar:
        return None
    if not cells.last_months:
        return len(cells.months)
    return sum(
        _YEAR_MONTHS * (last.year - first.year) + last.month - first.month + 1 for first, last in zip(cells.months, cells.last_months, strict=True)
    )


def _times(interval: CredibleInterval, factor: float) -> CredibleInterval:
    return CredibleInterval(interval.lower * factor, interval.median * factor, interval.upper * factor, interval.mass)


def tiles(estimate: IcebergEstimate, translator: Translator) -> tuple[Tile, Tile, Tile, Tile]:
    """The four figures of the executive page, in order: silent leavers, money, what to fix first, still to leave."""
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
        detail = translator.text("report.tiles.silent.detail", middle=ends["middle"], share=part, lost=estimate.silent_leavers)
    else:
        detail = translator.text("report.tiles.silent.detail_assumed", middle=ends["middle"])
    return _tile("silent", translator, value=translator.text("report.range", low=ends["low"], high=ends["high"]), detail=detail)


def _money_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    lost, currency = estimate.total.revenue_lost, currency_of(estimate)
    if lost is None:
        return _missing("money", "missing_detail", translator)
    detail = translator.text(
        "report.tiles.money.detail", months=estimate.assumptions.residual_horizon_months, middle=translator.money_compact(lost.median, currency)
    )
    return _tile("money", translator, value=money_range(lost, currency, translator), detail=detail)


def _first_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    """The verdict of the study as a figure: its label is the verdict, its value the category."""
    judged, order = judge_study(estimate), by_urgency(estimate)
    if judged.verdict is None or not order:
        return _missing("first", "missing_detail", translator)
    label = translator.text(f"report.tiles.first.label_{judged.verdict}")
    if judged.verdict in {Verdict.WATCH, Verdict.NOTHING}:
        detail = translator.text(f"report.tiles.first.detail_{judged.reason}")
        return replace(_tile("first", translator, value=translator.text("report.tiles.first.none"), detail=detail), label=label)
    if len(order) == 1:
        single = translator.text(f"report.tiles.first.detail_single{'_untested' if judged.verdict is Verdict.UNTESTED else ''}")
        alone = translator.text(f"report.tiles.first.label_single_{judged.verdict}")
        return replace(_tile("first", translator, value=order[0].category, detail=single), label=alone)
    if not estimate.evidence.ranks:
        return replace(_missing("first", "missing_detail_unranked", translator), label=label)
    first = order[0]
    second = max(order[1:], key=lambda item: (item.probability_worst or 0.0, item.silent_churn.median))
    detail = translator.text(
        f"report.tiles.first.detail{'_untested' if judged.verdict is Verdict.UNTESTED else ''}",
        probability=in_hundred(first.probability_worst or 0.0, translator),
        next=second.category,
        next_probability=in_hundred(second.probability_worst or 0.0, translator),
    )
    return replace(_tile("first", translator, value=first.category, detail=detail), label=label)


def _pipeline_tile(estimate: IcebergEstimate, translator: Translator) -> Tile:
    pipeline = (estimate.total.pipeline or {}).get(PIPELINE_TILE_DAYS)
    if pipeline is None:
        lacking = _missing_outlook(estimate)
        value = "missing_selection" if lacking == "missing_detail_selection" else "missing"
        return _missing("pipeline", lacking, translator, value=value)
    ends = customers_range(pipeline, translator)
    detail = translator.text("report.tiles.pipeline.detail", middle=ends["middle"])
    return _tile("pipeline", translator, value=translator.text("report.range", low=ends["low"], high=ends["high"]), detail=detail)


def _missing_outlook(estimate: IcebergEstimate) -> str:
    """Why there is no outlook: a part of the study has none, or the files lack something."""
    level = estimate.evidence.level
    if is_selection(estimate) and level.corrects_ratio:
        return "missing_detail_selection"
    lacking = "no_customers" if not level.knows_departures else "no_dates" if level.follows_complainers else "no_link"
    return f"missing_detail_{lacking}"


def _tile(key: Literal["silent", "money", "first", "pipeline"], translator: Translator, *, value: str, detail: str) -> Tile:
    label = translator.text(f"report.tiles.{key}.label", days=PIPELINE_TILE_DAYS)
    return Tile(key, label, value, detail, translator.text(f"report.tiles.{key}.help"))


def _missing(key: Literal["money", "first", "pipeline"], detail: str, translator: Translator, *, value: str = "missing") -> Tile:
    said, reason = translator.text(f"report.tiles.{key}.{value}"), translator.text(f"report.tiles.{key}.{detail}")
    return replace(_tile(key, translator, value=said, detail=reason), known=False)


def ranking_lead(estimate: IcebergEstimate, translator: Translator) -> str:
    """The verdict in front of the sentence about the ranking; "" where there is none."""
    judged, order = judge_study(estimate), by_urgency(estimate)
    if judged.verdict is None or not order:
        return ""
    named = has_ranks(estimate) or len(order) == 1
    key = f"report.takeaway.lead_{judged.verdict}"
    return translator.text(key if named else f"{key}_unranked", first=order[0].category)


def noise_text(placebo_upper: float, clear: bool | None, translator: Translator, *, likely: bool = False) -> str:
    """What chance alone gives for a category and the side of it on which the estimate is; unknown without a placebo (below level 3)."""
    if clear is None or placebo_upper != placebo_upper:  # noqa: PLR0124  # NaN is the only number that differs from itself
        return translator.text("report.unknown")
    side = "clear" if clear else "low_end" if likely else "inside"
    return translator.text(f"report.noise.{side}", placebo_high=customers(placebo_upper, translator))


def noise_sentence(estimate: IcebergEstimate, translator: Translator) -> str | None:
    """The categories that are not clear of chance, in one sentence for the ranking; None without a chance test."""
    if cannot_say(estimate):
        return None
    if chance_test(estimate) == "untested":
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
    named = {"lost": _named(lost, len(judged), translator), "doubted": _named(doubted, len(judged), translator)}
    sentences = [translator.text("report.noise.some", categories=named["lost"])] if lost else [translator.text("report.noise.band")]
    if doubted:
        sentences.append(translator.text("report.noise.some_low_end", categories=named["doubted"]))
    return " ".join(sentences)


def _named(names: list[str], of: int, translator: Translator) -> str:
    """A few categories by name; many as their number, since the band beside each row shows which ones they are."""
    if len(names) > _MOST_NAMED:
        return translator.text("report.noise.counted", count=len(names), all=of)
    return ", ".join(translator.text("report.noise.quoted", category=name) for name in names)
