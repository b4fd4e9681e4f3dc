"""Reads Delta and Iceberg tables on disk, in an object store or in a catalog: the rows of one version, without those that were deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from iceberg.errors import FileError
from iceberg.ingest.remote.address import OBJECT_STORES, Address
from iceberg.ingest.remote.object_store import endpoint_of, filesystem_of, path_of, region_of

_COMMAND = "pip install -r requirements-lake.txt"
_PATIENCE = {"connect_timeout": "10s", "timeout": "120s", "max_retries": "3", "retry_timeout": "60s"}
# Never bare digits: "403" is also in a time, or in a port.
_REFUSED = (
    "status 403", "status 401", "(403)", "(401)", "Forbidden", "AccessDenied", "ACCESS_DENIED", "Unauthorized", "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
)  # fmt: skip
_UNREACHABLE = ("error sending request", "timed out", "Connection refused", "CURL", "curlCode", "NETWORK_CONNECTION", "Max retries", "dns error")


def store_of(address: Address) -> str:
    """The scheme of the files of a table: ``s3`` of ``delta+s3``; "" for the disk of this machine."""
    return address.scheme.partition("+")[2]


def _location(address: Address) -> str:
    store = store_of(address)
    path = unquote(address.path)
    if not store:
        return path.removeprefix("/") if path.startswith("/.") or path.startswith("/~") else path
    account = address.netloc if store in {"abfs", "abfss"} and ":" not in address.netloc else address.host
    return f"{store}://{account}{path}"


def _version(address: Address, name: str) -> int | None:
    """The version of a table that an option names.

    Raises:
        FileError: ``lake_version_unreadable``.
    """
    written = address.option(name)
    if written and not written.isdecimal():
        raise FileError("lake_version_unreadable", {"address": address.shown, "value": written[:40]})
    return int(written) if written else None


def _require_columns(address: Address, known: list[str]) -> list[str] | None:
    if unknown := [name for name in address.columns if name not in known]:
        raise FileError("lake_column_unknown", {"address": address.shown, "column": unknown[0], "known": ", ".join(known[:30])})
    return list(address.columns) or None


@contextmanager
def open_delta(address: Address) -> Iterator[Iterator[pa.RecordBatch]]:
    """The rows of a Delta table, as its deletion vectors leave them.

    Raises:
        FileError: ``lake_*``, ``database_driver_missing``.
    """
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError
    except ImportError as error:
        raise FileError("database_driver_missing", address.values() | {"command": _COMMAND}) from error
    try:
        table = DeltaTable(_location(address), version=_version(address, "version"), storage_options=_delta_options(address))
        names = [field.name for field in table.schema().fields]
        yield _arrow(table.scan(columns=_require_columns(address, names)))
    except TableNotFoundError as error:
        raise FileError("lake_table_missing", address.values(error)) from error
    except (DeltaError, pa.ArrowException, ValueError) as error:
        no_version = address.option("version") and "LogSegment end version" in str(error)
        raise FileError("lake_table_missing" if no_version else _code(error), address.values(error)) from error
    except OSError as error:
        if error.errno is not None and error.strerror:  # the disk of this machine
            raise
        raise FileError(_code(error), address.values(error)) from error


def _arrow(reader: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401  # deltalake has a reader of its own
    yield from pa.RecordBatchReader.from_stream(reader)


def _delta_options(address: Address) -> dict[str, str] | None:
    """What the store of a Delta table is opened with; the environment gives what the address does not."""
    store = store_of(address)
    if not store:
        return None
    found = dict(_PATIENCE)
    if store == "s3":
        endpoint = endpoint_of(address)
        found |= {"aws_region": region_of(address) or "us-east-1"}
        found |= {"aws_endpoint": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()} if endpoint else {}
        if address.user:
            found |= {"aws_access_key_id": address.user, "aws_secret_access_key": address.password}
        if address.option("anonymous"):
            found["aws_skip_signature"] = "true"
    elif store in {"abfs", "abfss"} and (account := address.option("account") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")):
        found["azure_storage_account_name"] = account
    return found


@contextmanager
def open_iceberg(address: Address) -> Iterator[Iterator[pa.RecordBatch]]:
    """The rows of an Iceberg table, as its delete files leave them: ``iceberg://catalog?table=crm.customers``, or the folder of a table.

    Raises:
        FileError: ``lake_*``, ``database_driver_missing``.
    """
    try:
        from pyiceberg import exceptions
        from pyiceberg.io.pyarrow import ArrowScan
    except ImportError as error:
        raise FileError("database_driver_missing", address.values() | {"command": _COMMAND}) from error
    missing = (exceptions.NoSuchTableError, exceptions.NoSuchNamespaceError, exceptions.NoSuchIcebergTableError, FileNotFoundError)
    refused = (exceptions.UnauthorizedError, exceptions.ForbiddenError, exceptions.AuthorizationExpiredError)
    try:
        table = _iceberg_table(address)
        names = [field.name for field in table.schema().fields]
        chosen = _require_columns(address, names)
        snapshot = _version(address, "snapshot")
        if snapshot is not None and table.snapshot_by_id(snapshot) is None:
            raise FileError("lake_table_missing", address.values() | {"reason": f"snapshot {snapshot}"})
        scan = table.scan(selected_fields=tuple(chosen) if chosen else ("*",), snapshot_id=snapshot)
        reader = ArrowScan(table.metadata, table.io, scan.projection(), scan.row_filter, case_sensitive=True)
        yield _file_by_file(reader, list(scan.plan_files()), scan)
    except missing as error:
        raise FileError("lake_table_missing", address.values(error)) from error
    except refused as error:
        raise FileError("object_no_permission", address.values(error)) from error
    except OSError as error:
        if error.errno is not None and error.strerror:  # the disk of this machine
            raise
        raise FileError(_code(error), address.values(error)) from error
    except (ValueError, NotImplementedError, KeyError, pa.ArrowException, exceptions.RESTError) as error:
        raise FileError(_code(error), address.values(error)) from error


def _file_by_file(reader: Any, tasks: list[Any], scan: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401  # pyiceberg's own
    """The rows of one data file after another: pyiceberg decodes all files at once otherwise, whatever their size."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    found = False
    for task in tasks:
        for batch in reader.to_record_batches([task]):
            found = True
            yield batch
    if not found:
        yield pa.RecordBatch.from_pylist([], schema=schema_to_pyarrow(scan.projection(), include_field_ids=False))


