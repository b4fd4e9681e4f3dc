"""The other charts, through their data and encodings."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.report.charts.assumptions import build_sensitivity, build_tornado, spread
from iceberg.report.charts.checks import build_checks, build_coverage
from iceberg.report.charts.curves import build_curves
from iceberg.report.charts.dots import build_comparator, build_prior_posterior, build_ranking, build_segments
from iceberg.report.charts.iceberg.text_width import text_width
from iceberg.report.charts.layers import LayeredChart
from iceberg.report.charts.outcomes import build_outcomes, build_waterfall
from iceberg.report.charts.specification import build_specification
from iceberg.report.charts.trends import build_delay, build_month_trend, build_net_survival, build_tenure_profile
from iceberg.report.palette import THEMES, category_colours
from iceberg.report.tables.assumptions import sensitivity_table, tornado_table
from iceberg.report.tables.checks import checks_table
from iceberg.report.tables.coverage import coverage_table
from iceberg.report.tables.estimate import comparator_table, month_trend_table, prior_posterior_table, ranking_table, segment_table
from iceberg.report.tables.origin import origin_table, outcomes_table
from iceberg.report.tables.survival import curve_table, delay_table, net_survival_table, tenure_profile_table
from iceberg.report.takeaways import takeaway_net_survival
from tests.report.examples import (
    ExampleCurve,
    ExampleNetSurvival,
    example_checks,
    example_estimate,
    example_sensitivity,
    example_tornado,
)

ESTIMATE = example_estimate(7, draws=60)
NAMES = [item.category for item in ESTIMATE.categories]


def contrast_ratio(first: str, second: str) -> float:
    """WCAG 2.2 contrast of two ``#rrggbb`` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def blend(over: str, under: str, opacity: float) -> str:
    """The colour seen when `over` lies on `under` with this opacity."""
    top, bottom = _channels(over), _channels(under)
    return "#" + "".join(f"{round(255 * (opacity * a + (1 - opacity) * b)):02x}" for a, b in zip(top, bottom, strict=True))


