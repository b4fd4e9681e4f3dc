"""Every place says the same verdict and the same numbers: title, tile, advice, terminal, and each report read back."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from iceberg.cli.text import build_estimate_text
from iceberg.locale import Translator
from iceberg.model.decision.verdict import Verdict, by_urgency, judge_category, judge_study
from iceberg.model.results import CredibleInterval, Diagnostic, Evidence, IcebergEstimate, PlaceboInterval
from iceberg.model.summary import focus_estimate
from iceberg.report.advice import decision, first_decisions, ranking_lead, tiles, verdict_label
from iceberg.report.files import Provenance, report_bytes
from iceberg.report.words import certainty_sentence, headline_sentence
from tests.report.examples import example_counts, example_estimate
from tests.report.readback import READERS, nearest, verdicts

SIZES = (1, 2, 7, 12, 19)
FILTERS = ("whole", "months", "segment", "both", "unknown")  # both: months of a segment; unknown: months of a study that keeps no placebo by cell
PLACES = [*product(("3", "F"), FILTERS), ("0", "whole"), ("1", "whole"), ("1", "months"), ("2", "months"), ("4", "segment"), ("4", "both")]
CHANCE = ("clear", "low_end", "inside", "mixed", "total")


def company(level: str, filtered: str, size: int, chance: str) -> IcebergEstimate:
    """A company whose categories all stand so against chance; mixed: the first one clear, all others inside; total: only all of them together."""
    made = example_estimate(size, names="sixty", level=level, draws=60, months=12)
    if level == "F":
        assert made.cells is not None
        made = replace(made, evidence=Evidence("F", "mixed", ranks=False), cells=replace(made.cells, has_calendar=False))
        made = replace(made, categories=tuple(replace(item, probability_worst=None) for item in made.categories))
    if made.draws.placebo is not None:
        part = {"clear": 0.05, "low_end": 0.6, "inside": 1.0, "mixed": 1.0, "total": 1.0}[chance]
        cells = made.draws.silent_churn * part
        if chance == "mixed":
            cells[:, 0] *= 0.05
        gained = np.zeros((2, *made.draws.natural.shape[1:]))
        gained[0] = 5.0 if chance == "total" else 0.0
        made = replace(made, draws=replace(made.draws, placebo=cells, explained=gained))
        whole = focus_estimate(made, months=(made.cells.months[0], made.cells.months[-2]))  # type: ignore[union-attr]
        own = {item.category: item.placebo for item in whole.categories}  # of nearly all months: as good as the whole
        categories = tuple(replace(item, placebo=_widened(own[item.category])) for item in made.categories)
        made = replace(made, categories=categories, total=replace(made.total, placebo=_widened(whole.total.placebo)))
    if filtered == "whole" or level == "F":
        return made
    if filtered == "unknown":
        made = replace(made, draws=replace(made.draws, placebo=None, explained=None))
    assert made.cells is not None
    months = None if filtered == "segment" else (made.cells.months[1], made.cells.months[-1])
    return focus_estimate(made, segments=["North"] if filtered in {"segment", "both"} else None, months=months)


def _widened(placebo: PlaceboInterval | None) -> PlaceboInterval:
    assert placebo is not None
    return replace(placebo, lower=placebo.lower * 12 / 11, median=placebo.median * 12 / 11, upper=placebo.upper * 12 / 11)


@pytest.mark.parametrize(("level", "filtered"), PLACES)
def test_title_tile_advice_and_terminal_say_the_same_verdict(level: str, filtered: str) -> None:
    """Over sizes and every side of chance, in both languages."""
    counts = {size: example_counts(size, names="sixty", months=12) for size in SIZES}
    for size, chance, language in product(SIZES, CHANCE, ("en", "fr")):
        words, estimate = Translator(language), company(level, filtered, size, chance)
        study = judge_study(estimate)
        first = next(tile for tile in tiles(estimate, words) if tile.key == "first")
        advice = first_decisions(estimate, words)
        assert [one.verdict for one in advice] == [judge_category(estimate, item).verdict for item in by_urgency(estimate)[:3]]
        terminal = " ".join(build_estimate_text(estimate, counts[size], words).split())
        for one in advice:
            assert " ".join(f"{one.label} – {one.sentence}".split()) in terminal
        if study.verdict in {Verdict.WATCH, Verdict.NOTHING}:
            assert first.value == words.text("report.tiles.first.none")
        else:
            assert study.verdict == advice[0].verdict
            assert first.label in {words.text(f"report.tiles.first.label{kind}_{study.verdict}") for kind in ("", "_single")}
            if estimate.evidence.ranks or size == 1:
                assert first.value == advice[0].category
        assert ranking_lead(estimate, words)
        nothing = words.text("report.headline.nothing", vocal=1, low="", high="", chance="", lost=1, middle="").split("(")[0]
        assert headline_sentence(estimate, words).startswith(nothing) == (study.verdict is Verdict.NOTHING)
        assert bool(certainty_sentence(estimate, words)) == (study.verdict is not Verdict.NOTHING)


@pytest.mark.parametrize(("level", "filtered"), PLACES)
def test_without_a_test_or_an_order_in_time_nothing_is_to_be_fixed(level: str, filtered: str) -> None:
    for size, chance in product(SIZES, CHANCE):
        estimate = company(level, filtered, size, chance)
        said = {judge_category(estimate, item).verdict for item in estimate.categories}
        tested = level in {"3", "4"} and filtered != "unknown" and chance in {"clear", "mixed"}
        assert (Verdict.FIX in said) == tested, (size, chance, said)
        assert (Verdict.UNTESTED in said) == (level in {"3", "4"} and filtered == "unknown")


# Every level, filter, size and side of chance at least once: each report is made and read back.
READ = (("3", "whole", 7, "mixed", "en"), ("3", "segment", 2, "low_end", "fr"), ("2", "months", 1, "clear", "en"),
        ("3", "months", 19, "inside", "fr"), ("F", "whole", 2, "clear", "fr"), ("4", "segment", 12, "mixed", "en"),
        ("0", "whole", 7, "clear", "fr"), ("3", "unknown", 12, "low_end", "en"), ("1", "months", 7, "clear", "en"),
        ("4", "both", 7, "total", "fr"), ("3", "whole", 12, "total", "en"))  # fmt: skip


@pytest.mark.parametrize(("level", "filtered", "size", "chance", "language"), READ)
def test_every_report_read_back_says_the_verdict_of_every_category(level: str, filtered: str, size: int, chance: str, language: str) -> None:
    words, estimate = Translator(language), company(level, filtered, size, chance)
    counts = example_counts(size, names="sixty", months=12)
    names = [item.category for item in estimate.categories]
    meant = {item.category: decision(estimate, item.category, words).label for item in estimate.categories}
    ends = {
        item.category: tuple(nearest(end) for end in (item.silent_churn.lower, item.silent_churn.median, item.silent_churn.upper))
        for item in estimate.categories
    }
    for format in READERS:
        content = report_bytes(estimate, counts, format=format, language=language, provenance=Provenance(title="Study"))
        assert verdicts(format, content, names, words) == meant, format
        text, found = READERS[format](content, names, words)
        assert {name: found[name] for name in names} == ends, format
        if format not in {"json", "csv"}:
            assert squeezed(headline_sentence(estimate, words)) in squeezed(text), format
        if format in {"pdf", "pptx", "html"}:
            for one in first_decisions(estimate, words):
                assert squeezed(one.sentence) in squeezed(text), format


def squeezed(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def test_a_remark_that_speaks_against_it_keeps_a_category_from_being_fixed() -> None:
    clear = company("3", "whole", 2, "clear")
    name = clear.categories[0].category
    for remark, kept in ((Diagnostic("leak", "warning", {}, name), 1), (Diagnostic("mass_end", "warning", {}), 0)):
        doubted = replace(clear, diagnostics=(remark,))
        said = [judge_category(doubted, item) for item in doubted.categories]
        assert said[0].verdict is Verdict.MEASURE and said[0].reason == "doubted"
        assert sum(one.verdict is Verdict.FIX for one in said) == kept


def test_where_no_range_can_be_given_there_is_no_verdict() -> None:
    refused = replace(company("3", "whole", 2, "clear"), diagnostics=(Diagnostic("renewals_not_fitted_window", "warning"),))
    assert judge_study(refused).verdict is None
    assert {judge_category(refused, item).verdict for item in refused.categories} == {None}


def test_an_estimate_of_nobody_stands_out_from_nothing() -> None:
    made = company("3", "whole", 2, "clear")
    nobody = CredibleInterval(0.0, 0.0, 0.2)
    categories = tuple(replace(one, silent_churn=nobody) for one in made.categories)
    none = replace(made, total=replace(made.total, silent_churn=nobody), categories=categories)
    assert judge_study(none).verdict is Verdict.NOTHING
    assert {verdict_label(judge_category(none, one).verdict, Translator("en")) for one in none.categories} == {"Nothing stands out"}


@pytest.mark.parametrize("filtered", ["whole", "months", "segment", "both"])
def test_a_total_that_alone_stands_out_is_watched_under_every_filter(filtered: str) -> None:
    """Its second test, how much better complaints explain the departures, is sliced with the estimate."""
    judged = judge_study(company("3", filtered, 7, "total"))
    assert (judged.verdict, judged.reason) == (Verdict.WATCH, "total_only")
    assert judge_study(company("3", filtered, 7, "inside")).reason != "total_only"
