"""Published studies on the page: opened by a link, moved by nobody else, veiled for viewers, refused to strangers."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from iceberg.errors import StoreError
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.estimate import estimate_iceberg
from iceberg.provenance import SourceFile
from iceberg.report.export import build_document
from iceberg.store.annotations.plans import Note, add_note
from iceberg.store.audit import read_audit
from iceberg.store.retention import delete_study
from iceberg.store.studies import Publication, Store
from iceberg.ui import figure, study_store
from iceberg.ui.access import access
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.study_cards import card_sentences
from iceberg.ui.serving.warm_up import prepare_newest
from iceberg.ui.session import caches
from tests.model.build import linked_counts
from tests.model.test_scores import score_counts
from tests.ui.conftest import ROOT, assert_healthy, page_file, spoken

Publish = Callable[..., str]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of this test alone."""
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "store.db"))
    monkeypatch.setattr(access, "_REFUSED", {})
    opened = Store(str(tmp_path / "store.db"))
    yield opened
    opened.close()
    study_store._open_store.cache_clear()


@pytest.fixture
def publish(store: Store) -> Publish:
    def publish_it(title: str = "Quarterly", *, ratio: float = 25.0, leavers: int = 900, rare: int = 0, scored: int = 0) -> str:
        vocal = {"billing": 240, "delivery": 180, "price": 120} | ({"rare": rare} if rare else {})
        counts = linked_counts(vocal, silent_leavers=leavers)
        if scored:
            time = [(0, 0, level, 100_000, scored if level == 9 else 40) for level in range(11)]
            counts = replace(counts, scores=score_counts(time))
        estimate = estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior.around(ratio), draws=80))
        rows = {"customers": {"read": 9, "kept": 9, "rejected": 0}, "complaints": {"read": 5, "kept": 5, "rejected": 0}}
        files = (SourceFile("customers", "customers.csv", "a" * 64),)
        return store.publish(
            Publication(title, counts, estimate, build_document(estimate, counts, rows=rows, smallest=5), files, author="ana@example.org")
        ).study_id

    return publish_it


