"""Every chart is saved as PNG and SVG from a button under it, drawn when it is pressed; a figure is pressed to see how it came about."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.ui import figure
from iceberg.ui.chart_files import picture_maker
from tests.ui.conftest import assert_healthy, spoken
from tests.ui.test_decide_page import with_costs
from tests.ui.test_studies import Publish, open_app, publish, store  # noqa: F401  # fixtures

STYLE = Path(figure.__file__).parent / "style.css"
PAGES = ("iceberg", "category", "survival", "method", "compare")


def saved(app: AppTest) -> dict[str, int]:
    """Buttons by chart."""
    keys = [str(one.key).split(".") for one in app.get("download_button") if str(one.key).startswith("picture.")]
    return {name: sum(key[1] == name for key in keys) for name in {key[1] for key in keys}}


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_has_a_button_for_png_and_one_for_svg(page: str, publish: Publish) -> None:  # noqa: F811
    app = open_app(page, study=publish(leavers=4000))
    assert len(app.get("vega_lite_chart")) == len(saved(app)) > 0
    assert set(saved(app).values()) == {2}


@pytest.mark.parametrize("dark", [False, True])
def test_a_saved_picture_stands_on_white_whatever_the_theme(publish: Publish, monkeypatch: pytest.MonkeyPatch, dark: bool) -> None:  # noqa: F811
    monkeypatch.setattr("iceberg.ui.frame._read_theme", lambda: "dark" if dark else "light")
    builds = {}
    monkeypatch.setattr(figure, "show_picture_button", lambda frame, name, build, **_: builds.update({name: build}))
    open_app(study=publish(leavers=4000))
    svg = picture_maker(builds["iceberg"], "svg")().decode()
    assert 'fill="#ffffff"' in svg.lower() and "billing" in svg
    assert "#e8772e" in svg.lower(), "the orange of the light theme"
    assert picture_maker(builds["ranking"], "png")().startswith(b"\x89PNG")


def test_pictures_of_a_decision_stand_on_white_and_their_button_beside_figures_or_alone(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A button alone has its own line: on the line of figures that is not there it would cover the head of the table below."""
    monkeypatch.setattr("iceberg.ui.frame._read_theme", lambda: "dark")
    builds, alone = {}, {}

    def note(frame: object, name: str, build: Callable[[], object], **rest: bool) -> None:
        builds[name], alone[name] = build, rest["alone"]

    monkeypatch.setattr(figure, "show_picture_button", note)
    with_costs(open_page("decide"), "en", {"billing": 30_000.0})
    assert alone == {"mirror": False, "decisions": True}
    for build in builds.values():
        assert isinstance(build, partial) and "theme" not in build.keywords, "drawn for paper"
    assert '[class*="st-key-save_alone_"] { margin-bottom: 0; top: 0; }' in STYLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", ["silent", "money", "first", "pipeline"])
def test_a_figure_is_pressed_to_see_how_it_came_about(publish: Publish, key: str) -> None:  # noqa: F811
    app = open_app(study=publish(leavers=4000))
    charts = len(app.get("vega_lite_chart"))
    pressed = [one for one in app.button if one.key == f"explain.{key}"]
    tile = app.metric[("silent", "money", "first", "pipeline").index(key)]
    assert bool(pressed) == (tile.value != "—"), "what is not known has no origin"
    if not pressed:
        return
    pressed[0].click().run()
    assert_healthy(app)
    said = spoken(app)
    if key in {"silent", "money"}:
        assert "540 customers complained; 4,000 left without complaining" in said and len(app.get("vega_lite_chart")) == charts + 1
    if key == "pipeline":
        assert "within 30 days" in said
