"""The journey on the pages: one sentence and one picture on the first page, steps chosen in the upload, in both languages."""

import hashlib
from collections.abc import Callable

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.sections.journey import JourneyRules
from iceberg.ui.upload.category_table import with_stages
from tests.companies import write_company
from tests.ui.conftest import assert_healthy, estimated, page_file, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}")
    frame = pd.read_csv(folder / "complaints.csv")
    told = frame.assign(stage=["delivery" if place % 3 else "use" for place in range(len(frame))], channel="web", in_time="yes")
    customers = ("customers.csv", (folder / "customers.csv").read_bytes())
    return {"customers": customers, "complaints": ("complaints.csv", told.to_csv(index=False).encode())}


@pytest.mark.parametrize(
    ("language", "title", "sentence", "in_time"),
    [
        ("en", "Where on the journey", "not where it happened", "of the complaints were closed in time"),
        ("fr", "Où, sur le parcours", "pas celui où il est survenu", "des réclamations ont été closes dans les délais"),
    ],
)
def test_the_first_page_shows_sentence_and_channels(
    open_page: OpenPage, company: dict[str, tuple[str, bytes]], language: str, title: str, sentence: str, in_time: str
) -> None:
    app = estimated(open_page("upload", language=language), company)
    assert title in spoken(app) and sentence in spoken(app) and in_time in spoken(app)


def test_without_steps_the_page_says_nothing_of_them(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    name, data = company["complaints"]
    plain = "\n".join(",".join(line.split(",")[:3]) for line in data.decode().splitlines()).encode()
    app = estimated(open_page("upload"), company | {"complaints": (name, plain)})
    assert "Where on the journey" not in spoken(app) and "Closed in time" not in spoken(app)


def test_the_upload_offers_a_step_for_each_category_and_keeps_it_in_the_mapping(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    app = upload(open_page("upload"), **company)
    app.button(key="columns.confirm").click().run()
    assert_healthy(app)
    assert "Say at which step each category happens" in spoken(app)
    identity = "|".join(hashlib.sha256(data).hexdigest() for _, data in company.values())
    app.session_state["journey"] = (identity, JourneyRules({"billing": "renewal"}))  # as the button of the form leaves it
    app.run()
    assert_healthy(app)
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    app.switch_page(page_file("iceberg")).run()
    assert_healthy(app)
    assert "Complaints of delivery name several steps" in spoken(app)  # billing is placed as a whole


def test_what_is_chosen_on_screen_is_what_the_mapping_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    folder = write_company(tmp_path_factory.mktemp("company"), lambda number: f"C{number}")
    given = MappingSet.from_dict({"journey": {"billing": "use", "gone": "help"}})
    tables, _ = load_tables(folder / "customers.csv", folder / "complaints.csv", mapping=given)
    with tables:
        counts = reduce_tables(tables)
    names = {"": "", "buying": "achat", "use": "usage"}
    rules = with_stages(given.journey, counts, {"billing": "", "delivery": "achat"}, names)
    assert rules == JourneyRules({"gone": "help", "delivery": "buying"})
