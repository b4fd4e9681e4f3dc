"""An analyst's work in a real browser: nothing is lost, and a messy French company reaches its picture in a few clicks."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitor, VisitorFactory
from tests.messy import NAMES, SPELLINGS, make_workbooks

MOST_CLICKS = 6  # the seconds: benchmarks/page/messy_company.py


def give(visitor: Visitor, books: tuple[bytes, bytes]) -> None:
    for place, (name, data) in enumerate(zip(NAMES, books, strict=True)):
        field = visitor.page.locator("input[type=file]").nth(place)
        field.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
        expect(visitor.page.get_by_text("Un tableau de").nth(place)).to_be_visible()
    visitor.settle()


class Clicks:
    """Counts what a person presses."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.count = visitor, 0

    def press(self, target: Locator) -> None:
        self.visitor.press(target)
        self.count += 1


def test_a_messy_french_company_reaches_its_picture_in_six_clicks(visit: VisitorFactory) -> None:
    """Eight odd headers, two date formats, ids in two cases, 19 spellings of 7 categories: every complaint meets its customer."""
    books = make_workbooks()
    assert sum(map(len, SPELLINGS.values())) == 19
    visitor = visit(locale="fr-FR")
    page = visitor.open("upload")
    clicks = Clicks(visitor)
    give(visitor, books)
    clicks.press(page.get_by_role("button", name="Ces colonnes sont bonnes"))
    clicks.press(page.get_by_role("button", name=re.compile("Fusionner tout cela")))
    expect(page.get_by_text("19 noms dans les fichiers, 7 comptés")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Réclamations.*\+ 0 (rejetées|écartées)"))).to_be_visible()
    clicks.press(page.get_by_role("button", name="Compter et estimer"))
    expect(page.get_by_text(" + ".join(NAMES)).first).to_be_visible()
    assert clicks.count <= MOST_CLICKS


def test_files_columns_merges_and_estimate_survive_pages_languages_and_a_reload(visit: VisitorFactory) -> None:
    visitor = visit(locale="fr-FR")
    page = visitor.open("upload")
    page.on("dialog", lambda dialog: dialog.accept())
    give(visitor, make_workbooks(customers=1500))
    visitor.press(page.get_by_role("button", name="Ces colonnes sont bonnes"))
    visitor.press(page.get_by_role("button", name=re.compile("Fusionner tout cela")))
    merged = page.get_by_text("19 noms dans les fichiers, 7 comptés")
    expect(merged).to_be_visible()
    visitor.press(page.get_by_role("link", name="Méthode"))
    visitor.press(page.get_by_role("link", name="Vos fichiers"))
    expect(merged).to_be_visible()
    visitor.press(page.get_by_text("English", exact=True))
    expect(page.get_by_text("19 names in the files, 7 counted")).to_be_visible()
    visitor.press(page.get_by_text("Français", exact=True))
    expect(merged).to_be_visible()
    page.reload()
    visitor.settle()
    expect(merged).to_be_visible()
    visitor.press(page.get_by_role("button", name="Compter et estimer"))
    expect(page.get_by_text(" + ".join(NAMES)).first).to_be_visible()
    page.reload()
    visitor.settle()
    expect(page.get_by_text(" + ".join(NAMES)).first).to_be_visible()
    stranger = visit(locale="fr-FR")
    stranger.page.goto(page.url)
    stranger.settle()
    expect(stranger.page.get_by_text(" + ".join(NAMES))).to_have_count(0)


def test_a_page_loaded_again_right_behind_a_click_has_what_was_clicked(visit: VisitorFactory) -> None:
    """Confirmed columns and merges are kept before they are counted, not after."""
    visitor = visit(locale="fr-FR")
    page = visitor.open("upload")
    page.on("dialog", lambda dialog: dialog.accept())
    give(visitor, make_workbooks(customers=1500))
    merge = page.get_by_role("button", name=re.compile("Fusionner tout cela"))
    for button, seen in (
        (page.get_by_role("button", name="Ces colonnes sont bonnes"), merge),
        (merge, page.get_by_text("19 noms dans les fichiers, 7 comptés")),
    ):
        visitor.press(button)
        page.wait_for_timeout(250)  # the click has to leave the browser; counting takes longer
        page.reload()
        visitor.settle()
        expect(seen).to_be_visible()
