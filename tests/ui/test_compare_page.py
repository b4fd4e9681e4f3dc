"""The page that says whether a fix worked."""

from collections.abc import Callable
from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import assert_healthy, page_file, spoken
from tests.ui.test_other_pages import volumes_only

OpenPage = Callable[..., AppTest]


@pytest.mark.parametrize(("language", "said"), [("en", "leavers per 1,000 customers at risk and month"), ("fr", "clients exposés et par mois")])
def test_the_answer_is_a_sentence_with_its_rates_and_probability(open_page: OpenPage, language: str, said: str) -> None:
    app = open_page("compare", language=language)
    assert said in app.header[0].value and "%" in app.header[0].value
    assert len(app.get("vega_lite_chart")) == 1 and app.get("vega_lite_chart")[0].proto.alt
    assert len(app.dataframe) == 1 and len(app.dataframe[0].value) == 8  # seven categories and the company
    assert app.info  # what the comparison cannot see


def test_the_category_that_was_fixed_comes_first(open_page: OpenPage) -> None:
    app = open_page("compare")
    app.selectbox(key="compare.category").set_value("waiting time").run()
    assert_healthy(app)
    assert "waiting time" in app.header[0].value
    assert "All categories together" in spoken(app)


def test_periods_that_overlap_are_refused_in_words(open_page: OpenPage) -> None:
    app = open_page("compare")
    after = next(one for one in app.select_slider if one.key.startswith("compare.after"))
    after.set_range(date(2024, 10, 1), date(2026, 3, 1)).run()
    assert any("overlap" in box.value for box in app.error)
    assert not app.exception


def test_a_study_without_months_says_what_it_needs(open_page: OpenPage) -> None:
    app = open_page("compare")
    volumes_only(open_page("upload"))
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
