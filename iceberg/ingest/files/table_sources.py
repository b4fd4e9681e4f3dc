"""The sources of each table: one file, a list, a folder or a pattern becomes the files behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.remote.address import OBJECT_STORES, is_address, parse_address
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
    if is_address(text):
        return list(_list_address(text))
    if Path(text).expanduser().is_dir():
        return list(_list_folder(Path(text).expanduser()))
    if not _PATTERN & set(text) or Path(text).exists():
        return [text] if isinstance(source, str) else [source]  # type: ignore[list-item]  # what is left of Source is a path
    pattern = Path(text).expanduser()
    root = Path(pattern.anchor or ".")
    found = sorted(str(path) for path in root.glob(str(pattern.relative_to(pattern.anchor))) if path.is_file())
    if not found:
        raise FileError("no_file_fits", {"file": text})
    return list(found)


def _list_address(text: str) -> list[str]:
    """The objects of a folder or a pattern of an object store; any other address is one table."""
    address = parse_address(text)
    if address.scheme not in OBJECT_STORES:
        return [text]
    from iceberg.ingest.remote.object_store import list_objects

    paths = list_objects(address)
    if paths is None:
        return [text]
    if not _PATTERN & set(address.path):
        folder = address.path.strip("/")
        paths = _tables_of([path for path in paths if not _is_hidden(path.removeprefix(folder))], address.shown)
    elif not paths:
        raise FileError("no_file_fits", {"file": address.shown})
    return [address.with_path(path) for path in paths]


def _list_folder(folder: Path) -> list[str]:
    """Every table in a folder and below it, in the order of their names."""
    inside = (path for path in folder.rglob("*") if path.is_file() and not _is_hidden(str(path.relative_to(folder))))
    return _tables_of(sorted(map(str, inside)), str(folder))


def _is_hidden(name: str) -> bool:
    """Whether an engine wrote a file beside its tables (``_SUCCESS``, ``.crc``)."""
    return any(part.startswith((".", "_")) for part in PurePath(name).parts)


def _tables_of(names: list[str], folder: str) -> list[str]:
    found = [name for name in names if name.lower().endswith(_TABLES)]
    if not found:
        raise FileError("folder_without_tables", {"file": folder, "known": ", ".join(_TABLES)})
    kinds = {Path(name).suffix for name in found}
    if len(kinds) > 1 and ".parquet" in kinds:  # the same rows may be there in two formats
        raise FileError("folder_mixes_formats", {"file": folder, "kinds": ", ".join(sorted(kinds))})
    return found
