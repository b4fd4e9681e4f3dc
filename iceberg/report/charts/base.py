"""Parts that every chart shares: theme, fonts, number labels in the reader's language, the category scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.iceberg.text_width import text_width, wrapped
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing, layered
from iceberg.report.palette import FONT, THEMES, Palette, Theme, category_colours

LABEL_SIZE = 12
NARROW_TITLE_PX = 230
WIDE_LEGEND_PX = 560


def palette_of(theme: Theme) -> Palette:
    """The palette of a theme; anything unknown reads as light."""
    return THEMES.get(theme, THEMES["light"])


def finish(
    layers: Sequence[Drawing],
    theme: Theme,
    *,
    description: str,
    height: float,
    width: float | None = None,
    padding: dict[str, float] | None = None,
    y_title: str | None = None,
    **properties: Any,  # noqa: ANN401  # of Altair's own class
) -> LayeredChart:
    """The chart of these layers, with size, description and configuration. Without `width` it fills its container.

    `y_title` stands above the plot, read without turning the head; axes carry no rotated title.
    """
    if y_title is not None:
        style: dict[str, Any] = {"anchor": "start", "frame": "bounds", "fontSize": LABEL_SIZE, "fontWeight": "normal", "offset": 8}
        properties["title"] = alt.TitleParams(y_title, **style)
    return layered(
        layers,
        width="container" if width is None else width,
        height=height,
        description=description,
        padding=padding or {"left": 4, "right": 4, "top": 4, "bottom": 4},  # an object: the page adds to it
        # exactly this plot height (labels are placed by pixels); only the width follows the container
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        config=_configuration(palette_of(theme)),
        **properties,
    )


@cache
def _configuration(palette: Palette) -> dict[str, Any]:
    """Fonts and colours of everything that a chart does not set itself."""
    config = alt.Config(
        background="transparent",
        font=FONT,
        view=alt.ViewConfig(strokeWidth=0),
        axis=alt.AxisConfig(
            labelColor=palette.muted_text,
            titleColor=palette.muted_text,
            gridColor=palette.grid,
            domainColor=palette.grid,
            tickColor=palette.grid,
            labelFontSize=LABEL_SIZE,
            titleFontSize=LABEL_SIZE,
            titleFontWeight="normal",
            titlePadding=8,
            labelLimit=220,
        ),
        title=alt.TitleConfig(color=palette.muted_text),
        legend=alt.LegendConfig(
            labelColor=palette.text,
            titleColor=palette.muted_text,
            labelFontSize=LABEL_SIZE,
            orient="top",
            title=None,
            labelLimit=320,
        ),
        text=alt.MarkConfig(color=palette.text, fontSize=LABEL_SIZE, font=FONT),
    )
    return dict(config.to_dict())


def axis_title(title: str, *, narrow: bool) -> str | list[str]:
    """A title under an axis, broken into lines that fit a phone."""
    return wrapped(title, NARROW_TITLE_PX, LABEL_SIZE) if narrow else title


def legend_columns(names: Sequence[str], *, narrow: bool, room: float = WIDE_LEGEND_PX) -> int:
    """Columns of a legend that fit the plot, of `room` pixels where it is not narrow."""
    room = min(room, NARROW_TITLE_PX) if narrow else room
    longest = max((text_width(name, LABEL_SIZE) for name in names), default=0.0) + 34
    return max(1, min(len(names), int(room // longest)))


def number_expr(translator: Translator, *, digits: int = 0) -> str:
    """Vega expression that writes ``datum.value`` as this language does (the page cannot set a Vega locale)."""
    pattern = f",.{digits}f"
    return _separators(f"format(datum.value, '{pattern}')", translator)


def ratio_expr(translator: Translator) -> str:
    """Vega expression for a ratio on a logarithmic axis: 0.5, 1, 25."""
    return _separators("format(datum.value, ',~g')", translator)


def percent_expr(translator: Translator) -> str:
    """Vega expression for a rate between 0 and 1."""
    return f"format(100 * datum.value, '.0f') + '{translator.conventions.unit_space}%'"


def money_expr(translator: Translator, currency: str) -> str:
    """Vega expression for an amount in thousands or millions; the currency stands in the axis title."""
    plain = _separators("format(datum.value, ',.0f')", translator)
    thousands = _separators("format(datum.value / 1e3, ',~g')", translator)
    millions = _separators("format(datum.value / 1e6, ',~g')", translator)
    space = translator.conventions.unit_space
    return f"abs(datum.value) >= 1e6 ? {millions} + '{space}M' : abs(datum.value) >= 1e4 ? {thousands} + '{space}k' : {plain}"


def month_expr(translator: Translator) -> str:
    """Vega expression for a month axis: the short month, and the year under January."""
    from datetime import date

    from babel.dates import format_skeleton

    names = [str(format_skeleton("MMM", date(2024, month, 1), locale=translator.locale)) for month in range(1, 13)]
    listed = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    return f"[{listed}[month(datum.value)], (month(datum.value) == 0 || datum.index == 0) ? year(datum.value) : '']"


def _separators(expression: str, translator: Translator) -> str:
    """The number of `expression`, which groups with commas and has a decimal point, with the signs of this language."""
    thousands, decimal = translator.conventions.thousands, translator.conventions.decimal
    if (thousands, decimal) == (",", "."):
        return expression
    for written, sign in ((",", ";"), (".", decimal), (";", thousands)):  # by way of a third sign: German exchanges the two
        expression = f"join(split({expression}, '{written}'), '{sign}')"
    return expression


def category_scale(categories: Sequence[str], theme: Theme) -> alt.Scale:
    """The one colour scale: `categories` in the order of the estimate, in every chart."""
    colours = category_colours(categories, theme)
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def tooltip(*pairs: tuple[str, str]) -> list[alt.Tooltip]:
    """Tooltips over pre-written text columns: (column, title)."""
    return [alt.Tooltip(f"{column}:N", title=title) for column, title in pairs]


def worded_tooltip(translator: Translator, **titles: str) -> list[alt.Tooltip]:
    """Tooltips over pre-written text columns, each with its title under ``report.tooltip``: ``range_text="range"``."""
    return tooltip(*((column, translator.text(f"report.tooltip.{title}")) for column, title in titles.items()))


def value_axis(translator: Translator, **style: Any) -> alt.Axis:  # noqa: ANN401  # Altair types each property of an axis
    """Whole numbers at the side of a plot; what they count stands above it."""
    usual: dict[str, Any] = {"title": None, "labelExpr": number_expr(translator), "tickCount": 5}
    return alt.Axis(**(usual | style))


def days_axis(translator: Translator, since: str, **style: Any) -> alt.Axis:  # noqa: ANN401  # as above
    """Days under a plot, since ``tenure`` (the first day) or ``since_complaint``."""
    usual: dict[str, Any] = {"title": translator.text(f"report.axis.days_{since}"), "grid": False, "tickCount": 6}
    return value_axis(translator, **(usual | style))


def stroke_legend(names: Sequence[str], *, narrow: bool) -> alt.Legend:
    """A legend of lines."""
    return alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1, columns=legend_columns(names, narrow=narrow))


def range_texts(
    lower: pd.Series, upper: pd.Series, write: Callable[[float, Translator], str], translator: Translator, *, key: str = "report.range"
) -> list[str]:
    """Both ends of each interval in words; ``report.range_words`` where a dash would read as a minus."""
    return [translator.text(key, low=write(low, translator), high=write(high, translator)) for low, high in zip(lower, upper, strict=True)]


def note(message: str, theme: Theme, *, height: float = 120, width: float | None = None) -> LayeredChart:
    """A chart that only says why there is nothing to draw."""
    palette = palette_of(theme)
    text = drawing(pd.DataFrame({"message": [message]})).marked("text", fontSize=14, color=palette.muted_text).encode(text="message:N")
    return finish([text], theme, description=message, height=height, width=width)