def open_app(page: str = "iceberg", *, roles: list[str] | None = None, language: str = "en", **query: str) -> AppTest:
    """Open a page; with `roles` as somebody who is signed in and whose provider says so."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.context = {"locale": {"en": "en-GB", "fr": "fr-FR"}[language]}
    if roles is not None:
        app.secrets["auth"] = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x" * 32}
        app.user = {"is_logged_in": True, "email": "vera@example.org", "iat": int(time.time()), "roles": roles}
    for name, value in query.items():
        app.query_params[name] = value
    if page != "iceberg":
        app.switch_page(page_file(page))
    app.run()
    assert_healthy(app)
    return app


def test_without_sign_in_the_page_says_that_it_is_a_local_tool(publish: Publish) -> None:
    study = publish()
    assert "Local tool of one person" in spoken(open_app(study=study))
    assert "Outil local" in spoken(open_app(study=study, language="fr"))


def test_a_link_opens_the_newest_version(publish: Publish) -> None:
    study = publish()
    publish(ratio=2.0)
    app = open_app(study=study)
    assert app.title[0].value == "Quarterly"
    assert "Version 2, published by ana@example.org" in spoken(app)
    assert app.select_slider(key="ratio").value == 2.0, "the slider stands where the analyst put it"


def test_an_older_version_can_be_picked_and_is_in_the_link(publish: Publish) -> None:
    study = publish()
    publish(ratio=2.0)
    app = open_app(study=study)
    newest = app.header[0].value
    next(box for box in app.selectbox if str(box.key).startswith("version.")).set_value(1).run()
    assert_healthy(app)
    assert app.query_params["version"] in ("1", ["1"])
    assert app.header[0].value != newest
    assert app.select_slider(key="ratio").value == 25.0
    assert open_app(study=study, version="1").header[0].value == app.header[0].value


def test_the_page_of_a_study_says_what_was_published(publish: Publish, store: Store) -> None:
    study = publish()
    from iceberg.report.words import headline_sentence

    loaded = store.load(study).estimate
    assert loaded is not None
    assert open_app(study=study).header[0].value == headline_sentence(loaded, Translator("en"))


def test_a_slider_moves_this_session_and_nobody_else(publish: Publish, store: Store) -> None:
    study = publish()
    one, other = open_app(study=study), open_app(study=study)
    before = one.header[0].value
    one.select_slider(key="ratio").set_value(2.0).run()
    assert_healthy(one)
    assert one.header[0].value != before
    other.run()
    assert other.header[0].value == before
    assert len(store.versions(study)) == 1


def test_what_changed_is_told_in_three_parts(publish: Publish) -> None:
    study = publish()
    publish(ratio=2.0, leavers=1100)
    app = open_app(study=study)
    assert any("What changed since version 1" in one.label for one in app.expander)


def test_every_segment_chosen_is_all_of_them(publish: Publish) -> None:
    """The address stays short, the list empty, and the page that of the whole study."""
    study = publish()
    whole = [one.value for one in open_app(study=study).metric]
    app = open_app(study=study)
    app.multiselect[0].set_value(["north", "south"]).run()
    assert_healthy(app)
    assert app.multiselect[0].value == [] and "segment" not in app.query_params
    assert [one.value for one in app.metric] == whole
    app.multiselect[0].set_value(["south"]).run()
    assert app.multiselect[0].value == ["south"] and app.query_params["segment"] == "south"


def test_under_a_filter_the_section_of_versions_says_that_it_is_about_the_whole_study(publish: Publish) -> None:
    said = Translator("en").text("progress.whole")
    study = publish()
    assert said not in [one.value for one in open_app(study=study).caption]
    assert said in [one.value for one in open_app(study=study, segment="north").caption]


# A heading, a link to another site and a picture from it, as they would stand in a link that was made up.
PHISHING = "x\n\n# Your session has ended\n\n[Sign in again](http://evil.example/login)\n\n![](http://evil.example/q.png)"


def faults(app: AppTest) -> list[str]:
    """The boxes that say what is wrong; remarks about an estimate have another icon."""
    return [box.value for box in app.error if box.icon == ":material/error:"]


def figures(app: AppTest) -> list[object]:
    """Everything on the page that could hold a number of a study; of a list of studies the cards, by their heading."""
    return [*app.metric, *app.get("vega_lite_chart"), *app.dataframe, *app.header, *app.title]


def opened_figures(app: AppTest) -> list[object]:
    """The same without the cards of the list."""
    return [*app.metric, *app.get("vega_lite_chart"), *app.dataframe, *app.title]


@pytest.mark.parametrize("roles", [None, ["iceberg-viewer"], ["iceberg-owner"]])
@pytest.mark.parametrize("link", [{"study": "nothing-000000"}, {"study": PHISHING}, {"study": "nothing-000000", "version": "x"}])
def test_a_link_that_leads_nowhere_is_one_sentence_and_the_list_of_studies(
    publish: Publish, link: dict[str, str], roles: list[str] | None
) -> None:
    publish()
    app = open_app(roles=roles, **link)
    assert faults(app) == [plain(Translator("en").text("ui.error.link_unknown"))]
    assert opened_figures(app) == []
    assert [heading.value for heading in app.header] == ["Quarterly"]
    assert "nothing-000000" not in spoken(app)
    assert "evil" not in spoken(app)
    app.run()
    assert len(faults(app)) == 1, "drawn again, it says the same and never shows another company"
    assert opened_figures(app) == []


def test_an_unknown_version_is_forgotten_with_its_study_and_a_deleted_study_too(publish: Publish, store: Store) -> None:
    study = publish()
    app = open_app(study=study, version="7")
    assert Translator("en").text("ui.error.link_unknown") in spoken(app)
    opened = open_app(study=study)
    assert opened.metric
    delete_study(store, study, actor="olga")
    opened.run()
    assert Translator("en").text("ui.error.link_unknown") in spoken(opened)
    assert figures(opened) == [], "nothing is published any more, so there is no list either"


def test_a_viewer_of_a_closed_version_reads_why_and_then_the_newest(publish: Publish) -> None:
    study = publish(leavers=900)
    publish(leavers=902)
    app = open_app(study=study, version="1", roles=["iceberg-viewer"])
    assert "Version 1 is no longer open to viewers" in spoken(app)
    assert figures(app) == []
    app.run()
    assert not faults(app)
    assert "Version 2, published by" in spoken(app)


def test_a_link_to_a_store_that_is_not_there_does_not_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "none.db"))
    assert Translator("en").text("ui.error.link_unknown") in spoken(open_app(study="late-one-214243"))
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("page", ["iceberg", "category", "method", "studies"])
@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_a_store_that_is_away_shows_no_other_figures_and_the_link_stays(
    publish: Publish, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, role: str, page: str
) -> None:
    """An executive never reads the sample company in place of the study, and does not learn where the store is."""
    study = publish()
    app = open_app(page, study=study, roles=[f"iceberg-{role}"])
    assert not faults(app)
    where = "postgresql+psycopg://analyst:***@db.internal:5432/store"

    def away(*_: object) -> None:
        raise StoreError("store_unreachable", {"store": where})

    with monkeypatch.context() as outage:
        for name in ("entry", "newest", "studies", "versions"):
            outage.setattr(Store, name, away)
        app.run()
        assert_healthy(app)
        assert len(faults(app)) == 1
        assert figures(app) == [] or page == "studies"
        assert not app.metric
        assert ("db.internal" in spoken(app)) == (role == "owner")
        assert "db.internal" in caplog.text or role == "owner"
        assert app.query_params["study"] in (study, [study])
    app.run()
    assert not faults(app)
    assert "Quarterly" in spoken(app)


@pytest.mark.parametrize("roles", [[], ["something-else"]])
def test_nobody_has_a_role_unless_it_was_given(publish: Publish, roles: list[str]) -> None:
    app = open_app(roles=roles, study=publish())
    assert "has no role here" in spoken(app)
    assert "customers left" not in spoken(app)


def test_whoever_is_not_signed_in_sees_the_door_alone(publish: Publish) -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.secrets["auth"] = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x" * 32}
    app.user = {"is_logged_in": False}
    app.query_params["study"] = publish()
    app.run()
    assert_healthy(app)
    assert app.button(key="sign_in").label == "Sign in"
    assert "Quarterly" not in spoken(app)


def test_a_sign_in_of_yesterday_is_asked_again(publish: Publish) -> None:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.secrets["auth"] = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x" * 32}
    app.user = {"is_logged_in": True, "email": "v@example.org", "iat": int(time.time()) - 24 * 3600, "roles": ["iceberg-owner"]}
    app.run()
    assert app.button(key="sign_in").label == "Sign in"


def test_a_viewer_without_a_link_sees_the_newest_study(publish: Publish) -> None:
    publish("Old")
    publish("New")
    app = open_app(roles=["iceberg-viewer"])
    assert app.title[0].value == "New"
    assert "viewer" in spoken(app)


@pytest.mark.parametrize("page", ["upload", "survival", "compare"])
def test_a_page_checks_the_role_itself(page: str, store: Store) -> None:
    """Whatever the menu shows: the page's own file refuses, and the refusal is written down."""
    app = AppTest.from_string(
        f"""
import runpy, time
import streamlit as st
runpy.run_path({str(ROOT / "iceberg/ui/pages")!r} + "/{page}.py")
""",
        default_timeout=30,
    )
    app.secrets["auth"] = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "x" * 32}
    app.user = {"is_logged_in": True, "email": "vera@example.org", "iat": int(time.time()), "roles": ["iceberg-viewer"]}
    app.run()
    assert_healthy(app)
    assert "needs the role analyst" in spoken(app)
    assert [(line.actor, line.action, line.detail) for line in read_audit(store.engine)] == [("vera@example.org", "refused", {"page": page})]


