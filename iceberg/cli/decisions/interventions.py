"""Fixes that were made, from options and mapping: followed up, written down with what was found, and what they say about the next fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceberg.cli.terminal import write_whole
from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.interventions import InterventionEntry
    from iceberg.ingest.mapping import MappingSet
    from iceberg.ingest.tables import IngestReport
    from iceberg.model.assumptions import Efficacy
    from iceberg.model.decision.follow_up import FollowUp, Intervention
    from iceberg.model.results import IcebergEstimate


@dataclass(frozen=True)
class Followed:
    """The fixes of a run.

    Attributes:
        found: Those that could be followed up.
        earlier: Those that stand outside these months, with what an earlier follow-up found.
    """

    found: tuple[FollowUp, ...] = ()
    earlier: tuple[Intervention, ...] = ()

    def efficacy(self, category: str) -> Efficacy:
        """What is assumed about the next fix of a category."""
        from iceberg.model.decision.follow_up import learned_efficacy

        evidence = [(one.intervention, one.log_effect, one.log_error) for one in self.found]
        evidence += [(one, *one.found) for one in self.earlier if one.found is not None]
        return learned_efficacy(evidence, category)


def follow_interventions(estimate: IcebergEstimate, counts: CohortCounts, mapping: MappingSet | None) -> Followed:
    """Follow up every fix that is typed or written in the mapping.

    Raises:
        OptionError: As `follow_up`; one outside the months counted for which an earlier follow-up found something is taken at that.
    """
    from iceberg.errors import OptionError
    from iceberg.model.decision.follow_up import follow_up

    found, earlier = [], []
    for entry in mapping.interventions if mapping is not None else ():
        intervention = intervention_of(entry, segments=counts.segments)
        try:
            found.append(follow_up(estimate, counts, intervention))
        except OptionError as problem:
            if problem.code not in {"follow_start", "decide_unknown", "compare_no_dates"} or intervention.found is None:
                raise
            earlier.append(intervention)
    return Followed(tuple(found), tuple(earlier))


def intervention_of(entry: InterventionEntry, *, segments: Sequence[str]) -> Intervention:
    """A fix as the model takes it; several segments typed with commas are separated, unless one segment has that name."""
    from iceberg.model.decision.agreed_test import AgreedTest
    from iceberg.model.decision.follow_up import Intervention

    test = None
    if entry.read_in is not None or entry.least_fall:
        test = AgreedTest.proposed(entry.start, start=entry.start, reading=entry.read_in, least_fall=entry.least_fall)
    named = [part for name in entry.segments for part in ([name] if name in segments else name.split(","))]
    return Intervention(
        category=entry.category,
        start=entry.start,
        segments=tuple(name.strip() for name in named if name.strip()),
        expected=entry.expected,
        extent=entry.extent,
        test=test,
        found=entry.found,
    )


def follow_up_text(followed: Followed, words: Translator) -> str:
    """What became of each fix, for a terminal; "" without any."""
    from iceberg.cli.text import wrap
    from iceberg.report.comparison import follow_up_lines, follow_up_remarks, follow_up_sentence, learned_sentence

    parts = []
    for one in followed.found:
        lines = [*follow_up_lines(one, words), *(sentence for _, sentence in follow_up_remarks(one, words))]
        category = one.intervention.category
        parts += [wrap(follow_up_sentence(one, words)), *(wrap(line, indent="  ", first="- ") for line in lines)]
        parts += [wrap(learned_sentence(followed.efficacy(category), category, words), indent="  ", first="- "), ""]
    return "\n".join(parts) + "\n" if parts else ""


def interventions_document(followed: Followed | None, words: Translator) -> dict[str, Any]:
    """What became of each fix, for other programs; nothing without any."""
    from iceberg.report.comparison import follow_up_document

    if followed is None or not followed.found:
        return {}
    return {"interventions": [follow_up_document(one, words) for one in followed.found]}


def keep_interventions(path: Path, followed: Followed, report: IngestReport, mapping: MappingSet | None) -> None:
    """Write the mapping as it was read, with what was found beside each fix."""
    from iceberg.ingest.mapping import MappingSet, mapping_as_read

    mapping = mapping or MappingSet()
    results = {(one.intervention.category, one.intervention.start): one for one in followed.found}
    entries = tuple(
        one if (own := results.get((one.category, one.start))) is None else
        replace(one, segments=own.intervention.segments, found=(own.log_effect, own.log_error))
        for one in mapping.interventions
    )  # fmt: skip
    read = mapping_as_read(report, replace(mapping, interventions=entries))
    write_whole(path, read.to_toml().encode())
