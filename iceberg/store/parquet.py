"""Writes a table as Parquet (zstd) and a document as gzipped JSON, for any program to read. Equal content gives equal bytes."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def table_bytes(columns: Mapping[str, Any], *, draws: frozenset[str] = frozenset()) -> bytes:
    """One Parquet file.

    Args:
        columns: Equally long columns: arrays, lists of text or dates; those in `draws` have two dimensions, (rows, draws).
        draws: Columns whose cells are lists of equal length.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {}
    for name, values in columns.items():
        if name in draws:
            matrix = np.ascontiguousarray(values)
            arrays[name] = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
        elif isinstance(values, np.ndarray):
            arrays[name] = pa.array(values)
        else:
            arrays[name] = pa.array(list(values))
    target = io.BytesIO()
    text = [name for name, values in arrays.items() if pa.types.is_string(values.type)]
    pq.write_table(pa.table(arrays), target, compression="zstd", use_dictionary=[*text, *(_repetitive(columns, draws))])
    return target.getvalue()


def _repetitive(columns: Mapping[str, Any], draws: frozenset[str]) -> list[str]:
    """Draws of customers are small whole numbers: a dictionary halves them. Money has no two alike."""
    return [f"{name}.list.element" for name in draws if np.asarray(columns[name][:1]).size and _whole(columns[name])]


def _whole(values: npt.NDArray[Any]) -> bool:
    return bool((values == np.round(values)).all())


def read_columns(data: bytes) -> dict[str, Any]:
    """Columns of `table_bytes`: arrays; text and dates as lists; draws as (rows, draws)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(data), use_threads=False)
    columns: dict[str, Any] = {}
    for name in table.column_names:
        values = table.column(name).combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = values.chunk(0) if values.num_chunks else pa.array([], type=values.type)
        if pa.types.is_fixed_size_list(values.type):
            columns[name] = values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), values.type.list_size)
        elif pa.types.is_string(values.type) or pa.types.is_date(values.type):
            columns[name] = values.to_pylist()
        else:
            columns[name] = values.to_numpy(zero_copy_only=False)
    return columns


def json_bytes(document: object) -> bytes:
    """Gzipped UTF-8 JSON."""
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=True)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def read_json(data: bytes) -> Any:  # noqa: ANN401  # whatever was written
    """What `json_bytes` wrote."""
    return json.loads(gzip.decompress(data))
