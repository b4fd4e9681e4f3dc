"""No pair of versions that a viewer may open differs by one to four customers, in anything that the viewer can choose or take along."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iceberg.cohort.reasons.answers import NONE_OF_THESE, Answers, StatedReasons
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.results import CredibleInterval, Draws, EstimateCells, IcebergEstimate, PredictiveCheck, PredictivePoint
from iceberg.model.summary import Posterior, focus_estimate, summarise_draws
from iceberg.report.export import build_document
from iceberg.report.small_cells import beside_differs_safely
from iceberg.report.viewers import (
    CountedCells,
    StudyGroups,
    ViewerAxes,
    cells_of_counts,
    counted_cells,
    differs_safely,
    merge_groups,
    veil_estimate,
    without_beside,
)
from tests.model.build import linked_counts
from tests.model.test_scores import score_counts
from tests.report.examples import example_estimate
from tests.report.test_viewers import choices

WORDS = Translator("en")
DRAWS = 5


def small(value: float) -> bool:
    return 1e-6 < abs(value) < 5 - 1e-6


def estimate_of(cells: CountedCells) -> IcebergEstimate:
    rng = np.random.default_rng(0)
    kinds = len(cells.categories)
    made = EstimateCells(
        categories=cells.categories,
        segments=cells.segments,
        months=cells.months,
        vocal=cells.counted[:-2],
        vocal_any=cells.counted[-2],
        leavers=cells.counted[-1],
        ratio_prior=np.ones((DRAWS, kinds)),
        excess=np.full((DRAWS, kinds), 0.2),
    )
    churn = rng.poisson(1, (DRAWS, *cells.counted[:-2].shape)).astype(np.float32)
    draws = Draws(churn, np.zeros((DRAWS, *cells.counted.shape[1:]), dtype=np.float32), None, np.ones((DRAWS, kinds)))
    evidence = example_estimate(3, draws=30).evidence
    return summarise_draws(Posterior(draws, made, evidence), assumptions=Assumptions(draws=DRAWS), counts_digest="x", seed=0)


@st.composite
def studies(draw: st.DrawFn) -> list[CountedCells]:
    """Two to four versions: the next months, late complaints, a new segment or category, a category that is gone."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    months = [date(2025, month, 1) for month in range(1, 8)]
    mean = draw(st.sampled_from([0.4, 2.0, 12.0, 60.0]))
    late = draw(st.sampled_from([0.0, 0.02, 0.5]))
    categories, segments, length = ["a", "b", "c"], ["s", "t", "u"], 4
    known: dict[tuple[str, str, date], np.ndarray] = {}
    versions = []
    for number in range(draw(st.integers(2, 4))):
        if draw(st.booleans()) and number:
            categories = draw(st.sampled_from([[*categories, f"new {number}"], categories[1:] or categories]))
        if draw(st.booleans()) and number:
            segments = [*segments, f"more {number}"]
        shown = months[draw(st.integers(0, 1)) : length]
        length = min(length + draw(st.integers(0, 1)), len(months))
        counted = np.zeros((len(categories) + 2, len(segments), len(shown)))
        for at, name in enumerate([*categories, "any", "leavers"]):
            for place, segment in enumerate(segments):
                for when, month in enumerate(shown):
                    key = (name, segment, month)
                    before = known.get(key)
                    value = rng.poisson(mean) if before is None else before + (rng.random() < late) * rng.integers(1, 3)
                    known[key] = value
                    counted[at, place, when] = value
        versions.append(CountedCells(tuple(categories), tuple(segments), tuple(shown), counted))
    return versions


def chosen_sums(estimate: IcebergEstimate, axes: ViewerAxes, groups: StudyGroups) -> dict[tuple[object, ...], np.ndarray]:
    """Every figure of every choice, under names that are the same in every version."""
    cells = estimate.cells
    assert cells is not None
    counted = np.concatenate([cells.vocal, cells.vocal_any[None], cells.leavers[None]])
    rows = [*(name if name not in {"", *groups.pooled} and "fewer than" not in name else "pool" for name in cells.categories), "any", "leavers"]
    spans = [next((span for span in groups.months if span[0] <= first <= span[1]), first) for first in axes.months]
    sums = {}
    for segments, months in choices(axes, both=axes.both):
        found = counted[np.ix_(range(len(counted)), segments, months)].sum(axis=(1, 2))
        where = (tuple(axes.segments[place] for place in segments), tuple(spans[place] for place in months))
        every = (len(segments) == len(axes.segments), len(months) == len(axes.months))
        if len(segments) == 1 or every[0]:
            sums |= {(row, "all" if every[0] else where[0], "all" if every[1] else where[1]): value for row, value in zip(rows, found, strict=True)}
    return sums


