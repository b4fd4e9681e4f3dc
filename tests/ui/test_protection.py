"""In front of every response: headers, the roles of what no page checks, bounds of bytes and of windows, and signing out for good."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from iceberg.locale import LANGUAGES, Translator
from iceberg.store.audit import read_sign_outs, write_sign_out
from iceberg.store.studies import Store
from iceberg.ui import counters, study_store
from iceberg.ui.access import access, request, sign_out, upload_bounds
from iceberg.ui.access.upload_bounds import arriving, take_refusal
from iceberg.ui.serving import protection, routes
from iceberg.ui.serving.protection import LEAST_ROLES, ProtectedApp, bearer_matches

SECRET = "s" * 40
PEOPLE = {"vera": ["iceberg-viewer"], "ana": ["iceberg-analyst"], "olga": ["iceberg-owner"], "nobody": []}
UPLOAD = "/_stcore/upload_file/session-1/file-1"
MEDIA = "/media/0123456789abcdef.xlsx"


class Answer:
    """What was sent for one request."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        self.sent = sent
        self.status = next((one["status"] for one in sent if one["type"] == "http.response.start"), 0)
        self.headers = [(n.decode(), v.decode()) for one in sent if one["type"] == "http.response.start" for n, v in one["headers"]]
        self.text = b"".join(one.get("body", b"") for one in sent).decode()

    def header(self, name: str) -> str | None:
        return next((value for own, value in self.headers if own == name), None)


async def streamlit(scope: Any, receive: Any, send: Any) -> None:
    """The app behind: answers everything, and sets a cookie."""
    headers = [(b"set-cookie", b"_streamlit_xsrf=1; Path=/"), (b"set-cookie", b"a=b; Secure"), (b"cache-control", b"public, immutable")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"passed"})


def ask(path: str, *, method: str = "GET", scheme: str = "http", app: ProtectedApp | None = None, **headers: str) -> Answer:
    """Send one request; a header's name is written with underscores."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asked = [(name.replace("_", "-").encode(), value.encode()) for name, value in ({"host": "localhost:8501"} | headers).items()]
    scope = {"type": "http", "method": method, "path": path, "scheme": scheme, "headers": asked, "client": ("127.0.0.1", 5)}
    with ThreadPoolExecutor(1) as elsewhere:  # after a browser test this thread has a loop of its own that runs already
        elsewhere.submit(asyncio.run, (app or ProtectedApp(streamlit))(scope, None, send)).result()  # type: ignore[arg-type]
    return Answer(sent)


def cookie(person: str, *, began: float | None = None, secret: str = SECRET) -> str:
    """The cookie of a sign-in, as Streamlit signs it."""
    user = {"is_logged_in": True, "iss": "https://id.example.org", "sub": person, "iat": int(began or time.time()), "roles": PEOPLE[person]}
    return f"_streamlit_user={create_signed_value(secret, '_streamlit_user', json.dumps(user)).decode()}"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing signed out, refused or uploaded before; a store of this test alone."""
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "store.db"))
    for module, name in ((sign_out, "_ENDED"), (upload_bounds, "_refusals"), (upload_bounds, "_arriving")):
        monkeypatch.setattr(module, name, {})
    monkeypatch.setattr(sign_out, "_read_at", -1e9)
    protection._returns_encrypted.cache_clear()
    yield
    study_store._open_store.cache_clear()
    protection._returns_encrypted.cache_clear()


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """People sign in here."""
    for module in (access, request, protection):
        monkeypatch.setattr(module, "sign_in_configured", lambda: True)
    monkeypatch.setattr(request, "get_cookie_secret", lambda: SECRET)


@pytest.mark.parametrize("path", ["/", "/category", MEDIA, "/static/js/a.js", "/_stcore/health", UPLOAD, "/nothing"])
@pytest.mark.usefixtures("sign_in")
def test_every_response_has_the_headers_also_one_that_refuses(path: str) -> None:
    answer = ask(path)
    policy = answer.header("content-security-policy") or ""
    for part in ("default-src 'self'", "img-src 'self' data: blob:", "frame-ancestors 'self'", "object-src 'none'"):
        assert part in policy.split("; ")
    assert "unsafe-eval" not in policy
    assert "ws://localhost:8501" in policy
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "SAMEORIGIN"
    assert answer.header("referrer-policy") == "same-origin"
    assert answer.header("cache-control") == ("public, immutable" if path.startswith("/static/") else "private, no-store")


