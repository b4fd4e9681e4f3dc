"""Draws decisions: what each fix is worth around a heavy zero line, and the mirror as slopes from what is heard to what was lost."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from iceberg.locale import Translator, visible
from iceberg.report.charts.base import category_scale, finish, money_expr, note, palette_of, range_texts, worded_tooltip
from iceberg.report.charts.dots import ROW_PX, row_labels, rows_axis
from iceberg.report.charts.iceberg.text_width import shortened, text_width
from iceberg.report.charts.layers import LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.words import share

_PLOT_PX = {False: 520, True: 180}  # at the narrowest
_LEAST_GAP = 0.055  # of the height: below it two names of the mirror would touch
_NAME_PX = {False: 180, True: 78}
_BESIDE = {False: 0.86, True: 2.5}  # room for the names beside the slopes, in distances between the two sides
MIRROR_PX = 340


def build_decisions(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, description: str, currency: str, narrow: bool = False
) -> LayeredChart:
    """Net present value of each fix: a dot at the median, filled the more the likelier it pays, its 90 % range, and a heavy line at zero.

    Args:
        frame: `iceberg.report.tables.decisions.decision_table`, with money.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The takeaway.
        currency: ISO code.
        narrow: Phone.
    """
    if frame.empty or frame["value_median"].isna().all():
        return note(description, theme)
    palette = palette_of(theme)

    def written(value: float, words: Translator) -> str:
        return words.money_compact(value, currency)

    data = frame[["category", "probability_pays"]].assign(
        lower=frame["value_lower"],
        median=frame["value_median"],
        upper=frame["value_upper"],
        said_at=frame["value_upper"].clip(lower=0.0),
        label=row_labels(frame["category"].tolist(), narrow=narrow),
        pays_text=[translator.text("decide.pays", probability=share(value, translator)) for value in frame["probability_pays"]],
        middle_text=[written(value, translator) for value in frame["value_median"]],
        range_text=range_texts(frame["value_lower"], frame["value_upper"], written, translator, key="report.range_words"),
        best_text=[share(value, translator) for value in frame["probability_in_best_set"]],
    )
    low, high = min(float(data["lower"].min()), 0.0), max(float(data["upper"].max()), 0.0)
    width = max(high - low, 1e-9)
    room = max(text_width(text, 12) for text in data["pays_text"]) + 14
    scale = alt.Scale(domain=[low - 0.03 * width, high + width * room / max(_PLOT_PX[narrow] - room, 120)], nice=False)
    axis = alt.Axis(title=translator.text("decide.axis", currency=currency), labelExpr=money_expr(translator, currency), tickCount=4 if narrow else 6)
    y = rows_axis(data["label"].tolist(), narrow=narrow)
    hints = worded_tooltip(translator, category="category", middle_text="most_likely", range_text="range", pays_text="pays", best_text="best_set")
    base = drawing(data.assign(zero=0.0))
    filled = alt.FillOpacity("probability_pays:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None)
    layers = [
        drawing(data.iloc[:1].assign(zero=0.0)).marked("rule", strokeWidth=3, color=palette.text).encode(x=alt.X("zero:Q", scale=scale)),
        base.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.4, color=palette.silent).encode(
            x=alt.X("lower:Q", scale=scale, axis=axis), x2="upper", y=y, tooltip=hints
        ),
        base.marked("circle", size=210, opacity=1, fill=palette.page, stroke=palette.silent, strokeWidth=2).encode(
            x=alt.X("median:Q", scale=scale), y=y
        ),
        base.marked("circle", size=210, opacity=1, fill=palette.silent, stroke=palette.silent, strokeWidth=2).encode(
            x=alt.X("median:Q", scale=scale), y=y, fillOpacity=filled, tooltip=hints
        ),
        base.marked("text", align="left", dx=10, baseline="middle", color=palette.muted_text).encode(
            x=alt.X("said_at:Q", scale=scale), y=y, text="pays_text:N"
        ),
    ]
    return finish(layers, theme, description=description, height=ROW_PX[narrow] * len(data) + 10)


def build_mirror(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, categories: Sequence[str], description: str, narrow: bool = False
) -> LayeredChart:
    """A slope per category, from its share of the complainants to its share of the silent leavers; lines that cross are the message.

    Args:
        frame: `iceberg.report.tables.decisions.mirror_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        categories: In the order of their colours.
        description: The takeaway.
        narrow: Phone.
    """
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    room = _NAME_PX[narrow]
    sides = {"heard": frame["heard"], "left": frame["left_median"]}
    heads = {side: translator.text(f"decide.side_{side}{'_short' if narrow else ''}") for side in sides}
    top = 1.08 * max(float(values.max()) for values in sides.values())
    ends = []
    for side, values in sides.items():
        own = pd.DataFrame({"category": frame["category"], "side": heads[side], "share": values, "at": _apart(values, top * _LEAST_GAP)})
        short = [shortened(visible(name), room, 12) for name in own["category"]]
        own["name"] = [f"{name} {share(value, translator)}" for name, value in zip(short, values, strict=True)]
        own["range_text"] = [
            translator.text("report.range_words", low=share(low, translator), high=share(high, translator))
            for low, high in zip(frame["left_lower"], frame["left_upper"], strict=True)
        ]
        own["heard_text"] = [share(value, translator) for value in frame["heard"]]
        ends.append(own)
    data = pd.concat(ends, ignore_index=True)
    x = alt.X("side:N", sort=list(heads.values()), scale=alt.Scale(type="point", padding=_BESIDE[narrow]), axis=alt.Axis(
        orient="top", title=None, ticks=False, domain=False, labelAngle=0, labelFontWeight="bold", labelPadding=10, labelLimit=0))  # fmt: skip
    y = alt.Y("share:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=None)
    colour = alt.Color("category:N", scale=category_scale(categories, theme), legend=None)
    hints = worded_tooltip(translator, category="category", heard_text="heard", range_text="range")
    base = drawing(data).encode(x=x)
    layers = [
        base.marked("line", strokeWidth=3, opacity=0.85).encode(y=y, color=colour, detail=alt.Detail("category:N")),
        base.marked("circle", size=90, opacity=1, stroke=palette.page).encode(y=y, color=colour, tooltip=hints),
        drawing(ends[0]).marked("text", align="right", dx=-12, baseline="middle").encode(x=x, y=alt.Y("at:Q"), text="name:N"),
        drawing(ends[1]).marked("text", align="left", dx=12, baseline="middle").encode(x=x, y=alt.Y("at:Q"), text="name:N"),
    ]
    return finish(layers, theme, description=description, height=max(MIRROR_PX, 22 * len(frame)))


def _apart(values: pd.Series, least: float) -> list[float]:
    """Heights of the names: as near to their values as `least` between neighbours allows, never below the ground."""
    order = values.sort_values(kind="stable").index
    placed: dict[object, float] = {}
    before = -least
    for place in order:
        placed[place] = max(float(values[place]), before + least)
        before = placed[place]
    return [placed[place] for place in values.index]
