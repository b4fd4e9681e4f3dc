"""Many segments and several segment columns: the same information as every other way gives, and results that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.axis_names import OTHER_NAMES
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import MappingError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit import parameters
from iceberg.model.departures.fit.arrow import factorise
from iceberg.model.departures.fit.design import LexisDesign, evaluate_rates
from iceberg.model.departures.fit.information import fisher_information
from iceberg.model.departures.fit.marginal_mode import ratio_drag
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard, prior_of
from iceberg.model.departures.fit.variances import Variances
from iceberg.model.departures.fit.wide_arrow import factorise_wide
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_parts
from tests.companies import company_with_contracts
from tests.model.test_excess_hazard import company, fitted


@cache
def with_contracts() -> ExcessHazardFit:
    """The fit of a company with contracts of a year."""
    customers, complaints, _ = company_with_contracts(4, customers=6_000)
    tables, _ = load_tables(customers=customers, complaints=complaints)
    with tables:
        counts = reduce_tables(tables, window=ObservationWindow(date(2024, 7, 1), date(2026, 6, 29)))
    assert counts.renewals is not None
    return fit_excess_hazard(counts, Assumptions())


@cache
def with_change() -> ExcessHazardFit:
    """The fit of a company whose ticket tool changed, and that won a wave of customers who do not fit."""
    counts = company("small", 0)[0]
    fit = fit_excess_hazard(replace(counts, recording_changes=(RecordingChange(counts.months[9]),)), Assumptions())
    factor = np.linspace(0.8, 1.3, fit.layout.months * fit.layout.bands).reshape(fit.layout.months, -1)
    return replace(fit, design=replace(fit.design, natural_factor=factor))


@pytest.mark.parametrize("make", [lambda: fitted("small", 0), with_contracts, with_change], ids=["plain", "contracts", "recording change"])
def test_both_ways_of_eliminating_segments_agree(monkeypatch, make):
    """To the digits of single precision: factors, solutions, variances and drag."""
    fit = make()
    layout, prior, effects = fit.layout, prior_of(fit), fit.layout.effects(fit.shared, fit.own)
    rates = fit.rates_at(fit.shared, fit.own)
    usual = fisher_information(fit.design, layout, effects, rates)
    arrow = factorise(layout, usual, prior)
    drag = ratio_drag(layout, usual, arrow)
    monkeypatch.setattr(parameters, "FEW_SEGMENTS", 1)
    information = fisher_information(fit.design, layout, effects, rates)
    wide = factorise_wide(layout, information, prior)
    rng = np.random.default_rng(3)
    shared, own = rng.standard_normal(layout.shared_size), rng.standard_normal((layout.segments, layout.local_size))
    for found, expected in zip(wide.solve(shared, own), arrow.solve(shared, own), strict=True):
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert wide.log_determinant == pytest.approx(arrow.log_determinant, rel=1e-6)
    assert wide.local_variances() == pytest.approx(arrow.local_variances(), rel=1e-3)
    assert ratio_drag(layout, information, wide) == pytest.approx(drag, rel=1e-3)


def test_draws_of_many_segments_vary_as_the_parameters_do(monkeypatch):
    """4,000 draws by the way of many segments: the standard deviations of the factors in double precision."""
    fit = fitted("small", 0)
    layout, prior, effects = fit.layout, prior_of(fit), fit.layout.effects(fit.shared, fit.own)
    rates = fit.rates_at(fit.shared, fit.own)
    arrow = factorise(layout, fisher_information(fit.design, layout, effects, rates), prior)
    sd = np.sqrt(arrow.local_variances())
    monkeypatch.setattr(parameters, "FEW_SEGMENTS", 1)
    wide = factorise_wide(layout, fisher_information(fit.design, layout, effects, rates), prior)
    rng = np.random.default_rng(2)
    shared = wide.draw_shared(rng, 4000)
    own = wide.draw_own(rng, shared)
    assert own.std(axis=0) / sd == pytest.approx(np.ones_like(sd), abs=0.06)
    response = np.array([wide.response(one) for one in shared[:50]])
    usual = np.array([arrow.response(one) for one in shared[:50]])
    assert np.abs(response - usual).max() < 1e-4 * np.abs(usual).max()
    # What the shared parameters ask for is in every draw: without it, draws vary as the parameters do given the shared ones.
    apart = wide.draw_own(np.random.default_rng(3), shared[:50]) - wide.draw_own(np.random.default_rng(3), 0 * shared[:50])
    assert np.abs(apart + response).max() < 1e-3 * np.abs(response).max()


def test_effects_of_levels_are_solved_as_in_one_dense_matrix():
    """Four segments as two by two levels: information times its solution is the vector again."""
    fit = fitted("small", 0)
    members = tuple((s % 2, 2 + s // 2) for s in range(fit.layout.segments))
    layout = replace(fit.layout, membership=members, column_sizes=(2, 2))
    rng = np.random.default_rng(5)
    shared, own = 0.1 * rng.standard_normal(layout.shared_size), 0.1 * rng.standard_normal((layout.segments, layout.local_size))
    shared[: fit.layout.shared_size] += fit.shared
    prior = parameters.build_prior(layout, Variances.start(layout.categories, 2), fit.ratio_prior, fit.kernel, fit.levels)
    effects = layout.effects(shared, own)
    rates = evaluate_rates(fit.design, effects)
    found = fisher_information(fit.design, layout, effects, rates)
    size, n, segments = layout.shared_size, layout.local_size, layout.segments
    dense = np.zeros((size + segments * n, size + segments * n))
    dense[:size, :size] = prior.shared_precision
    dense[np.arange(size, len(dense)), np.arange(size, len(dense))] = np.tile(prior.local_precision, segments)
    for s in range(segments):
        rows = np.zeros((found.rows.shape[1], len(dense)))
        of_own, alike = layout.of_own
        rows[:, layout.met[s, layout.other_places]], rows[:, layout.met[s, of_own]] = found.rows[s], found.own_rows[s][:, alike]
        rows[:, size + s * n : size + (s + 1) * n] = found.own_rows[s]
        dense += rows.T @ rows
    step, slopes = 1e-4, []
    for place in range(size + n):
        unit = np.zeros(size + segments * n)
        unit[place] = step
        moved = evaluate_rates(fit.design, layout.effects(shared + unit[:size], own + unit[size:].reshape(segments, n)))
        slopes.append(np.log(moved.complaints / rates.complaints) / step)
    slope = np.nan_to_num(np.array(slopes))
    for s in range(segments):
        place = np.concatenate([np.arange(size), size + s * n + np.arange(n)])
        x = np.concatenate([slope[:size, :, s], slope[size:, :, 0]]).reshape(size + n, -1)
        dense[np.ix_(place, place)] += (x * rates.complaints[:, s].reshape(-1)) @ x.T
    vector = rng.standard_normal(len(dense))
    first, alone = factorise_wide(layout, found, prior).solve(vector[:size], vector[size:].reshape(segments, n))
    expected = np.linalg.solve(dense, vector)
    assert np.abs(np.concatenate([first, alone.ravel()]) - expected).max() < 2e-3 * np.abs(expected).max()


def customers_of(rows: list[tuple[str | None, str | None]]) -> pd.DataFrame:
    start = [date(2024, 1, 1)] * len(rows)
    frame = pd.DataFrame({"customer_id": [f"C{n}" for n in range(len(rows))], "start_date": start})
    return frame.assign(region=[region for region, _ in rows], plan=[plan for _, plan in rows])


ROWS = [("North", "Premium"), ("North", "Basic"), ("South", "Basic"), ("South", None), ("North", "Premium")]


def test_several_columns_are_counted_by_their_cells_and_every_format_keeps_the_levels():
    mapping = MappingSet(segments=("region", "plan"))
    tables, report = load_tables(customers=customers_of(ROWS), mapping=mapping, today=date(2024, 12, 31), as_of=date(2024, 12, 31))
    with tables:
        counts = reduce_tables(tables)
    assert counts.segments == ("North · Basic", "North · Premium", "South · Basic", "South · –")
    assert counts.segment_columns == ("region", "plan")
    assert counts.segment_levels == (("North", "Basic"), ("North", "Premium"), ("South", "Basic"), ("South", "–"))
    assert counts.customers_at_risk.tolist() == [1, 2, 1, 1]
    assert report.files[0].dropped == ()
    for again in (read_counts(write_counts(counts)), read_parts(counts_parts(counts))):
        assert again.segment_levels == counts.segment_levels
        assert again.digest == counts.digest
    assert counts.select(segments=["South · –"]).segment_levels == (("South", "–"),)


def test_branches_beside_their_regions_have_effects_of_the_regions_alone():
    """What a column of as many levels as segments says, the segments say; a column of one level says nothing."""
    counts = company("small", 0)[0]
    names = [f"s{number}" for number in range(len(counts.segments))]
    levels = tuple((f"r{number % 2}", name, "all") for number, name in enumerate(names))
    design = LexisDesign.of(replace(counts, segment_columns=("region", "branch", "country"), segment_levels=levels), lags=2)
    assert design.column_sizes == (2,)
    assert design.membership == tuple((number % 2,) for number in range(len(names)))
    alone = LexisDesign.of(replace(counts, segment_columns=("branch", "country"), segment_levels=tuple(level[1:] for level in levels)), lags=2)
    assert (alone.column_sizes, alone.membership) == ((), ())


def test_a_mapping_lists_the_columns_and_is_saved_with_them():
    for content in ({"customers": {"segments": ["region", "plan"]}}, {"customers": {"columns": {"segment": ["region", "plan"]}}}):
        assert MappingSet.from_dict(MappingSet.from_dict(content).to_dict()) == MappingSet.from_dict(content)
    assert MappingSet.from_dict({"customers": {"columns": {"segment": ["region", "plan"]}}}).tables["customers"].header("segment") == "region + plan"
    with pytest.raises(MappingError):
        MappingSet.from_dict({"customers": {"segments": []}})


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(MappingError) as caught:
        load_tables(customers=customers_of(ROWS), mapping=MappingSet(segments=("region", "tariff")), today=date(2024, 12, 31))
    assert caught.value.code == "column_not_found"


def test_of_many_segments_small_ones_are_taken_together():
    """Thirteen segments of 30 customers stand alone; two of fewer share the last place, one alone would not."""
    rows = [(f"r{number:02}", "x") for number in range(13) for _ in range(30)]
    for small, grouped in ((["a"], 0), (["a", "b"], 2)):
        frame = customers_of(rows + [(name, "x") for name in small])
        tables, _ = load_tables(customers=frame, mapping=MappingSet(segments=("region",)), today=date(2024, 12, 31), as_of=date(2024, 12, 31))
        with tables:
            counts = reduce_tables(tables)
        assert counts.grouped_segments == grouped
        assert (counts.segments[-1] == OTHER_NAMES) == bool(grouped)
        assert len(counts.segments) == 14
