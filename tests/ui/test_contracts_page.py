"""Contracts on the upload page: what the departures show, and the control that overrules them."""

from collections.abc import Callable

import pandas as pd
from streamlit.testing.v1 import AppTest

from tests.companies import company_with_contracts
from tests.ui.conftest import assert_healthy, page_file, spoken, upload_and_count

OpenPage = Callable[..., AppTest]


def test_the_term_is_named_beside_the_window_and_can_be_overruled(open_page: OpenPage) -> None:
    customers, complaints, _ = company_with_contracts(customers=6_000)
    app = upload_and_count(open_page("upload"), customers, complaints)
    assert "renewals every 12 months" in spoken(app)
    next(one for one in app.selectbox if one.key and one.key.startswith("term.")).set_value(0).run()
    assert_healthy(app)
    assert "renewals every" not in spoken(app)


def test_where_no_range_can_be_given_the_page_says_so_and_shows_no_figure(open_page: OpenPage) -> None:
    """Two years of files cannot follow a term of two years: neither picture nor tile stands under the refusal."""
    customers, complaints, _ = company_with_contracts(customers=6_000)
    app = upload_and_count(open_page("upload"), customers, complaints)
    next(one for one in app.selectbox if one.key and one.key.startswith("term.")).set_value(24).run()
    assert_healthy(app)
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert "no range can be given" in spoken(app).lower()
    assert not app.metric
    app.switch_page(page_file("category")).run()
    assert_healthy(app)
    assert "no range can be given" in spoken(app).lower()
    assert not app.metric
    app.switch_page(page_file("method")).run()
    assert_healthy(app)
    assert "no range can be given" in spoken(app).lower()
    assert not {"compute.sensitivity", "compute.tornado"} & {one.key for one in app.button}
    app.switch_page(page_file("compare")).run()
    assert "nothing can be compared" in spoken(app).lower()
    app.switch_page(page_file("survival")).run()
    assert_healthy(app)
    assert "how many of them are silent churn cannot be said" in spoken(app).lower()


def test_the_columns_of_contracts_are_shown_and_can_be_left_out(open_page: OpenPage) -> None:
    customers, complaints, _ = company_with_contracts(customers=6_000, twice=0.4)
    app = upload_and_count(open_page("upload"), customers, complaints)
    chosen = {one.label.split(" (")[0]: one.value for one in app.selectbox if one.key and one.key.startswith("column.customers.")}
    assert (chosen["Contract term"], chosen["Renewal date"]) == ("contract length", "next renewal")
    assert "From a column: 12, 24 months" in spoken(app)
    for one in app.selectbox:
        if one.key and one.key.endswith((".term", ".renewal_date")):
            one.select_index(0)
    app.run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "From a column" not in spoken(app)
    assert "renewals every 12 months" in spoken(app)


def test_contracts_that_end_with_a_quarter_are_said_to(open_page: OpenPage) -> None:
    customers, complaints, _ = company_with_contracts(customers=3_000, bound=0.0)
    customers = customers.assign(end_date=customers["end_date"] + pd.offsets.QuarterEnd(0))
    app = upload_and_count(open_page("upload"), customers, complaints)
    assert_healthy(app)
    assert "100% of all departures fall in one month out of 3" in spoken(app)
    assert "renewals every" not in spoken(app)
