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


def test_a_tenure_whose_header_names_no_unit_can_be_counted_in_years(open_page: OpenPage) -> None:
    sheet = "\n".join(["tenure,complained,churned", *(f"{i % 8},{int(i % 7 == 0)},{int(i % 9 == 0 or i % 14 == 0)}" for i in range(300))])
    app = open_page("upload")
    app.radio(key="shape").set_value("flat").run()
    upload(app, flat=("sheet.csv", sheet.encode()))
    unit = next(one for one in app.selectbox if one.key and one.key.endswith(".unit"))
    assert unit.options[0] == "As found: months"
    unit.set_value("years").run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "read as tenure in years" in spoken(app)
    named = open_page("upload")
    named.radio(key="shape").set_value("flat").run()
    upload(named, flat=("sheet.csv", sheet.replace("tenure,", "tenure_months,").encode()))
    assert not [one for one in named.selectbox if one.key and one.key.endswith(".unit")]


def test_which_code_means_yes_is_asked_on_the_page(open_page: OpenPage) -> None:
    rows = [f"{i % 8},{int(i % 7 == 0)},{1 if i % 9 == 0 or i % 14 == 0 else 2}" for i in range(300)]
    sheet = "\n".join(["tenure_months,complained,churned", *rows])
    app = open_page("upload")
    app.radio(key="shape").set_value("flat").run()
    upload(app, flat=("sheet.csv", sheet.encode()))
    assert "which of its values mean yes" in spoken(app)
    yes = next(one for one in app.multiselect if one.key and one.key.endswith(".yes"))
    yes.set_value(["1"]).run()
    assert "which of its values mean yes" not in spoken(app)
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "300 rows read = 300 kept" in spoken(app)
