"""Counting by step and channel: as many as a row-by-row count finds, unknown texts by name, and no customer in the counts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.journey.count import LEAST_OF_CHANNEL
from iceberg.cohort.journey.journey_counts import BLANK, OTHER_CHANNELS, OUTSIDE, JourneyCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.simulation.company import SimulatedCompany, simulate_world

STAGES = ["delivery", "Achat", "usage", None, "somewhere"]
CHANNELS = ["Web", "web ", "phone", None]


@pytest.fixture(scope="module")
def company() -> SimulatedCompany:
    return simulate_world("mixed", 3)


@pytest.fixture(scope="module")
def complaints(company: SimulatedCompany) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = company.complaints.copy()
    frame["stage"] = rng.choice(np.array(STAGES, dtype=object), len(frame))
    frame["channel"] = rng.choice(np.array(CHANNELS, dtype=object), len(frame), p=[0.5, 0.2, 0.25, 0.05])
    return frame


def reduce(company: SimulatedCompany, complaints: pd.DataFrame, mapping: dict[str, object] | None = None, **more: object) -> CohortCounts:
    tables, _ = load_tables(company.customers, complaints, mapping=MappingSet.from_dict(mapping or {}), **more)  # type: ignore[arg-type]
    with tables:
        return reduce_tables(tables, keep_cancellations=True)


def of(counts: CohortCounts) -> JourneyCounts:
    assert counts.journey is not None
    return counts.journey


def test_complainants_by_step_are_those_of_a_count_row_by_row(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    counts = reduce(company, complaints)
    found, window = of(counts), counts.window
    rows = complaints.merge(company.customers, on="customer_id")
    rows = rows[(rows["complaint_date"] >= rows["start_date"]) & ~(rows["complaint_date"] > rows["end_date"])]
    early = pd.Timestamp(window.since)
    last = pd.Timestamp(window.as_of)
    rows = rows[(rows["complaint_date"] <= last)].drop_duplicates(["customer_id", "complaint_date", "category"])
    first = rows.sort_values(["complaint_date", "stage"], na_position="last", kind="stable").drop_duplicates(["customer_id", "category"])
    first = first[first["complaint_date"] >= early]
    place = {"delivery": 2, "Achat": 1, "usage": 3, "somewhere": OUTSIDE}
    expected = first.assign(place=[place.get(stage, BLANK) for stage in first["stage"]]).groupby(["category", "place"]).size()
    counted = {(counts.categories[one.category], one.place): one.customers for one in found.complained}
    assert counted == {key: int(value) for key, value in expected.items()}
    sums = np.zeros(len(counts.categories), dtype=np.int64)
    for one in found.complained:
        sums[one.category] += one.customers
    assert sums.tolist() == counts.vocal_customers.tolist()


def test_a_text_that_is_no_step_is_named_with_its_cases(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    kept = complaints.drop_duplicates(["customer_id", "complaint_date", "category"])
    assert of(reduce(company, complaints)).outside == (("somewhere", int((kept["stage"] == "somewhere").sum())),)


def test_own_steps_take_the_place_of_the_usual_ones(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    found = of(reduce(company, complaints, {"journey": {"stages": ["Usage", "Somewhere"]}}))
    assert found.stages == ("Usage", "Somewhere") and found.own_names
    assert {name for name, _ in found.outside} == {"delivery", "Achat"}


def test_the_mapping_places_categories_and_names_those_that_nobody_has(company: SimulatedCompany) -> None:
    names = sorted(set(company.complaints["category"]))
    found = of(reduce(company, company.complaints, {"journey": {names[1].upper(): "use", "no such category": "help"}}))
    assert found.placed == ((1, 3),) and found.missing == ("no such category",) and found.complained == ()


def test_spellings_of_a_channel_are_one_and_each_complainant_has_one_channel(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    counts = reduce(company, complaints)
    found = of(counts)
    assert found.channels == ("Web", "phone")
    blank = sum(one.customers for one in found.heard if one.place == BLANK)
    assert blank > 0
    people = int((found.clock.exited + found.clock.censored).sum())
    assert 0.9 * counts.vocal_customers_total < people < counts.vocal_customers_total
    every = of(reduce(company, complaints.assign(channel=complaints["channel"].fillna("mail"))))
    assert int((every.clock.exited + every.clock.censored).sum()) == counts.vocal_customers_total
    alone = of(reduce(company, complaints.assign(channel="web")))
    whole = counts.clock.where(counts.clock.category == -1)
    assert int(alone.clock.exited.sum()) == int(whole.exited.sum()) and int(alone.clock.days_in_bin.sum()) == int(whole.days_in_bin.sum())


def test_a_channel_of_few_customers_is_never_named(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    some = complaints.assign(channel="web")
    some.loc[some.index[:2], "channel"] = "letter to the director"
    some.loc[some.index[2:60], "channel"] = "phone"
    found = of(reduce(company, some))
    assert found.channels[0] == "web" and found.channels[-1] == OTHER_CHANNELS and "letter to the director" not in json.dumps(found.to_dict())
    assert all(sum(one.customers for one in found.heard if one.place == place) >= LEAST_OF_CHANNEL for place in range(len(found.channels)))


def test_the_silent_of_an_incident_log_are_split_by_its_own_column(company: SimulatedCompany) -> None:
    rng = np.random.default_rng(1)
    log = company.incidents.assign(stage=rng.choice(["delivery", "use"], len(company.incidents)))
    counts = reduce(company, company.complaints, incidents=log)
    assert counts.observed is not None
    silent = counts.observed.struck.sum(axis=1) - counts.observed.voiced.sum(axis=1)
    found = np.zeros(len(counts.categories), dtype=np.int64)
    for one in of(counts).struck:
        found[one.category] += one.customers
    assert found.tolist() == silent.tolist()


def test_everything_but_the_journey_is_the_same_and_it_is_read_back(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    counts, plain = reduce(company, complaints), reduce(company, company.complaints)
    assert plain.journey is None and replace(counts, journey=None).digest == plain.digest
    data = write_counts(counts)
    again = read_counts(data)
    assert again.digest == counts.digest and of(again).to_dict() == of(counts).to_dict()
    assert all(name not in json.dumps(of(counts).to_dict()) for name in company.customers["customer_id"].iloc[:50])


def test_the_order_of_rows_changes_nothing(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    shuffled = complaints.sample(frac=1, random_state=4)
    assert reduce(company, shuffled).digest == reduce(company, complaints).digest


def test_segments_are_chosen_on_the_clock(company: SimulatedCompany, complaints: pd.DataFrame) -> None:
    counts = reduce(company, complaints)
    if len(counts.segments) < 2:
        pytest.skip("one segment")
    part = counts.select(segments=counts.segments[1:2])
    own = of(counts).clock
    assert of(part).clock.exited.sum() == own.exited[own.segment == 1].sum() and set(of(part).clock.segment.tolist()) <= {0}


def test_counts_of_volumes_take_the_mapping_alone(tmp_path: Path) -> None:
    volumes = pd.DataFrame({"month": ["2025-01", "2025-02"], "category": ["billing", "delivery"], "complaints": [40, 50]})
    tables, _ = load_tables(volumes=volumes, mapping=MappingSet.from_dict({"journey": {"billing": "buying"}}))
    with tables:
        counts = reduce_tables(tables)
    assert of(counts).placed == ((0, 1),) and of(counts).channels == ()
