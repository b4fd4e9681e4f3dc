"""The iceberg: honest lengths, one waterline, labels that never touch, colours that stay."""

from itertools import combinations, pairwise

import pytest
from PIL import ImageFont

from iceberg.locale import Translator
from iceberg.report.charts.dots import build_ranking
from iceberg.report.charts.iceberg.draw import SELECTION, build_iceberg
from iceberg.report.charts.iceberg.geometry import NARROW_PX, BergLayout, Label
from iceberg.report.charts.iceberg.layout import lay_out
from iceberg.report.charts.iceberg.shape import berg_order
from iceberg.report.charts.iceberg.text_width import text_width, wrapped
from iceberg.report.palette import category_colours
from iceberg.report.tables.estimate import iceberg_table, iceberg_totals, ranking_table
from tests.report.examples import example_estimate

CASES = [
    (number, names, ratio, narrow)
    for number in (1, 3, 5, 7, 9, 12)
    for names in ("fr", "en", "long")
    for ratio in (0.2, 2.0, 25.0)
    for narrow in (False, True)
]


def layout_of(
    number: int, *, names: str = "fr", ratio: float = 2.0, narrow: bool = False, **options: object
) -> BergLayout:
    estimate = example_estimate(number, names=names, ratio=ratio, draws=60, **options)
    language = "en" if names == "en" else "fr"
    return lay_out(iceberg_table(estimate), Translator(language), totals=iceberg_totals(estimate), narrow=narrow)


def specification(number: int = 7, **options: object) -> dict:
    estimate = example_estimate(number, draws=60)
    return build_iceberg(
        iceberg_table(estimate), Translator("fr"), totals=iceberg_totals(estimate), **options
    ).to_dict()


