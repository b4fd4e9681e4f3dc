"""Owns the charts over time and tenure: silent leavers per month, delay to departure, tenure profile, net survival."""

from __future__ import annotations

import altair as alt
import pandas as pd

from iceberg.locale import Translator
from iceberg.report.charts.base import (
    finish,
    legend_columns,
    month_expr,
    note,
    number_expr,
    palette_of,
    percent_expr,
    tooltip,
)
from iceberg.report.charts.layers import Drawing, LayeredChart, drawing
from iceberg.report.palette import Theme
from iceberg.report.takeaways import (
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
    narrow: bool = False,
) -> LayeredChart:
    """Silent leavers per month with their 90 % band, and the complainants of the same months (`iceberg.report.tables.month_trend_table`).

    Args:
        frame: One row per month.
        translator: Language.
        theme: ``light`` or ``dark``.
        colour: Colour of the band, where one category is shown.
        narrow: Phone.
    """
    description = takeaway_month_trend(frame, translator)
    if frame.empty:
        return note(description, theme)
    palette = palette_of(theme)
    silent, vocal = translator.text("report.chart.silent"), translator.text("report.chart.vocal")
    data = frame.assign(
        month=frame["month"].dt.strftime("%Y-%m-%dT00:00:00"),
        month_text=[translator.month(value.date()) for value in frame["month"]],
        middle_text=[customers(value, translator) for value in frame["median"]],
        range_text=[
            translator.text("report.range", low=customers(low, translator), high=customers(high, translator))
            for low, high in zip(frame["lower"], frame["upper"], strict=True)
        ],
        vocal_text=[translator.integer(value) for value in frame["vocal_customers"]],
        silent_kind=silent,
        vocal_kind=vocal,
    )
    x = alt.X(
        "month:T",
        axis=alt.Axis(
            title=None,
            labelExpr=month_expr(translator),
            tickCount={"interval": "month", "step": _month_step(len(frame), narrow=narrow)},
            labelOverlap="greedy",
            grid=False,
        ),
    )
    y_axis = alt.Axis(
        title=None,
        labelExpr=number_expr(translator),
        tickCount=5,
        tickMinStep=1,
    )
    scale = alt.Scale(domain=[silent, vocal], range=[colour or palette.silent, palette.vocal])
    hints = tooltip(
        *(
            (column, translator.text(f"report.tooltip.{title}"))
            for column, title in (
                ("month_text", "month"),
                ("middle_text", "most_likely"),
                ("range_text", "range"),
                ("vocal_text", "vocal"),
            )
        )
    )
    base = drawing(data)
    legend = alt.Legend(
        symbolType="stroke", symbolStrokeWidth=3, columns=legend_columns([silent, vocal], narrow=narrow)
    )
    layers = [
        base.marked("area", opacity=0.25, interpolate="monotone").encode(
            x=x, y=alt.Y("lower:Q", axis=y_axis), y2="upper", color=alt.value(colour or palette.silent)
        ),
        base.marked("line", strokeWidth=2.5, interpolate="monotone").encode(
            x=x,
            y=alt.Y("median:Q", scale=alt.Scale(zero=True)),
            color=alt.Color("silent_kind:N", scale=scale, legend=legend),
        ),
        base.marked("line", strokeWidth=2, strokeDash=[5, 3], interpolate="monotone").encode(
            x=x, y="vocal_customers:Q", color=alt.Color("vocal_kind:N", scale=scale, legend=legend)
        ),
        base.marked("point", size=220, opacity=0, filled=True).encode(x=x, y="median:Q", tooltip=hints),
    ]
    return finish(layers,
        theme,
        description=description,
        height=HEIGHT_PX,
        y_title=translator.text("report.axis.silent_per_month"),
    )


def _month_step(months: int, *, narrow: bool) -> int:
    """Months between two labels of the axis, a divisor of the year."""
    most = 5 if narrow else 13
    return next((step for step in (1, 2, 3, 6) if months / step <= most), 12)


