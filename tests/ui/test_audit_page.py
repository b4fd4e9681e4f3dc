"""Filled sheets on the pages: the upload takes them, the first page shows one sentence and one picture, the page of a category its sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.cli.main import main
from tests.companies import write_company
from tests.test_cli_audit import fill
from tests.ui.conftest import assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}")
    assert main(["audit", "--complaints", str(folder / "complaints.csv"), "--draw", "40", "--out", str(folder / "audit.csv"), "--quiet"]) == 0
    fill(folder / "audit-1.csv", folder / "audit-2.csv")
    return folder


def given(app: AppTest, company: Path, *sheets: bytes) -> AppTest:
    upload(app, **{name: (f"{name}.csv", (company / f"{name}.csv").read_bytes()) for name in ("customers", "complaints")})
    app.file_uploader(key="file.audit").set_value([(f"audit-{place}.csv", data, "text/csv") for place, data in enumerate(sheets, 1)])
    app.run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    return app


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [
        ("en", "How complaints were answered", "On “delivery”, customers were answered within the rules"),
        ("fr", "Comment on a répondu aux réclamations", "on a répondu aux clients dans les règles"),
    ],
)
def test_the_pages_say_how_customers_were_answered(open_page: OpenPage, company: Path, language: str, title: str, sentence: str) -> None:
    sheets = [(company / f"audit-{rater}.csv").read_bytes() for rater in (1, 2)]
    app = given(open_page("upload", language=language), company, *sheets)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert title in spoken(app) and sentence in spoken(app) and "Krippendorff" in spoken(app)
    app.query_params["category"] = "delivery"
    app.switch_page(page_file("category")).run()
    assert_healthy(app)
    assert sentence in spoken(app)


def test_a_sheet_that_does_not_fit_is_named_on_the_page(open_page: OpenPage, company: Path) -> None:
    sheets = [(company / f"audit-{rater}.csv").read_bytes().replace(b"delivery", b"parcels") for rater in (1, 2)]
    app = given(open_page("upload"), company, *sheets)
    assert "parcels" in spoken(app) and "billing, delivery" in spoken(app)


def test_without_sheets_the_page_says_nothing_of_them(open_page: OpenPage) -> None:
    app = open_page("iceberg")
    assert "How complaints were answered" not in spoken(app)
