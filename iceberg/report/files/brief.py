"""Composes the brief of one category: a page that says what is to be fixed, what that brings, who answers for it, and how success will be judged.

Every format is made from the same lines, so a number on the slide is the number on paper. What fixing brings is read off `Decisions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.compare import rate_draws
from iceberg.model.decision.agreed_test import LONGEST_OWNER, AgreedTest
from iceberg.model.decision.chance_test import chance_test
from iceberg.model.decision.fixes import Decisions, FixOutcome
from iceberg.model.decision.verdict import Verdict, has_ranks
from iceberg.model.results import CategoryEstimate, CredibleInterval, IcebergEstimate
from iceberg.report.advice import decision, verdict_label
from iceberg.report.audit.sentences import category_sentence
from iceberg.report.comparison import rate_text
from iceberg.report.counts_summary import tenure_profile_of
from iceberg.report.decisions import display_decisions, doubt_of_fix, payback_text, span_text
from iceberg.report.files.document.blocks import Bullets, Figures, Paragraph, ReportSection, WrittenReport
from iceberg.report.files.document.executive import period_text
from iceberg.report.files.provenance import Provenance
from iceberg.report.small_cells import hide_small
from iceberg.report.tables.estimate import cells_of, currency_of, segment_table
from iceberg.report.takeaways import takeaway_tenure_profile
from iceberg.report.words import category_of, customers, customers_range, evidence_badge, in_hundred, money_range, share

MOST_SEGMENTS = 3  # judgement: past the first three a reader opens the dashboard
BLANK = "_" * 24  # to be filled in by hand

BriefLines = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Brief:
    """What a brief is made from.

    Attributes:
        estimate: Whole, or a selection; its small categories pooled already.
        counts: The counts it was made from.
        decisions: What the typed costs decide; they hold a fix of the category.
        category: The one that the brief is about.
        test: How success will be judged; None proposes a test.
        owner: Who answers for the fix; "" leaves a line to fill in.
        provenance: Title, author and days; `completed` already.
        smallest: Smallest number of customers that may be shown; above 1 what only analysts see is left out, too.
    """

    estimate: IcebergEstimate
    counts: CohortCounts
    decisions: Decisions
    category: str
    test: AgreedTest | None = None
    owner: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    smallest: int = 0

    def __post_init__(self) -> None:
        priced = [one.action.category for one in self.decisions.outcomes]
        known = [item.category for item in self.estimate.categories]
        if self.category not in known:
            raise OptionError("decide_unknown", {"category": self.category, "known": ", ".join(known)})
        if self.category not in priced:
            raise OptionError("brief_no_cost", {"category": self.category, "known": ", ".join(priced)})
        if len(self.owner) > LONGEST_OWNER:
            raise OptionError("brief_owner", {"most": LONGEST_OWNER})
        if 0 < self.item.vocal_customers < self.smallest:
            raise OptionError("brief_small", {"category": self.category, "smallest": self.smallest})

    @property
    def item(self) -> CategoryEstimate:
        """The category as estimated."""
        return category_of(self.estimate, self.category)

    @property
    def outcome(self) -> FixOutcome:
        """What fixing it brings."""
        return next(one for one in self.decisions.outcomes if one.action.category == self.category)

    @property
    def agreed(self) -> AgreedTest:
        """The test, or the proposal of one."""
        return self.test or AgreedTest.proposed(self.counts.window.as_of)


def brief_headline(brief: Brief, words: Translator) -> str:
    """The brief in a sentence: what leaves over it, and whether fixing pays."""
    one = brief.outcome
    values = {"category": brief.category, **customers_range(one.idle, words), "outlay": _money(brief, one.action.outlay, words)}
    if one.probability_pays is None:
        return words.text("brief.headline_kept", **values, kept=customers(one.kept.median, words))
    within = words.text("decide.within_year" if brief.decisions.years == 1 else "decide.within_years", years=brief.decisions.years)
    return words.text("brief.headline", **values, chance=in_hundred(one.probability_pays, words), within=within)


def problem_lines(brief: Brief, words: Translator) -> BriefLines:
    """What, where, who said it and how many did not, what that costs, how sure it is: label and sentence."""
    item, badge = brief.item, evidence_badge(brief.estimate, words)
    ends = customers_range(item.silent_churn, words)
    lines = [("what", _what(brief, words)), *(("where", said) for said in _places(brief, words))]
    tenure = _tenure(brief, words)
    lines += [("tenure", tenure)] if tenure else []
    lines.append(("said", words.text("brief.said", count=item.vocal_customers)))
    lines.append(("silent", words.text("brief.silent", **ends)))
    if item.revenue_lost is not None:
        money = money_range(item.revenue_lost, currency_of(brief.estimate), words)
        lines.append(("money", words.text("brief.money", money=money, months=brief.estimate.assumptions.residual_horizon_months)))
    lines += [("answered", said) for said in _answered(brief, words)]
    lines += [("spheres", said) for said in _spheres(brief, words)]
    lines.append(("sure", f"{_chance(brief, words)} {badge.label}. {badge.says}"))
    return _labelled(lines, words)


def fix_lines(brief: Brief, words: Translator) -> BriefLines:
    """The cost as typed, what fixing keeps and brings, whether it pays, on what that hangs, and what doing nothing costs."""
    one, words_of = brief.outcome, display_decisions(brief.decisions, brief.estimate, words)
    row = words_of[words_of[words.text("decide.columns.category")] == brief.category].iloc[0]
    shown = {name: str(row[words.text(f"decide.columns.{name}")]) for name in ("kept", "money", "value", "pays")}
    terms = {
        "cost": _money(brief, one.action.cost, words),
        "running": _money(brief, one.action.running_cost, words),
        "extent": words.percent(one.action.extent),
        "efficacy": share(one.action.efficacy.mean, words),
    }
    lines = [("cost", words.text("brief.cost", **terms)), ("kept", words.text("brief.kept", kept=shown["kept"]))]
    if one.net_present_value is not None:
        years = brief.decisions.years
        lines.append(("value", words.text("brief.value", money=shown["money"], value=shown["value"], count=years)))
        lines.append(("pays", words.text("brief.pays", chance=shown["pays"], months=payback_text(one.payback_months, words))))
    doubt = doubt_of_fix(one, words)
    lines += [("doubt", doubt)] if doubt else []
    idle = customers_range(one.idle, words)
    money = "" if one.idle_money is None else span_text(one.idle_money, brief.estimate, words)
    lines.append(("idle", words.text("brief.idle_money" if money else "brief.idle", **idle, money=money)))
    return _labelled(lines, words)


def agreement_lines(brief: Brief, words: Translator) -> BriefLines:
    """Who answers for it, when it starts, and the test: what is measured, when it is read, what counts as success."""
    agreed, one = brief.agreed, brief.outcome
    start = words.month(agreed.start) if brief.test is not None else words.text("brief.proposed", value=words.month(agreed.start))
    reading = words.text("brief.reading", month=words.month(agreed.reading))
    success = {"sureness": words.percent(agreed.sureness), "fall": words.percent(agreed.least_fall)}
    lines = [
        ("owner", brief.owner or BLANK),
        ("start", start),
        ("metric", words.text("brief.metric", category=brief.category, rate=_rate(brief, words))),
        ("reading", reading if brief.test is not None else words.text("brief.proposed", value=reading)),
        ("success", words.text("brief.success_fall" if agreed.least_fall else "brief.success", **success)),
        ("expected", words.text("brief.expected", share=share(one.action.extent * one.action.efficacy.mean, words))),
    ]
    return _labelled(lines, words)


def build_written_brief(brief: Brief, words: Translator) -> WrittenReport:
    """The brief as blocks that fit on one page."""
    badge, item, one = evidence_badge(brief.estimate, words), brief.item, brief.outcome
    ends = customers_range(item.silent_churn, words)
    figures = [
        (words.text("brief.figure.said"), words.integer(item.vocal_customers), ""),
        (words.text("brief.figure.silent"), words.text("report.range", low=ends["low"], high=ends["high"]), ""),
        (words.text("brief.figure.kept"), _range(one.kept, words), ""),
        (words.text("brief.figure.pays"), share(one.probability_pays, words), ""),
    ]
    sections = (
        ("problem", problem_lines(brief, words)), ("fix", fix_lines(brief, words)), ("test", agreement_lines(brief, words)),
    )  # fmt: skip
    provenance = brief.provenance
    sample = (Paragraph(words.text("export.sample"), "caution"),) if provenance.sample else ()
    return WrittenReport(
        language=words.language,
        title=words.text("brief.title", title=provenance.title),
        period=period_text(brief.estimate, brief.counts, words),
        badge=verdict_label(decision(brief.estimate, brief.category, words).verdict, words),
        badge_kind=badge.kind,
        headline=brief_headline(brief, words),
        opening=(*sample, Figures(tuple(figures))),
        sections=tuple(
            ReportSection(words.text(f"brief.section.{name}"), (Bullets(lines),), fine=True) for name, lines in sections
        ),
        footer=words.text("export.footer", title=provenance.title, version=provenance.product_version),
        author=provenance.author,
        stamp=provenance.stamp(brief.counts).isoformat(),
    )  # fmt: skip


def _labelled(lines: list[tuple[str, str]], words: Translator) -> BriefLines:
    return tuple((words.text(f"brief.label.{name}"), said) for name, said in lines)


def _what(brief: Brief, words: Translator) -> str:
    """The verdict of the estimate with its reason; of one to fix only the label, because what fixing keeps is read off the decisions here."""
    advice = decision(brief.estimate, brief.category, words)
    if advice.verdict is not Verdict.FIX:
        return advice.sentence
    chance = in_hundred(brief.item.probability_worst or 0.0, words)
    largest = words.text("brief.largest", chance=chance) if has_ranks(brief.estimate) else ""
    return words.text("brief.what", category=brief.category, verdict=advice.label, largest=largest)


def _places(brief: Brief, words: Translator) -> list[str]:
    """Per column of segments, the first levels by silent churn, with those who complained where they may be counted."""
    cells = cells_of(brief.estimate)
    if len(cells.segments) < 2:
        return []
    said = []
    for column in cells.segment_columns or (None,):
        frame = segment_table(brief.estimate, category=brief.category, column=column)
        frame = hide_small(frame, ["vocal_customers"], smallest=brief.smallest)
        if len(frame) < 2:
            continue
        parts = []
        for row in frame.head(MOST_SEGMENTS).to_dict("records"):
            ends = customers_range(CredibleInterval(row["lower"], row["median"], row["upper"]), words)
            known = row["vocal_customers"] == row["vocal_customers"]  # NaN is a count that is not shown
            heard = words.integer(row["vocal_customers"]) if known else words.text("report.unknown")
            parts.append(words.text("brief.place", name=row["segment"] or words.text("report.all_segments"), heard=heard, **ends))
        key = "brief.places_of" if column else "brief.places"
        said.append(words.text(key, column=column or "", places=words.text("brief.between").join(parts)))
    return said


def _answered(brief: Brief, words: Translator) -> list[str]:
    """How customers of the category were answered, where an audit says it."""
    audit = brief.counts.audit
    scored = None if audit is None else audit.of(brief.category)
    return [category_sentence(audit, brief.category, words)] if audit is not None and scored is not None and scored.scores else []


def _spheres(brief: Brief, words: Translator) -> list[str]:
    """What the company promises, aims at, puts first and believes of the category, against what was lived, where a sheet says it."""
    if brief.counts.spheres is None:
        return []
    from iceberg.model.journey.spheres import estimate_spheres
    from iceberg.report.journey.spheres import category_sentence as sphere_sentence

    found = estimate_spheres(brief.estimate, brief.counts, whole=not brief.smallest)
    said = "" if found is None else sphere_sentence(found, brief.category, words)
    return [said] if said else []


def _tenure(brief: Brief, words: Translator) -> str:
    """When in a customer's life the problem strikes; for analysts only, and of the whole study only."""
    counts, cells = brief.counts, brief.estimate.cells
    whole = cells is not None and cells.whole and brief.category in counts.categories
    if brief.smallest > 1 or not whole or not counts.has_calendar or not counts.has_linked_complaints:
        return ""
    profile = tenure_profile_of(counts, brief.category)
    return "" if profile["rate"].isna().all() else takeaway_tenure_profile(profile, words)


