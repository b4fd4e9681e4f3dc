"""Nominal against actual coverage, as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from benchmarks.calibration.companies import MASSES


def save_figures(summary: dict[str, Any], path: Path) -> None:
    """Write what the Method page draws: one row per family and nominal coverage, those of all together first."""
    shown = {"all": summary["overall"], **{name: one for name, one in summary["families"].items() if one["total_over_truth"] is not None}}
    rows = [
        {"family": name, "nominal": mass, "actual": figures[f"coverage_{mass:.0%}"], "categories": figures.get("categories")}
        for name, figures in shown.items()
        for mass in MASSES
    ]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8")


def save_plot(summary: dict[str, Any], path: Path) -> None:
    """Write ``path.svg`` and ``path.png``: one thin line per family, the thick one for all of them together."""
    shown = [
        (name, figures) for name, figures in summary["families"].items() if figures["total_over_truth"] is not None
    ]
    named = shown + [("all families", summary[name]) for name in ("overall", "aside") if name in summary][:1]
    rows = [
        {"family": name, "nominal": mass, "actual": figures[f"coverage_{mass:.0%}"], "all": name == "all families"}
        for name, figures in named
        for mass in MASSES
        if figures.get(f"coverage_{mass:.0%}") is not None
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X(
            "nominal:Q",
            title="Nominal coverage of the interval",
            scale=alt.Scale(domain=[0.4, 1]),
            axis=alt.Axis(format="%"),
        ),
        y=alt.Y(
            "actual:Q",
            title="Share of categories whose truth it holds",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%"),
        ),
    )
    perfect = alt.Chart(pd.DataFrame({"nominal": [0.4, 1.0], "actual": [0.4, 1.0]})).mark_line(
        strokeDash=[4, 4], color="#888888"
    )
    families = (
        base.transform_filter("!datum.all")
        .mark_line(point=True, opacity=0.45)
        .encode(color=alt.Color("family:N", title="Family"))
    )
    together = base.transform_filter("datum.all").mark_line(
        point=alt.OverlayMarkDef(size=70), strokeWidth=4, color="#1b2a41"
    )
    chart = (perfect.encode(x="nominal:Q", y="actual:Q") + families + together).properties(
        width=420, height=420, title="Nominal and actual coverage (thick: all families together)"
    )
    chart.save(path.with_suffix(".svg"))
    chart.save(path.with_suffix(".png"), ppi=144)