def test_a_refusal_is_written_down_once_an_hour_however_often_it_is_asked(store: Store) -> None:
    """A viewer who opens a hundred windows on a page of others does not fill the audit trail."""
    for page in ("upload", "compare", "upload", "upload"):
        app = open_app(page, roles=["iceberg-viewer"])
        assert "needs the role analyst" in spoken(app)
    assert sorted(line.detail["page"] for line in read_audit(store.engine)) == ["compare", "upload"]


def test_a_viewer_reaches_no_small_category(publish: Publish) -> None:
    study = publish(rare=3)
    assert "rare" in spoken(open_app("category", study=study, roles=["iceberg-analyst"], category="rare"))
    app = open_app("category", study=study, roles=["iceberg-viewer"], category="rare")
    assert "rare" not in app.selectbox[0].options
    assert "for analysts" in spoken(app)
    app = open_app(study=study, roles=["iceberg-viewer"])
    assert "fewer than 5 customers" in spoken(app)


def test_a_viewer_opens_no_version_that_a_later_one_could_be_subtracted_from(publish: Publish, store: Store) -> None:
    """Versions 1 and 2 differ by many leavers in every cell, 2 and 3 by three in all. Owners open everything."""
    study = publish(leavers=900)
    publish(leavers=3000)
    app = open_app(study=study, version="1", roles=["iceberg-viewer"])
    assert_healthy(app)
    closed = "Version 2 is no longer open to viewers"
    assert not any("no longer open" in problem.value for problem in app.error)
    publish(leavers=3003)
    app = open_app(study=study, version="2", roles=["iceberg-viewer"])
    assert any(closed in problem.value for problem in app.error)
    app = open_app(study=study, roles=["iceberg-viewer"])
    assert_healthy(app)
    labels = next(box for box in app.selectbox if str(box.key).startswith("version.")).options
    assert [label.split()[1].strip(",") for label in labels] == ["3", "1"]
    assert "since version 1" in " ".join(str(one.label) for one in app.expander)
    assert store.groups(study)[1] == 3
    assert not any(closed in problem.value for problem in open_app(study=study, version="2", roles=["iceberg-owner"]).error)


