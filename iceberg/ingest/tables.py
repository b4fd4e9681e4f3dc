"""The tables that files can hold, and the shapes that leave ingestion.

`Tables` holds rows inside an engine and nowhere else; `IngestReport` says what became of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from iceberg.ingest.joining.links import Relations
from iceberg.ingest.schema import FileTotals, RowIssue, RowTotals, RuleCount
from iceberg.ingest.sections.journey import JourneyRules

if TYPE_CHECKING:  # keeps the import light
    import duckdb

    from iceberg.ingest.engine.protocol import Engine
    from iceberg.ingest.files.source_table import FileReading
    from iceberg.ingest.joining.options import JoiningReport
    from iceberg.ingest.schema import RecentCustomers, Scale


@dataclass(frozen=True)
class IngestReport:
    """How the files were read, and what became of every row.

    Attributes:
        files: How each file was read (encoding, separator, sheet, mapping).
        rows: Totals per table.
        rules: Count of every rule that applied.
        issues: The first rows per rule (at most `issues_per_rule`), with line, column and value.
        first_complaint, last_day: First complaint, and last valid date of any table.
        notes: Assumptions of the load: code and values of ``ingest.notes.<code>``.
        joining: How several tables became customers, their contradictions, and proposals; None where there is none.
        relations: Which column of each table holds the ids of another, and the alternatives.
        parts: Totals per file, where a table has several.
        read_on: The day of the load; later dates are in the future.
    """

    files: tuple[FileReading, ...]
    rows: dict[str, RowTotals]
    rules: tuple[RuleCount, ...]
    issues: tuple[RowIssue, ...]
    first_complaint: date | None = None
    last_day: date | None = None
    notes: tuple[tuple[str, dict[str, object]], ...] = ()
    joining: JoiningReport | None = None
    relations: Relations = field(default_factory=Relations)
    parts: tuple[FileTotals, ...] = ()
    read_on: date | None = None


@dataclass
class Tables:
    """Trusted rows, held by one engine and by nothing else.

    Each table in `names` exists in `engine` under its own name with the columns of `CANONICAL_COLUMNS` (a table
    or a view over the file; a
    view already leaves rejected rows out). Customers that came as large CSVs have not kept their id: who asks `customers` for
    one gets an error, not nothing. Those whom a complaint or an incident names are in `named_customers`, and meet it by
    `customer_key`. Closing drops every row: use it as a context manager around `reduce_tables`.
    """

    engine: Engine
    names: frozenset[str]
    currency: str = "EUR"
    first_complaint: date | None = None
    last_day: date | None = None
    on_close: Callable[[], None] | None = field(default=None, repr=False)
    named_customers: str = "customers"  # relation with at least the customers that a complaint or an incident names
    customer_key: str = "customer_id"  # column by which these and what names them meet: numbers do so quicker than texts
    recent: RecentCustomers | None = None  # customers of a day and later, where they were collected while the file was read
    in_open_load: bool = False  # the connection outlives them: it belongs to a `iceberg.ingest.files.load.Load`
    remarks: tuple[tuple[str, dict[str, object]], ...] = ()  # of the notes of the report, those that change what can be believed
    segment_columns: tuple[str, ...] = ()  # headers of the columns whose levels make a segment, where they are several
    score_scale: Scale | None = None  # of the table of scores
    case_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by table, the columns of `iceberg.ingest.schema.CASE_FIELDS` it has
    journey: JourneyRules = field(default_factory=JourneyRules)
    origin: tuple[Any, ...] = field(default=(), repr=False)  # what ingest needs to look rejected rows up again

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_links(self) -> bool:
        """Whether a column of the customers says who brought them, or which household or group they are of."""
        return any(one.table == "customers" and "linked_to" in one.fields.columns for one in self.origin)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection of tables in DuckDB.

        Raises:
            TypeError: The tables are in another engine.
        """
        from iceberg.ingest.engine.duckdb_engine import DuckDBEngine

        if not isinstance(self.engine, DuckDBEngine):
            raise TypeError(f"tables in {type(self.engine).__name__} have no connection of DuckDB")
        return self.engine.connection

    def close(self) -> None:
        """Drop every row."""
        if not self.in_open_load:
            self.engine.close()
        if self.on_close is not None:
            self.on_close()