@pytest.mark.parametrize("host", ["evil.example; script-src *", "a b", "", "x" * 300])
def test_a_host_that_is_no_host_is_not_in_the_policy(host: str) -> None:
    assert "ws:" not in protection.content_policy(host)
    assert protection.content_policy(host).count("script-src") == 1


def test_a_cookie_is_secure_where_the_page_came_over_https() -> None:
    def cookies(scheme: str) -> list[str]:
        return [value for name, value in ask("/", scheme=scheme).headers if name == "set-cookie"]

    *framework, own = cookies("http")
    assert framework == ["_streamlit_xsrf=1; Path=/", "a=b; Secure"]
    assert own.startswith("iceberg_browser=")
    assert own.endswith("; HttpOnly; SameSite=Lax; Path=/")
    *framework, own = cookies("https")
    assert framework == ["_streamlit_xsrf=1; Path=/; Secure", "a=b; Secure"]
    assert own.endswith("; HttpOnly; SameSite=Lax; Path=/; Secure")


@pytest.mark.usefixtures("sign_in")
def test_a_cookie_is_secure_behind_a_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "get_secrets_auth_section", lambda: {"redirect_uri": "https://a.example.org/oauth2callback"})
    monkeypatch.setattr(protection, "get_redirect_uri", lambda section: section["redirect_uri"])
    assert all("Secure" in value for name, value in ask("/").headers if name == "set-cookie")


@pytest.mark.parametrize("person", [None, *PEOPLE])
@pytest.mark.parametrize(("path", "least"), [(start, role) for start, role, _ in LEAST_ROLES])
@pytest.mark.usefixtures("sign_in")
def test_what_no_page_checks_needs_its_role(path: str, least: access.Role, person: str | None) -> None:
    role = access.RoleRules().role_of({"roles": PEOPLE[person]}) if person else None
    may = access.Access(role, "").may(least)
    headers = {"cookie": cookie(person)} if person else {}
    for method in ("GET", "PUT", "DELETE"):
        answer = ask(f"{path}x/y", method=method, content_length="10", **headers)
        assert (answer.text == "passed") == may
        assert may or answer.status == (403 if person else 401)


@pytest.mark.usefixtures("sign_in")
def test_a_cookie_with_another_key_or_of_yesterday_gives_no_role() -> None:
    assert ask(MEDIA, cookie=cookie("olga")).status == 200
    assert ask(MEDIA, cookie=cookie("olga", secret="x" * 40)).status == 401
    assert ask(MEDIA, cookie=cookie("olga", began=time.time() - 13 * 3600)).status == 401
    assert ask(MEDIA, cookie=cookie("olga", began=time.time() + 86400)).status == 401, "a sign-in of tomorrow would never age"
    assert ask(MEDIA, cookie="_streamlit_user=nonsense").status == 401