def test_a_viewer_reads_scores_of_no_older_version_from_which_a_few_customers_follow(publish: Publish) -> None:
    """One more leaver with a score in version 2 and thirty in version 3, the same customers in every cell."""
    shown = Translator("en").text("scores.title")
    study = publish(scored=40)
    for later, numbers in ((41, {"1": False, "2": True}), (71, {"1": False, "2": True, "3": True})):
        publish(scored=later)
        for number, whole in numbers.items():
            app = open_app(study=study, version=number, roles=["iceberg-viewer"])
            assert (shown in spoken(app)) == whole, f"version {number} of {len(numbers)}"
            assert ("This older version is shown without its scores" in spoken(app)) == (not whole)
            assert shown in spoken(open_app(study=study, version=number, roles=["iceberg-owner"]))


def test_a_viewer_cannot_combine_segments_and_months_that_are_small_together(publish: Publish) -> None:
    study = publish(leavers=50)
    app = open_app(study=study, roles=["iceberg-viewer"])
    shown = [one for one in app.select_slider if str(one.key).startswith("months.")]
    assert len(shown[0].options) < 12, "months are taken together"
    shown[0].set_value((date(2025, 1, 1), date(2025, 3, 1))).run()
    (segments,) = app.multiselect
    segments.set_value([segments.options[0]]).run()
    assert_healthy(app)
    assert "the whole period is shown" in spoken(app)


@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_a_link_that_leads_nowhere_shows_the_titles_of_studies_and_no_figure(publish: Publish, role: str) -> None:
    publish()
    figure = "customers left without a word"
    for query in ({"study": "no-such-000000"}, {"study": publish(), "version": "99"}):
        said = spoken(open_app(roles=[f"iceberg-{role}"], **query))
        assert "leads to no published study" in said and "Quarterly" in said
        assert figure not in said
    assert figure in spoken(open_app("studies", roles=[f"iceberg-{role}"]))


def test_the_list_of_studies_is_there_for_viewers_and_keeping_for_owners_alone(publish: Publish) -> None:
    publish()
    viewer = open_app("studies", roles=["iceberg-viewer"])
    assert viewer.header[0].value == "Quarterly"
    assert not any(box.key == "retention" for box in viewer.selectbox)
    owner = open_app("studies", roles=["iceberg-owner"])
    assert owner.selectbox(key="retention").value is None
    assert owner.selectbox(key="retention").options[:4] == ["For ever", "90 days", "180 days", "1 year"]
    assert "Activity log" in spoken(owner)


