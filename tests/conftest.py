"""Keeps each test file on one worker, and every browser test on the same one: they share a server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from iceberg.ingest.tables import CANONICAL_COLUMNS, Tables

TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests for ``--dist loadgroup``; without pytest-xdist the marker means nothing."""
    for item in items:
        place = item.path.relative_to(TESTS)
        item.add_marker(pytest.mark.xdist_group("browser" if place.parts[0] == "browser" else place.as_posix()))


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
        made.append(Tables(connection=connection, names=frozenset(frames)))
        return made[-1]

    yield make
    for tables in made:
        tables.close()
