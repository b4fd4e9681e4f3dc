"""Changes of the records: asked about where the files are counted, and under the headline; names that are one category merge with one click."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.companies import company_with_a_new_tool
from tests.ui.conftest import assert_healthy, page_file, spoken, upload_and_count

OpenPage = Callable[..., AppTest]
QUESTION = "did you change the ticket tool"
TAKEN_OUT = "this is taken out"


@pytest.fixture
def counted(open_page: OpenPage) -> AppTest:
    """A company with a new ticket tool, up to the step that counts."""
    customers, complaints = company_with_a_new_tool()
    return upload_and_count(open_page("upload"), customers, complaints)


def answer(app: AppTest, choice: str) -> None:
    next(one for one in app.radio if str(one.key).startswith("recording.answer.")).set_value(choice).run()
    assert_healthy(app)


def days(app: AppTest) -> list[str]:
    return [str(one.value) for one in app.date_input if str(one.key).startswith("recording.day.")]


def test_a_step_is_asked_about_and_answered_with_yes_a_day_or_no(counted: AppTest) -> None:
    app = counted
    assert QUESTION in spoken(app)
    answer(app, "yes")
    assert QUESTION not in spoken(app)
    assert [day[:7] for day in days(app)] in (["2025-06"], ["2025-07"])
    next(one for one in app.date_input if str(one.key).startswith("recording.day.")).set_value("2025-07-01").run()
    assert_healthy(app)
    assert days(app) == ["2025-07-01"]
    answer(app, "no")
    assert (QUESTION in spoken(app), days(app)) == (False, [])
    answer(app, "open")
    assert QUESTION in spoken(app)


def test_one_click_merges_a_name_that_stopped_with_the_one_that_started(counted: AppTest) -> None:
    app = counted
    offer = next(one for one in app.button if str(one.key).startswith("press.recording.merge."))
    assert offer.label == "Count billing as invoices"
    offer.click().run()
    assert_healthy(app)
    assert not [one for one in app.button if str(one.key).startswith("recording.merge.")]


def test_buttons_under_the_headline_take_the_change_out(counted: AppTest) -> None:
    app = counted
    app.default_timeout = 120  # two estimates
    app.button(key="estimate.run").click().run()
    app.switch_page(page_file("iceberg")).run()  # this harness forgets that the page was left
    assert_healthy(app)
    assert QUESTION in spoken(app)
    app.button(key="recording.yes").click().run()
    assert_healthy(app)
    assert QUESTION not in spoken(app)
    assert TAKEN_OUT in spoken(app)