def test_without_sign_in_this_machine_may_everything() -> None:
    assert ask(MEDIA).status == 200
    assert ask(UPLOAD, method="PUT", content_length="10").status == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_upload_beyond_the_bound_is_refused_in_words_and_its_page_says_so(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("ICEBERG_UPLOAD_SESSION_MB", "2")
    monkeypatch.setattr(upload_bounds, "held_bytes", lambda: {"session-1": 1_500_000, "session-2": 5_000_000})
    assert ask(UPLOAD, method="PUT", content_length="500000").status == 200, "exactly the bound"
    answer = ask(UPLOAD, method="PUT", content_length="500001", accept_language=f"{language}-XX,de;q=0.5")
    assert answer.status == 413
    assert answer.text == Translator(language).text("ui.upload.bound_session", limit=2)
    assert take_refusal("session-1") == upload_bounds.Refusal("session", 2)
    assert take_refusal("session-1") is None, "it is said once"


def test_all_sessions_together_are_bounded_and_what_arrives_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_UPLOAD_SERVER_MB", "3")
    monkeypatch.setattr(upload_bounds, "held_bytes", lambda: {"other": 1_000_000})
    with arriving("one", 1_500_000) as first:
        assert first is None
        with arriving("two", 500_001) as second:
            assert second == upload_bounds.Refusal("server", 3)
    with arriving("two", 500_001) as third:
        assert third is None, "the first has gone"


@pytest.mark.parametrize("length", ["", "-5", "1e9", "٣"])
def test_an_upload_that_does_not_say_its_length_is_refused(length: str) -> None:
    assert ask(UPLOAD, method="PUT", content_length=length).status == 411


@pytest.mark.parametrize(
    ("origin", "host", "opens"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("https://iceberg.example.org", "iceberg.example.org", True),
        ("https://iceberg.example.org:8443", "iceberg.example.org", True),  # a proxy that leaves the port out
        ("http://localhost:9000", "localhost:8501", False),
        ("http://localhost:99999", "localhost:8501", False),
        ("http://evil.example", "localhost:8501", True),  # Streamlit refuses other hosts
    ],
)
def test_a_page_of_another_port_opens_no_window(origin: str, host: str, opens: bool) -> None:  # a parameter
    reached: list[str] = []
    closed: list[dict[str, Any]] = []

    async def session(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    async def note(message: Any) -> None:
        closed.append(message)

    scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [(b"host", host.encode()), (b"origin", origin.encode())]}
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, ProtectedApp(session)(scope, None, note)).result()  # type: ignore[arg-type]
    assert bool(reached) == opens
    assert closed == ([] if opens else [{"type": "websocket.close", "code": 1008}])


def test_windows_are_bounded_and_the_next_reader_reads_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_SESSIONS", "1")
    closed: list[dict[str, Any]] = []
    inside: list[Answer] = []
    app = ProtectedApp(streamlit)

    async def session(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await streamlit(scope, receive, send)
            return
        inside.append(ask("/category", app=app, accept_language="fr"))
        inside.append(ask("/static/js/a.js", app=app))
        await app({"type": "websocket", "path": "/_stcore/stream"}, None, refuse)  # type: ignore[arg-type]

    async def refuse(message: Any) -> None:
        closed.append(message)

    app.app = session
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, app({"type": "websocket", "path": "/_stcore/stream"}, None, refuse)).result()  # type: ignore[arg-type]
    assert closed == [{"type": "websocket.close", "code": 1013}]
    assert [answer.status for answer in inside] == [503, 200]
    assert inside[0].text == Translator("fr").text("ui.access.full")
    assert ask("/", app=app).status == 200, "the window has closed"


@pytest.mark.usefixtures("sign_in")
def test_a_cookie_that_is_put_back_after_signing_out_gives_no_role() -> None:
    now = time.time()
    old, older = cookie("vera", began=now - 60), cookie("vera", began=now - 600)
    assert ask(MEDIA, cookie=old).status == ask(MEDIA, cookie=older).status == 200
    assert ask("/auth/logout", cookie=old).text == "passed"
    assert ask(MEDIA, cookie=old).status == 401
    assert ask(MEDIA, cookie=older).status == 401, "every earlier sign-in of the person has ended too"
    assert ask(MEDIA, cookie=cookie("vera", began=now)).status == 200, "signed in again"
    assert ask(MEDIA, cookie=cookie("ana", began=now - 600)).status == 200, "nobody else is concerned"


@pytest.mark.usefixtures("sign_in")
@pytest.mark.parametrize(("site", "ends"), [("same-origin", True), ("none", True), ("cross-site", False), ("same-site", False)])
def test_a_link_on_another_site_signs_nobody_out(site: str, ends: bool) -> None:
    old = cookie("vera")
    answer = ask("/auth/logout", cookie=old, sec_fetch_site=site)
    assert (answer.text == "passed") == ends
    assert ends or answer.status == 302
    assert ask(MEDIA, cookie=old).status == (401 if ends else 200)


@pytest.mark.usefixtures("sign_in")
@pytest.mark.parametrize(
    ("led", "ends"),
    [
        ({"referer": "http://localhost/upload"}, True),
        ({"referer": "http://evil.example/"}, False),
        ({"referer": "http://["}, False),
        ({"origin": "null"}, False),
    ],
)
def test_where_browsers_do_not_say_so_the_page_that_led_there_does(led: dict[str, str], ends: bool) -> None:
    """Over plain HTTP browsers send no Sec-Fetch-Site."""
    old = cookie("vera")
    assert (ask("/auth/logout", cookie=old, **led).text == "passed") == ends
    assert ask(MEDIA, cookie=old).status == (401 if ends else 200)


