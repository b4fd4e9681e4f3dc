"""A viewer never reaches a count of one to four customers: not shown, and not by subtracting what is shown."""

import io
from itertools import combinations, product

import numpy as np
import openpyxl
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.model.summary import focus_estimate
from iceberg.report.charts.specification import build_specification
from iceberg.report.charts.trends import build_month_trend
from iceberg.report.files import report_bytes
from iceberg.report.tables.estimate import month_trend_table
from iceberg.report.tables.written import display_table
from iceberg.report.takeaways import takeaway_month_trend
from iceberg.report.viewers import ViewerAxes, veil_estimate
from tests.model.build import linked_counts
from tests.report.examples import example_estimate

WORDS = Translator("en")


def small(value: float) -> bool:
    return 0 < value < 5


def counted(estimate: IcebergEstimate) -> np.ndarray:
    cells = estimate.cells
    assert cells is not None
    return np.concatenate([cells.vocal, cells.vocal_any[None], cells.leavers[None]])


def sparse_estimate(seed: int, *, categories: int = 4, segments: int = 5, months: int = 6) -> IcebergEstimate:
    """A few customers scattered over many cells: nearly every cell is small."""
    rng = np.random.default_rng(seed)
    whole = example_estimate(3, draws=30)
    cells = whole.cells
    assert cells is not None
    from dataclasses import replace
    from datetime import date

    from iceberg.model.results import Draws, EstimateCells
    from iceberg.model.summary import Posterior, summarise_draws

    vocal = rng.poisson(rng.uniform(0.1, 4, (categories, segments, 1)), (categories, segments, months)).astype(float)
    leavers = rng.poisson(3, (segments, months)).astype(float)
    churn = rng.poisson(1, (30, categories, segments, months)).astype(np.float32)
    natural = np.zeros((30, segments, months), dtype=np.float32)
    made = EstimateCells(
        categories=tuple(f"c{place}" for place in range(categories)),
        segments=tuple(f"s{place}" for place in range(segments)),
        months=tuple(date(2025, month + 1, 1) for month in range(months)),
        vocal=vocal,
        vocal_any=np.ceil(vocal.sum(axis=0) * 0.9),
        leavers=leavers,
        ratio_prior=rng.lognormal(size=(30, categories)),
        excess=rng.uniform(0.1, 0.4, (30, categories)),
    )
    posterior = Posterior(Draws(churn, natural, None, rng.lognormal(size=(30, categories))), made, whole.evidence)
    return replace(summarise_draws(posterior, assumptions=Assumptions(draws=30), counts_digest="x", seed=0))


