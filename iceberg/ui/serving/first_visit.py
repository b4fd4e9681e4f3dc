"""Owns what the first page of the sample company is drawn with, made before anybody visits and kept between two starts of the server.

The picture is kept twice: as the Vega-Lite that a reader can click, and as a still that needs none of the browser's chart scripts. The still is on
screen with the headline, and gives way to the chart as soon as the browser has drawn it.
"""

from __future__ import annotations

import base64
import json
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.ui.controls import View
from iceberg.ui.figure import chart_identity, specify
from iceberg.ui.frame import Frame
from iceberg.ui.sections.executive import executive_charts, picture
from iceberg.ui.sections.still_picture import _still_name
from iceberg.ui.session.caches import share_built
from iceberg.ui.session.estimates import estimate_name, prepare_estimate
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.sample_cache import keep_drawings, open_drawings
from iceberg.ui.session.study import Filters, Study

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
STILL_PIXELS = {False: 884, True: 358}  # the place of the picture on a desk of 1280 pixels and on a phone of 390

def prepare_first_visit(language: str) -> None:
    """Have everything ready that the first page shows to a reader of `language`, in both themes and widths."""
    import iceberg.report.takeaways
    import iceberg.report.words  # noqa: F401  # pandas with it: a third of a second that no reader should wait for

    study = load_sample(language)
    name = estimate_name(study, Assumptions())
    drawings = open_drawings(name)
    if drawings is not None:
        share_built(study, drawings)  # ahead of the estimate: a page that has the one finds the other
    estimate = prepare_estimate(study)
    if drawings is None:
        drawings = _draw(study, estimate, language)
        keep_drawings(name, drawings)
        share_built(study, drawings)


def _draw(study: Study, estimate: IcebergEstimate, language: str) -> dict[str, Any]:
    from iceberg.report.files.pictures import draw_svg

    words = Translator(language)
    drawn: dict[str, Any] = {}
    view = View(words, Filters(), Assumptions())
    for theme, narrow in product(THEMES, (False, True)):
        frame = Frame(words, study, view, narrow, theme)
        for chart in executive_charts(frame, estimate):
            said = specify(frame, chart.name, key=chart.key, build=chart.build, takeaway=chart.takeaway)
            drawn[chart_identity(frame, chart.name, chart.key)] = list(said)
        shown = picture(frame, estimate)
        spec = json.loads(drawn[chart_identity(frame, shown.name, shown.key)][0])
        if not isinstance(spec.get("width"), int | float):
            spec["width"] = STILL_PIXELS[narrow]
        drawn[_still_name(frame, shown)] = base64.b64encode(draw_svg(spec)).decode()
    return drawn