def _channels(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def every_chart(language: str = "fr", theme: str = "light") -> dict[str, dict]:
    t = Translator(language)
    curves = curve_table({name: ExampleCurve(0.2 + 0.05 * place) for place, name in enumerate(NAMES)})
    built = {
        "ranking": build_ranking(ranking_table(ESTIMATE), t, theme, categories=NAMES),
        "money": build_ranking(
            ranking_table(ESTIMATE, by="money"), t, theme, categories=NAMES, currency="EUR"
        ),
        "segments": build_segments(segment_table(ESTIMATE), t, theme),
        "comparator": build_comparator(comparator_table(ESTIMATE), t, theme, categories=NAMES),
        "prior": build_prior_posterior(prior_posterior_table(ESTIMATE), t, theme),
        "trend": build_month_trend(month_trend_table(ESTIMATE), t, theme),
        "net": build_net_survival(net_survival_table(ExampleNetSurvival()), t, theme),
        "delay": build_delay(delay_table([0, 7, 14, 30], [9, 6, 8, 3], expected=[1, 1, 2, 4]), t, theme),
        "tenure": build_tenure_profile(
            tenure_profile_table([0, 3, 12], [5, 3, 2], [9e4, 8e4, 9e5]), t, theme
        ),
        "curves": build_curves(curves, t, theme, colours=category_colours(NAMES, theme)),
        "hazard": build_curves(curves, t, theme, kind="hazard", clock="complaint"),
        "sensitivity": build_sensitivity(
            sensitivity_table(example_sensitivity(ESTIMATE)), t, theme, categories=NAMES
        ),
        "coverage": build_coverage(coverage_table(), t, theme),
        "tornado": build_tornado(tornado_table(example_tornado()), t, theme),
        "waterfall": build_waterfall(origin_table(ESTIMATE), t, theme, categories=NAMES),
        "outcomes": build_outcomes(outcomes_table(ESTIMATE, NAMES[0]), t, theme, chance=20.0),
        "checks": build_checks(checks_table(replace(ESTIMATE, checks=example_checks())), t, theme),
    }
    return {name: chart.to_dict() for name, chart in built.items()}


def rows_with(spec: dict, *columns: str) -> list[dict]:
    return [row for rows in spec["datasets"].values() for row in rows if set(columns) <= set(row)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_states_its_takeaway(language: str) -> None:
    for name, spec in every_chart(language).items():
        assert len(spec["description"]) > 20, name
        assert not re.search(r"[{}]|report\.", spec["description"]), name


def test_every_chart_stays_under_100_kb() -> None:
    sizes = {name: len(json.dumps(spec)) for name, spec in every_chart().items()}
    assert {name: size for name, size in sizes.items() if size >= 100_000} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_chart_is_transparent_and_fills_its_container(theme: str) -> None:
    for spec in every_chart(theme=theme).values():
        assert spec["config"]["background"] == "transparent"
        assert spec["width"] == "container"
        assert isinstance(spec["padding"], dict)  # the page adds to it, and a number would break it


def test_daily_curves_are_thinned() -> None:
    rows = rows_with(every_chart()["curves"], "estimate", "risk")
    per_group = pd.DataFrame(rows).groupby("group").size()
    assert len(per_group) == 7
    assert per_group.max() <= 400


def test_intervals_of_the_ranking_are_those_of_the_estimate() -> None:
    rows = {row["category"]: row for row in rows_with(every_chart()["ranking"], "lower", "upper")}
    for item in ESTIMATE.categories:
        assert (rows[item.category]["lower"], rows[item.category]["upper"]) == pytest.approx(
            (item.silent_churn.lower, item.silent_churn.upper), rel=1e-9
        )


def test_the_ranking_leaves_room_for_its_texts_however_narrow_the_browser_draws_it() -> None:
    """Beside another picture it has 200 pixels, on paper 700: the width is known in the browser only."""
    ranges = {json.dumps(layer["encoding"]["x"]["scale"]["range"]) for layer in every_chart()["ranking"]["layer"]}
    assert len(ranges) == 1
    room = re.search(r"max\(width - (\d+), 0\.35 \* width\)", ranges.pop())
    longest = max(text_width(row["end_text"], 12) for row in rows_with(every_chart()["ranking"], "end_text"))
    assert room is not None and int(room[1]) >= longest + 10


def test_the_legend_of_the_comparator_fits_a_column_of_the_page() -> None:
    legends = [layer["encoding"]["shape"]["legend"] for layer in every_chart()["comparator"]["layer"] if "shape" in layer["encoding"]]
    assert {legend["columns"] for legend in legends} == {1}


def test_the_comparator_is_logarithmic_and_shows_the_folk_figure_for_each_category() -> None:
    spec = every_chart()["comparator"]
    folk = [row for row in rows_with(spec, "role", "value") if row["role"] == "folk"]
    assert [row["value"] for row in folk] == pytest.approx([25.0] * 7, rel=1e-9)
    assert all(layer["encoding"]["x"]["scale"]["type"] == "log" for layer in spec["layer"])


def test_heights_of_the_delay_are_per_week_because_bins_are_unequal() -> None:
    rows = rows_with(every_chart()["delay"], "per_week")
    assert [row["per_week"] for row in rows] == pytest.approx([9.0, 6.0, 3.5], rel=1e-9)


def test_the_open_last_bin_stands_in_the_table_only() -> None:
    assert {row["from_day"] for row in rows_with(every_chart()["delay"], "per_week")} == {0, 7, 14}


def test_french_axes_write_numbers_the_french_way() -> None:
    expressions = re.findall(r'"labelExpr": "([^"]*)"', json.dumps(every_chart("fr"), ensure_ascii=False))
    assert any("\N{NARROW NO-BREAK SPACE}" in expression for expression in expressions)
    assert any(
        "janv." in expression
        for expression in re.findall(r'"labelExpr": "(.*?)", "', json.dumps(every_chart("fr"), ensure_ascii=False))
    )


@pytest.mark.parametrize(
    "build",
    [
        build_ranking,
        build_segments,
        build_comparator,
        build_prior_posterior,
        build_month_trend,
        build_net_survival,
        build_delay,
        build_tenure_profile,
        build_curves,
        build_sensitivity,
        build_tornado,
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_empty_frame_draws_a_sentence(build: Callable[..., LayeredChart], language: str) -> None:
    empty = {
        build_ranking: ranking_table(ESTIMATE),
        build_segments: segment_table(ESTIMATE),
        build_comparator: comparator_table(ESTIMATE),
        build_prior_posterior: prior_posterior_table(ESTIMATE),
        build_month_trend: month_trend_table(ESTIMATE),
        build_net_survival: net_survival_table(ExampleNetSurvival()),
        build_delay: delay_table([0, 7], [1, 1]),
        build_tenure_profile: tenure_profile_table([0], [1], [10]),
        build_curves: curve_table({"a": ExampleCurve(0.1, days=5)}),
        build_sensitivity: sensitivity_table(example_sensitivity(ESTIMATE)),
        build_tornado: tornado_table(example_tornado()),
    }[build].iloc[:0]
    spec = build(empty, Translator(language)).to_dict()
    assert rows_with(spec, "message")[0]["message"] == Translator(language).text("report.takeaway.empty")


def test_labels_at_the_end_of_curves_are_pushed_apart() -> None:
    placed = spread(np.array([100.0, 101.0, 102.0, 300.0]), gap=15, low=0, high=320)
    assert np.diff(np.sort(placed)).min() >= 15 - 1e-9
    assert placed.tolist() == sorted(placed)


def test_labels_stay_inside_even_when_they_are_too_many() -> None:
    placed = spread(np.full(60, 318.0), gap=15, low=6, high=314)
    assert placed.min() >= 6 - 1e-6 and placed.max() <= 314 + 1e-6


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_reaches_the_contrast_of_wcag(theme: str) -> None:
    p = THEMES[theme]
    berg = [blend(p.berg_above, sky, opacity) for sky in p.sky for opacity in (0.45, 0.9)]
    pairs = [(p.text, p.page), (p.muted_text, p.page), (p.vocal_text, p.page)]
    pairs += [(ink, ground) for ink in (p.sky_text, p.sky_vocal_text) for ground in (*p.sky, *berg)]
    pairs += [(ink, ground) for ink in (p.sea_text, p.sea_muted_text, p.sea_vocal_text) for ground in p.sea]
    assert {pair: round(contrast_ratio(*pair), 2) for pair in pairs if contrast_ratio(*pair) < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_stand_out_from_the_page(theme: str) -> None:
    p = THEMES[theme]
    weak = {colour for colour in (*p.categories, p.silent, p.prior, p.folk) if contrast_ratio(colour, p.page) < 3}
    assert weak == set()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_twelve_categories_have_twelve_colours(theme: str) -> None:
    colours = category_colours([str(number) for number in range(12)], theme)
    assert len(set(colours.values())) == 12


def test_the_palette_and_the_page_agree() -> None:
    import tomllib
    from pathlib import Path

    theme = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))[
        "theme"
    ]
    for name in ("light", "dark"):
        assert theme[name]["backgroundColor"].lower() == THEMES[name].page
        assert theme[name]["textColor"].lower() == THEMES[name].text


@pytest.mark.parametrize(("level", "said"), [("2", "this estimate"), ("3", "your departures support")])
def test_departures_support_a_ratio_only_from_level_three(level: str, said: str) -> None:
    frame = comparator_table(example_estimate(level=level, draws=60))
    spec = build_comparator(frame, Translator("en")).to_dict()
    assert {row["kind"] for row in rows_with(spec, "kind") if row["role"] == "supported"} == {said}
    assert ("departures of this company support" in spec["description"]) == (level == "3")


def test_a_page_is_given_each_layer_with_just_the_values_it_draws() -> None:
    """No named dataset, no description, and the same rows as the chart that the tests look at."""
    frame = ranking_table(ESTIMATE)
    given = json.loads(build_specification(lambda: build_ranking(frame, Translator("fr"), categories=NAMES)))
    assert not {"datasets", "description"} & set(given)
    for layer in given["layer"]:
        assert len(layer["data"]["values"]) == len(NAMES)  # also the noise floor: each category has one here
        fields = {part["field"] for part in layer["encoding"].values() if isinstance(part, dict) and "field" in part}
        assert all(fields <= set(row) for row in layer["data"]["values"])
    dots = next(layer["data"]["values"] for layer in given["layer"] if layer["mark"]["type"] == "circle")
    assert [row["median"] for row in dots] == pytest.approx(frame["median"].tolist(), rel=1e-9)
    assert not {"prior_share", "rank"} & set(dots[0])


def test_what_is_unknown_is_no_number_on_a_page() -> None:
    """JSON knows no NaN: a browser would refuse the whole chart."""
    frame = delay_table([0, 7, 14], [9, 6, 8], expected=[1, float("nan"), 2])
    given = build_specification(lambda: build_delay(frame, Translator("en")))
    assert "NaN" not in given
    assert [row["expected_per_week"] for row in json.loads(given)["layer"][1]["data"]["values"]] == [1.0, None]


def test_the_noise_floor_of_each_category_is_drawn_where_a_placebo_was_made() -> None:
    ranking = rows_with(every_chart()["ranking"], "placebo_upper")
    assert {row["category"]: row["placebo_upper"] for row in ranking} == pytest.approx(
        {item.category: item.placebo.upper for item in ESTIMATE.categories}, rel=1e-9
    )
    assert any(layer["mark"]["type"] == "tick" for layer in every_chart()["ranking"]["layer"])


def test_below_level_three_and_in_money_no_noise_floor_is_drawn() -> None:
    frame = ranking_table(example_estimate(level="2", draws=60))
    for spec in (build_ranking(frame, Translator("en")).to_dict(), every_chart()["money"]):
        assert {layer["mark"]["type"] for layer in spec["layer"]} == {"rule", "circle", "text"}


def test_the_comparator_draws_the_noise_of_a_category_that_is_inside_it() -> None:
    first, *others = ESTIMATE.categories
    frame = comparator_table(replace(ESTIMATE, categories=(replace(first, placebo=first.silent_churn), *others)))
    rows = rows_with(build_comparator(frame, Translator("en")).to_dict(), "placebo_ratio", "zero")
    assert {row["category"]: row["placebo_ratio"] for row in rows} == pytest.approx(
        {first.category: first.silent_churn.upper / first.vocal_customers}, rel=1e-9
    )


def net_frame() -> pd.DataFrame:
    """Clearly below comparable customers at 180 days, and noise at two years."""
    columns = {name: [1.0, 0.9, 1.0] for name in net_survival_table(ExampleNetSurvival())}
    return pd.DataFrame(columns | {"day": [0.0, 180.0, 730.0], "net_lower": [1.0, 0.88, 0.9], "net_upper": [1.0, 0.92, 1.004]})


def test_the_net_survival_takeaway_speaks_about_the_horizon() -> None:
    said = takeaway_net_survival(net_frame(), Translator("en"), horizon_days=180)
    assert said.startswith("180 days")
    assert "10%" in said
    assert takeaway_net_survival(net_frame(), Translator("en"), horizon_days=730).startswith("730 days")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_a_minus_zero(language: str) -> None:
    said = takeaway_net_survival(net_frame(), Translator(language), horizon_days=730)
    assert "-0" not in said.replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(("rate", "pattern"), [(30.0, ",.0f"), (2.0, ",.1f"), (0.2, ",.2f")])
def test_ticks_of_the_tenure_profile_are_told_apart(rate: float, pattern: str) -> None:
    frame = tenure_profile_table([0, 3], [rate, rate / 2], [36525.0, 36525.0])
    assert pattern in build_tenure_profile(frame, Translator("en")).to_dict()["layer"][0]["encoding"]["y"]["axis"]["labelExpr"]


def test_formulas_through_a_curve_have_lines_of_their_own_and_no_customers() -> None:
    observed = curve_table({"Kaplan-Meier": ExampleCurve(0.1), "Weibull": ExampleCurve(0.2), "Pieces": ExampleCurve(0.3)})
    observed.loc[observed["group"] != "Kaplan-Meier", ["at_risk", "lower", "upper"]] = float("nan")
    spec = build_curves(observed, Translator("en")).to_dict()
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")["encoding"]
    assert len(set(line["color"]["scale"]["range"])) == 3
    assert len({tuple(dash) for dash in line["strokeDash"]["scale"]["range"]}) == 3
    written = [row["text"] for row in rows_with(spec, "text")]
    assert "Kaplan-Meier" in written
    assert "Weibull" not in written


def test_the_text_of_a_row_stands_behind_its_noise_floor_too() -> None:
    """Where chance alone reaches further than the range, the probability is not written across its end."""
    frame = ranking_table(ESTIMATE).assign(placebo_upper=1e6)
    spec = build_ranking(frame, Translator("en"), categories=NAMES).to_dict()
    assert {row["text_start"] for row in rows_with(spec, "text_start")} == {1e6}
    unknown = ranking_table(ESTIMATE).assign(placebo_upper=float("nan"))
    spec = build_ranking(unknown, Translator("en"), categories=NAMES).to_dict()
    assert [row["text_start"] for row in rows_with(spec, "text_start")] == pytest.approx(list(unknown["upper"]))


@pytest.mark.parametrize(("language", "narrow"), [("en", False), ("fr", True)])
def test_checks_show_each_place_in_words_and_mark_the_pattern_that_is_missed(language: str, narrow: bool) -> None:
    """A half-width of 20: 190 beside 100 lies 4.5 of them off. The band of each row ends at one."""
    frame = checks_table(replace(ESTIMATE, checks=example_checks()))
    spec = build_checks(frame, Translator(language), "dark", narrow=narrow).to_dict()
    rows = rows_with(spec, "deviation", "place")
    assert len(rows) == len(frame)
    assert max(row["deviation"] for row in rows) == pytest.approx(4.5)
    missed = {row["label"].replace("\n", " ") for row in rows if row["kind"] == Translator(language).text("report.chart.check_missed")}
    assert missed == {Translator(language).text("report.checks.departures_entry")}
    assert not [row["place"] for row in rows if re.search(r"\d{4}-\d\d-\d\d|rest$|report\.", row["place"])]
    assert [(row["from_end"], row["to_end"]) for row in rows_with(spec, "from_end")] == [(-1.0, 1.0)] * 4
    assert Translator(language).text("report.checks.departures_entry") in spec["description"]


def test_the_steps_lead_from_the_counts_to_the_number_and_its_categories() -> None:
    frame = origin_table(ESTIMATE)
    steps = frame.set_index("step")
    assert list(frame["step"].iloc[:4]) == ["complained", "left", "natural", "caused"]
    assert steps.loc["left", "median"] == ESTIMATE.silent_leavers
    assert steps.loc["natural", "start"] + steps.loc["natural", "median"] == pytest.approx(ESTIMATE.silent_leavers, rel=1e-9)
    assert steps.loc["natural", "start"] == pytest.approx(ESTIMATE.total.silent_churn.median, rel=0.01), "what is left is the estimate"
    assert set(frame["category"]) - {""} == set(NAMES)
    many = origin_table(example_estimate(19, names="sixty", draws=60))
    assert list(many["step"]).count("category") == 8 and many["step"].iloc[-1] == "others"
    assert "left" not in set(origin_table(example_estimate(3, level="0", draws=60))["step"])


def test_each_dot_is_an_equally_likely_outcome() -> None:
    frame = outcomes_table(ESTIMATE, NAMES[0])
    item = next(one for one in ESTIMATE.categories if one.category == NAMES[0])
    assert len(frame) == 20 and frame["value"].is_monotonic_increasing
    assert ((frame["value"] >= item.silent_churn.lower) & (frame["value"] <= item.silent_churn.upper)).sum() == 18, "nine of ten lie in the range"
    assert frame["above_chance"].all()
    spec = build_outcomes(frame, Translator("en"), chance=item.placebo.upper).to_dict()
    assert "20 of 20 are more than chance alone gives" in spec["description"]
    assert len(rows_with(spec, "at", "height")) == 20
