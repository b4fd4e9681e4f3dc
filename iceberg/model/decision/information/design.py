"""The cheapest study that reaches a target: half the range of a category, a choice between two, or the most for a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from iceberg.errors import OptionError
from iceberg.model.decision.information.studies import Preposterior, Stakes, StudyKind, StudyPlan, StudyValue, kinds_possible
from iceberg.model.results import IcebergEstimate

SIZES = (25, 50, 100, 200, 400, 800, 1600, 3200)
DECIDING_SIZES = (50, 200, 800)
_DRAWS, _SIMULATIONS = 1000, 100  # a design answers at once; `value_of_study` takes more of both
HALF = 0.5
HALF_WORDS = ("half", "halve", "moitié", "moitie")
WRONG = 0.1  # judgement: of picking the smaller of two problems


@dataclass(frozen=True)
class StudyTarget:
    """What a study is to reach.

    Attributes:
        category: Whose range is to be halved, or one of the two to choose between; None for the decision between fixes with costs.
        other: The other one; None for a range.
    """

    category: str | None = None
    other: str | None = None

    @classmethod
    def parse(cls, text: str, categories: Sequence[str]) -> StudyTarget:
        """From ``delivery:half`` (``delivery:moitié``) or ``delivery:waiting time``; a category may hold colons itself.

        Raises:
            OptionError: ``design_target``, naming what there is.
        """
        places = [place for place, letter in enumerate(text) if letter == ":"]
        for place in places:
            one, other = text[:place].strip(), text[place + 1 :].strip()
            if one in categories and other.casefold() in HALF_WORDS:
                return cls(one)
            if one in categories and other in categories and one != other:
                return cls(one, other)
        raise OptionError("design_target", {"target": text, "known": ", ".join(categories)})


@dataclass(frozen=True)
class Reach:
    """How far a study comes towards a target.

    Attributes:
        value: The study and all that it brings.
        reaches: Whether it reaches the target; for a decision, whether it is worth more than it costs.
        wrong_pick: Of two categories, the probability of taking the smaller one after it; None for another target.
    """

    value: StudyValue
    reaches: bool
    wrong_pick: float | None = None


@dataclass(frozen=True)
class Design:
    """The answer of the designer.

    Attributes:
        target: What was asked.
        wrong_pick_now: Of two categories, as `Reach.wrong_pick`, without a study.
        reaches: Of each kind of study the cheapest that reaches the target, or the largest there can be where none does: those that reach it
            first, by cost; for a decision by what they gain.
    """

    target: StudyTarget
    wrong_pick_now: float | None
    reaches: tuple[Reach, ...]

    @property
    def is_settled(self) -> bool:
        """Whether it is known well enough already which of the two is larger: no study is needed."""
        return self.wrong_pick_now is not None and self.wrong_pick_now <= WRONG

    @property
    def best(self) -> Reach | None:
        """The study to make; None where none reaches the target."""
        return next((one for one in self.reaches if one.reaches), None)


def design_study(
    estimate: IcebergEstimate, target: StudyTarget, *, stakes: Stakes | None = None, prices: Mapping[StudyKind, float] | None = None
) -> Design:
    """The cheapest study of each kind that reaches a target.

    Args:
        estimate: Whole, or a selection.
        target: What is to be reached.
        stakes: What is to be decided, from `stakes_of` of the same estimate; without it no worth is given.
        prices: Of one answer, customer or ticket by kind, in place of those of `StudyKind`.

    Raises:
        OptionError: ``study_unknown``, ``study_price``, ``design_no_decision`` or ``decide_no_range``.
    """
    search = _Search(Preposterior(estimate, most_draws=_DRAWS), target, stakes, prices or {})
    if target.category is None:
        if stakes is None:
            raise OptionError("design_no_decision")
        asked_about = list(stakes.categories)
    else:
        asked_about = [name for name in (target.category, target.other) if name is not None]
    for name in asked_about:
        search.draws.place(name)
    if search.wrong_now is not None and search.wrong_now <= WRONG:
        return Design(target, search.wrong_now, ())
    tried = [(kind, name) for kind in kinds_possible(estimate) for name in (asked_about if kind.of_category else [None])]
    best_of = search.most_worth if target.category is None else search.cheapest
    found = [one for kind, name in tried if (one := best_of(partial(search.study, kind, name), search.sizes(kind, name))) is not None]
    found.sort(key=lambda one: (not one.reaches, -(one.value.gain or 0.0) if target.category is None else one.value.study.cost))
    return Design(target, search.wrong_now, tuple(found))


class _Search:
    """Tries sizes of studies against a target."""

    def __init__(self, draws: Preposterior, target: StudyTarget, stakes: Stakes | None, prices: Mapping[StudyKind, float]) -> None:
        self.draws, self.target, self.stakes, self.prices = draws, target, stakes, prices
        self.wrong_now: float | None = None
        if target.category is not None and target.other is not None:
            self.wrong_now = draws.wrong_pick(draws.equal_weights, target.category, target.other)

    def study(self, kind: StudyKind, category: str | None, number: int) -> StudyPlan:
        """A study at the price that was given."""
        return StudyPlan(kind, number, category, self.prices.get(kind))

    def sizes(self, kind: StudyKind, category: str | None) -> list[int]:
        """Sizes to try, none larger than there are people."""
        most, wanted = self.draws.largest(kind, category), DECIDING_SIZES if self.target.category is None else SIZES
        return sorted({min(size, most) for size in wanted if min(size, most) > 0})

    def cheapest(self, study: Callable[[int], StudyPlan], sizes: list[int]) -> Reach | None:
        """The smallest of `sizes` that reaches the target, by bisection; the largest where none does."""
        if not sizes:
            return None
        low, high = 0, len(sizes) - 1
        if self._reaches(study(sizes[high])):
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if self._reaches(study(sizes[middle])) else (middle + 1, high)
        return self._reach(study(sizes[high]))

    def most_worth(self, study: Callable[[int], StudyPlan], sizes: list[int]) -> Reach | None:
        """The one of `sizes` that gains most."""
        assert self.stakes is not None  # noqa: S101  # a decision is asked for
        stakes = self.stakes.of_draws(self.draws.chosen)
        gains = {one: stakes.worth(self.draws.weights(one, simulations=_SIMULATIONS)) - one.cost for one in map(study, sizes)}
        return self._reach(max(gains, key=lambda one: gains[one])) if gains else None

    def _reaches(self, study: StudyPlan) -> bool:
        weights = self.draws.weights(study, simulations=_SIMULATIONS)
        if self.target.category is not None and self.target.other is not None:
            return self._picks(self.draws.wrong_pick(weights, self.target.category, self.target.other))
        place = self.draws.place(self.target.category)
        return bool(self.draws.widths(weights, [place]).mean() <= HALF * self.draws.before[place])

    def _picks(self, wrong: float) -> bool:
        return wrong <= min(WRONG, HALF * (self.wrong_now or 0.0))

    def _reach(self, study: StudyPlan) -> Reach:
        value = self.draws.value(study, self.stakes, simulations=_SIMULATIONS)
        if self.target.category is None:
            return Reach(value, (value.gain or 0.0) > 0)
        if self.target.other is None:
            return Reach(value, value.width_of(self.target.category).ratio <= HALF)
        wrong = self.draws.wrong_pick(self.draws.weights(study, simulations=_SIMULATIONS), self.target.category, self.target.other)
        return Reach(value, self._picks(wrong), wrong)
