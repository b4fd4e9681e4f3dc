"""Seconds from file to counts against the number of customers, as a picture."""

from __future__ import annotations

from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert


def save_plot(rows: list[dict], path: Path) -> None:
    """Both axes are logarithmic: what grows with the customers rises by one step per step, what does not stays level."""
    shown = [row for row in rows if row["case"] != "reduction alone"]
    frame = pd.DataFrame(
        [{"customers": row["customers"], "seconds": row["seconds"], "what": _label(row), "format": row["format"]} for row in shown]
    )
    base = alt.Chart(frame).encode(
        x=alt.X("customers:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s", title="customers"), title="customers"),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"),
        color=alt.Color("what:N", title=None, sort=None, legend=alt.Legend(orient="right", labelLimit=320)),
    )
    chart = (base.mark_line() + base.mark_point(filled=True, size=40)).properties(width=520, height=320)
    path.write_text(vl_convert.vegalite_to_svg(chart.to_json()), encoding="utf-8")


def _label(row: dict) -> str:
    return str(row["case"]) if row["case"].startswith(("pandas", "after")) else f"{row['case']}, {row['format']}"
