"""Owns the way of an upload through the session: bytes, how they are read, the mapping, then counts.

Rows are dropped once counted. Kept for one session only, by the SHA-256 of the bytes and what was chosen on screen, until the estimate is made.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from iceberg.errors import IcebergError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.columns.propose import load_presets, normalise_header, propose_mapping
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.files.source_table import FileReading, ReadOptions, SourceTable
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.opening import OnFile
from iceberg.ingest.rules.select import resolve_fields
from iceberg.ingest.schema import EXTRA_FIELDS, FIELDS
from iceberg.ingest.values.dates import DateReading, recognise_dates
from iceberg.ingest.values.numbers import NumberReading, recognise_numbers
from iceberg.provenance import SourceFile
from iceberg.ui.session.caches import session_shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceberg.cohort.counts import CohortCounts
    from iceberg.cohort.window import ObservationWindow
    from iceberg.ingest.tables import IngestReport

Shape = Literal["linked", "volumes", "alone", "flat", "joined"]
TABLES: dict[Shape, tuple[str, ...]] = {
    "linked": ("customers", "complaints"),
    "volumes": ("customers", "volumes"),
    "alone": ("volumes",),
    "flat": ("flat",),
    "joined": ("customers", "complaints", "subscriptions", "events", "activity"),
}
MEASURED: dict[Shape, tuple[str, ...]] = {"linked": ("incidents", "surveys")}  # optional: they replace the assumed complaint rate (level 4)
WHO_THERE_WAS = {"customers", "subscriptions", "activity"}  # one of them is needed to know the customers
PREVIEW_LINES = 6
# Offered when the proposed encoding looks wrong on screen; `iceberg.ingest.files.text.encoding` proposes among the same.
ENCODINGS = ("utf-8", "utf-16", "cp1252", "cp1250", "latin-1", "mac_roman", "cp850")
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True)
class UploadedFile:
    """One table of this session, in one file or in several of the same kind.

    Attributes:
        table: Canonical table that it is to become.
        sources: Names and bytes, in the order in which they were given.
        sha256: Identity of all the bytes.
    """

    table: str
    sources: tuple[UploadedBytes, ...]
    sha256: str

    @classmethod
    def of(cls, table: str, name: str, data: bytes) -> UploadedFile:
        """Take the bytes of one file in."""
        return cls.of_several(table, [(UploadedBytes(name, data), hashlib.sha256(data).hexdigest())])

    @classmethod
    def of_several(cls, table: str, parts: Sequence[tuple[UploadedBytes, str]]) -> UploadedFile:
        """Files of one table, each with the digest of its bytes."""
        digests = [digest for _, digest in parts]
        whole = digests[0] if len(digests) == 1 else hashlib.sha256("|".join(digests).encode()).hexdigest()
        return cls(table, tuple(source for source, _ in parts), whole)

    @property
    def name(self) -> str:
        """Every file name."""
        return " + ".join(source.name for source in self.sources)

    @property
    def given(self) -> UploadedBytes | list[UploadedBytes]:
        """As `iceberg.ingest.load.load_tables` takes it."""
        return self.sources[0] if len(self.sources) == 1 else list(self.sources)


@dataclass(frozen=True)
class FileLook:
    """How a file was read before anything was decided.

    Attributes:
        source: Columns with their first values; its relation is closed.
        preview: First records, as text.
        proposal: Columns proposed for the fields.
        others: The other files of the same table.
    """

    source: SourceTable
    preview: pd.DataFrame
    proposal: ColumnMapping
    others: tuple[FileLook, ...] = ()

    @property
    def reading(self) -> FileReading:
        """Every decision of the reader."""
        return self.source.reading

    def sample(self, header: str) -> tuple[str | None, ...]:
        """First values of a column."""
        column = self.source.column(header)
        return column.sample if column is not None else ()

    def dates(self, header: str) -> DateReading | None:
        """How the dates of a column are written; where one of several files can be read in two ways, that one is told."""
        found = [reading for reading in (recognise_dates(self.sample(header)), *(one.dates(header) for one in self.others)) if reading]
        return next((reading for reading in found if reading.ambiguous), found[0] if found else None)

    def numbers(self, header: str) -> NumberReading | None:
        """How the amounts of a column are written."""
        return recognise_numbers(self.sample(header))


@dataclass(frozen=True, eq=False)
class Counted:
    """What became of the files.

    Attributes:
        report: What became of each row.
        counts: None where nothing could be counted.
        rejected: Every rejected or repaired row as CSV; empty where there is none.
        error: Why, when nothing could.
        other_counts: With months that are no evidence counted all the same, or left out where they are in `counts`; None where there are none.
    """

    report: IngestReport
    counts: CohortCounts | None
    rejected: bytes = b""
    error: IcebergError | None = None
    other_counts: CohortCounts | None = None


def take_bytes(file_id: str, name: str, data: bytes) -> tuple[UploadedBytes, str]:
    """One upload and the digest of its bytes, which is worked out once per upload: 200 MB take a third of a second."""
    return UploadedBytes(name, data), session_shelf("files").get(f"sha|{file_id}", lambda: hashlib.sha256(data).hexdigest())


def look_at(file: UploadedFile, options: ReadOptions) -> FileLook:
    """Read the beginning of every file of a table and propose its columns.

    Raises:
        FileError: When one is no table, with the reason.
    """

    def make() -> FileLook:
        first, *others = (_look(file.table, source, options) for source in file.sources)
        return replace(first, others=tuple(others))

    return session_shelf("files").get(f"look|{file.sha256}|{file.table}|{options!r}", make)


def _look(table: str, given: UploadedBytes, options: ReadOptions) -> FileLook:
    workspace = Workspace()
    connection = connect()
    try:
        source = read_source(connection, given, workspace, options=options)
        columns = source.columns
        lines = max((len(column.sample) for column in columns), default=0)
        preview = pd.DataFrame(
            {column.header: [text or "" for text in column.sample[:PREVIEW_LINES]] for column in columns},
            index=range(source.first_row, source.first_row + min(lines, PREVIEW_LINES)),
        )
        proposal = propose_mapping(source, table)
        if table == "flat":
            proposal = as_flat(source, propose_mapping(source, "customers")) or proposal
        return FileLook(source, preview, proposal)
    finally:
        connection.close()
        workspace.close()


def confirm_mapping(look: FileLook, table: str, chosen: Mapping[str, str], options: ReadOptions, fixed: Mapping[str, Any]) -> ColumnMapping:
    """The mapping as it stands on screen.

    Args:
        look: What was proposed.
        table: Canonical table.
        chosen: Header by field; fields without a header are left out.
        options: Reading overrides.
        fixed: ``date_formats`` by field, ``decimal``, ``time_zone``, ``revenue_period``, ``tenure_unit``, ``one_category`` and
            ``yes_values``, where they were chosen by hand.
    """
    proposed = look.proposal.choices
    choices = {
        name: proposed[name] if name in proposed and proposed[name].header == chosen[name] else FieldChoice(name, chosen[name])
        for name in FIELDS[table]
        if chosen.get(name)
    }
    choices |= {name: proposed[name] for name in EXTRA_FIELDS.get(table, {}) if name in proposed}  # they correct the others, or contradict them
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
        one_category=str(fixed.get("one_category", "")),
        yes_values=dict(fixed.get("yes_values", {})),
        encoding=options.encoding or "",
        separator=options.separator or "",
        header_line=options.header_line or 0,
        sheet=options.sheet or "",
        system=look.proposal.system,
        via="subscriptions" if of_subscription and table not in {"customers", "subscriptions"} else "",
    )


def check_mapping(file: UploadedFile, mapping: ColumnMapping) -> None:
    """Whether every date and amount can be read one way only.

    Raises:
        MappingError: Where 03/04/2025 could be two days, or a column is missing.
    """
    key = f"check|{file.sha256}|{MappingSet({file.table: mapping}).to_toml()}"
    error = session_shelf("files").get(key, lambda: _check(file, mapping))
    if error is not None:
        raise error


def _check(file: UploadedFile, mapping: ColumnMapping) -> IcebergError | None:
    options = ReadOptions(mapping.encoding or None, mapping.separator or None, mapping.header_line or None, mapping.sheet or None)
    workspace = Workspace()
    connection = connect()
    try:
        for source in file.sources:
            resolve_fields(connection, read_source(connection, source, workspace, options=options), mapping)
    except IcebergError as error:
        return error
    finally:
        connection.close()
        workspace.close()
    return None


def read_mapping(name: str, data: bytes) -> MappingSet:
    """A mapping file that was saved last month.

    Raises:
        MappingError: When it cannot be read or names unknown fields.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(data)
        return MappingSet.load(path)