def box_of(label: Label, layout: BergLayout) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a label in pixels at the design width, as wide as it can be on screen."""
    width = text_width(label.text, label.size, bold=label.bold)
    left = layout.x_pixels(label.x) - {"center": width / 2, "left": 0.0, "right": width}[label.align]
    return left, label.y - 0.6 * label.size, left + width, label.y + 0.6 * label.size


def encodings(spec: dict, channel: str) -> list[dict]:
    return [layer["encoding"][channel] for layer in spec["layer"] if channel in layer.get("encoding", {})]


@pytest.mark.parametrize(("number", "names", "ratio", "narrow"), CASES)
def test_no_two_labels_touch(number: int, names: str, ratio: float, narrow: bool) -> None:
    layout = layout_of(number, names=names, ratio=ratio, narrow=narrow)
    boxes = [(label.text, box_of(label, layout)) for label in layout.labels]
    touching = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if a[0] < b[2] - 0.5 and b[0] < a[2] - 0.5 and a[1] < b[3] - 0.5 and b[1] < a[3] - 0.5
    ]
    assert touching == []


@pytest.mark.parametrize(("number", "names", "ratio", "narrow"), CASES)
def test_every_label_stays_inside_the_picture(number: int, names: str, ratio: float, narrow: bool) -> None:
    layout = layout_of(number, names=names, ratio=ratio, narrow=narrow)
    for label in layout.labels:
        left, top, right, bottom = box_of(label, layout)
        assert left >= -1 and right <= layout.width_px + 1, label
        assert top >= 0 and bottom <= layout.height_px, label


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("ratio", [0.2, 2.0, 25.0])
def test_no_label_lies_on_a_bar_or_a_whisker(ratio: float, narrow: bool) -> None:
    """Names and complainants stand above the bar, numbers below the whisker."""
    layout = layout_of(7, ratio=ratio, narrow=narrow)
    for row in layout.columns.to_dict("records"):
        top, bottom = layout.y_pixels(row["vocal_customers"]), layout.y_pixels(-row["silent_upper"])
        last = min((entry.top for entry in layout.entries), default=layout.height_px)
        for label in layout.labels:
            if label.category == row["category"] and label.y < last:
                _, upper, _, lower = box_of(label, layout)
                assert lower <= top or upper >= bottom, label


@pytest.mark.parametrize("ratio", [0.2, 2.0, 25.0])
def test_one_linear_scale_serves_both_sides_of_the_water(ratio: float) -> None:
    layout = layout_of(7, ratio=ratio)
    above = layout.waterline_px - layout.y_pixels(100)
    below = layout.y_pixels(-100) - layout.waterline_px
    assert above == pytest.approx(below, rel=1e-9)
    assert layout.depth(layout.waterline_px) == 0


def test_names_that_do_not_fit_move_whole_to_a_list() -> None:
    """Twelve long names would be cut above thin columns: each stands uncut in the list instead."""
    layout = layout_of(12, names="long")
    written = {label.text for label in layout.labels}
    assert len(layout.entries) == 12
    assert set(layout.columns["category"]) <= written


def test_short_names_stand_on_their_columns() -> None:
    layout = layout_of(7, names="fr")
    assert layout.entries == ()
    assert not any("…" in label.text for label in layout.labels)


def test_the_largest_stands_in_the_middle_and_sizes_fall_to_both_sides() -> None:
    sizes = [5.0, 90.0, 30.0, 70.0, 1.0, 60.0, 20.0]
    ordered = [sizes[index] for index in berg_order(sizes)]
    peak = ordered.index(90.0)
    assert peak == 3
    assert ordered[: peak + 1] == sorted(ordered[: peak + 1])
    assert ordered[peak:] == sorted(ordered[peak:], reverse=True)


@pytest.mark.parametrize("number", [1, 2, 7, 12])
def test_the_ice_encloses_every_bar(number: int) -> None:
    layout = layout_of(number)
    for outline, values in (
        (layout.above, layout.columns["vocal_customers"]),
        (layout.below, -layout.columns["silent_median"]),
    ):
        xs, ys = [x for x, _ in outline], [abs(y) for _, y in outline]
        assert layout.slots[0] <= min(xs) and max(xs) <= layout.slots[1]
        assert max(ys) >= values.abs().max()
        assert ys[0] == ys[-1] == 0


def test_bars_start_at_the_waterline_and_end_at_the_numbers() -> None:
    spec = specification()
    estimate = example_estimate(7, draws=60)
    rows = [row for name in spec["datasets"] for row in spec["datasets"][name] if "silent_down" in row]
    for item in estimate.categories:
        row = next(row for row in rows if row["category"] == item.category)
        assert row["zero"] == 0
        assert row["vocal_customers"] == item.vocal_customers
        assert row["silent_down"] == pytest.approx(-item.silent_churn.median, rel=1e-9)


def test_whiskers_are_the_interval() -> None:
    spec = specification()
    estimate = example_estimate(7, draws=60)
    rows = [row for name in spec["datasets"] for row in spec["datasets"][name] if "upper_down" in row]
    for item in estimate.categories:
        row = next(row for row in rows if row["category"] == item.category)
        assert row["lower_down"] == pytest.approx(-item.silent_churn.lower, rel=1e-9)
        assert row["upper_down"] == pytest.approx(-item.silent_churn.upper, rel=1e-9)
    rules = [layer for layer in spec["layer"] if layer["mark"].get("type") == "rule" and "y2" in layer["encoding"]]
    spans = {(layer["encoding"]["y"]["field"], layer["encoding"]["y2"]["field"]) for layer in rules}
    assert spans == {("lower_down", "silent_down"), ("silent_down", "upper_down")}


def test_every_layer_shares_one_y_axis_with_the_waterline_at_zero() -> None:
    spec = specification()
    domains = {tuple(y["scale"]["domain"]) for y in encodings(spec, "y") if "scale" in y}
    assert len(domains) == 1
    low, high = domains.pop()
    assert low < 0 < high
    waterline = [y for y in encodings(spec, "y") if y.get("field") == "waterline"]
    assert len(waterline) == 1


@pytest.mark.parametrize("narrow", [False, True])
def test_a_click_anywhere_in_a_column_selects_the_category(narrow: bool) -> None:
    spec = specification(narrow=narrow)
    assert [(param["name"], param["select"]["fields"]) for param in spec["params"]] == [(SELECTION, ["category"])]
    areas = [row for name in spec["datasets"] for row in spec["datasets"][name] if "hit_left" in row]
    assert len(areas) == (14 if narrow else 7)
    assert spec["layer"][-1]["mark"]["type"] == "rect"


def test_a_category_chosen_before_is_shown_as_chosen() -> None:
    assert specification(selected="Livraison")["params"][0]["value"] == [{"category": "Livraison"}]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_category_keeps_its_colour_from_chart_to_chart(theme: str) -> None:
    estimate = example_estimate(12, draws=60)
    names = [item.category for item in estimate.categories]
    wanted = category_colours(names, theme)
    berg = build_iceberg(iceberg_table(estimate), Translator("fr"), theme, totals=iceberg_totals(estimate)).to_dict()
    ranking = build_ranking(ranking_table(estimate), Translator("fr"), theme, categories=names).to_dict()
    for spec in (berg, ranking):
        scales = [c["scale"] for c in encodings(spec, "color") if c.get("field") == "category"]
        assert scales
        assert all(dict(zip(scale["domain"], scale["range"], strict=True)) == wanted for scale in scales)


def test_the_chart_fills_its_container_and_the_phone_has_its_own_width() -> None:
    assert specification()["width"] == "container"
    assert specification(narrow=True)["width"] == NARROW_PX


def test_tooltips_carry_text_written_in_the_language() -> None:
    spec = specification()
    tips = encodings(spec, "tooltip")[-1]
    assert {tip["type"] for tip in tips} == {"nominal"}
    assert "Fourchette à 90\N{NARROW NO-BREAK SPACE}%" in {tip["title"] for tip in tips}


@pytest.mark.parametrize("narrow", [False, True])
def test_the_picture_stays_light(narrow: bool) -> None:
    import json

    estimate = example_estimate(12, names="long", draws=60)
    spec = build_iceberg(
        iceberg_table(estimate), Translator("fr"), totals=iceberg_totals(estimate), narrow=narrow
    ).to_dict()
    assert len(json.dumps(spec)) < 100_000


def test_no_complaint_draws_a_sentence_instead_of_a_berg() -> None:
    frame = iceberg_table(example_estimate(3, draws=60)).iloc[:0]
    spec = build_iceberg(frame, Translator("fr"), totals={"vocal": 0, "low": 0, "high": 0}).to_dict()
    assert (
        spec["description"]
        == "Aucune réclamation sur cette période\N{NARROW NO-BREAK SPACE}: pas d’iceberg à dessiner."
    )


def test_totals_come_from_the_estimate_not_from_sums() -> None:
    estimate = example_estimate(7, draws=60)
    texts = [row["text"] for rows in specification()["datasets"].values() for row in rows if "text" in row]
    assert any(Translator("fr").integer(estimate.total.vocal_customers) in text for text in texts)


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_never_under_those_of_the_widest_system_font(bold: bool) -> None:
    try:
        font = ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", 1000)
    except OSError:
        pytest.skip("DejaVu Sans is not on this machine")
    for text in (
        "Erreur de facturation",
        "Résiliation et conditions contractuelles",
        "1\N{NARROW NO-BREAK SPACE}500–2\N{NARROW NO-BREAK SPACE}400",
        "Waiting time",
    ):
        assert text_width(text, 12, bold=bold) >= 0.99 * font.getlength(text) * 12 / 1000


def test_a_name_without_spaces_goes_on_in_the_next_line() -> None:
    name = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
    lines = wrapped(name, 190, 12, anywhere=True)
    assert "".join(lines) == name
    assert all(text_width(line, 12) <= 190 for line in lines)
    assert wrapped(name, 190, 12, lines=2, anywhere=True)[-1].endswith("…")
    assert wrapped("a few short words", 60, 12, anywhere=True) == wrapped("a few short words", 60, 12)


@pytest.mark.parametrize("number", [9, 12, 19])
def test_the_three_largest_are_named_in_place_by_lines_that_cross_nothing(number: int) -> None:
    """Where names do not fit above thin bars; each line ends above its own column, in the order of the columns."""
    estimate = example_estimate(number, names="sixty", draws=40)
    layout = lay_out(iceberg_table(estimate), Translator("fr"), totals=iceberg_totals(estimate))
    assert [category for category, _ in layout.leaders] == list(layout.columns.loc[layout.columns["rank"] <= 3, "category"])
    for category, corners in layout.leaders:
        assert corners[-1][0] == layout.columns.set_index("category").loc[category, "slot"]
        named = " ".join(label.text for label in layout.labels if label.category == category and label.y < corners[0][1])
        assert category.split()[0] in named and "…" not in named
        assert corners[-1][1] <= min(label.y for label in layout.labels if label.category == category and label.y > corners[1][1])
    segments = [(one, two) for _, corners in layout.leaders for one, two in pairwise(corners)]
    flat = [(min(a[0], b[0]), max(a[0], b[0]), a[1]) for a, b in segments if a[1] == b[1]]
    upright = [(a[0], min(a[1], b[1]), max(a[1], b[1])) for a, b in segments if a[0] == b[0]]
    assert [(one, two) for one in flat for two in upright if one[0] < two[0] < one[1] and two[1] < one[2] < two[2]] == []


def test_one_or_two_categories_are_no_slabs() -> None:
    for number in (1, 2, 3, 4):
        estimate = example_estimate(number, draws=40)
        layout = lay_out(iceberg_table(estimate), Translator("en"), totals=iceberg_totals(estimate))
        first = layout.columns.iloc[0]
        assert layout.x_pixels(first["bar_right"]) - layout.x_pixels(first["bar_left"]) == pytest.approx(119, abs=3)
