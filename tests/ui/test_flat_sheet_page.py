"""A flat sheet without dates goes through every page, and each says what it cannot show."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]
HEADER = {
    "en": "Subscription  Length,Complains,Tariff Plan,Customer Value,Churn",
    "fr": "Ancienneté (mois),Réclamation,Formule,CA annuel,Résilié",
}
ROWS = [f"{i % 40},{int(i % 7 == 0)},{'A' if i % 2 else 'B'},{100 + i % 30},{int(i % 9 == 0 or i % 14 == 0)}" for i in range(600)]
SAYS = {"en": "no dates", "fr": "pas de dates"}


def flat_study(app: AppTest, language: str) -> AppTest:
    """Upload the sheet and estimate."""
    app.radio(key="shape").set_value("flat").run()
    upload(app, flat=("sheet.csv", "\n".join([HEADER[language], *ROWS]).encode()))
    app.button(key="columns.confirm").click().run()
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    return app


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_a_flat_sheet_opens_and_none_invents_a_month(open_page: OpenPage, language: str) -> None:
    app = flat_study(open_page("upload", language=language), language)
    for page in ("iceberg", "category", "survival"):
        app.switch_page(page_file(page)).run()
        assert_healthy(app)
        assert SAYS[language] in spoken(app), page
        assert "2000" not in spoken(app), page
    app.switch_page(page_file("method")).run()
    assert_healthy(app)