def count_files(
    files: tuple[UploadedFile, ...],
    mapping: MappingSet,
    window: ObservationWindow | None,
    *,
    language: str,
    read_on: date | None = None,
    tell: OnFile | None = None,
) -> Counted:
    """Judge every row, count, and drop the rows.

    Args:
        files: What was uploaded.
        mapping: What was confirmed.
        window: Days to count; None for the default.
        language: Of the file of rejected rows.
        read_on: Day taken for today, where it was chosen; the last day of the window where that is later.
        tell: Called with the name of each file before it is read.

    Raises:
        IcebergError: When a file cannot be read at all.
    """
    as_of = max((day for day in (read_on, window.as_of if window else None) if day is not None), default=None)
    key = "|".join(["count", *(f"{file.table}:{file.sha256}" for file in files), mapping.to_toml(), repr((window, as_of)), language])
    return session_shelf("files").get(key, lambda: _count(files, mapping, window, language, as_of, tell))


def _count(
    files: tuple[UploadedFile, ...],
    mapping: MappingSet,
    window: ObservationWindow | None,
    language: str,
    as_of: date | None,
    tell: OnFile | None,
) -> Counted:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.rejected_rows import rejected_rows_csv, require_rows

    sources = {file.table: file.given for file in files}
    tables, report = load_tables(
        **sources,  # type: ignore[arg-type]  # only sources are in the dictionary
        mapping=mapping,
        as_of=as_of,
        on_file=tell,
    )
    with tables:
        rejected = rejected_rows_csv(tables, language=language) if report.rules else b""
        try:
            require_rows(report)
            counts = reduce_tables(tables, window=window, keep_months=mapping.keep_months)
            other = reduce_tables(tables, window=window, keep_months=not mapping.keep_months) if counts.unrecorded else None
            return Counted(report, counts, rejected, other_counts=other)
        except IcebergError as error:
            return Counted(report, None, rejected, error)


def sources_of(files: Sequence[UploadedFile], report: IngestReport) -> tuple[SourceFile, ...]:
    """The files of an upload as they are written down beside a study."""
    found = []
    for file in files:
        totals = report.rows.get(file.table) if len(file.sources) == 1 else None
        rows: tuple[Any, ...] = (totals.read, totals.kept, totals.rejected) if totals is not None else (None, None, None)
        for source in file.sources:
            found.append(SourceFile(file.table, source.name, hashlib.sha256(source.data).hexdigest(), len(source.data), *rows))
    return tuple(found)
