"""What every step of a load needs: the engine, a private folder, today's date, and the files that were read."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd

from iceberg.ingest.engine.connection import connect, quote_name
from iceberg.ingest.engine.limits import named_faults
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.files.sizes import make_room, usual_bytes
from iceberg.ingest.files.source_table import ReadOptions, SourceTable
from iceberg.ingest.files.sources import Source
from iceberg.ingest.files.table_sources import Sources

OnFile = Callable[[str], None]  # called with the name of a file before it is read
_SPOOLED = re.compile(r"\d+\.(?!duckdb).*")  # files that `Workspace.new_file` names, but for the engine's own


@dataclass(frozen=True)
class Load:
    """One load: open it, read and judge files in it as often as needed, close it.

    A file is read once per load. What was read stays available until `close`; the rows that a call of
    `iceberg.ingest.load.load_sources` judged are dropped when its tables are closed, or by the next call::

        load = Load.open()
        first = load.read(upload)                                # columns and first values, to propose a mapping
        resolve_fields(load.connection, first, mapping)          # nothing is read again
        tables, report = load_sources(load, Sources({"customers": upload}), MappingSet({"customers": mapping}))
        with tables:
            counts = reduce_tables(tables)
        load.close()

    It serves one thread at a time.

    Attributes:
        connection: The engine.
        workspace: Folder for files that are written on the way.
        today: Dates after this day lie in the future.
        on_file: Called with the name of each file before it is read.
    """

    connection: duckdb.DuckDBPyConnection
    workspace: Workspace
    today: date = field(default_factory=date.today)
    on_file: OnFile | None = None
    _files: dict[tuple[object, ReadOptions], SourceTable] = field(default_factory=dict, repr=False)

    @property
    def today_sql(self) -> str:
        """`today` as a SQL literal."""
        return f"DATE '{self.today.isoformat()}'"

    @classmethod
    def open(
        cls, sources: Sources | None = None, *, memory_limit: str | None = None, temp_directory: Path | None = None, on_file: OnFile | None = None
    ) -> Self:
        """Start an engine.

        Args:
            sources: Files that will be read, as far as they are known: large ones are worked on within a bound, and on disk.
            memory_limit: Bound for the engine, such as ``"4GB"``.
            temp_directory: Folder for what does not fit; the system's own when left out.
            on_file: Called with the name of each file before it is read.

        Raises:
            FileError: ``memory_limit_unreadable``, ``temp_folder_unusable``, ``disk_too_small``.
        """
        sources, workspace = sources or Sources({}), Workspace(temp_directory)
        with ExitStack() as undone:
            undone.callback(workspace.close)
            with named_faults(workspace):
                connection = connect(memory_limit=memory_limit, usual_bytes=usual_bytes(sources), temp_directory=str(workspace.directory))
                undone.callback(connection.close)
                make_room(connection, sources, workspace)
            undone.pop_all()
        return cls(connection, workspace, on_file=on_file)

    def read(self, source: Source, options: ReadOptions | None = None) -> SourceTable:
        """A file as a relation; the same one each time that it is read with the same options.

        Raises:
            FileError: It is no table.
            MappingError: ``encoding_ambiguous``, unless `options` settles it.
        """
        options = options or ReadOptions()
        if isinstance(source, pd.DataFrame):  # its owner may change it
            return read_source(self.connection, source, self.workspace, options=options)
        key = (source, options)
        if key not in self._files:
            found = self._files[key] = read_source(self.connection, source, self.workspace, options=options)
            if not found.reading.doubts:  # then nothing had to be settled
                self._files[source, replace(options, settle=not options.settle)] = found
        return self._files[key]

    def clear(self) -> None:
        """Drop every row and file but those that `read` gave."""
        relations = {found.from_sql for found in self._files.values()}
        listed = "SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables()"
        for kind, name in self.connection.execute(listed).fetchall():
            if name not in relations:
                self.connection.execute(f"DROP {kind} IF EXISTS {quote_name(name)}")
        needed = {str(path) for found in self._files.values() for path in (found.text_path, found.path) if path}
        for path in self.workspace.directory.iterdir():
            if _SPOOLED.fullmatch(path.name) and str(path) not in needed:
                path.unlink()

    def close(self) -> None:
        """Drop every row and every file."""
        self.connection.close()
        self.workspace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
