"""What a pass over a judged table found out about its ids and customers, so that no later step reads the rows again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from iceberg.ingest.scan.plain_csv import BLOCK, PlainCsv, fill_table
from iceberg.ingest.scan.recent_customers import CustomerCollector
from iceberg.ingest.scan.single_pass import scan_rows
from iceberg.ingest.schema import FIELDS_OF_CUSTOMER, RecentCustomers, key_sql


@dataclass
class Scan:
    """What is known about a judged table beside its rows. A new one knows nothing, which is always true.

    Attributes:
        relation: The relation that was read; "" where none was.
        ids_repeat: Whether two kept rows of `relation` may have the same id.
        numbered: Ids are whole numbers, in this table and in those that meet it. Of customers, column ``customer_number`` has them.
        named: Relation of the customers whom a complaint or an incident names, with ``flags``; "" where there is none.
        key: Column of `named` that says which customer: ``customer_id``, or ``customer_key``, its hash, where no two have the same.
        recent: Recent customers, where they were collected.
        collector: Collects customers while `relation` is read.
        named_sql: Where ids were dropped: at least the named rows of `relation`, with their ids.
        csv_files: The files, where their ids were dropped.
    """

    relation: str = ""
    ids_repeat: bool = True
    numbered: bool = False
    named: str = ""
    key: str = "customer_id"
    recent: RecentCustomers | None = None
    collector: CustomerCollector | None = None
    named_sql: str = ""
    csv_files: tuple[PlainCsv, ...] = ()

    def key_of(self, customer_id: str) -> str:
        """SQL of what `key` has to equal, where a column with this name names a customer."""
        return key_sql(customer_id, numbered=self.numbered) if self.key == "customer_key" else customer_id

    @property
    def own_key(self) -> str:
        """SQL of the key of a customer in `relation`."""
        return key_sql("customer_number" if self.numbered else "customer_id", numbered=self.numbered)

    def has_unique_ids(self, relation: str) -> bool:
        """Whether no two kept rows of this relation have the same id, for certain."""
        return self.relation == relation and not self.ids_repeat

    def read(self, connection: duckdb.DuckDBPyConnection, relation: str, *, reject_mask: int, check_tidy: bool = False) -> dict[int, int] | None:
        """Read every row of a relation once.

        Returns:
            Rows by value of ``flags``; None where `check_tidy` and an id cannot stay as it is.
        """
        found = scan_rows(connection, relation, reject_mask=reject_mask, key=self.own_key, check_tidy=check_tidy, collector=self.collector)
        if not found.tidy:
            return None
        self.relation, self.ids_repeat = relation, found.repeats
        return found.flags

    def gather_named(self, connection: duckdb.DuckDBPyConnection, relation: str, naming: Sequence[str], flags: str) -> None:
        """Make the relation `named`, of at least the customers that rows of `naming` name: later steps read these few only.

        Args:
            connection: Where the rows are.
            relation: Judged customers.
            naming: Relations of complaints and incidents.
            flags: SQL of the flags of a customer.
        """
        unique = self.has_unique_ids(relation)
        self.named, self.key = f"{relation}_named", "customer_key" if unique else "customer_id"
        if unique and self.collector is not None and not self.named_sql and self.collector.publish_named(self.named):
            return
        key = f"{self.own_key} AS customer_key" if unique else "customer_id"
        rows = f"({self.named_sql})"
        if not (unique and self.named_sql):  # chosen by hash, which is quicker to look up than a text; hash collisions do no harm
            hashed = key_sql("customer_id", numbered=self.numbered)
            hashes = " UNION ALL ".join(f"SELECT {hashed} FROM {name}" for name in naming)
            rows = f"{relation} WHERE {self.own_key} IN ({hashes})"
        columns = f"{key}, {', '.join(FIELDS_OF_CUSTOMER)}, {flags}"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {self.named} AS SELECT {columns} FROM {rows}")

    def ids(self, connection: duckdb.DuckDBPyConnection, relation: str) -> str:
        """Relation with the customer_id of every row; where ids were dropped the files are read for them once more."""
        if not self.csv_files:
            return relation
        name, column = f"{relation}_ids", self.csv_files[0].fields.columns["customer_id"].sql
        if not connection.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = '{name}'").fetchall():
            fill_table(connection, name, self.csv_files, ["customer_id"], f"SELECT {column} AS customer_id FROM {BLOCK}")
        return name

    def finish(self, relation: str) -> None:
        """Publish the recent customers, and give back the memory of the pass."""
        if self.collector is not None and self.has_unique_ids(relation):
            self.recent = self.collector.publish_recent()
        self.collector = None
