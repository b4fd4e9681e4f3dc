"""What the Method page says of the estimate on screen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from iceberg.locale import Translator
from iceberg.ui import method_checks
from tests.ui.conftest import assert_healthy, page_file, spoken
from tests.ui.test_other_pages import volumes_only

OpenPage = Callable[..., AppTest]
PIXEL = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


@pytest.mark.parametrize("language", ["en", "fr"])
def test_assumption_and_data_stand_side_by_side_with_their_noise_floor(open_page: OpenPage, language: str) -> None:
    app = open_page("method", language=language)
    words = Translator(language)
    headings = [heading.value for heading in app.subheader]
    for section in ("posterior", "placebo", "break_even", "diagnostics"):
        assert words.text(f"ui.method.{section}") in headings
    assert app.get("vega_lite_chart")[0].proto.alt
    noise = next(frame.value for frame in app.dataframe if words.text("report.columns.placebo_upper") in frame.value.columns)
    assert len(noise) == 7


def test_without_a_placebo_the_page_says_what_it_would_need(open_page: OpenPage) -> None:
    app = volumes_only(open_page("upload"))
    app.switch_page(page_file("method")).run()
    assert_healthy(app)
    assert any("Not run at this level of evidence" in box.value for box in app.info)


def test_the_calibration_picture_is_shown_where_it_comes_with_the_product(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(method_checks, "CALIBRATION", (tmp_path / "calibration.svg",))
    assert "nine times in ten?" not in spoken(open_page("method"))
    (tmp_path / "calibration.svg").write_bytes(PIXEL)
    app = open_page("method")
    assert any("nine times in ten?" in heading.value for heading in app.subheader)
    assert len(app.get("image")) == 1
