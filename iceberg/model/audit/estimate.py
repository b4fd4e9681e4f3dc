"""`audit_of`: from scored cases to the agreement of raters and the score of every category on the three HUMs."""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.audit.record import FEWEST_CASES, HIGHEST, HUMS, ITEMS, LOWEST, CategoryScores, HumsAudit, ItemAgreement, ScoredCases, Span
from iceberg.model.audit.agreement import alpha_interval, cronbach_alpha
from iceberg.model.audit.pooling import pool_scores

ITEMS_OF_HUM = len(ITEMS) // len(HUMS)
FEWEST_ITEMS = 2  # judgement: of the four, for a row to have a score on a HUM
_ENDS = (0.05, 0.5, 0.95)


def audit_of(scored: ScoredCases, *, seed: int = 0) -> HumsAudit:
    """What an audit found; the same cases and seed give the same figures, whatever the order of the rows.

    Args:
        scored: Rows of the filled sheets, of raters who met (`iceberg.cohort.audit.sheet` checks it).
        seed: Of the bootstrap and the posterior.
    """
    rng = np.random.default_rng([seed, 20])
    items = []
    for place, name in enumerate(ITEMS):
        alpha, reading = alpha_interval(_by_rater(scored, scored.scores[:, place]), rng)
        items.append(ItemAgreement(name, alpha, reading))
    hums, spans = [], {}
    for place, name in enumerate(HUMS):
        own = scored.scores[:, ITEMS_OF_HUM * place : ITEMS_OF_HUM * (place + 1)]
        hum, spans[name] = _hum(scored, name, own, rng)
        hums.append(hum)
    cases = np.bincount(scored.category, minlength=len(scored.categories))
    categories = [
        CategoryScores(name, int(cases[place]), {hum: found[place] for hum, found in spans.items() if place in found})
        for place, name in enumerate(scored.categories)
    ]
    counted = (len(scored.category), scored.raters, scored.met, scored.blank_rows)
    return HumsAudit(*counted, tuple(items), tuple(hums), tuple(categories), scored.incomplete)


def _hum(scored: ScoredCases, name: str, own: FloatArray, rng: np.random.Generator) -> tuple[ItemAgreement, dict[int, Span]]:
    """The agreement on the mean of a HUM, and the score of every category that has enough cases, by its place."""
    answered = np.isfinite(own).sum(axis=1)
    rows = answered >= FEWEST_ITEMS
    mean = np.full(len(own), np.nan)
    mean[rows] = np.nansum(own[rows], axis=1) / answered[rows]
    alpha, reading = alpha_interval(_by_rater(scored, mean), rng, metric="interval")
    first = np.unique(scored.case[rows], return_index=True)[1]  # one row of each case: two are no two cases
    consistency = cronbach_alpha(own[rows][first])
    cases, inside = np.unique(scored.case[rows], return_inverse=True)
    if not len(cases):
        return ItemAgreement(name, alpha, reading, consistency), {}
    names, category = np.unique(scored.category[cases], return_inverse=True)
    pooled = pool_scores(
        mean[rows],
        case=inside.astype(np.int64),
        rater=np.unique(scored.rater[rows], return_inverse=True)[1].astype(np.int64),
        category=category.astype(np.int64),
        weight=scored.weight[cases],
        rng=rng,
    )
    enough = np.bincount(category) >= FEWEST_CASES
    ends = np.clip(np.quantile(pooled.category, _ENDS, axis=0), LOWEST, HIGHEST)
    spans = {int(place): Span(*(float(end) for end in ends[:, own_place])) for own_place, place in enumerate(names) if enough[own_place]}
    rater_sd = Span(*(float(end) for end in np.quantile(pooled.rater_sd, _ENDS)))
    return ItemAgreement(name, alpha, reading, consistency, rater_sd), spans


def _by_rater(scored: ScoredCases, values: FloatArray) -> FloatArray:
    """(cases, raters), NaN where a rater has not scored the case."""
    table = np.full((len(scored.category), int(scored.rater.max()) + 1), np.nan)
    table[scored.case, scored.rater] = values
    return table
