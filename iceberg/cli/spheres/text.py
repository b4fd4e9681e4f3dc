"""Priorities, beliefs, targets and promises beside what customers did, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceberg.locale import Translator

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.results import IcebergEstimate


def build_spheres_text(estimate: IcebergEstimate, counts: CohortCounts, words: Translator) -> str:
    """The sentence, the gaps, importance beside performance, and what is unknown; "" without a sheet."""
    if counts.spheres is None:
        return ""
    from iceberg.cli.text import build_table, wrap
    from iceberg.model.journey.spheres import estimate_spheres
    from iceberg.report.journey.spheres import (
        quadrants_grid,
        quadrants_headline,
        quadrants_note,
        spheres_grid,
        spheres_headline,
        spheres_sentences,
    )

    found = estimate_spheres(estimate, counts)
    if found is None:
        return ""
    parts = [wrap(f"{words.text('spheres.title')}. {spheres_headline(found, words)}"), "", build_table(*spheres_grid(found, words)), ""]
    if said := quadrants_headline(found, words):
        parts += [wrap(f"{said} {quadrants_note(found, words)}"), "", build_table(*quadrants_grid(found, words)), ""]
    return "\n" + "\n".join([*parts, *(wrap(one, indent="  ", first="- ") for one in spheres_sentences(found, words))]) + "\n"
