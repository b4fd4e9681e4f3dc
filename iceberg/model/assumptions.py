"""The assumptions made before the company's departures speak: every default with its source and its grade."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from iceberg.errors import OptionError

if TYPE_CHECKING:
    import numpy as np

    from iceberg.arrays import FloatArray

Grade = Literal["A", "B", "C", "D"]

FOLK_RATIO = 25.0  # TARP via Goodman & Newman 2003: "1 in 26" hold for small-ticket problems reaching the manufacturer; a folk figure
LARGEST_BIAS = 20.0  # a source that may be wrong by more than this says nothing
Z90 = 1.6448536269514722  # standard normal quantile of 0.95: half-width of a central 90 % interval


@dataclass(frozen=True)
class SilentRatioPrior:
    """Silent sufferers per vocal customer (rho): log-normal, given by its median and central 90 % range.

    A Beta prior on the complaint rate with mean 1/26 would have a mean ratio of 35 to 115; hence the log-ratio and the median.
    """

    median: float = FOLK_RATIO
    lower: float = 5.0
    upper: float = 125.0

    def __post_init__(self) -> None:
        if not (0 < self.lower < self.median < self.upper and math.isfinite(self.upper)):
            raise OptionError("ratio_range", {"lower": self.lower, "median": self.median, "upper": self.upper})

    @property
    def log_median(self) -> float:
        """log(median)."""
        return math.log(self.median)

    @property
    def log_sd(self) -> float:
        """Standard deviation on the log scale implied by the range (geometric mean of both sides)."""
        return (math.log(self.upper) - math.log(self.lower)) / (2 * Z90)

    @classmethod
    def around(cls, median: float) -> SilentRatioPrior:
        """The default width (a factor of 5 either way) around another median."""
        if not (median > 0 and math.isfinite(median)):
            raise OptionError("ratio_positive", {"value": median})
        return cls(median, median / 5, median * 5)


@dataclass(frozen=True)
class Pert:
    """A PERT distribution on [low, high] with a mode: how evidence.md states p, q and c."""

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.mode <= self.high <= 1 or self.low == self.high:
            raise OptionError("pert_order", {"low": self.low, "mode": self.mode, "high": self.high})

    @property
    def alpha(self) -> float:
        """First shape of the Beta on the unit range."""
        return 1 + 4 * (self.mode - self.low) / (self.high - self.low)

    @property
    def beta(self) -> float:
        """Second shape of the Beta on the unit range."""
        return 1 + 4 * (self.high - self.mode) / (self.high - self.low)

    @property
    def mean(self) -> float:
        """(low + 4 mode + high) / 6."""
        return (self.low + 4 * self.mode + self.high) / 6


@dataclass(frozen=True)
class Efficacy:
    """Share of a category's silent churn that a fix takes away: Beta with these shapes.

    Judgement, grade D: 30 %, 15 to 48 % in nine cases of ten. No published figure tells how much of a loss a repaired process wins back; the last
    fix that a company followed up is better than this.
    """

    alpha: float = 6.0
    beta: float = 14.0

    def __post_init__(self) -> None:
        if not (0 < self.alpha < math.inf and 0 < self.beta < math.inf):
            raise OptionError("efficacy_range")

    @property
    def mean(self) -> float:
        """Expected share."""
        return self.alpha / (self.alpha + self.beta)

    @classmethod
    def around(cls, mean: float) -> Efficacy:
        """As sure as the default, around another mean.

        Raises:
            OptionError: ``efficacy_range``, unless the mean lies between 0 and 1.
        """
        if not 0 < mean < 1:
            raise OptionError("efficacy_range")
        return cls(20.0 * mean, 20.0 * (1 - mean))

    @classmethod
    def between(cls, low: float, high: float) -> Efficacy:
        """The Beta whose central 90 % range is this one.

        Raises:
            OptionError: ``efficacy_range``, unless 0 < low < high < 1.
        """
        import numpy as np
        from scipy.optimize import least_squares
        from scipy.stats import beta

        if not 0 < low < high < 1:
            raise OptionError("efficacy_range")

        def logit(share: FloatArray) -> FloatArray:
            inside = np.clip(share, 1e-12, 1 - 1e-12)
            return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)

        asked = logit(np.array([low, high]))
        start = np.log([20.0 * (low + high) / 2, 20.0 * (1 - (low + high) / 2)])
        solved = least_squares(lambda at: logit(beta(*np.exp(at)).ppf([0.05, 0.95])) - asked, start, bounds=(-3.0, 12.0))
        return cls(*(float(one) for one in np.exp(solved.x)))

    def quantiles(self, levels: tuple[float, ...]) -> tuple[float, ...]:
        """Quantiles of the share."""
        from scipy.stats import beta

        return tuple(float(one) for one in beta(self.alpha, self.beta).ppf(levels))

    def draw(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """(K,) shares."""
        import numpy as np

        return np.asarray(rng.beta(self.alpha, self.beta, draws), dtype=np.float64)


@dataclass(frozen=True)
class CategoryPrior:
    """What is assumed about one category. p = P(complain | problem), q = excess P(leave | problem, silent), c = share captured by the file."""

    family: str
    p: Pert
    q: Pert
    c: Pert
    p_grade: Grade
    q_grade: Grade = "D"
    source: str = ""


@dataclass(frozen=True)
class Assumptions:
    """Everything the estimate assumes, in one object shared by page, command line and library.

    Attributes:
        ratio: Silent sufferers per vocal customer, the same for every category unless `use_category_priors`.
        horizon_days: Days after a problem within which a departure counts as caused by it (judgement: 180).
        use_category_priors: Replace the one folk ratio by the evidence priors (1-p)/(p c) of each category's family.
        category_priors: Overrides by category name, as edited on the Method page.
        complaints_per_complainant: Divides complaint volumes where complaints are not linked to customers (judgement: 1.2).
        residual_horizon_months: Horizon of the restricted mean residual lifetime that prices a lost customer (judgement: 12).
        annual_discount_rate: Discount on that future revenue (default none).
        incident_bias, survey_bias: By what factor an incident log or a survey may misjudge the silent per complainer, either way, 9 times in 10.
        literal_leavers: Read the folk figure as leavers (q = 1) rather than sufferers; an upper comparator.
        draws: Number of joint draws.
    """

    ratio: SilentRatioPrior = field(default_factory=SilentRatioPrior)
    horizon_days: int = 180
    use_category_priors: bool = False
    category_priors: tuple[tuple[str, CategoryPrior], ...] = ()
    complaints_per_complainant: float = 1.2
    residual_horizon_months: int = 12
    annual_discount_rate: float = 0.0
    incident_bias: float = 1.9
    survey_bias: float = 2.7
    literal_leavers: bool = False
    draws: int = 2000

    def __post_init__(self) -> None:
        if not 1 <= self.horizon_days <= 730:
            raise OptionError("horizon_range", {"value": self.horizon_days})
        if self.complaints_per_complainant < 1:
            raise OptionError("repeat_rate", {"value": self.complaints_per_complainant})
        for name in ("incident_bias", "survey_bias"):
            if not 1 <= getattr(self, name) <= LARGEST_BIAS:
                raise OptionError("bias_range", {"value": getattr(self, name), "largest": LARGEST_BIAS})
        if not 1 <= self.residual_horizon_months <= 120:
            raise OptionError("residual_range", {"value": self.residual_horizon_months})
        if not 0 <= self.annual_discount_rate <= 1:
            raise OptionError("discount_range", {"value": self.annual_discount_rate})
