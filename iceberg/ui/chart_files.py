"""The button under a chart that saves it as a picture: PNG for a mail or a slide, SVG for print, drawn by the server when one is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from iceberg.ui.counters import count
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain

PICTURES: dict[Literal["png", "svg"], str] = {"png": "image/png", "svg": "image/svg+xml"}


def show_picture_button(frame: Frame, name: str, build: Callable[[], Any], *, alone: bool = False) -> None:
    """Draw the button.

    Args:
        frame: Language.
        name: Of the chart, for keys and file names.
        build: Makes the chart for white paper.
        alone: Whether no line of figures follows, beside which the button would stand.
    """
    words = frame.words
    place = st.container(horizontal=True, horizontal_alignment="right", key=f"save_alone_{name}" if alone else f"save_{name}")
    with place.popover(words.text("ui.show.picture"), icon=":material/image:", type="tertiary", key=f"picture.{name}"):
        for suffix, media_type in PICTURES.items():
            st.download_button(
                plain(words.text(f"ui.reports.{suffix}")),
                data=picture_maker(build, suffix),
                file_name=words.text("ui.show.picture_name", name=name.replace("_", "-"), suffix=suffix),
                mime=media_type,
                icon=":material/download:",
                key=f"picture.{name}.{suffix}",
                on_click="ignore",
                type="tertiary",
            )


def picture_maker(build: Callable[[], Any], suffix: Literal["png", "svg"]) -> Callable[[], bytes]:
    """A function that draws the chart in the font and on the ground of the reports."""

    def make() -> bytes:
        from iceberg.report.charts.specification import build_specification
        from iceberg.report.files.pictures import draw_png, draw_svg, on_paper

        count("iceberg_reports_total", f'format="{suffix}"')
        specification = on_paper(build_specification(build))
        return draw_png(specification) if suffix == "png" else draw_svg(specification)

    return make
