"""Are ranks uniform? Histogram, chi-square, and the empirical distribution inside a simultaneous band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chisquare

FloatArray = npt.NDArray[np.float64]
BINS = 10
GRID = np.linspace(0.02, 0.98, 49)
SIMULATED = 4000


def summarise(ranks: FloatArray) -> dict[str, Any]:
    """Histogram, p of a chi-square test, and how far the distribution is from uniform, with a 95 % band for all points at once."""
    histogram = np.histogram(ranks, bins=BINS, range=(0, 1))[0]
    departure = (ranks[None] <= GRID[:, None]).mean(axis=1) - GRID
    band = simultaneous_band(len(ranks))
    return {
        "ranks": len(ranks),
        "histogram": histogram.tolist(),
        "mean_rank": round(float(ranks.mean()), 4),
        "uniform_p": round(float(chisquare(histogram).pvalue), 5),
        "largest_ecdf_departure": round(float(departure[np.abs(departure).argmax()]), 4),
        "ecdf_inside_band": bool((np.abs(departure) <= band).all()),
    }


def simultaneous_band(size: int, *, mass: float = 0.95) -> FloatArray:
    """Half width at each point of `GRID`: binomial standard errors times the factor that holds whole curves of uniform ranks in `mass` of cases."""
    error = np.sqrt(GRID * (1 - GRID) / size)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(size, np.diff(np.concatenate([[0], GRID, [1]])), size=SIMULATED)
    curves = counts.cumsum(axis=1)[:, :-1] / size - GRID
    return np.asarray(np.quantile(np.abs(curves / error).max(axis=1), mass) * error)


def save_plot(ranks: dict[str, FloatArray], path: Path) -> None:
    """Write ``path.png``: per quantity the histogram above, the empirical distribution minus the uniform below, with its band."""
    panels = [alt.vconcat(_histogram(values, title), _departure(values)) for title, values in ranks.items()]
    alt.hconcat(*panels).save(path.with_suffix(".png"), ppi=110)


def _histogram(ranks: FloatArray, title: str) -> Any:
    counts = np.histogram(ranks, bins=BINS, range=(0, 1))[0]
    expected = len(ranks) / BINS
    chance = 1.96 * np.sqrt(expected * (1 - 1 / BINS))
    frame = pd.DataFrame({"low": np.arange(BINS) / BINS, "high": np.arange(1, BINS + 1) / BINS, "count": counts})
    frame["from"], frame["to"] = expected - chance, expected + chance
    base = alt.Chart(frame).encode(x=alt.X("low:Q", title="Rank of the truth among the draws", scale=alt.Scale(domain=[0, 1])), x2="high:Q")
    bars = base.mark_rect(color="#6b8cae", stroke="white").encode(y=alt.Y("count:Q", title="Truths"), y2=alt.datum(0))
    band = base.mark_rect(color="#cccccc", opacity=0.6).encode(y="from:Q", y2="to:Q")
    return alt.layer(bars, band).properties(width=320, height=170, title=title)


def _departure(ranks: FloatArray) -> Any:
    band = simultaneous_band(len(ranks))
    frame = pd.DataFrame({"rank": GRID, "departure": (ranks[None] <= GRID[:, None]).mean(axis=1) - GRID, "from": -band, "to": band})
    base = alt.Chart(frame).encode(x=alt.X("rank:Q", title="Rank", scale=alt.Scale(domain=[0, 1])))
    shade = base.mark_area(color="#cccccc", opacity=0.6).encode(y=alt.Y("from:Q", title="Distribution minus uniform"), y2="to:Q")
    return alt.layer(shade, base.mark_line(color="#1b2a41").encode(y="departure:Q")).properties(width=320, height=170)
