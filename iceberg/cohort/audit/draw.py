"""Draws the cases of an audit: at random inside strata, with known probabilities, and which of them two raters score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from iceberg.cohort.audit.record import FEWEST_CASES, FEWEST_MET
from iceberg.cohort.audit.tickets import column_of, complaints_of, rows_sql
from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.judging.issues import find_record_places
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.tables import Tables

TWICE = 0.2  # share of the cases that two raters score (judgement, as quality teams do)
_CASE = "case_id"
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class DrawnCase:
    """One case of one rater.

    Attributes:
        case_id: Number of the case; where the file has none, the line of the file in which it stands.
        category, stratum: What it is about; the values of the further columns by which was drawn, "" without any.
        probability: With which it was drawn.
        rater: From 1.
    """

    case_id: str
    category: str
    stratum: str
    probability: float
    rater: int


@dataclass(frozen=True)
class Draw:
    """Everything that was drawn.

    Attributes:
        rows: One per case and rater, in random order.
        cases: Cases drawn.
        twice: Cases that two raters score.
        population: Cases by category, of which they were drawn.
        drawn: Cases drawn by category.
        lines: Whether lines of the file stand for the numbers of the cases.
    """

    rows: tuple[DrawnCase, ...]
    cases: int
    twice: int
    population: Mapping[str, int]
    drawn: Mapping[str, int]
    lines: bool


def draw_cases(
    tables: Tables, *, number: int, raters: int, rng: np.random.Generator, months: int = 12, by: Sequence[str] = (), case_column: str = ""
) -> Draw:
    """Draw cases at random inside category x `by`.

    Args:
        tables: Complaints, still open.
        number: Cases to draw; all where there are fewer.
        raters: Who scores, two or more.
        rng: Random numbers.
        months: Only cases of the last so many months.
        by: Headers of further columns of the complaints, such as stage and channel.
        case_column: Header of the number of the case; where it is left out that of the mapping.

    Raises:
        EvidenceError: ``audit_no_cases``.
        OptionError: ``audit_column``; ``audit_raters``: more raters than cases for two of them.
    """
    item = complaints_of(tables)
    own = item.fields.columns.get("complaint_id")
    header = case_column or (own.header if own is not None else "")
    headers = {f"by_{place}": column_of(item, name).header for place, name in enumerate(by)}
    headers |= {_CASE: column_of(item, header).header} if header else {}
    strata = _strata(tables, rows_sql(tables, item, headers), months, len(by), numbered=bool(header))
    if not strata:
        raise EvidenceError("audit_no_cases")
    drawn = _draw_inside(strata, number, rng)
    if not header:
        drawn = _by_line(tables, item, drawn)
    if len(drawn) < raters:
        raise OptionError("audit_raters", {"cases": len(drawn), "raters": raters})
    population: dict[str, int] = defaultdict(int)
    for (category, _), cases in strata.items():
        population[category] += len(cases)
    counted = {category: sum(one[1] == category for one in drawn) for category in sorted(population)}
    twice = min(len(drawn), max(int(np.ceil(TWICE * len(drawn))), FEWEST_MET, raters))
    return Draw(_assigned(drawn, raters, twice, rng), len(drawn), twice, dict(sorted(population.items())), counted, not header)


Case = tuple[str, str, str, float]  # id, category, stratum, probability


def _by_line(tables: Tables, item: JudgedTable, drawn: Sequence[Case]) -> list[Case]:
    """The cases under the lines of their records, with the name of the file where there are several."""
    places = find_record_places(tables.connection, item, [int(one[0]) for one in drawn])
    found = []
    for record, category, stratum, probability in drawn:
        place = places[int(record)]
        line = f"{place.file}:{place.line}" if len(item.parts) > 1 and place.file else f"line {place.line}"
        found.append((line, category, stratum, probability))
    return found


def _strata(tables: Tables, rows: str, months: int, columns: int, *, numbered: bool) -> dict[tuple[str, str], list[str]]:
    """Ids of the cases (their records where there are none), sorted, by category and values of the further columns. A number counts once."""
    further = "".join(f", coalesce(by_{place}, '–')" for place in range(columns))
    name = f"coalesce({_CASE}, '')" if numbered else "CAST(record AS VARCHAR)"
    first = f"(SELECT max(complaint_date) FROM ({rows})) - INTERVAL {months} MONTH"
    found = tables.connection.execute(f"SELECT {name}, category{further} FROM ({rows}) WHERE complaint_date > {first} ORDER BY record").fetchall()
    strata: dict[tuple[str, str], list[str]] = defaultdict(list)
    seen: set[str] = set()
    for case, category, *values in found:
        if case and case not in seen:
            seen.add(case)
            strata[str(category), " · ".join(map(str, values))].append(str(case))
    return {key: sorted(cases) for key, cases in sorted(strata.items())}


def _draw_inside(strata: Mapping[tuple[str, str], Sequence[str]], number: int, rng: np.random.Generator) -> list[Case]:
    """The cases, each with its probability. Strata of a category that gets fewer cases than it has strata are taken together, the smallest first."""
    sizes: dict[str, int] = defaultdict(int)
    for (category, _), cases in strata.items():
        sizes[category] += len(cases)
    drawn: list[Case] = []
    for category, wanted in allocate(sizes, number, least=FEWEST_CASES).items():
        own = [([stratum], list(cases)) for (name, stratum), cases in strata.items() if name == category]
        while len(own) > max(wanted, 1):
            own.sort(key=lambda one: (-len(one[1]), one[0]))
            (last, cases), (names, others) = own.pop(), own.pop()
            own.append(([*names, *last], others + cases))
        parts = {place: len(cases) for place, (_, cases) in enumerate(own)}
        for place, chosen in allocate(parts, wanted, least=1).items():
            names, cases = own[place]
            picked = rng.choice(len(cases), size=chosen, replace=False)
            drawn += [(cases[one], category, " + ".join(names), chosen / len(cases)) for one in picked]
    return drawn


def allocate(sizes: Mapping[Key, int], number: int, *, least: int) -> dict[Key, int]:
    """How many of each group: `least` of each as far as there are so many, the rest in proportion to what is left of each.

    Args:
        sizes: Members of each group.
        number: To be given out.
        least: For each group first, one after the other, the largest first.
    """
    order = sorted(sizes, key=lambda key: (-sizes[key], str(key)))
    given, left = dict.fromkeys(sizes, 0), min(number, sum(sizes.values()))
    for turn in range(least):
        for key in order:
            if left and sizes[key] > turn:
                given[key] += 1
                left -= 1
    rest = {key: sizes[key] - given[key] for key in order}
    shares = {key: left * rest[key] / max(sum(rest.values()), 1) for key in order}
    for key in order:
        given[key] += int(shares[key])
    missing = left - sum(int(share) for share in shares.values())
    for key in sorted(order, key=lambda key: (int(shares[key]) - shares[key], order.index(key)))[:missing]:
        given[key] += 1
    return given


def _assigned(drawn: Sequence[Case], raters: int, twice: int, rng: np.random.Generator) -> tuple[DrawnCase, ...]:
    """Each case with its rater, the first `twice` of a random order with two; rows in another random order, so that none shows which these are."""
    rows = []
    for place, one in enumerate(rng.permutation(len(drawn))):
        case_id, category, stratum, probability = drawn[one]
        first = place % raters
        second = (first + 1 + (place // raters) % (raters - 1)) % raters if raters > 1 else first
        for rater in sorted({first, second} if place < twice else {first}):
            rows.append(DrawnCase(case_id, category, stratum, probability, rater + 1))
    return tuple(rows[place] for place in rng.permutation(len(rows)))
