"""The Decide page: the mirror, a guess before looking, costs and what they decide; and the line that the first page takes from them."""

import tomllib
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ingest.mapping import MappingSet
from iceberg.model.decision.fixes import MOST_FIXES
from iceberg.ui.decisions.costs import COST_COLUMNS, CostSheet, empty_sheet
from iceberg.ui.session.sample import load_sample
from tests.ui.conftest import assert_healthy, page_file, spoken

OpenPage = Callable[..., AppTest]
NAMES = {"en": ("waiting time", "billing"), "fr": ("temps d'attente", "facturation")}


def with_costs(app: AppTest, language: str, costs: dict[str, float], **terms: float) -> AppTest:
    """The page after somebody has written these costs."""
    study = load_sample(language)
    table = empty_sheet(tuple(study.counts.categories)).table
    for name, cost in costs.items():
        table.loc[table["category"] == name, "cost"] = cost
    app.session_state[f"costs.{study.digest[:16]}"] = CostSheet(table)
    app.session_state["decide.base"] = table  # the editor counts from it
    if "budget" in terms:
        app.number_input(key="decide.budget").set_value(terms["budget"])
    app.slider(key="decide.years").set_value(int(terms.get("years", 1)))
    app.run()
    assert_healthy(app)
    return app


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_mirror_says_what_is_heard_and_why_they_leave(open_page: OpenPage, language: str) -> None:
    text = spoken(open_page("decide", language=language))
    costliest, loudest = NAMES[language]
    heard = f"«\N{NO-BREAK SPACE}{loudest}\N{NO-BREAK SPACE}»\N{NARROW NO-BREAK SPACE};"
    assert {"en": f"You hear “{loudest}”; they leave over “{costliest}”", "fr": f"Vous entendez {heard} ils partent"}[language] in text
    assert {"en": "Write a cost", "fr": "Écrivez un coût"}[language] in text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_costs_decide_and_the_first_page_says_so(open_page: OpenPage, language: str) -> None:
    """The loudest category does not pay, another does."""
    costliest, loudest = NAMES[language]
    app = with_costs(open_page("decide", language=language), language, {costliest: 30_000.0, loudest: 30_000.0}, years=2, budget=35_000.0)
    headline = app.subheader[0].value
    assert costliest in headline and loudest in headline
    assert {"en": "almost certainly does not", "fr": "presque certainement pas"}[language] in headline
    assert {"en": "The next best", "fr": "Le deuxième choix"}[language] in spoken(app)
    app.selectbox(key="brief.category").set_value(costliest)
    app.text_input(key="brief.owner").set_value("<b>Ann").run()
    assert_healthy(app)
    assert {one.key for one in app.get("download_button")} >= {"brief.pdf", "brief.pptx", "brief.html"}
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert headline in spoken(app)


def test_a_budget_that_buys_nothing_is_refused_in_words(open_page: OpenPage) -> None:
    app = with_costs(open_page("decide"), "en", {"billing": 30_000.0}, budget=10.0)
    assert "buys nothing" in spoken(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert "buys nothing" not in spoken(app)


def test_a_guess_comes_before_any_figure_and_is_answered_afterwards(open_page: OpenPage) -> None:
    app = open_page("decide", query={"guess": "yes"})
    text = spoken(app)
    assert "Before you look" in text
    assert "they leave over" not in text
    assert not any(character.isdigit() for character in " ".join(one.value for one in (*app.header, *app.subheader)))
    app.button[0].click().run()
    assert "one of the two is enough" in spoken(app)
    app.radio[0].set_value("billing")
    app.number_input[0].set_value(100)
    app.button[0].click().run()
    assert_healthy(app)
    text = spoken(app)
    assert "You said “billing”" in text and "It is rather “waiting time”" in text
    assert "You said 100. It is" in text and "times as many" in text


def test_a_guess_of_the_number_alone_is_answered(open_page: OpenPage) -> None:
    app = open_page("decide", query={"guess": "yes"})
    app.number_input[0].set_value(0)
    app.button[0].click().run()
    assert_healthy(app)
    assert "You said nobody. It is" in spoken(app) and "that it is the largest. It is rather" not in spoken(app)


def test_what_is_written_becomes_fixes() -> None:
    rows = [("a", 10.0, None, 50.0, 15.0, 48.0), ("b", None, 5.0, 100.0, 15.0, 48.0), ("c", 0.0, 2.0, 100.0, 20.0, 40.0)]
    fixes = CostSheet(pd.DataFrame(rows, columns=list(COST_COLUMNS))).fixes
    assert [(one.category, one.cost, one.running_cost, one.extent) for one in fixes] == [("a", 10.0, 0.0, 0.5), ("c", 0.0, 2.0, 1.0)]
    assert fixes[0].efficacy.mean == 0.3
    assert 0.25 < fixes[1].efficacy.mean < 0.35 != fixes[0].efficacy.mean
    assert len(fixes) < MOST_FIXES


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_designs_a_study_and_holds_the_questions(open_page: OpenPage, language: str) -> None:
    app = open_page("decide", language=language)
    loudest = NAMES[language][1]
    app.selectbox(key="information.category").select(loudest).run()
    assert_healthy(app)
    assert {"en": f"range of “{loudest}”", "fr": f"fourchette de «\N{NO-BREAK SPACE}{loudest}\N{NO-BREAK SPACE}»"}[language] in spoken(app)
    assert {"en": "What made you leave?", "fr": "Qu’est-ce qui vous a fait partir"}[language] in app.code[0].value
    dear = app.number_input(key="information.price.incident_audit")
    assert dear.value == 4.0
    before = spoken(app)
    dear.set_value(5000.0).run()
    assert_healthy(app)
    assert spoken(app) != before
    app.session_state["information.goal"] = "decision"
    app.run()
    assert_healthy(app)
    assert {"en": "Write costs above first", "fr": "Écrivez d’abord des coûts"}[language] in spoken(app)


def test_what_studies_cost_is_kept_in_the_mapping_of_own_files(open_page: OpenPage) -> None:
    """A round trip: the page starts from what the mapping says and writes what is typed back into it."""
    mine = replace(load_sample("en"), origin="upload", mapping=MappingSet(study_prices={"interviews": 90.0}).to_toml())
    app = open_page("iceberg")
    app.session_state["study"] = mine
    app.switch_page(page_file("decide")).run()
    assert_healthy(app)
    assert app.number_input(key="information.price.interviews").value == 90.0
    app.number_input(key="information.price.incident_audit").set_value(7.0).run()
    assert_healthy(app)
    kept = MappingSet.from_dict(tomllib.loads(app.session_state["study"].mapping))
    assert kept.study_prices == {"interviews": 90.0, "incident_audit": 7.0}
    assert "information.mapping" in {one.key for one in app.get("download_button")}
