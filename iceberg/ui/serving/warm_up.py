"""Prepares the executive page before anybody opens it: of the sample company, and of the study published last.

The sample's picture is drawn twice: as Vega-Lite, which a reader can click, and as a still image that needs none of the browser's chart scripts.
The still appears with the headline, and the chart replaces it as soon as the browser has drawn it.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any

from iceberg.errors import IcebergError
from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.access.access import Access, sign_in_configured
from iceberg.ui.controls import View
from iceberg.ui.figure import chart_identity, read_chart, specify
from iceberg.ui.frame import Frame
from iceberg.ui.sections.executive import executive_chart, executive_charts, prepare_page
from iceberg.ui.sections.still_picture import still_name
from iceberg.ui.session.caches import add_sample_results, version_key
from iceberg.ui.session.estimates import estimate_name, focus_study, unmoved_estimate
from iceberg.ui.session.published_study import study_for
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.sample_cache import load_drawings, save_drawings
from iceberg.ui.session.study import Filters, Study
from iceberg.ui.study_store import has_store, open_store

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate
    from iceberg.report.palette import Theme
    from iceberg.ui.access.access import Role

THEMES: tuple[Theme, ...] = ("light", "dark")
STILL_PIXELS = {False: 884, True: 358}  # the width of the picture in a window of 1280 pixels and on a phone of 390
POLL_SECONDS = 15.0  # judgement: sooner than a link can be sent and opened; one small query each


def prepare_sample(language: str) -> None:
    """Prepare the first page of the sample for readers of `language`, in both themes and widths.

    Raises:
        IcebergError: When the sample's files cannot be read.
    """
    import iceberg.report.takeaways
    import iceberg.report.words  # noqa: F401  # brings pandas, which no reader should wait for

    study = load_sample(language)
    name = estimate_name(study, study.assumptions)
    drawings = load_drawings(name)
    if drawings is not None:
        add_sample_results(study, drawings)  # before the estimate: a page that has the one finds the other
    estimate = unmoved_estimate(study)
    if drawings is None:
        drawings = _draw(study, estimate, language)
        save_drawings(name, drawings)
        add_sample_results(study, drawings)


def _draw(study: Study, estimate: IcebergEstimate, language: str) -> dict[str, Any]:
    """Every chart of the page and the still, in both themes and widths, by what each depends on."""
    from iceberg.report.files.pictures import draw_svg
    from iceberg.ui.sections.where import first_where_chart

    drawings: dict[str, Any] = {}
    for frame in _frames(study, language):
        where = first_where_chart(frame, estimate)
        for chart in (*executive_charts(frame, estimate), *([] if where is None else [where])):
            drawings[chart_identity(frame, chart)] = list(specify(frame, chart))
        picture = executive_chart("iceberg", frame, estimate)
        spec = json.loads(drawings[chart_identity(frame, picture)][0])
        if not isinstance(spec.get("width"), int | float):
            spec["width"] = STILL_PIXELS[frame.narrow]
        drawings[still_name(frame, picture)] = base64.b64encode(draw_svg(spec)).decode()
    return drawings


def _frames(study: Study, language: str) -> Iterator[Frame]:
    """A reader's frame in both themes and widths, with no control moved."""
    view = View(Translator(language), Filters(), study.assumptions)
    for theme, narrow in product(THEMES, (False, True)):
        yield Frame(view.translator, study, view, narrow, theme)


def watch_newest() -> None:
    """Prepare the newest published version, now and after each publication. Never returns."""
    prepared = logged = ""
    while True:
        try:
            prepared = prepare_newest(unless=prepared)
        except IcebergError as error:  # the page shows it to its reader; the log need not repeat it at every poll
            if str(error) != logged:
                logging.getLogger(__name__).warning("%s", error)
            logged = str(error)
        time.sleep(POLL_SECONDS)


def prepare_newest(*, unless: str = "") -> str:
    """Prepare the executive page of the newest published version for every role, language, theme and width.

    Readers of a link arrive within minutes of each other. Without this the first would wait for the version to be loaded and drawn, and the others
    for the first.

    Args:
        unless: A version that is prepared already.

    Returns:
        The version that is prepared now; "" where there is none.

    Raises:
        StoreError: When the store cannot be opened.
    """
    entry = open_store().newest() if has_store() else None
    if entry is None:
        return ""
    version = version_key(entry)
    if version == unless:
        return version
    roles: tuple[Role, ...] = ("viewer", "owner") if sign_in_configured() else ("owner",)
    for role, language in product(roles, LANGUAGES):
        try:
            with readers_first():
                _prepare(study_for(Access(role, ""), entry, language), language)
        except IcebergError as error:  # such as too few customers for a viewer: the page shows it
            logging.getLogger(__name__).info("%s", error)
    return version


def _prepare(study: Study, language: str) -> None:
    from iceberg.ui.sections.where import first_where_chart

    if not study.counts.categories:
        return
    estimate = focus_study(study, unmoved_estimate(study), Filters())
    for frame in _frames(study, language):
        prepare_page(frame, estimate)
        if (chart := first_where_chart(frame, estimate)) is not None:
            read_chart(frame, chart)


@contextmanager
def readers_first() -> Iterator[None]:
    """Let the interpreter switch to readers' threads ten times as often while this thread works."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
