"""Are changes of what is recorded found, told from seasons, incidents and growth, and is the interval right once they are answered?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.calibration.gaps import MADE_HERE
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_company
from iceberg.simulation.history import CompanyHistory, day_number
from iceberg.simulation.worlds import WORLDS, CompanyTruth, count_months, season

RESULTS = Path(__file__).parent / "results"
FAMILIES = ("mixed", "one_segment", "seasonal", "small", "natural_by_segment", "eight_categories", "young", "folk")


def _times(truth: CompanyTruth, by_month: np.ndarray, chosen: Sequence[int] | None = None) -> CompanyTruth:
    """The problems of all (or some) categories more or less frequent by month."""
    chosen = range(len(truth.categories)) if chosen is None else chosen
    changed = [
        replace(kind, cell_multipliers=np.asarray(kind.cell_multipliers) * by_month[None]) if number in chosen else kind
        for number, kind in enumerate(truth.categories)
    ]
    return replace(truth, categories=tuple(changed))


def in_season(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """All problems have a season of amplitude 0.2 to 0.6."""
    wave = season(count_months(truth.window), truth.window, amplitude=float(rng.uniform(0.2, 0.6)), peak_month=int(rng.integers(1, 13)))
    return _times(truth, wave)


def short_season(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """Two months of every year bring 1.3 to 2 times as many problems of every kind."""
    months = count_months(truth.window)
    first = int(rng.integers(12))
    return _times(truth, np.where(np.isin((np.arange(months) - first) % 12, (0, 1)), rng.uniform(1.3, 2.0), 1.0))


def incident(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """One category breaks down for two to four months."""
    months, length = count_months(truth.window), int(rng.integers(2, 5))
    begins = 12 + int(rng.integers(2, 22 - length))
    wave = np.ones(months)
    wave[begins : begins + length] = rng.uniform(2.5, 6.0)
    return _times(truth, wave, [int(rng.integers(len(truth.categories)))])


def growth(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """All problems become 1.5 to 3 times as frequent, or as rare, over the two years."""
    months = count_months(truth.window)
    factor = rng.uniform(1.5, 3.0) ** rng.choice([-1, 1])
    return _times(truth, factor ** (np.arange(months) / months))


FAIR: dict[str, Callable[[CompanyTruth, np.random.Generator], CompanyTruth]] = {
    "as they are": lambda truth, rng: truth, "season": in_season, "short season": short_season, "incident": incident, "growth": growth,
}  # fmt: skip


def record_fewer(history: CompanyHistory, lost: np.ndarray) -> CompanyHistory:
    """The same lives, of whose complaints those `lost` were never recorded: to the files these customers are silent."""
    complaints = history.complaints[~lost]
    last = pd.Series(complaints["day"].to_numpy(), index=pd.MultiIndex.from_frame(complaints[["customer", "category"]])).groupby(level=[0, 1]).max()
    people = history.people
    of = pd.MultiIndex.from_arrays([np.arange(len(people)), people["cause"].to_numpy()])
    recorded = last.reindex(of).fillna(-1).to_numpy() >= people["cause_day"].to_numpy()
    return replace(history, complaints=complaints, people=people.assign(cause_voiced=people["cause_voiced"].to_numpy() & recorded))


def recording_change(truth: CompanyTruth, rng: np.random.Generator, *, one: bool = False) -> tuple[SimulatedCompany, pd.Timestamp, float, str]:
    """A company whose tool records 1.5 to 3 times as many complaints from one day on, or as many fewer; of one category 2.5 to 4 times."""
    history = simulate_company(truth, rng).history
    window = truth.window
    day = pd.Timestamp(window.since) + pd.Timedelta(days=int(rng.uniform(0.2, 0.8) * window.days))
    factor = float(rng.uniform(2.5, 4.0) if one else np.exp(rng.uniform(np.log(1.5), np.log(3.0))))
    rises = rng.random() < 0.5
    complaints = history.complaints
    after = complaints["day"].to_numpy() >= day_number(day.date())
    lost = (after != rises) & (rng.random(len(complaints)) > 1 / factor)
    category = int(rng.integers(len(truth.categories))) if one else -1
    if one:
        lost &= complaints["category"].to_numpy() == category
    company = observe_history(record_fewer(history, lost), window)
    return company, day, factor if rises else 1 / factor, truth.categories[category].name if one else ""


def draw_truth(family: str, seed: int) -> tuple[CompanyTruth, np.random.Generator]:
    rng = np.random.default_rng([seed, *family.encode()])
    return ({**WORLDS, **MADE_HERE}[family])(rng), rng
