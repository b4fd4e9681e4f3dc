"""What is assumed about rhythms and their breaks before a log speaks, and what is learned from the log (`RhythmSettings`).

Grades as in `iceberg.model.priors`: A to D, J for judgement. Nothing here is a figure of a company; whatever the log can say replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from iceberg.arrays import FloatArray

# How far a rate changes at a break, as a share of what it was. Judgement: a grid dense enough that a rate between two of them loses no break; 0.005
# stands for silence, because log 0 is not finite and a single stray visit must not rule silence out.
RATIOS = np.array([0.005, 0.07, 0.15, 0.3, 0.45, 0.65, 1.5, 2.2, 4.0])
# Judgement: a customer who comes at less than this share of the own rhythm has broken with it. A text that the method follows has 6 of 45
# visits left (0.13).
COLLAPSE_RATIO = 0.45
# Judgement: fades, as (weeks until the new rate, new rate). Steps of four weeks are close enough: a week's error of a fade is lost in its own length.
RAMPS = ((8, 0.02), (16, 0.02), (16, 0.3))
RAMP_STEP_WEEKS = 4
# Judgement: of fresh collapses, how far they fall; where the log shows fresh ones it is learned, and these weigh as much as so many of them.
FRESH_MIX = np.array([0.55, 0.10, 0.10, 0.125, 0.125])
FRESH_WEIGHT = 20.0
FRESH_WEEKS = (2, 9)  # judgement: younger ones cannot be seen, older ones have gone on to silence
RAMP_SHARE = 0.15  # judgement: of collapses, those that come slowly, before the log speaks
OTHER_MIX = np.array([0.35, 0.3, 0.2, 0.15])  # judgement: of changes that are no collapse; RATIOS above COLLAPSE_RATIO

# The risk set. Judgement: eight active days are the fewest that show a rhythm; five in a shop, where customers come rarely.
LEAST_DAYS, LEAST_DAYS_SLOW = 8, 5
SLOW_LOG_DAYS_PER_WEEK = 0.7  # judgement: a log whose median customer comes less often than that is a shop's
LEAST_WEEKS = 8
LEAST_REGULARS = 30  # judgement: from fewer neither pauses nor breaks can be learned
SHORTEST_LOG_WEEKS = 20  # judgement: eight weeks make a rhythm, a break takes six to be seen, and something earlier is needed to compare with
# Only so many weeks up to the day in question are used: rhythms drift, and a whole log gave three times as many alarms by chance (grade C, measured
# in simulated logs; docs/how-to/rhythm.md).
BASELINE_WEEKS, SHORTEST_BASELINE_WEEKS = 52, 20
OWN_PAUSE_DAYS = 6.0  # judgement: a silence in which so many active days were expected is a pause of the customer, no chance
ONE_VISIT_SHARE = 0.9  # judgement: where so many customers were seen on one day only, the log holds no rhythms

# Rows that no customer makes. Judgement: cards of staff and of tests.
STAFF_ROWS_PER_DAY, STAFF_TIMES_MEDIAN = 20.0, 10.0
STAFF_DAYS_PER_WEEK, STAFF_WEEKS, STAFF_SHARE = 6.9, 26, 0.01
THIN_WEEK = 0.35  # judgement: a last week with less than this share of the usual activity is a log that stopped, not a company

# A recovery: at least this share of the own rhythm over as many weeks as make ten expected days (three to thirteen). J, checked in simulated logs.
RECOVERY_SHARE, RECOVERY_DAYS, RECOVERY_WEEKS = 0.65, 10.0, (3, 13)
LASTING_WEEKS = 26  # "lasts": no recovery within half a year
CUT_WEEKS = 4  # the log is judged anew every four weeks of its past
# Chance that a spell of low activity ends within four weeks, by its age in steps of four weeks, before the log speaks; grade C, from simulated logs
# of gyms. Each is worth ten spells of the log.
SILENT_RETURN = np.array([0.45, 0.35, 0.20, 0.10, 0.06, 0.03, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01])
PARTIAL_RETURN = np.array([0.20, 0.15, 0.10, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02])
RETURN_WEIGHT = 10.0
# Judgement: in each tenth of a back-test, what was said of a break weighs as much as so many spells that were followed.
BACKTEST_WEIGHT = 50.0
# Judgement: of those who stayed away by chance, the share whose rhythm of before is seen again within four weeks.
CHANCE_RETURN = 0.95
LEARNING_PROBABILITY = 0.8  # judgement: whose spells count when returns are learned

SETTLED = 0.8  # judgement: from this probability on a break is taken to last, and can stand for a departure
# Judgement: what is taken to last must surely be a break. In simulated logs the share of settled calls that are chance falls by a third (grade C).
SURE_BREAK = 0.95
THRESHOLDS = (0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995)  # of p_broken; the budget of false alarms chooses one
FALSE_ALARMS = 2.0  # per 1,000 customer-months, by default
BUDGETS = (2.0, 1.0, 3.0, 5.0)  # judgement: those a page offers; the default comes first
RECENT_WEEKS = 13  # judgement: "since" in the headline: a quarter
DAYS_PER_MONTH = 30.4375
WEEKS_PER_MONTH = DAYS_PER_MONTH / 7

# After a complaint or an incident. Judgement: breaks of the week itself and of the eight after it count; the four before are a guard, because a
# break may be dated that much early; the seven before those are the placebo.
AFTER_WEEKS, GUARD_WEEKS, PLACEBO_WEEKS = 8, 4, 7
LEAST_STRUCK = 20  # judgement: after fewer no ratio is given
LARGEST_CIRCLE = 12  # judgement: of a household or group; larger ones are ignored: their members need not know each other
MOST_CATEGORIES = 24  # as in the cohort counts
SMALLEST_GROUP = 5  # the usual threshold of official statistics: no trace and no segment of fewer people
TRACE_WEEKS = (-26, 13)
SAMPLE_CUSTOMERS = 10_000  # whose past is judged anew: share and rates of so many are sure enough, and ten times as many take ten times as long
LEARNING_CUSTOMERS = 5_000
CHUNK_CUSTOMERS = 2_000  # rows of weeks that stay in a processor's cache
DISPERSION_EDGES = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0])  # active days per week
# The shares of changes before a log speaks. Judgement: half of them are collapses.
DEFAULT_MIX = np.concatenate([0.5 * (1 - RAMP_SHARE) * FRESH_MIX, 0.5 * OTHER_MIX, np.full(len(RAMPS), 0.5 * RAMP_SHARE / len(RAMPS))])


@dataclass(frozen=True, eq=False)
class RhythmSettings:
    """What a log says about its rhythms, pauses and breaks.

    Attributes:
        shape, rate: Of the gamma distribution of active days per week.
        week_index: Activity of the company by week of the log, 1 is usual.
        dispersion: Variance of active days per week over its mean, by band of `dispersion_edges` (days per week).
        break_hazard: Probability per week that a rhythm changes.
        mix: Share of each change: `RATIOS`, then `RAMPS`.
        pause_hazard: Probability per week that a pause begins.
        pause_survival: Share of pauses that last at least so many weeks.
        least_days: Active days that make a regular.
    """

    week_index: FloatArray
    shape: float = 1.0
    rate: float = 1.0
    dispersion: FloatArray = field(default_factory=lambda: np.ones(8))
    break_hazard: float = 0.003
    mix: FloatArray = field(default_factory=DEFAULT_MIX.copy)
    pause_hazard: float = 0.02
    pause_survival: FloatArray = field(default_factory=lambda: 0.6 ** np.arange(200.0))
    least_days: int = LEAST_DAYS
