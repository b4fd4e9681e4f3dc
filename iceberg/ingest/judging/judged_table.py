"""One table whose rows have been judged: where they are, and the counts of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.files.source_table import FileReading, SourceTable
from iceberg.ingest.files.text.malformed_lines import BadLine
from iceberg.ingest.rules.rules import LINE_RULES, bit_of, reject_mask, rules_of
from iceberg.ingest.rules.select import TypedFields
from iceberg.ingest.scan.scan import Scan
from iceberg.ingest.schema import RowTotals, RuleCount


@dataclass
class JudgedTable:
    """One table after reading and judging.

    Attributes:
        table: Canonical name.
        source: The file behind it, its reading completed.
        mapping, fields: How its columns were read.
        read_name: Relation of every record read, with ``flags`` (and ``record``, its number, where it is a view).
        is_view: It is a view over the file.
        file_records: Records that the file itself gave; padded lines come after them.
        bad_lines: Lines that were no records.
        skip_lines: Numbers of the lines that never became records of the file.
        flags: Rows by value of ``flags``; empty where they have to be counted.
        parts: Number of the first record and table of each file, where there are several.
        scan: What is known of its ids.
        several_categories: Whether cells hold several categories, each of which gets a row of its own.
    """

    table: str
    source: SourceTable
    mapping: ColumnMapping
    fields: TypedFields
    read_name: str
    is_view: bool = False
    file_records: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    skip_lines: frozenset[int] = frozenset()
    flags: dict[int, int] = field(default_factory=dict)
    parts: tuple[tuple[int, JudgedTable], ...] = ()
    scan: Scan = field(default_factory=Scan)
    several_categories: bool = False

    @property
    def record_sql(self) -> str:
        """Column of `read_name` with the number of the record."""
        return "record" if self.is_view else "rowid"

    @property
    def readings(self) -> tuple[FileReading, ...]:
        """How each of its files was read."""
        return tuple(part.source.reading for _, part in self.parts) or (self.source.reading,)

    @property
    def padded_lines(self) -> tuple[BadLine, ...]:
        """Short lines that were kept, in the order in which they were added."""
        return tuple(bad for bad in self.bad_lines if bad.cells is not None)

    @property
    def rule_rows(self) -> dict[str, int]:
        """Rows that broke each rule."""
        found = {}
        for rule_id in dict.fromkeys(rule.id for _, rule in rules_of(self.table)):
            bits = bit_of(self.table, rule_id)
            if rows := sum(count for flags, count in self.flags.items() if flags & bits):
                found[rule_id] = rows
        return found

    @property
    def totals(self) -> RowTotals:
        """Kept + rejected = read."""
        mask = reject_mask(self.table)
        rejected = sum(count for flags, count in self.flags.items() if flags & mask)
        records = sum(self.flags.values())
        lines = sum(bad.cells is None for bad in self.bad_lines)
        return RowTotals(records + lines, records - rejected, rejected + lines)

    @property
    def rule_counts(self) -> list[RuleCount]:
        """Every rule that a row or a line broke."""
        rejects = {rule.id: rule.rejects for _, rule in rules_of(self.table)}
        lines = Counter(bad.rule for bad in self.bad_lines)
        counts = [RuleCount(self.table, rule, rows, LINE_RULES[rule]) for rule, rows in lines.items()]
        return counts + [RuleCount(self.table, rule, rows, rejects[rule]) for rule, rows in self.rule_rows.items()]


def segment_columns(judged: Sequence[JudgedTable]) -> tuple[str, ...]:
    """Headers of the columns whose levels make a segment; empty where one column has it, or none."""
    columns = [item.fields.columns["segment"] for item in judged if "segment" in item.fields.columns]
    return next((column.parts for column in columns if column.parts), ())
