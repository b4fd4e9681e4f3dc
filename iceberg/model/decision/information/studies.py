"""The value of a study before it is made: how wide each range is after it, what it is worth to a decision, what it costs.

Nothing is fitted again. A result of the study is simulated from a joint draw of the estimate, and all draws are weighed by how well they explain it:

    w_k ∝ p(X | draw k)        EVPI = E max_a NPV_a - max_a E NPV_a        EVSI = E_X max_a E_w NPV_a - max_a E NPV_a

- leaver survey, interviews: `iceberg.model.decision.information.reasons`.
- incident audit: `iceberg.model.decision.information.incident_audit`.
- ticket sample: n complainants of c are followed, where the complaints lead to no customers, which measures their q:
  var q = (q (1 - q) + 2 b) / n + (0.3 q)^2; the last because the silent are not the complainants.

References:
    Raiffa and Schlaifer (1961), chapters 4 and 5; Heath et al. 2020 (EVSI without a refit, importance sampling among the methods compared).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.errors import OptionError
from iceberg.model.decision.fixes import Fix, affordable_sets, check_fixes, expected_values
from iceberg.model.decision.information.incident_audit import LEAVING_ANYWAY, IncidentAudit
from iceberg.model.decision.information.reasons import FORM, INTERVIEW, ReasonErrors, answer_log_likelihood, answer_shares, simulate_answers
from iceberg.model.evidence import cannot_say
from iceberg.model.ratio.measurements import bias_sd
from iceberg.model.results import IcebergEstimate

_STREAM = 6_105  # keeps these random numbers apart from those of the estimate
SILENT_LIKE_VOCAL_SD = 0.3  # judgement, grade D: of log q between those who complain and those who do not
LEAST_EFFECTIVE = 100  # judgement: fewer effective draws than this and a range after the study is itself a guess
SIMULATIONS = 300


class StudyKind(StrEnum):
    """A kind of study.

    Attributes:
        price: Of one answer, customer or ticket, in the currency of the estimate (judgement, grade D).
        response: Share of those asked who answer (judgement, grade D).
        of_category: Whether it looks into one category.
        errors: Of the reasons that are given; None where nobody is asked.
    """

    #                  name              price response category errors
    LEAVER_SURVEY = "leaver_survey", 5.0, 0.3, False, FORM
    INTERVIEWS = "interviews", 60.0, 0.5, False, INTERVIEW
    INCIDENT_AUDIT = "incident_audit", 4.0, 1.0, True, None
    TICKET_SAMPLE = "ticket_sample", 3.0, 1.0, True, None

    price: float
    response: float
    of_category: bool
    errors: ReasonErrors | None

    @property
    def asks_leavers(self) -> bool:
        """Whether silent leavers are asked for their reasons."""
        return self.errors is not None

    def __new__(cls, name: str, *traits: Any) -> Self:  # noqa: ANN401  # of four types
        """A kind with its attributes in their order."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.price, kind.response, kind.of_category, kind.errors = traits
        return kind


@dataclass(frozen=True)
class StudyPlan:
    """A study that could be made.

    Attributes:
        kind: Of what.
        number: Answers, customers followed, or tickets.
        category: The one it looks into; None for a survey, which looks at all.
        price: Of each; None for that of its kind.
    """

    kind: StudyKind
    number: int
    category: str | None = None
    price: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", StudyKind(self.kind))
        if self.number < 1 or (self.category is None) == self.kind.of_category:
            raise OptionError("study_shape", {"study": str(self.kind)})
        if self.price is not None and not 0 <= self.price < np.inf:
            raise OptionError("study_price", {"study": str(self.kind)})

    @property
    def cost(self) -> float:
        """Of all of it."""
        return self.number * (self.kind.price if self.price is None else self.price)

    @property
    def to_ask(self) -> int:
        """People to be asked for so many answers."""
        return int(np.ceil(self.number / self.kind.response - 1e-9))


@dataclass(frozen=True)
class Width:
    """Width of the 90 % range of the silent churn of a category: now, and on average after a study."""

    category: str
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """After over before; 1 where there is nothing to narrow."""
        return self.after / self.before if self.before > 0 else 1.0


@dataclass(frozen=True)
class StudyValue:
    """What a study would bring.

    Attributes:
        study: The study.
        widths: Per category.
        worth: Expected value of its result to the decision, in money; None without costs of fixes or without money.
        effective_draws: Median number of draws that a result leaves, of `draws`.
        draws: Draws weighed.
    """

    study: StudyPlan
    widths: tuple[Width, ...]
    worth: float | None
    effective_draws: float
    draws: int

    @property
    def gain(self) -> float | None:
        """Worth less cost."""
        return None if self.worth is None else self.worth - self.study.cost

    def width_of(self, category: str) -> Width:
        """Of one category."""
        return next(one for one in self.widths if one.category == category)

    @property
    def is_settled(self) -> bool:
        """Whether enough draws stand behind the ranges after it."""
        return self.effective_draws >= LEAST_EFFECTIVE


