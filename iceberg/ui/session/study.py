"""A study as the pages see it: counts, assumptions, filters."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from iceberg.errors import IcebergError

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.findings.findings import RecordingChange
    from iceberg.ingest.interventions import InterventionEntry
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Assumptions
    from iceberg.provenance import SourceFile
    from iceberg.report.viewers import ViewerAxes
    from iceberg.store.studies import VersionEntry

SEED = 0


@dataclass(frozen=True, eq=False)
class Study:
    """Counts on screen and where they came from.

    Attributes:
        counts: What every page reads; no customer row.
        digest: Identity of the counts; the key of every cache.
        name: File names, or "" for the sample company and typed volumes.
        origin: Where the counts came from.
        report: What became of each row; None where nothing was read in this session.
        published: The version it was opened from; None for the sample and for what this session counted.
        axes: What a viewer may choose from; None where everything may be chosen.
        sources, mapping: The files and how their columns were read, for a publication.
        counts_key: Identity of the estimates, where `digest` says more than the counts do.
        places: Categories in the order that the study set for colours and places; empty where it set none.
        other_counts: The same files with months that are no evidence counted all the same, or left out; None where there is no such month or choice.
    """

    counts: CohortCounts
    digest: str
    name: str
    origin: str
    report: IngestReport | None = None
    published: VersionEntry | None = None
    axes: ViewerAxes | None = None
    sources: tuple[SourceFile, ...] = ()
    mapping: str = ""
    counts_key: str = ""
    other_counts: CohortCounts | None = None
    places: tuple[str, ...] = ()

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories that may be shown."""
        return self.counts.categories if self.axes is None else self.axes.categories

    @property
    def segments(self) -> tuple[str, ...]:
        """Segments that may be chosen."""
        return self.counts.segments if self.axes is None else self.axes.segments

    @property
    def segment_columns(self) -> tuple[str, ...]:
        """The columns that make the segments, where they are several."""
        return self.counts.segment_columns if self.axes is None else self.axes.segment_columns

    @property
    def segment_levels(self) -> tuple[tuple[str, ...], ...]:
        """Of each segment, its level in each of these columns."""
        return self.counts.segment_levels if self.axes is None else self.axes.segment_levels

    @property
    def months(self) -> tuple[date, ...]:
        """Months that may be chosen: the first of each period."""
        return self.counts.months if self.axes is None else self.axes.months

    @property
    def assumptions(self) -> Assumptions:
        """The assumptions that every control starts from."""
        from iceberg.model.assumptions import Assumptions

        if self.published is not None:
            return self.published.assumptions
        from iceberg.ingest.mapping import MappingSet

        return Assumptions(**MappingSet.from_dict(tomllib.loads(self.mapping)).money)

    @property
    def seed(self) -> int:
        """Seed of its estimates."""
        return SEED if self.published is None else self.published.seed

    @property
    def keeps_months(self) -> bool:
        """Whether months that seem to be no evidence are counted all the same."""
        return any(run.overruled for run in self.counts.unrecorded)

    def with_other_months(self) -> Study:
        """The study of `other_counts`, with a mapping that makes the same choice next month."""
        assert self.other_counts is not None  # noqa: S101  # checked by the page
        from iceberg.ingest.mapping import MappingSet

        mapping = replace(MappingSet.from_dict(tomllib.loads(self.mapping)), keep_months=not self.keeps_months)
        return replace(self, counts=self.other_counts, digest=self.other_counts.digest, mapping=mapping.to_toml(), other_counts=self.counts)

    def with_changes(self, changes: tuple[RecordingChange, ...]) -> Study:
        """The study with what the reader says of changes of the records, with a mapping that says so next month."""
        from iceberg.ingest.mapping import MappingSet

        counts = replace(self.counts, recording_changes=changes)
        other = self.other_counts and replace(self.other_counts, recording_changes=changes)
        mapping = replace(MappingSet.from_dict(tomllib.loads(self.mapping)), recording_changes=tuple(map(str, changes)))
        return replace(self, counts=counts, digest=counts.digest, mapping=mapping.to_toml(), other_counts=other)

    @property
    def study_prices(self) -> dict[str, float]:
        """What its mapping says that studies cost, by study; nothing where an older product wrote the mapping."""
        from iceberg.ingest.mapping import MappingSet

        try:
            return MappingSet.from_dict(tomllib.loads(self.mapping)).study_prices
        except (IcebergError, tomllib.TOMLDecodeError):
            return {}

    def with_study_prices(self, prices: dict[str, float]) -> Study:
        """The study with a mapping that holds what studies cost."""
        from iceberg.ingest.mapping import MappingSet

        mapping = MappingSet.from_dict(tomllib.loads(self.mapping))
        return replace(self, mapping=replace(mapping, study_prices=prices).to_toml())

    def with_intervention(self, entry: InterventionEntry) -> Study:
        """The study with a mapping that holds a fix and what was found, in place of what it said of the same fix."""
        from iceberg.ingest.mapping import MappingSet

        mapping = MappingSet.from_dict(tomllib.loads(self.mapping))
        others = tuple(one for one in mapping.interventions if (one.category, one.start) != (entry.category, entry.start))
        return replace(self, mapping=replace(mapping, interventions=(*others, entry)).to_toml())

    @property
    def is_sample(self) -> bool:
        """Whether this is the company that ships with the product."""
        return self.origin == "sample"


@dataclass(frozen=True)
class Filters:
    """What part of the estimate is on screen; None means all of it. A filter slices draws and never estimates again."""

    segments: tuple[str, ...] | None = None
    months: tuple[date, date] | None = None
