"""What tests of several folders share: tables from frames, a PostgreSQL, and who runs on which worker (`tests.schedule`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
from iceberg.ingest.schema import CANONICAL_COLUMNS
from iceberg.ingest.tables import Tables
from tests import postgres
from tests.schedule import ByServer, in_order

if TYPE_CHECKING:
    from xdist.remote import Producer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups stand together, the longest first."""
    items.sort(key=lambda item: in_order(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServer:
    """Whole groups to each worker, whatever ``--dist`` says."""
    return ByServer(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One server for every test that needs one: each takes a database of its own."""
    with postgres.running() as server:
        yield server


TablesFactory = Callable[..., Tables]


@pytest.fixture
def tables_from_frames() -> Iterator[TablesFactory]:
    """Makes `Tables` from frames with canonical columns, unchecked: ``tables_from_frames(customers=...)``."""
    made: list[Tables] = []

    def make(**frames: pd.DataFrame) -> Tables:
        connection = duckdb.connect()
        for name, frame in frames.items():
            columns = CANONICAL_COLUMNS[name]
            connection.register("frame_of_test", frame)
            casts = ", ".join(
                f'CAST("{column}" AS {kind}) AS {column}' if column in frame else f"CAST(NULL AS {kind}) AS {column}"
                for column, kind in columns.items()
            )
            connection.execute(f"CREATE TABLE {name} AS SELECT {casts} FROM frame_of_test")
            connection.unregister("frame_of_test")
        made.append(Tables(DuckDBEngine(connection), frozenset(frames)))
        return made[-1]

    yield make
    for tables in made:
        tables.close()
