"""Ten questions of somebody who sees the first page for the first time, and the sentence on screen that answers each.

docs/explanation/thirty-seconds.md holds them beside a picture of the page. ``python -m tests.browser.test_thirty_seconds`` writes answers and
pictures anew, into that page and for the READMEs; the test fails where the page on screen says something else.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from iceberg.locale import LANGUAGES
from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, Visitor, VisitorFactory

PAGE = ROOT / "docs" / "explanation" / "thirty-seconds.md"
LOCALES = {"en": "en-GB", "fr": "fr-FR"}
SCREEN: ViewportSize = {"width": 1280, "height": 1000}
SCREENS = 2  # from the top: the sentence, the advice and the picture
QUESTIONS: dict[str, tuple[tuple[str, str], ...]] = {  # question, and how its answer begins
    "en": (
        ("How many customers told us?", r"[\d,]+ customers complained\."),
        ("How many left over the same problems and told nobody?", r"About [\d,]+ more left because[^.]*\."),
        ("What were they worth?", r"They would have brought about[^.]*\."),
        ("Could this be chance?", r"How sure\? [^.]*\. Chance alone[^.]*\."),
        ("What do we fix first?", r"Fix “[^”]+”:"),
        ("What does fixing it bring?", r"fixing it could keep about [^;]*;"),
        ("How sure is it that this is the right one?", r"\d+ in 100 that it is the largest"),
        ("How many will still leave?", r"Expected to leave silently[^\n]*\n+[^\n]+"),
        ("Which one do we not know enough about?", r"Measure first “[^”]+”: [^;]*;"),
        ("Is it 1 in 26, as they say?", r"For every \d+ who complain, about [^.]*, not \d+\."),
    ),
    "fr": (
        ("Combien de clients nous l’ont dit ?", r"\d[\d\s]* clients ont réclamé\."),
        ("Combien sont partis pour les mêmes raisons sans le dire ?", r"Sans doute autour de [\d\s]+ autres sont partis[^.]*\."),
        ("Que rapportaient-ils ?", r"Ils auraient rapporté environ[^.]*\."),
        ("Est-ce peut-être le hasard ?", r"Est-ce sûr \? [^.]*\. Le hasard seul[^.]*\."),
        ("Que traiter en premier ?", r"Traiter « [^»]+ » :"),
        ("Qu’est-ce que cela rapporterait ?", r"y remédier pourrait garder environ [^;]*;"),
        ("Est-on sûr que c’est le bon ?", r"\d+ chances sur 100 d’être le plus important"),
        ("Combien vont encore partir ?", r"Devraient partir sans rien dire[^\n]*\n+[^\n]+"),
        ("Lequel connaît-on mal ?", r"Mesurer d’abord « [^»]+ » : [^;]*;"),
        ("Est-ce vraiment un sur vingt-six ?", r"Pour \d+ clients qui réclament, environ [^.]*, et non \d+\."),
    ),
}
HEADS = {"en": ("Question", "On screen"), "fr": ("Question", "À l’écran")}


def spoken(visitor: Visitor) -> str:
    """The text of the whole page, with every kind of blank as one; what is far outside the window is not drawn, and has no text."""
    page = visitor.page
    page.set_viewport_size({"width": SCREEN["width"], "height": 5_000})
    visitor.settle()
    return re.sub(r"[ \u00a0\u202f]+", " ", page.locator("[data-testid=stMain]").inner_text())


def answers(text: str, language: str) -> list[tuple[str, str]]:
    """Each question with its answer as it stands on screen; "" where the page does not answer."""
    found = [(question, re.search(pattern, text)) for question, pattern in QUESTIONS[language]]
    return [(question, re.sub(r"\s*\n+\s*", ": ", match[0]).strip() if match else "") for question, match in found]


def table(rows: list[tuple[str, str]], language: str) -> str:
    lines = ["| | " + " | ".join(HEADS[language]) + " |", "|---:|---|---|"]
    lines += [f"| {place} | {question} | {answer} |" for place, (question, answer) in enumerate(rows, 1)]
    return "\n".join(lines)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_answers_ten_questions_as_the_documentation_says(visit: VisitorFactory, language: str, tmp_path: Path) -> None:
    visitor = visit(locale=LOCALES[language])
    visitor.page.set_viewport_size(SCREEN)
    page = visitor.open()
    page.screenshot(path=tmp_path / "seen.png")
    for known in (ROOT / "docs" / f"iceberg-{language}.png", tmp_path / "seen.png"):
        assert known.read_bytes()[16:24] == SCREEN["width"].to_bytes(4, "big") + SCREEN["height"].to_bytes(4, "big")
    headline, picture = (page.locator(one).first.bounding_box() for one in (".st-key-headline", ".st-key-picture"))
    assert headline is not None and picture is not None
    assert headline["y"] + headline["height"] < picture["y"] < SCREEN["height"]
    assert picture["y"] + picture["height"] < SCREENS * SCREEN["height"]
    rows = answers(spoken(visitor), language)
    assert [question for question, answer in rows if not answer] == []
    assert table(rows, language) in PAGE.read_text(encoding="utf-8"), "write them anew: python -m tests.browser.test_thirty_seconds"


def write(browser: Browser, address: str) -> None:
    """Answers and pictures anew."""
    text = PAGE.read_text(encoding="utf-8")
    for language in LANGUAGES:
        visitor = Visitor(browser, address, locale=LOCALES[language], viewport=SCREEN)
        page = visitor.open()
        page.wait_for_timeout(1_000)
        page.screenshot(path=ROOT / "docs" / f"iceberg-{language}.png")
        made = table(answers(spoken(visitor), language), language)
        head = re.escape("| | " + " | ".join(HEADS[language]) + " |")
        text = re.sub(head + r"\n(?:\|.*\n?)*", lambda _, made=made: made + "\n", text, count=1)
        visitor.context.close()
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    from benchmarks.page.first_visit import serving

    with sync_playwright() as driver, serving(ROOT / "app.py") as own:
        write(driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS), own)
