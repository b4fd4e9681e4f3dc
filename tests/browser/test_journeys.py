"""What people do, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visitor, VisitorFactory

DATA = Path(__file__).resolve().parents[2] / "data"
CHARTS = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"


def give_file(visitor: Visitor, place: int, path: Path | dict[str, object]) -> None:
    """Choose a file in one of the upload fields and wait until it has arrived."""
    page = visitor.page
    page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place).set_input_files(path)  # type: ignore[arg-type]
    name = path.name if isinstance(path, Path) else str(path["name"])
    expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    visitor.settle()


def resting_box(page: Page, selector: str, *, least_width: int = 0) -> dict[str, float]:
    """Where something is once it stays there: a rerun replaces it, an opening fold moves it, and between two questions it may be gone."""
    same_twice = """([selector, leastWidth]) => {
        const found = document.querySelector(selector), box = found && found.getBoundingClientRect();
        const seen = box && box.width > leastWidth ? [box.x, box.y, box.width, box.height].join() : '';
        const stays = seen !== '' && seen === window.seenBox;
        window.seenBox = seen;
        return stays ? {x: box.x, y: box.y, width: box.width, height: box.height} : null;
    }"""
    return page.wait_for_function(same_twice, arg=[selector, least_width], polling=250).json_value()


def picture_box(page: Page) -> dict[str, float]:
    """Where the first picture is once it is drawn and stays there."""
    return resting_box(page, "[data-testid=stVegaLiteChart]", least_width=250)


def test_the_first_visit_shows_the_sample_company_with_nothing_uploaded(visit: VisitorFactory) -> None:
    page = visit().open()
    expect(page.get_by_role("heading", name=re.compile(r"^[\d,]+ customers complained"))).to_be_visible()
    expect(page.get_by_text("Sample company").first).to_be_visible()
    expect(page.locator(CHARTS).first).to_be_visible()
    expect(page.locator("[data-testid=stMetric]")).to_have_count(4)


def test_the_badge_opens_why(visit: VisitorFactory) -> None:
    page = visit().open()
    page.get_by_role("button", name=re.compile("Why")).click()
    expect(page.get_by_text(re.compile(r"Level \w:"))).to_be_visible()


def test_a_french_browser_is_spoken_to_in_french_and_can_switch(visit: VisitorFactory) -> None:
    visitor = visit(locale="fr-FR")
    page = visitor.open()
    expect(page.get_by_role("heading", name=re.compile(r"clients ont réclamé"))).to_be_visible()
    visitor.press(page.get_by_role("radio", name="English"))
    expect(page.get_by_role("heading", name=re.compile(r"^[\d,]+ customers complained"))).to_be_visible()
    expect(page).to_have_url(re.compile("lang=en"))


def test_a_link_to_a_category_can_be_sent(visit: VisitorFactory) -> None:
    page = visit().open()
    page.get_by_role("link", name="waiting time").click()
    expect(page.get_by_role("heading", name="waiting time", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/category\?.*category=waiting"))
    other = visit().open(page.url.split("/", 3)[3])
    expect(other.get_by_role("heading", name="waiting time", exact=True)).to_be_visible()


def test_a_click_on_the_picture_opens_the_category(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open()
    picture = page.locator("[data-testid=stVegaLiteChart]").first
    expect(picture.locator("canvas, svg").first).to_be_visible()
    size = picture_box(page)
    page.mouse.click(size["x"] + size["width"] / 2, size["y"] + size["height"] * 0.4)
    expect(page).to_have_url(re.compile("/category"))


def test_moving_the_ratio_moves_the_sentence_and_the_link(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open()
    before = page.locator("h2").first.inner_text()
    slider = page.get_by_role("slider", name=re.compile("Silent customers per complainant"))
    for _ in range(7):  # from 1:25 to 1:2: the sentence rounds to two digits, and one step may not be seen in it
        slider.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"ratio=2(&|$)"))
    expect(page.locator("h2").first).not_to_have_text(before)


@pytest.mark.parametrize(("locale", "opened"), [("fr-FR", "upload"), ("en-GB", "upload?lang=fr")])
def test_from_two_files_to_the_iceberg(visit: VisitorFactory, locale: str, opened: str) -> None:
    """Files, columns proposed and confirmed, checks, estimate, picture: in the language that was chosen to the end."""
    visitor = visit(locale=locale)
    page = visitor.open(opened)
    expect(page.get_by_role("button", name="Choisir des fichiers")).to_have_count(2)
    give_file(visitor, 0, DATA / "fr" / "clients.csv")
    give_file(visitor, 1, DATA / "fr" / "reclamations.csv")
    visitor.press(page.get_by_role("button", name="Ces colonnes sont bonnes"))
    expect(page.get_by_text("lignes lues").first).to_be_visible()
    visitor.press(page.get_by_role("button", name="Compter et estimer"))
    expect(page.get_by_role("heading", name=re.compile("clients ont réclamé"))).to_be_visible()
    expect(page.get_by_text("clients.csv + reclamations.csv")).to_be_visible()
    expect(page.get_by_text("Entreprise exemple", exact=True)).to_have_count(0)


def test_a_file_that_is_no_table_is_an_error_in_words(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open("upload")
    give_file(visitor, 0, {"name": "customers.csv", "mimeType": "text/csv", "buffer": b"<html><body>Log in</body></html>"})
    give_file(visitor, 1, DATA / "en" / "complaints.csv")
    expect(page.get_by_role("alert").first).to_contain_text("customers.csv")
    expect(page.get_by_role("button", name="These columns are right")).to_have_count(0)


def test_the_table_behind_a_chart_can_be_downloaded(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open()
    page.get_by_text("Figures and download").first.click()
    with page.expect_download() as waiting:
        visitor.press(page.locator("[data-testid=stDownloadButton] button").first)
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].startswith("category,vocal_customers")
    assert len(text.splitlines()) == 8


def test_nothing_moves_below_a_table_that_a_slow_line_brings_late(visit: VisitorFactory) -> None:
    """The button under the table is pressed where it is: what draws tables is held back until the button has been looked at."""
    visitor = visit()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.context.route(re.compile(r"/DataFrame\.[^/]*\.js$"), hold)
    page = visitor.open()
    page.get_by_text("Figures and download").first.click()
    button = "[data-testid=stDownloadButton] button"
    before = resting_box(page, button)
    expect(page.locator("[data-testid=stDataFrame]")).to_have_count(0)
    assert held, "the table came from elsewhere"
    for route in held:
        route.continue_()
    expect(page.locator("[data-testid=stDataFrame] canvas").first).to_be_visible()
    assert resting_box(page, button) == before


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_a_phone_shows_the_whole_picture_without_scrolling_sideways(visit: VisitorFactory, locale: str) -> None:
    visitor = visit(width=390, locale=locale)
    page = visitor.open()
    expect(page.locator(CHARTS).first).to_be_visible()
    visitor.settle()
    size = picture_box(page)
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
    assert size["x"] >= 0
    assert size["x"] + size["width"] <= 390
    assert size["height"] > size["width"], "the narrow picture is tall"


def test_the_dark_page_is_dark(visit: VisitorFactory) -> None:
    page = visit(dark=True).open()
    expect(page.locator("[data-testid=stApp]")).to_have_css("background-color", "rgb(11, 23, 38)")


def test_every_control_of_the_first_page_has_a_name_and_can_be_reached_by_keyboard(visit: VisitorFactory) -> None:
    page = visit().open()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stSidebar] input, [data-testid=stSidebar] [role=slider]')]
            .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || (e.labels && e.labels.length)))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("(e => e.getAttribute('role') || e.type || e.tagName.toLowerCase())(document.activeElement)")
        )
    assert {"range", "slider"} & reached
    assert {"button", "submit"} & reached
    assert {"a", "link"} & reached


def test_a_file_over_the_limit_gets_the_command_that_reads_it(visit: VisitorFactory, tmp_path: Path) -> None:
    """The browser refuses it before a byte is sent; the page says the limit and the way out, for that very file."""
    large = tmp_path / "crm export.csv"
    with large.open("wb") as file:
        file.truncate(201 * 1024 * 1024)  # sparse: takes no room
    visitor = visit()
    page = visitor.open("upload")
    page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(large)
    expect(page.get_by_role("alert").filter(has_text="crm export.csv has 211 MB")).to_contain_text("200 MB")
    expect(page.get_by_text("python -m iceberg estimate --customers 'crm export.csv' --complaints FILE")).to_be_visible()


def test_back_and_reload_keep_what_was_chosen(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open("?ratio=5&lang=fr")
    page.get_by_role("link", name="temps d'attente").click()
    expect(page.get_by_role("heading", name="temps d'attente", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("clients ont réclamé"))).to_be_visible()
    expect(page.get_by_test_id("stSliderThumbValue").get_by_text("5", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("clients ont réclamé"))).to_be_visible()


def test_back_leaves_a_page_in_one_step_whatever_was_chosen_on_it(visit: VisitorFactory) -> None:
    """A parameter that the server writes into the address is no step of the reader's, and no choice is lost on the way back."""
    visitor = visit()
    page = visitor.open("?lang=fr&horizon=90")
    ratio = page.get_by_role("slider", name=re.compile("Clients silencieux par réclamant"))
    ratio.press("ArrowLeft")
    expect(page).to_have_url(re.compile("ratio="))
    visitor.press(page.get_by_role("link", name="Méthode", exact=True))
    expect(page).to_have_url(re.compile("/method.*ratio="))
    visitor.settle()
    ratio.press("ArrowLeft")
    expect(page.get_by_test_id("stSliderThumbValue").get_by_text("15", exact=True)).to_be_visible()
    visitor.settle()
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("clients ont réclamé"))).to_be_visible()
    expect(page.get_by_test_id("stSliderThumbValue").get_by_text("15", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("horizon=90"))
    expect(page).to_have_url(re.compile("ratio=15"))
