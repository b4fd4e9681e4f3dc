"""The files of the upload page in one open load: read once, then previewed, checked against a mapping, and counted.

An upload belongs to one session. Its files lie in a private temporary folder, which is removed when other files take their place, when the study is
put on screen, and with the session. Rows are dropped once counted.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from iceberg.errors import IcebergError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.columns.propose import load_presets, normalise_header, propose_mapping
from iceberg.ingest.files.load import Load, OnFile
from iceberg.ingest.files.source_table import FileReading, ReadOptions, SourceTable
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.files.table_sources import Sources
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.opening import options_of
from iceberg.ingest.recognise import likeness
from iceberg.ingest.rules.select import resolve_fields
from iceberg.ingest.schema import ASKED_FIELDS, EXTRA_FIELDS
from iceberg.ingest.values.dates import DateReading, recognise_dates
from iceberg.ingest.values.numbers import NumberReading, recognise_numbers
from iceberg.ui.session.caches import session_cache
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.upload.files import UploadedFile

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.window import ObservationWindow
    from iceberg.ingest.tables import IngestReport

PREVIEW_LINES = 6
MOST_READINGS = 20  # judgement: a file read again with other options lies on the disk once more, until this many do
MOST_SHEETS = 6  # judgement: of a workbook; with more, the analyst names the sheet
CLEARLY_BETTER = 0.6  # judgement: of `likeness`; more than a name alone
_MOST_RESULTS = 24


@dataclass(frozen=True)
class FilePreview:
    """How a file was read, and the columns proposed.

    Attributes:
        source: Columns with their first values.
        first_rows: First records, as text.
        proposal: Columns proposed for the fields.
        others: The other files of the same table.
    """

    source: SourceTable
    first_rows: pd.DataFrame
    proposal: ColumnMapping
    others: tuple[FilePreview, ...] = ()

    @property
    def reading(self) -> FileReading:
        """Every decision of the reader."""
        return self.source.reading

    def sample(self, header: str) -> tuple[str | None, ...]:
        """First values of a column."""
        column = self.source.column(header)
        return column.sample if column is not None else ()

    def dates(self, header: str) -> DateReading | None:
        """How the dates of a column are written; of several files, one that can be read in two ways comes first."""
        readings = [reading for reading in (recognise_dates(self.sample(header)), *(other.dates(header) for other in self.others)) if reading]
        return next((reading for reading in readings if reading.ambiguous), readings[0] if readings else None)

    def numbers(self, header: str) -> NumberReading | None:
        """How the amounts of a column are written."""
        return recognise_numbers(self.sample(header))


@dataclass(frozen=True, eq=False)
class CountedUpload:
    """The outcome of counting an upload.

    Attributes:
        report: What became of each row.
        counts: None where nothing could be counted.
        rejected: Every rejected or repaired row as CSV; empty where there is none.
        error: The reason, where nothing could be counted.
        no_rhythm: The reason, where an activity log holds no rhythms.
        visible_until: Last day on which a departure can be seen, where breaks of rhythm are departures; else None.
        other_counts: With the months that are no evidence, or without them where `counts` has them; None where there are none.
    """

    report: IngestReport
    counts: CohortCounts | None
    rejected: bytes = b""
    error: IcebergError | None = None
    no_rhythm: IcebergError | None = None
    visible_until: date | None = None
    other_counts: CohortCounts | None = None

    def with_changes(self, changes: tuple[str, ...] | None) -> CountedUpload:
        """The same with what the user says of changes of the records; nothing is counted again."""
        if self.counts is None or changes is None:
            return self
        from iceberg.cohort.findings.findings import RecordingChange

        named = tuple(map(RecordingChange.parse, changes))
        other = self.other_counts and replace(self.other_counts, recording_changes=named)
        return replace(self, counts=replace(self.counts, recording_changes=named), other_counts=other)


class Upload:
    """Every file on the page.

    Attributes:
        files: One per table.
        identity: Digests of the files.
    """

    def __init__(self, files: tuple[UploadedFile, ...]) -> None:
        self.files = files
        self.identity = "|".join(file.sha256 for file in files)
        self._sources = Sources({file.table: file.sources for file in files})
        self._results = LruCache(_MOST_RESULTS)
        self._readings: set[tuple[str, ReadOptions]] = set()
        self._open()

    def _open(self) -> None:
        self._load = Load.open(self._sources)
        self._close = weakref.finalize(self, self._load.close)  # with the session at the latest

    def preview(self, file: UploadedFile, options: ReadOptions) -> FilePreview:
        """The beginning of every file of a table, with the columns proposed.

        Raises:
            FileError: When a file is no table, with the reason.
        """

        def make() -> FilePreview:
            first, *others = (_preview(file.table, self._read(source, options)) for source in file.sources)
            return replace(first, others=tuple(others))

        return self._results.get(f"preview|{file.table}|{options!r}", make)

    def fitting_sheet(self, file: UploadedFile) -> str:
        """The sheet of a workbook whose columns and name fit the table clearly better than the one that was read; "" where there is none.

        Raises:
            FileError: When the file is no table, with the reason.
        """
        found = self.preview(file, ReadOptions(settle=True))
        if len(file.sources) != 1 or len(found.reading.sheets) < 2:
            return ""

        def fit(sheet: str) -> float:
            try:
                return likeness(self.preview(file, ReadOptions(settle=True, sheet=sheet)).source, file.table, sheet)
            except IcebergError:  # an empty sheet
                return -math.inf

        fits = {sheet: fit(sheet) for sheet in found.reading.sheets[:MOST_SHEETS]}
        best = max(fits, key=lambda sheet: fits[sheet])
        return best if fits[best] > fits.get(found.reading.sheet, -math.inf) + CLEARLY_BETTER else ""

    def check(self, file: UploadedFile, mapping: ColumnMapping) -> None:
        """Check that every date and amount can be read one way only.

        Raises:
            MappingError: Where 03/04/2025 could be two days, or a column is missing.
        """

        def find_error() -> IcebergError | None:
            try:
                for source in file.sources:
                    resolve_fields(self._load.connection, self._read(source, options_of(mapping)), mapping)
            except IcebergError as error:
                return error
            return None

        error = self._results.get(f"check|{MappingSet({file.table: mapping}).to_toml()}", find_error)
        if error is not None:
            raise error

    def count(
        self,
        mapping: MappingSet,
        window: ObservationWindow | None,
        *,
        language: str,
        read_on: date | None = None,
        on_file: OnFile | None = None,
    ) -> CountedUpload:
        """Judge every row, count, and drop the rows.

        Args:
            mapping: The confirmed columns.
            window: Days to count; None for the default.
            language: Of the file of rejected rows.
            read_on: Day taken for today, where one was chosen; the last day of the window where that is later.
            on_file: Called with the name of each file before it is opened.

        Raises:
            IcebergError: When a file cannot be read at all.
        """
        as_of = max((day for day in (read_on, window.as_of if window else None) if day is not None), default=None)

        def make() -> CountedUpload:
            from iceberg.cohort.reduce import looking_back, reduce_tables
            from iceberg.cohort.rhythm.assumptions import SETTLED
            from iceberg.cohort.rhythm.departures import with_departures
            from iceberg.cohort.rhythm.read import find_rhythms_or_none
            from iceberg.ingest.load import load_sources
            from iceberg.ingest.rejected_rows import rejected_rows_csv, require_rows

            tables, report = load_sources(replace(self._load, on_file=on_file), self._sources, mapping, as_of=as_of)
            with tables:
                rejected = rejected_rows_csv(tables, language=language) if report.rules else b""
                try:
                    require_rows(report)
                    # Before breaks can become departures.
                    rhythms, no_rhythm = find_rhythms_or_none(tables, settled=mapping.joining.settled or SETTLED)
                    dated = with_departures(tables, report, rules=mapping.joining)
                    until = None if dated is tables else dated.last_day
                    reduce = partial(
                        reduce_tables,
                        dated,
                        window=looking_back(ending_by(window, until), dated, mapping),
                        term=mapping.term,
                        keep_cancellations=mapping.keep_cancellations,
                        negative_controls=mapping.negative_controls,
                        score_look_back_days=mapping.score_look_back_days,
                    )
                    counts = reduce(keep_months=mapping.keep_months)
                    other_counts = reduce(keep_months=not mapping.keep_months) if counts.unrecorded else None
                    if rhythms:
                        counts = replace(counts, rhythms=rhythms)
                        other_counts = other_counts and replace(other_counts, rhythms=rhythms)
                    return CountedUpload(report, counts, rejected, no_rhythm=no_rhythm, visible_until=until, other_counts=other_counts)
                except IcebergError as error:
                    return CountedUpload(report, None, rejected, error)

        return self._results.get("|".join(["count", mapping.to_toml(), repr((window, as_of)), language]), make)

    def _read(self, source: UploadedBytes, options: ReadOptions) -> SourceTable:
        reading = (source.name, replace(options, settle=False))
        if reading not in self._readings and len(self._readings) >= MOST_READINGS:
            self._close()
            self._readings.clear()
            self._open()
        self._readings.add(reading)
        return self._load.read(source, options)


def open_upload(files: tuple[UploadedFile, ...]) -> Upload:
    """The upload of this session; other files than before take its place.

    Raises:
        FileError: When the temporary folder cannot be used.
    """
    return session_cache("upload").get("|".join(f"{file.table}:{file.sha256}:{file.name}" for file in files), lambda: Upload(files))


def ending_by(window: ObservationWindow | None, last: date | None) -> ObservationWindow | None:
    """`window`, which ends on `last` at the latest; None, for the default, where it begins after that day."""
    if window is None or last is None or window.as_of <= last:
        return window
    return replace(window, as_of=last) if window.since < last else None


def _preview(table: str, source: SourceTable) -> FilePreview:
    columns = source.columns
    lines = max((len(column.sample) for column in columns), default=0)
    first_rows = pd.DataFrame(
        {column.header: [text or "" for text in column.sample[:PREVIEW_LINES]] for column in columns},
        index=range(source.first_row, source.first_row + min(lines, PREVIEW_LINES)),
    )
    proposal = propose_mapping(source, table)
    if table == "flat":
        proposal = as_flat(source, propose_mapping(source, "customers")) or proposal
    return FilePreview(source, first_rows, proposal)


def confirm_mapping(preview: FilePreview, table: str, chosen: Mapping[str, str], options: ReadOptions, fixed: Mapping[str, Any]) -> ColumnMapping:
    """The mapping as chosen on screen.

    Args:
        preview: Has the columns proposed.
        table: Canonical table.
        chosen: Header by field; fields without a header are left out.
        options: Reading overrides.
        fixed: ``date_formats`` by field, ``decimal``, ``time_zone``, ``revenue_period``, ``tenure_unit``, ``scale``, ``one_category``,
            ``yes_values`` and ``exchange_rates``, where chosen by hand.
    """
    proposed = preview.proposal.choices
    choices = {
        name: proposed[name] if name in proposed and proposed[name].header == chosen[name] else FieldChoice(name, chosen[name])
        for name in ASKED_FIELDS[table]
        if chosen.get(name)
    }
    unasked = EXTRA_FIELDS.get(table, {}).keys() - ASKED_FIELDS[table].keys()
    choices |= {name: choice for name, choice in proposed.items() if name in unasked}  # they correct or contradict the others
    choices = {name: replace(choice, confidence=1.0) for name, choice in choices.items()}
    of_subscription = normalise_header(chosen.get("customer_id") or "") in load_presets()[-1].tables["subscriptions"]["subscription_id"]
    return ColumnMapping(
        table=table,
        choices=choices,
        date_formats=dict(fixed.get("date_formats", {})),
        decimal=str(fixed.get("decimal", "")),
        revenue_period=str(fixed.get("revenue_period", "")),
        time_zone=str(fixed.get("time_zone", "")),
        tenure_unit=str(fixed.get("tenure_unit", "")),
        scale=str(fixed.get("scale", "")),
        one_category=str(fixed.get("one_category", "")),
        yes_values=dict(fixed.get("yes_values", {})),
        exchange_rates=dict(fixed.get("exchange_rates", {})),
        encoding=options.encoding or "",
        separator=options.separator or "",
        header_line=options.header_line or 0,
        sheet=options.sheet or "",
        system=preview.proposal.system,
        via="subscriptions" if of_subscription and table not in {"customers", "subscriptions"} else "",
    )


