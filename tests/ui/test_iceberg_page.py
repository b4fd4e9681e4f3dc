"""What an executive sees on the first page."""

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.locale import Translator
from tests.ui.conftest import PAGES, assert_healthy, page_file, spoken

OpenPage = Callable[..., AppTest]


def sentence(app: AppTest) -> str:
    """The headline."""
    return str(app.header[0].value)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_the_sample_company_in_both_languages(open_page: OpenPage, page: str, language: str) -> None:
    app = open_page(page, language=language)
    assert len(app.error) == 0
    assert "Sample company" in spoken(app) if language == "en" else "Entreprise exemple" in spoken(app)


def test_the_headline_is_a_range_and_never_a_bare_number(open_page: OpenPage) -> None:
    assert " to " in sentence(open_page()), "a range has two ends"


def test_the_first_page_has_four_figures_with_their_explanation(open_page: OpenPage) -> None:
    app = open_page()
    assert len(app.metric) == 4
    assert all(tile.help for tile in app.metric)


def test_the_evidence_badge_says_which_rung_speaks_and_why(open_page: OpenPage) -> None:
    text = spoken(open_page())
    assert "Level " in text


def test_the_sample_is_labelled_as_a_sample(open_page: OpenPage) -> None:
    assert "Sample company" in spoken(open_page())


def test_every_category_has_a_link_to_its_page(open_page: OpenPage) -> None:
    app = open_page()
    links = {link.proto.label for link in app.get("page_link")}
    assert {"billing", "delivery", "waiting time"} <= links


def test_each_chart_says_its_takeaway_to_a_screen_reader(open_page: OpenPage) -> None:
    charts = open_page().get("vega_lite_chart")
    assert len(charts) >= 4
    assert all(chart.proto.alt for chart in charts)


def test_the_browser_chooses_the_language(open_page: OpenPage) -> None:
    assert "ont réclamé" in sentence(open_page(language="fr"))
    assert "customers complained" in sentence(open_page(language="en"))


def test_the_language_can_be_switched_and_the_link_keeps_it(open_page: OpenPage) -> None:
    app = open_page(language="en")
    app.segmented_control(key="lang").set_value("fr").run()
    assert_healthy(app)
    assert "ont réclamé" in sentence(app)
    assert app.query_params["lang"] == "fr"


def test_a_link_chooses_language_ratio_horizon_and_period(open_page: OpenPage) -> None:
    query = {"lang": "fr", "ratio": "10", "horizon": "90", "months": "2025-01..2025-12"}
    app = open_page(language="en", query=query)
    assert app.segmented_control(key="lang").value == "fr"
    assert app.select_slider(key="ratio").value == 10.0
    assert app.select_slider(key="horizon").value == 90.0
    assert "janvier 2025" in spoken(app)
    assert {name: app.query_params[name] for name in query} == query, "a reload shows the same"


@pytest.mark.parametrize("query", [{"ratio": "banana"}, {"months": "2001-01..1999-12"}, {"segment": "nowhere"}, {"lang": "xx"}])
def test_a_broken_link_opens_on_the_defaults(open_page: OpenPage, query: dict[str, str]) -> None:
    app = open_page(query=query)
    assert len(app.error) == 0
    assert app.select_slider(key="ratio").value == 25.0


def test_a_shorter_period_has_fewer_silent_leavers(open_page: OpenPage) -> None:
    app = open_page()
    whole = app.metric[0].value
    slider = next(one for one in app.select_slider if one.key.startswith("months."))
    slider.set_value((slider.value[0], slider.value[0])).run()
    assert_healthy(app)
    assert app.metric[0].value != whole


def test_choosing_a_segment_slices_the_same_estimate(open_page: OpenPage) -> None:
    app = open_page()
    whole = sentence(app)
    chooser = app.multiselect[0]
    chooser.set_value([chooser.options[0]]).run()
    assert_healthy(app)
    assert sentence(app) != whole
    assert app.query_params["segment"] == chooser.value[0]


def test_a_lower_ratio_moves_the_picture_and_reset_brings_it_back(open_page: OpenPage) -> None:
    app = open_page()
    before = sentence(app)
    app.select_slider(key="ratio").set_value(2.0).run()
    assert_healthy(app)
    assert sentence(app) != before
    assert app.query_params["ratio"] == "2"
    next(button for button in app.button if button.label == "Reset all").click().run()
    assert sentence(app) == before
    assert "ratio" not in app.query_params


def test_controls_keep_their_value_from_page_to_page(open_page: OpenPage) -> None:
    """An analyst looks at survival, which has no ratio, and comes back."""
    app = open_page()
    app.select_slider(key="ratio").set_value(5.0).run()
    app.switch_page(page_file("survival")).run()
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert app.select_slider(key="ratio").value == 5.0


def test_published_surveys_can_replace_the_folk_ratio(open_page: OpenPage) -> None:
    app = open_page()
    before = sentence(app)
    app.radio(key="start").set_value("evidence").run()
    assert_healthy(app)
    assert sentence(app) != before
    assert not any(slider.key == "ratio" for slider in app.select_slider)


SELECTIONS = {"a month less": {"months": "2024-08..2026-06"}, "one segment": {"segment": "Premium"}}


def badges(app: AppTest) -> list[str]:
    return [found for element in app.markdown for found in re.findall(r"^:blue-badge\[(.*?)\]", str(element.value))]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("chosen", SELECTIONS)
def test_a_filter_is_set_against_chance_as_the_whole_is(open_page: OpenPage, chosen: str, language: str) -> None:
    """The whole sample says "Fix"; a part of it, with fewer customers and a placebo of its own, says it no more often."""
    words = Translator(language)
    fix = words.text("report.verdict.fix")
    whole, part = badges(open_page(language=language)), badges(app := open_page(language=language, query=SELECTIONS[chosen]))
    assert part.count(fix) <= whole.count(fix) and whole.count(fix) > 0 and len(whole) == len(part) == 3
    assert words.text("report.verdict.not_tested") not in part
    assert words.text("report.tiles.pipeline.missing_detail_selection").lower() in spoken(app).lower()
    assert words.text("report.of_whole_study", sentence="").strip().lower() in spoken(app).lower()


@pytest.mark.parametrize("chosen", SELECTIONS)
def test_the_page_of_a_category_says_the_verdict_of_the_first_page(open_page: OpenPage, chosen: str) -> None:
    first = open_page(query=SELECTIONS[chosen])
    said = next(str(element.value) for element in first.markdown if "“waiting time”" in str(element.value))
    app = open_page("category", query={"category": "waiting time", **SELECTIONS[chosen]})
    assert said in [str(element.value) for element in app.markdown]
