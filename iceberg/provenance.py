"""Where numbers come from: the files that were read, named without folders, accounts or rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """One source that was read: its name and digest, never its content.

    Attributes:
        table: What it was read as: ``customers``, ``complaints`` ...; "" where it is not known.
        name: File name without its folder; the address of a database without its account.
        sha256: Fingerprint of its bytes in hexadecimal; None where there are none to read twice (a database, a stream).
        size_bytes: Size of the file; None likewise.
        read, kept, rejected: Rows; None where they were not counted for this file alone.
    """

    table: str
    name: str
    sha256: str | None = None
    size_bytes: int | None = None
    read: int | None = None
    kept: int | None = None
    rejected: int | None = None
