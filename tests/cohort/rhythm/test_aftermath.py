"""After what rhythms break: the likelihood by hand, an effect that is there, one that is not, and the weeks before."""

import numpy as np
import pytest

from iceberg.cohort.rhythm.aftermath import fit_ratios
from tests.cohort.rhythm.worlds import judge


def test_breaks_that_are_certain_are_counted() -> None:
    """30 certain breaks where 10 are expected: (30 + 1/2) / (10 + 1/2); none before where 5 are expected: 1/2 / (5 + 1/2)."""
    pairs = np.zeros((200, 2))
    pairs[:30, 0] = 1
    ratio, placebo = fit_ratios(pairs, 10.0, 5.0)
    assert ratio.median == pytest.approx(30.5 / 10.5, rel=1e-3) and placebo.median == pytest.approx(0.5 / 5.5, rel=1e-3)
    assert 2.0 < ratio.lower < 2.3 < 3.7 < ratio.upper < 4.1


def test_breaks_in_doubt_at_the_usual_rate_give_a_ratio_of_one() -> None:
    ratio, _ = fit_ratios(np.full((400, 2), 0.05), 20.0, 20.0)
    assert ratio.median == pytest.approx(1, abs=0.02) and ratio.lower < 1 < ratio.upper


def test_a_harmful_incident_is_found_and_a_harmless_one_is_not() -> None:
    judged = judge()
    by_name = {one.category: one for one in judged.counts.categories}
    harmful, harmless = by_name["staff attitude"], by_name["changing rooms"]
    assert harmful.verdict == "more" and harmful.ratio.lower > 2
    assert harmless.verdict == "not_distinguishable" and harmless.ratio.lower < 1 < harmless.ratio.upper
    assert harmful.placebo.lower < 1


def test_the_excess_is_most_of_what_incidents_broke() -> None:
    """Of members who were regulars when struck, eight weeks of the last year or later; breaks that cannot be seen yet are missing."""
    judged = judge()
    log = judged.log
    weekly, caused = log.weekly, log.by_incident & (log.broke >= 62) & (log.broke <= log.world.weeks - 3)
    true = sum(bool(caused[one] and weekly[one, 53 : log.broke[one]].sum() >= 8) for one in range(len(weekly)))
    [harmful] = [one for one in judged.counts.categories if one.category == "staff attitude"]
    assert 0.6 * true <= harmful.observed - harmful.expected <= 1.2 * true


def test_few_who_were_struck_give_no_ratio() -> None:
    from dataclasses import replace

    from tests.cohort.rhythm.worlds import BUSY

    few = judge(replace(BUSY, members=600, incidents=0.0004))
    assert {one.verdict for one in few.counts.categories} == {"too_few"} and all(one.ratio is None for one in few.counts.categories)
