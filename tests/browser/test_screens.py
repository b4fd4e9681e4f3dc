"""Screens with few and many categories of long names, measured in the browser; the way about: themes, tour, words, links that lead nowhere."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from iceberg.locale import LANGUAGES
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.export import build_document
from iceberg.report.files import report_bytes
from iceberg.store.studies import Publication, Store
from tests.browser.conftest import ROOT, VisitorFactory, free_port, wait_for
from tests.model.build import linked_counts
from tests.report.examples import example_counts, example_estimate

NUMBERS = (1, 2, 12, 19)
WIDTHS = (390, 640, 900, 1280, 1440)  # 900: beside the open sidebar the page is as narrow as a phone
LOOKS = {f"{language}, {theme}": {"locale": language, "dark": theme == "dark"} for language in ("en-GB", "fr-FR") for theme in ("light", "dark")}
LONG = "A complaint about something that takes sixty signs to name "
# Everywhere in two looks; in the other two what is narrowest and widest, few and many.
PLACES = dict.fromkeys(LOOKS, ((2, 19), (390, 1280))) | dict.fromkeys(("en-GB, light", "fr-FR, dark"), (NUMBERS, WIDTHS))
# What reaches out of the page, or out of its own box with its text.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth, found = [];
    const scrolls = one => one.closest('[data-testid=stDataFrame], svg');
    const hidden = one => { for (; one; one = one.parentElement) if (one.getBoundingClientRect().width <= 1) return true; return false; };
    const place = one => one.parentElement.parentElement.closest('[data-testid]')?.dataset.testid;
    for (const one of document.querySelectorAll('[data-testid=stMain] *')) {
        const box = one.getBoundingClientRect();
        if (box.width > 1 && box.right > width + 1 && !scrolls(one) && !hidden(one))
            found.push(`${one.tagName} ${one.dataset.testid ?? one.className} ends at ${box.right}`);
    }
    for (const one of document.querySelectorAll('[data-testid=stMetricValue], h1, h2, h3, [data-testid=stMarkdownContainer] p')) {
        if (one.offsetParent && !hidden(one) && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
            found.push(`${one.tagName} of ${place(one)} too wide, ${one.scrollWidth} > ${one.clientWidth}: ${one.textContent.slice(0, 50)}`);
    }
    return found.slice(0, 5);
}"""
# Labels of the pictures that are cut off at an edge, or lie on another one. A label with a halo is drawn twice at its place.
CROWDED = """() => {
    const found = new Set();
    for (const chart of document.querySelectorAll('[data-testid=stVegaLiteChart]')) {
        const drawn = chart.querySelector('svg');
        if (!drawn || !chart.checkVisibility()) continue;
        const edge = drawn.getBoundingClientRect(), right = Math.min(edge.right, chart.getBoundingClientRect().right);
        const labels = [...drawn.querySelectorAll('text')].map(one => [one.getBoundingClientRect(), one.textContent]).filter(one => one[0].width > 0);
        labels.forEach(([box, text], place) => {
            if (box.left < edge.left - 1 || box.right > right + 1 || box.bottom > edge.bottom + 2) found.add(`cut off: ${text}`);
            for (const [other, said] of labels.slice(place + 1)) {
                const wide = Math.min(box.right, other.right) - Math.max(box.left, other.left);
                const high = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
                if (text !== said && wide > 2 && high > 0.35 * Math.min(box.height, other.height)) found.add(`${text} on ${said}`);
            }
        });
    }
    return [...found].slice(0, 5);
}"""
RING = """() => {
    const own = document.activeElement, style = getComputedStyle(own.type === 'range' ? own.closest('[data-rac]') : own);
    return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, str]]:
    """A dashboard with a study of each number of categories; 0 holds its address."""
    file = tmp_path_factory.mktemp("screens") / "store.db"
    store, site = Store(str(file)), {}
    for number in NUMBERS:
        names = {f"{LONG[:57]}{place:03d}": 40 + 15 * place for place in range(number)}
        counts = linked_counts(names, silent_leavers=900)
        estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=60))
        rows = {table: {"read": 9, "kept": 9, "rejected": 0} for table in ("customers", "complaints")}
        site[number] = store.publish(Publication(f"{number} categories", counts, estimate, build_document(estimate, counts, rows=rows))).study_id
    store.close()
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"ICEBERG_STORE": str(file)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield site | {0: f"http://localhost:{port}"}
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture
def visit(chromium: Browser, site: dict[int, str]) -> Iterator[VisitorFactory]:
    factory = VisitorFactory(chromium, site[0])
    yield factory
    for visitor in factory.visitors:
        visitor.context.close()
        assert visitor.strangers == set(), "a request left this machine"


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_wider_than_its_box_or_the_page_and_no_label_lies_on_another(visit: VisitorFactory, site: dict[int, str], look: str) -> None:
    """A phone and a desk, each turned or resized once: what is drawn again has to fit too."""
    visitor = visit(width=1440, **LOOKS[look])  # type: ignore[arg-type]
    found: dict[tuple[int, int], list[str]] = {}
    numbers, widths = PLACES[look]
    for number in numbers:
        for place, width in enumerate(widths):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            if place % 2 == 0:
                visitor.open(f"?study={site[number]}")
            else:
                visitor.page.wait_for_timeout(500)
                visitor.settle()  # the page may have been drawn again in its narrow form
            if wrong := [*visitor.page.evaluate(TOO_WIDE), *visitor.page.evaluate(CROWDED)]:
                found[number, width] = wrong
    assert found == {}


@pytest.mark.parametrize("number", [12, 19])
def test_on_paper_a_picture_keeps_its_layout_and_is_smaller(visit: VisitorFactory, site: dict[int, str], number: int) -> None:
    page = visit(width=1440).open(f"?study={site[number]}")
    first = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages[0]
    assert "What you hear" in first.extract_text(), "the picture is on the first page"
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
    page.wait_for_timeout(500)
    box = page.locator(".st-key-picture svg.marks").bounding_box()
    assert box is not None and 500 < box["width"] <= 624 and box["height"] <= 757
    assert page.evaluate("getComputedStyle(document.querySelector('.st-key-picture svg.marks')).visibility") == "visible"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 703, "wider than the paper, the page would be shrunk"
    assert page.evaluate(CROWDED) == []
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator(".st-key-picture [data-testid=stVegaLiteChart]").evaluate("chart => chart.style.transform") == ""


def focus_ring(page: Page) -> float:
    """Pixels of the ring around what has the keyboard's focus; of a slider around its thumb, whose input is hidden."""
    return float(page.evaluate(RING))


