"""Object stores (``s3://``, ``gs://``, ``abfs://``): lists what lies below a folder or fits a pattern, and copies one object to a private file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from iceberg.errors import FileError
from iceberg.ingest.remote.address import OBJECT_STORES, Address

_KNOWN = ("region", "endpoint", "anonymous", "account")
_SECONDS_TO_CONNECT, _SECONDS_TO_WAIT, _TRIES = 10, 60, 3
_BLOCK = 1 << 22
_PATTERN = frozenset("*[")
# Never bare digits: "403" is also in a time, or in a port.
_REFUSED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID", "HTTP 403", "HTTP status 403",
            "HTTP 401", "HTTP status 401", "PERMISSION_DENIED", "UNAUTHENTICATED", "AuthenticationFailed", "AuthorizationFailure")  # fmt: skip
_MISSING = ("NO_SUCH_BUCKET", "NO_SUCH_KEY", "HTTP 404", "HTTP status 404", "NOT_FOUND", "ContainerNotFound", "BlobNotFound", "does not exist")


def filesystem_of(address: Address, *, scheme: str = "") -> fs.FileSystem:
    """The store that an address names, with the credentials of the address or else of the environment.

    Raises:
        FileError: ``object_option_unknown``, ``object_unreachable``.
    """
    scheme = scheme or address.scheme
    for name in address.driver_options:
        if name not in _KNOWN:
            raise FileError("object_option_unknown", {"address": address.shown, "option": name, "known": ", ".join(_KNOWN)})
    with _named(address):
        if scheme == "s3":
            return _s3(address)
        if scheme in {"gs", "gcs"}:
            return _google(address)
        return _azure(address)


def _s3(address: Address) -> fs.FileSystem:
    endpoint = endpoint_of(address)
    place: dict[str, Any] = {}
    if endpoint:
        parts = urlsplit(endpoint)
        place = {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    region = region_of(address)
    if address.option("anonymous"):
        place["anonymous"] = True
    elif address.user:
        place |= {"access_key": address.user, "secret_key": address.password}
    if not region and not endpoint:
        region = fs.resolve_s3_region(address.host)
    return fs.S3FileSystem(
        region=region or None,
        connect_timeout=_SECONDS_TO_CONNECT,
        request_timeout=_SECONDS_TO_WAIT,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_TRIES),
        **place,
    )


def _google(address: Address) -> fs.FileSystem:
    from datetime import timedelta

    place: dict[str, Any] = {"anonymous": True} if address.option("anonymous") else {}
    if endpoint := address.option("endpoint"):
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        place |= {"endpoint_override": parts.netloc, "scheme": parts.scheme}
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_SECONDS_TO_WAIT), **place)


def _azure(address: Address) -> fs.FileSystem:
    _, at, host = address.netloc.rpartition("@")
    account = address.option("account") or (host.partition(".")[0] if at else "") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    place: dict[str, Any] = {}
    if endpoint := address.option("endpoint"):
        parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
        place = {"blob_storage_authority": parts.netloc, "dfs_storage_authority": parts.netloc}
        place |= {"blob_storage_scheme": parts.scheme, "dfs_storage_scheme": parts.scheme}
    if key := os.environ.get("AZURE_STORAGE_KEY", ""):
        place["account_key"] = key
    elif token := os.environ.get("AZURE_STORAGE_SAS_TOKEN", ""):
        place["sas_token"] = token
    return fs.AzureFileSystem(account, **place)


def endpoint_of(address: Address) -> str:
    """The server of an S3 that is not Amazon's, with its scheme; "" where there is none."""
    named = address.option("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return named if not named or "://" in named else f"https://{named}"


def region_of(address: Address) -> str:
    """The region of a bucket, where it is named."""
    return address.option("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""


def path_of(address: Address) -> str:
    """Bucket and key; of Azure the container and the key."""
    container, at, _ = address.netloc.rpartition("@")
    bucket = container if at and address.scheme.rpartition("+")[2] in {"abfs", "abfss"} else address.host
    return f"{bucket}{unquote(address.path)}"


def list_objects(address: Address) -> list[str] | None:
    """The paths below the bucket of everything in a folder, or of what fits a pattern, in the order of their names; None for one object.

    Raises:
        FileError: ``object_*``.
    """
    path = path_of(address)
    is_pattern = bool(_PATTERN & set(path))
    if not is_pattern and not path.endswith("/") and _is_file(address):
        return None
    if is_pattern:
        parts = path.split("/")
        root = "/".join(parts[: next(place for place, part in enumerate(parts) if _PATTERN & set(part))])
    else:
        root = path.rstrip("/")
    deep = not is_pattern or path.count("/") > root.count("/") + 1
    with _named(address):
        found = filesystem_of(address).get_file_info(fs.FileSelector(root, allow_not_found=True, recursive=deep))
    bucket = path.partition("/")[0]
    listed = sorted(entry.path for entry in found if entry.type == fs.FileType.File)
    if is_pattern:
        listed = [name for name in listed if name.count("/") == path.count("/") and all(map(fnmatchcase, name.split("/"), path.split("/")))]
    elif not found:
        raise FileError("object_missing", {"address": address.shown})
    return [name.removeprefix(f"{bucket}/") for name in listed]


def _is_file(address: Address) -> bool:
    with _named(address):
        [found] = filesystem_of(address).get_file_info([path_of(address)])
    if found.type == fs.FileType.NotFound:
        raise FileError("object_missing", {"address": address.shown})
    return bool(found.type == fs.FileType.File)


@lru_cache(maxsize=4096)
def object_bytes(text: str, address: Address) -> int:  # the text is the key
    """Size of an object; 0 where it is none. Sizes are asked for several times while a load is prepared."""
    with _named(address):
        [found] = filesystem_of(address).get_file_info([path_of(address)])
    return int(found.size or 0)


def copy_object(address: Address, target: Path) -> None:
    """Copy an object to `target`, in blocks.

    Raises:
        FileError: ``object_*``; ``disk_too_small`` before anything is copied.
    """
    store, path = filesystem_of(address), path_of(address)
    with _named(address):
        [found] = store.get_file_info([path])
        if found.type != fs.FileType.File:
            raise FileError("object_missing", {"address": address.shown})
        free = shutil.disk_usage(target.parent).free
        if found.size > free:
            raise FileError("disk_too_small", {"needed": found.size / 1e9, "free": free / 1e9, "folder": str(target.parent.parent)})
        with store.open_input_stream(path) as stream:
            source = iter(lambda: stream.read(_BLOCK), b"")
            _write(source, target, most=found.size)


def _write(blocks: Iterator[bytes], target: Path, *, most: int) -> None:
    left = most
    with target.open("wb") as out:
        for block in blocks:
            left -= len(block)
            if left < 0:  # it grew since its size was asked for
                raise OSError("the object changed while it was read")
            out.write(block)


@contextmanager
def _named(address: Address) -> Iterator[None]:
    """Raise the errors of a store as sentences."""
    try:
        yield
    except (OSError, pa.ArrowException, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None and error.strerror and not isinstance(error, FileNotFoundError):
            raise  # the disk of this machine
        text = str(error)
        if any(sign in text for sign in _REFUSED):
            code = "object_no_permission"
        elif isinstance(error, FileNotFoundError) or any(sign in text for sign in _MISSING):
            code = "object_missing"
        else:
            code = "object_unreachable"
        raise FileError(code, address.values(error)) from error


def is_object_store(scheme: str) -> bool:
    """Whether a scheme names an object store."""
    return scheme in OBJECT_STORES
