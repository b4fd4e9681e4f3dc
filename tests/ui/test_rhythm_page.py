"""Breaks of rhythm on the pages: a log of visits is enough, the first page shows sentence and picture, a log without rhythms is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.cli.arguments.options import parse_options
from iceberg.cli.estimate import count_files
from iceberg.cli.terminal import ProgressLine
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.rhythm.counts import COMPANIONS
from iceberg.locale import Translator
from iceberg.simulation.gym import gym_files
from tests.ui.conftest import assert_healthy, page_file, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def gym() -> dict[str, tuple[str, bytes]]:
    names = {"customers": "members", "activity": "visits", "incidents": "incidents", "complaints": "complaints"}
    files = gym_files()
    return {table: (f"{name}.csv", files[f"{name}.csv"]) for table, name in names.items()}


def counted(app: AppTest, files: dict[str, tuple[str, bytes]]) -> AppTest:
    app.radio(key="shape").set_value("joined").run()
    upload(app, **files)
    app.default_timeout = 180
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    return app


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [("en", "Who breaks with a habit", "64 regulars have broken"), ("fr", "Qui rompt avec son habitude", "64 habitués ont rompu")],
)
def test_a_log_of_visits_alone_is_shown(open_page: OpenPage, gym: dict[str, tuple[str, bytes]], language: str, title: str, sentence: str) -> None:
    app = counted(open_page("upload", language=language), {"activity": gym["activity"]})
    assert sentence in spoken(app)  # in the checks already
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert title in spoken(app) and sentence in spoken(app)
    assert len(app.get("vega_lite_chart")) == 2
    radio = app.radio(key="rhythm.budget")
    assert radio.options == ["1", "2", "3", "5"] and radio.value == 2
    radio.set_value(1.0).run()
    assert_healthy(app)
    assert "regulars have broken" in spoken(app) or "habitués ont rompu" in spoken(app)
    assert sentence not in spoken(app)


def test_beside_an_estimate_it_stands_on_the_first_page_with_its_tables(open_page: OpenPage, gym: dict[str, tuple[str, bytes]]) -> None:
    app = counted(open_page("upload"), gym)
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert "64 regulars have broken" in spoken(app) and "After an incident with “staff attitude”" in spoken(app)


TWO_WEEKS = "member_id,visit_date\n" + "".join(f"M{m},2025-03-{d:02d}\n" for m in range(60) for d in range(3, 17, 2))
ONE_VISIT = "member_id,visit_date\n" + "".join(f"M{m},2025-{1 + m % 9:02d}-{1 + m % 28:02d}\n" for m in range(900))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    ("log", "said"),
    [(TWO_WEEKS, {"en": "Whole weeks in the activity log: 2", "fr": "Semaines entières du journal d’activité : 2"}),
     (ONE_VISIT, {"en": "were seen on one day only", "fr": "n’ont été vus qu’un seul jour"})],
)
def test_a_log_without_rhythms_is_refused_in_words_of_the_page(open_page: OpenPage, log: str, said: dict[str, str], language: str) -> None:
    app = counted(open_page("upload", language=language), {"activity": ("visits.csv", log.encode())})
    text = " ".join(spoken(app).split())
    assert said[language] in text and "--" not in text


def test_an_empty_log_is_no_table(open_page: OpenPage) -> None:
    app = open_page("upload")
    app.radio(key="shape").set_value("joined").run()
    upload(app, activity=("visits.csv", b"member_id,visit_date\n"))
    assert_healthy(app)
    assert app.error


def numbers(counts: CohortCounts) -> tuple[object, ...]:
    """What page and command line must agree on: the window, who was at risk and who left."""
    totals = (counts.silent_person_days, counts.silent_exits, counts.vocal_person_days, counts.vocal_exits, counts.complainants)
    return counts.window, *(int(one.sum()) for one in totals)


@pytest.mark.parametrize(("rule", "settled"), [("collapse", 0.0), ("both", 0.95)])
def test_breaks_can_be_departures_on_the_page_and_say_what_the_command_says(
    open_page: OpenPage, gym: dict[str, tuple[str, bytes]], tmp_path: Path, rule: str, settled: float
) -> None:
    """The choice moves the window back, goes into the mapping, and the command line counts the same, with the option and with the mapping."""
    app = counted(open_page("upload"), gym)
    switch = next(one for one in app.selectbox if str(one.key).startswith("joining.departures."))
    assert switch.value == "inactivity"
    assert not any(str(one.key).startswith("joining.settled.") for one in app.number_input)
    switch.set_value(rule).run()
    assert_healthy(app)
    sure = next(one for one in app.number_input if str(one.key).startswith("joining.settled."))
    assert sure.value == 0.8
    if settled:
        sure.set_value(settled).run()
        assert_healthy(app)
    assert "Departures follow breaks of rhythm" in spoken(app)
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    study = app.session_state["study"]
    assert f'departures = "{rule}"' in study.mapping
    assert (f"settled = {settled}" in study.mapping) == bool(settled)
    (tmp_path / "mapping.toml").write_text(study.mapping, encoding="utf-8")
    typed = ["estimate", "--quiet"]
    for table, (name, content) in gym.items():
        (tmp_path / name).write_bytes(content)
        typed += [f"--{table}", str(tmp_path / name)]
    for chosen in (["--departures", rule, *(["--settled", str(settled)] if settled else [])], ["--mapping", str(tmp_path / "mapping.toml")]):
        said = count_files(parse_options([*typed, *chosen]), ProgressLine(Translator("en"), quiet=True)).counts
        assert numbers(said) == numbers(study.counts)
        assert {one.settled_from for one in said.rhythms} == {one.settled_from for one in study.counts.rhythms} == {settled or 0.8}


def test_who_brought_a_member_can_be_chosen_and_is_kept(open_page: OpenPage, gym: dict[str, tuple[str, bytes]]) -> None:
    """Under a header that nothing knows, by hand; the mapping names it."""
    name, members = gym["customers"]
    header, _, rest = members.partition(b"\n")
    assert b"referrer" in header
    app = open_page("upload")
    app.radio(key="shape").set_value("joined").run()
    upload(app, **(gym | {"customers": (name, header.replace(b"referrer_id", b"Zeta").replace(b"referrer", b"Zeta") + b"\n" + rest)}))
    app.default_timeout = 180
    box = next(one for one in app.selectbox if str(one.key).startswith("column.customers.") and str(one.key).endswith(".linked_to"))
    assert box.value is None
    box.set_value("Zeta").run()
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    study = app.session_state["study"]
    assert 'linked_to = "Zeta"' in study.mapping
    assert COMPANIONS in {one.source for one in study.counts.rhythms[0].categories}


def test_the_choice_of_departures_is_kept_for_the_next_month(open_page: OpenPage, gym: dict[str, tuple[str, bytes]]) -> None:
    """No later end of the window can be chosen than a break can be seen; next month's files are counted with the same choice."""
    app = counted(open_page("upload", language="fr"), {"activity": gym["activity"]})
    key = next(str(one.key) for one in app.selectbox if str(one.key).startswith("joining.departures."))
    app.selectbox(key=key).set_value("collapse").run()
    assert_healthy(app)
    assert "Les départs suivent les ruptures de rythme" in spoken(app)
    end = next(one for one in app.date_input if str(one.key).startswith("as_of."))
    assert end.value == end.max
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    app.switch_page(page_file("upload")).run()
    app.button(key="press.next_month").click().run()
    app.radio(key="shape").set_value("joined").run()
    app.file_uploader(key="file.activity.1").set_value((*gym["activity"], "text/csv")).run()
    assert_healthy(app)
    assert app.selectbox(key=key).value == "collapse"
    assert "Les départs suivent les ruptures de rythme" in spoken(app)
