"""A third engine is one class: here a database of its own, to which the tables were copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import FileError
from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
from iceberg.ingest.engine.protocol import Engine
from iceberg.ingest.tables import Tables

from .companies import random_company


class Warehouse(Engine):
    """It has its own way to bring back columns, and no second connection."""

    def __init__(self, tables: Tables) -> None:
        self.database = duckdb.connect()
        self.made: list[str] = []
        for name in tables.names:
            rows = tables.connection.sql(f"SELECT * FROM {name}").to_arrow_table()
            self.database.register("rows", rows)
            self.database.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
            self.database.unregister("rows")

    def execute(self, query: str, /) -> Any:
        try:
            return self.database.execute(query)
        except duckdb.Error as error:
            raise FileError("memory_full", {"reason": str(error)}) from error

    def columns(self, query: str, /) -> dict[str, Any]:
        rows = self.execute(query)
        names = [column[0] for column in rows.description]
        values = list(zip(*rows.fetchall(), strict=True)) or [()] * len(names)
        return {name: np.array([int(value) for value in column], dtype=np.int64) for name, column in zip(names, values, strict=True)}

    def make(self, name: str, query: str, /) -> None:
        self.execute(f"CREATE OR REPLACE TABLE work_{name} AS {query}")
        self.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM work_{name}")
        self.made.append(name)

    def register(self, name: str, rows: Any, /) -> None:
        self.database.register(name, rows)

    @contextmanager
    def work(self) -> Iterator[None]:
        try:
            yield
        finally:
            for name in self.made:
                self.execute(f"DROP VIEW IF EXISTS {name}; DROP TABLE IF EXISTS work_{name}")
            self.made.clear()

    def close(self) -> None:
        self.database.close()


def test_a_third_engine_gives_the_same_counts_and_keeps_nothing_of_the_work(tables_from_frames):
    customers, complaints = random_company(11)
    incidents = complaints.rename(columns={"complaint_date": "incident_date"}).sample(frac=0.5, random_state=1)
    surveys = pd.DataFrame({"category": ["billing"], "asked": [40], "had_problem": [30], "complained": [7]})
    ours = tables_from_frames(customers=customers, complaints=complaints, incidents=incidents, surveys=surveys)
    expected = reduce_tables(ours)
    assert expected.observed is not None
    assert expected.observed.struck.any()
    with Tables(Warehouse(ours), ours.names) as theirs:
        assert reduce_tables(theirs).digest == expected.digest
        assert reduce_tables(theirs).digest == expected.digest, "the second time as well"
        shown = theirs.engine.execute("SHOW TABLES").fetchall()
        assert {name for (name,) in shown} == ours.names
        with pytest.raises(TypeError, match="Warehouse"):
            theirs.connection.sql("SELECT 1")


def test_a_fork_of_duckdb_sees_the_relations_that_it_was_given(tables_from_frames):
    customers, _ = random_company(2)
    tables = tables_from_frames(customers=customers)
    engine = tables.engine
    assert isinstance(engine, DuckDBEngine)
    with engine.work():
        engine.make("early", f"SELECT * FROM customers WHERE start_date < DATE '{date(2020, 1, 1)}'")
        fork = engine.fork(["early"])
        counted = "SELECT count(*) AS customers FROM early"
        assert fork.columns(counted)["customers"].tolist() == engine.columns(counted)["customers"].tolist()
        fork.close()
    assert len(engine.execute("SELECT * FROM customers").fetchall()) == len(customers)
