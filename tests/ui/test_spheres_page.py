"""The sheet of the four spheres on the pages: offered and taken after the checks, then one sentence and one picture beside the estimate."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.companies import write_company
from tests.ui.conftest import assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]


def given(app: AppTest, folder: Path, sheet: bytes) -> AppTest:
    write_company(folder, lambda number: f"C{number}")
    upload(app, **{name: (f"{name}.csv", (folder / f"{name}.csv").read_bytes()) for name in ("customers", "complaints")})
    app.button(key="columns.confirm").click().run()
    app.file_uploader(key="file.spheres").set_value([("spheres.csv", sheet, "text/csv")])
    app.run()
    app.default_timeout = 120
    return app


@pytest.mark.parametrize(("language", "title"), [("en", "Promised, aimed at, believed, and lived"), ("fr", "Promis, visé, cru, et vécu")])
def test_the_first_page_says_the_gaps(open_page: OpenPage, tmp_path: Path, language: str, title: str) -> None:
    sheet = b"category,priority_rank,believed_leavers\nbilling,1,5\ndelivery,2,2\n"
    app = given(open_page("upload", language=language), tmp_path, sheet)
    assert_healthy(app)
    assert {"en": "2 categories read: 0 with a promise", "fr": "2 motifs lus\N{NO-BREAK SPACE}: 0 avec une promesse"}[language] in spoken(app)
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert title in spoken(app)
    # Columns of which the sheet says nothing are left out
    tables = [tuple(one.value.columns) for one in app.dataframe if "rank" in one.value.columns or "target" in one.value.columns]
    assert tables == [("category", "rank", "believed", "believed_share")]
    app.switch_page(page_file("category")).run()
    assert_healthy(app)
    lived = {"en": "Said against lived: 2 believed to leave in silence", "fr": "Dit et vécu\N{NO-BREAK SPACE}: 2 départs silencieux supposés"}
    assert lived[language] in spoken(app)


def test_a_sheet_that_does_not_fit_is_named_on_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    """Below its box as soon as it is given, and again where the estimate is asked for."""
    app = given(open_page("upload"), tmp_path, b"category,priority_rank\nparcels,1\n")
    assert len(app.error) == 1 and "parcels" in app.error[0].value and "billing, delivery" in app.error[0].value
    app.button(key="estimate.run").click().run()
    assert len(app.error) == 2
