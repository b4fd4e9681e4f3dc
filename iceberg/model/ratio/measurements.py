"""Replaces the assumed ratio by what a log or a survey measured: silent sufferers per complainer.

    p_c ~ Beta(complained + 1/2, silent + 1/2)         Jeffreys' prior: next to nothing is assumed
    rho_c = (1 - p_c) / (p_c c_c)                      c: share of complaints that reach the file (a survey does not know)

Measured categories leave the shared level m of `iceberg.model.ratio.draws`: each stands on its own counts, independent of the
others. They also do not move the categories that nobody measured, because what operations log is not a sample of all
problems: a billing error is logged and reported, a rude word is neither. Those keep their prior, level and spread.

References: Wesson et al. 2018 (multipliers from a survey); Brown, Cai, DasGupta 2001 (Jeffreys interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, Pert
from iceberg.model.priors import FULL_CAPTURE, category_prior, pert_quantile
from iceberg.model.results import Diagnostic

JEFFREYS = 0.5
# Judgements, on the scale of log rho: a log follows nearly all it names; a survey reaches those who are still here and answer.
LOG_SD = {"incidents": 0.1, "survey": 0.3}
LEAST_STRUCK = 10  # judgement: fewer incidents than this and the survey is asked instead, where there is one
ENOUGH_PROBLEMS = 30  # judgement: below this the interval of a complaint rate is wider than what it replaces
LARGEST_RHO = 1000.0  # judgement: nobody is 1 in 1,000; keeps "none of them complained" finite


@dataclass(frozen=True)
class MeasuredRatio:
    """One category in a log or a survey.

    Attributes:
        source: Which of the two speaks; the log where it holds enough, because it needs no memory.
        had_problem, complained: Customers, or people asked.
        capture: Share of complaints that reach the file.
    """

    source: Literal["incidents", "survey"]
    had_problem: int
    complained: int
    capture: Pert = FULL_CAPTURE

    def log_sufferers(self, uniform: FloatArray, normal: FloatArray, capture_uniform: FloatArray) -> FloatArray:
        """Draws of log rho from the same uniforms and normals that the assumed ratio would use."""
        complain = special.betaincinv(
            self.complained + JEFFREYS, self.had_problem - self.complained + JEFFREYS, np.clip(uniform, 1e-9, 1 - 1e-9)
        )
        odds = np.log1p(-np.minimum(complain, 1 - 1e-12)) - np.log(np.maximum(complain, 1e-12))
        moved = odds + LOG_SD[self.source] * normal
        if self.source == "survey":  # the log itself looks for complaints in the file: what it finds was captured
            moved = moved - np.log(pert_quantile(self.capture, capture_uniform))
        return np.asarray(np.minimum(moved, np.log(LARGEST_RHO)), dtype=np.float64)


def measure_ratios(counts: CohortCounts, *, assumptions: Assumptions) -> tuple[MeasuredRatio | None, ...]:
    """What was measured per category; None where neither the log nor the survey met the problem."""
    observed = counts.observed
    if observed is None:
        return (None,) * len(counts.categories)
    edited = {name for name, _ in assumptions.category_priors}
    found: list[MeasuredRatio | None] = []
    for index, category in enumerate(counts.categories):
        struck, voiced = (int(number) for number in observed.incidents[index])
        _, had_problem, complained = (int(number) for number in observed.survey[index])
        own = assumptions.use_category_priors or category in edited
        capture = category_prior(category, assumptions=assumptions).c if own else FULL_CAPTURE
        if struck and (struck >= LEAST_STRUCK or not had_problem):
            found.append(MeasuredRatio("incidents", struck, voiced))
        else:
            found.append(MeasuredRatio("survey", had_problem, complained, capture) if had_problem else None)
    return tuple(found)


def remark_on_measurements(counts: CohortCounts, *, assumptions: Assumptions) -> list[Diagnostic]:
    """What to know about a log or a survey: small numbers, categories it does not name, names it alone knows."""
    if counts.observed is None:
        return []
    found, missing = [], []
    for category, one, heard in zip(
        counts.categories,
        measure_ratios(counts, assumptions=assumptions),
        counts.complaints.sum(axis=1),
        strict=True,
    ):
        if one is None and heard:
            missing.append(category)
        elif one is not None and one.had_problem < ENOUGH_PROBLEMS:
            code = "survey_small" if one.source == "survey" else "incidents_few"
            values: dict[str, object] = {"count": one.had_problem, "needed": ENOUGH_PROBLEMS}
            found.append(Diagnostic(code, "caution", values, category))
    if missing:
        found.append(Diagnostic("not_measured", "info", {"categories": ", ".join(missing)}))
    if counts.observed.unmatched:
        found.append(Diagnostic("names_unmatched", "caution", {"names": ", ".join(counts.observed.unmatched)}))
    return found