def test_the_first_page_opens_the_newest_study_and_the_sample_by_its_own_link(publish: Publish) -> None:
    """Without a link and without files of one's own, for everybody who may see it."""
    assert "Sample company" in spoken(open_app()), "nothing is published yet"
    publish("Old")
    publish("New")
    app = open_app()
    assert app.title[0].value == "New"
    assert "Sample company" not in spoken(app)
    assert "Sample company" in spoken(open_app(study="sample"))


def test_a_viewers_menu_holds_what_is_a_viewers(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    menus: list[list[str]] = []
    original = st.navigation

    def noted(pages: list[st.Page]) -> object:
        menus.append([page.url_path for page in pages if page._visibility == "visible"])
        return original(pages)

    monkeypatch.setattr(st, "navigation", noted)
    publish()
    open_app(roles=["iceberg-viewer"])
    open_app(roles=["iceberg-analyst"])
    assert menus[0] == ["", "studies", "category", "decide", "method"]
    assert menus[1] == ["", "studies", "category", "decide", "method", "compare", "survival", "upload"]


def test_the_list_is_searched_without_case_and_accents(publish: Publish) -> None:
    for title in ("Départs du réseau", "Retail", "Telecom", "Bank"):
        publish(title)
    app = open_app("studies")
    app.text_input(key="studies.search").set_value("DEPARTS").run()
    assert_healthy(app)
    assert [heading.value for heading in app.header if heading.value in {"Départs du réseau", "Retail", "Telecom", "Bank"}] == ["Départs du réseau"]


def test_a_card_says_customers_money_and_evidence(publish: Publish) -> None:
    publish()
    words = spoken(open_app("studies"))
    assert "customers left without a word because of a problem" in words and "€" in words
    assert any(Translator("en").text(f"evidence.kinds.{kind}") in words for kind in ("assumption_led", "mixed", "data_led"))


@pytest.mark.parametrize("verdict", ["watch", "nothing_stands_out"])
def test_a_card_names_no_category_where_none_stands_out_from_chance(publish: Publish, store: Store, verdict: str) -> None:
    (newest,), words = store.versions(publish()), Translator("en")
    newest, quiet = (replace(newest, summary=newest.summary | {"total": newest.summary["total"] | {"verdict": one}}) for one in ("fix", verdict))
    everything = SimpleNamespace(sees_everything=True)
    assert "most of them over “" in " ".join(card_sentences(newest, everything, words))  # type: ignore[arg-type]  # all it asks
    first, *more = card_sentences(quiet, everything, words)  # type: ignore[arg-type]  # as above
    assert "most of them over" not in " ".join(more)
    assert first.startswith("No silent churn stands out from chance") == (verdict == "nothing_stands_out")


def test_an_owner_renames_a_study_and_its_link_stays(publish: Publish, store: Store) -> None:
    study = publish()
    app = open_app("studies", roles=["iceberg-owner"])
    app.text_input(key=f"title.{study}").set_value("Board").run()
    app.button(key=f"rename.run.{study}").click().run()
    assert_healthy(app)
    assert open_app(study=study).title[0].value == "Board"
    assert publish("Board", ratio=2.0) == study, "the new title goes on in the study"
    assert publish("Quarterly", ratio=3.0) == study, "the old one too: a scheduled job knows no other"
    assert len(store.versions(study)) == 3


def test_an_owner_deletes_for_good(publish: Publish, store: Store) -> None:
    study = publish()
    app = open_app("studies", roles=["iceberg-owner"])
    app.button(key=f"delete.run.{study}").click().run()
    assert_healthy(app)
    assert store.studies() == ()
    assert read_audit(store.engine, last=1)[0].actor == "vera@example.org"


def test_an_empty_store_says_what_to_do_and_is_not_made_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "none.db"))
    assert "python -m iceberg publish" in spoken(open_app("studies"))
    open_app("studies")
    assert not (tmp_path / "none.db").exists()


