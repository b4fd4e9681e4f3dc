"""Names that try to be markup, on every page of the dashboard: they look as they are written, and nothing is fetched for them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.provenance import SourceFile
from iceberg.report.export import build_document
from iceberg.store.studies import Publication, Store
from tests.browser.conftest import ROOT, Visitor, VisitorFactory, free_port, until_still, wait_for
from tests.model.build import linked_counts

TITLE = "![t](http://evil.example/t.png) [c](javascript:alert(1)) $x^2$ :red[r] # h"
HONEST = ("Refund $20 vs $50", "C_D_E", "*VIP*")
HOSTILE = (
    "![q](http://evil.example/q.png)",
    r"$\href{http://evil.example}{x}$ $x^2$",
    ":material/lock: :red[red] :smile:",
    '=HYPERLINK("http://evil.example","x")',
    "<img src=http://evil.example/i.png onerror=alert(1)>",
    "[a](http://evil.example/a) www.evil.example",
)
LINK = "x\n\n# Your session has ended\n\n[Sign in again](http://evil.example/login)\n\n![](http://evil.example/l.png)"
PAGES = ("", "category", "decide", "compare", "survival", "method", "studies")
# What a name would have become: a formula (the Method page has some of its own, in a fold), a picture, an icon, a link to elsewhere.
MADE_OF_NAMES = """() => [
    ...document.querySelectorAll('.katex:not(details .katex), img[src*=evil], [data-testid=stMarkdownContainer] [aria-label="lock icon"]'),
    ...[...document.querySelectorAll('a[href]')].filter(link => link.host !== location.host),
].map(node => node.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a dashboard without sign-in, and a study of hostile names in its store."""
    store_file = tmp_path_factory.mktemp("hostile") / "store.db"
    names = (*HONEST, *HOSTILE)
    counts = linked_counts(dict.fromkeys(names, 60), silent_leavers=900)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=60))
    rows = {"customers": {"read": 9, "kept": 9, "rejected": 0}, "complaints": {"read": 5, "kept": 5, "rejected": 0}}
    files = (SourceFile("customers", "![f](http://evil.example/f.png).csv", "a" * 64),)
    store = Store(str(store_file))
    document = build_document(estimate, counts, rows=rows)
    study_id = store.publish(Publication(TITLE, counts, estimate, document, files, author="[me](http://evil.example)")).study_id
    store.close()
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"ICEBERG_STORE": str(store_file), "ICEBERG_UPLOAD_SESSION_MB": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield f"http://localhost:{port}", study_id
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture
def visitor(chromium: Browser, study: tuple[str, str]) -> Iterator[Visitor]:
    """A window in which no name may become more than text, and from which no request may leave this machine."""
    factory = VisitorFactory(chromium, study[0])
    visitor = factory()
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield visitor
    visitor.context.close()
    assert visitor.strangers == set(), "a request left this machine"
    assert dialogs == []


def check_page(page: Page) -> str:
    """The text of the page, with every fold open; no name on it is more than text."""
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach(fold => fold.click())")
    page.wait_for_timeout(500)
    until_still(page)
    assert page.evaluate(MADE_OF_NAMES) == []
    assert page.locator("[data-testid=stException]").count() == 0
    return " ".join(page.inner_text("body").split())


def test_names_that_try_to_be_markup_look_as_they_are_written_on_every_page(visitor: Visitor, study: tuple[str, str]) -> None:
    page = visitor.page
    for name in PAGES:
        visitor.open(f"{name}?study={study[1]}")
        said = check_page(page)
        if name in {"", "studies"}:
            assert TITLE in said
            assert "[me](http://evil.example)" in said
        if name == "":
            for category in (*HONEST, *HOSTILE):
                assert category in said
            page.get_by_role("button", name="Why").click()
            assert page.evaluate(MADE_OF_NAMES) == []
            for chart in page.locator("[data-testid=stVegaLiteChart]").all()[:2]:
                chart.hover()  # the tooltip
                page.wait_for_timeout(300)
                assert page.locator("#vg-tooltip-element img, #vg-tooltip-element a").count() == 0
    for category in (HONEST[0], *HOSTILE[:3]):
        visitor.open(f"category?study={study[1]}&category={quote(category)}")
        expect(page.get_by_role("heading", name=category, exact=True, level=1)).to_be_visible()
        check_page(page)


def test_a_link_says_nothing_on_the_page_and_a_file_is_no_markup_either(visitor: Visitor, study: tuple[str, str], tmp_path: Path) -> None:
    page = visitor.page
    for link in (f"?study={quote(LINK)}", f"?study={study[1]}&version={quote(LINK)}", f"category?study={study[1]}&category={quote(LINK)}"):
        visitor.open(link)
        said = check_page(page)
        assert "session has ended" not in said
    visitor.open("upload")
    for place, (name, content) in enumerate(upload_files(tmp_path).items()):
        page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place).set_input_files(tmp_path / name)
        expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
        visitor.settle()
        assert content
    said = check_page(page)
    assert "$x^2$ [l](www.evil.example).csv" in said
    assert "“:material/lock: :red[red” " in said
    visitor.press(page.get_by_role("button", name="These columns are right"))
    visitor.settle()
    said = check_page(page)
    assert "$c_x$ ![h](http://evil.example/h.png)" in said, "the column that was never read"


def test_a_file_beyond_the_bound_of_a_session_is_refused_in_words(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("upload")
    large = {"name": "large.csv", "mimeType": "text/csv", "buffer": b"customer_id\n" + b"x\n" * 600_000}
    page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(large)  # type: ignore[arg-type]
    expect(page.get_by_text("the files of your session would be more than 1 MB together")).to_be_visible()


def upload_files(folder: Path) -> dict[str, str]:
    """Files with names, headers and values that try to be markup."""
    headers = "customer_id,start_date,end_date,$c_x$ ![h](http://evil.example/h.png)\n"
    customers = headers + "".join(f"c{i},2024-0{1 + i % 6}-03,{'2025-03-14' if i % 4 == 0 else ''},{HOSTILE[i % 6]!r}\n" for i in range(80))
    customers += "c1,[bad](http://evil.example/b),,x\n"
    complaints = "customer_id,complaint_date,category\n" + "".join(
        f'c{i},2025-0{1 + i % 3}-07,"{HOSTILE[i // 5 % 6].replace(chr(34), chr(34) * 2)}"\n' for i in range(0, 80, 5)
    )
    files = {"$x^2$ [l](www.evil.example).csv": customers, ":material-lock: *b*.csv": complaints}
    for name, content in files.items():
        (folder / name).write_text(content)
    return files
