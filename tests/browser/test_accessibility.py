"""Every page, judged by axe-core: no serious violation that is ours to fix. Both languages, light and dark, desk and phone are each seen."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import VisitorFactory

PAGES = ("", "category", "decide", "survival", "method", "upload", "studies", "compare")
LOOKS = {
    "desk, English, light": {"locale": "en-GB", "width": 1280, "dark": False},
    "phone, French, dark": {"locale": "fr-FR", "width": 390, "dark": True},
}
OPTIONS = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
# What Streamlit draws itself and gives no means to change: rule -> part of the element's HTML -> the reason. Nothing at present.
NOT_OURS: dict[str, dict[str, str]] = {}


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{entry['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for entry in found
        if entry["impact"] in {"serious", "critical"}
        for node in entry["nodes"]
        if not any(part in node["html"] for part in NOT_OURS.get(entry["id"], {}))
    ]


def skipped_levels(page: Page) -> list[str]:
    """Headings two levels below the one before them: whoever goes from heading to heading looks for what is missing."""
    main = page.locator("[data-testid=stMain]")
    levels = main.locator("h1, h2, h3, h4").evaluate_all("all => all.map(one => [Number(one.tagName[1]), one.innerText])")
    return [f"h{before} -> h{level} {text}" for (before, _), (level, text) in pairwise(levels) if level > before + 1]


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_violation(visit: VisitorFactory, look: str) -> None:
    visitor = visit(**LOOKS[look])  # type: ignore[arg-type]
    found = {}
    for name in PAGES:
        page = visitor.open(name)
        expect(page.locator("h1, h2").first).to_be_visible()
        visitor.settle()
        # what lies below the fold is drawn, and judged, too
        page.set_viewport_size({"width": LOOKS[look]["width"], "height": 4000})  # type: ignore[typeddict-item]
        visitor.settle()
        expect(page.locator("[data-stale=true]")).to_have_count(0)  # what is being drawn again is pale for a moment
        if told := violations(page) + skipped_levels(page):
            found[name] = told
    assert found == {}


def test_every_chart_says_in_words_what_it_shows_and_has_its_table(visit: VisitorFactory) -> None:
    visitor = visit()
    for name in ("", "category", "survival", "method"):
        page = visitor.open(name)
        charts = page.locator("[data-testid=stVegaLiteChart]")
        expect(charts.first).to_be_visible()
        visitor.settle()
        silent = charts.evaluate_all(
            "all => all.filter(c => !(c.getAttribute('aria-label') || c.querySelector('[aria-label]'))).map(c => c.outerHTML.slice(0, 200))"
        )
        assert silent == [], name
        tables = page.locator("[class*='st-key-figures-']")
        assert tables.count() >= charts.count(), name


def test_the_keyboard_reaches_the_table_behind_the_picture(visit: VisitorFactory) -> None:
    """From the top of the page with the tab key alone: the way a reader without a mouse goes."""
    visitor = visit()
    page = visitor.open()
    page.locator("[class*='st-key-figures-iceberg'] summary").wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("!!document.activeElement.closest('.st-key-figures-iceberg')"):
            break
    else:
        pytest.fail("the tab key never came to the figures of the picture")
    page.keyboard.press("Enter")
    expect(page.locator("[class*='st-key-figures-iceberg'] [data-testid=stDataFrame]")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body"), "the keyboard is not caught"
