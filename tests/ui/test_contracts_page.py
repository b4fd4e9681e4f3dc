"""Contracts on the upload page: what the departures show, and the control that overrules them."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.companies import company_with_contracts
from tests.ui.conftest import assert_healthy, spoken, upload_and_count

OpenPage = Callable[..., AppTest]


def test_the_term_is_named_beside_the_window_and_can_be_overruled(open_page: OpenPage) -> None:
    customers, complaints, _ = company_with_contracts(customers=6_000)
    app = upload_and_count(open_page("upload"), customers, complaints)
    assert "renewals every 12 months" in spoken(app)
    next(one for one in app.selectbox if one.key and one.key.startswith("term.")).set_value(0).run()
    assert_healthy(app)
    assert "renewals every" not in spoken(app)
