"""`load_tables`: sources become tables that can be trusted, and an account of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, Opened
from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
from iceberg.ingest.engine.limits import named_faults
from iceberg.ingest.files.load import Load, OnFile
from iceberg.ingest.files.sources import Source
from iceberg.ingest.files.table_sources import Sources
from iceberg.ingest.joining.dateless_sheet import find_undated, make_sheet
from iceberg.ingest.joining.departures import Joined
from iceberg.ingest.joining.join import join_tables
from iceberg.ingest.joining.links import Relations
from iceberg.ingest.joining.options import RepeatedCustomers, made_alike
from iceberg.ingest.joining.relations import base_of, measure_again
from iceberg.ingest.joining.subscriptions import as_subscriptions, find_repeats, relate_to_subscriptions
from iceberg.ingest.judging.across_rows import judge_flat_duplicates, judge_totals
from iceberg.ingest.judging.issues import find_issues
from iceberg.ingest.judging.judge import count_flags, publish_table, read_table, select_customers
from iceberg.ingest.judging.judged_table import JudgedTable, segment_columns
from iceberg.ingest.judging.several_files import count_parts, require_same_columns, with_shared_cases
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.notes import alike_notes, future_notes, joining_notes, notes_of, notes_of_rows, remarks_of, unlinked_notes
from iceberg.ingest.opening import OpenedSources, add_proposal, open_sources
from iceberg.ingest.rules.select import JOINED_BY
from iceberg.ingest.scan.recent_customers import CountedDays
from iceberg.ingest.schema import BESIDE, CANONICAL_COLUMNS, CASE_FIELDS, NAMING_DAYS, FileTotals, RecentCustomers, RowIssue
from iceberg.ingest.tables import IngestReport, Tables

ISSUES_PER_RULE = 100
_LAST_DAY = "greatest(max(start_date), max(end_date))"
_SPANS = {  # SQL of the first complaint and of the last day of a table
    "complaints": ("min(complaint_date)", "max(complaint_date)"),
    "volumes": ("min(month)", "max(last_day(month))"),
    "customers": ("NULL", _LAST_DAY),
    "subscriptions": ("NULL", _LAST_DAY),
    "events": ("NULL", "max(event_date)"),
}


def load_tables(
    customers: Source | Sequence[Source] | None = None,
    complaints: Source | Sequence[Source] | None = None,
    volumes: Source | Sequence[Source] | None = None,
    *,
    mapping: MappingSet | None = None,
    memory_limit: str | None = None,
    incidents: Source | Sequence[Source] | None = None,
    surveys: Source | Sequence[Source] | None = None,
    leaver_surveys: Source | Sequence[Source] | None = None,
    cancellation_reasons: Source | Sequence[Source] | None = None,
    scores: Source | Sequence[Source] | None = None,
    positives: Source | Sequence[Source] | None = None,
    flat: Source | Sequence[Source] | None = None,
    subscriptions: Source | Sequence[Source] | None = None,
    events: Source | Sequence[Source] | None = None,
    activity: Source | Sequence[Source] | None = None,
    today: date | None = None,
    as_of: date | None = None,
    counted: CountedDays | None = None,
    issues_per_rule: int = ISSUES_PER_RULE,
    relate: bool | None = None,
    temp_directory: Path | None = None,
    on_file: OnFile | None = None,
) -> tuple[Tables, IngestReport]:
    """Read files (each table one, a list, a folder or a pattern) into tables that can be trusted, and account for every row.

    Args:
        customers: One row per customer: id, first day, last day (blank while still here), segment, revenue.
        complaints: One row per complaint, with the customer's id; without ids the rows are folded into volumes.
        volumes: Complaints per category and month.
        mapping: Which header feeds which field; tables it does not name are proposed from their headers.
        memory_limit: Bound for DuckDB, such as ``"4GB"``.
        temp_directory: Folder for what does not fit; the system's own when left out.
        on_file: Called with the name of each file before it is read.
        incidents: One row per problem met, complained about or not (evidence level 4).
        surveys: Per category: people asked, had the problem, complained (evidence level 4).
        leaver_surveys: One row per leaver asked: customer or segment, reached, reason, whether they would have stayed, whether they had complained.
        cancellation_reasons: One row per customer with the reason that was given when the account closed.
        scores: One row per answer to a question about satisfaction: customer, day, score (`iceberg.ingest.values.scores`). No estimate depends on it.
        positives: One row per good moment (compliment, gesture, call-back): customer, day, and best its kind. No estimate depends on it.
        flat: One row per customer with tenure and departure but no dates (level F). A `customers` file of that shape is read as one.
        subscriptions: One row per subscription; folded to customers, or to the last days of `customers`.
        events: One row per departure (customer, day).
        activity: One row per sign of life (customer, day): customers who go quiet have left.
        today: Dates after this day are in the future; the day of the call when left out, or `as_of` where that is later.
        as_of: Last day that is to be counted: the files are taken to reach so far.
        counted: Days that will be counted: their customers are collected while the file is read. No number depends on it, only time.
        issues_per_rule: How many rows of each rule the report shows; counts are always complete.
        relate: Count how many ids of each table the others have, for `IngestReport.relations`; None does so unless the files are large.

    Returns:
        The tables (close them after reducing) and the report: kept + rejected = read for each.

    Raises:
        FileError: A file is not a table, breaks off, or disk or memory are too small.
        MappingError: Columns are not certain; ``proposal`` is the `MappingSet` to edit.
        EvidenceError: ``no_source``, or ``events_without_customers`` where departures alone cannot say who there was.
    """
    sources = Sources({name: value for name, value in locals().items() if name in CANONICAL_COLUMNS})  # the parameters are named as the tables are
    _require_sources(sources)
    load = Load.open(sources, memory_limit=memory_limit, temp_directory=temp_directory, on_file=on_file)
    try:
        tables, report = load_sources(
            load, sources, mapping, today=today, as_of=as_of, counted=counted, issues_per_rule=issues_per_rule, relate=relate
        )
    except BaseException:
        load.close()
        raise
    return replace(tables, on_close=load.close, in_open_load=False), report


def load_sources(
    load: Load,
    sources: Sources,
    mapping: MappingSet | None = None,
    *,
    today: date | None = None,
    as_of: date | None = None,
    counted: CountedDays | None = None,
    issues_per_rule: int = ISSUES_PER_RULE,
    relate: bool | None = None,
) -> tuple[Tables, IngestReport]:
    """The same as `load_tables` in a load that stays open: files that it has read before are not read again.

    Args:
        load: Where the rows are judged. One call at a time: it drops the rows of the call before.
        sources: The files.
        mapping: See `load_tables`, as for all that follow.
        today: Likewise.
        as_of: Likewise.
        counted: Likewise.
        issues_per_rule: Likewise.
        relate: Likewise.

    Returns:
        The tables and the report. Closing the tables drops their rows and leaves `load` open.

    Raises:
        FileError: See `load_tables`.
        MappingError: Likewise.
        EvidenceError: Likewise.
    """
    _require_sources(sources)
    load = replace(load, today=max(today or date.today(), as_of or date.min))
    load.clear()
    opened: OpenedSources | None = None
    try:
        with named_faults(load.workspace):
            opened = open_sources(load, sources, mapping or MappingSet(), relate=relate)
            judged, joined = _judge(load, opened, counted or CountedDays(as_of=as_of))
            alike = made_alike(joined.report)
            if alike:  # ids that differ in nothing but case or blanks are the same: read once more with them made alike
                rules = replace(opened.mappings.joining, id_normalisation=tuple(dict.fromkeys(step for one in alike for step in one.steps)))
                load.clear()
                opened = open_sources(load, sources, replace(opened.mappings, joining=rules), relate=relate)
                judged, joined = _judge(load, opened, counted or CountedDays(as_of=as_of))
            relations = _relations_as_judged(load.connection, opened, judged, joined.report.repeated)
            tables, report = _publish(load, judged, joined, issues_per_rule)
        notes = report.notes + alike_notes(report, alike) + future_notes(report, load.today) + unlinked_notes(report, sources)
        tables.remarks = remarks_of(notes)
        tables.journey = opened.mappings.journey
        return tables, replace(report, relations=relations, read_on=load.today, notes=notes)
    except MappingError as error:
        add_proposal(error, opened.files if opened is not None else {})
        if error.proposal is not None and mapping is not None:  # whatever else is known belongs into the mapping that is proposed
            error.proposal = replace(mapping, tables=mapping.tables | error.proposal.tables, asked=error.proposal.asked)
        raise


def _judge(load: Load, opened: OpenedSources, counted: CountedDays) -> tuple[list[JudgedTable], Joined]:
    """Every table judged, on its own and with the others."""
    loaded, repeated = judge_tables(load, opened, counted)
    joined = join_tables(load.connection, loaded, opened.mappings.joining)
    undated = find_undated(load.connection, loaded, opened.mappings.joining, as_of=counted.as_of)
    if undated is not None and undated.as_sheet:
        make_sheet(load.connection, loaded, undated)
    facts = tuple(fact for fact in joined.report.contradictions if undated is None or fact.code != "flag_without_date")
    joined.report = replace(joined.report, repeated=repeated, undated=undated, contradictions=facts)
    if "volumes" in loaded:
        judge_totals(load.connection, loaded["volumes"])
    if "flat" in loaded:
        judge_flat_duplicates(load.connection, loaded["flat"])
    return list(loaded.values()), joined


def _relations_as_judged(
    connection: duckdb.DuckDBPyConnection, opened: OpenedSources, judged: list[JudgedTable], repeated: RepeatedCustomers | None
) -> Relations:
    """The joins as they are once ids were made comparable and rows of customers were taken for subscriptions."""
    relations = opened.relations
    again = opened.mappings.joining.id_normalisation or any(not link.relation.ids for link in relations.links)  # or none met in the files
    if relations.measured and again:
        relations = measure_again(connection, relations, {item.table: item.scan.ids(connection, item.read_name) for item in judged})
    return relate_to_subscriptions(relations) if repeated is not None and repeated.folded else relations


def _require_sources(sources: Sources) -> None:
    """Stop where the sources cannot say anything.

    Raises:
        EvidenceError: See `load_tables`.
    """
    if not sources:
        raise EvidenceError("no_source")
    if "events" in sources and not base_of(sources) and "flat" not in sources:
        raise EvidenceError("events_without_customers", {"tables": ", ".join(sources)})


def _publish(load: Load, judged: list[JudgedTable], joined: Joined, issues_per_rule: int) -> tuple[Tables, IngestReport]:
    """The kept rows under the names of their tables, and the account of all rows."""
    connection = load.connection
    issues: list[RowIssue] = []
    parts: list[FileTotals] = []
    for item in judged:
        count_flags(connection, item)
        parts += count_parts(connection, item)
        if item.rule_rows or item.bad_lines:
            issues += find_issues(connection, item, limit=issues_per_rule)
        publish_table(connection, item)
    rows = {item.table: item.totals for item in judged}
    recent = next((item.scan.recent for item in judged if item.scan.recent is not None), None)
    first, last = _date_range(connection, set(rows), recent)
    last = joined.last_day or last
    scan = next((item.scan for item in judged if item.scan.named), None)
    undated, names = joined.report.undated, frozenset(rows)
    if undated is not None and undated.as_sheet:
        names, first, last = frozenset({"flat", *(names & {"surveys", *BESIDE})}), None, None
    notes = notes_of(judged) + notes_of_rows(connection, judged, set(rows)) + joining_notes(joined.report)
    files = [item for item in judged if item.fields.columns]  # customers put together from other tables have no file of their own
    tables = Tables(
        DuckDBEngine(connection, scratch=load.workspace.directory),
        names,
        currency=_currency(judged),
        first_complaint=first,
        last_day=last,
        on_close=load.clear,
        in_open_load=True,
        named_customers="customers_named" if scan is not None else "customers",
        customer_key=scan.key if scan is not None else "customer_id",
        recent=recent,
        segment_columns=segment_columns(files),
        score_scale=next((item.fields.scale for item in judged if item.fields.scale is not None), None),
        case_fields={item.table: tuple(name for name in CASE_FIELDS if name in item.fields.columns) for item in judged},
        origin=tuple(files),
        remarks=remarks_of(notes),
    )
    report = IngestReport(
        files=tuple(reading for item in files for reading in item.readings),
        rows=rows,
        rules=tuple(count for item in judged for count in item.rule_counts),
        issues=tuple(issues),
        notes=notes,
        first_complaint=first,
        last_day=last,
        joining=joined.report,
        parts=tuple(parts),
    )
    return tables, report


def _currency(judged: list[JudgedTable]) -> str:
    """The currency written in the revenue cells or beside them, euros where none is."""
    return next((item.fields.money.code for item in judged if item.fields.money.code), "EUR")


def _date_range(connection: duckdb.DuckDBPyConnection, names: set[str], recent: RecentCustomers | None) -> tuple[date | None, date | None]:
    """First complaint and last day among kept rows; the last day of recent customers is known."""
    known = recent.last_day if recent is not None else None
    read = names - {"customers"} if known is not None else names
    spans = [connection.execute(f"SELECT {low}, {high} FROM {table}").fetchall()[0] for table, (low, high) in _SPANS.items() if table in read]
    return min((low for low, _ in spans if low is not None), default=None), max(filter(None, (known, *(high for _, high in spans))), default=None)


def judge_tables(load: Load, opened: OpenedSources, counted: CountedDays) -> tuple[dict[str, JudgedTable], RepeatedCustomers | None]:
    """Every table judged on its own; a customers table that holds subscriptions is read as these."""
    loaded: dict[str, JudgedTable] = {}
    for table, given in sorted(opened.files.items(), key=lambda entry: entry[0] == "customers"):  # last: it depends on whom the others name
        parts = with_shared_cases(given)
        require_same_columns(parts)
        relation, chosen = parts[0]
        unlinked = table == "complaints" and "customer_id" not in chosen.choices
        name = "volumes" if unlinked else table
        if name in loaded:
            raise MappingError("complaints_without_ids", {"file": relation.reading.file, "headers": ", ".join(relation.reading.headers)})
        fitted = [(source, _as_volumes(mapping) if unlinked else mapping) for source, mapping in parts]
        collects = table == "customers" and not counted.ids and not _needs_ids(opened, loaded)
        selection = select_customers(load.connection, opened.files, loaded, counted) if collects else None
        loaded[name] = _read_unlinked(load, fitted) if unlinked else read_table(load, name, fitted, selection)
    if "customers" in loaded:
        loaded = {"customers": loaded.pop("customers")} | loaded
    repeated = find_repeats(load.connection, loaded["customers"], opened.mappings.joining) if "customers" in loaded else None
    if repeated is not None and repeated.folded:
        if "subscriptions" in loaded:  # these say how often a customer came back: the customers table need not
            return loaded, replace(repeated, folded=False)
        parts = [(source, as_subscriptions(source, mapping)) for source, mapping in opened.files["customers"]]
        item = loaded.pop("customers")
        load.connection.execute(f"DROP {'VIEW' if item.is_view else 'TABLE'} {item.read_name}")
        loaded = {"subscriptions": read_table(load, "subscriptions", parts)} | loaded
    return loaded, repeated


def _read_unlinked(load: Load, parts: list[Opened]) -> JudgedTable:
    """Complaints without customer ids, read as volumes; a question about their days names them as the complaints that they are."""
    try:
        return read_table(load, "volumes", parts)
    except MappingError as error:
        error.values |= {"table": "complaints"}
        error.values |= {"field": "complaint_date"} if error.values.get("field") == "month" else {}
        raise


def _needs_ids(opened: OpenedSources, loaded: Mapping[str, JudgedTable]) -> bool:
    """Whether a later step needs the ids of all customers, or changes their rows."""
    rules, (_, mapping) = opened.mappings.joining, opened.files["customers"][0]
    joined = not set(loaded) <= {*NAMING_DAYS, "volumes", "surveys"} or bool(set(JOINED_BY) & set(mapping.choices))
    return joined or rules.early_complaints == "move_start" or bool(rules.id_normalisation) or any(item.mapping.via for item in loaded.values())


def _as_volumes(mapping: ColumnMapping) -> ColumnMapping:
    """Complaints without customer ids become volumes of one per row."""
    choices = {"month": replace(mapping.choices["complaint_date"], field="month")}
    choices |= {"category": mapping.choices["category"]} if "category" in mapping.choices else {}
    formats = {"month": mapping.date_formats["complaint_date"]} if "complaint_date" in mapping.date_formats else {}
    return replace(mapping, table="volumes", choices=choices, date_formats=formats)
