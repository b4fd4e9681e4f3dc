"""Beside the title: reports, the sentence and the link; what each of them holds for the sample, a published study and files of this session."""

import io
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.locale import Translator
from iceberg.ui.sections.sharing import actions, links
from tests.ui.conftest import COMPLAINTS, CUSTOMERS, assert_healthy
from tests.ui.test_studies import Publish, open_app, publish, store  # noqa: F401  # fixtures
from tests.ui.test_upload_page import confirm, estimate, give

Copied = dict[str, dict[str, Any]]


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> Copied:
    """What each button would copy, by its key."""
    found: Copied = {}
    monkeypatch.setattr(actions, "show_copy", lambda text, words, *, key, **options: found.update({key: {"text": text} | options}))
    return found


def test_the_sentence_is_the_headline_and_how_sure_it_is(copied: Copied, publish: Publish) -> None:  # noqa: F811
    app = open_app(study=publish(leavers=4000))
    text = copied["copy.sentence"]["text"]
    assert text.startswith(app.header[0].value.replace("\\", ""))
    assert "*" not in text and "[" not in text, "plain text"


def test_the_link_names_the_version_on_screen_and_the_choices_made_of_it(
    copied: Copied, publish: Publish, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org/churn/")
    study = publish()
    open_app(study=study, months="2025-02..2025-11", ratio="10")
    link = f"https://iceberg.example.org/churn/?study={study}&version=1&months=2025-02..2025-11&ratio=10&lang=en"
    assert copied["copy.link"]["text"] == link
    publish(ratio=2.0)
    open_app(study=study, version="1")
    assert "version=1" in copied["copy.link"]["text"], "a newer version changes nothing about it"


def test_files_of_this_session_have_no_link_until_they_are_published(copied: Copied, open_page: Callable[..., AppTest]) -> None:
    app = open_page("upload")
    estimate(confirm(give(app, customers=CUSTOMERS, complaints=COMPLAINTS)))
    app.switch_page("iceberg/ui/pages/iceberg.py").run()
    assert_healthy(app)
    assert copied["copy.link"]["text"] == "" and "Publish the study" in Translator("en").text(copied["copy.link"]["nothing"])
    assert copied["copy.sentence"]["text"]


@pytest.mark.parametrize(("address", "on_paper"), [("https://iceberg.example.org", True), ("http://localhost:8501", False), ("", False)])
def test_a_link_that_only_this_machine_can_follow_is_not_printed(
    address: str, on_paper: bool, publish: Publish, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setenv("ICEBERG_URL", address)
    printed: list[str] = []
    monkeypatch.setattr("iceberg.ui.sections.sharing.paper.printed_link", lambda frame: printed.append(links.printed_link(frame)) or "")
    study = publish()
    open_app(study=study)
    assert printed == ([f"{address}/?study={study}&version=1&lang=en"] if on_paper else [""])


def test_a_print_has_the_table_of_the_report(publish: Publish) -> None:  # noqa: F811
    app = open_app(study=publish(), language="fr")
    table = next(element.proto.body for element in app.get("html") if "printed" in element.proto.body)
    assert table.count("<tr") == 5, "a line of names, three categories and all of them"
    assert "Tous les motifs" in table and "delivery" in table


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_reports_hold_the_link_as_a_code_and_to_be_clicked(language: str) -> None:
    from iceberg.report.files import Provenance, report_bytes
    from tests.report.examples import example_counts, example_estimate

    link = "https://iceberg.example.org/?study=all-ab12cd&version=3&lang=fr&segment=%C3%89tudiants"
    inputs = example_estimate(2, draws=60), example_counts(2)

    def made(link: str) -> dict[str, bytes]:
        origin = Provenance(link=link)
        return {kind: report_bytes(*inputs, format=kind, language=language, provenance=origin) for kind in ("pdf", "html")}

    with_link, without = made(link), made("")
    page = pypdf.PdfReader(io.BytesIO(with_link["pdf"])).pages[0]
    assert {one.get_object()["/A"]["/URI"] for one in page["/Annots"]} == {link}  # type: ignore[attr-defined]
    assert "/Annots" not in pypdf.PdfReader(io.BytesIO(without["pdf"])).pages[0]
    assert link.replace("&", "&amp;") in with_link["html"].decode() and 'class="code"' not in without["html"].decode()


def test_the_method_page_lists_the_words_and_no_table_says_none(publish: Publish) -> None:  # noqa: F811
    app = open_app("method", study=publish(), language="fr")
    assert "Les mots employés" in [one.value for one in app.header]
    assert "**départ silencieux** – Un client parti sans réclamer" in "".join(str(one.value) for one in app.markdown)
    tables = app.dataframe
    assert tables and {table.proto.placeholder for table in tables} <= {"–", ""}, "the framework would write None"