def _chance(brief: Brief, words: Translator) -> str:
    """How the range stands against what chance finds, in a sentence."""
    tested, placebo = chance_test(brief.estimate, brief.item), brief.item.placebo
    if placebo is None or tested in {"untested", "none"}:
        return words.text("brief.sure.untested")
    return words.text(f"brief.sure.{tested}", chance=in_hundred(placebo.exceeded, words), high=customers(placebo.upper, words))


def _rate(brief: Brief, words: Translator) -> str:
    """Today's rate with its unit; without a number where only a part of the study is on screen."""
    counts, cells = brief.counts, brief.estimate.cells
    basis = "months" if not counts.has_customers else "customer_months" if counts.has_calendar else "customers"
    unit = words.text(f"compare.unit.{basis}")
    if cells is None or not cells.whole:
        return unit
    rate = CredibleInterval.of(rate_draws(brief.estimate, counts, category=brief.category))
    ends = {name: rate_text(value, words) for name, value in (("low", rate.lower), ("middle", rate.median), ("high", rate.upper))}
    return words.text("brief.rate", unit=unit, **ends)


def _range(interval: CredibleInterval, words: Translator) -> str:
    ends = customers_range(interval, words)
    return words.text("report.range", low=ends["low"], high=ends["high"])


def _money(brief: Brief, value: float, words: Translator) -> str:
    return words.money_compact(value, currency_of(brief.estimate))
