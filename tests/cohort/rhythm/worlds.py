"""Small logs of the simulated gym, read as files are."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from iceberg.cohort.rhythm.breaks.exposure import WeekBlock
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.cohort.rhythm.people import BrokenRhythm
from iceberg.cohort.rhythm.reduce import reduce_rhythm
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.tables import Tables
from iceberg.simulation.gym import VisitLog, VisitWorld, simulate_visits

MAPPING = replace(MappingSet(), joining=replace(MappingSet().joining, end_from="customers"))
BUSY = VisitWorld(members=1_500, incidents=0.006, struck_share=0.3)


@dataclass(frozen=True)
class Judged:
    """A log, its counts and its list."""

    log: VisitLog
    counts: RhythmCounts
    people: tuple[BrokenRhythm, ...]

    @property
    def numbers(self) -> np.ndarray:
        return np.array([int(one.customer_id[1:]) - 100_000 for one in self.people], dtype=int)


def load_log(log: VisitLog, *, segments: bool = False) -> Tables:
    files = {"activity": UploadedBytes("visits.csv", log.activity_csv())}
    if len(log.incidents):
        files["incidents"] = UploadedBytes("incidents.csv", log.incidents_csv())
    if segments:
        files["customers"] = UploadedBytes("members.csv", log.members_csv())
    return load_tables(**files, mapping=replace(MAPPING, segments=("plan",)) if segments else MAPPING)[0]


@cache
def judge(world: VisitWorld = BUSY, *, seed: int = 1, segments: bool = False, false_alarms: float = 2.0) -> Judged:
    log, people = simulate_visits(world, seed=seed), []
    with load_log(log, segments=segments) as tables:
        counts = reduce_rhythm(tables, false_alarms=false_alarms, while_listed=lambda _, rows: people.extend(rows))
    return Judged(log, counts, tuple(people))


def block_of(days: np.ndarray) -> WeekBlock:
    """A block from active days by week; nobody has left."""
    days = np.atleast_2d(days).astype(np.uint8)
    first = np.where((days > 0).any(1), (days > 0).argmax(1), days.shape[1]).astype(np.int32)
    return WeekBlock(days, first, np.full(len(days), 9_999, np.int32), np.zeros(len(days), np.int32))
