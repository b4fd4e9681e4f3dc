"""A file as a report or a published study names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A file a version was counted from: its name and digest, never its content.

    Attributes:
        table: What it was read as: ``customers``, ``complaints``, ...
        name: File name without its folder.
        sha256, size_bytes: Of its bytes; None where it was not a file (a database, a stream).
        read, kept, rejected: Rows.
    """

    table: str
    name: str
    sha256: str | None = None
    size_bytes: int | None = None
    read: int | None = None
    kept: int | None = None
    rejected: int | None = None
