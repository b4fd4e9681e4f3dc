"""Delta and Iceberg tables with deletes that their Python libraries read and cannot write: as Spark leaves them."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.typedef import Record
from pyroaring import BitMap64

_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_DELTA_MAGIC = 1681511377  # of the protocol of Delta: a 64-bit roaring bitmap follows
_PATH_ID, _POSITION_ID = 2147483546, 2147483545  # of the specification of Iceberg


def delete_delta_rows(folder: Path, positions: Sequence[int]) -> None:
    """Add a version in which a deletion vector takes rows out of the only file of the table."""
    [first] = (folder / "_delta_log").glob("*.json")
    actions = [json.loads(line) for line in first.read_text().splitlines()]
    added = next(action["add"] for action in actions if "add" in action)
    bits = struct.pack("<I", _DELTA_MAGIC) + BitMap64(positions).serialize()
    padded = bits + b"\0" * (-len(bits) % 4)
    text = base64.b85encode(padded).translate(bytes.maketrans(_B85, _Z85)).decode()
    vector = {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(bits), "cardinality": len(positions)}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    lines = [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}},
        {"remove": {"path": added["path"], "deletionTimestamp": 1, "dataChange": True}},
        {"add": added | {"deletionVector": vector}},
    ]
    (folder / "_delta_log" / f"{1:020}.json").write_text("".join(json.dumps(line) + "\n" for line in lines))


def iceberg_table(folder: Path, rows: pa.Table) -> Table:
    """A table crm.customers in a catalog of its own."""
    folder.mkdir()
    catalog = SqlCatalog("crm", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("crm")
    table = catalog.create_table("crm.customers", schema=rows.schema, location=f"file://{folder}/warehouse/crm/customers")
    table.append(rows)
    return table


class _Deletes(ManifestWriterV2):
    """A list of files that hold deletes."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def delete_iceberg_rows(table: Table, *, positions: Sequence[int] = (), equal_to: Mapping[str, str] | None = None) -> None:
    """Add a snapshot with a file of positions, or of values, that takes rows out of the first data file of the table."""
    table.refresh()
    number, before = time_ns(), table.current_snapshot()
    assert before is not None
    path = f"{table.location()}/data/deletes-{number}.parquet"
    arguments: dict[str, Any] = {"content": DataFileContent.POSITION_DELETES}
    if equal_to is None:
        data = next(iter(table.scan().plan_files())).file.file_path
        fields = [pa.field("file_path", pa.string(), False), pa.field("pos", pa.int64(), False)]
        ids, columns = (_PATH_ID, _POSITION_ID), ([data] * len(positions), list(positions))
    else:
        fields = [pa.field(name, pa.string()) for name in equal_to]
        ids, columns = tuple(table.schema().find_field(name).field_id for name in equal_to), tuple([value] for value in equal_to.values())
        arguments = {"content": DataFileContent.EQUALITY_DELETES, "equality_ids": list(ids)}
    schema = pa.schema([field.with_metadata({"PARQUET:field_id": str(one)}) for field, one in zip(fields, ids, strict=True)])
    with table.io.new_output(path).create() as out:
        pq.write_table(pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema), out)
    file = DataFile.from_args(
        file_path=path, file_format=FileFormat.PARQUET, partition=Record(), record_count=len(columns[0]),
        file_size_in_bytes=len(table.io.new_input(path)), **arguments,
    )  # fmt: skip
    file.spec_id = 0
    with _Deletes(table.spec(), table.schema(), table.io.new_output(f"{table.location()}/metadata/{number}-m0.avro"), number, "deflate") as writer:
        writer.add(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=number, data_file=file))
    listed = f"{table.location()}/metadata/snap-{number}.avro"
    sequence = table.metadata.last_sequence_number + 1
    with write_manifest_list(2, table.io.new_output(listed), number, before.snapshot_id, sequence, "deflate") as manifests:
        manifests.add_manifests([*before.manifests(table.io), writer.to_manifest_file()])
    snapshot = Snapshot(
        snapshot_id=number, parent_snapshot_id=before.snapshot_id, sequence_number=sequence, timestamp_ms=number // 10**6, manifest_list=listed,
        summary=Summary(Operation.DELETE), schema_id=table.schema().schema_id,
    )  # fmt: skip
    now = SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=number)
    table.catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot), now))
