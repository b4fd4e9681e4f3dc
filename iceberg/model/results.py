"""The results: intervals, categories, the total, diagnostics and the joint draws behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Literal, Self

import numpy as np

from iceberg.arrays import FloatArray, SingleArray
from iceberg.model.assumptions import Assumptions
from iceberg.model.recording.changes import RecordingFactors

INTERVAL_MASS = 0.9
MISFIT, MISFIT_P_VALUE = 3.0, 0.02
# On simulated companies categories without silent churn reach 0.3 to 0.66, real ones of some size 0.74 and more (docs/explanation).
NOISE_EXCEEDED = 0.7


@dataclass(frozen=True)
class CredibleInterval:
    """A central interval and the median of the same draws. `lower <= median <= upper`."""

    lower: float
    median: float
    upper: float
    mass: float = INTERVAL_MASS

    @classmethod
    def of(cls, draws: FloatArray, *, mass: float = INTERVAL_MASS) -> Self:
        """The central interval of `draws` (any shape; NaN is a defect)."""
        tail = (1 - mass) / 2
        lower, median, upper = np.quantile(draws, [tail, 0.5, 1 - tail])
        return cls(float(lower), float(median), float(upper), mass)


@dataclass(frozen=True)
class PlaceboInterval(CredibleInterval):
    """What the model finds where complaints cannot be the cause.

    Attributes:
        exceeded: Probability that the estimate is larger than what the placebo finds, both drawn from their posteriors; of a total, that problems
            cause departures at all (`explained_beyond_chance`) where this is larger.
    """

    exceeded: float = 0.5

    @property
    def is_noise(self) -> bool:
        """Whether the estimate is no larger than what chance finds, as far as can be known (judgement: below 0.7)."""
        return self.exceeded < NOISE_EXCEEDED

    def overlaps(self, estimate: CredibleInterval) -> bool:
        """Whether the two intervals share a value from above: the estimate is then not distinguishable from noise with certainty."""
        return estimate.lower <= self.upper


@dataclass(frozen=True)
class NegativeControl:
    """What the model would find for a category that cannot cause departures: bias, where it is above chance.

    Attributes:
        category: Its name.
        vocal_customers: Customers who complained of it.
        found: Silent churn that would be ascribed to it; None below level 3.
        placebo: What chance alone finds for it.
    """

    category: str
    vocal_customers: int
    found: CredibleInterval | None = None
    placebo: PlaceboInterval | None = None

    @property
    def above_chance(self) -> bool:
        """Whether chance does not explain what is found."""
        return self.found is not None and self.placebo is not None and not self.placebo.overlaps(self.found)


@dataclass(frozen=True)
class Diagnostic:
    """Something the reader should know before trusting a number.

    Attributes:
        code: ``diagnostics.<code>.says`` and ``.do`` are its sentences in `iceberg.locale`.
        severity: ``info`` (context), ``caution`` (read with care), ``warning`` (do not act on this alone).
        values: What the sentences name.
        category: The category it is about, or None for the whole estimate.
        of_whole_study: Whether it is about all segments and months although the estimate beside it shows a part of them.
        objects: Whether the answer must not be called data-led beside it; None leaves that to `is_objection`.
    """

    code: str
    severity: Literal["info", "caution", "warning"] = "info"
    values: dict[str, object] = field(default_factory=dict)
    category: str | None = None
    of_whole_study: bool = False
    objects: bool | None = None

    @property
    def is_objection(self) -> bool:
        """Whether a check objects to the number: every warning does, and every caution about the whole estimate, unless `objects` says otherwise."""
        if self.objects is not None:
            return self.objects
        return self.severity == "warning" or (self.severity == "caution" and self.category is None)


class EvidenceLevel(StrEnum):
    """How much the files can say, from least to most; written everywhere as its letter.

    A level is added here and in its sentence, ``evidence.levels.<letter>``: code asks one of the questions and never for a letter.

    Attributes:
        knows_departures: The files say who left.
        follows_complainers: They also say whether those who complained left.
        has_own_ratio: Departures move the silent ratio itself; below, they only cap it.
        corrects_ratio: Departures over segments and months correct it.
        is_measured: An incident log or a survey measured it.
    """

    #        letter  departures complainers own    corrects measured
    VOLUMES = "0", False, False, False, False, False
    DEPARTURES = "1", True, False, False, False, False
    LINKED = "2", True, True, False, False, False
    FLAT = "F", True, True, True, False, False  # a sheet without dates
    VARIED = "3", True, True, True, True, False
    MEASURED = "4", True, True, True, True, True

    knows_departures: bool
    follows_complainers: bool
    has_own_ratio: bool
    corrects_ratio: bool
    is_measured: bool

    def __new__(cls, letter: str, *answers: bool) -> Self:
        """The level of a letter, with its answers in the order of the attributes."""
        level = str.__new__(cls, letter)
        level._value_ = letter
        level.knows_departures, level.follows_complainers, level.has_own_ratio, level.corrects_ratio, level.is_measured = answers
        return level

    @property
    def orders_events(self) -> bool:
        """Whether the files say that a complaint came before the departure."""
        return self.follows_complainers and self is not EvidenceLevel.FLAT

    @property
    def rank(self) -> int:
        """Place on the ladder, 0 for the least."""
        return list(EvidenceLevel).index(self)


@dataclass(frozen=True)
class Evidence:
    """The evidence level and the reasons for it: codes under ``evidence.reasons`` with their values. `level` may be given as its letter.

    Attributes:
        ranks: Whether the files can say which category is larger than which; a flat sheet cannot, unless every ratio was measured.

    Raises:
        ValueError: The letter is no level's.
    """

    level: EvidenceLevel
    kind: Literal["assumption_led", "mixed", "data_led"]
    reasons: tuple[tuple[str, dict[str, object]], ...] = ()
    ranks: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", EvidenceLevel(self.level))


@dataclass(frozen=True)
class CategoryEstimate:
    """Silent churn behind one complaint category, inside the window.

    Attributes:
        category: Name as in the file.
        vocal_customers: V_c, distinct customers who complained of c (complaints divided by the assumed repeats where files are not linked).
        silent_churn: H_c, customers.
        revenue_lost: H_c in money over the assumed residual-lifetime horizon; None without revenue.
        ratio_prior, ratio_posterior: r_c = silent leavers per vocal customer.
        excess_probability: q_c, excess probability of leaving within the horizon.
        prior_share: 0 = the answer is the data's, 1 = it is the assumption's.
        probability_worst: Probability that H_c is the largest of all categories, from the joint draws; None where the files cannot order them.
        probability_costliest: The same for money (equal to probability_worst without revenue).
        folk_estimate: The plain 25 x V_c.
        feasible_ratio: Sufferers per complainer that the departures allow at most, given q (None at level 0).
        placebo: What the model finds where complaints cannot be the cause; None below level 3.
        pipeline: Silent leavers still to come within 30, 90 and 180 days; None below level 3.
        second_opinion: H_c if nothing about the tenure of the silent is taken from complaints; None below level 3.
        common_cause: Factor by which other departures would have to rise, where and when the complaints of c are frequent, for H_c to be zero
            (1.13: by 13 %); None where the estimate does not rest on that pattern (below level 3, and where a log or a survey measured it).
    """

    category: str
    vocal_customers: int
    silent_churn: CredibleInterval
    revenue_lost: CredibleInterval | None
    ratio_prior: CredibleInterval
    ratio_posterior: CredibleInterval
    excess_probability: CredibleInterval
    prior_share: float
    probability_worst: float | None
    probability_costliest: float | None
    folk_estimate: float
    feasible_ratio: float | None
    placebo: PlaceboInterval | None = None
    pipeline: dict[int, CredibleInterval] | None = None
    second_opinion: CredibleInterval | None = None
    common_cause: CredibleInterval | None = None


@dataclass(frozen=True)
class PredictivePoint:
    """One place of an axis: what was observed, and the 90 % band of what the fit predicts there."""

    label: str
    observed: float
    predicted: CredibleInterval


@dataclass(frozen=True)
class PredictiveCheck:
    """What the fit reproduces along one axis (`iceberg.model.departures.predictive`).

    Attributes:
        what: Silent departures, or complainants of all categories.
        axis: ``month``, ``tenure`` (completed months, ``low-high``), ``entry`` (quarter in which customers came) or ``segment``.
        points: In the order of the axis; labels are first days of months or quarters, bands, or names.
        discrepancy: How far the observed counts are from what is expected, in units of how far replicates are: 1 is as it should be.
        p_value: Share of replicates that are as far away.
    """

    what: Literal["departures", "complaints"]
    axis: Literal["month", "tenure", "entry", "segment"]
    points: tuple[PredictivePoint, ...]
    discrepancy: float
    p_value: float

    @property
    def is_misfit(self) -> bool:
        """Whether the pattern is not reproduced (judgement: no fair simulated company of 23 reached both)."""
        return self.discrepancy >= MISFIT and self.p_value <= MISFIT_P_VALUE

    def in_order(self, labels: Sequence[str]) -> Self:
        """The same with its points in the order of `labels`; others stay behind them."""
        return replace(self, points=tuple(sorted(self.points, key=lambda one: labels.index(one.label) if one.label in labels else len(labels))))


@dataclass(frozen=True, eq=False)
class Draws:
    """K joint posterior draws; totals, ranks, money, months and segments come from these, never from sums of bounds.

    Attributes:
        silent_churn: float32 (K, C, S, M) customers by the segment and month in which they left.
        natural: float32 (K, S, M) natural departures; silent_churn.sum(1) + natural = silent leavers of the cell, in every draw (zeros at level 0,
            where no departures are known; there the only cell is segment "" and the month of the complaint).
        revenue_lost: float32 (K, C, S, M) money, or None without revenue.
        ratio: float64 (K, C) r_c = silent leavers per vocal customer.
        placebo: float32 (P, C, S, M) what the model finds in each cell where complaints cannot be the cause, so that a part of the segments and
            months is tested against chance as the whole is; None below level 3.
        explained: float64 (1 + R, S, M) how much better the complaints explain the departures of a cell than natural departures alone: log marginal
            likelihoods, first of the real complaints, then of complaints moved in R ways; None below level 3.
    """

    silent_churn: SingleArray
    natural: SingleArray
    revenue_lost: SingleArray | None
    ratio: FloatArray
    placebo: SingleArray | None = None
    explained: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class LevelDraws:
    """The draws of one evidence level.

    Attributes:
        silent_churn, natural, ratio: See `Draws`.
        excess: (K, C) excess probability to leave within the horizon.
        ratio_prior: (K, C) ratios before the data.
        fit_state: Warm start for the next fit.
        diagnostics: Of the fit.
        placebo, pipeline, second_opinion, common_cause: Per category, then one more for the total; None below level 3, and for negative controls.
        placebo_draws, explained: See `Draws.placebo` and `Draws.explained`.
        controls: What is found for negative controls.
        checks: The fit beside what it was fitted to.
        recording: What the changes of the records did that the user names; None without one.
    """

    silent_churn: SingleArray
    natural: SingleArray
    ratio: FloatArray
    excess: FloatArray
    ratio_prior: FloatArray
    fit_state: object | None = None
    checks: tuple[PredictiveCheck, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    placebo: tuple[PlaceboInterval | None, ...] | None = None
    pipeline: tuple[dict[int, CredibleInterval] | None, ...] | None = None
    second_opinion: tuple[CredibleInterval | None, ...] | None = None
    common_cause: tuple[CredibleInterval | None, ...] | None = None
    placebo_draws: SingleArray | None = None
    explained: FloatArray | None = None
    controls: tuple[NegativeControl, ...] = ()
    recording: RecordingFactors | None = None


@dataclass(frozen=True, eq=False)
class EstimateCells:
    """The observed cells beside the draws, so that a filter on segments and months needs nothing but the estimate.

    Attributes:
        categories, segments: Names of the C and S axes of `Draws`.
        months: First day of each month of the M axis.
        vocal: float64 (C, S, M) vocal customers by the cell of their first complaint in c (complaints divided by the
            assumed repeats, spread over segments like the leavers, where files are not linked); as many as today's recording would have, in
            the median, where what is recorded changed.
        vocal_any: float64 (S, M) vocal customers by the cell of their first complaint of all.
        leavers: float64 (S, M) silent leavers; zeros at level 0.
        ratio_prior: float64 (K, C) draws of r_c before the company's own files speak.
        excess: float64 (K, C) draws of q_c beside those of `Draws`.
        currency: ISO 4217 code of the money.
        whole: Whether these are all segments and months of the window.
        segment_columns, segment_levels: See `CohortCounts`.
        has_calendar: False where the one month stands for a sheet without dates (evidence level F).
        inflated: As how many vocal customers one that was recorded counts at most, where what is recorded changed: small groups are judged by those
            that were.
        last_months: First day of the last month of each place, where neighbouring months are taken together; empty where none are.
    """

    categories: tuple[str, ...]
    segments: tuple[str, ...]
    months: tuple[date, ...]
    vocal: FloatArray
    vocal_any: FloatArray
    leavers: FloatArray
    ratio_prior: FloatArray
    excess: FloatArray
    currency: str = "EUR"
    whole: bool = True
    has_calendar: bool = True
    segment_columns: tuple[str, ...] = ()
    segment_levels: tuple[tuple[str, ...], ...] = ()
    last_months: tuple[date, ...] = ()
    inflated: float = 1.0


@dataclass(frozen=True)
class TotalEstimate:
    """All categories together; a customer who complained of several categories counts once in `vocal_customers`."""

    vocal_customers: int
    silent_churn: CredibleInterval
    revenue_lost: CredibleInterval | None
    folk_estimate: float
    placebo: PlaceboInterval | None = None
    pipeline: dict[int, CredibleInterval] | None = None
    second_opinion: CredibleInterval | None = None
    feasible_ratio: float | None = None  # the one ratio for all that the departures allow at most; None at level 0
    common_cause: CredibleInterval | None = None


@dataclass(frozen=True, eq=False)
class IcebergEstimate:
    """The whole answer, with what it rests on.

    Attributes:
        checks: The fit beside what it was fitted to; empty below level 3, and for a part of the segments and months.
        cells: None only for an estimate put together by hand.
        fit_state: Warm start for the next fit; opaque outside `model`.
    """

    categories: tuple[CategoryEstimate, ...]
    total: TotalEstimate
    silent_leavers: int
    natural_departures: CredibleInterval
    evidence: Evidence
    assumptions: Assumptions
    diagnostics: tuple[Diagnostic, ...]
    draws: Draws
    counts_digest: str
    seed: int
    controls: tuple[NegativeControl, ...] = ()
    cells: EstimateCells | None = None
    fit_state: object | None = None
    checks: tuple[PredictiveCheck, ...] = ()
