"""The colours: deep-sea blues, ice whites, one warm accent for complaints, and one colour per category.

`.streamlit/config.toml` repeats `THEMES[...]`'s page colours; a test keeps the two together. The tests check
the contrast (WCAG 2.2: 4.5 for text, 3 for marks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]

FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif"  # the page's own: none is downloaded


@dataclass(frozen=True)
class Palette:
    """The colours of one theme. `*_text` colours are for text on the ground they are named after."""

    page: str
    text: str
    muted_text: str
    grid: str
    vocal: str
    vocal_text: str
    silent: str
    folk: str
    prior: str
    noise: str
    sky: tuple[str, str]
    sky_text: str
    sky_vocal_text: str
    sea: tuple[str, str, str]
    sea_text: str
    sea_muted_text: str
    sea_vocal_text: str
    ice: str
    ice_shade: str
    berg_above: str
    berg_above_shade: str
    berg_below: str
    whisker_on_ice: str
    waterline: str
    categories: tuple[str, ...]


THEMES: dict[Theme, Palette] = {
    "light": Palette(
        page="#ffffff",
        text="#0b2440",
        muted_text="#4a6178",
        grid="#dbe6ee",
        vocal="#e8772e",
        vocal_text="#9c4406",
        silent="#0f5c8c",
        folk="#9c4406",
        prior="#6b7f91",
        noise="#c9d3db",
        sky=("#eaf4fa", "#c3dff0"),
        sky_text="#0b2440",
        sky_vocal_text="#8a3a04",
        sea=("#1a6192", "#10426a", "#071c35"),
        sea_text="#ffffff",
        sea_muted_text="#d3e8f5",
        sea_vocal_text="#ffd6b3",
        ice="#f3fafd",
        ice_shade="#b9dcee",
        berg_above="#ffffff",
        berg_above_shade="#7fb0cf",
        berg_below="#8cc4e4",
        whisker_on_ice="#0b2440",
        waterline="#ffffff",
        categories=(
            "#6f84d3",
            "#75236c",
            "#127d5a",
            "#714ac2",
            "#516000",
            "#e54570",
            "#2c97b7",
            "#704a27",
            "#1f5f94",
            "#860050",
            "#559238",
            "#37227b",
        ),
    ),
    "dark": Palette(
        page="#0b1726",
        text="#e8f2f9",
        muted_text="#a9bfd1",
        grid="#24394f",
        vocal="#f59a52",
        vocal_text="#f9b47e",
        silent="#6ab7e6",
        folk="#f9b47e",
        prior="#8fa3b5",
        noise="#3a4d61",
        sky=("#0c1a2b", "#1d3b56"),
        sky_text="#eef6fb",
        sky_vocal_text="#ffd3ab",
        sea=("#124a70", "#0b3050", "#050f1e"),
        sea_text="#ffffff",
        sea_muted_text="#c3dbea",
        sea_vocal_text="#ffd6b3",
        ice="#dcecf5",
        ice_shade="#9cc3d9",
        berg_above="#3d5a72",
        berg_above_shade="#a9c6d9",
        berg_below="#5fa3cb",
        whisker_on_ice="#0b2440",
        waterline="#cfe4f1",
        categories=(
            "#5a8dfc",
            "#facfe7",
            "#67c86c",
            "#9a78a5",
            "#d7e0b9",
            "#b57083",
            "#85b4cb",
            "#916a54",
            "#4170c8",
            "#eca4b2",
            "#86981c",
            "#cb87e7",
        ),
    ),
}


def category_colours(categories: Sequence[str], theme: Theme = "light") -> dict[str, str]:
    """One colour per category, by its place in `categories` (the order of the study), so that every chart agrees.

    A place has the same hue in both themes. Twelve colours differ in hue and lightness, also as people see them whose eyes lack one kind of cone
    (`tests/report/test_colours.py` measures it); beyond twelve they repeat, and no chart relies on colour alone.
    """
    scheme = THEMES[theme].categories
    return {category: scheme[index % len(scheme)] for index, category in enumerate(categories)}