@dataclass(frozen=True, eq=False)
class Stakes:
    """What is to be decided.

    Attributes:
        categories: Of the N fixes.
        values: (K, N) net present value of each fix, the efficacy at its mean: no study of this kind measures it.
        sets: (sets, N) those that the budget buys.
    """

    categories: tuple[str, ...]
    values: FloatArray
    sets: FloatArray

    def of_draws(self, chosen: IntArray) -> Stakes:
        """The same in some of the draws."""
        return replace(self, values=self.values[chosen])

    @property
    def certainty(self) -> float:
        """What it would be worth to know every loss exactly: no study of them is worth more."""
        of_sets = self.values @ self.sets.T
        return float(of_sets.max(axis=1).mean() - of_sets.mean(axis=0).max())

    def worth(self, weights: FloatArray) -> float:
        """Expected value of deciding after each result in place of now; (N, K) weights of N results.

        Each result is compared with the set that is best now under the same weights: what the results share cancels, and little noise is left.
        """
        now = int((self.values.mean(axis=0) @ self.sets.T).argmax())
        after = weights @ self.values @ self.sets.T
        return float((after.max(axis=1) - after[:, now]).mean())


def stakes_of(
    estimate: IcebergEstimate, actions: Sequence[Fix], *, budget: float | None = None, years: int = 1, customer_value: float | None = None
) -> Stakes | None:
    """The decision between these fixes; None where there are none or nothing is known of money.

    Raises:
        OptionError: As `decide`.
    """
    if not actions:
        return None
    check_fixes(estimate, actions, budget, years, customer_value)
    values = expected_values(estimate, actions, years=years, customer_value=customer_value)
    return None if values is None else Stakes(tuple(one.category for one in actions), values, affordable_sets(actions, budget).astype(np.float64))


def value_of_study(estimate: IcebergEstimate, study: StudyPlan, *, stakes: Stakes | None = None) -> StudyValue:
    """What a study would bring to the ranges and to a decision.

    Args:
        estimate: Whole, or a selection.
        study: The study.
        stakes: From `stakes_of` of the same estimate; without it only the ranges are judged.

    Raises:
        OptionError: ``study_unknown``, ``study_followed``, ``study_no_leavers``, ``study_too_large`` or ``decide_no_range``.
    """
    return Preposterior(estimate).value(study, stakes, simulations=SIMULATIONS)


def kinds_possible(estimate: IcebergEstimate) -> tuple[StudyKind, ...]:
    """The studies that could tell something: leavers can be asked where they are known, complainants followed where the files do not."""
    level = estimate.evidence.level
    possible = {
        StudyKind.LEAVER_SURVEY: level.knows_departures and estimate.silent_leavers > 0,
        StudyKind.INTERVIEWS: level.knows_departures and estimate.silent_leavers > 0,
        StudyKind.INCIDENT_AUDIT: True,
        StudyKind.TICKET_SAMPLE: not level.follows_complainers,
    }
    return tuple(kind for kind, holds in possible.items() if holds)


