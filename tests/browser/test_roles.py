"""The two kinds of people of the product, signed in through a provider: an analyst publishes, an executive opens the link on a phone, in French."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from iceberg.store.audit import read_audit
from iceberg.store.studies import Store
from tests import oidc
from tests.browser.conftest import ROOT, VisitorFactory, free_port, until_still, until_true, wait_for
from tests.companies import write_company
from tests.store.conftest import make_publication

PEOPLE: dict[str, dict[str, object]] = {
    "ana": {"email": "ana@example.org", "email_verified": True, "roles": ["iceberg-analyst"]},
    "vera": {"email": "vera@example.org", "email_verified": True, "groups": ["staff"]},
    "nobody": {"email": "nobody@elsewhere.org", "email_verified": True},
}
ROLES = '[people]\nviewer = ["*@example.org"]\n'


@dataclass
class Site:
    """A dashboard with sign-in, and its store."""

    address: str
    store: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    address = f"http://localhost:{port}"
    with oidc.running(free_port(), PEOPLE) as provider:
        (folder / "secrets.toml").write_text(provider.secrets_toml(address))
        (folder / "roles.toml").write_text(ROLES)
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
        command += ["--secrets.files", str(folder / "secrets.toml")]
        environment = os.environ | {"ICEBERG_STORE": str(folder / "store.db"), "ICEBERG_ROLES": str(folder / "roles.toml")}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb")) as server:
            try:
                wait_for(f"{address}/_stcore/health", server)
                yield Site(address, str(folder / "store.db"))
            finally:
                server.terminate()
                server.wait(timeout=20)


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[VisitorFactory]:
    factory = VisitorFactory(chromium, site.address)
    yield factory
    for visitor in factory.visitors:
        assert visitor.page.locator("[data-testid=stException]").count() == 0
        visitor.context.close()
        assert visitor.strangers == set(), "a request left this machine"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few hundred customers: enough for a headline, quick to estimate."""
    return write_company(tmp_path_factory.mktemp("company"), lambda number: f"K{number:05d}")


def sign_in(page: Page, person: str) -> None:
    """Through the provider's own page and back, to the link that was asked for: whoever goes elsewhere before would still be taken to it."""
    asked = parse_qsl(urlsplit(page.url).query)
    page.get_by_role("button", name=re.compile("Sign in|Se connecter")).click()
    page.get_by_role("link", name=person, exact=True).click()
    expect(page.get_by_role("button", name=re.compile("Sign out|Se déconnecter"))).to_be_attached()
    until_true(page, "sessionStorage.getItem('iceberg.link') === null")
    for name, value in asked:
        expect(page).to_have_url(re.compile(rf"[?&]{re.escape(name)}={re.escape(value)}(&|$)"))
    until_still(page)


def text_of_pdf(path: Path) -> str:
    from pypdf import PdfReader

    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


def plain(text: str) -> str:
    """Without the spaces that a language or a renderer chooses."""
    return re.sub(r"\s+", "", text)


def test_an_analyst_publishes_and_an_executive_reads_it_on_a_phone_in_french(visit: VisitorFactory, company: Path, site: Site) -> None:
    analyst = visit()
    page = analyst.open()
    sign_in(page, "ana")
    analyst.open("upload")
    for place, name in enumerate(("customers.csv", "complaints.csv")):
        page.locator("[data-testid=stFileUploaderDropzoneInput]").nth(place).set_input_files(company / name)
        expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
        analyst.settle()
    analyst.press(page.get_by_role("button", name="These columns are right"))
    analyst.press(page.get_by_role("button", name="Count and estimate"))
    expect(page.get_by_role("heading", name=re.compile(r"^[\d,]+ customers complained"))).to_be_visible()
    analyst.press(page.get_by_role("button", name="Publish").first)
    title = page.get_by_role("dialog").get_by_role("textbox")
    title.fill("Comité de direction")
    title.press("Tab")
    analyst.press(page.get_by_role("dialog").get_by_role("button", name="Publish"))
    expect(page.get_by_text("Published as version 1 of “Comité de direction”.")).to_be_visible()
    expect(page.get_by_role("heading", name="Comité de direction")).to_be_visible()
    link = page.locator("[data-testid=stCode] code").inner_text().strip()
    assert link.startswith(f"{site.address}/?study=comite-de-direction-")

    executive = visit(locale="fr-FR", width=390)
    phone = executive.page
    phone.goto(link)
    sign_in(phone, "vera")
    phone.goto(link)
    headline = phone.get_by_role("heading", name=re.compile("clients ont réclamé"))
    expect(headline).to_be_visible()
    expect(phone.get_by_role("heading", name="Comité de direction")).to_be_visible()
    executive.settle()
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    said = headline.inner_text()

    phone.get_by_role("button", name="Rapports").click()
    with phone.expect_download() as waiting:
        executive.press(phone.get_by_role("button", name="PDF à transmettre"))
    written = text_of_pdf(Path(waiting.value.path()))
    assert plain(said) in plain(written)
    store = Store(site.store)
    trail = [(line.actor, line.action, line.detail) for line in read_audit(store.engine)]
    store.close()
    assert ("vera@example.org", "export", {"format": "pdf"}) in trail
    assert ("ana@example.org", "publish", {}) in trail

    phone.goto(f"{site.address}/upload")
    expect(phone.get_by_role("alert").filter(has_text="demande le rôle analyste")).to_be_visible()
    assert phone.locator("[data-testid=stFileUploaderDropzoneInput]").count() == 0