def build_net_survival(
    frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False
) -> LayeredChart:
    """Complainants since the complaint, with their 90 % band, against comparable customers (`iceberg.report.tables.net_survival_table`)."""
    description = takeaway_net_survival(frame, translator)
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
    x = alt.X(
        "day:Q",
        axis=alt.Axis(
            title=translator.text("report.axis.days_since_complaint"),
            labelExpr=number_expr(translator),
            grid=False,
            tickCount=6,
        ),
        scale=alt.Scale(nice=False),
    )
    axis = alt.Axis(title=None, labelExpr=percent_expr(translator), tickCount=5)
    colours = alt.Scale(domain=[after, others], range=[palette.vocal, palette.silent])
    legend = alt.Legend(
        symbolType="stroke", symbolStrokeWidth=3, columns=legend_columns([after, others], narrow=narrow)
    )
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
    return finish(layers,
        theme,
        description=description,
        height=HEIGHT_PX,
        y_title=translator.text("report.axis.share_still_customers"),
    )


def build_delay(frame: pd.DataFrame, translator: Translator, theme: Theme = "light", *, narrow: bool = False) -> LayeredChart:
    """Complainants who left, per week of delay since the complaint, beside those who would have left anyway (`iceberg.report.tables.delay_table`).

    Bins are unequal, so heights are departures per week; the open last bin has no width and stands in the table only.
    """
    description = takeaway_delay(frame, translator)
    closed = frame.dropna(subset=["to_day"]).reset_index(drop=True)
    if closed.empty or not closed["leavers"].sum():
        return note(description, theme)
    palette = palette_of(theme)
    weeks = (closed["to_day"] - closed["from_day"]) / 7
    data = closed.assign(
        per_week=closed["leavers"] / weeks,
        expected_per_week=closed["expected"] / weeks,
        zero=0.0,
        left_kind=translator.text("report.chart.leavers"),
        natural_kind=translator.text("report.chart.natural"),
        band_text=[
            band_text(low, high, translator, unit="days")
            for low, high in zip(closed["from_day"], closed["to_day"], strict=True)
        ],
        leavers_text=[translator.integer(value) for value in closed["leavers"]],
        expected_text=[
            translator.text("report.unknown") if pd.isna(value) else customers(value, translator)
            for value in closed["expected"]
        ],
    )
    colours = alt.Scale(
        domain=[data["left_kind"].iloc[0], data["natural_kind"].iloc[0]], range=[palette.vocal, palette.silent]
    )
    legend = alt.Legend(
        columns=legend_columns([data["left_kind"].iloc[0], data["natural_kind"].iloc[0]], narrow=narrow)
    )
    x = alt.X(
        "from_day:Q",
        scale=alt.Scale(nice=False),
        axis=alt.Axis(
            title=translator.text("report.axis.days_since_complaint"),
            labelExpr=number_expr(translator),
            grid=False,
            tickCount=6,
        ),
    )
    y = alt.Y(
        "per_week:Q",
        axis=alt.Axis(
            title=None,
            labelExpr=number_expr(translator),
            tickCount=5,
            tickMinStep=1,
        ),
    )
    hints = tooltip(
        ("band_text", translator.text("report.axis.days_since_complaint")),
        ("leavers_text", data["left_kind"].iloc[0]),
        ("expected_text", data["natural_kind"].iloc[0]),
    )
    base = drawing(data)
    layers: list[Drawing] = [
        base.marked("rect", opacity=0.85, stroke=palette.page, strokeWidth=1).encode(
            x=x,
            x2="to_day",
            y=y,
            y2="zero",
            color=alt.Color("left_kind:N", scale=colours, legend=legend),
            tooltip=hints,
        )
    ]
    if data["expected"].notna().any():
        layers.append(
            base.marked("rule", strokeWidth=3).encode(
                x=x,
                x2="to_day",
                y="expected_per_week:Q",
                color=alt.Color("natural_kind:N", scale=colours, legend=legend),
            )
        )
    return finish(layers,
        theme,
        description=description,
        height=HEIGHT_PX,
        y_title=translator.text("report.axis.left_per_week"),
    )


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
    axis = alt.Axis(
        title=translator.text("report.axis.tenure"),
        labelAngle=-50 if narrow else 0,
        labelOverlap=False,
        ticks=False,
        grid=False,
    )
    chart = (
        drawing(data)
        .marked("bar", color=colour or palette.vocal, cornerRadiusTopLeft=3, cornerRadiusTopRight=3)
        .encode(
            x=alt.X("label:N", sort=data["label"].tolist(), axis=axis),
            y=alt.Y(
                "rate:Q",
                axis=alt.Axis(title=None, labelExpr=number_expr(translator), tickCount=5),
            ),
            tooltip=hints,
        )
    )
    return finish([chart], theme, description=description, height=HEIGHT_PX, y_title=translator.text("report.axis.rate")
    )
