"""The findings as plain values in the header of stored counts, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from iceberg.cohort.audit.record import HumsAudit
from iceberg.cohort.cancellations.record import LoggedCancellations
from iceberg.cohort.findings.findings import MassEnd, ReadingRemark, RecordingChange, UnrecordedMonths
from iceberg.cohort.findings.groups import DepartureGroups
from iceberg.cohort.journey.journey_counts import JourneyCounts
from iceberg.cohort.journey.service_counts import ServiceCounts
from iceberg.cohort.journey.spheres import SphereSheet
from iceberg.cohort.positives.positive_counts import PositiveCounts
from iceberg.cohort.reasons.answers import StatedReasons
from iceberg.cohort.renewals.clock import Renewals
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.cohort.scores.score_counts import ScoreCounts


class Findings(Protocol):
    """The findings of `CohortCounts`, where their meaning stands."""

    @property
    def unrecorded(self) -> tuple[UnrecordedMonths, ...]:
        """Months that are no evidence."""

    @property
    def cancellations(self) -> tuple[LoggedCancellations, ...]:
        """Cancellations logged as complaints."""

    @property
    def negative_controls(self) -> tuple[str, ...]:
        """Categories that cannot cause departures."""

    @property
    def recording_changes(self) -> tuple[RecordingChange, ...] | None:
        """Days from which another share is recorded."""

    @property
    def mass_end(self) -> MassEnd | None:
        """The day that holds most departures."""

    @property
    def groups(self) -> DepartureGroups | None:
        """Customers who leave together."""

    @property
    def reading(self) -> tuple[ReadingRemark, ...]:
        """What reading found."""

    @property
    def stated(self) -> tuple[StatedReasons, ...]:
        """Reasons that leavers gave."""

    @property
    def scores(self) -> ScoreCounts | None:
        """Satisfaction scores."""

    @property
    def positives(self) -> PositiveCounts | None:
        """Good moments."""

    @property
    def audit(self) -> HumsAudit | None:
        """How complaints were answered."""

    @property
    def rhythms(self) -> tuple[RhythmCounts, ...]:
        """Breaks of rhythm."""

    @property
    def journey(self) -> JourneyCounts | None:
        """Steps of the journey and channels."""

    @property
    def service(self) -> ServiceCounts | None:
        """Cases closed in time."""

    @property
    def spheres(self) -> SphereSheet | None:
        """What the company promises, aims at, puts first and believes."""

    @property
    def renewals(self) -> Renewals | None:
        """The contracts that bind customers."""


def findings_to_header(found: Findings) -> dict[str, Any]:
    """Plain values; a finding without content is left out, so that the digest of such counts does not change."""
    header: dict[str, Any] = {}
    if found.unrecorded:
        header["unrecorded"] = [run.to_dict() for run in found.unrecorded]
    if found.cancellations:
        header["cancellations"] = [one.to_dict() for one in found.cancellations]
    if found.negative_controls:
        header["negative_controls"] = list(found.negative_controls)
    if found.recording_changes is not None:
        header["recording_changes"] = [str(change) for change in found.recording_changes]
    if found.mass_end is not None:
        header["mass_end"] = found.mass_end.to_dict()
    if found.groups is not None:
        header["groups"] = found.groups.to_dict()
    if found.renewals is not None:
        header["renewals"] = found.renewals.to_dict()
    if found.stated:
        header["stated"] = [one.to_dict() for one in found.stated]
    if found.rhythms:
        header["rhythms"] = [one.to_dict() for one in found.rhythms]
    beside = {"scores": found.scores, "audit": found.audit, "journey": found.journey, "service": found.service, "spheres": found.spheres}
    header |= {name: one.to_dict() for name, one in (*beside.items(), ("positives", found.positives)) if one is not None}
    if found.reading:
        header["reading"] = [remark.to_dict() for remark in found.reading]
    return header


def findings_from_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `CohortCounts` from the values of `findings_to_header`."""
    changes = header.get("recording_changes")
    return {
        "unrecorded": tuple(map(UnrecordedMonths.from_dict, header.get("unrecorded", ()))),
        "cancellations": tuple(map(LoggedCancellations.from_dict, header.get("cancellations", ()))),
        "negative_controls": tuple(header.get("negative_controls", ())),
        "recording_changes": None if changes is None else tuple(map(RecordingChange.parse, changes)),
        "mass_end": MassEnd.from_dict(header.get("mass_end")),
        "groups": DepartureGroups.from_dict(header.get("groups")),
        "reading": tuple(map(ReadingRemark.from_dict, header.get("reading", ()))),
        "stated": tuple(map(StatedReasons.from_dict, header.get("stated", ()))),
        "scores": ScoreCounts.from_dict(header.get("scores")),
        "positives": PositiveCounts.from_dict(header.get("positives")),
        "audit": HumsAudit.from_dict(header.get("audit")),
        "rhythms": tuple(map(RhythmCounts.from_dict, header.get("rhythms", ()))),
        "journey": JourneyCounts.from_dict(header.get("journey")),
        "service": ServiceCounts.from_dict(header.get("service")),
        "spheres": SphereSheet.from_dict(header.get("spheres")),
        "renewals": Renewals.from_dict(header["renewals"]) if "renewals" in header else None,
    }
