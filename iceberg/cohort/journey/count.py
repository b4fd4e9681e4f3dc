"""Counts complainants by step of the journey and by channel; rows stay in the engine, and no customer leaves it."""
# ruff: noqa: S608 - names in the text are literals of this package

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.incidents import fold_name
from iceberg.cohort.journey.first_cases import CASES, INCIDENT_CASES, FirstCases
from iceberg.cohort.journey.journey_counts import BLANK, OTHER_CHANNELS, OUTSIDE, JourneyCounts, Split
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.tables import Tables

MOST_CHANNELS = 12  # judgement: past so many, the channels of the fewest customers are one
LEAST_OF_CHANNEL = 5  # customers: a channel of fewer is never named by itself
_MOST_TEXTS, _MOST_OUTSIDE, _LONGEST = 2_000, 8, 60  # judgement: texts of a column that are looked up, that are listed, and characters of each


def with_journey(counts: CohortCounts, tables: Tables) -> CohortCounts:
    """The counts with those of the journey; unchanged where neither a mapping nor a column says anything of it.

    Args:
        counts: Of the same tables; nothing else of them changes.
        tables: Trusted rows, with what the mapping says of the journey.
    """
    columns = {table: tables.case_fields.get(table, ()) for table in ("complaints", "incidents") if table in tables.names}
    linked = counts.has_linked_complaints and counts.has_calendar
    complaints = tuple(name for name in _FIELDS if linked and name in columns.get("complaints", ()))
    incidents = tuple(name for name in _FIELDS if linked and name in columns.get("incidents", ()))
    if not counts.categories or not (tables.journey.categories or complaints or incidents):
        return counts
    placed, missing = _place_categories(counts, tables)
    found = JourneyCounts(
        tables.journey.names,
        bool(tables.journey.stages),
        placed,
        missing,
        channel_is_place=tables.journey.channel_is_place,
        moments=tuple((name, tables.journey.names.index(stage)) for name, stage in tables.journey.moments.items()),
    )
    if complaints or incidents:
        with tables.engine.work():
            found = _count_cases(found, FirstCases(tables, counts), complaints, incidents)
    return replace(counts, journey=found)


_FIELDS = ("stage", "channel")


def _place_categories(counts: CohortCounts, tables: Tables) -> tuple[tuple[tuple[int, int], ...], tuple[str, ...]]:
    """The stage of each category that the mapping names, and the names that are no category of these counts."""
    stages = tables.journey.names
    exact = {name: place for place, name in enumerate(counts.categories)}
    folded = {fold_name(name): place for name, place in reversed(exact.items())}
    placed, missing = dict[int, int](), list[str]()
    for name, stage in tables.journey.categories.items():
        place = exact.get(name, folded.get(fold_name(name)))
        if place is None:
            missing.append(name)
        else:
            placed.setdefault(place, stages.index(stage))
    return tuple(sorted(placed.items())), tuple(sorted(missing))


def _count_cases(found: JourneyCounts, cases: FirstCases, complaints: tuple[str, ...], incidents: tuple[str, ...]) -> JourneyCounts:
    """The counts of the columns that the complaints and the incident log have."""
    if complaints:
        cases.make(complaints)
    if incidents:
        cases.make_incidents(incidents)
    outside = Counter[str]()
    for table, fields, source in (("complaints", complaints, CASES), ("incidents", incidents, INCIDENT_CASES)):
        if "stage" in fields:
            places = _places_of_stages(cases.tables, table, outside)
            rows = tuple(Split(*row) for row in cases.splits(source, "stage", places, unknown=OUTSIDE, blank=BLANK))
            found = replace(found, complained=rows) if source == CASES else replace(found, struck=rows)
    found = replace(found, outside=tuple((text[:_LONGEST], number) for text, number in outside.most_common(_MOST_OUTSIDE)))
    if "channel" in complaints or "channel" in incidents:
        found = _count_channels(found, cases, complaints, incidents)
    return found


def _places_of_stages(tables: Tables, table: str, outside: Counter[str]) -> dict[str, int]:
    """The stage of each text of the column; texts that name none are added to `outside` with their rows."""
    rules = tables.journey
    order = {name: place for place, name in enumerate(rules.names)}
    rows = tables.engine.execute(
        f"SELECT stage, count(*) AS cases FROM {table} WHERE stage IS NOT NULL GROUP BY stage ORDER BY cases DESC, stage LIMIT {_MOST_TEXTS}"
    ).fetchall()
    places = {}
    for text, number in rows:
        stage = rules.stage_of(str(text))
        if stage is None:
            outside[str(text)] += int(number)
        else:
            places[str(text)] = order[stage]
    return places


def _count_channels(found: JourneyCounts, cases: FirstCases, complaints: tuple[str, ...], incidents: tuple[str, ...]) -> JourneyCounts:
    """Complainants and silent sufferers by channel. Spellings that differ by case, accents or punctuation are one channel."""
    sizes, spellings = Counter[str](), dict[str, Counter[str]]()
    for fields, source in ((complaints, CASES), (incidents, INCIDENT_CASES)):
        if "channel" not in fields:
            continue
        rows = cases.tables.engine.execute(f"SELECT channel, count(*) FROM {source} WHERE channel IS NOT NULL GROUP BY channel").fetchall()
        for text, number in rows:
            key = fold_name(str(text))
            sizes[key] += int(number)
            spellings.setdefault(key, Counter())[str(text)] += int(number)
    names, places = _channels(sizes, spellings)
    others = len(names) - 1
    if "channel" in complaints:
        heard = cases.splits(CASES, "channel", places, unknown=others, blank=BLANK)
        listed = " ".join(f"WHEN channel = {quote_text(text)} THEN {place}" for text, place in places.items())
        place = f"CASE WHEN channel IS NULL THEN NULL {listed} ELSE {others} END"
        condition = f"rank = 1 AND complaint_date >= {cases.of.since}"
        found = replace(found, heard=tuple(Split(*row) for row in heard), clock=cases.clock(place, condition=condition))
    if "channel" in incidents:
        rows = cases.splits(INCIDENT_CASES, "channel", places, unknown=others, blank=BLANK)
        found = replace(found, struck_through=tuple(Split(*row) for row in rows))
    return replace(found, channels=names)


def _channels(sizes: Counter[str], spellings: Mapping[str, Counter[str]]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Names of the channels, most used first, and the place of each text; those of few customers are `OTHER_CHANNELS`, the last place."""
    order = sorted(sizes, key=lambda key: (-sizes[key], key))
    apart = [key for key in order if sizes[key] >= LEAST_OF_CHANNEL]
    small = order[len(apart) :]
    if len(apart) > MOST_CHANNELS or small:
        apart = apart[: MOST_CHANNELS - 1]
    # A single small channel would follow from the sum: the next one joins it.
    while len(apart) < len(order) and apart and sum(sizes[key] for key in order[len(apart) :]) < LEAST_OF_CHANNEL:
        apart = apart[:-1]
    names = tuple(max(spellings[key], key=lambda text: (spellings[key][text], text)) for key in apart)
    names += (OTHER_CHANNELS,) if len(apart) < len(order) else ()
    places = {text: place for place, key in enumerate(apart) for text in spellings[key]}
    return names, places

