"""`read_rhythm`: files become `RhythmCounts`; and `find_rhythms`, which looks for rhythms in tables that were read for an estimate."""
# ruff: noqa: S608 - names in the text are literals of this package

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from iceberg.cohort.rhythm.assumptions import BUDGETS, FALSE_ALARMS, SETTLED
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.cohort.rhythm.reduce import reduce_budgets, reduce_rhythm
from iceberg.errors import EvidenceError
from iceberg.ingest.files.sources import Source
from iceberg.ingest.joining.departures import JOINED
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rejected_rows import require_rows
from iceberg.ingest.tables import Tables

OPEN_CUSTOMERS = "customers_open"


def read_rhythm(
    activity: Source | Sequence[Source],
    *,
    customers: Source | Sequence[Source] | None = None,
    complaints: Source | Sequence[Source] | None = None,
    incidents: Source | Sequence[Source] | None = None,
    mapping: MappingSet | None = None,
    false_alarms: float = FALSE_ALARMS,
    settled: float = SETTLED,
) -> RhythmCounts:
    """Reads a log of visits and counts who broke with a rhythm of their own: the command ``rhythm`` in one call.

    Args:
        activity: One row per sign of life (visit, purchase, login): customer id and day.
        customers: Give segments, and the last day of those who left openly.
        complaints: Customer id, day and category: after what rhythms break.
        incidents: The same for problems that were recorded without a complaint.
        mapping: Columns, where they are not recognised; `MappingSet.load` reads a file. What it says of inactivity does not matter here.
        false_alarms: Alarms by chance per 1,000 customers and month that are accepted, above 0 and at most 50. Fewer are surer and later.
        settled: Probability, at least 0.5 and below 1, from which a break is taken to last.

    Returns:
        Counts; nothing in them is of a single customer. Probabilities and shares are between 0 and 1, activity is 1 where it is usual.

    Raises:
        FileError: A file cannot be read.
        MappingError: A column is missing, or a date can be read in two ways.
        EvidenceError: The log has less than 20 whole weeks, hardly a customer was seen on two days, or fewer than 30 have a rhythm.
        OptionError: `false_alarms` or `settled` is out of range.
    """
    chosen = without_inactivity(mapping)
    tables, report = load_tables(customers, complaints, activity=activity, incidents=incidents, mapping=chosen)
    with tables:
        require_rows(report, chosen)
        return reduce_rhythm(tables, false_alarms=false_alarms, settled=settled)


def without_inactivity(mapping: MappingSet | None) -> MappingSet:
    """The mapping in which silence is no departure: whether it is one is the question here."""
    chosen = mapping or MappingSet()
    return replace(chosen, joining=chosen.joining.without_silence())


def find_rhythms(tables: Tables, *, budgets: Sequence[float] = BUDGETS, settled: float = SETTLED) -> tuple[RhythmCounts, ...]:
    """The rhythms of a log that was read for an estimate, an answer per budget of false alarms; nothing where there is no log.

    Args:
        tables: Trusted rows. Departures that the rule of inactivity dated are taken back for this, since they come from the log itself.
        budgets: Alarms by chance per 1,000 customers and month.
        settled: Probability, at least 0.5 and below 1, from which a break is taken to last.

    Raises:
        EvidenceError: The log holds no rhythms; the message says why.
        OptionError: A budget or `settled` is out of range.
    """
    if "activity" not in tables.names:
        return ()
    with tables.engine.work():
        open_customers(tables)
        return reduce_budgets(tables, budgets, settled=settled, customers=OPEN_CUSTOMERS)


def find_rhythms_or_none(
    tables: Tables, *, budgets: Sequence[float] = BUDGETS, settled: float = SETTLED
) -> tuple[tuple[RhythmCounts, ...], EvidenceError | None]:
    """The same, and in place of an error that error: an estimate does not fail for it."""
    try:
        return find_rhythms(tables, budgets=budgets, settled=settled), None
    except EvidenceError as error:
        return (), error


def open_customers(tables: Tables) -> str:
    """Makes the relation `OPEN_CUSTOMERS`, whose last days are open departures only; returns the rows of those whom silence had dated."""
    silent = f"SELECT customer_id FROM {JOINED} WHERE end_source = 'activity'"
    tables.engine.make(
        OPEN_CUSTOMERS,
        f"SELECT * REPLACE (CASE WHEN customer_id IN ({silent}) THEN NULL ELSE end_date END AS end_date) FROM customers",
    )
    return silent
