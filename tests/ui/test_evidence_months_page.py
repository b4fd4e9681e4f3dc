"""Months that are no evidence: named where they are counted, and one click counts them all the same."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.companies import company_after_a_migration
from tests.ui.conftest import assert_healthy, page_file, spoken, upload_and_count

OpenPage = Callable[..., AppTest]
GAP = "From 1 July 2024 to 28 February 2025"


@pytest.fixture
def counted(open_page: OpenPage) -> AppTest:
    """A company whose files begin at a migration, up to the step that counts."""
    customers, complaints = company_after_a_migration()
    return upload_and_count(open_page("upload"), customers, complaints)


def since(app: AppTest) -> str:
    return str(next(one for one in app.date_input if one.key and one.key.startswith("since.")).value)


def test_a_toggle_beside_the_window_counts_them_all_the_same(counted: AppTest) -> None:
    app = counted
    assert GAP in spoken(app)
    assert since(app) == "2025-03-01"
    toggle = next(one for one in app.toggle if one.key and one.key.startswith("keep_months."))
    toggle.set_value(True).run()
    assert_healthy(app)
    assert since(app) == "2024-07-01"
    assert "because you asked for it" in spoken(app)


def test_a_window_that_is_chosen_earlier_stays_chosen(counted: AppTest) -> None:
    app = counted
    next(one for one in app.date_input if one.key and one.key.startswith("since.")).set_value("2024-09-01").run()
    assert_healthy(app)
    assert since(app) == "2024-09-01"
    assert "From 1 September 2024 to 28 February 2025" in spoken(app)


def test_a_button_under_the_headline_moves_the_window_there_and_back(counted: AppTest) -> None:
    app = counted
    app.default_timeout = 120  # two estimates
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    assert GAP in spoken(app)
    app.switch_page(page_file("iceberg")).run()  # this harness forgets that the page was left
    assert "1 March 2025" in spoken(app)
    app.button(key="other_months").click().run()
    assert_healthy(app)
    assert "because you asked for it" in spoken(app)
    app.button(key="other_months").click().run()
    assert_healthy(app)
    assert "are not counted" in spoken(app)
