"""Owns what is known of the files named on the command line: base name, SHA-256 and size. Never a row, a folder or a password."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from iceberg.cli.options import STANDARD_INPUT, Options
from iceberg.provenance import SourceFile

_SECRET = ("password", "sslpassword", "passfile", "user")


def name_files(options: Options) -> tuple[SourceFile, ...]:
    """Every source of `options` in the order of the help, each file of a folder or pattern by itself."""
    return tuple(
        named
        for table, source in options.given.items()
        for named in _named(table, source)
    )


def _named(table: str, source: str) -> Iterable[SourceFile]:
    if source == STANDARD_INPUT:
        return [SourceFile(table, "stdin")]
    if "://" in source:
        return [SourceFile(table, _without_account(source))]
    path = Path(source.partition("#")[0]) if not Path(source).exists() else Path(source)
    if path.is_file():
        return [_fingerprint(table, path)]
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith((".", "_")))
    else:
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file()]  # noqa: PTH207  # a pattern may be absolute
    return [_fingerprint(table, one) for one in found] or [SourceFile(table, path.name or source)]


def _fingerprint(table: str, path: Path) -> SourceFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SourceFile(table, path.name, digest, path.stat().st_size)


def _without_account(address: str) -> str:
    """A database's address without user, password and other secrets."""
    parts = urlsplit(address)
    query = "&".join(piece for piece in parts.query.split("&") if piece and piece.partition("=")[0].lower() not in _SECRET)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" + (f"?{query}" if query else "")
