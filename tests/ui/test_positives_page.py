"""Good moments on the pages: the upload takes them, the first page says what can be said of them, in both languages; bad files are named."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from tests.companies import write_company
from tests.ui.conftest import estimated, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north")
    rows = ["customer id,compliment date,kind", *(f"C{number},2024-08-{1 + number % 28:02d},geste" for number in range(20, 200, 2))]
    files = {name: (f"{name}.csv", (folder / f"{name}.csv").read_bytes()) for name in ("customers", "complaints")}
    return files | {"positives": ("positives.csv", ("\n".join(rows) + "\n").encode())}


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [("en", "Good moments", "No log of visits shows engagement"), ("fr", "Les bons moments", "Aucun journal de visites")],
)
def test_the_first_page_says_what_can_be_said(
    open_page: OpenPage, company: dict[str, tuple[str, bytes]], language: str, title: str, sentence: str
) -> None:
    app = estimated(open_page("upload", language=language), company)
    assert title in spoken(app) and sentence in spoken(app)


def test_several_kinds_of_moments_are_listed(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    name, content = company["positives"]
    kinds = b"\n".join(line.replace(b"geste", b"call") if place % 2 else line for place, line in enumerate(content.split(b"\n")))
    app = estimated(open_page("upload"), company | {"positives": (name, kinds)})
    assert not app.exception
    assert "By kind of moment" in [one.label for one in app.expander]


def test_without_the_file_the_page_says_nothing_of_it(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    app = estimated(open_page("upload"), {name: file for name, file in company.items() if name != "positives"})
    assert "Good moments" not in spoken(app)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_moments_that_cannot_count_are_named_without_words_of_the_command_line(
    open_page: OpenPage, company: dict[str, tuple[str, bytes]], language: str
) -> None:
    late = ("positives.csv", b"customer id,compliment date\nC0,2025-12-01\nC4,2025-12-01\n")
    app = upload(open_page("upload", language=language), **(company | {"positives": late}))
    app.button(key="columns.confirm").click().run()
    assert ("None of the 2 good moments counts" if language == "en" else "Aucun des 2 bons moments ne compte") in spoken(app)
    assert "--since" not in spoken(app)