def choices(axes: ViewerAxes, *, both: bool) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Everything a viewer can choose, as positions on the coarser axes."""
    every_segment, every_month = tuple(range(len(axes.segments))), tuple(range(len(axes.months)))
    segments = [chosen for size in range(1, len(every_segment) + 1) for chosen in combinations(every_segment, size)]
    months = [every_month[low : high + 1] for low in every_month for high in every_month if low <= high]
    if both:
        return list(product(segments, months))
    return [(chosen, every_month) for chosen in segments] + [(every_segment, chosen) for chosen in months]


@pytest.mark.parametrize("seed", range(12))
def test_no_choice_and_no_difference_of_two_choices_is_a_small_group(seed: int) -> None:
    veiled, axes = veil_estimate(sparse_estimate(seed), WORDS)
    cells = counted(veiled)
    found = {}
    for segments, months in choices(axes, both=axes.both):
        found[segments, months] = cells[np.ix_(range(len(cells)), segments, months)].sum(axis=(1, 2))
        assert not any(small(value) for value in found[segments, months])
    for (one, value), (other, less) in product(found.items(), found.items()):
        inside = set(other[0]) <= set(one[0]) and set(other[1]) <= set(one[1])
        if inside and other != one and (one[0] == other[0] or one[1] == other[1]):
            assert not any(small(gap) for gap in value - less), "what is left over would be a small group"


def test_nothing_is_lost_and_no_interval_moves() -> None:
    whole = sparse_estimate(3)
    veiled, _ = veil_estimate(whole, WORDS)
    assert counted(veiled)[-2:].sum() == counted(whole)[-2:].sum()
    assert veiled.total == whole.total
    assert np.allclose(veiled.draws.silent_churn.sum(axis=(1, 2, 3)), whole.draws.silent_churn.sum(axis=(1, 2, 3)))
    kept = {item.category: item for item in whole.categories}
    for item in veiled.categories:
        if item.category in kept:
            assert item.silent_churn == kept[item.category].silent_churn


def test_a_company_without_small_cells_is_shown_as_it_is() -> None:
    counts = linked_counts({"billing": 7200, "delivery": 7200}, silent_leavers=7200)
    whole = estimate_iceberg(counts, assumptions=Assumptions(draws=40))
    veiled, axes = veil_estimate(whole, WORDS)
    assert axes.both
    assert axes.segments == counts.segments
    assert axes.months == counts.months
    assert veiled.categories == whole.categories
    chosen = {"segments": ["north"], "months": (counts.months[1], counts.months[3])}
    assert focus_estimate(veiled, **chosen).total.silent_churn == focus_estimate(whole, **chosen).total.silent_churn


def test_a_small_category_is_pooled_and_its_remarks_are_gone() -> None:
    counts = linked_counts({"billing": 400, "delivery": 300, "rare": 3}, silent_leavers=2000)
    whole = estimate_iceberg(counts, assumptions=Assumptions(draws=40))
    veiled, _ = veil_estimate(whole, WORDS)
    assert "rare" not in {item.category for item in veiled.categories}
    assert all(item.vocal_customers >= 5 for item in veiled.categories)
    assert all(one.category != "rare" for one in veiled.diagnostics)
    assert not any(isinstance(value, int) and 0 < value < 5 for one in veiled.diagnostics for value in one.values.values())


def test_where_everybody_is_a_small_group_nothing_is_shown() -> None:
    whole = estimate_iceberg(linked_counts({"billing": 3}, silent_leavers=900), assumptions=Assumptions(draws=40))
    with pytest.raises(OptionError) as caught:
        veil_estimate(whole, WORDS)
    assert caught.value.code == "too_few_to_show"


def test_segments_taken_together_keep_their_names() -> None:
    _, axes = veil_estimate(sparse_estimate(1), WORDS)
    named = " + ".join(axes.segments)
    assert all(f"s{place}" in named or "+ " in named for place in range(5))
    assert len(set(axes.segments)) == len(axes.segments)


@pytest.fixture(scope="module")
def few_leavers() -> tuple[CohortCounts, IcebergEstimate]:
    """A year in which 50 customers left silently: months are taken together for a viewer."""
    counts = linked_counts({"billing": 240, "delivery": 180, "price": 120}, silent_leavers=50)
    return counts, estimate_iceberg(counts, assumptions=Assumptions(draws=60))


def test_months_that_are_taken_together_say_from_and_to(few_leavers: tuple[CohortCounts, IcebergEstimate]) -> None:
    """Five months that are called one month would read as a month in which everybody left."""
    counts, whole = few_leavers
    veiled, axes = veil_estimate(whole, WORDS)
    assert axes.last_months != axes.months
    frame = month_trend_table(veiled)
    assert [day.date() for day in frame["last_month"]] == list(axes.last_months)
    shown = display_table(frame, WORDS)
    assert list(shown.columns[:2]) == ["From month", "To month"]
    assert shown["To month"].iloc[-1] == "December 2025"
    first = next(place for place, (month, last) in enumerate(zip(axes.months, axes.last_months, strict=True)) if month != last)
    span = f"{WORDS.month(axes.months[first])} to {WORDS.month(axes.last_months[first])}"
    assert span in build_specification(lambda: build_month_trend(frame, WORDS))
    assert " to December 2025" in takeaway_month_trend(frame, WORDS)
    for language, columns in (("en", ("From month", "To month")), ("fr", ("Du mois", "Au mois"))):
        book = openpyxl.load_workbook(io.BytesIO(report_bytes(veiled, counts, format="xlsx", language=language, smallest=5)))
        sheet = book[Translator(language).text("export.sheet.months")]
        assert tuple(cell.value for cell in sheet[1])[:2] == columns
        assert sheet.max_row - 1 == len(axes.months)
        assert (sheet.cell(first + 2, 1).value.date(), sheet.cell(first + 2, 2).value.date()) == (axes.months[first], axes.last_months[first])
        notes = [row[1] for row in book[Translator(language).text("export.sheet.notes")].iter_rows(values_only=True)]
        assert Translator(language).text("export.months_together") in notes
    written = report_bytes(veiled, counts, format="csv", language="en", smallest=5).decode("utf-8-sig")
    assert f"{axes.months[first]:%Y-%m}..{axes.last_months[first]:%Y-%m}" in written


def test_a_part_of_the_months_keeps_the_last_of_each(few_leavers: tuple[CohortCounts, IcebergEstimate]) -> None:
    veiled, axes = veil_estimate(few_leavers[1], WORDS)
    part = focus_estimate(veiled, months=(axes.months[1], axes.months[-1]))
    assert part.cells is not None
    assert part.cells.last_months == axes.last_months[1:]


def test_months_that_stand_alone_are_called_months(few_leavers: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, whole = few_leavers
    assert "last_month" not in month_trend_table(whole)
    assert display_table(month_trend_table(whole), WORDS).columns[0] == "Month"
    assert ".." not in report_bytes(whole, counts, format="csv", language="en").decode("utf-8-sig").split("notes")[0].split("assumptions")[0]
