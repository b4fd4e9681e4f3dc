"""The base name, SHA-256 and size of the files on the command line; never a row, a folder or a password."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable
from pathlib import Path

from iceberg.cli.arguments.options import STANDARD_INPUT, Options
from iceberg.ingest.remote.address import is_address, parse_address
from iceberg.provenance import SourceFile


def name_files(options: Options) -> tuple[SourceFile, ...]:
    """Every source of `options` in the order of the help; a folder or pattern gives one entry per file."""
    return tuple(file for table, source in options.given.items() for file in _files_of(table, source))


def _files_of(table: str, source: str) -> Iterable[SourceFile]:
    if source == STANDARD_INPUT:
        return [SourceFile(table, "stdin")]
    if is_address(source):
        return [SourceFile(table, parse_address(source).published)]
    path = Path(source.partition("#")[0]) if not Path(source).exists() else Path(source)
    if path.is_file():
        return [_fingerprint(table, path)]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith((".", "_")))
    else:
        files = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file()]  # noqa: PTH207  # a pattern may be absolute
    return [_fingerprint(table, file) for file in files] or [SourceFile(table, path.name or source)]


def _fingerprint(table: str, path: Path) -> SourceFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SourceFile(table, path.name, digest, path.stat().st_size)
