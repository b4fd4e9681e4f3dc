"""The page that says whether a fix worked."""

from collections.abc import Callable
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ui.session.sample import load_sample
from tests.ui.conftest import assert_healthy, page_file, spoken
from tests.ui.test_studies import Publish, publish, store  # noqa: F401  # fixtures

OpenPage = Callable[..., AppTest]


@pytest.mark.parametrize(("language", "said"), [("en", "leavers per 1,000 customers at risk and month"), ("fr", "clients exposés et par mois")])
def test_the_answer_is_a_sentence_with_its_rates_and_probability(open_page: OpenPage, language: str, said: str) -> None:
    app = open_page("compare", language=language)
    assert said in app.header[0].value and "%" in app.header[0].value
    assert len(app.get("vega_lite_chart")) == 1 and app.get("vega_lite_chart")[0].proto.alt
    assert len(app.dataframe) == 1 and len(app.dataframe[0].value) == 8  # seven categories and the company
    assert app.info  # what the comparison cannot see
    assert "report.changes" in {button.key for button in app.get("download_button")}


def test_the_category_that_was_fixed_comes_first(open_page: OpenPage) -> None:
    app = open_page("compare")
    app.selectbox(key="compare.category.periods").set_value("waiting time").run()
    assert_healthy(app)
    assert "waiting time" in app.header[0].value
    assert "All categories together" in spoken(app)


def test_periods_that_overlap_are_refused_in_words(open_page: OpenPage) -> None:
    app = open_page("compare")
    after = next(one for one in app.select_slider if one.key.startswith("compare.after"))
    after.set_range(date(2024, 10, 1), date(2026, 3, 1)).run()
    assert any("overlap" in box.value for box in app.error)
    assert not app.exception


def test_what_is_on_screen_compares_with_a_published_study(open_page: OpenPage, publish: Publish) -> None:  # noqa: F811
    publish("Last year")
    app = open_page("compare", query={"study": "sample"})
    app.segmented_control(key="compare.kind").set_value("studies").run()
    assert_healthy(app)
    said = spoken(app)
    assert "Last year, version 1" in app.selectbox(key="compare.other").options[0]
    assert "customers at risk and month" in app.header[0].value
    assert "estimated apart" in said and "Only in the later one" in said  # the sample has categories that the other study has not
    assert len(app.dataframe[0].value) == 4  # billing, delivery, price and the company


def test_a_fix_is_judged_against_the_segments_it_did_not_touch_and_kept_for_the_next_decision(open_page: OpenPage) -> None:
    language = "fr"
    app = open_page("compare", language=language)
    app.segmented_control(key="compare.kind").set_value("fix").run()
    assert_healthy(app)
    assert "Aucun segment n’est resté tel quel" in spoken(app)
    segments = next(one for one in app.multiselect if one.key.startswith("follow.segments"))
    segments.set_value(segments.options[:2]).run()
    assert_healthy(app)
    text = spoken(app)
    assert "laissés tels quels" in text
    assert "Aucun segment n’est resté" not in text
    category = app.selectbox(key="follow.category").value
    app.button(key="follow.keep").click().run()
    assert_healthy(app)
    app.switch_page(page_file("decide")).run()
    assert_healthy(app)
    sheet = app.session_state[f"costs.{load_sample(language).digest[:16]}"]
    rows = sheet.table.set_index("category")
    assert rows.loc[category, "efficacy_low"] != 15.0
