"""How long complainants waited: hours, clocks and days in both languages, cases that are open, and a promised time beside the time it took."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from iceberg.cli.main import main
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.journey.service_counts import CLOSED, FIRST_REPLY, Wait
from iceberg.locale import Translator
from iceberg.model.journey.waits import WaitCurve, estimate_waits
from iceberg.report.journey.waits import wait_grid
from tests.cohort.test_service import cases, count
from tests.companies import write_company


def waits_of(**columns: list[object]) -> list[tuple[str, int, int, int]]:
    counts = count(cases(**columns))
    assert counts.service is not None
    return [(one.measure, one.hours, one.done, one.still) for one in counts.service.waits]


def test_the_day_of_closing_alone_says_how_long_it_took() -> None:
    """Complaints of 1 March: closed on the same day, after three days, after the window, before the complaint (a mistake), and not at all."""
    closed = ["2024-03-01", "2024-03-04", "2025-03-01", "2024-02-01", None]
    until_the_end = 24 * (date(2024, 12, 31) - date(2024, 3, 1)).days
    assert waits_of(**{"Date de clôture": closed}) == [(CLOSED, 0, 1, 0), (CLOSED, 72, 1, 0), (CLOSED, until_the_end, 0, 2)]


@pytest.mark.parametrize(
    ("header", "values", "hours"),
    [
        ("First response time (in hrs)", ["2", "2.5", "26:30:00"], [2, 3, 27]),
        ("First reply time in minutes", ["30", "60", "61"], [1, 1, 2]),
        ("Délai de première réponse (heures)", ["1,5", "2", "0"], [2, 2, 0]),
        ("Premier contact", ["2024-03-01", "2024-03-03", "2024-03-02"], [0, 48, 24]),
        ("first response", ["2024-03-01", "2024-03-03", "2024-03-02"], [0, 48, 24]),
    ],
)
def test_the_first_reply_is_a_number_of_hours_or_minutes_a_clock_or_a_day(header: str, values: list[object], hours: list[int]) -> None:
    found = waits_of(**{header: values})
    assert {measure for measure, *_ in found} == {FIRST_REPLY}
    assert [hour for _, hour, done, _ in found for _ in range(done)] == sorted(hours)


def test_who_got_no_reply_waits_until_the_case_is_closed() -> None:
    found = waits_of(**{"First reply hours": ["4", None], "Resolved at": ["2024-03-02", "2024-03-03"]})
    assert [one for one in found if one[0] == FIRST_REPLY] == [(FIRST_REPLY, 4, 1, 0), (FIRST_REPLY, 48, 0, 1)]


def test_the_median_counts_those_who_still_wait() -> None:
    """Of 100, 40 end after a day, 30 are open from then on, and of the 30 left 25 end after three days: 0.6, then 0.6 x 5 / 30 = 0.1 still wait."""
    waits = [Wait(0, CLOSED, 24, 40, 30), Wait(0, CLOSED, 72, 25, 5)]
    curve = WaitCurve(waits, np.random.default_rng(0))
    assert curve.left.mean(axis=0) == pytest.approx([0.6, 0.1], abs=0.01)
    median = curve.median(hours=24)
    assert median is not None and (median.median, median.upper) == (3, 3)
    assert curve.within(24).mean() == pytest.approx(0.4, abs=0.01) and 0 < curve.within(23).mean() < 0.01
    assert WaitCurve([Wait(0, CLOSED, 24, 40, 60)], np.random.default_rng(0)).median() is None


def test_the_median_lies_in_its_range_nine_times_in_ten() -> None:
    """200 companies of 60 complaints each, exponential waits of which a third is still open when last seen."""
    rng, truth, held = np.random.default_rng(5), 10 * np.log(2), 0
    for _ in range(200):
        wait, end = rng.exponential(240, 60), rng.exponential(480, 60)
        waits = [Wait(0, CLOSED, int(np.ceil(min(one, last))), int(one <= last), int(one > last)) for one, last in zip(wait, end, strict=True)]
        median = WaitCurve(waits, rng, 400).median(hours=24)
        held += median is not None and median.lower <= truth <= median.upper
    assert 0.85 <= held / 200 <= 0.96


def test_a_share_within_a_promise_is_never_certain() -> None:
    """All of 40 closed after two days: within three it is Beta(40.5, 0.5), so that 99 % may be true."""
    share = WaitCurve([Wait(0, CLOSED, 48, 40, 0)], np.random.default_rng(0), 4_000).within(72)
    assert np.quantile(share, [0.05, 0.5]) == pytest.approx(beta.ppf([0.05, 0.5], 40.5, 0.5), abs=0.005)


def test_counts_with_waits_are_read_back() -> None:
    counts = count(cases(**{"Resolved at": ["2024-03-02"] * 40}))
    again = read_counts(write_counts(counts))
    assert again.service is not None and counts.service is not None and again.service.waits == counts.service.waits
    assert [(one.category, one.unit) for one in estimate_waits(counts)] == [("", "days"), ("billing", "days")]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_two_columns_of_the_table_have_one_name(language: str) -> None:
    counts = count(cases(**{"Resolved at": ["2024-03-02"] * 40, "First reply hours": ["4"] * 40}))
    headers, rows = wait_grid(estimate_waits(counts), Translator(language))
    assert len(set(headers)) == len(headers) == 5 and all(len(row) == 5 for row in rows) and len(rows) == 2


@pytest.mark.parametrize(("language", "said"), [("en", "closed within 3 days (3 to 3)"), ("fr", "closes en 3 jours (3 à 3)")])
def test_a_promised_time_stands_beside_the_time_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    """Two of three complaints are closed after three days, the others after ten; five days are promised."""
    write_company(tmp_path, lambda number: f"C{number}")
    frame = pd.read_csv(tmp_path / "complaints.csv")
    dates = pd.to_datetime(frame["complaint_date"])
    closed = [(day + timedelta(days=10 if place % 3 == 0 else 3)).date().isoformat() for place, day in enumerate(dates)]
    frame.assign(**{"Resolved at": closed}).to_csv(tmp_path / "complaints.csv", index=False)
    (tmp_path / "sheet.csv").write_text("category,promise_value,promise_unit\nbilling,5,days\ndelivery,48,hours\n")
    files = [part for name in ("customers", "complaints") for part in (f"--{name}", str(tmp_path / f"{name}.csv"))]
    asked = ["--spheres", str(tmp_path / "sheet.csv"), "--json", str(tmp_path / "out.json"), "--quiet", "--lang", language]
    assert main(["estimate", *files, *asked]) == 0
    assert said in " ".join(capsys.readouterr().out.replace("\u202f", " ").split())
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    everybody = next(one for one in document["service"]["waits"] if not one["category"])
    assert (everybody["measure"], everybody["unit"], everybody["median"]["median"]) == ("closed", "days", 3)
    by_category = {one["category"]: one for one in document["spheres"]["categories"]}
    assert set(by_category) == {"billing", "delivery"}
    for name, one in by_category.items():
        enough = any(wait["category"] == name for wait in document["service"]["waits"])
        assert (one["promise_kept_within"] is not None) == enough == ("promise" not in one["cannot_be_told"])
        if enough:
            kept = one["promise_kept_within"]["median"]
            assert 0.5 < kept < 0.8 if name == "billing" else kept == 0
