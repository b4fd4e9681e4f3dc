import io
import json
import zipfile
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.day_counts import TenureDayCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import FileError, OptionError

from .companies import random_company

WINDOW = ObservationWindow(date(2020, 1, 1), date(2020, 12, 31), look_back_days=10)


@pytest.fixture
def counts(tables_from_frames) -> CohortCounts:
    customers, complaints = random_company(7)
    return reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=WINDOW)


def test_bytes_give_the_counts_back(counts):
    again = read_counts(write_counts(counts))
    assert again.digest == counts.digest
    assert again.window == WINDOW
    assert again.segments == counts.segments
    np.testing.assert_array_equal(again.silent_person_days, counts.silent_person_days)
    np.testing.assert_array_equal(again.clock.days_in_bin, counts.clock.days_in_bin)


def test_bytes_can_be_read_without_this_package(counts):
    with np.load(io.BytesIO(write_counts(counts))) as archive:
        assert archive["silent_exits"].sum() == counts.silent_leavers
        assert archive["tenure_days.entered"].sum() == counts.tenure_days.entered.sum()
    with zipfile.ZipFile(io.BytesIO(write_counts(counts))) as archive:
        header = json.loads(archive.read("header.json"))
    assert header["since"] == "2020-01-01"
    assert header["categories"] == list(counts.categories)
    assert header["digest"] == counts.digest


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"no archive", lambda data: data[: len(data) // 2]])
def test_bytes_that_are_no_counts_are_refused(counts, damage):
    with pytest.raises(FileError) as caught:
        read_counts(damage(write_counts(counts)))
    assert caught.value.code == "counts_unreadable"


def test_changed_bytes_are_refused(counts):
    other = write_counts(replace(counts, currency="USD"))
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(write_counts(counts))) as mine,
        zipfile.ZipFile(io.BytesIO(other)) as theirs,
        zipfile.ZipFile(target, "w") as mixed,
    ):
        wrong = json.loads(theirs.read("header.json")) | {"digest": counts.digest}  # another currency under the same digest
        for name in mine.namelist():
            mixed.writestr(name, json.dumps(wrong) if name == "header.json" else mine.read(name))
    with pytest.raises(FileError):
        read_counts(target.getvalue())


def test_every_part_moves_the_digest(counts):
    digests = {counts.digest}
    digests.add(replace(counts, currency="USD").digest)
    digests.add(replace(counts, segments=("x", *counts.segments[1:])).digest)
    digests.add(replace(counts, window=ObservationWindow(WINDOW.since, WINDOW.as_of)).digest)
    digests.add(replace(counts, silent_person_days=counts.silent_person_days + 1).digest)
    digests.add(replace(counts, silent_exit_revenue=counts.silent_exit_revenue + 0.01).digest)
    assert len(digests) == 6


def test_selected_segments_add_up_to_the_whole(counts):
    parts = [counts.select(segments=[name]) for name in counts.segments]
    for name in ("silent_person_days", "silent_exits", "vocal_exits", "complainants_any"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(counts, name))
    assert sum(part.customers for part in parts) == counts.customers
    assert sum(part.tenure_days.entered.sum() for part in parts) == counts.tenure_days.entered.sum()
    assert sum(part.clock.days_in_bin.sum() for part in parts) == counts.clock.days_in_bin.sum()
    assert all(set(part.clock.segment) == {0} for part in parts)
    assert counts.select(segments=counts.segments[::-1]).digest == counts.digest


@pytest.mark.parametrize("segments", [[], ["nowhere"]])
def test_unknown_segments_are_refused(counts, segments):
    with pytest.raises(OptionError) as caught:
        counts.select(segments=segments)
    assert caught.value.code == "segment_unknown"


def test_arrays_cannot_be_written(counts):
    for array in (counts.silent_exits, counts.silent_exit_revenue, counts.tenure_days.entered, counts.clock.exited):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_arrays_are_copies():
    volumes = np.ones((1, 12), dtype=np.int64)
    counts = CohortCounts.zeros(WINDOW, categories=["x"], complaints=volumes)
    volumes[:] = 5
    assert counts.complaints.sum() == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"silent_exits": np.ones((3, 12, 11), dtype=int)},
        {"silent_exits": np.ones((3, 12, 10), dtype=int)},
        {"silent_exits": np.full((3, 12, 11), -1)},
        {"silent_exits": np.full((3, 12, 11), 0.5)},
        {"silent_exit_revenue": np.full((3, 12, 11), np.nan)},
        {"complainants_any": np.full((3, 12, 11), 99)},
        {"complaints": np.zeros((3, 12), dtype=int)},
        {"band_edges_months": (1, *range(2, 12))},
        {"clock_edges_days": (0, 7, 7)},
        {"segments": ("a", "a", "b")},
        {"tenure_days": TenureDayCounts(*([[0], [0], [0], [2], [1], [0]]))},
        {"tenure_days": TenureDayCounts(*([[9], [0], [0], [1], [1], [0]]))},
    ],
    ids=lambda wrong: f"{next(iter(wrong))}",
)
def test_contradictory_counts_cannot_be_made(counts, wrong):
    with pytest.raises(ValueError, match=r".+"):
        replace(counts, **wrong)


def test_columns_of_day_counts_are_equally_long():
    with pytest.raises(ValueError, match="length"):
        TenureDayCounts([0], [0], [0], [1, 2], [0], [0])


def test_volumes_are_kept_by_sorted_category():
    volumes = np.arange(24).reshape(2, 12)
    counts = CohortCounts.from_volumes(WINDOW, categories=["z", "a"], complaints=volumes)
    assert counts.categories == ("a", "z")
    np.testing.assert_array_equal(counts.complaints, volumes[::-1])
    assert (counts.silent_leavers, counts.customers, counts.has_customers) == (0, 0, False)
    assert np.isnan(counts.repeats).all()
    assert read_counts(write_counts(counts)).digest == counts.digest