@pytest.mark.usefixtures("sign_in")
def test_another_server_of_the_same_store_learns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "store.db"))
    old = cookie("vera", began=time.time() - 60)
    ask("/auth/logout", cookie=old)
    assert len(read_sign_outs(store.engine)) == 1
    assert "vera" not in (tmp_path / "store.db").read_bytes().decode("latin-1")
    monkeypatch.setattr(sign_out, "_ENDED", {})  # the other server
    monkeypatch.setattr(sign_out, "_read_at", -1e9)
    assert ask(MEDIA, cookie=old).status == 401
    store.close()


def test_what_no_cookie_can_be_as_old_as_is_forgotten(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store.db"))
    now = int(time.time())
    write_sign_out(store.engine, person="a" * 24, began=now - 40 * 86400)
    write_sign_out(store.engine, person="b" * 24, began=now)
    write_sign_out(store.engine, person="b" * 24, began=now - 60)
    assert read_sign_outs(store.engine) == {"b" * 24: now}, "the later of two stands"
    store.close()


def test_a_short_secret_opens_nothing() -> None:
    def matches(given: str, token: str) -> bool:
        return bearer_matches({"type": "http", "headers": [(b"authorization", given.encode())]}, token)

    assert matches("Bearer 0123456789abcdef", "0123456789abcdef")
    assert not matches("Bearer 0123456789abcdee", "0123456789abcdef")
    assert not matches("Bearer ", "")
    assert not matches("", "")
    assert not matches("Bearer short", "short")


def test_counters_are_written_as_a_monitoring_system_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_COUNTS", counters.defaultdict(float))
    counters.count("iceberg_publishes_total", 'outcome="new"')
    counters.count("iceberg_publishes_total", 'outcome="new"')
    counters.count("iceberg_estimate_seconds_total", amount=1.25)
    lines = counters.written_counts(iceberg_sessions=3.0).splitlines()
    assert 'iceberg_publishes_total{outcome="new"} 2' in lines
    assert "iceberg_estimate_seconds_total 1.25" in lines
    assert "iceberg_sessions 3" in lines
    assert "# TYPE iceberg_sessions gauge" in lines
    assert [line for line in lines if not line.startswith("#") and len(line.rsplit(" ", 1)) != 2] == []


def test_a_counter_without_a_description_is_a_defect() -> None:
    with pytest.raises(AssertionError):
        counters.count("iceberg_something_total")




@pytest.mark.usefixtures("sign_in")
def test_below_a_sub_path_the_same_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ProtectedApp(streamlit)
    app.prefix = "/iceberg"
    assert ask("/iceberg/media/x.xlsx", app=app).status == 401
    assert ask("/iceberg/media/x.xlsx", app=app, cookie=cookie("vera")).status == 200
    assert ask("/iceberg/static/js/a.js", app=app).header("cache-control") == "public, immutable"
    refused = ask("/iceberg/auth/logout", app=app, sec_fetch_site="cross-site")
    assert refused.header("location") == "/iceberg/"
    monkeypatch.setattr(routes.st.config, "get_option", {"server.baseUrlPath": "/iceberg/"}.get)
    assert [route.path for route in routes.own_routes()] == ["/iceberg/readyz", "/iceberg/metrics"]


@pytest.mark.usefixtures("sign_in")
@pytest.mark.parametrize(
    ("person", "token", "status"), [(None, "", 401), ("ana", "", 401), ("olga", "", 200), (None, "t" * 16, 200), (None, "x" * 16, 401)]
)
def test_counters_are_for_owners_and_for_who_knows_the_secret(monkeypatch: pytest.MonkeyPatch, person: str | None, token: str, status: int) -> None:
    monkeypatch.setenv("ICEBERG_METRICS_TOKEN", "t" * 16)
    _, metrics = routes.own_routes()
    headers = ({"cookie": cookie(person)} if person else {}) | ({"authorization": f"Bearer {token}"} if token else {})
    answer = ask("/metrics", app=ProtectedApp(metrics.app), **headers)
    assert answer.status == status
    assert ("iceberg_estimates_total" in answer.text) == (status == 200)
