"""Complaints that are made when notice is given: found, said, left out of what the model is fitted to, and nobody's silence changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.agents.company import Notice, draw_company
from benchmarks.calibration.agents.days import live
from benchmarks.calibration.agents.exports import PAST_DAYS, export
from benchmarks.calibration.hostile.files import Files
from benchmarks.calibration.hostile.judge import count_files
from iceberg.locale import Translator
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.priors import NOTICE_ERROR_LOG_SD, list_defaults
from iceberg.model.survival.notice import before_decisions, find_complaints_at_notice


def counts_of(**changes):
    rng = np.random.default_rng(21)
    company = replace(draw_company(rng, customers=(5_000, 5_001), services=(3, 3)), **changes)
    return count_files(Files(export(live(company, rng), rng), past_days=PAST_DAYS))


@pytest.fixture(scope="module")
def goodbyes():
    """Three in ten who have decided complain within twelve days, and leave some three weeks after the decision."""
    return counts_of(goodbye=0.3, notice=Notice(days=24))


def test_complaints_after_the_decision_are_found_with_their_days(goodbyes):
    found = find_complaints_at_notice(goodbyes)
    assert found is not None
    assert (found.first_day, found.last_day) == (14, 30)
    assert found.share >= 0.6


@pytest.mark.parametrize("days", [0, 30, 90])
def test_complaints_that_come_before_the_decision_are_not_accused(days):
    """Whatever the notice: who is angry for weeks does not leave on one day."""
    counts = counts_of(notice=Notice(days=days))
    assert find_complaints_at_notice(counts) is None
    assert before_decisions(counts) is counts


def test_complaints_at_notice_are_left_out_and_nobody_becomes_silent(goodbyes):
    rest = before_decisions(goodbyes)
    assert rest.complainants.sum() < 0.9 * goodbyes.complainants.sum()
    assert (rest.complainants <= goodbyes.complainants).all()
    assert (rest.complainants >= 0).all()
    assert (rest.silent_exits == goodbyes.silent_exits).all()
    assert find_complaints_at_notice(rest) is None


def test_the_estimate_says_so_and_is_not_called_data_led(goodbyes):
    estimate = estimate_iceberg(goodbyes, seed=1)
    remark = next(one for one in estimate.diagnostics if one.code == "complaints_at_notice")
    assert estimate.evidence.kind != "data_led"
    for language in ("en", "fr"):
        said = Translator(language).text("diagnostics.complaints_at_notice.says", **remark.values)
        assert f"{remark.values['share']}" in said
        assert "{" not in said


def test_the_width_has_a_source_and_a_grade():
    row = next(one for one in list_defaults() if one.name == "notice_error_log_sd")
    assert (row.value, row.grade) == (NOTICE_ERROR_LOG_SD, "D")
