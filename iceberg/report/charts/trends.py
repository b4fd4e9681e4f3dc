"""Charts over time and tenure: silent leavers per month, delay to departure, tenure profile, net survival."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import (
    days_axis,
    finish,
    legend_columns,
    month_expr,
    note,
    number_expr,
    palette_of,
    percent_expr,
    range_texts,
    ratio_expr,
    stroke_legend,
    tooltip,
    value_axis,
    worded_tooltip,
)
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.tables.written import month_text
from iceberg.report.takeaways import (
    HORIZON_DAYS,
    band_text,
    takeaway_delay,
    takeaway_month_trend,
    takeaway_net_survival,
    takeaway_tenure_profile,
)
from iceberg.report.words import customers

HEIGHT_PX = 260


def build_month_trend(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    colour: str | None = None,
    notes: Sequence[tuple[date, str]] = (),
    narrow: bool = False,
) -> LayeredChart:
    """Silent leavers per month with their 90 % band, and the complainants of the same months (`iceberg.report.tables.estimate.month_trend_table`).

    Args:
        frame: One row per month.
        translator: Language.
        theme: ``light`` or ``dark``.
        colour: Colour of the band, where one category is shown.
        notes: Day and number of each note; those outside the months are left out.
        narrow: Phone.
    """
    description = takeaway_month_trend(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    kinds = [translator.text("report.chart.silent"), translator.text("report.chart.vocal")]
    ink = colour or palette.silent
    x = _month_axis(len(frame), translator, narrow=narrow)
    scale, legend = alt.Scale(domain=kinds, range=[ink, palette.vocal]), stroke_legend(kinds, narrow=narrow)
    hints = worded_tooltip(translator, month_text="month", middle_text="most_likely", range_text="range", vocal_text="vocal")
    base = drawing(_worded_months(frame, kinds, translator)).encode(x=x)
    heard = base.marked("line", strokeWidth=2, strokeDash=[5, 3], interpolate="monotone").encode(
        y="vocal_customers:Q", color=alt.Color("vocal_kind:N", scale=scale, legend=legend)
    )
    layers = [
        base.marked("area", opacity=0.25, interpolate="monotone").encode(
            y=alt.Y("lower:Q", axis=value_axis(translator, tickMinStep=1)), y2="upper", color=alt.value(ink)
        ),
        base.marked("line", strokeWidth=2.5, interpolate="monotone").encode(
            y=alt.Y("median:Q", scale=alt.Scale(zero=True)), color=alt.Color("silent_kind:N", scale=scale, legend=legend)
        ),
        *([heard] if frame["vocal_customers"].notna().all() else []),
        base.marked("point", size=220, opacity=0, filled=True).encode(y="median:Q", tooltip=hints),
    ]
    first, last = frame["month"].min().date(), frame["month"].max().date()
    inside = [one for one in notes if first <= one[0] <= last + timedelta(days=31)]
    layers += _note_layers(inside, float(frame["upper"].max()), palette.muted_text)
    return finish(layers, theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.silent_per_month"))


def _worded_months(frame: pd.DataFrame, kinds: list[str], translator: Translator) -> pd.DataFrame:
    return frame.assign(
        month=frame["month"].dt.strftime("%Y-%m-%dT00:00:00"),
        month_text=[month_text(row, translator) for row in frame.to_dict("records")],
        middle_text=[customers(value, translator) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], customers, translator),
        vocal_text=[translator.text("report.unknown") if pd.isna(value) else translator.integer(value) for value in frame["vocal_customers"]],
        silent_kind=kinds[0],
        vocal_kind=kinds[1],
    )


def _month_axis(months: int, translator: Translator, *, narrow: bool) -> alt.X:
    most = 5 if narrow else 13
    step = next((step for step in (1, 2, 3, 6) if months / step <= most), 12)  # a divisor of the year
    ticks = {"interval": "month", "step": step}
    axis = alt.Axis(title=None, labelExpr=month_expr(translator), tickCount=ticks, labelOverlap="greedy", grid=False)
    return alt.X("month:T", axis=axis)


def build_net_survival(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    horizon_days: int = HORIZON_DAYS,
) -> LayeredChart:
    """Complainants since the complaint, with their 90 % band, against comparable customers (`iceberg.report.tables.survival.net_survival_table`)."""
    description = takeaway_net_survival(frame, translator, horizon_days=horizon_days)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    after, others = translator.text("report.chart.complained"), translator.text("report.chart.expected")
    data = frame.assign(after=after, others=others)
    data["observed_text"] = [
        f"{translator.percent(value)} ({translator.text('report.range', low=translator.percent(low), high=translator.percent(high))})"
        for value, low, high in zip(frame["observed"], frame["observed_lower"], frame["observed_upper"], strict=True)
    ]
    data["expected_text"] = [translator.percent(value) for value in frame["expected"]]
    data["risk_text"] = [translator.integer(value) for value in frame["at_risk"]]
    data["day_text"] = [translator.integer(value) for value in frame["day"]]
    floor = max(0.0, float(frame[["observed_lower", "expected"]].min().min()) - 0.05)
    scale = alt.Scale(domain=[floor, 1.0], nice=False)
    x = alt.X("day:Q", axis=days_axis(translator, "since_complaint"), scale=alt.Scale(nice=False))
    axis = alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=5)
    colours = alt.Scale(domain=[after, others], range=[palette.vocal, palette.silent])
    legend = stroke_legend([after, others], narrow=False)
    hints = tooltip(
        ("day_text", translator.text("report.tooltip.day")),
        ("observed_text", after),
        ("expected_text", others),
        ("risk_text", translator.text("report.tooltip.at_risk")),
    )
    base = drawing(data)
    layers = [
        base.marked("area", opacity=0.22, color=palette.vocal).encode(
            x=x, y=alt.Y("observed_lower:Q", axis=axis, scale=scale), y2="observed_upper"
        ),
        base.marked("line", strokeWidth=2.5).encode(
            x=x, y=alt.Y("observed:Q", scale=scale), color=alt.Color("after:N", scale=colours, legend=legend)
        ),
        base.marked("line", strokeWidth=2.5, strokeDash=[6, 3]).encode(
            x=x, y=alt.Y("expected:Q", scale=scale), color=alt.Color("others:N", scale=colours, legend=legend)
        ),
        base.marked("point", size=220, opacity=0, filled=True).encode(
            x=x, y=alt.Y("observed:Q", scale=scale), tooltip=hints
        ),
    ]
    return finish(layers, theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.share_still_customers"))


def build_delay(frame: pd.DataFrame, translator: Translator, theme: Theme = "light") -> LayeredChart:
    """Complainants who left, per week of delay since the complaint, beside those who would have left anyway.

    Takes `iceberg.report.tables.survival.delay_table`. Bins are unequal, so heights are departures per week; the open last bin has no width and
    stands in the table only.
    """
    description = takeaway_delay(frame, translator)
    closed = frame.dropna(subset=["to_day"]).reset_index(drop=True)
    if closed.empty or not closed["leavers"].sum():
        return note(description, theme)
    palette = palette_of(theme)
    kinds = [translator.text("report.chart.leavers"), translator.text("report.chart.natural")]
    data = _per_week(closed, kinds, translator)
    colours = alt.Scale(domain=kinds, range=[palette.vocal, palette.silent])
    legend = alt.Legend(columns=legend_columns(kinds, narrow=False))
    x = alt.X("from_day:Q", scale=alt.Scale(nice=False), axis=days_axis(translator, "since_complaint"))
    hints = tooltip(("band_text", translator.text("report.axis.days_since_complaint")), ("leavers_text", kinds[0]), ("expected_text", kinds[1]))
    base = drawing(data).encode(x=x, x2="to_day")
    left = base.marked("rect", opacity=0.85, stroke=palette.page, strokeWidth=1).encode(
        y=alt.Y("per_week:Q", axis=value_axis(translator, tickMinStep=1)),
        y2="zero",
        color=alt.Color("left_kind:N", scale=colours, legend=legend),
        tooltip=hints,
    )
    expected = base.marked("rule", strokeWidth=3).encode(
        y="expected_per_week:Q", color=alt.Color("natural_kind:N", scale=colours, legend=legend)
    )
    layers = [left, expected] if data["expected"].notna().any() else [left]
    return finish(layers, theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.left_per_week"))


def _per_week(closed: pd.DataFrame, kinds: list[str], translator: Translator) -> pd.DataFrame:
    """Heights comparable between bins of unequal width, and the texts of each bin."""
    weeks = (closed["to_day"] - closed["from_day"]) / 7
    return closed.assign(
        per_week=closed["leavers"] / weeks,
        expected_per_week=closed["expected"] / weeks,
        zero=0.0,
        left_kind=kinds[0],
        natural_kind=kinds[1],
        band_text=[band_text(low, high, translator, unit="days") for low, high in zip(closed["from_day"], closed["to_day"], strict=True)],
        leavers_text=[translator.integer(value) for value in closed["leavers"]],
        expected_text=[translator.text("report.unknown") if pd.isna(value) else customers(value, translator) for value in closed["expected"]],
    )


def _tick_digits(values: pd.Series) -> int:
    """Decimals that keep five ticks from zero to the largest value apart."""
    highest = float(values.max())
    return 0 if highest >= 5 or highest <= 0 else 1 if highest >= 0.5 else 2


def build_tenure_profile(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    colour: str | None = None,
    narrow: bool = False,
) -> LayeredChart:
    """Complainants per 100 customer-years by tenure band: where in a customer's life the problem strikes (`tenure_profile_table`)."""
    description = takeaway_tenure_profile(frame, translator)
    known = frame.dropna(subset=["rate"])
    if known.empty:
        return note(description, theme)
    palette = palette_of(theme)
    data = known.assign(
        label=[
            f"{low:.0f}+" if pd.isna(high) else f"{low:.0f}–{high:.0f}"
            for low, high in zip(known["from_month"], known["to_month"], strict=True)
        ],
        band_text=[
            band_text(low, high, translator, unit="months")
            for low, high in zip(known["from_month"], known["to_month"], strict=True)
        ],
        rate_text=[translator.rounded(value) for value in known["rate"]],
        count_text=[translator.integer(value) for value in known["complainants"]],
    )
    hints = tooltip(
        ("band_text", translator.text("report.axis.tenure")),
        ("rate_text", translator.text("report.axis.rate")),
        ("count_text", translator.text("report.tooltip.vocal")),
    )
    angle = -50 if narrow else 0
    axis = alt.Axis(title=translator.text("report.axis.tenure"), labelAngle=angle, labelOverlap=False, ticks=False, grid=False)
    chart = (
        drawing(data)
        .marked("bar", color=colour or palette.vocal, cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
        .encode(
            x=alt.X("label:N", sort=data["label"].tolist(), axis=axis),
            y=alt.Y("rate:Q", axis=value_axis(translator, labelExpr=number_expr(translator, digits=_tick_digits(known["rate"])))),
            tooltip=hints,
        )
    )
    return finish([chart], theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.rate"))


def build_version_trend(
    frame: pd.DataFrame,
    translator: Translator,
    theme: Theme = "light",
    *,
    description: str,
    target: float | None = None,
    notes: Sequence[tuple[date, str]] = (),
    narrow: bool = False,
) -> LayeredChart:
    """Rates of a study's versions with their 90 % ranges, a line for the target, and a mark for each note at its day.

    Args:
        frame: `iceberg.report.tables.versions.version_rates`.
        translator: Language.
        theme: ``light`` or ``dark``.
        description: The takeaway.
        target: A rate; None for none.
        notes: Day and number of each note; the numbers are explained below the chart.
        narrow: Phone.
    """
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    data = frame.assign(
        label=[translator.text("progress.version", version=str(number)) for number in frame["version"]],
        middle_text=[translator.decimal(value) for value in frame["median"]],
        range_text=range_texts(frame["lower"], frame["upper"], lambda value, words: words.decimal(value), translator, key="report.range_words"),
    )
    tallest = max(float(data["upper"].max()), target or 0.0)
    y = alt.Y("median:Q", scale=alt.Scale(domain=[0, 1.15 * tallest], nice=False), axis=value_axis(translator, labelExpr=ratio_expr(translator)))
    x = alt.X("month:T", axis=alt.Axis(title=None, labelExpr=month_expr(translator), grid=False, tickCount={"interval": "month", "step": 3}))
    hints = worded_tooltip(translator, label="stage", middle_text="most_likely", range_text="range")
    base = drawing(data.assign(month=data["month"].dt.strftime("%Y-%m-%d")))
    layers = [
        base.marked("rule", strokeWidth=7, strokeCap="round", opacity=0.45, color=palette.silent).encode(x=x, y=alt.Y("lower:Q"), y2="upper"),
        base.marked("line", color=palette.silent, strokeWidth=2).encode(x=x, y=y),
        base.marked("circle", size=130, opacity=1, color=palette.silent).encode(x=x, y=y, tooltip=hints),
    ]
    if target is not None:
        aim = pd.DataFrame({"rate": [target]})
        layers.append(drawing(aim).marked("rule", color=palette.vocal_text, strokeDash=[6, 4], strokeWidth=2).encode(y=alt.Y("rate:Q")))
    layers += _note_layers(notes, 1.1 * tallest, palette.muted_text)
    return finish(layers, theme, description=description, height=240, y_title=translator.text("progress.axis"))


def _note_layers(notes: Sequence[tuple[date, str]], top: float, ink: str) -> list[Drawing]:
    """A broken line at the day of each note, its number at the top."""
    if not notes:
        return []
    written = drawing(pd.DataFrame({"day": [f"{day:%Y-%m-%d}" for day, _ in notes], "number": [text for _, text in notes], "top": top}))
    return [
        written.marked("rule", color=ink, strokeDash=[2, 3]).encode(x=alt.X("day:T")),
        written.marked("text", fontWeight=700, dx=8).encode(x=alt.X("day:T"), y=alt.Y("top:Q"), text="number:N"),
    ]
