"""Category, survival and method pages."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.locale import Translator
from tests.ui.conftest import VOLUMES, assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]


def volumes_only(app: AppTest) -> AppTest:
    """Put a study without customers on screen."""
    app.radio(key="shape").set_value("alone").run()
    upload(app, volumes=("volumes.csv", VOLUMES.encode()))
    app.button(key="columns.confirm").click().run()
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    return app


def test_a_link_opens_the_page_of_its_category(open_page: OpenPage) -> None:
    app = open_page("category", query={"category": "waiting time"})
    assert app.title[0].value == "waiting time"
    assert len(app.metric) == 4


def test_without_a_link_the_first_category_to_act_on_is_shown_and_the_link_follows(open_page: OpenPage) -> None:
    app = open_page("category")
    assert app.query_params["category"] == app.title[0].value


def test_a_category_that_is_not_there_is_said_and_another_is_shown(open_page: OpenPage) -> None:
    app = open_page("category", query={"category": "dragons"})
    assert Translator("en").text("ui.category.unknown") in [box.value for box in app.warning]
    assert "dragons" not in spoken(app), "what a link says is not repeated"
    assert app.title[0].value != "dragons"


def test_another_category_can_be_chosen_on_the_page(open_page: OpenPage) -> None:
    app = open_page("category", query={"category": "billing"})
    app.selectbox[0].set_value("price").run()
    assert_healthy(app)
    assert app.title[0].value == "price"
    assert app.query_params["category"] == "price"


def test_the_category_page_draws_survival_delay_tenure_ratio_months_and_segments(open_page: OpenPage) -> None:
    charts = open_page("category", query={"category": "delivery"}).get("vega_lite_chart")
    assert len(charts) == 7
    assert all(chart.proto.alt for chart in charts)


def test_volumes_alone_cannot_be_followed_and_the_page_says_what_is_missing(open_page: OpenPage) -> None:
    app = volumes_only(open_page("upload"))
    app.switch_page(page_file("category")).run()
    assert_healthy(app)
    assert any("customer identifier" in box.value for box in app.info)
    app.switch_page(page_file("survival")).run()
    assert_healthy(app)
    assert any("Add a customer file" in box.value for box in app.info)


@pytest.mark.parametrize("group", ["state", "category", "segment"])
def test_survival_curves_can_be_grouped(open_page: OpenPage, group: str) -> None:
    app = open_page("survival")
    app.segmented_control(key="survival.group").set_value(group).run()
    assert_healthy(app)
    assert len(app.get("vega_lite_chart")) >= 2


def test_the_cox_reading_gives_a_ratio_and_its_check_in_words(open_page: OpenPage) -> None:
    app = open_page("survival")
    table = next(frame.value for frame in app.dataframe if "Hazard ratio" in frame.value.columns)
    assert len(table) >= 5
    assert all("." in sentence for sentence in table["Does the ratio hold over tenure?"])


def test_parametric_fits_say_how_far_they_are_from_the_curve(open_page: OpenPage) -> None:
    text = spoken(open_page("survival"))
    assert "Weibull:" in text
    assert "Piecewise exponential:" in text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_method_is_told_in_ten_sentences(open_page: OpenPage, language: str) -> None:
    listed = next(block.value for block in open_page("method", language=language).markdown if block.value.startswith("1. "))
    assert listed.count("\n") == 9


def test_every_default_is_listed_with_source_and_grade(open_page: OpenPage) -> None:
    table = next(frame.value for frame in open_page("method").dataframe if "Grade" in frame.value.columns)
    assert len(table) >= 8
    assert set(table["Grade"]) <= {"A", "B", "C", "D"}
    assert all(table["Source"])


@pytest.mark.parametrize("name", ["sensitivity", "tornado"])
def test_what_an_assumption_weighs_is_worked_out_when_asked(open_page: OpenPage, name: str) -> None:
    """On volumes alone, where one estimate is quick; the sample takes many seconds."""
    app = volumes_only(open_page("upload"))
    app.switch_page(page_file("method")).run()
    before = len(app.get("vega_lite_chart"))
    app.button(key=f"compute.{name}").click().run()
    assert_healthy(app)
    assert len(app.get("vega_lite_chart")) == before + 1


def edit_first_row(app: AppTest, **cells: float) -> None:
    """Type into the table of priors."""
    app.session_state[app.data_editor[0].key] = {"edited_rows": {0: cells}, "added_rows": [], "deleted_rows": []}


def test_edited_priors_drive_the_estimate(open_page: OpenPage) -> None:
    app = open_page("method")
    edit_first_row(app, p_low=0.01, p_mode=0.02, p_high=0.05)
    app.button(key="priors.apply").click().run()
    assert_healthy(app)
    assert app.radio(key="start").value == "evidence"
    assert any("drives the estimate" in caption.value for caption in app.caption)


def test_priors_out_of_order_are_refused_in_words(open_page: OpenPage) -> None:
    app = open_page("method")
    edit_first_row(app, p_low=0.9, p_mode=0.5, p_high=0.1)
    app.button(key="priors.apply").click().run()
    assert_healthy(app)
    assert len(app.error) == 1
