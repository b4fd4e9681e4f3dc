"""The sources of each table: one file, a list, a folder or a pattern becomes the files behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.schema import TableName

_PATTERN = frozenset("*?[")
_TABLES = (".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt")
Given = Source | Sequence[Source]  # what a caller may give for one table


class Sources(Mapping[TableName, tuple[Source, ...]]):
    """The files of each table that was given, in the order given. It never changes."""

    def __init__(self, given: Mapping[TableName, Given | None]) -> None:
        """`given`: by table one source, a list, a folder or a pattern; a table without a source is left out.

        Raises:
            FileError: See `list_sources`.
        """
        self._files = {table: tuple(list_sources(source)) for table, source in given.items() if source is not None}

    def __getitem__(self, table: TableName) -> tuple[Source, ...]:
        return self._files[table]

    def __iter__(self) -> Iterator[TableName]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def list_sources(source: Given) -> list[Source]:
    """The files behind what was given for one table: itself, each of a list, of a folder, or each that fits ``customers-*.csv``.

    Raises:
        FileError: ``no_file_fits`` when a pattern fits nothing, ``folder_without_tables`` when a folder holds no table.
    """
    if isinstance(source, (pd.DataFrame, UploadedBytes)):
        return [source]
    if isinstance(source, (list, tuple)):
        return [file for entry in source for file in list_sources(entry)]
    text = str(source)
    if Path(text).expanduser().is_dir():
        return list(_list_folder(Path(text).expanduser()))
    if not _PATTERN & set(text) or "://" in text or Path(text).exists():
        return [text] if isinstance(source, str) else [source]  # type: ignore[list-item]  # what is left of Source is a path
    pattern = Path(text).expanduser()
    root = Path(pattern.anchor or ".")
    found = sorted(str(path) for path in root.glob(str(pattern.relative_to(pattern.anchor))) if path.is_file())
    if not found:
        raise FileError("no_file_fits", {"file": text})
    return list(found)


def _list_folder(folder: Path) -> list[str]:
    """Every table in a folder and below it, in the order of their names. Engines write other files beside them (``_SUCCESS``, ``.crc``)."""
    found = sorted(
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name.lower().endswith(_TABLES) and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    )
    if not found:
        raise FileError("folder_without_tables", {"file": str(folder), "known": ", ".join(_TABLES)})
    kinds = {Path(name).suffix for name in found}
    if len(kinds) > 1 and ".parquet" in kinds:  # the same rows may be there in two formats
        raise FileError("folder_mixes_formats", {"file": str(folder), "kinds": ", ".join(sorted(kinds))})
    return found