def test_the_keyboards_place_is_seen_on_links_and_sliders(visit: VisitorFactory, site: dict[int, str]) -> None:
    visitor = visit()
    page = visitor.open(f"?study={site[2]}")
    rings: dict[str, list[float]] = {"A": [], "slider": []}
    for _ in range(40):
        page.keyboard.press("Tab")
        kind = page.evaluate("document.activeElement.type === 'range' ? 'slider' : document.activeElement.tagName")
        if kind in rings:
            rings[kind].append(focus_ring(page))
        if all(rings.values()):
            break
    assert all(rings.values()), "the tab key comes to links and to sliders"
    assert min(min(widths) for widths in rings.values()) >= 2


def test_what_a_finger_hits_is_24_pixels(visit: VisitorFactory, site: dict[int, str]) -> None:
    page = visit(width=390).open(f"?study={site[2]}")
    small = page.locator("[data-testid=stMain]").locator("button:visible, a:visible, .term").evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect(), one]).filter(([box]) => box.width > 1 && (box.width < 24 || box.height < 24))"
        ".map(([box, one]) => `${one.outerHTML.slice(0, 120)} ${box.width}x${box.height}`)"
    )
    assert small == []


def test_the_phone_shows_sentence_advice_and_picture_on_two_screens(visit: VisitorFactory, site: dict[int, str]) -> None:
    for number in (2, 19):
        page = visit(width=390).open(f"?study={site[number]}")
        tops = [page.locator(place).first.bounding_box() for place in (".st-key-headline", ".st-key-picture")]
        assert tops[0] is not None and tops[0]["y"] < 200
        assert tops[1] is not None and tops[1]["y"] + 340 < 2 * 844, "waterline and bars"


def test_the_theme_is_chosen_and_stays(visit: VisitorFactory, site: dict[int, str]) -> None:
    visitor = visit()
    page = visitor.open(f"?study={site[2]}")
    light = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    visitor.press(page.get_by_role("button", name="Dark"))
    page.wait_for_function("before => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor !== before", arg=light)
    dark = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    visitor.open("studies")
    assert page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor") == dark, "on the other pages too"


