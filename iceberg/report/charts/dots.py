"""Charts of dots and intervals: ranking, segments, folk figure against what departures support, assumption against data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.advice import noise_text
from iceberg.report.charts.base import (
    axis_title,
    category_scale,
    finish,
    legend_columns,
    money_expr,
    note,
    number_expr,
    palette_of,
    range_texts,
    ratio_expr,
    worded_tooltip,
)
from iceberg.report.charts.iceberg.text_width import text_width, wrapped
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.takeaways import (
    amount,
    takeaway_comparator,
    takeaway_prior_posterior,
    takeaway_ranking,
    takeaway_segments,
)
from iceberg.report.words import per_complainant, ratio, share

ROW_PX = {False: 42, True: 48}
MOST_SEGMENTS = 20  # in one picture; its table holds them all
_NAME_PX = {False: 190, True: 112}
_NAME_LINES = {False: 3, True: 5}  # a name of sixty letters is read whole
_LINE_PX = 14.5
_COLUMN_PLOT_PX = 200  # at the narrowest: beside another picture, or on a phone
LEAST_RATIO = 0.01  # leavers per complainant below which a logarithmic axis says nothing more
_FOLK, _SUPPORTED, _ALLOWED = "folk", "supported", "allowed"


def row_labels(names: Sequence[str], *, narrow: bool, whole: bool = False) -> list[str]:
    """Names as axis labels: wrapped over a few lines, with `whole` over as many as sixty letters take (`row_px`); kept distinct."""
    lines = _NAME_LINES[narrow] if whole else 3 if narrow else 2
    labels = ["\n".join(wrapped(name, _NAME_PX[narrow], 12, lines=lines, anywhere=True)) for name in names]
    seen: dict[str, int] = {}
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            labels[place] = f"{label} ({seen[label]})"
    return labels


def row_px(labels: Sequence[str], *, narrow: bool) -> float:
    """The height of a row: the usual one, or what the longest name takes."""
    return max(float(ROW_PX[narrow]), _LINE_PX * max((label.count("\n") + 1 for label in labels), default=1) + 6)


def rows_axis(order: Sequence[str], *, narrow: bool) -> alt.Y:
    """One row per name, in this order."""
    axis = alt.Axis(
        title=None,
        labelExpr="split(datum.value, '\\n')",
        ticks=False,
        domain=False,
        grid=False,
        labelLimit=_NAME_PX[narrow] + 10,
        labelPadding=8,
    )
    return alt.Y("label:N", sort=list(order), axis=axis, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2))


def build_ranking(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    categories: Sequence[str] | None = None,
    currency: str | None = None,
    narrow: bool = False,
) -> LayeredChart:
    """Categories from most to least silent churn, with 90 % ranges and the probability that each is the first.

    Args:
        frame: `iceberg.report.tables.estimate.ranking_table`.
        translator: Language.
        theme: ``light`` or ``dark``.
        categories: All categories in the order of the estimate, for their colours (default: those of the frame, sorted by name).
        currency: ISO code where the frame holds money.
        narrow: Phone.
    """
    description = takeaway_ranking(frame, translator, currency=currency)
    if frame.empty:
        return note(description, theme)
    data = _worded(frame, translator, currency, narrow=narrow)
    data["end_text"] = [
        "" if pd.isna(value) else translator.text("report.chart.probability", probability=share(value, translator))
        for value in frame["probability_first"]
    ]
    data["probability_text"] = [share(value, translator) for value in frame["probability_first"]]
    data["prior_text"] = [share(value, translator) for value in frame["prior_share"]]
    data["noise_text"] = [
        noise_text(value, clear, translator, likely=bool(likely))
        for value, clear, likely in zip(frame["placebo_upper"], frame["above_noise"], frame["likely_above_noise"], strict=True)
    ]
    titles = {"category": "category", "middle_text": "most_likely", "range_text": "range", "probability_text": "probability"}
    titles |= {"prior_text": "assumption"} | ({"noise_text": "noise"} if frame["placebo_upper"].notna().any() else {})
    hints = worded_tooltip(translator, **titles)
    axis = alt.Axis(
        title=translator.text("report.axis.money" if currency else "report.axis.silent")
        + (f" ({currency})" if currency else ""),
        labelExpr=money_expr(translator, currency) if currency else number_expr(translator),
        tickCount=4 if narrow else 6,
    )
    colour = alt.Color("category:N", scale=category_scale(categories or sorted(frame["category"]), theme), legend=None)
    layers = _intervals(data, colour, axis, theme, narrow=narrow, hints=hints)
    return finish(layers, theme, description=description, height=row_px(data["label"].tolist(), narrow=narrow) * len(data) + 10)


def build_segments(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False) -> LayeredChart:
    """Silent leavers per segment with 90 % ranges, largest first, up to `MOST_SEGMENTS` (`iceberg.report.tables.estimate.segment_table`)."""
    description = takeaway_segments(frame, translator)
    if frame.empty:
        return note(description, theme)
    frame = frame.head(MOST_SEGMENTS)
    named = frame.assign(category=[name or translator.text("report.all_segments") for name in frame["segment"]])
    data = _worded(named, translator, None, narrow=narrow)
    data["end_text"] = ["" if pd.isna(value) else share(value, translator) for value in frame["silent_share"]]
    hints = worded_tooltip(translator, category="segment", middle_text="most_likely", range_text="range", end_text="share")
    axis = alt.Axis(
        title=translator.text("report.axis.silent"), labelExpr=number_expr(translator), tickCount=4 if narrow else 6
    )
    layers = _intervals(data, alt.value(palette_of(theme).silent), axis, theme, narrow=narrow, hints=hints)
    return finish(layers, theme, description=description, height=row_px(data["label"].tolist(), narrow=narrow) * len(data) + 10)


def _worded(frame: pd.DataFrame, translator: Translator, currency: str | None, *, narrow: bool) -> pd.DataFrame:
    def write(value: float, words: Translator) -> str:
        return amount(value, words, currency)

    return frame.assign(
        label=row_labels(frame["category"].tolist(), narrow=narrow, whole=True),
        middle_text=[write(value, translator) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], write, translator),
    )


def _intervals(
    data: pd.DataFrame,
    colour: Any,  # noqa: ANN401  # an Altair colour channel or value
    axis: alt.Axis,
    theme: Theme,
    *,
    narrow: bool,
    hints: Sequence[alt.Tooltip],
) -> list[Drawing]:
    """A thick range, a dot at the median, text after the upper end; the plot leaves room for that text. Behind them the noise floor."""
    palette = palette_of(theme)
    room = max(text_width(text, 12) for text in data["end_text"]) + 14
    reach = data[[name for name in ("upper", "placebo_upper") if name in data]].to_numpy(float)
    drawn = alt.ExprRef(f"max(width - {room:.0f}, 0.35 * width)")  # the width is the browser's: as wide as it is, the text ends inside
    scale = alt.Scale(domain=[0, max(float(np.nanmax(reach)), 1e-9)], range=[0, drawn], nice=False)
    base = drawing(data.assign(text_start=np.nanmax(reach, axis=1)))  # behind the noise floor too, where that reaches further
    x, y = alt.X("lower:Q", scale=scale, axis=axis), rows_axis(data["label"].tolist(), narrow=narrow)
    return [
        *_noise_floor(data.assign(zero=0.0), "placebo_upper", scale, y, theme),
        base.marked("rule", strokeWidth=7, strokeCap="round", opacity=0.45).encode(x=x, x2="upper", y=y, color=colour, tooltip=hints),
        base.marked("circle", size=150, opacity=1, stroke=palette.page, strokeWidth=1.5).encode(
            x=alt.X("median:Q", scale=scale), y=y, color=colour, tooltip=hints
        ),
        base.marked("text", align="left", dx=10, baseline="middle", color=palette.muted_text).encode(
            x=alt.X("text_start:Q", scale=scale), y=y, text="end_text:N"
        ),
    ]


def _noise_floor(data: pd.DataFrame, column: str, scale: alt.Scale, y: alt.Y, theme: Theme) -> list[Drawing]:
    """A pale band from ``zero`` to what the model finds where complaints cannot be the cause, closed by a line: colour is not the only sign."""
    known = data.dropna(subset=[column]) if column in data else data.iloc[:0]
    if known.empty:
        return []
    palette = palette_of(theme)
    base = drawing(known)
    return [
        base.marked("bar", color=palette.noise, opacity=0.75).encode(x=alt.X("zero:Q", scale=scale), x2=column, y=y),
        base.marked("tick", color=palette.prior, thickness=1.5, size=22).encode(x=alt.X(f"{column}:Q", scale=scale), y=y),
    ]


def build_comparator(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    categories: Sequence[str] | None = None,
    narrow: bool = False,
) -> LayeredChart:
    """The folk 1:25 beside what the company's own departures support and allow, per category, on a logarithmic scale.

    Takes `iceberg.report.tables.estimate.comparator_table`; colours as in `build_ranking`.
    """
    description = takeaway_comparator(frame, translator)
    known = frame.dropna(subset=["folk_ratio"]).reset_index(drop=True)
    if known.empty:
        return note(description, theme)
    known = known.assign(
        label=row_labels(known["category"].tolist(), narrow=narrow, whole=True),
        low_end=known["supported_lower"].clip(lower=LEAST_RATIO),
        high_end=known["supported_upper"].clip(lower=LEAST_RATIO),
        range_text=range_texts(known["supported_lower"], known["supported_upper"], ratio, translator, key="report.range_words"),
    )
    points = _comparator_points(known, translator)
    smallest, largest = min(known["low_end"].min(), 1.0), max(points["value"].max(), known["high_end"].max())
    scale, axis = _ratio_scale(smallest * 0.8, largest * 1.25), _ratio_axis(translator, smallest, largest, narrow=narrow)
    y = rows_axis(known.sort_values("supported_median", ascending=False)["label"].tolist(), narrow=narrow)
    colour = alt.Color("category:N", scale=category_scale(categories or sorted(known["category"]), theme), legend=None)
    noise = known[known["placebo_ratio"] > smallest * 0.8].assign(zero=smallest * 0.8)  # below, it lies off the picture
    span = drawing(known).marked("rule", strokeWidth=7, strokeCap="round", opacity=0.45)
    layers = [
        *_noise_floor(noise, "placebo_ratio", scale, y, theme),
        span.encode(x=alt.X("low_end:Q", scale=scale, axis=axis), x2="high_end", y=y, color=colour),
        *_comparator_marks(points, translator, known, alt.X("value:Q", scale=scale), y, colour, theme, narrow=narrow),
    ]
    return finish(layers, theme, description=description, height=row_px(known["label"].tolist(), narrow=narrow) * len(known) + 10)


def _comparator_marks(
    points: pd.DataFrame,
    translator: Translator,
    known: pd.DataFrame,
    x: alt.X,
    y: alt.Y,
    colour: alt.Color,
    theme: Theme,
    *,
    narrow: bool,
) -> list[Drawing]:
    """A dot for the estimate, a diamond for the folk figure, an upright line for the most that departures allow."""
    palette = palette_of(theme)
    kinds = [kind_text(role, translator, known) for role in (_SUPPORTED, _FOLK, _ALLOWED)]
    grey: dict[str, Any] = {"symbolFillColor": palette.muted_text, "symbolStrokeColor": palette.muted_text}
    shape = alt.Shape(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=["circle", "diamond", "M0,-0.8V0.8"]),
        legend=alt.Legend(orient="top", columns=legend_columns(kinds, narrow=narrow, room=_COLUMN_PLOT_PX), symbolSize=110, **grey),
    )
    hints = worded_tooltip(translator, category="category", kind="stage", value_text="ratio", range_text="range")
    base = drawing(points).encode(x=x, y=y, shape=shape, tooltip=hints)
    return [
        base.where("role", _SUPPORTED).marked("point", filled=True, size=150, opacity=1).encode(color=colour),
        base.where("role", _FOLK).marked("point", filled=True, size=150, opacity=1, color=palette.folk),
        base.where("role", _ALLOWED).marked("point", filled=False, size=300, opacity=1, strokeWidth=3, color=palette.text),
    ]


def kind_text(role: str, translator: Translator, known: pd.DataFrame) -> str:
    """What a mark of the comparator is; below level 3 departures support nothing yet, the dot is only this estimate."""
    assumed = role == _SUPPORTED and not known["own_ratio"].all()
    return translator.text("report.chart.estimated" if assumed else f"report.chart.{role}")


def _comparator_points(known: pd.DataFrame, translator: Translator) -> pd.DataFrame:
    """One row per mark: category, label, role, kind, value and its words."""
    kinds = {role: kind_text(role, translator, known) for role in (_SUPPORTED, _FOLK, _ALLOWED)}
    rows = [
        {
            "category": row["category"],
            "label": row["label"],
            "role": role,
            "kind": kinds[role],
            "value": max(float(row[column]), LEAST_RATIO),
            "value_text": per_complainant(float(row[column]), translator),
            "range_text": row["range_text"] if role == _SUPPORTED else "",
        }
        for row in known.to_dict("records")
        for role, column in ((_SUPPORTED, "supported_median"), (_FOLK, "folk_ratio"), (_ALLOWED, "allowed_ratio"))
        if pd.notna(row[column])
    ]
    return pd.DataFrame(rows)


def _ratio_scale(low: float, high: float) -> alt.Scale:
    return alt.Scale(type="log", domain=[low, high], nice=False)


def _ratio_axis(translator: Translator, low: float, high: float, *, narrow: bool) -> alt.Axis:
    """Leavers per complainant under a plot."""
    return alt.Axis(
        title=axis_title(translator.text("report.axis.leavers_per_complainant"), narrow=narrow),
        labelExpr=ratio_expr(translator),
        values=[tick for tick in (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 25, 100, 300, 1000) if low * 0.8 <= tick <= high * 1.25],
    )


def build_prior_posterior(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False
) -> LayeredChart:
    """Leavers per complainant, assumed before and after the data, on a logarithmic scale (`iceberg.report.tables.estimate.prior_posterior_table`)."""
    description = takeaway_prior_posterior(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    names = row_labels(list(dict.fromkeys(frame["category"])), narrow=narrow)
    label_of = dict(zip(dict.fromkeys(frame["category"]), names, strict=True))
    data = frame.assign(
        label=frame["category"].map(label_of),
        kind=[translator.text(f"report.chart.{stage}") for stage in frame["stage"]],
        low_end=frame["lower"].clip(lower=LEAST_RATIO),
        high_end=frame["upper"].clip(lower=LEAST_RATIO),
        value=frame["median"].clip(lower=LEAST_RATIO),
        value_text=[per_complainant(value, translator) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], ratio, translator, key="report.range_words"),
    )
    kinds = [translator.text("report.chart.prior"), translator.text("report.chart.posterior")]
    low, high = float(data["low_end"].min()), float(data["high_end"].max())
    scale, axis = _ratio_scale(low * 0.8, high * 1.25), _ratio_axis(translator, low, high, narrow=narrow)
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[palette.prior, palette.silent]),
        legend=alt.Legend(symbolType="circle", columns=legend_columns(kinds, narrow=narrow)),
    )
    hints = worded_tooltip(translator, category="category", kind="stage", value_text="most_likely", range_text="range")
    base = drawing(data).encode(
        y=rows_axis(names, narrow=narrow), yOffset=alt.YOffset("kind:N", sort=kinds), color=colour, tooltip=hints
    )
    layers = [
        base.marked("rule", strokeWidth=6, strokeCap="round", opacity=0.5).encode(
            x=alt.X("low_end:Q", scale=scale, axis=axis), x2="high_end"
        ),
        base.marked("circle", size=120, opacity=1).encode(x=alt.X("value:Q", scale=scale)),
    ]
    return finish(layers, theme, description=description, height=(ROW_PX[narrow] + 8) * len(names) + 20)
