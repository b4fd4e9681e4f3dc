"""`CohortCounts`: the exact sufficient statistics that every formula works on; no customer is in it.

Its size depends on months, tenure bands, segments and categories, never on the number of customers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.audit.record import HumsAudit
from iceberg.cohort.cancellations.record import LoggedCancellations
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts, check_day_counts, whole_numbers
from iceberg.cohort.findings.findings import MassEnd, ReadingRemark, RecordingChange, UnrecordedMonths
from iceberg.cohort.findings.groups import DepartureGroups
from iceberg.cohort.findings.header import findings_to_header
from iceberg.cohort.journey.journey_counts import JourneyCounts
from iceberg.cohort.journey.service_counts import ServiceCounts
from iceberg.cohort.journey.spheres import SphereSheet
from iceberg.cohort.positives.positive_counts import PositiveCounts
from iceberg.cohort.reasons.answers import StatedReasons
from iceberg.cohort.renewals.clock import Renewals
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.cohort.scores.score_counts import ScoreCounts
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.errors import OptionError

FORMAT = 1
# Fields of whole numbers with shape (segments, months, bands).
CELL_FIELDS = (
    "silent_person_days",
    "silent_exits",
    "silent_exit_revenue_known",
    "vocal_person_days",
    "vocal_exits",
    "complainants_any",
)
ARRAY_FIELDS = (
    "silent_person_days",
    "silent_exits",
    "silent_exit_revenue",
    "silent_exit_revenue_known",
    "vocal_person_days",
    "vocal_exits",
    "complainants",
    "complainants_any",
    "complaints",
    "customers_at_risk",
)
PLAIN_FIELDS = (
    "segments",
    "categories",
    "has_customers",
    "has_linked_complaints",
    "has_revenue",
    "currency",
    "band_edges_months",
    "clock_edges_days",
    "grouped_segments",
    "grouped_categories",
)


@dataclass(frozen=True, eq=False)
class CohortCounts:
    """Counts of customers and complaints.

    Axes: S segments, M calendar months of the window, B tenure bands, C categories. Cells with no one at risk hold
    zeros. Arrays are read-only; contradictory ones raise `ValueError`, because only a defect can make them.

    Attributes:
        window: Days that were counted.
        segments: S names, sorted; a file without segments has the one segment "". With `grouped_segments` the last one holds the rest.
        categories: C names as in the file, sorted (permuting rows changes nothing).
        band_edges_months: B lower edges of completed months of tenure; the last band is open.
        clock_edges_days: Lower edges of days since complaint; the last bin is open.
        silent_person_days: (S, M, B) days at risk of customers who have not complained.
        silent_exits: (S, M, B) departures from that state: the silent leavers.
        silent_exit_revenue: (S, M, B) annual revenue of the silent leavers whose revenue is known, file currency.
        silent_exit_revenue_known: (S, M, B) how many of them have a known revenue.
        vocal_person_days, vocal_exits: (S, M, B) the same after the first complaint of any category.
        complainants: (C, S, M, B) distinct customers by the cell of their first complaint in c.
        complainants_any: (S, M, B) distinct customers by the cell of their first complaint of all.
        complaints: (C, M) complaints, repeats included; the only counts at evidence level 0.
        tenure_days, clock: see their classes.
        has_customers, has_linked_complaints, has_revenue: which of the above hold information.
        currency: ISO 4217 code of revenue.
        grouped_segments: How many segments of the file the last one holds; 0 where every segment stands alone.
        grouped_categories: The same for categories.
        customers_at_risk: (S,) distinct customers with at least one day at risk.
        observed: What an incident log and a survey show of silent customers; None where neither was given.
        has_calendar: False for a sheet without dates (level F): a placeholder of one month, a person-day is one customer, the clock has one bin.
        segment_columns: Headers of the columns whose levels make a segment, where they are several; empty otherwise.
        segment_levels: Of every segment, its level in each of these columns; segments taken together have a level of their own. Empty likewise.
        unrecorded: Months of the window asked for that are no evidence (`iceberg.cohort.evidence_months`); those at its ends are not counted.
        cancellations: Categories with cancellations logged as complaints (`iceberg.cohort.cancellations`), which are not counted.
        negative_controls: Categories that cannot cause departures, as the user says: what is found for them is bias.
        recording_changes: Days from which another share of complaints is recorded (the model takes it out); None where nobody was asked.
        reading: What reading the files found that changes what can be believed.
        mass_end, groups, renewals: The one day that holds most departures; customers who leave together; the contracts that bind them. Or None.
        stated, scores, audit: Reasons of leavers, a file each; satisfaction scores; how complaints were answered. None or empty where not given,
        rhythms, journey, service: as are breaks of rhythm, one per budget of false alarms; steps and channels; and cases closed in time.
        spheres: What the company promises, aims at, puts first and believes; None likewise.
        positives: Good moments, and who left after them; None likewise.
    """

    window: ObservationWindow
    segments: tuple[str, ...]
    categories: tuple[str, ...]
    silent_person_days: IntArray
    silent_exits: IntArray
    silent_exit_revenue: FloatArray
    silent_exit_revenue_known: IntArray
    vocal_person_days: IntArray
    vocal_exits: IntArray
    complainants: IntArray
    complainants_any: IntArray
    complaints: IntArray
    tenure_days: TenureDayCounts
    clock: ComplaintClockCounts
    has_customers: bool
    has_linked_complaints: bool
    has_revenue: bool
    currency: str = "EUR"
    band_edges_months: tuple[int, ...] = DEFAULT_BAND_EDGES_MONTHS
    clock_edges_days: tuple[int, ...] = DEFAULT_CLOCK_EDGES_DAYS
    grouped_segments: int = 0
    grouped_categories: int = 0
    customers_at_risk: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    observed: ObservedSilence | None = None
    has_calendar: bool = True
    unrecorded: tuple[UnrecordedMonths, ...] = ()
    segment_columns: tuple[str, ...] = ()
    segment_levels: tuple[tuple[str, ...], ...] = ()
    cancellations: tuple[LoggedCancellations, ...] = ()
    negative_controls: tuple[str, ...] = ()
    recording_changes: tuple[RecordingChange, ...] | None = None
    reading: tuple[ReadingRemark, ...] = ()
    mass_end: MassEnd | None = None
    groups: DepartureGroups | None = None
    renewals: Renewals | None = None
    stated: tuple[StatedReasons, ...] = ()
    scores: ScoreCounts | None = None
    positives: PositiveCounts | None = None
    audit: HumsAudit | None = None
    rhythms: tuple[RhythmCounts, ...] = ()
    journey: JourneyCounts | None = None
    service: ServiceCounts | None = None
    spheres: SphereSheet | None = None

    def __post_init__(self) -> None:
        for name in ("segments", "segment_columns", "categories", "band_edges_months", "clock_edges_days"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "segment_levels", tuple(map(tuple, self.segment_levels)))
        if not self.customers_at_risk.size:
            object.__setattr__(self, "customers_at_risk", np.zeros(len(self.segments), dtype=np.int64))
        for name in (*CELL_FIELDS, "complainants", "complaints", "customers_at_risk"):
            object.__setattr__(self, name, whole_numbers(getattr(self, name), name=name))
        revenue = np.array(self.silent_exit_revenue, dtype=np.float64, order="C")
        revenue.flags.writeable = False
        object.__setattr__(self, "silent_exit_revenue", revenue)
        _check_counts(self)

    @classmethod
    def zeros(
        cls,
        window: ObservationWindow,
        *,
        segments: Sequence[str] = ("",),
        categories: Sequence[str] = (),
        **given: Any,  # noqa: ANN401 - any field of the class
    ) -> Self:
        """Counts of zero in every field but those of `given`."""
        bands = tuple(given.pop("band_edges_months", DEFAULT_BAND_EDGES_MONTHS))
        cells = (len(segments), len(window.months), len(bands))
        arrays: dict[str, Any] = {name: np.zeros(cells, dtype=np.int64) for name in CELL_FIELDS}
        arrays |= {
            "silent_exit_revenue": np.zeros(cells),
            "complainants": np.zeros((len(categories), *cells), dtype=np.int64),
            "complaints": np.zeros((len(categories), len(window.months)), dtype=np.int64),
            "tenure_days": TenureDayCounts.empty(),
            "clock": ComplaintClockCounts.empty(),
            "has_customers": False,
            "has_linked_complaints": False,
            "has_revenue": False,
        }
        arrays |= {"segments": tuple(segments), "categories": tuple(categories), "band_edges_months": bands}
        return cls(window=window, **(arrays | given))

    @classmethod
    def from_volumes(
        cls, window: ObservationWindow, *, categories: Sequence[str], complaints: npt.ArrayLike, currency: str = "EUR"
    ) -> Self:
        """Counts of evidence level 0: only complaints per category and month of the window, shape (C, M)."""
        order = sorted(range(len(categories)), key=lambda place: categories[place])
        volumes = np.asarray(complaints).reshape(len(categories), len(window.months))[order]
        return cls.zeros(window, categories=[categories[place] for place in order], complaints=volumes, currency=currency)

    @property
    def months(self) -> tuple[date, ...]:
        """First day of each calendar month on the month axis."""
        return self.window.months

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, M, B)."""
        return len(self.segments), len(self.months), len(self.band_edges_months)

    @property
    def silent_leavers(self) -> int:
        """Customers who left inside the window without having complained."""
        return int(self.silent_exits.sum())

    @property
    def departures(self) -> int:
        """Customers who left inside the window."""
        return int(self.silent_exits.sum() + self.vocal_exits.sum())

    @property
    def customers(self) -> int:
        """Customers with at least one day at risk inside the window."""
        return int(self.customers_at_risk.sum())

    @property
    def person_days(self) -> IntArray:
        """(S, M, B) days at risk, whether or not the customer has complained."""
        return self.silent_person_days + self.vocal_person_days

    @property
    def vocal_customers(self) -> IntArray:
        """(C,) distinct customers with a first complaint in c inside the window."""
        return np.asarray(self.complainants.sum(axis=(1, 2, 3)), dtype=np.int64)

    @property
    def vocal_customers_total(self) -> int:
        """Distinct customers with a complaint inside the window, whatever the category."""
        return int(self.complainants_any.sum())

    @property
    def repeats(self) -> FloatArray:
        """(C,) complaints per vocal customer inside the window; NaN where no customer is known to have complained."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.vocal_customers > 0, self.complaints.sum(axis=1) / self.vocal_customers, np.nan)

    @property
    def digest(self) -> str:
        """SHA-256 of header and arrays; equal counts have equal digests, whatever the order of the rows they came from."""
        digest = hashlib.sha256(header_bytes(self))
        for name, array in named_arrays(self).items():
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    def months_without(self, what: str) -> BoolArray:
        """(M,) months of the window whose departures or complaints are missing from the files, where the user has not said otherwise."""
        runs = [run for run in self.unrecorded if run.what == what and not run.overruled]
        return np.array([any(run.first <= month <= run.last for run in runs) for month in self.months], dtype=np.bool_)

    def select(self, *, segments: Sequence[str]) -> CohortCounts:
        """The counts of some segments, in the order of this object.

        `complaints` stays that of the whole file: volumes have no segment.

        Raises:
            OptionError: A name is not one of `segments`, or none is given.
        """
        unknown = [name for name in segments if name not in self.segments]
        if unknown or not segments:
            raise OptionError("segment_unknown", {"segments": ", ".join(unknown), "known": ", ".join(self.segments)})
        chosen = np.array([place for place, name in enumerate(self.segments) if name in set(segments)], dtype=np.int64)
        if len(chosen) == len(self.segments):
            return self
        new_place = np.full(len(self.segments), -1, dtype=np.int64)
        new_place[chosen] = np.arange(len(chosen))
        tenure_days = self.tenure_days.where(new_place[self.tenure_days.segment] >= 0)
        clock = self.clock.where(new_place[self.clock.segment] >= 0)
        grouped = self.grouped_segments if len(self.segments) - 1 in chosen else 0
        return replace(
            self,
            segments=tuple(self.segments[place] for place in chosen),
            segment_levels=tuple(self.segment_levels[place] for place in chosen if self.segment_columns),
            complainants=self.complainants[:, chosen],
            silent_exit_revenue=self.silent_exit_revenue[chosen],
            customers_at_risk=self.customers_at_risk[chosen],
            tenure_days=replace(tenure_days, segment=new_place[tenure_days.segment]),
            clock=replace(clock, segment=new_place[clock.segment]),
            grouped_segments=grouped,
            observed=self.observed and self.observed.rearranged(np.arange(len(self.categories)), chosen),
            renewals=self.renewals and self.renewals.rearranged(chosen),
            scores=self.scores and self.scores.select(chosen.tolist()),
            positives=self.positives and self.positives.select(chosen.tolist()),
            rhythms=(),  # they are those of all
            journey=self.journey and self.journey.select(chosen.tolist()),
            service=self.service and self.service.select(chosen.tolist()),
            **{name: getattr(self, name)[chosen] for name in CELL_FIELDS},
        )


def _check_counts(counts: CohortCounts) -> None:
    """Refuse contradictory counts, which only a defect can make."""
    _check_names_and_edges(counts)
    _check_shapes(counts)
    _check_consistency(counts)
    check_day_counts(counts.tenure_days, counts.clock, counts.shape, categories=len(counts.categories), bins=len(counts.clock_edges_days))
    if counts.observed is not None:
        counts.observed.check(len(counts.categories), len(counts.segments))
    if counts.renewals is not None and len(counts.renewals.bound) != len(counts.segments):
        raise ValueError("every segment has a share of bound customers")
    if not set(counts.negative_controls) <= set(counts.categories):
        raise ValueError(f"negative controls that are no categories: {counts.negative_controls}")
    if not counts.has_calendar and len(counts.months) != 1:
        raise ValueError("counts without a calendar have one month")


def _check_names_and_edges(counts: CohortCounts) -> None:
    if repeated := [names for names in (counts.segments, counts.categories) if len(set(names)) != len(names)]:
        raise ValueError(f"names repeat: {repeated[0]}")
    if not counts.segments:
        raise ValueError("counts need at least one segment")
    if counts.segment_columns and [len(levels) for levels in counts.segment_levels] != [len(counts.segment_columns)] * len(counts.segments):
        raise ValueError("every segment has one level in each of its columns")
    for edges in (counts.band_edges_months, counts.clock_edges_days):
        if not edges or edges[0] != 0 or any(low >= high for low, high in pairwise(edges)):
            raise ValueError(f"edges must start at 0 and rise: {edges}")


def _check_shapes(counts: CohortCounts) -> None:
    segments, months, bands = counts.shape
    categories = len(counts.categories)
    expected: dict[str, tuple[int, ...]] = dict.fromkeys((*CELL_FIELDS, "silent_exit_revenue"), counts.shape)
    expected |= {"complainants": (categories, segments, months, bands), "complaints": (categories, months), "customers_at_risk": (segments,)}
    for name, shape in expected.items():
        array = getattr(counts, name)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
        if not np.isfinite(array).all() or (array < 0).any():
            raise ValueError(f"{name} holds negative or missing numbers")


def _check_consistency(counts: CohortCounts) -> None:
    at_most = [
        ("silent_exits", counts.silent_exits, "silent_person_days", counts.silent_person_days),
        ("vocal_exits", counts.vocal_exits, "vocal_person_days", counts.vocal_person_days),
        ("silent_exit_revenue_known", counts.silent_exit_revenue_known, "silent_exits", counts.silent_exits),
        ("complainants_any", counts.complainants_any, "complainants", counts.complainants.sum(axis=0)),
    ]
    if counts.has_linked_complaints:
        at_most.append(("complainants", counts.complainants.sum(axis=(1, 3)), "complaints", counts.complaints))
    for smaller, low, larger, high in at_most:
        if (low > high).any():
            raise ValueError(f"{smaller} exceeds {larger} in {int((low > high).sum())} cells")


def header_bytes(counts: CohortCounts) -> bytes:
    """Names, window, edges and flags as JSON; equal counts have equal bytes."""
    header = {
        "format": FORMAT,
        "since": counts.window.since.isoformat(),
        "as_of": counts.window.as_of.isoformat(),
        "look_back_days": counts.window.look_back_days,
        **{name: getattr(counts, name) for name in PLAIN_FIELDS},
    }
    # Left out where they have no content, so that the digest of such counts does not change.
    if counts.observed is not None:
        header["observed"] = {name: getattr(counts.observed, name) for name in ("complain_within_days", "unmatched")}
    if not counts.has_calendar:
        header["has_calendar"] = False
    if counts.segment_columns:
        header |= {"segment_columns": counts.segment_columns, "segment_levels": counts.segment_levels}
    header |= findings_to_header(counts)
    return json.dumps(header, ensure_ascii=False, sort_keys=True).encode()


def named_arrays(counts: CohortCounts) -> dict[str, npt.NDArray[Any]]:
    """Every array by the name it is stored under, in a fixed order."""
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(counts, name) for name in ARRAY_FIELDS}
    if counts.observed is not None:
        arrays |= {f"observed.{name}": getattr(counts.observed, name) for name in ("struck", "voiced", "survey")}
        arrays |= {f"observed_clock.{name}": values for name, values in counts.observed.clock.columns.items()}
    arrays |= {f"tenure_days.{name}": values for name, values in counts.tenure_days.columns.items()}
    return arrays | {f"clock.{name}": values for name, values in counts.clock.columns.items()}
