"""The Cox reading from day counts: equal to lifelines on rows, and honest where it cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxTimeVaryingFitter

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import TenureDayCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.survival.cox import _efron_nodes, fit_cox
from tests.cohort.companies import random_company
from tests.model.companies import reduce_frames, spells, world

WINDOW = ObservationWindow(pd.Timestamp("2020-01-01").date(), pd.Timestamp("2022-12-31").date(), look_back_days=0)


@pytest.mark.parametrize("stratify", [False, True])
def test_cox_from_counts_equals_lifelines_on_rows(tables_from_frames, stratify: bool) -> None:
    """Coefficients and standard errors of the time-varying model, ties by Efron, with and without strata."""
    customers, complaints = random_company(11, customers=400)
    counts = reduce_frames(tables_from_frames, customers, complaints, WINDOW)
    rows = spells(customers, complaints, WINDOW)
    table = pd.DataFrame(
        {"id": range(len(rows)), "start": rows.entry, "stop": rows.stop, "event": rows.event.astype(bool)}
    )
    for category in counts.categories:
        table[category] = (rows.state == category).astype(float)
    if stratify:
        table["segment"] = rows.segment
    reference = CoxTimeVaryingFitter()
    reference.fit(
        table,
        id_col="id",
        start_col="start",
        stop_col="stop",
        event_col="event",
        strata=["segment"] if stratify else None,
        fit_options={"precision": 1e-12},
    )
    reading = fit_cox(counts, stratify=stratify)
    assert reading.status == "converged"
    assert reading.log_hazard == pytest.approx(reference.params_[list(reading.categories)].to_numpy(), abs=1e-8)
    assert reading.standard_error == pytest.approx(
        reference.standard_errors_[list(reading.categories)].to_numpy(), abs=1e-8
    )
    assert reading.log_likelihood == pytest.approx(reference.log_likelihood_, abs=1e-6)


@pytest.mark.parametrize("departures", [1, 5, 12, 13, 40, 1000, 10**6])
def test_discrete_gauss_sums_like_the_sum(departures: int) -> None:
    """sum of log(2 - l/d) over the d departures of a day, from at most twelve numbers."""
    node, weight = _efron_nodes(departures)
    exact = np.log(2 - np.arange(departures) / departures).sum()
    assert len(node) <= 12
    assert (weight * np.log(2 - node)).sum() == pytest.approx(exact, rel=1e-11)


def test_hazard_ratio_of_a_known_effect_is_recovered(tables_from_frames) -> None:
    """Complaints of the simulated company make complainers leave: hazard ratios are above one where they do so most."""
    _, counts = world(tables_from_frames, "mixed", 2)
    reading = fit_cox(counts)
    strongest = int(np.argmax(reading.log_hazard))
    assert reading.status == "converged"
    assert reading.hazard_ratio[strongest].lower > 1
    assert all(code in {"proportional", "effect_fades", "effect_grows"} for code, _ in reading.proportional)
    assert 0 <= reading.global_p_value <= 1


def separated(reference_leaves: bool) -> CohortCounts:
    """Complainers all leave on day 10; the others never do while they are there, or not at all."""
    rows = [
        (0, 0, 100, 0, 0),
        (0, 20, 0, 5 if reference_leaves else 0, 95 if reference_leaves else 100),
        (1, 5, 50, 0, 0),
        (1, 10, 0, 50, 0),
    ]
    state, day, entered, exited, censored = np.array(rows, dtype=np.int64).T
    days = TenureDayCounts(state, np.zeros_like(state), day, entered, exited, censored)
    return CohortCounts.zeros(WINDOW, categories=("a",), tenure_days=days)


def test_separation_is_named_and_not_reported_as_a_finding() -> None:
    """Where complaining and leaving are the same thing the likelihood has no maximum: no hazard ratio of 1e99."""
    assert fit_cox(separated(reference_leaves=True)).status == "diverged"
    assert fit_cox(separated(reference_leaves=False)).status == "no_reference"


def test_without_complainers_there_is_no_reading() -> None:
    reading = fit_cox(CohortCounts.zeros(WINDOW, categories=("a",)))
    assert reading.status == "no_departures"
    assert reading.left_out == ("a",)
