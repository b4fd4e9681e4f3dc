"""What a reader takes along, in a real browser: the sentence and the link copied with the keyboard, and a print that is a page."""

import io

import pypdf
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import VisitorFactory


def test_sentence_and_link_are_copied_with_the_keyboard_and_say_so(visit: VisitorFactory) -> None:
    visitor = visit()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("?study=sample&ratio=10")
    for label, begins in (("Copy sentence", "1,612 customers complained."), ("Copy link", f"{visitor.address}/?study=sample&")):
        button = page.get_by_role("button", name=label)
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("[role=status]").filter(has_text="Copied").first).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith(begins)
    assert "ratio=10" in page.evaluate("navigator.clipboard.readText()"), "the choices made here are in the link"
    assert page.get_by_role("button", name="Copy link").bounding_box()["y"] < page.locator(".st-key-headline").bounding_box()["y"]  # type: ignore[index]


def test_without_a_clipboard_the_text_is_there_to_be_copied_by_hand(visit: VisitorFactory) -> None:
    visitor = visit(locale="fr-FR")
    visitor.context.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => false;")
    page = visitor.open("?study=sample")
    page.get_by_role("button", name="Copier la phrase").press("Enter")
    expect(page.get_by_role("textbox", name="Copier la phrase")).to_have_value(page.locator("h2").first.inner_text() + " " + page.evaluate(
        "document.querySelector('.st-key-headline [data-testid=stMarkdown]').innerText"
    ))


PRINTED = {"fr-FR": ("Traiter", "Touslesmotifs"), "en-GB": ("Fix", "Allcategories")}
LEFT_TO_A_SCREEN = {
    "fr-FR": ("Copier", "Rapports", "Paroùcommencer", "Hypothèsededépart", "Langue"),
    "en-GB": ("Copy", "Reports", "Wheretostart", "Startingassumption", "Language"),
}


@pytest.mark.parametrize(("locale", "dark"), [("fr-FR", False), ("en-GB", True)])
def test_a_print_is_one_page_with_sentence_advice_picture_and_table(visit: VisitorFactory, locale: str, dark: bool) -> None:  # a parameter
    page = visit(locale=locale, dark=dark).open("?study=sample")
    headline = page.locator("h2").first.inner_text()
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == 1
    assert [round(float(edge)) for edge in printed.pages[0].mediabox[2:]] == [595, 842], "A4"
    text = "".join(printed.pages[0].extract_text().split())
    assert "".join(headline.split()) in text
    for shown in PRINTED[locale]:
        assert shown in text
    for gone in LEFT_TO_A_SCREEN[locale]:
        assert gone not in text, "no button, no sidebar, nothing of the sections below"
    page.emulate_media(media="print")
    picture = page.locator(".st-key-picture canvas, .st-key-picture svg.marks").first.bounding_box()
    assert picture is not None and picture["width"] <= 703 and picture["height"] > 200, "as wide as the paper"
