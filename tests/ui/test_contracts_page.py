"""Contracts on the upload page: what the departures show, and the control that overrules them."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from tests.companies import company_with_contracts
from tests.ui.conftest import assert_healthy, spoken, upload

OpenPage = Callable[..., AppTest]


def test_the_term_is_named_beside_the_window_and_can_be_overruled(open_page: OpenPage) -> None:
    customers, complaints, _ = company_with_contracts(customers=6_000)
    app = open_page("upload")
    upload(
        app,
        customers=("customers.csv", customers.to_csv(index=False).encode()),
        complaints=("complaints.csv", complaints.to_csv(index=False).encode()),
    )
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "renewals every 12 months" in spoken(app)
    next(one for one in app.selectbox if one.key and one.key.startswith("term.")).set_value(0).run()
    assert_healthy(app)
    assert "renewals every" not in spoken(app)
