"""Bounds what a file becomes, not what it weighs: a few megabytes that unpack to gigabytes are refused before they fill the disk or the memory."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from iceberg.errors import FileError
from iceberg.ingest.engine.connection import quote_name, quote_text

# Judgement, all of them. Text of customers shrinks five- to thirty-fold, whatever packs it; Parquet of customers has at least one byte a row, since
# no two ids are alike, and its writers end a dictionary at 1 MB.
SMALL_BYTES, MOST_BYTES, LARGEST_FACTOR = 256 << 20, 20 << 30, 100
SMALL_VALUES, VALUES_PER_BYTE = 50_000_000, 64
MOST_COLUMNS, MOST_CHUNKS = 10_000, 100_000
MOST_GROUPS, GROUP_ROWS = 5_000, 1_000  # more row groups than this only where each has so many rows; the engine takes a millisecond for each
_DICTIONARY_BYTES, _VECTOR_ROWS, _VECTOR_BYTES = 4 << 20, 2048, 1 << 30
_MOST_NAME_BYTES = 1 << 20  # of the names and remarks in the heads of a gzip, which Python reads byte by byte: 200 MB of them take half a minute
_DICTIONARY_PAGE = 2  # PageType of the Parquet format


def allowed_bytes(given_bytes: int, folder: Path) -> int:
    """How many bytes a packed file of `given_bytes` may become in `folder`."""
    return min(max(SMALL_BYTES, LARGEST_FACTOR * given_bytes), MOST_BYTES, shutil.disk_usage(folder).free // 2)


def too_large(name: str, given_bytes: int, allowed: int) -> FileError:
    """The error of a file that becomes more than it may."""
    return FileError("unpacks_too_large", {"file": name, "size_mb": _megabytes(given_bytes), "limit_mb": allowed >> 20})


def _megabytes(size: int) -> float:
    return max(round(size / 1e6, 1), 0.1)


class BoundedStream:
    """Bytes that are unpacked while they are read, up to a bound."""

    def __init__(self, stream: IO[bytes], *, name: str, given_bytes: int, allowed: int) -> None:
        """Args: name, given_bytes: Of the packed file; allowed: Bytes that may be read."""
        self._stream, self._left = stream, allowed
        self._error = too_large(name, given_bytes, allowed)

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`.

        Raises:
            FileError: ``unpacks_too_large``.
        """
        found = self._stream.read(min(size, self._left + 1))
        self._left -= len(found)
        if self._left < 0:
            raise self._error
        return found

    def __enter__(self) -> BoundedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


class _ShortNames:
    """A gzip as it is read by `gzip.GzipFile`, up to a bound on what is read byte by byte."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, _MOST_NAME_BYTES
        self.seek, self.tell, self.seekable, self.close = stream.seek, stream.tell, stream.seekable, stream.close

    def read(self, size: int = -1) -> bytes:
        if size == 1:
            self._left -= 1
            if self._left < 0:
                raise gzip.BadGzipFile("a name without end")
        return self._stream.read(size)


def open_gzip(path: Path) -> IO[bytes]:
    """What a gzip holds. Reading raises `gzip.BadGzipFile` also where the names in its heads do not end."""
    unpacked = gzip.GzipFile(fileobj=cast("IO[bytes]", _ShortNames(path.open("rb"))), mode="rb")
    unpacked.myfileobj = unpacked.fileobj  # type: ignore[assignment]  # typed as what gzip opens by itself; it is closed with the rest
    return cast("IO[bytes]", unpacked)


def require_columns(name: str, columns: int) -> None:
    """Refuse a table that is wider than any of customers.

    Raises:
        FileError: ``too_many_columns``.
    """
    if columns > MOST_COLUMNS:
        raise FileError("too_many_columns", {"file": name, "columns": columns, "limit": MOST_COLUMNS})


def check_parquet(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Refuse a Parquet file that would become far more than it weighs, by its metadata and the heads of its dictionaries.

    Raises:
        FileError: ``unpacks_too_large``, ``too_many_columns``, ``parquet_too_many_values``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return  # the engine says what is wrong with it, or reads what only it can
    require_columns(name, metadata.num_columns)
    groups = metadata.num_row_groups
    if groups * metadata.num_columns > MOST_CHUNKS or groups > max(MOST_GROUPS, metadata.num_rows / GROUP_ROWS):
        raise FileError("parquet_too_many_values", {"file": name, "size_mb": _megabytes(size), "values": groups})
    chunks = [metadata.row_group(group).column(place) for group in range(groups) for place in range(metadata.num_columns)]
    unpacked, allowed = sum(chunk.total_uncompressed_size for chunk in chunks), max(SMALL_BYTES, LARGEST_FACTOR * size)
    if unpacked > allowed:
        raise too_large(name, size, allowed)
    values = max(sum(chunk.num_values for chunk in chunks), metadata.num_rows)
    if values > max(SMALL_VALUES, VALUES_PER_BYTE * size):
        raise FileError("parquet_too_many_values", {"file": name, "size_mb": _megabytes(size), "values": values})
    _check_dictionaries(connection, path, name, chunks)


def _check_dictionaries(connection: duckdb.DuckDBPyConnection, path: Path, name: str, chunks: list[Any]) -> None:
    """Refuse long texts in a dictionary, since every row that names one becomes as long."""
    with path.open("rb") as file:
        texts = [chunk for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"]
        large = {chunk.path_in_schema for chunk in texts if _dictionary_bytes(file, chunk) > _DICTIONARY_BYTES}
    for column in sorted(large):
        longest = connection.execute(f"SELECT max(strlen({quote_name(column)})) FROM read_parquet({quote_text(str(path))})").fetchall()[0][0]
        if (longest or 0) * _VECTOR_ROWS > _VECTOR_BYTES:
            raise too_large(name, path.stat().st_size, _VECTOR_BYTES)


def _dictionary_bytes(file: IO[bytes], chunk: Any) -> int:  # noqa: ANN401  # pyarrow has no types
    """Unpacked bytes of the dictionary of a chunk, from the head of its first page; 0 where it has none."""
    file.seek(min(chunk.dictionary_page_offset or chunk.data_page_offset, chunk.data_page_offset))
    head = file.read(16)
    kind, place = _number(head, 0)
    size, _ = _number(head, place)
    return size if kind == _DICTIONARY_PAGE else 0


def _number(head: bytes, place: int) -> tuple[int, int]:
    """A whole number of Thrift's compact protocol after the byte that names its field, and the place behind it."""
    value = shift = 0
    for place in range(place + 1, len(head)):  # noqa: B020, PLR1704  # the place behind is returned
        value |= (head[place] & 0x7F) << shift
        shift += 7
        if not head[place] & 0x80:
            break
    return (value >> 1) ^ -(value & 1), place + 1
