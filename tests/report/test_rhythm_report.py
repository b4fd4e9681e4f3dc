"""Breaks of rhythm in reports, documents and pictures; readers who may only view see no group and no count of fewer than five people."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

import iceberg
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.rhythm.counts import CountRange, RhythmCategory, RhythmCounts, RhythmPeriod, RhythmSegment, TracePoint
from iceberg.locale import LANGUAGES, Translator
from iceberg.report.charts.rhythm.pulse import build_pulse
from iceberg.report.charts.rhythm.trace import build_trace
from iceberg.report.export import build_document
from iceberg.report.files import report_bytes
from iceberg.report.rhythm.frames import periods_frame, trace_frame, trace_sentence, weeks_frame
from iceberg.report.rhythm.sentences import category_table, rhythm_headline
from iceberg.simulation.company import simulate_world

MONDAY = date(2024, 1, 1)
COUNTS = RhythmCounts(
    first_day=MONDAY, as_of=date(2024, 12, 29), customers=900, established=700, slow=200, left=0, since=date(2024, 9, 30), collapsing=60,
    usual=CountRange(20, 32, 44), expected_by_chance=1.5, broken=90, settled=6, broken_settled=20, unlikely_to_return=0.6,
    kinds={"stopped": 45, "faded": 2, "far_less": 13}, threshold=0.8, settled_from=0.8, budget=2.0, false_alarms=1.6, visible_until=date(2024, 10, 6),
    periods=tuple(RhythmPeriod(MONDAY + timedelta(weeks=4 * place), 1.0, 600.0, float(breaks), 0.5) for place, breaks in enumerate([20, 3, 0, 30])),
    segments=(RhythmSegment("secret club", 30, 3, 1, 2.6),),
    categories=(
        RhythmCategory("staff", "incidents", 200, 60.0, 7.0, CountRange(7, 9, 11), CountRange(0.4, 1.0, 2.0), "more"),
        RhythmCategory("", "companions", 40, 9.0, 8.0, CountRange(0.6, 1.1, 1.8), CountRange(0.5, 1.0, 1.9), "not_distinguishable"),
    ),
    trace=(*(TracePoint(week, 50, 1.0 if week < 0 else 0.1) for week in range(-26, 10)), TracePoint(10, 0, None)),
    weekly=tuple([1.0, 0.9, 0.0] * 18)[:52],
)  # fmt: skip


@pytest.fixture(scope="module")
def counts() -> CohortCounts:
    company = simulate_world("small", 0)
    tables, _ = iceberg.load_tables(company.customers, company.complaints)
    with tables:
        return replace(iceberg.reduce_tables(tables), rhythms=(COUNTS,))


def test_a_hole_is_no_line_and_periods_of_few_people_are_hidden_from_viewers() -> None:
    weeks = weeks_frame(COUNTS)
    assert len(weeks) == 52 and weeks["activity"].isna().sum() == 17 and weeks["activity"].max() == 1
    assert periods_frame(COUNTS)["breaks"].tolist() == [20, 3, 0, 30]
    assert periods_frame(COUNTS, smallest=5)["breaks"].tolist() == [20, 0, 30]  # nobody is no small group


def test_the_trace_says_how_far_it_falls() -> None:
    assert trace_frame(COUNTS)["week"].max() == 9
    assert trace_sentence(COUNTS, Translator("en")).count("100%") == 1 and "10%" in trace_sentence(COUNTS, Translator("en"))
    assert trace_sentence(replace(COUNTS, trace=()), Translator("en")) == Translator("en").text("rhythm.trace_none")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pictures_are_valid(language: str) -> None:
    words = Translator(language)
    for theme in ("light", "dark"):
        for narrow in (False, True):
            style = {"theme": theme, "narrow": narrow}
            pulse = build_pulse(weeks_frame(COUNTS), periods_frame(COUNTS), words, description="x", since=COUNTS.since, **style)  # type: ignore[arg-type]
            drawn = pulse.to_dict(validate=True)
            build_trace(trace_frame(COUNTS), words, description="x", **style).to_dict(validate=True)  # type: ignore[arg-type]
    assert {layer["mark"]["type"] for layer in drawn["layer"]} >= {"line", "bar", "rule", "text"}
    build_pulse(weeks_frame(replace(COUNTS, weekly=())), periods_frame(COUNTS), words, description="x", since=COUNTS.since).to_dict(validate=True)


def test_a_lost_companion_has_a_name_in_both_languages() -> None:
    for language, name in (("en", "lost companion"), ("fr", "compagnon perdu")):
        _, rows = category_table(COUNTS, Translator(language))
        assert [row[0] for row in rows] == ["staff", name]


@pytest.mark.parametrize("language", LANGUAGES)
def test_reports_carry_it_and_viewers_see_no_group(counts: CohortCounts, language: str) -> None:
    estimate = iceberg.estimate_iceberg(counts, assumptions=iceberg.Assumptions(draws=200))
    title = Translator(language).text("rhythm.title")
    page, viewers = (report_bytes(estimate, counts, format="html", language=language, smallest=smallest).decode() for smallest in (0, 5))
    own, shown = (text.partition(title)[2].partition("</section>")[0] for text in (page, viewers))
    assert "60" in own and "60" in shown and own.count("<img") == shown.count("<img") == 2
    assert "secret club" in own and "secret club" not in shown and "staff" not in shown
    assert title not in report_bytes(estimate, replace(counts, rhythms=()), format="html", language=language).decode()


def test_the_document_has_it_and_hides_few_people(counts: CohortCounts) -> None:
    estimate = iceberg.estimate_iceberg(counts, assumptions=iceberg.Assumptions(draws=200))
    own, viewers = (build_document(estimate, counts, rows={}, smallest=smallest)["rhythm"] for smallest in (0, 5))
    assert own["collapsing"] == viewers["collapsing"] == 60 and own["settled"] == 6 and viewers["settled"] is None
    assert viewers["segments"] == viewers["categories"] == [] and [one["breaks"] for one in viewers["periods"]] == [20, None, 0, 30]
    assert "rhythm" not in build_document(estimate, replace(counts, rhythms=()), rows={})
    few = replace(COUNTS, collapsing=3)
    assert "3" not in rhythm_headline(few, Translator("en"), smallest=5).replace("5", "")
    assert build_document(estimate, replace(counts, rhythms=(few,)), rows={}, smallest=5)["rhythm"]["collapsing"] is None
