"""Publishes studies and reads them again, each version with what it was made from.

Publishing is one transaction, so a version is stored whole or not at all. The same inputs, assumptions, seed and method are the same version,
however often they are published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects import postgresql, sqlite

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import StoreError
from iceberg.model.assumptions import Assumptions
from iceberg.model.results import IcebergEstimate
from iceberg.provenance import SourceFile
from iceberg.store import codec, schema
from iceberg.store.annotations.names import study_named
from iceberg.store.annotations.places import extend_places
from iceberg.store.audit import record
from iceberg.store.codec import decode, encode
from iceberg.store.connection import open_engine, reading, shown, store_address, writing
from iceberg.store.counts_tables import counts_parts, read_counts
from iceberg.store.estimate_tables import estimate_parts, read_estimate
from iceberg.store.naming import identify, tidy_title
from iceberg.version import __version__


@dataclass(frozen=True, eq=False)
class Publication:
    """A study to be published.

    Attributes:
        title: The study it belongs to; a new title begins a study.
        counts, estimate: The content that the link opens.
        summary: The JSON document of the command line contract.
        sources: The files.
        mapping: The column mapping as TOML, "" where none was needed.
        author: The person who publishes, as readers see it.
        actor: Their account, for the audit trail; "" takes the author.
    """

    title: str
    counts: CohortCounts
    estimate: IcebergEstimate
    summary: Mapping[str, Any]
    sources: Sequence[SourceFile] = ()
    mapping: str = ""
    author: str = ""
    actor: str = ""

    @property
    def identity(self) -> str:
        """Equal publications are the same version."""
        return identify(self.counts, self.estimate.assumptions, self.estimate.seed, self.sources, self.mapping)


@dataclass(frozen=True)
class Published:
    """The result of publishing: study, version, and whether they are new."""

    study_id: str
    number: int
    is_new: bool
    began_study: bool = False


@dataclass(frozen=True)
class VersionEntry:
    """A version, without its content."""

    study_id: str
    title: str
    number: int
    published_at: datetime
    author: str
    product_version: str
    method_digest: str
    counts_digest: str
    since: str | None
    as_of: str | None
    evidence_level: str
    seed: int
    summary: dict[str, Any] = field(repr=False)
    mapping: str = field(repr=False)
    sources: tuple[SourceFile, ...] = ()
    identity: str = field(repr=False, default="")
    assumptions_text: dict[str, Any] = field(repr=False, default_factory=dict)

    @cached_property
    def assumptions(self) -> Assumptions:
        """The assumptions of the estimate."""
        assumptions = decode(self.assumptions_text, {})
        return assumptions if isinstance(assumptions, Assumptions) else Assumptions()


_PLAIN_COLUMNS = (  # of a version, stored as `VersionEntry` has them
    "study_id", "title", "number", "published_at", "author", "product_version", "method_digest", "counts_digest", "since", "as_of", "evidence_level",
    "identity",
)  # fmt: skip


@dataclass(frozen=True)
class StudyEntry:
    """A study and its newest version."""

    study_id: str
    title: str
    versions: int
    newest: VersionEntry
    description: str = ""


@dataclass(frozen=True, eq=False)
class StoredVersion:
    """A version with its content. `estimate` is None where another method made it; callers then estimate anew from the counts."""

    entry: VersionEntry
    counts: CohortCounts
    estimate: IcebergEstimate | None


class Store:
    """A store of published studies.

    Args:
        address: A database URL or the path of an SQLite file; None takes ICEBERG_STORE, else ``iceberg-store.db`` in this folder.

    Raises:
        StoreError: When it cannot be opened; the message names the store and the next step, never its password.
    """

    def __init__(self, address: str | None = None) -> None:
        self.url = store_address(address)
        self.engine: Engine = open_engine(self.url)

    @property
    def name(self) -> str:
        """The address as it may be shown."""
        return shown(self.url)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def publish(self, publication: Publication, *, at: datetime | None = None) -> Published:
        """Store a version, unless it is stored already.

        Raises:
            StoreError: ``title_missing``, or an error of the database; nothing is stored then.
        """
        title = tidy_title(publication.title)
        identity = publication.identity
        # The content is prepared before the lock, so that others who publish wait for the writing alone.
        with reading(self.engine) as connection:
            study_id = study_named(connection, title)
            number = _version_of(connection, study_id, identity)
        if number is not None:
            return Published(study_id, number, is_new=False)
        content = counts_parts(publication.counts) | estimate_parts(publication.estimate)
        moment = at or datetime.now(UTC)
        with writing(self.engine) as connection:
            study_id = study_named(connection, title)
            number = _version_of(connection, study_id, identity)
            if number is not None:
                return Published(study_id, number, is_new=False)
            began = _begin_study(connection, study_id, title, publication.author, moment)
            number = _next_number(connection, study_id)
            row = _version_row(publication, study_id=study_id, number=number, identity=identity, at=moment)
            extend_places(connection, study_id, row["summary"])
            insert_version(connection, row, publication.sources, content)
            record(connection, actor=publication.actor or publication.author, action="publish", study_id=study_id, version=number, at=moment)
        return Published(study_id, number, is_new=True, began_study=began)

    def find(self, title: str, identity: str) -> StoredVersion | None:
        """The version of the study with this identity; None where there is none.

        Raises:
            StoreError: ``title_missing`` or ``store_damaged``.
        """
        with reading(self.engine) as connection:
            study_id = study_named(connection, tidy_title(title))
            number = _version_of(connection, study_id, identity)
        return None if number is None else self.load(study_id, number)

    def studies(self) -> tuple[StudyEntry, ...]:
        """All studies, the most recently published first."""
        with reading(self.engine) as connection:
            rows = _entries(connection, select(schema.versions, schema.studies.c.title).join(schema.studies))
            said = dict(connection.execute(select(schema.studies.c.id, schema.studies.c.description)).all())
        versions: dict[str, list[VersionEntry]] = {}
        for entry in rows:
            versions.setdefault(entry.study_id, []).append(entry)
        studies = [StudyEntry(name, own[0].title, len(own), max(own, key=lambda entry: entry.number), said[name]) for name, own in versions.items()]
        return tuple(sorted(studies, key=lambda study: study.newest.published_at, reverse=True))

    def newest(self) -> VersionEntry | None:
        """The version published last, of any study; None in an empty store."""
        versions = schema.versions
        wanted = select(versions, schema.studies.c.title).join(schema.studies).order_by(versions.c.published_at.desc(), versions.c.id.desc()).limit(1)
        with reading(self.engine) as connection:
            return next(iter(_entries(connection, wanted)), None)

    def versions(self, study_id: str) -> tuple[VersionEntry, ...]:
        """Versions of a study, newest first.

        Raises:
            StoreError: ``study_unknown``.
        """
        with reading(self.engine) as connection:
            wanted = select(schema.versions, schema.studies.c.title).join(schema.studies).where(schema.versions.c.study_id == study_id)
            entries = _entries(connection, wanted)
        if not entries:
            raise StoreError("study_unknown", {"study": study_id})
        return tuple(sorted(entries, key=lambda entry: -entry.number))

    def entry(self, study_id: str, number: int | None = None) -> VersionEntry:
        """A version without its content, the newest by default.

        Raises:
            StoreError: ``study_unknown`` or ``version_unknown``.
        """
        entries = self.versions(study_id)
        if number is None:
            return entries[0]
        for entry in entries:
            if entry.number == number:
                return entry
        known = ", ".join(str(entry.number) for entry in reversed(entries))
        raise StoreError("version_unknown", {"study": study_id, "version": str(number), "known": known})

    def load(self, study_id: str, number: int | None = None) -> StoredVersion:
        """A version with its content, the newest by default.

        Raises:
            StoreError: ``study_unknown``, ``version_unknown`` or ``store_damaged``.
        """
        entry = self.entry(study_id, number)
        content = self.content(entry)
        current = entry.method_digest == codec.method_digest()
        return StoredVersion(entry, read_counts(content), read_estimate(content) if current else None)

    def counts(self, entry: VersionEntry) -> CohortCounts:
        """The counts of a version, without its estimate.

        Raises:
            StoreError: ``store_damaged``.
        """
        return read_counts(self.content(entry))

    def groups(self, study_id: str) -> tuple[dict[str, Any], int]:
        """What is taken together for viewers of a study, and the number of the last version that this covers."""
        with reading(self.engine) as connection:
            row = connection.execute(select(schema.groups).where(schema.groups.c.study_id == study_id)).mappings().first()
        return ({}, 0) if row is None else (dict(row["groups"]), int(row["last_number"]))

    def save_groups(self, study_id: str, groups: Mapping[str, Any], last_number: int) -> None:
        """Store what is taken together, unless another process has covered as many versions since.

        Raises:
            StoreError: When it cannot be written.
        """
        stored = schema.groups
        with writing(self.engine) as connection:
            covered = connection.scalar(select(stored.c.last_number).where(stored.c.study_id == study_id))
            if covered is not None and covered >= last_number:
                return
            connection.execute(stored.delete().where(stored.c.study_id == study_id))
            connection.execute(stored.insert().values(study_id=study_id, last_number=last_number, groups=dict(groups)))

    def content(self, entry: VersionEntry) -> dict[str, bytes]:
        """The bytes of every part of a version, by name.

        Raises:
            StoreError: ``store_damaged`` when a part has changed since it was written.
        """
        parts, blobs, versions = schema.parts, schema.blobs, schema.versions
        wanted = (
            select(parts.c.name, blobs.c.sha256, blobs.c.content)
            .join(blobs, parts.c.sha256 == blobs.c.sha256)
            .join(versions, parts.c.version_id == versions.c.id)
            .where(versions.c.study_id == entry.study_id, versions.c.number == entry.number)
        )
        with reading(self.engine) as connection:
            rows = connection.execute(wanted).all()
        # SQLite holds a text in a column of bytes without a word, and no text is what was written.
        if any(not isinstance(content, bytes) or hashlib.sha256(content).hexdigest() != sha256 for _, sha256, content in rows):
            raise StoreError("store_damaged", {"store": self.name})
        return {str(name): content for name, _, content in rows}


def _version_row(publication: Publication, *, study_id: str, number: int, identity: str, at: datetime) -> dict[str, Any]:
    summary = dict(publication.summary)
    return {
        "study_id": study_id,
        "number": number,
        "identity": identity,
        "published_at": at,
        "author": publication.author[:200],
        "product_version": __version__,
        "method_digest": codec.method_digest(),
        "counts_digest": publication.counts.digest,
        "since": summary.get("since"),
        "as_of": summary.get("as_of"),
        "evidence_level": str(publication.estimate.evidence.level),
        "seed": str(publication.estimate.seed),
        "assumptions": encode(publication.estimate.assumptions, {}),
        "summary": summary,
        "mapping": publication.mapping,
    }


def insert_version(connection: Connection, row: Mapping[str, Any], files: Sequence[SourceFile], content: Mapping[str, bytes]) -> None:
    """Write one version: its row of `schema.versions`, the files it was made from and its parts."""
    version_id = connection.execute(schema.versions.insert().values(dict(row))).inserted_primary_key[0]  # type: ignore[index]  # one row was inserted
    _insert_sources(connection, version_id, files)
    _insert_parts(connection, version_id, content)


def _next_number(connection: Connection, study_id: str) -> int:
    """The number after the last one that was ever published; those of deleted versions are not used again."""
    versions, audit = schema.versions, schema.audit
    stored = connection.scalar(select(func.max(versions.c.number)).where(versions.c.study_id == study_id))
    published = connection.scalar(select(func.max(audit.c.version)).where(audit.c.study_id == study_id, audit.c.action == "publish"))
    return 1 + max(stored or 0, published or 0)


def _version_of(connection: Connection, study_id: str, identity: str) -> int | None:
    versions = schema.versions
    return connection.scalar(select(versions.c.number).where(versions.c.study_id == study_id, versions.c.identity == identity))


def _begin_study(connection: Connection, study_id: str, title: str, author: str, at: datetime) -> bool:
    if connection.scalar(select(schema.studies.c.id).where(schema.studies.c.id == study_id)) is not None:
        return False
    connection.execute(schema.studies.insert().values(id=study_id, title=title, created_at=at, created_by=author[:200]))
    return True


def _insert_sources(connection: Connection, version_id: int, files: Sequence[SourceFile]) -> None:
    rows = [
        {
            "version_id": version_id,
            "place": place,
            "table_name": file.table,
            "file_name": file.name[:300],
            "sha256": file.sha256,
            "size_bytes": file.size_bytes,
            "rows_read": file.read,
            "rows_kept": file.kept,
            "rows_rejected": file.rejected,
        }
        for place, file in enumerate(files)
    ]
    if rows:
        connection.execute(schema.sources.insert(), rows)


def _insert_parts(connection: Connection, version_id: int, content: Mapping[str, bytes]) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = []
    for name, data in content.items():
        sha256 = hashlib.sha256(data).hexdigest()
        blob = insert(schema.blobs).values(sha256=sha256, size_bytes=len(data), content=data)
        connection.execute(blob.on_conflict_do_nothing(index_elements=["sha256"]))
        rows.append({"version_id": version_id, "name": name, "sha256": sha256})
    connection.execute(schema.parts.insert(), rows)


def _entries(connection: Connection, wanted: Any) -> tuple[VersionEntry, ...]:  # noqa: ANN401  # any select over versions and titles
    rows = list(connection.execute(wanted).mappings())
    by_version: dict[int, list[SourceFile]] = {}
    chosen = schema.sources.c.version_id.in_([row["id"] for row in rows])
    for row in connection.execute(select(schema.sources).where(chosen).order_by(schema.sources.c.place)).mappings():
        file = SourceFile(
            row["table_name"], row["file_name"], row["sha256"], row["size_bytes"], row["rows_read"], row["rows_kept"], row["rows_rejected"]
        )
        by_version.setdefault(row["version_id"], []).append(file)
    return tuple(
        VersionEntry(
            **{name: row[name] for name in _PLAIN_COLUMNS},
            seed=int(row["seed"]),
            summary=dict(row["summary"]),
            mapping=row["mapping"],
            sources=tuple(by_version.get(row["id"], ())),
            assumptions_text=row["assumptions"],
        )
        for row in rows
    )