def open_of(versions: list[CountedCells], groups: StudyGroups) -> list[CountedCells]:
    chosen = [versions[-1]]
    for version in versions[-2::-1]:
        if all(differs_safely(version, other, groups) for other in chosen):
            chosen.append(version)
    return chosen


@settings(max_examples=40, deadline=None)
@given(versions=studies())
def test_no_pair_of_open_versions_singles_out_a_small_group(versions: list[CountedCells]) -> None:
    groups = StudyGroups()
    for version in versions:
        groups = merge_groups(groups, version)
    seen = []
    for version in open_of(versions, groups):
        try:
            veiled, axes = veil_estimate(estimate_of(version), WORDS, groups=groups)
        except OptionError:  # a company of four
            continue
        found = chosen_sums(veiled, axes, groups)
        assert not any(small(value) for value in found.values())
        seen.append(found)
    for one, other in combinations(seen, 2):
        for key in one.keys() & other.keys():
            if "pool" not in key or ("pool", "all", "all") in one.keys() & other.keys():
                assert not small(one[key] - other[key]), key


@settings(max_examples=60, deadline=None)
@given(versions=studies())
def test_groups_only_merge_and_do_not_depend_on_when_they_are_stored(versions: list[CountedCells]) -> None:
    groups = StudyGroups()
    for version in versions:
        later = merge_groups(groups, version)
        assert set(groups.pooled) <= set(later.pooled)
        assert all(any(set(group) <= set(other) for other in later.segments) for group in groups.segments)
        assert all(any(low <= first and last <= high for low, high in later.months) for first, last in groups.months)
        assert groups.both or not later.both
        assert StudyGroups.from_dict(later.to_dict()) == later
        assert merge_groups(later, version) == later, "a version that is covered changes nothing"
        groups = later


def january(of_segment: tuple[int, int, int], leavers: int = 400) -> CountedCells:
    vocal = np.array(of_segment, dtype=float)[:, None]
    counted = np.stack([vocal, vocal, np.full((3, 1), leavers / 1.0)])
    return CountedCells(("price",), ("Essential", "Plus", "Pro"), (date(2025, 1, 1),), counted)


def test_the_late_complaint_of_the_audit_closes_the_version_before() -> None:
    """1,379 -> 1,380 complainants, and Essential 367 -> 368: one customer who has complained and left."""
    without, with_it = january((367, 500, 512)), january((368, 500, 512))
    groups = merge_groups(merge_groups(StudyGroups(), without), with_it)
    assert groups == StudyGroups()
    assert not differs_safely(without, with_it, groups)
    assert differs_safely(with_it, with_it, groups)
    assert differs_safely(january((363, 500, 512)), with_it, groups)


def test_five_more_in_all_but_two_and_three_in_the_segments_is_no_safe_difference() -> None:
    assert not differs_safely(january((100, 100, 100)), january((102, 103, 100)), StudyGroups())
    assert differs_safely(january((100, 100, 100)), january((102, 103, 100)), StudyGroups(segments=(("Essential", "Plus"),)))


def test_months_made_anew_for_each_version_cannot_be_subtracted() -> None:
    """Of the audit: the same link to January showed two partitions of the same months. Now both have the coarser one."""
    months = tuple(date(2025, month, 1) for month in (1, 2, 3))
    fine = CountedCells(("price",), ("S",), months, np.full((3, 1, 3), 50.0))
    sparse = replace(fine, counted=np.array([[[50.0, 2.0, 40.0]], [[50.0, 2.0, 40.0]], [[50.0, 50.0, 50.0]]]))
    groups = merge_groups(merge_groups(StudyGroups(), fine), sparse)
    spans = [veil_estimate(estimate_of(version), WORDS, groups=groups)[1] for version in (fine, sparse)]
    assert [(axes.months, axes.last_months) for axes in spans] == [((months[0], months[1]), (months[0], months[2]))] * 2


def test_a_pooled_category_stays_pooled_in_every_version() -> None:
    def version(rare: int) -> CountedCells:
        vocal = np.array([100.0, 60.0, rare])[:, None, None]
        return CountedCells(("a", "b", "rare"), ("S",), (date(2025, 1, 1),), np.concatenate([vocal, [[[150.0]], [[400.0]]]]))

    groups = merge_groups(merge_groups(StudyGroups(), version(3)), version(30))
    assert groups.pooled == ("b", "rare")
    names = [veil_estimate(estimate_of(version(rare)), WORDS, groups=groups)[0].cells.categories for rare in (3, 30)]  # type: ignore[union-attr]
    assert names[0] == names[1]
    assert "rare" not in names[1]