class Preposterior:
    """Results of studies simulated from the draws of one estimate, and what each leaves of them."""

    def __init__(self, estimate: IcebergEstimate, *, most_draws: int | None = None) -> None:
        """Take at most `most_draws` of the draws, evenly; a designer takes fewer, because it tries many studies."""
        if cannot_say(estimate):
            raise OptionError("decide_no_range")
        draws = len(estimate.draws.silent_churn)
        self.chosen: IntArray = np.arange(0, draws, max(1, -(-draws // (most_draws or draws))))
        self.estimate = estimate
        self.names = [item.category for item in estimate.categories]
        self.churn = estimate.draws.silent_churn[self.chosen].sum(axis=(2, 3), dtype=np.float64)
        self.order = np.argsort(self.churn, axis=0)
        self.sorted = np.take_along_axis(self.churn, self.order, axis=0)

    @cached_property
    def shares(self) -> FloatArray:
        """(K, C + 1) of the silent leavers by cause, those who would have left anyway last."""
        anyway = self.estimate.draws.natural[self.chosen].sum(axis=(1, 2), dtype=np.float64)
        whole = np.column_stack([self.churn, anyway])
        return np.asarray(whole / np.maximum(whole.sum(axis=1, keepdims=True), 1e-300), dtype=np.float64)

    @cached_property
    def before(self) -> FloatArray:
        """(C,) widths now."""
        return np.asarray(self.widths(self.equal_weights)[0], dtype=np.float64)

    @property
    def equal_weights(self) -> FloatArray:
        """(1, K) without a study."""
        return np.full((1, len(self.churn)), 1 / len(self.churn))

    def largest(self, kind: StudyKind, category: str | None) -> int:
        """Most answers or customers that there are: of those asked some answer, and only so many met the problem."""
        if not kind.of_category:
            return int(kind.response * self.estimate.silent_leavers)
        item = self.estimate.categories[self.place(category)]
        if kind is StudyKind.TICKET_SAMPLE:
            return item.vocal_customers
        return int(item.vocal_customers / self._complaining(self.place(category)))

    def place(self, category: str | None) -> int:
        """Where a category stands.

        Raises:
            OptionError: It is none, or nobody complained of it.
        """
        if category not in self.names:
            raise OptionError("study_unknown", {"category": category, "known": ", ".join(self.names)})
        return self.names.index(category)

    def value(self, study: StudyPlan, stakes: Stakes | None, *, simulations: int) -> StudyValue:
        """What a study would bring.

        Raises:
            OptionError: The study cannot be made, or would tell nothing.
        """
        weights = self.weights(study, simulations=simulations)
        after = self.widths(weights).mean(axis=0)
        widths = tuple(Width(*one) for one in zip(self.names, self.before.tolist(), after.tolist(), strict=True))
        worth = None if stakes is None else stakes.of_draws(self.chosen).worth(weights)
        return StudyValue(study, widths, worth, float(np.median(1 / (weights**2).sum(axis=1))), len(self.churn))

    def weights(self, study: StudyPlan, *, simulations: int) -> FloatArray:
        """(N, K) weights of the draws after each of N results."""
        self._check(study)
        rng = np.random.default_rng([self.estimate.seed, _STREAM, *study.kind.encode(), *(study.category or "").encode()])
        truth = np.linspace(0, len(self.churn) - 1, min(simulations, len(self.churn))).astype(np.int64)
        fit = self._asked(study, truth, rng) if study.kind.errors is not None else self._measured(study, truth, rng)
        fit -= fit.max(axis=1, keepdims=True)
        weights = np.exp(fit)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)

    def widths(self, weights: FloatArray, places: Sequence[int] | None = None) -> FloatArray:
        """(N, C) widths of the 90 % ranges under N sets of weights; of some categories where `places` says which."""
        found = []
        for place in range(len(self.names)) if places is None else places:
            reached = np.cumsum(weights[:, self.order[:, place]], axis=1)
            ends = [(reached < share * reached[:, -1:]).sum(axis=1) for share in (0.05, 0.95)]
            low, high = (self.sorted[np.minimum(end, len(self.churn) - 1), place] for end in ends)
            found.append(high - low)
        return np.column_stack(found)

    def wrong_pick(self, weights: FloatArray, one: str, other: str) -> float:
        """Probability that the category that looks larger after the study is the smaller one."""
        first = (self.churn[:, self.place(one)] > self.churn[:, self.place(other)]).astype(np.float64)
        chance = weights @ first
        return float(np.minimum(chance, 1 - chance).mean())

    def _check(self, study: StudyPlan) -> None:
        if study.category is not None:
            self.place(study.category)
        if study.kind not in kinds_possible(self.estimate):
            raise OptionError("study_followed" if study.kind is StudyKind.TICKET_SAMPLE else "study_no_leavers")
        most = self.largest(study.kind, study.category)
        if study.number > most:
            raise OptionError("study_too_large", {"number": study.number, "most": most})

    def _asked(self, study: StudyPlan, truth: IntArray, rng: np.random.Generator) -> FloatArray:
        errors = study.kind.errors
        assert errors is not None  # noqa: S101  # chosen by this
        drawn = errors.draw(len(self.churn), seed=_STREAM)
        expected = answer_shares(self.shares, drawn[rng.permutation(len(drawn))])
        answers = simulate_answers(study.number, expected[truth], errors.concentration, rng=rng)
        return answer_log_likelihood(answers, expected, errors.concentration)

    def _measured(self, study: StudyPlan, truth: IntArray, rng: np.random.Generator) -> FloatArray:
        place = self.place(study.category)
        if study.kind is StudyKind.INCIDENT_AUDIT:
            ratio = self.churn[:, place] / max(self.estimate.categories[place].vocal_customers, 1)
            audit = IncidentAudit(study.number, ratio, self._excess(place), bias_sd(self.estimate.assumptions.incident_bias))
            return audit.log_likelihood(*audit.simulate(truth, rng=rng))
        at = self._excess(place)
        variance = (at * (1 - at) + 2 * LEAVING_ANYWAY) / study.number + (SILENT_LIKE_VOCAL_SD * at) ** 2
        seen = at[truth] + np.sqrt(variance[truth]) * rng.standard_normal(len(truth))
        return np.asarray(-0.5 * (seen[:, None] - at) ** 2 / variance - 0.5 * np.log(variance), dtype=np.float64)

    def _excess(self, place: int) -> FloatArray:
        """(K,) q of a category."""
        cells = self.estimate.cells
        if cells is not None:
            return np.asarray(cells.excess[self.chosen, place], dtype=np.float64)
        return np.full(len(self.churn), self.estimate.categories[place].excess_probability.median)

    def _complaining(self, place: int) -> float:
        """Share of those who met the problem that complains, from the medians of q and r."""
        item = self.estimate.categories[place]
        excess = item.excess_probability.median
        ratio = item.silent_churn.median / max(item.vocal_customers, 1)
        return float(np.clip(excess / max(excess + ratio, 1e-9), 0.01, 0.99))