def test_every_page_asks_for_a_role_itself() -> None:
    """A page that is added without a thought is for owners alone, and a test says so."""
    from iceberg.ui.access.access import LEAST_ROLE

    pages = {path.stem: path.read_text() for path in (ROOT / "iceberg/ui/pages").glob("*.py") if path.stem != "__init__"}
    assert set(pages) == set(LEAST_ROLE)
    assert [name for name, source in pages.items() if f'require("{name}")' not in source] == []


def test_what_was_published_last_is_worked_out_before_its_link_is_opened(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty people open the link that was just sent: none of them waits for drawings."""
    study = publish("Ahead of everybody", leavers=870)
    prepared = prepare_newest()
    assert study in prepared
    usual, drawn = figure._specification, []
    monkeypatch.setattr(figure, "_specification", lambda build: drawn.append(build) or usual(build))
    for language in ("en", "fr"):
        open_app(study=study, language=language)
    assert drawn == [], "a chart was drawn for a reader"
    assert prepare_newest(unless=prepared) == prepared


def test_a_store_without_studies_needs_no_preparation(store: Store) -> None:
    assert prepare_newest() == ""
    assert store.newest() is None


def test_a_drawing_shared_by_readers_is_as_it_was_made_after_it_was_shown(publish: Publish) -> None:
    """Streamlit sets the width in what it is given; the next reader must find the drawing as the first one did."""
    study = publish("Shared drawings", leavers=850)
    open_app(study=study)
    held = {key: json.dumps(spec) for key, spec in caches.PUBLISHED["charts"]._results.items()}
    assert held
    open_app(study=study)
    assert {key: json.dumps(caches.PUBLISHED["charts"].find(key)) for key in held} == held


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_another_method_did_is_told_by_its_two_answers(publish: Publish, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("iceberg.store.codec.method_digest", lambda: "0" * 64)
        publish(f"Two methods {language}", leavers=840)
    app = open_app(study=publish(f"Two methods {language}", leavers=840), language=language)
    app.session_state["changes"] = True
    app.run()
    assert_healthy(app)
    words = spoken(app)
    assert {"en": "owes nothing to chance", "fr": "ne doit rien au hasard"}[language] in words


def test_a_viewer_reads_the_method_and_edits_nothing(publish: Publish) -> None:
    """Executives need to know what was assumed; small categories are not theirs to see, on this page either."""
    study = publish("Method for viewers", leavers=830, rare=3)
    app = open_app("method", roles=["iceberg-viewer"], study=study)
    tables = "\n".join(table.value.to_csv() for table in app.dataframe)
    assert "billing" in tables
    assert "rare" not in tables
    assert "rare" not in spoken(app)
    assert len(app.get("data_editor")) == 0
    assert "one ratio for all categories" in spoken(app)
    assert {button.key for button in app.button} & {"priors.apply", "priors.restore", "compute.sensitivity"} == set()
    whole = open_app("method", roles=["iceberg-analyst"], study=study)
    assert "priors.apply" in {button.key for button in whole.button}


def test_before_and_after_offers_the_version_before_first_and_nothing_that_does_not_compare(publish: Publish, store: Store) -> None:
    """Another company's study is no choice; what was done stands at its day in the months and below them."""
    other = linked_counts({"parking": 90, "noise": 80}, silent_leavers=500)
    made = estimate_iceberg(other, assumptions=Assumptions(draws=80))
    rows = {name: {"read": 9, "kept": 9, "rejected": 0} for name in ("customers", "complaints")}
    files = (SourceFile("customers", "others.csv", "b" * 64),)
    store.publish(Publication("Elsewhere", other, made, build_document(made, other, rows=rows), files, author="ana@example.org"))
    study = publish()
    publish(ratio=2.0)
    publish(ratio=3.0)
    add_note(store.engine, study, Note("", date(2025, 3, 1), "Second till opened", "Zoë", "ana"), actor="ana")
    app = open_app("compare", study=study)
    assert "Second till opened" in spoken(app)
    app.segmented_control[0].set_value("studies").run()
    assert_healthy(app)
    offered = next(box for box in app.selectbox if box.key == "compare.other").options
    assert [one.split(",")[1].strip() for one in offered] == ["version 2", "version 1"]