def test_counts_and_estimate_have_the_same_cells() -> None:
    from iceberg.model.estimate import estimate_iceberg

    counts = linked_counts({"billing": 120, "delivery": 90}, silent_leavers=600)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=30))
    assert estimate.cells is not None
    one, other = cells_of_counts(counts, Assumptions()), counted_cells(estimate.cells)
    assert (one.categories, one.segments, one.months) == (other.categories, other.segments, other.months)
    assert np.array_equal(one.counted, other.counted)


def test_what_a_viewer_takes_along_holds_the_sums_of_the_groups() -> None:
    """The JSON of a veiled estimate, whole and filtered: a report writes nothing finer."""
    rng = np.random.default_rng(4)
    cells = CountedCells(("a", "b"), ("s", "t"), (date(2025, 1, 1), date(2025, 2, 1)), rng.poisson(30, (4, 2, 2)).astype(float))
    later = replace(cells, counted=cells.counted + 5)
    groups = merge_groups(merge_groups(StudyGroups(), cells), later)
    counts = linked_counts({"a": 120, "b": 90}, silent_leavers=600)
    for segments in (None, ["s"]):
        heard = []
        for version in (cells, later):
            veiled, _ = veil_estimate(estimate_of(version), WORDS, groups=groups)
            document = build_document(focus_estimate(veiled, segments=segments), counts, rows={})
            heard.append([*(item["vocal_customers"] for item in document["categories"]), document["total"]["vocal_customers"]])
        assert not any(small(after - before) for before, after in zip(*heard, strict=True))


def test_what_a_viewer_reads_of_the_check_of_the_fit_cannot_be_subtracted() -> None:
    """Its places (a month, a tenure band) are finer than the groups: observed counts come in steps of five."""
    points = tuple(PredictivePoint(str(place), seen, CredibleInterval(1, 2, 3)) for place, seen in enumerate((182.0, 183.0, 7.0, 26.5)))
    whole = replace(estimate_of(january((100, 100, 100))), checks=(PredictiveCheck("departures", "month", points, 0.1, 0.5),))
    veiled, _ = veil_estimate(whole, WORDS)
    assert [point.observed for point in veiled.checks[0].points] == [180, 185, 5, 25]
    assert [point.predicted for point in veiled.checks[0].points] == [point.predicted for point in points]


def test_a_viewer_reads_no_count_of_answers() -> None:
    """Few people answer, and what they typed may be anything: a document for viewers says that they did, and from where."""
    evidence = example_estimate(3, draws=30).evidence
    counted = (("incidents_logged", {"struck": 40, "voiced": 3}), ("reasons_survey", {"answers": 3, "asked": 9, "reached": 4, "told": 1}))
    estimate = replace(estimate_of(january((100, 100, 100))), evidence=replace(evidence, reasons=(*evidence.reasons, *counted)))
    veiled, _ = veil_estimate(estimate, WORDS)
    assert veiled.evidence.reasons == (*evidence.reasons, ("measured", {}))
    answers = (Answers(None, "a", None, False, 3), Answers(None, NONE_OF_THESE, None, False, 1))
    stated = StatedReasons("survey", answers, asked=9, reached=4, unmatched=(("my own words", 1),))
    counts = replace(linked_counts({"a": 120, "b": 90}), stated=(stated,))
    assert build_document(veiled, counts, rows={}, smallest=5)["stated_reasons"] == [{"source": "survey"}]
    assert "my own words" in str(build_document(estimate, counts, rows={})["stated_reasons"]), "an analyst reads them"


def test_counts_beside_the_estimate_are_compared_wherever_they_stand() -> None:
    def declared(left: int, satisfied: int, *, name: str = "b") -> dict[str, object]:
        return {"declared": {"found": True, "leavers": {"leavers": left}, "curve": [{"name": name, "leavers": satisfied}], "auc": 0.5}}

    assert beside_differs_safely(declared(40, 12), declared(40, 12))
    assert beside_differs_safely(declared(40, 12), declared(45, 30))
    assert not beside_differs_safely(declared(40, 12), declared(41, 12))
    assert not beside_differs_safely(declared(40, 12), declared(40, 8))
    assert beside_differs_safely(declared(40, 12), declared(40, 11, name="c")), "of another group"
    assert beside_differs_safely(declared(40, 12), {})
    assert beside_differs_safely({"total": {"vocal_customers": 5}}, {"total": {"vocal_customers": 6}}), "that is judged by its cells"


def test_no_estimate_moves_where_what_stands_beside_it_is_left_out() -> None:
    counts = linked_counts({"a": 120, "b": 90})
    scored = replace(counts, scores=score_counts([(0, 0, level, 10_000, 10) for level in range(11)]))
    assert without_beside(scored).digest == counts.digest
