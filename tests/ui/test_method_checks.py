"""What the Method page says of the estimate on screen."""

import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.locale import Translator
from iceberg.report.tables.coverage import coverage_table
from tests.ui.conftest import ROOT, assert_healthy, page_file, spoken
from tests.ui.test_other_pages import volumes_only

OpenPage = Callable[..., AppTest]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_assumption_and_data_stand_side_by_side_with_their_noise_floor(open_page: OpenPage, language: str) -> None:
    app = open_page("method", language=language)
    words = Translator(language)
    headings = [heading.value for heading in app.header]
    for section in ("posterior", "placebo", "reproduced", "break_even", "diagnostics"):
        assert words.text(f"ui.method.{section}") in headings
    assert app.get("vega_lite_chart")[0].proto.alt
    assert any(words.text("report.takeaway.checks_fit", all=8) == chart.proto.alt for chart in app.get("vega_lite_chart"))
    noise = next(frame.value for frame in app.dataframe if words.text("report.columns.placebo_upper") in frame.value.columns)
    assert len(noise) == 7
    assert words.text("report.columns.common_cause_median") in noise.columns
    assert {"en": "What the chance test cannot see", "fr": "Ce que le test contre le hasard ne peut pas voir"}[language] in spoken(app)


@pytest.mark.parametrize(("language", "said"), [("en", "To explain all silent churn of “"), ("fr", "tous les départs silencieux de «")])
def test_a_category_says_how_strong_a_common_cause_would_have_to_be(open_page: OpenPage, language: str, said: str) -> None:
    assert said in spoken(open_page("category", language=language))


def test_without_a_placebo_the_page_says_what_it_would_need(open_page: OpenPage) -> None:
    app = volumes_only(open_page("upload"))
    app.switch_page(page_file("method")).run()
    assert_healthy(app)
    assert any("Not run at this level of evidence" in box.value for box in app.info)


def test_how_often_the_ranges_held_is_drawn_in_the_reader_s_language(open_page: OpenPage) -> None:
    app = open_page("method", language="fr")
    assert any("neuf fois sur dix" in heading.value for heading in app.header)
    assert "les fourchettes à 90\N{NO-BREAK SPACE}% contenaient la vérité" in spoken(app)


def test_what_the_page_draws_is_what_the_benchmark_found() -> None:
    """The figures beside the package are those of the last calibration run, not of an earlier one."""
    found = json.loads((ROOT / "benchmarks" / "calibration" / "results" / "calibration.json").read_text(encoding="utf-8"))
    table = coverage_table()
    together = table[table["family"] == "all"].set_index("nominal")["actual"]
    assert together[0.9] == found["overall"]["coverage_90%"]
    assert set(table["family"]) == {"all", *(name for name, one in found["families"].items() if one["total_over_truth"] is not None)}
