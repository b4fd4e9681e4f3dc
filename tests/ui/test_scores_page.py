"""Satisfaction scores on the pages: the upload takes them, the first page shows one sentence and one picture, in both languages."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.companies import write_company
from tests.ui.conftest import assert_healthy, estimated, spoken, upload

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp("company")
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north" if number % 3 else "south")
    rng = np.random.default_rng(0)
    rows = ["customer id,answered at,score"]
    for number in range(300):
        first = date(2024, 1, 1) + timedelta(days=number % 200)
        for months in (2, 4, 6):
            if rng.random() < 0.5:
                low, high = (2, 7) if number % 4 == 0 and number % 3 else (9, 11)
                rows.append(f"C{number},{first + timedelta(days=30 * months)},{rng.integers(low, high)}")
    files = {name: (f"{name}.csv", (folder / f"{name}.csv").read_bytes()) for name in ("customers", "complaints")}
    return files | {"scores": ("scores.csv", ("\n".join(rows) + "\n").encode())}


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [("en", "Declared and lived", "Of 75 customers who left"), ("fr", "Déclaré et vécu", "Sur 75 clients partis")],
)
def test_the_first_page_shows_sentence_and_picture(
    open_page: OpenPage, company: dict[str, tuple[str, bytes]], language: str, title: str, sentence: str
) -> None:
    app = estimated(open_page("upload", language=language), company)
    assert title in spoken(app) and sentence in spoken(app)
    assert any("declared" in str(one.proto) for one in app.get("vega_lite_chart")) or "declared" in str(app.main)


def test_how_long_a_score_counts_is_a_choice_of_the_page(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    """The choice counts again and stands in the mapping for the next month."""
    app = open_page("upload")
    upload(app, **company)
    app.button(key="columns.confirm").click().run()
    days = next(one for one in app.number_input if str(one.key).startswith("score_look_back."))
    assert days.value == 180
    days.set_value(90).run()
    app.default_timeout = 120
    app.button(key="estimate.run").click().run()
    assert_healthy(app)
    study = app.session_state["study"]
    assert study.counts.scores.look_back_days == 90 and "score_look_back_days = 90" in study.mapping


def test_without_scores_the_page_says_nothing_of_them(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    app = estimated(open_page("upload"), {name: file for name, file in company.items() if name != "scores"})
    assert "Declared and lived" not in spoken(app)


def test_a_scale_that_the_file_does_not_show_is_chosen_below_the_column(open_page: OpenPage, company: dict[str, tuple[str, bytes]]) -> None:
    few = ("scores.csv", b"customer id,answered at,score\n" + b"".join(b"C%d,2024-06-01,%d\n" % (number, number % 3 + 2) for number in range(12)))
    app = upload(open_page("upload"), **(company | {"scores": few}))
    assert "on which scale are these scores" in spoken(app)
    next(one for one in app.selectbox if one.key and one.key.endswith(".score.scale")).set_value("1-5").run()
    assert_healthy(app)
    assert "on which scale are these scores" not in spoken(app)
