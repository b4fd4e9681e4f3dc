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
    assert_healthy(app)
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    return app


@pytest.mark.parametrize(("language", "title"), [("en", "Promised, aimed at, believed, and lived"), ("fr", "Promis, visé, cru, et vécu")])
def test_the_first_page_says_the_gaps(open_page: OpenPage, tmp_path: Path, language: str, title: str) -> None:
    sheet = b"category,priority_rank,believed_leavers\nbilling,1,5\ndelivery,2,2\n"
    app = given(open_page("upload", language=language), tmp_path, sheet)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert title in spoken(app)


def test_a_sheet_that_does_not_fit_is_named_on_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    app = given(open_page("upload"), tmp_path, b"category,priority_rank\nparcels,1\n")
    assert "parcels" in spoken(app) and "billing, delivery" in spoken(app)
