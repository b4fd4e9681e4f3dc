"""What is known about silent customers before a company's files speak: families, capture, sources.

``K = (1 - p) / (p c) q`` silent leavers per recorded complainer, where p = P(complain | problem), c = share of complaints that reach the file, q =
excess P(leave | problem, silent). Names of families and presets are in ``evidence.families.<key>`` and ``evidence.captures.<key>``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.window import DEFAULT_LOOK_BACK_DAYS
from iceberg.model.assumptions import Assumptions, CategoryPrior, Efficacy, Grade, Pert

# Whether the ratio differs between categories: shared share of the variance of log r_c. m ~ sd 1.5 and e_c ~ sd 1 served all companies of the trial
# of the method with the same constants: 1.5^2 / (1.5^2 + 1^2).
SHARED_VARIANCE = 0.7
# Judgement: with evidence priors per category, how far all of them may be wrong together (log scale), capture apart.
FAMILY_SHIFT_LOG_SD = 0.5

# What no draw knows: how far the model is wrong about one category beside the others, because a company breaks an assumption (log scale). It widens
# no range; it tempers what is said of orders and of chance. Grade C: from companies of an independent generator (docs/explanation).
MODEL_ERROR_LOG_SD = 0.4
# How far the model is wrong about all categories of a company together (log scale): it takes a little too much or too little of all departures for
# natural ones. It does widen the ranges, in the joint draws, and hardly those of categories, which are wide already. Grade C: the maximum-likelihood
# value over 57 companies of our simulator is 0.13 and over 52 of an independent generator 0.21 (docs/explanation; Kennedy, O'Hagan 2001, JRSS B 63).
COMMON_ERROR_LOG_SD = 0.15
# The same where complaints are made when notice is given (`iceberg.model.survival.notice`), in its place. Grade D: on eight companies made
# day by day totals are 1.0 to 2.0 times the true ones where such complaints are found and left out, 0.7 to 2.1 times where they are not.
NOTICE_ERROR_LOG_SD = 0.5
# The same as the first about one category in one period beside another period: most of the error is common to both.
PERIOD_ERROR_LOG_SD = 0.2
# Where the ratio is assumed and the same for all: K of the families below has a sd of 1.06 on the log scale, and the assumption 0.54.
ASSUMED_ORDER_LOG_SD = 0.9

# q of the silent has a prior of its own, and is tied loosely to complainers' q. Either complaining changes little, or it is handled, and helps: of
# customers who kept a problem to themselves 9 % (a major one) to 37 % (a minor one) would buy again, of those whose complaint was resolved 54 to 95 %
# (TARP, via Goodman & Newman 2003). Grade C for the direction, D for the numbers. Log scale: weight, mean and sd of log q_silent - log q_vocal.
OWN_EXCESS_LOG_SD = 0.7
RECOVERY = ((0.6, 0.0, 0.5), (0.4, 0.5, 1.2))
# Judgement, grade D: among customers of three times the tenure, silent leavers per complainant may well be two thirds as many, or half as many
# again. Who speaks depends on tenure in both directions in the literature on exit and voice (Hirschman 1970), so the mean is 0.
TILT_SD = 0.4
# Judgement, grade D: of the same problem half as many again may complain in one month of the year as in an average one (each wave, log scale).
SPEAKING_SEASON_SD = 0.3

# Judgement, grade D: how far segments, and the levels of a segment column, differ in complaints and in natural departures before the files speak
# (standard deviations, log scale). Each is learned, and the assumed variance weighs as much as two effects.
SEGMENT_SDS = (0.4, 0.3)
# Judgement, grade D: one category in seven is loud and harmless; its ratio is a twelfth of the others', give or take a factor of four.
HARMLESS_WEIGHT, HARMLESS_SHIFT, HARMLESS_SD = 0.15, -2.5, 1.5
CATEGORY_MEAN_SD = 0.5  # judgement, grade D: how far the mean delays of one company's categories are apart (log scale)

# How much being out of touch itself raises leaving, whatever the satisfaction: customers whose last score is unknown beside those of equal
# satisfaction who answered (log scale). Judgement, grade D: only vendors say that those who never answer leave more; 0.9 to 1.7, nine times in ten.
OUT_OF_TOUCH = (float(np.log(1.2)), 0.2)
# Judgement, grade D: rates of departure by score are pulled to the company's with the weight of half a departure: a score that few gave has one too.
SCORE_RATE_WEIGHT = 0.5
# Judgement, grade D: fewer departures than this among the satisfied, or among the others, tell no rate; and the probability that their rates differ,
# below which departures cannot answer for those who did not.
LEAST_SCORED_LEAVERS, SURE_DIFFERENCE = 5, 0.95
# Judgement, grade D: departures within days of a score, beside those of other days, from which on scores are asked for at the cancellation.
LEAK_RATIO, LEAK_CHANCE = 3.0, 0.01
# What a good moment does to the rate of leaving, on the log scale, and the mean life of that. Judgement, grade D: centred on nothing, since the
# service recovery paradox holds for satisfaction, not for repurchase; a quarter more or less would be a great effect.
MOMENT_EFFECT_SD, MOMENT_LIFE_DAYS = 0.25, 90.0
# How differently customers with good moments leave anyway, on the log scale, by engagement that lasts and by engagement that passes: within bands of
# visits, and without a log of them. Judgement, grade D: without one nothing shows that what passes is less than what a moment may do.
UNSEEN_ENGAGEMENT_SDS = ((0.1, 0.1), (0.5, 0.25))
LEAST_EXPECTED_LEAVERS = 20.0  # judgement: customers after a moment of whom fewer would leave say nothing
# Judgement, grade D: how differently the silent of a category spread over the steps of the journey than its complainants, on the log scale.
STAGE_RATIO_LOG_SD = 0.5
PRIOR_STAGE_COMPLAINANTS = 2.0  # judgement: so many complainants, spread as in all categories, weigh on the shares of each
LEAST_LOGGED_SILENT = 30  # customers of an incident log from which on it, and not the complainants, says where problems happen
LEAST_OF_GROUP = 30  # complainants of a channel from which on their departures are set beside those of others

_CCMC = "CCMC 2023-24 (n = 8,500)"
_CITIZENS = "Citizens Advice 2016 (n > 2,000)"
_TARP = "TARP, via Goodman & Newman 2003"
# How many times as likely customers leave after losing the one who brought them: median and log-sd. Only for the scenario of `decision.ripple`.
LOST_COMPANION = (1.8, 0.25)
_PARADOX = "de Matos, Henrique & Rossi 2007, Journal of Service Research 10(1)"
_NEIGHBOURS = "Nitzan & Libai 2011, Journal of Marketing 75(6)"


# What a complaint file may capture: c. All judgement; the question to ask first.
CAPTURE_PRESETS: dict[str, Pert] = {
    "all_contacts": Pert(0.6, 0.85, 1.0),
    "formal_complaints": Pert(0.05, 0.15, 0.4),
    "headquarters": Pert(0.01, 0.05, 0.10),
}
# The family table of the evidence is stated for a file that holds every complaint. A point at 1 would be no distribution.
FULL_CAPTURE = Pert(0.999, 1.0, 1.0)


def _family(
    key: str, p: tuple[float, float, float], q: tuple[float, float, float], grade: Grade, source: str
) -> CategoryPrior:
    return CategoryPrior(key, Pert(*p), Pert(*q), FULL_CAPTURE, grade, "D", source)


# Order matters only for the page. q is judgement throughout.
FAMILIES: dict[str, CategoryPrior] = {
    prior.family: prior
    for prior in (
        _family(
            "billing", (0.40, 0.60, 0.78), (0.05, 0.25, 0.55), "B", "UK 2024 government/NatCen; ICS 2012 (n > 3,000)"
        ),
        _family("delivery", (0.25, 0.46, 0.65), (0.03, 0.15, 0.45), "B", _CITIZENS),
        _family("defect_large", (0.35, 0.55, 0.70), (0.05, 0.30, 0.60), "B", f"{_CITIZENS}; {_TARP}"),
        _family("defect_small", (0.03, 0.06, 0.25), (0.05, 0.25, 0.63), "B", f"{_TARP}; {_CCMC}"),
        _family("staff", (0.05, 0.18, 0.50), (0.05, 0.30, 0.60), "C", f"{_TARP}: mistreatment 5-30 %"),
        _family("website", (0.05, 0.25, 0.53), (0.03, 0.15, 0.42), "C", "Harris 2007 (n = 2,430)"),
        _family("waiting", (0.03, 0.12, 0.40), (0.03, 0.15, 0.45), "D", "judgement"),
        _family("price", (0.02, 0.06, 0.25), (0.05, 0.25, 0.60), "D", "judgement"),
        _family("other", (0.03, 0.20, 0.76), (0.03, 0.25, 0.60), "D", "judgement; Audirep 2016 (n = 1,000)"),
    )
}
# Without evidence priors every category leaves with the same excess probability, whatever it is called: renaming changes nothing.
COMMON_EXCESS = FAMILIES["other"].q

# Word beginnings, without accents, in both languages; the first family with a match wins, so the specific ones come first.
_KEYWORDS: tuple[tuple[str, str], ...] = (
    (
        "delivery",
        r"deliver|livrais|livraison|shipping|shipment|courier|parcel|colis|transport|expedition|late\b|retard",
    ),
    (
        "website",
        r"web|site\b|apps?\b|applicat|online|en ligne|portal|portail|login|connexion|digital|bug\b|checkout",
    ),
    (
        "billing",
        r"billing|bill\b|bills\b|invoice|factur|payment|paiement|prelevement|charged|overcharge|refund|rembours|debit",
    ),
    ("waiting", r"wait|attente|queue|file d|delai de reponse|response time|hold time|joignab|call cent|hotline"),
    (
        "staff",
        r"staff|attitude|personnel|employee|rude|accueil|conseiller|vendeur|agent|amabilite|politeness|behaviou?r|comportement",
    ),
    ("price", r"price|pricing|prix|tarif|expensive|cher\b|value for money|cout|cost\b|fees?\b|frais\b"),
    ("defect_small", r"small ticket|petit panier|consumable|consommable|grocer|aliment|food|taste|gout\b"),
    (
        "defect_large",
        r"defect|defaut|defectueu|quality|qualite|broken|casse|panne|fault|product|produit|warranty|garantie|damaged|abime",
    ),
)


def match_family(category: str) -> str:
    """The family of a category by words in its name, in either language; ``"other"`` when none is recognised.

    "Délais de livraison" and "Late delivery" are both ``"delivery"``. A guess from a name, shown and editable on the Method page.
    """
    plain = unicodedata.normalize("NFKD", category).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", " ", plain).strip()
    for family, pattern in _KEYWORDS:
        if re.search(rf"\b(?:{pattern})", plain):
            return family
    return "other"


def category_prior(category: str, *, assumptions: Assumptions) -> CategoryPrior:
    """The prior of one category: as edited, else that of the family its name suggests."""
    for name, prior in assumptions.category_priors:
        if name == category:
            return prior
    return FAMILIES[match_family(category)]


def excess_prior(category: str, *, assumptions: Assumptions) -> Pert:
    """Q of one category: edited, or of its family where the evidence priors are on, else common to all categories."""
    edited = any(name == category for name, _ in assumptions.category_priors)
    if edited or assumptions.use_category_priors:
        return category_prior(category, assumptions=assumptions).q
    return COMMON_EXCESS


def pert_quantile(pert: Pert, uniform: FloatArray) -> FloatArray:
    """Draws of a PERT from uniforms, by inversion: the same uniforms move smoothly with the assumption."""
    unit = np.interp(uniform, _GRID, _beta_quantiles(pert.alpha, pert.beta))
    return np.asarray(pert.low + (pert.high - pert.low) * unit, dtype=np.float64)


# Inverting a Beta costs a second per million draws; between 4,001 points a straight line is as good.
_GRID = np.linspace(0.0, 1.0, 4001)


@cache
def _beta_quantiles(alpha: float, beta: float) -> FloatArray:
    from scipy import special  # here: the first page reads the constants of this module and draws nothing

    return np.asarray(special.betaincinv(alpha, beta, _GRID), dtype=np.float64)


@dataclass(frozen=True)
class Default:
    """One default as the Method page lists it: `evidence.defaults.<name>` is its label.

    `constant`: a number of the model that no user moves; the printed report leaves it to the Method page and the workbook.
    """

    name: str
    value: float | tuple[float, ...] | bool | str
    source: str
    grade: Grade
    constant: bool = False


def list_defaults(assumptions: Assumptions | None = None) -> tuple[Default, ...]:
    """Every assumption with its source (a citation or a code under `evidence.sources`) and its grade."""
    held = assumptions or Assumptions()
    ratio = held.ratio
    return (
        Default("ratio", (ratio.lower, ratio.median, ratio.upper), _TARP, "D"),
        Default("shared_variance", SHARED_VARIANCE, "method_trial", "C"),
        Default("family_shift_log_sd", FAMILY_SHIFT_LOG_SD, "judgement", "D"),
        Default("common_error_log_sd", COMMON_ERROR_LOG_SD, "hostile_companies", "C", constant=True),
        Default("notice_error_log_sd", NOTICE_ERROR_LOG_SD, "hostile_companies", "D", constant=True),
        Default("model_error_log_sd", MODEL_ERROR_LOG_SD, "hostile_companies", "C", constant=True),
        Default("period_error_log_sd", PERIOD_ERROR_LOG_SD, "hostile_companies", "C", constant=True),
        Default("assumed_order_log_sd", ASSUMED_ORDER_LOG_SD, "families", "C", constant=True),
        Default("common_excess", (COMMON_EXCESS.low, COMMON_EXCESS.mode, COMMON_EXCESS.high), "judgement", "D"),
        Default("silent_excess_log_sd", OWN_EXCESS_LOG_SD, "judgement", "D", constant=True),
        Default("handled_complaints", RECOVERY[1][0], _TARP, "D", constant=True),
        Default("harmless_category", HARMLESS_WEIGHT, "judgement", "D", constant=True),
        Default("tenure_tilt_sd", TILT_SD, "exit_and_voice", "D", constant=True),
        Default("speaking_season_sd", SPEAKING_SEASON_SD, "judgement", "D", constant=True),
        Default("segment_complaints_log_sd", SEGMENT_SDS[0], "judgement", "D", constant=True),
        Default("segment_natural_log_sd", SEGMENT_SDS[1], "judgement", "D", constant=True),
        Default("category_delay_log_sd", CATEGORY_MEAN_SD, "judgement", "D", constant=True),
        Default("look_back_days", float(DEFAULT_LOOK_BACK_DAYS), "judgement", "D"),
        Default("stage_ratio_log_sd", STAGE_RATIO_LOG_SD, "judgement", "D", constant=True),
        Default("moment_effect_log_sd", MOMENT_EFFECT_SD, _PARADOX, "D", constant=True),
        Default("moment_life_days", MOMENT_LIFE_DAYS, "judgement", "D", constant=True),
        Default("unseen_engagement_log_sd", UNSEEN_ENGAGEMENT_SDS[0] + UNSEEN_ENGAGEMENT_SDS[1], "judgement", "D", constant=True),
        Default("horizon_days", float(held.horizon_days), "judgement", "D"),
        Default("use_category_priors", held.use_category_priors, "method", "C"),
        Default("literal_leavers", held.literal_leavers, "method", "D"),
        Default("complaints_per_complainant", held.complaints_per_complainant, "judgement", "D"),
        Default("incident_bias", held.incident_bias, "bias_of_logs", "D"),
        Default("survey_bias", held.survey_bias, "bias_of_surveys", "C"),
        Default("residual_horizon_months", float(held.residual_horizon_months), "judgement", "D"),
        Default("annual_discount_rate", held.annual_discount_rate, "judgement", "D"),
        Default("efficacy", (0.15, Efficacy().mean, 0.48), "judgement", "D", constant=True),
        Default("lost_companion", (1.19, LOST_COMPANION[0], 2.72), _NEIGHBOURS, "C", constant=True),
        Default("draws", float(held.draws), "method", "A"),
    )