def _iceberg_table(address: Address) -> Any:  # noqa: ANN401  # pyiceberg's table
    from pyiceberg.catalog import load_catalog
    from pyiceberg.table import StaticTable

    if not store_of(address) and address.netloc:
        if not address.option("table"):
            raise FileError("database_table_missing", {"address": address.shown})
        return load_catalog(unquote(address.netloc)).load_table(address.option("table"))
    return StaticTable.from_metadata(_metadata_place(address), properties=_iceberg_properties(address))


def _iceberg_properties(address: Address) -> dict[str, str]:
    found = {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", "s3.connect-timeout": "10", "s3.request-timeout": "60"}
    if store_of(address) == "s3":
        found |= {"s3.endpoint": endpoint} if (endpoint := endpoint_of(address)) else {}
        found |= {"s3.region": region} if (region := region_of(address)) else {}
        if address.user:
            found |= {"s3.access-key-id": address.user, "s3.secret-access-key": address.password}
        if address.option("anonymous"):
            found["s3.anonymous"] = "true"
    return found


def _metadata_place(address: Address) -> str:
    """The newest metadata of the folder of a table; itself where the address names a file of metadata."""
    place = _location(address)
    if place.endswith(".metadata.json"):
        return place
    if store_of(address) in OBJECT_STORES:
        store, folder = filesystem_of(address, scheme=store_of(address)), path_of(address)
    else:
        store, folder = fs.LocalFileSystem(), place
    listed = store.get_file_info(fs.FileSelector(f"{folder.rstrip('/')}/metadata", allow_not_found=True))
    names = [entry.base_name for entry in listed if entry.base_name.endswith(".metadata.json")]
    if not names:
        raise FileNotFoundError(f"no metadata below {place}")
    return f"{place.rstrip('/')}/metadata/{max(names, key=_number)}"


def _number(name: str) -> tuple[int, str]:
    """The number of a file of metadata: ``v3.metadata.json``, ``00003-….metadata.json``."""
    digits = name.removeprefix("v").split("-")[0].split(".")[0]
    return (int(digits) if digits.isdecimal() else -1), name


def _code(error: BaseException) -> str:
    text = str(error)
    if any(sign in text for sign in _REFUSED):
        return "object_no_permission"
    if any(sign in text for sign in _UNREACHABLE):
        return "object_unreachable"
    return "lake_unreadable"
