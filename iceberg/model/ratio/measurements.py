"""Replaces the assumed ratio by what a log or a survey measured: silent sufferers per complainer.

    p_c ~ Beta(complained + 1/2, silent + 1/2)         Jeffreys' prior: next to nothing is assumed
    rho_c = (1 - p_c) / (p_c c_c) exp(a_c + b)         c: share of complaints that reach the file (a survey does not know)
    a_c ~ Normal(0, recall)                            who complained is misremembered, or matched wrongly: in each category anew
    b   ~ Normal(0, selection)                         who is in the log, or answers: one file, so one error for all of its categories

Measured categories leave the shared level m of `iceberg.model.ratio.draws`: each stands on its own counts, independent of the
others. They also do not move the categories that nobody measured, because what operations log is not a sample of all
problems: a billing error is logged and reported, a rude word is neither. Those keep their prior, level and spread.

References: Wesson et al. 2018 (multipliers from a survey); Brown, Cai, DasGupta 2001 (Jeffreys interval); Turner et al. 2009 (priors of bias).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Z90, Assumptions, Pert
from iceberg.model.priors import FULL_CAPTURE, category_prior, pert_quantile
from iceberg.model.results import Diagnostic

JEFFREYS = 0.5
Source = Literal["incidents", "survey"]
SOURCES: tuple[Source, ...] = ("incidents", "survey")
# Judgement, grade D: recall's part in the variance of the bias. A log is matched with the complaints file and remembers nothing (sd 0.1 of 0.39);
# of the people asked some forget, and some claim to have complained (sd 0.35 of 0.6). The rest is selection.
RECALL_SHARE: dict[Source, float] = {"incidents": 0.07, "survey": 0.34}
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
        bias_sd: Of the source's bias, recall and selection together, on the scale of log rho.
    """

    source: Source
    had_problem: int
    complained: int
    capture: Pert = FULL_CAPTURE
    bias_sd: float = 0.0

    @property
    def recall_sd(self) -> float:
        """Of the part of the bias that each category has to itself."""
        return self.bias_sd * float(np.sqrt(RECALL_SHARE[self.source]))

    @property
    def selection_sd(self) -> float:
        """Of the part that all categories of the source share."""
        return self.bias_sd * float(np.sqrt(1 - RECALL_SHARE[self.source]))

    def log_sufferers(
        self, uniform: FloatArray, recall: FloatArray, capture_uniform: FloatArray, selection: FloatArray | float = 0.0
    ) -> FloatArray:
        """Draws of log rho.

        Args:
            uniform: Of the complaint rate, its own per category.
            recall: Standard normals, their own per category.
            capture_uniform: Of the share of complaints that reach the file.
            selection: Standard normals, the same for all categories of the source.
        """
        complain = special.betaincinv(
            self.complained + JEFFREYS, self.had_problem - self.complained + JEFFREYS, np.clip(uniform, 1e-9, 1 - 1e-9)
        )
        odds = np.log1p(-np.minimum(complain, 1 - 1e-12)) - np.log(np.maximum(complain, 1e-12))
        moved = odds + self.recall_sd * recall + self.selection_sd * selection
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
            found.append(MeasuredRatio("incidents", struck, voiced, bias_sd=bias_sd(assumptions.incident_bias)))
        else:
            sd = bias_sd(assumptions.survey_bias)
            found.append(MeasuredRatio("survey", had_problem, complained, capture, sd) if had_problem else None)
    return tuple(found)


def bias_sd(factor: float) -> float:
    """Standard deviation of log rho for a source that may be wrong by `factor` either way, 9 times in 10."""
    return float(np.log(factor)) / Z90


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
        found.append(Diagnostic("names_unmatched", "caution", {"names": ", ".join(counts.observed.unmatched)}, objects=False))
    return found
