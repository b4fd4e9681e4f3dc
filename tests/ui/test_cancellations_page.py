"""Logged cancellations: named where they are counted, and one click counts them as complaints."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.companies import company_with_cancellations
from tests.ui.conftest import assert_healthy, spoken, upload_and_count


def test_a_switch_on_the_upload_page_counts_them_as_complaints_all_the_same(open_page: Callable[..., AppTest]) -> None:
    customers, complaints = company_with_cancellations(80)
    app = upload_and_count(open_page("upload"), customers, complaints)
    assert "customers who complained so shortly before leaving do not count" in spoken(app)
    toggle = next(one for one in app.toggle if one.key and one.key.startswith("keep_cancellations."))
    assert not toggle.value
    toggle.set_value(True).run()
    assert_healthy(app)
    assert "they count because you asked for it" in spoken(app)