def test_the_link_is_kept_through_the_sign_in(visit: VisitorFactory, site: Site) -> None:
    """The provider sends people to the front door; they end where they wanted to go."""
    store = Store(site.store)
    study = store.publish(make_publication("Two links")).study_id
    store.publish(make_publication("A later one", ratio=5.0))
    store.close()
    visitor = visit()
    visitor.page.goto(f"{site.address}/?study={study}&lang=fr")
    sign_in(visitor.page, "vera")
    expect(visitor.page).to_have_url(re.compile(f"study={study}"))
    expect(visitor.page.get_by_role("heading", name="Two links")).to_be_visible()


def test_the_language_of_a_link_stays_when_a_study_is_opened(visit: VisitorFactory, site: Site) -> None:
    store = Store(site.store)
    store.publish(make_publication("Opened from the list"))
    store.close()
    visitor = visit()
    visitor.page.goto(f"{site.address}/?lang=fr")
    sign_in(visitor.page, "vera")
    visitor.page.goto(f"{site.address}/studies?lang=fr")
    visitor.press(visitor.page.get_by_role("button", name="Ouvrir").first)
    expect(visitor.page.get_by_role("heading", name=re.compile("clients ont réclamé"))).to_be_visible()


def test_a_viewer_reads_the_method_of_the_study(visit: VisitorFactory, site: Site) -> None:
    store = Store(site.store)
    study = store.publish(make_publication("Read with its method")).study_id
    store.close()
    visitor = visit(locale="fr-FR", width=390)
    visitor.page.goto(f"{site.address}/?study={study}")
    sign_in(visitor.page, "vera")
    visitor.page.goto(f"{site.address}/method?study={study}")
    visitor.settle()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_count(1)
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    assert visitor.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_a_stranger_with_an_account_sees_nothing(visit: VisitorFactory) -> None:
    visitor = visit()
    page = visitor.open()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="nobody", exact=True).click()
    expect(page.get_by_text("nobody@elsewhere.org has no role here")).to_be_visible()
    assert page.locator("[data-testid=stSidebarNav] a").count() == 0


def test_a_cookie_that_is_put_back_after_signing_out_opens_the_sign_in_page(visit: VisitorFactory, site: Site) -> None:
    store = Store(site.store)
    study = store.publish(make_publication("Signed out")).study_id
    store.close()
    visitor = visit()
    page = visitor.page
    page.goto(f"{site.address}/?study={study}")
    sign_in(page, "vera")
    expect(page.get_by_role("heading", name="Signed out")).to_be_visible()
    copied = visitor.context.cookies()
    assert {cookie["name"] for cookie in copied} >= {"_streamlit_user"}
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    until_still(page)  # leave nothing half loaded behind: Chromium makes the next page wait for the file that it was reading
    visitor.context.add_cookies(copied)  # type: ignore[arg-type]
    page.goto(f"{site.address}/?study={study}", wait_until="commit")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.get_by_text("Signed out").count() == 0
    for path, method in (("_stcore/upload_file/x/y", "PUT"), ("_stcore/metrics", "GET"), ("metrics", "GET"), ("media/x.xlsx", "GET")):
        answer = visitor.context.request.fetch(f"{site.address}/{path}", method=method)
        assert answer.status == 401
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