def test_the_tour_has_three_steps_and_is_closed_for_good(chromium: Browser, site: dict[int, str]) -> None:
    context = chromium.new_context(locale="fr-FR", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site[0]}/?study={site[2]}")
    tour = page.get_by_role("region", name="Une courte visite")
    expect(tour).to_contain_text("1 / 3")
    for step in (2, 3):
        tour.get_by_role("button", name="Suivant").click()
        expect(tour).to_contain_text(f"{step} / 3")
    tour.get_by_role("button", name="Compris").click()
    expect(tour).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="2 categories")).to_be_visible()
    expect(tour).to_have_count(0)
    context.close()


def test_a_word_is_defined_where_the_keyboard_is(visit: VisitorFactory, site: dict[int, str]) -> None:
    page = visit().open(f"?study={site[2]}")
    term = page.locator(".term").filter(has_text="chance test")
    expect(term.locator(".means")).to_be_hidden()
    term.focus()
    expect(term.locator(".means")).to_be_visible()
    expect(term).to_have_attribute("aria-describedby", "term-chance_test")


@pytest.mark.parametrize("path", ["nowhere", "studies/what", "?study=nope-000000"])
def test_an_address_that_leads_nowhere_shows_the_studies_in_the_readers_language(visit: VisitorFactory, path: str) -> None:
    visitor = visit(locale="fr-FR")
    page = visitor.open(path)
    expect(page.get_by_role("heading", name="19 categories")).to_be_visible()
    expect(page.get_by_role("button", name="Copier le lien").first).to_be_visible()
    assert page.get_by_text("Page not found").count() == 0
    assert page.locator("[data-testid=stMetric], [data-testid=stVegaLiteChart]").count() == 0


def test_the_first_page_opens_the_newest_study(visit: VisitorFactory) -> None:
    expect(visit().open().get_by_role("heading", name=f"{NUMBERS[-1]} categories")).to_be_visible()


def label_boxes(svg: str) -> list[tuple[float, float, float, float, str]]:
    """Roughly where each label of a picture is: left, right, top, bottom, text."""
    from iceberg.report.charts.iceberg.text_width import text_width

    boxes = []
    for element in re.finditer(r"<text([^>]*)>([^<]+)</text>", svg):
        style, text = element.groups()
        patterns = (r"translate\(([-\d.]+),([-\d.]+)\)", r'font-size="([\d.]+)', r'text-anchor="(\w+)"')
        place, size, anchor = (re.search(pattern, style) for pattern in patterns)
        if place is None or size is None:
            continue
        x, y, height = float(place[1]), float(place[2]), float(size[1])
        width = text_width(text, height)
        left = x - {"middle": width / 2, "end": width}.get(anchor[1] if anchor else "", 0.0)
        boxes.append((left, left + width, y - 0.7 * height, y + 0.05 * height, text))
    return boxes


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("number", NUMBERS)
def test_no_two_labels_of_the_picture_intersect(number: int, narrow: bool) -> None:  # a parameter of the test
    from iceberg.locale import Translator
    from iceberg.report.charts.iceberg.draw import build_iceberg
    from iceberg.report.charts.specification import build_specification
    from iceberg.report.files.pictures import draw_svg, on_paper
    from iceberg.report.tables.estimate import iceberg_table, iceberg_totals

    names = {f"{LONG[:57]}{place:03d}": 40 + 15 * place for place in range(number)}
    estimate = estimate_iceberg(linked_counts(names, silent_leavers=900), assumptions=Assumptions(draws=60))
    frame = iceberg_table(estimate).assign(place=range(number))
    spec = on_paper(build_specification(lambda: build_iceberg(frame, Translator("fr"), totals=iceberg_totals(estimate), narrow=narrow)))
    boxes = label_boxes(draw_svg(spec).decode())
    assert len(boxes) >= 3 * number
    crossing = {
        frozenset({one[4], other[4]})
        for one, other in combinations(boxes, 2)
        if one[4] != other[4] and min(one[1], other[1]) - max(one[0], other[0]) > 1 and min(one[3], other[3]) - max(one[2], other[2]) > 1
    }
    assert crossing == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_as_a_web_page_is_no_wider_than_a_phone(chromium: Browser, tmp_path: Path, language: str) -> None:
    written = tmp_path / "report.html"
    estimate = replace(example_estimate(), counts_digest="d64666e1" * 8)
    written.write_bytes(report_bytes(estimate, example_counts(), format="html", language=language))
    with chromium.new_page(viewport={"width": 390, "height": 844}) as page:
        page.goto(written.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
