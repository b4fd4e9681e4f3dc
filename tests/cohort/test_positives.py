"""Counting good moments: by hand on a company small enough for it, and against an explosion into customers and months."""

import json
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.positives.count import BAND_EDGES_VISITS, with_positives
from iceberg.cohort.positives.kinds import MOST_KINDS, code_of, place_kinds
from iceberg.cohort.positives.matching import FOLLOWED_MONTHS, LEAST_MATCHED
from iceberg.cohort.positives.positive_counts import EVERY_KIND, JUST_BEFORE, LONG_BEFORE, OTHER_KINDS, PositiveCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.rhythm.read import without_inactivity
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.load import load_tables

WINDOW = ObservationWindow(date(2024, 1, 1), date(2024, 12, 31))
NO_COMPLAINTS = pd.DataFrame({"customer_id": ["C0"], "complaint_date": ["2022-01-01"], "category": ["x"]})


def count(
    customers: pd.DataFrame,
    positives: pd.DataFrame,
    *,
    complaints: pd.DataFrame = NO_COMPLAINTS,
    activity: pd.DataFrame | None = None,
    window: ObservationWindow = WINDOW,
) -> CohortCounts:
    tables, _ = load_tables(customers, complaints, positives=positives, activity=activity, mapping=without_inactivity(None))
    with tables:
        return reduce_tables(tables, window=window, keep_months=True, keep_cancellations=True, term=0)


def positives_of(*arguments: pd.DataFrame, **options: object) -> PositiveCounts:
    found = count(*arguments, **options).positives  # type: ignore[arg-type]
    assert found is not None
    return found


def people(ends: list[str | None], start: str = "2020-01-01") -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"C{number}" for number in range(len(ends))], "start_date": start, "end_date": ends})


def test_counts_worked_out_by_hand() -> None:
    """Ten customers without a moment, of whom one leaves in May; two with one in March, of whom one leaves in April."""
    customers = people(["2024-05-10", *[None] * 9, "2024-04-20", None])
    moments = pd.DataFrame({"customer_id": ["C10", "C11"], "moment at": ["2024-03-05", "2024-03-30"], "kind": ["compliment", "Merci !"]})
    found = positives_of(customers, moments)
    assert (found.kinds, found.codes, found.sees_engagement) == ((OTHER_KINDS,), ("",), False)  # of two customers
    months = [one for one in found.months if one.kind == EVERY_KIND]
    # April: two customers, of whom one leaves halfway: 3 half months; nobody of ten leaves. May: one customer, 1 of 10 leaves in 19 half months.
    assert [(one.month, one.half_months, one.leavers) for one in months] == [(0, 3, 1), *((month, 2, 0) for month in range(1, 9))]
    assert months[0].expected == 0 and months[1].expected == pytest.approx(2 / 19)
    assert months[1].variance == pytest.approx((2 / 19) ** 2)
    assert sum(one.expected for one in months[2:]) == 0
    assert found.customers == ((0, 0, 2),)
    assert (found.rows, found.later, found.after, found.outside, found.unmatched) == (2, 0, 0, 0, 0)


def test_no_time_before_the_moment_counts_and_who_leaves_within_its_month_never_does() -> None:
    """Else customers with a moment could not die in time that counts for them."""
    customers = people([*[None] * 8, "2024-03-25", "2024-12-31"])
    moments = pd.DataFrame({"customer_id": ["C8", "C9"], "moment at": ["2024-03-05", "2024-11-20"]})
    found = positives_of(customers, moments)
    assert found.customers == ((0, 0, 1),)
    assert [(one.month, one.half_months, one.leavers) for one in found.months if one.kind == EVERY_KIND] == [(0, 1, 1)]


def test_rows_that_say_nothing_are_counted_by_reason() -> None:
    customers = people([*[None] * 8, "2024-02-10"])
    days = [("C7", "2024-03-05"), ("C7", "2024-06-05"), ("C8", "2024-04-01"), ("C6", "2019-05-01"), ("C5", "2024-12-15"), ("C4", "2023-05-01")]
    moments = pd.DataFrame(days, columns=["customer_id", "moment at"])
    found = positives_of(customers, moments)
    assert (found.rows, found.later, found.after, found.outside) == (6, 1, 1, 3)
    assert found.customers_of(EVERY_KIND) == 1


