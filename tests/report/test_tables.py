"""The tidy frames: raw values of the estimate, one row per thing, and what a reader sees of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.report.tables.assumptions import sensitivity_table, tornado_table
from iceberg.report.tables.checks import checks_table
from iceberg.report.tables.estimate import (
    comparator_table,
    iceberg_table,
    month_trend_table,
    pipeline_table,
    prior_posterior_table,
    ranking_table,
    segment_table,
    total_table,
)
from iceberg.report.tables.survival import curve_table, delay_table, net_survival_table, numbers_at_risk_table, tenure_profile_table, thinned
from iceberg.report.tables.written import display_table
from iceberg.report.words import diagnostic_sentences
from tests.report.examples import (
    ExampleCurve,
    ExampleNetSurvival,
    example_checks,
    example_estimate,
    example_sensitivity,
    example_tornado,
)

ESTIMATE = example_estimate(7, draws=200)


def diagnostics_table() -> pd.DataFrame:
    """One row per diagnostic: severity, category, says, do."""
    rows = []
    for item in ESTIMATE.diagnostics:
        says, do = diagnostic_sentences(item, Translator("en"))
        rows.append({"severity": item.severity, "category": item.category or "", "says": says, "do": do})
    return pd.DataFrame(rows, columns=["severity", "category", "says", "do"])


def every_frame() -> dict[str, pd.DataFrame]:
    curves = curve_table({"a": ExampleCurve(0.5), "b": ExampleCurve(0.2)})
    return {
        "iceberg": iceberg_table(ESTIMATE),
        "total": total_table(ESTIMATE),
        "ranking": ranking_table(ESTIMATE),
        "comparator": comparator_table(ESTIMATE),
        "prior_posterior": prior_posterior_table(ESTIMATE),
        "month_trend": month_trend_table(ESTIMATE),
        "segment": segment_table(ESTIMATE),
        "pipeline": pipeline_table(ESTIMATE),
        "curve": curves.head(20),
        "at_risk": numbers_at_risk_table(curves, days=[0, 365]),
        "net_survival": net_survival_table(ExampleNetSurvival()),
        "delay": delay_table([0, 7, 14], [5, 3, 2]),
        "tenure": tenure_profile_table([0, 3, 12], [5, 3, 2], [1000, 0, 9000]),
        "sensitivity": sensitivity_table(example_sensitivity(ESTIMATE)),
        "tornado": tornado_table(example_tornado()),
        "diagnostics": diagnostics_table(),
        "checks": checks_table(replace(ESTIMATE, checks=example_checks())),
    }


def test_the_iceberg_table_holds_the_numbers_of_the_estimate() -> None:
    frame = iceberg_table(ESTIMATE).set_index("category")
    for item in ESTIMATE.categories:
        row = frame.loc[item.category]
        assert row["vocal_customers"] == item.vocal_customers
        assert (row["silent_lower"], row["silent_median"], row["silent_upper"]) == (
            item.silent_churn.lower,
            item.silent_churn.median,
            item.silent_churn.upper,
        )


def test_without_revenue_money_is_unknown_not_zero() -> None:
    frame = iceberg_table(example_estimate(revenue=False, draws=60))
    assert frame[["revenue_lost_lower", "revenue_lost_median", "revenue_lost_upper"]].isna().all(axis=None)


def test_the_ranking_starts_with_the_category_most_likely_to_be_first() -> None:
    frame = ranking_table(ESTIMATE)
    assert frame["probability_first"].is_monotonic_decreasing
    assert frame["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_single_category_is_not_ranked() -> None:
    """A hundred in a hundred that the only one is the largest says nothing."""
    assert ranking_table(example_estimate(1, draws=60))["probability_first"].isna().all()


def test_a_ranking_by_money_falls_back_to_customers_without_revenue() -> None:
    estimate = example_estimate(revenue=False, draws=60)
    pd.testing.assert_frame_equal(ranking_table(estimate, by="money"), ranking_table(estimate))


def test_months_come_from_the_joint_draws() -> None:
    frame = month_trend_table(ESTIMATE)
    draws = ESTIMATE.draws.silent_churn.sum((1, 2))
    assert frame["median"].to_numpy() == pytest.approx(np.median(draws, axis=0), rel=1e-5)
    assert frame["silent_leavers"].sum() == pytest.approx(ESTIMATE.silent_leavers, rel=1e-9)


def test_the_months_of_one_category_hold_only_its_draws() -> None:
    frame = month_trend_table(ESTIMATE, category="Livraison")
    place = [item.category for item in ESTIMATE.categories].index("Livraison")
    assert frame["median"].to_numpy() == pytest.approx(
        np.median(ESTIMATE.draws.silent_churn[:, place].sum(1), axis=0), rel=1e-5
    )
    assert frame["vocal_customers"].sum() == pytest.approx(ESTIMATE.categories[place].vocal_customers, rel=1e-9)


def test_no_segment_explains_more_leavers_than_it_lost() -> None:
    frame = segment_table(ESTIMATE)
    assert (frame["upper"] <= frame["silent_leavers"] + 1e-6).all()
    assert frame["silent_share"].between(0, 1).all()


def test_the_comparator_reads_the_folk_figure_as_leavers() -> None:
    frame = comparator_table(ESTIMATE)
    assert frame["folk_ratio"].to_numpy() == pytest.approx(np.full(7, 25.0), rel=1e-9)


def test_a_category_without_complainants_has_no_folk_ratio() -> None:
    from dataclasses import replace

    first, *others = ESTIMATE.categories
    empty = replace(ESTIMATE, categories=(replace(first, vocal_customers=0, folk_estimate=0.0), *others))
    assert comparator_table(empty)["folk_ratio"].isna().tolist() == [True, *[False] * 6]


def test_numbers_at_risk_count_who_is_still_followed() -> None:
    curves = curve_table({"a": ExampleCurve(0.5, days=100, customers=900)})
    frame = numbers_at_risk_table(curves, days=[0, 50, 400])
    assert frame["at_risk"].tolist() == [900.0, curves["at_risk"].iloc[50], 0.0]


def test_thinning_keeps_the_ends_and_at_most_the_points_asked_for() -> None:
    curves = curve_table({"a": ExampleCurve(0.5), "b": ExampleCurve(0.1, days=30)})
    light = thinned(curves, points=100)
    sizes = light.groupby("group").size()
    assert sizes["a"] == 100 and sizes["b"] == 31
    assert light.groupby("group")["day"].agg(["min", "max"]).to_numpy().tolist() == [[0, 1500], [0, 30]]


def test_a_tenure_band_with_no_customer_has_no_rate() -> None:
    frame = tenure_profile_table([0, 3], [4, 0], [36_525, 0])
    assert frame["rate"].iloc[0] == pytest.approx(4.0, rel=1e-9)
    assert np.isnan(frame["rate"].iloc[1])


def test_the_widest_swing_comes_first_in_the_tornado() -> None:
    frame = tornado_table(example_tornado())
    swing = (frame["at_high"] - frame["at_low"]).abs()
    assert swing.is_monotonic_decreasing


def test_below_level_three_the_pipeline_table_is_empty() -> None:
    frame = pipeline_table(example_estimate(level="2", draws=60))
    assert frame.empty and list(frame.columns) == ["category", "days", "lower", "median", "upper"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_header_in_both_languages(language: str) -> None:
    translator = Translator(language)
    missing = {
        column
        for frame in every_frame().values()
        for column in frame.columns
        if not translator.has(f"report.columns.{column}")
    }
    assert missing == set()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_all_categories_together_have_a_name(language: str) -> None:
    """The first row of two segments beside each other is every category; a step of a sum that is no category stays without one."""
    words = Translator(language)
    pair = pd.DataFrame({"category": ["", "billing"], "first_median": [2.0, 1.0]})
    assert display_table(pair, words).iloc[:, 0].tolist() == [words.text("report.all_categories"), "billing"]
    steps = pd.DataFrame({"step": ["natural"], "category": [""]})
    assert display_table(steps, words).iloc[0, 1] == ""



@pytest.mark.parametrize("language", LANGUAGES)
def test_display_tables_keep_every_row_and_hold_only_text(language: str) -> None:
    for name, frame in every_frame().items():
        shown = display_table(frame, Translator(language))
        assert shown.shape == frame.shape, name
        assert all(isinstance(value, str) for value in shown.to_numpy().ravel()), name


def test_tables_show_exact_figures_and_say_what_is_unknown() -> None:
    frame = pd.DataFrame({"category": ["a", "b"], "silent_median": [12_345.4, np.nan], "prior_share": [0.3333, 1.0]})
    shown = display_table(frame, Translator("fr"))
    assert shown.iloc[0].tolist() == ["a", "12\N{NARROW NO-BREAK SPACE}345", "33,3\N{NO-BREAK SPACE}%"]
    assert shown.iloc[1, 1] == "inconnu"


def test_money_columns_show_the_currency() -> None:
    frame = pd.DataFrame({"lower": [1200.0]})
    assert display_table(frame, Translator("en"), currency="GBP", unit="money").iloc[0, 0] == "£1,200"


def test_the_money_among_the_totals_shows_the_currency_and_customers_do_not() -> None:
    shown = display_table(total_table(ESTIMATE), Translator("en"), currency="EUR")
    by_quantity = dict(zip(total_table(ESTIMATE)["quantity"], shown.iloc[:, 2], strict=True))
    assert by_quantity["revenue_lost"].startswith("€")
    assert not by_quantity["silent_churn"].startswith("€")
