"""The first visit finds its drawings made: the same as the page would make, and a still that needs no script."""

import base64
import json
from pathlib import Path

import pytest

from iceberg.model.assumptions import Assumptions
from iceberg.ui.controls import View
from iceberg.ui.figure import Chart, chart_identity
from iceberg.ui.frame import Frame
from iceberg.ui.sections.executive import executive_chart, executive_charts
from iceberg.ui.serving import warm_up
from iceberg.ui.serving.warm_up import prepare_sample
from iceberg.ui.session import sample_cache
from iceberg.ui.session.caches import find_cached
from iceberg.ui.session.estimates import unmoved_estimate
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.study import Filters, Study


def frame_of(study: Study, language: str) -> Frame:
    words = warm_up.Translator(language)
    return Frame(words, study, View(words, Filters(), Assumptions()), narrow=False, theme="light", first=True)


@pytest.fixture(scope="module")
def sample() -> Study:
    prepare_sample("en")
    return load_sample("en")


def test_every_chart_of_the_first_page_is_there_before_anybody_visits(sample: Study) -> None:
    estimate = unmoved_estimate(sample)
    frame = frame_of(sample, "en")
    for chart in executive_charts(frame, estimate):
        specification, takeaway = find_cached(chart_identity(frame, chart), study=sample)
        assert json.loads(specification)["layer"]
        assert takeaway == chart.takeaway()


def test_the_still_holds_the_words_of_the_picture(sample: Study) -> None:
    frame = frame_of(sample, "en")
    still = find_cached(f"still|{chart_identity(frame, _picture(frame))}", study=sample)
    drawn = base64.b64decode(still).decode()
    assert drawn.startswith("<svg")
    for category in sample.counts.categories:
        assert category.split()[0] in drawn


def _picture(frame: Frame) -> Chart:
    return executive_chart("iceberg", frame, unmoved_estimate(frame.study))


def test_the_next_start_opens_what_this_one_made(sample: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    monkeypatch.setattr(warm_up, "_draw", lambda *what: drawn.append(what))
    prepare_sample("en")
    assert drawn == [], "drawn again although it was kept"


def test_drawings_of_another_version_are_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sample_cache, "FOLDER", tmp_path)
    sample_cache.save_drawings("a", {"chart": ["{}", "says"]})
    assert sample_cache.load_drawings("a") == {"chart": ["{}", "says"]}
    monkeypatch.setattr(sample_cache, "_digest_of", lambda folders: f"changed {folders}")
    assert sample_cache.load_drawings("a") is None


def test_damaged_drawings_are_made_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sample_cache, "FOLDER", tmp_path)
    sample_cache.save_drawings("a", {"chart": ["{}", "says"]})
    next(tmp_path.iterdir()).write_text("{half")
    assert sample_cache.load_drawings("a") is None