def test_who_had_a_moment_before_is_not_compared_and_who_has_one_later_leaves_the_comparison() -> None:
    """C0 was touched before the window: neither. C1 is compared with C2 in April until June, when it has one of its own."""
    customers = people([None] * 12)
    moments = pd.DataFrame({"customer_id": ["C0", "C2", "C1"], "moment at": ["2023-05-05", "2024-03-05", "2024-06-05"]})
    found = positives_of(customers, moments)
    assert found.customers == ((0, 0, 2),)
    bands = found.bands
    assert [(one.customers, one.matched) for one in bands] == [(2, 10 + 9)]  # March: all but C0 and C2; June: all but C0, C1 and C2
    assert found.outside == 1


def test_fewer_than_five_customers_make_no_comparison() -> None:
    moments = pd.DataFrame({"customer_id": ["C4"], "moment at": ["2024-03-05"]})
    alone = positives_of(people([None] * LEAST_MATCHED), moments)
    assert (alone.customers, alone.unmatched, alone.months) == ((), 1, ())
    assert positives_of(people([None] * (LEAST_MATCHED + 1)), moments).unmatched == 0


def test_only_whole_months_are_followed() -> None:
    """Of a window that ends within a month, that month counts for nobody."""
    moments = pd.DataFrame({"customer_id": ["C7"], "moment at": ["2024-03-05"]})
    found = positives_of(people([None] * 8), moments, window=ObservationWindow(date(2024, 1, 1), date(2024, 8, 30)))
    assert [one.month for one in found.months if one.kind == EVERY_KIND] == [0, 1, 2, 3]


def test_moments_that_cannot_count_are_named() -> None:
    late = pd.DataFrame({"customer_id": ["C1", "C8"], "moment at": ["2024-12-05", "2024-06-01"]})
    with pytest.raises(EvidenceError) as caught:
        count(people([*[None] * 8, "2024-02-10"]), late)
    assert (caught.value.code, caught.value.values["count"], caught.value.values["after"]) == ("positives_outside", 2, 1)


def test_a_sheet_without_dates_is_refused() -> None:
    sheet = pd.DataFrame({"customer_id": ["a", "b"] * 20, "tenure": [3, 9] * 20, "churn": ["Yes", "No"] * 20, "complain": ["No", "Yes"] * 20})
    with pytest.raises(MappingError, match="positives cannot be placed in time"):
        load_tables(flat=sheet, positives=pd.DataFrame({"customer_id": ["a"], "moment at": ["2024-06-01"]}))


def test_volumes_without_customers_are_refused() -> None:
    volumes = pd.DataFrame({"month": ["2024-01", "2024-02"], "category": "x", "complaints": 3})
    tables, _ = load_tables(volumes=volumes, positives=pd.DataFrame({"customer_id": ["a"], "moment at": ["2024-01-01"]}))
    with tables, pytest.raises(EvidenceError, match="first and last days"):
        reduce_tables(tables)


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_an_explosion_into_customers_and_months(seed: int) -> None:
    """Strata, time at risk and departures, customer by customer and month by month, with visits and complaints."""
    rng = np.random.default_rng(seed)
    first = date(2023, 1, 1)

    def day(low: int, high: int) -> date:
        return first + timedelta(days=int(rng.integers(low, high)))

    customers, moments, visits, complaints = [], [], [], []
    for number in range(160):
        start = first - timedelta(days=int(rng.choice([40, 400, 3000])))
        end = day(300, 900) if rng.random() < 0.5 else None
        customers.append((f"C{number}", start, end if end is None or end <= WINDOW.as_of else None, "north" if number % 2 else "south"))
        moments += [(f"C{number}", day(0, 720), str(rng.choice(["compliment", "goodwill"]))) for _ in range(int(rng.integers(0, 2)))]
        visits += [(f"C{number}", day(0, 720)) for _ in range(int(rng.choice([0, 30])))]
        complaints += [(f"C{number}", day(370, 720), "billing") for _ in range(int(rng.random() < 0.2))]
    frames = (
        pd.DataFrame(customers, columns=["customer_id", "start_date", "end_date", "segment"]),
        pd.DataFrame(moments, columns=["customer_id", "moment at", "kind"]),
    )
    heard = pd.DataFrame(complaints, columns=["customer_id", "complaint_date", "category"])
    came = pd.DataFrame(visits, columns=["customer_id", "day"])
    counts = count(*frames, complaints=heard, activity=came)
    found = counts.positives
    assert found is not None and found.sees_engagement
    expected = exploded(counts, customers, moments, visits, complaints)
    for segment in range(2):
        own = {one.month: one for one in found.months if one.segment == segment and one.kind == EVERY_KIND}
        for month in range(FOLLOWED_MONTHS):
            time, left, mean = expected[segment, month]
            assert (own[month].half_months if month in own else 0) == time
            if month in own:
                assert (own[month].leavers, own[month].expected) == (left, pytest.approx(mean))
    for segment in range(2):  # the kinds add up
        by_kind = sum(one.half_months for one in found.months if one.segment == segment and one.kind != EVERY_KIND)
        assert by_kind == sum(one.half_months for one in found.months if one.segment == segment and one.kind == EVERY_KIND)


