"""Pages as a server runs them: the whole app, one page at a time, without a browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ui.session import sample_cache

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
PAGES = ("iceberg", "category", "decide", "compare", "survival", "method", "upload")
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
# The smallest company that can be counted: two months, one category, somebody leaves.
CUSTOMERS = (
    "customer_id,start_date,end_date,segment,revenue\n"
    + "".join(f"c{i},2024-0{1 + i % 6}-03,{'2025-03-14' if i % 4 == 0 else ''},{'North' if i % 2 else 'South'},{100 + i}\n" for i in range(80))
)
COMPLAINTS = "customer_id,complaint_date,category\n" + "".join(
    f"c{i},2025-0{1 + i % 3}-07,{'Late delivery' if i % 2 else 'Billing'}\n" for i in range(0, 80, 5)
)
VOLUMES = "month,category,complaints\n2025-01-01,Billing,40\n2025-02-01,Billing,35\n2025-01-01,Late delivery,22\n2025-02-01,Late delivery,30\n"


@pytest.fixture(autouse=True, scope="session")
def _no_cache_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see what this code works out, never what an earlier start of the server left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_cache, "FOLDER", tmp_path_factory.mktemp("cache"))
        yield


def page_file(name: str) -> str:
    return f"iceberg/ui/pages/{name}.py"


def spoken(app: AppTest) -> str:
    """Everything that can be read on the page."""
    parts = [app.title, app.header, app.subheader, app.markdown, app.caption, app.error, app.warning, app.info, app.success]
    texts = [element.value for kind in parts for element in kind]
    texts += [str(element.proto.title) for element in app.error]
    texts += [f"{element.label} {element.value}" for element in app.metric]
    return as_read("\n".join(texts))


def as_read(markdown: str) -> str:
    """What a browser shows of text that `plain` escaped."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown.replace(":small[]", ""))


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    """Open a page in a fresh session and assert that nothing broke."""

    def open_it(page: str = "iceberg", *, language: str = "en", query: dict[str, str] | None = None) -> AppTest:
        app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
        app.context = {"locale": LOCALES[language]}
        for name, value in (query or {}).items():
            app.query_params[name] = value
        if page != "iceberg":
            app.switch_page(page_file(page))
        app.run()
        assert_healthy(app)
        return app

    return open_it


def assert_healthy(app: AppTest) -> None:
    """No exception reached the reader."""
    assert [element.message for element in app.exception] == []


def upload(app: AppTest, *, language: str = "en", **files: tuple[str, bytes]) -> AppTest:
    """Put files on the upload page and run it."""
    for table, (name, data) in files.items():
        app.file_uploader(key=f"file.{table}").set_value((name, data, "text/csv"))
    app.run()
    assert_healthy(app)
    return app


def upload_and_count(app: AppTest, customers: pd.DataFrame, complaints: pd.DataFrame) -> AppTest:
    """Put two tables on the upload page and confirm their columns, up to the step that counts."""
    tables = {"customers": customers, "complaints": complaints}
    upload(app, **{name: (f"{name}.csv", table.to_csv(index=False).encode()) for name, table in tables.items()})
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    return app


def button(app: AppTest, key: str) -> bool:
    """Whether a button is on the page."""
    return any(element.key == key for element in app.button)


def estimated(app: AppTest, files: dict[str, tuple[str, bytes]]) -> AppTest:
    """The first page after these files were uploaded, confirmed and estimated."""
    upload(app, **files)
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    return app
