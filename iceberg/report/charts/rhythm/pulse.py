"""Draws the pulse of a company: above, how active all are by week; below, breaks per four weeks, the part that is chance hatched."""

from __future__ import annotations

from datetime import date

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import LABEL_SIZE, finish, legend_columns, month_expr, note, palette_of, percent_expr, tooltip, value_axis
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Palette, Theme

_TOP_PX, _GAP_PX, _BARS_PX = 84, 68, 130
HEIGHT_PX = _TOP_PX + _GAP_PX + _BARS_PX
_HATCHES = 7  # lines in a bar
_FEWEST_AT_TOP = 5.0  # judgement: a log with two breaks a month is no alarming picture
_INSET = pd.Timedelta(days=2)  # between bars


def build_pulse(
    weeks: pd.DataFrame,
    periods: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    description: str,
    since: date,
    narrow: bool = False,
    width: float | None = None,
) -> LayeredChart:
    """The year as a cardiac trace.

    Args:
        weeks: `iceberg.report.rhythm.frames.weeks_frame`.
        periods: `iceberg.report.rhythm.frames.periods_frame`; may have no row.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The headline.
        since: First day of the recent weeks, which the headline counts.
        narrow: Phone.
        width: In pixels; the container's without it.
    """
    if weeks.empty:
        return note(description, theme, width=width)
    palette = palette_of(theme)
    ticks = {"interval": "month", "step": 3 if narrow else 1}
    axis = alt.Axis(title=None, labelExpr=month_expr(translator), tickCount=ticks, labelOverlap="greedy", grid=False)
    layers = [*_activity(weeks, translator, palette, axis)]
    if not periods.empty:
        layers += _bars(periods, translator, palette, narrow=narrow)
        layers += _since(since, translator, palette)
    return finish(
        layers,
        theme,
        description=description,
        height=HEIGHT_PX,
        width=width,
        y_title=translator.text("rhythm.picture.activity"),
        resolve=alt.Resolve(scale={"y": "independent"}),
    )


def _days(days: pd.Series) -> pd.Series:
    return pd.Series(days.dt.strftime("%Y-%m-%dT00:00:00"))


def _activity(weeks: pd.DataFrame, translator: Translator, palette: Palette, axis: alt.Axis) -> list[Drawing]:
    """The thin line, between the lowest and the highest week, and the usual level."""
    data = weeks.assign(
        week=_days(weeks["week"]),
        week_text=[translator.date(day.date()) for day in weeks["week"]],
        activity_text=[translator.text("report.unknown") if pd.isna(level) else translator.percent(level) for level in weeks["activity"]],
        usual=1.0,
    )
    low, high = min(float(weeks["activity"].min()), 0.8), max(float(weeks["activity"].max()), 1.2)
    scale = alt.Scale(domain=[low, high], range=[_TOP_PX, 0], nice=False, zero=False)
    x = alt.X("week:T", axis=axis)
    hints = tooltip(("week_text", translator.text("rhythm.picture.week")), ("activity_text", translator.text("rhythm.columns.activity")))
    percent = alt.Axis(title=None, labelExpr=percent_expr(translator), values=[low, 1.0, high], grid=False, orient="left", domain=False, ticks=False)
    base = drawing(data)
    return [
        base.marked("rule", color=palette.grid).encode(y=alt.Y("usual:Q", scale=scale, axis=None)),
        base.marked("line", strokeWidth=1.5, interpolate="linear", color=palette.muted_text).encode(
            x=x, y=alt.Y("activity:Q", scale=scale, axis=percent)
        ),
        base.marked("point", size=160, opacity=0, filled=True).encode(x=x, y=alt.Y("activity:Q", scale=scale, axis=None), tooltip=hints),
    ]


def _bars(periods: pd.DataFrame, translator: Translator, palette: Palette, *, narrow: bool) -> list[Drawing]:
    """A bar per four weeks; what is chance is hatched at its foot."""
    kinds = [translator.text("rhythm.picture.breaks"), translator.text("rhythm.picture.chance")]
    start, end = periods["first_day"] + _INSET, periods["end"] - _INSET
    data = periods.assign(
        start=_days(start),
        end=_days(end),
        zero=0.0,
        kind=kinds[0],
        chance_kind=kinds[1],
        day_text=[translator.date(day.date()) for day in periods["first_day"]],
        breaks_text=[translator.integer(value) for value in periods["breaks"]],
        chance_text=[translator.decimal(value, 1) for value in periods["by_chance"]],
    ).drop(columns=["first_day"])
    top = max(float(periods["breaks"].max()) * 1.08, _FEWEST_AT_TOP)
    scale = alt.Scale(domain=[0, top], range=[HEIGHT_PX, _TOP_PX + _GAP_PX], nice=False)
    colours = alt.Scale(domain=kinds, range=[palette.vocal, palette.noise])
    legend = alt.Legend(title=None, orient="none", legendX=0, legendY=_TOP_PX + 12, direction="horizontal", labelFontSize=LABEL_SIZE)
    if legend_columns(kinds, narrow=narrow) < len(kinds):
        legend = alt.Legend(title=None, orient="none", legendX=0, legendY=_TOP_PX + 4, direction="vertical", labelFontSize=LABEL_SIZE)
    hints = tooltip(("day_text", translator.text("rhythm.columns.period")), ("breaks_text", kinds[0]), ("chance_text", kinds[1]))
    axis = value_axis(translator, orient="left", tickMinStep=1, tickCount=4)
    base = drawing(data)
    x = alt.X("start:T")
    return [
        base.marked("bar").encode(
            x=x, x2="end", y=alt.Y("zero:Q", scale=scale, axis=axis), y2="breaks",
            color=alt.Color("kind:N", scale=colours, legend=legend), tooltip=hints,
        ),
        base.marked("bar").encode(
            x=x, x2="end", y=alt.Y("zero:Q", scale=scale, axis=None), y2="by_chance", color=alt.Color("chance_kind:N", scale=colours, legend=legend)
        ),
        drawing(_hatch(start, end, periods["by_chance"])).marked("rule", color=palette.muted_text, strokeWidth=1).encode(
            x=x, x2="end", y=alt.Y("zero:Q", scale=scale, axis=None), y2="by_chance"
        ),
    ]


def _hatch(start: pd.Series, end: pd.Series, height: pd.Series) -> pd.DataFrame:
    """Oblique lines inside the foot of each bar."""
    rows = []
    for low, high, top in zip(start, end, height, strict=True):
        step = (high - low) / _HATCHES
        rows += [(low + place * step, low + (place + 1) * step, 0.0, float(top)) for place in range(_HATCHES) if top > 0]
    frame = pd.DataFrame(rows, columns=["start", "end", "zero", "by_chance"])
    return frame.assign(start=_days(pd.to_datetime(frame["start"])), end=_days(pd.to_datetime(frame["end"])))


def _since(day: date, translator: Translator, palette: Palette) -> list[Drawing]:
    """Where the weeks begin that the headline counts."""
    written = drawing(pd.DataFrame({"day": [f"{day:%Y-%m-%d}T00:00:00"], "says": [translator.text("rhythm.picture.since", since=day)]}))
    x = alt.X("day:T")
    return [
        written.marked("rule", color=palette.muted_text, strokeDash=[2, 3]).encode(x=x),
        written.marked("text", align="right", dx=-5, baseline="top", fontSize=LABEL_SIZE, color=palette.muted_text).encode(
            x=x, y=alt.value(_TOP_PX + _GAP_PX - 16), text="says:N"
        ),
    ]