def exploded(counts: CohortCounts, customers: list, moments: list, visits: list, complaints: list) -> dict:  # type: ignore[type-arg]
    """By segment and month since the moment: half months, departures, and those expected."""

    def index(when: date) -> int:
        return when.year * 12 + when.month - 1

    last = index(WINDOW.as_of)
    log = min(index(when) for _, when in visits)
    strata: dict[tuple[object, ...], list[tuple[bool, int, int]]] = defaultdict(list)
    for name, start, end, segment in customers:
        own = sorted(when for who, when, _ in moments if who == name and start <= when <= (end or WINDOW.as_of))
        touched = index(own[0]) if own else None
        for month in range(max(index(WINDOW.since), log + 3), last):
            begin = date(month // 12, month % 12 + 1, 1)
            if start > begin or (end is not None and index(end) <= month) or (touched is not None and touched < month):
                continue
            days = len({when for who, when in visits if who == name and month - 3 <= index(when) < month})
            engagement = max(place for place, edge in enumerate(BAND_EDGES_VISITS) if days >= edge)
            tenure = month - index(start) - (start.day > 1)
            band = max(place for place, edge in enumerate(counts.band_edges_months) if tenure >= edge)
            complained = any(who == name and month - 2 <= index(when) <= month for who, when, _ in complaints)
            until = min(FOLLOWED_MONTHS, last - month)
            gone = index(end) - month - 1 if end is not None else 99
            had = touched - month - 1 if touched is not None and touched > month else 99
            follow, how = (had, 2) if had < until and had <= gone else (gone, 1) if gone < until else (until, 0)
            strata[counts.segments.index(segment), month, band, engagement, complained].append((touched == month, follow, how))
    result: dict[tuple[int, int], list[float]] = {(segment, month): [0, 0, 0.0] for segment in range(2) for month in range(FOLLOWED_MONTHS)}
    for (segment, *_), rows in strata.items():
        if sum(not one[0] for one in rows) < LEAST_MATCHED:
            continue
        for month in range(FOLLOWED_MONTHS):
            time, left = [0, 0], [0, 0]
            for is_touched, follow, how in rows:
                time[is_touched] += 2 if follow > month else 1 if follow == month and how else 0
                left[is_touched] += follow == month and how == 1
            if time[0]:
                cell = result[int(segment), month]  # type: ignore[call-overload]
                cell[0], cell[1], cell[2] = cell[0] + time[1], cell[1] + left[1], cell[2] + time[1] * left[0] / time[0]
    return result


def test_visits_long_before_the_moment_are_set_beside_those_of_matched_customers() -> None:
    """All came on two days of each of the three months before; those with a moment on four of each month before that, the others on two."""
    customers = people([None] * 22)
    visits = []
    for number in range(22):
        for month in range(1, 7):
            days = 4 if number >= 20 and month < 4 else 2
            visits += [(f"C{number}", date(2024, month, 2 + one)) for one in range(days)]
    moments = pd.DataFrame({"customer_id": ["C20", "C21"], "moment at": ["2024-07-05", "2024-07-06"]})
    found = positives_of(customers, moments, activity=pd.DataFrame(visits, columns=["customer_id", "day"]))
    [before] = [one for one in found.before if (one.kind, one.period) == (EVERY_KIND, LONG_BEFORE)]
    assert (before.customers, before.visits, before.expected, before.variance) == (2, 24, 12.0, 0.0)
    assert [(one.band, one.customers, one.matched) for one in found.bands] == [(BAND_EDGES_VISITS.index(5), 2, 20)]


def test_visits_just_before_the_moment_are_set_beside_the_same_part_of_the_month() -> None:
    """Of 30 days of June, 15 lie before the moment: matched customers, on four and on eight days in all, count for half of that."""
    visits = [(f"C{number}", date(2024, 1, 2)) for number in range(21)]
    visits += [(f"C{number}", date(2024, 6, 1 + one)) for number in range(20) for one in range(4 + 4 * (number % 2))]
    visits += [("C20", date(2024, 6, one)) for one in (1, 2, 15, 16, 17)]
    visits += [("C0", date(2024, 8, 1))]  # the log goes on
    moments = pd.DataFrame({"customer_id": ["C20"], "moment at": ["2024-06-16"]})
    found = positives_of(people([None] * 21), moments, activity=pd.DataFrame(visits, columns=["customer_id", "day"]))
    [just] = [one for one in found.before if (one.kind, one.period) == (EVERY_KIND, JUST_BEFORE)]
    assert (just.customers, just.visits, just.expected) == (1, 3, 3.0)
    spread = 20 * 4 / 19  # of the days of matched customers
    assert just.variance == pytest.approx(0.25 * 6 + 0.25 * spread + 0.25 * spread / 20)


def test_a_log_that_begins_too_late_shows_no_engagement() -> None:
    visits = pd.DataFrame({"customer_id": ["C1", "C2"], "day": ["2024-11-02", "2024-12-02"]})
    found = positives_of(people([None] * 8), pd.DataFrame({"customer_id": ["C7"], "moment at": ["2024-03-05"]}), activity=visits)
    assert not found.sees_engagement and found.band_edges_visits == (0,)


def test_recent_complainants_are_compared_with_recent_complainants() -> None:
    """Call-backs go to those who complained: they leave more, whatever the call does."""
    complaints = pd.DataFrame({"customer_id": [f"C{number}" for number in range(12)], "complaint_date": "2024-03-01", "category": "x"})
    customers = people(["2024-04-15", "2024-04-16", "2024-04-17", *[None] * 21])
    found = positives_of(customers, pd.DataFrame({"customer_id": ["C11"], "called back at": ["2024-03-05"]}), complaints=complaints)
    assert next(one for one in found.months if one.kind == EVERY_KIND).expected == pytest.approx(2 * 3 / 19)


def test_the_order_of_rows_does_not_matter_and_segments_can_be_chosen() -> None:
    rng = np.random.default_rng(1)
    customers = people([None if one else "2024-08-10" for one in rng.integers(0, 4, 60)])
    customers["segment"] = ["north", "south"] * 30
    moments = pd.DataFrame({"customer_id": [f"C{number}" for number in range(50, 60)], "moment at": "2024-03-05", "kind": ["a", "b"] * 5})
    counts = count(customers, moments)
    again = count(customers.sample(frac=1, random_state=2), moments.sample(frac=1, random_state=3))
    assert counts.positives == again.positives and counts.digest == again.digest
    assert counts.positives is not None
    south = counts.positives.select([counts.segments.index("south")])
    assert south.customers_of(EVERY_KIND) == 5 and {one.segment for one in south.months} == {0}
    assert PositiveCounts.from_dict(json.loads(json.dumps(counts.positives.to_dict()))) == counts.positives
    assert read_counts(write_counts(counts)).positives == counts.positives


def test_no_customer_leaves_the_engine() -> None:
    found = positives_of(people([None] * 8), pd.DataFrame({"customer_id": ["C7"], "moment at": ["2024-03-05"], "kind": ["thanks to C7"]}))
    assert "C7" not in json.dumps(found.to_dict())  # a kind of one customer has no name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Compliment", "compliment"), ("Thank-you note", "compliment"), ("Remerciement", "compliment"), ("félicitations", "compliment"),
        ("goodwill credit", "goodwill"), ("Geste commercial", "goodwill"), ("bon d’achat", "goodwill"), ("Avoir", "goodwill"),
        ("Call-back within 7 days", "call_back"), ("rappel sous 7 jours", "call_back"), ("recognised", "recognition"), ("Reconnu", "recognition"),
        ("CSAT 5", "top_score"), ("5 étoiles", "top_score"), ("Très satisfait", "top_score"), ("visite du directeur", ""), ("", ""),
    ],
)  # fmt: skip
def test_kinds_are_known_in_both_languages(text: str, code: str) -> None:
    assert code_of(text) == code


def test_kinds_are_bounded_in_number_and_unknown_ones_stay_as_they_are_written() -> None:
    names, codes, places = place_kinds({f"kind {number}": 50 - number for number in range(30)} | {"KIND 1": 2, "rare": 1})
    assert len(names) == MOST_KINDS and names[-1] == OTHER_KINDS and names[0] == "kind 1" and set(codes) == {""}
    assert places["KIND 1"] == places["kind 1"] == 0 and places["rare"] == MOST_KINDS - 1
    # A single small kind would follow from the sum: the next joins it.
    assert place_kinds({"a": 9, "b": 7, "c": 1})[0] == ("a", OTHER_KINDS)


def test_without_moments_the_counts_are_the_same_object() -> None:
    tables, _ = load_tables(people([None] * 8), NO_COMPLAINTS)
    with tables:
        counts = reduce_tables(tables, window=WINDOW)
        assert with_positives(counts, tables) is counts
