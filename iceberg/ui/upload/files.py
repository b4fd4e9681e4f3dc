"""Uploaded files: the tables of each shape of data, and the files given for a table with their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.schema import BESIDE
from iceberg.provenance import SourceFile
from iceberg.ui.session.caches import session_cache

if TYPE_CHECKING:
    from iceberg.ingest.tables import IngestReport

Shape = Literal["linked", "volumes", "alone", "flat", "joined"]
TABLES: dict[Shape, tuple[str, ...]] = {
    "linked": ("customers", "complaints"),
    "volumes": ("customers", "volumes"),
    "alone": ("volumes",),
    "flat": ("flat",),
    "joined": ("customers", "complaints", "subscriptions", "events", "activity"),
}
# Optional: who had a problem, and what leavers say (level 4); beside a log of visits incidents say after what habits break.
MEASURED: dict[Shape, tuple[str, ...]] = {
    "linked": ("incidents", "surveys", "leaver_surveys", "cancellation_reasons"),
    "joined": ("incidents",),
}
# Optional, and in no estimate: what customers declare and their good moments, beside who leaves.
DECLARED: dict[Shape, tuple[str, ...]] = dict.fromkeys(("linked", "volumes", "joined"), BESIDE)
NAMES_CUSTOMERS = {"customers", "subscriptions", "activity"}  # one of them is required


def optional_tables(shape: Shape) -> tuple[str, ...]:
    """Tables that may be given beside those of a shape."""
    return (*MEASURED.get(shape, ()), *DECLARED.get(shape, ()))


@dataclass(frozen=True)
class UploadedFile:
    """One table of this session, in one file or in several of the same kind.

    Attributes:
        table: Canonical table that it becomes.
        sources: Names and bytes, in the order in which they were given.
        sha256: Digest of all the bytes.
    """

    table: str
    sources: tuple[UploadedBytes, ...]
    sha256: str

    @classmethod
    def of(cls, table: str, name: str, data: bytes) -> UploadedFile:
        """A table in one file."""
        return cls.of_several(table, [(UploadedBytes(name, data), hashlib.sha256(data).hexdigest())])

    @classmethod
    def of_several(cls, table: str, parts: Sequence[tuple[UploadedBytes, str]]) -> UploadedFile:
        """A table in several files, each with the digest of its bytes."""
        digests = [digest for _, digest in parts]
        whole = digests[0] if len(digests) == 1 else hashlib.sha256("|".join(digests).encode()).hexdigest()
        return cls(table, tuple(source for source, _ in parts), whole)

    @property
    def name(self) -> str:
        """Every file name."""
        return " + ".join(source.name for source in self.sources)


def take_bytes(file_id: str, name: str, data: bytes) -> tuple[UploadedBytes, str]:
    """One upload and the digest of its bytes, which is worked out once per upload."""
    return UploadedBytes(name, data), session_cache("digests").get(file_id, lambda: hashlib.sha256(data).hexdigest())


def sources_of(files: Sequence[UploadedFile], report: IngestReport) -> tuple[SourceFile, ...]:
    """The files of an upload, as a published study lists them."""
    listed = []
    for file in files:
        totals = report.rows.get(file.table) if len(file.sources) == 1 else None
        rows: tuple[Any, ...] = (totals.read, totals.kept, totals.rejected) if totals is not None else (None, None, None)
        for source in file.sources:
            listed.append(SourceFile(file.table, source.name, hashlib.sha256(source.data).hexdigest(), len(source.data), *rows))
    return tuple(listed)
