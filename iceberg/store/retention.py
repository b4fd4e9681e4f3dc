"""Deletes, exports and imports: retention in days, deletion for good, the export of a whole store, and its import into another.

Deleted bytes leave the files: SQLite overwrites deleted pages, empties its log and rewrites the file; PostgreSQL rewrites the tables if the account
owns them. Backups and PostgreSQL's archive of its log are out of reach.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, delete, select, text

from iceberg.errors import StoreError
from iceberg.provenance import SourceFile
from iceberg.store import schema
from iceberg.store.annotations.names import study_named
from iceberg.store.annotations.places import read_places
from iceberg.store.annotations.plans import insert_plans, plans_document, read_plans
from iceberg.store.audit import Action, AuditEntry, read_audit, record
from iceberg.store.connection import reading, store_errors, writing
from iceberg.store.counts_tables import read_counts
from iceberg.store.naming import is_address, tidy_title
from iceberg.store.studies import Store, VersionEntry, insert_version

_RETENTION = "retention_days"
LONGEST_RETENTION_DAYS = 36_500
_MOST_BYTES = 16 << 30  # judgement: of everything in an archive, unpacked; a version like the sample takes 2 MB
_ARCHIVE_FAULTS = (zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError, AttributeError, RuntimeError, EOFError)
_REWRITTEN = ("blobs", "parts", "versions", "sources", "studies")


def delete_study(store: Store, study_id: str, *, number: int | None = None, actor: str) -> int:
    """Delete a study, or one version of it, for good.

    Returns:
        How many versions are gone.

    Raises:
        StoreError: ``study_unknown`` or ``version_unknown``.
    """
    entries = store.versions(study_id) if number is None else (store.entry(study_id, number),)
    return _delete(store, entries, actor=actor, action="delete")


def overwrites_at_once(store: Store) -> bool:
    """Whether a deletion overwrites the bytes at once. In PostgreSQL only the owner of the tables may; otherwise autovacuum frees them later."""
    if store.url.get_backend_name() == "sqlite":
        return True
    owned = text("SELECT bool_and(pg_has_role(current_user, relowner, 'USAGE')) FROM pg_class WHERE oid = ANY(CAST(:tables AS regclass[]))")
    with reading(store.engine) as connection:
        return bool(connection.scalar(owned, {"tables": list(_REWRITTEN)}))


def retention_days(store: Store) -> int | None:
    """Days after which a version is deleted; None for never."""
    with reading(store.engine) as connection:
        value = connection.scalar(select(schema.settings.c.value).where(schema.settings.c.name == _RETENTION))
    return None if value is None else int(value)


def set_retention(store: Store, days: int | None, *, actor: str) -> None:
    """Set the number of days after which a version is deleted; None for never.

    Raises:
        StoreError: ``retention_range``.
    """
    if days is not None and not 1 <= days <= LONGEST_RETENTION_DAYS:
        raise StoreError("retention_range", {"value": str(days), "largest": LONGEST_RETENTION_DAYS})
    with writing(store.engine) as connection:
        connection.execute(delete(schema.settings).where(schema.settings.c.name == _RETENTION))
        if days is not None:
            connection.execute(schema.settings.insert().values(name=_RETENTION, value=str(days)))
        record(connection, actor=actor, action="retention", detail={"days": days or 0})


def expire(store: Store, *, now: datetime | None = None, actor: str = "retention") -> int:
    """Delete every version older than the retention for good, the newest of a study included.

    Returns:
        How many versions are gone.
    """
    days = retention_days(store)
    if days is None:
        return 0
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    old = [entry for study in store.studies() for entry in store.versions(study.study_id) if entry.published_at < limit]
    return _delete(store, old, actor=actor, action="expire", detail={"days": days}) if old else 0


def _delete(store: Store, entries: Sequence[VersionEntry], *, actor: str, action: Action, detail: Mapping[str, int] | None = None) -> int:
    """Delete versions, the content that no other version holds and studies left without a version. Returns how many versions are gone."""
    versions = schema.versions
    with writing(store.engine) as connection:
        for entry in entries:
            connection.execute(delete(versions).where(versions.c.study_id == entry.study_id, versions.c.number == entry.number))
            record(connection, actor=actor, action=action, study_id=entry.study_id, version=entry.number, detail=detail)
        connection.execute(delete(schema.blobs).where(schema.blobs.c.sha256.not_in(select(schema.parts.c.sha256))))
        connection.execute(delete(schema.studies).where(schema.studies.c.id.not_in(select(versions.c.study_id))))
    _overwrite(store)
    return len(entries)


def _overwrite(store: Store) -> None:
    """Remove deleted bytes from the files, not only from the tables."""
    with store_errors(store.url), store.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        if store.url.get_backend_name() == "sqlite":
            cursor = raw.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.close()
            if busy:
                raise StoreError("store_delete_pending", {"store": store.name})
            return
        raw.rollback()
        raw.autocommit = True
        try:
            with raw.cursor() as cursor:
                for table in _REWRITTEN:  # where the account does not own a table, PostgreSQL warns and goes on (`overwrites_at_once`)
                    cursor.execute(f"VACUUM (FULL) {table}")
        finally:
            raw.autocommit = False


def export_everything(store: Store, target: Path | BinaryIO, *, study_id: str | None = None, actor: str) -> int:
    """Write a zip archive of the store (or of one study), tables as Parquet, the rest as JSON, and a line in the audit trail.

    Returns:
        How many versions are in it.

    Raises:
        StoreError: ``study_unknown``; OSError: when the target cannot be written.
    """
    if isinstance(target, Path):
        with os.fdopen(os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:  # a new file is its owner's alone
            return export_everything(store, file, study_id=study_id, actor=actor)
    ids = [study_id] if study_id is not None else [study.study_id for study in store.studies()]
    entries = [entry for one in ids for entry in store.versions(one)]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _ABOUT)
        archive.writestr("audit.json", _json([_audit_line(line) for line in read_audit(store.engine, study_id=study_id, last=1_000_000)]))
        archive.writestr("settings.json", _json({"retention_days": retention_days(store)}))
        for one in ids:
            archive.writestr(f"studies/{one}/study.json", _json(_describe_study(store, one)))
        for entry in entries:
            for name, content in _files_of(store, entry):
                archive.writestr(f"studies/{entry.study_id}/{entry.number:04d}/{name}", content)
    with writing(store.engine) as connection:
        record(connection, actor=actor, action="export", study_id=study_id, detail={"format": "zip", "versions": len(entries)})
    return len(entries)


def export_bytes(store: Store, *, study_id: str | None = None, actor: str) -> bytes:
    """`export_everything` in memory, for a download."""
    target = BytesIO()
    export_everything(store, target, study_id=study_id, actor=actor)
    return target.getvalue()


def import_everything(store: Store, source: Path | BinaryIO, *, actor: str) -> tuple[int, int]:
    """Bring an archive of `export_everything` back: all of it or nothing. Versions that are in the store already stay as they are.

    Returns:
        How many versions are new, and how many were there.

    Raises:
        StoreError: ``archive_unreadable``, ``archive_conflict`` where a version of that number was made from something else; OSError.
    """
    try:
        with zipfile.ZipFile(source) as archive, writing(store.engine) as connection:
            if sum(part.file_size for part in archive.infolist()) > _MOST_BYTES:
                raise ValueError("far too large")
            names = archive.namelist()
            studies = sorted({name.split("/")[1] for name in names if name.startswith("studies/")})
            found = [_import_study(connection, archive, study) for study in studies]
            new, known = sum(one for one, _ in found), sum(other for _, other in found)
            _import_audit(connection, json.loads(archive.read("audit.json")))
            days = json.loads(archive.read("settings.json"))["retention_days"]
            if days is not None and connection.scalar(select(schema.settings.c.value).where(schema.settings.c.name == _RETENTION)) is None:
                connection.execute(schema.settings.insert().values(name=_RETENTION, value=str(int(days))))
            record(connection, actor=actor, action="import", detail={"versions": new, "known": known})
    except _ARCHIVE_FAULTS as fault:
        raise StoreError("archive_unreadable", {"reason": f"{type(fault).__name__}: {fault}"[:120]}) from fault
    return new, known


def _import_study(connection: Connection, archive: zipfile.ZipFile, study_id: str) -> tuple[int, int]:
    """Insert the versions of a study that are missing. Returns how many are new, and how many were there."""
    study, versions = json.loads(archive.read(f"studies/{study_id}/study.json")), schema.versions
    if not is_address(study_id):
        raise ValueError("a study has no address")
    named = study_named(connection, tidy_title(study["title"]))
    if named != study_id and connection.scalar(select(schema.studies.c.id).where(schema.studies.c.id == named)) is not None:
        raise ValueError("two studies have one title")
    if connection.scalar(select(schema.studies.c.id).where(schema.studies.c.id == study_id)) is None:
        made = datetime.fromisoformat(study["created_at"])
        about = {"title": tidy_title(study["title"]), "description": study.get("description", ""), "places": study.get("places", [])}
        connection.execute(schema.studies.insert().values(id=study_id, created_at=made, created_by=study["created_by"], **about))
        insert_plans(connection, study_id, study)
        connection.execute(schema.groups.insert().values(study_id=study_id, groups=study["groups"], last_number=int(study["groups_until"])))
    else:  # what is taken together here and there meets when viewers open it next
        connection.execute(schema.groups.update().where(schema.groups.c.study_id == study_id).values(last_number=0))
    prefix = f"studies/{study_id}/"
    places = sorted({name[len(prefix) :].split("/")[0] for name in archive.namelist() if name.startswith(prefix) and name.count("/") == 3})
    counts = [0, 0]
    for place in places:
        described = json.loads(archive.read(f"{prefix}{place}/version.json"))
        own = select(versions.c.id).where(versions.c.study_id == study_id)
        is_known = connection.scalar(own.where(versions.c.identity == described["identity"])) is not None
        if not is_known:
            if connection.scalar(own.where(versions.c.number == int(described["version"]))) is not None:
                raise StoreError("archive_conflict", {"study": study_id, "version": str(described["version"])})
            _import_version(connection, archive, f"{prefix}{place}/", described)
        counts[is_known] += 1
    return counts[0], counts[1]


def _import_version(connection: Connection, archive: zipfile.ZipFile, place: str, described: Mapping[str, Any]) -> None:
    content = {name: archive.read(f"{place}{name}") for name in described["parts"]}
    if read_counts(content).digest != described["counts_digest"]:
        raise ValueError("the counts are not those of the version")
    mapping = archive.read(f"{place}mapping.toml").decode() if f"{place}mapping.toml" in archive.namelist() else ""
    row = {name: described[name] for name in _AS_DESCRIBED} | {
        "study_id": described["study"],
        "number": int(described["version"]),
        "published_at": datetime.fromisoformat(described["published_at"]),
        "seed": str(described["seed"]),
        "summary": json.loads(archive.read(f"{place}summary.json")),
        "mapping": mapping,
    }
    insert_version(connection, row, [SourceFile(**file) for file in described["sources"]], content)


def _import_audit(connection: Connection, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add the lines that the trail lacks: it says which numbers were ever published."""
    audit = schema.audit
    columns = (audit.c.at, audit.c.actor, audit.c.action, audit.c.study_id, audit.c.version)
    known = {tuple(row) for row in connection.execute(select(*columns))}
    for line in reversed(lines):  # the oldest first, as they were written
        moment = datetime.fromisoformat(line["at"])
        if (moment, line["actor"], line["action"], line["study_id"], line["version"]) not in known:
            connection.execute(audit.insert().values({**line, "at": moment}))


def _describe_study(store: Store, study_id: str) -> dict[str, Any]:
    groups, until = store.groups(study_id)
    with reading(store.engine) as connection:
        row = connection.execute(select(schema.studies).where(schema.studies.c.id == study_id)).mappings().one()
    made = row["created_at"].isoformat()
    about = {"title": row["title"], "description": row["description"], "places": list(read_places(store.engine, study_id))}
    plans = plans_document(read_plans(store.engine, study_id))
    return about | plans | {"created_at": made, "created_by": row["created_by"], "groups": groups, "groups_until": until}


_AS_DESCRIBED = ("identity", "author", "product_version", "method_digest", "counts_digest", "since", "as_of", "evidence_level", "assumptions")


def _files_of(store: Store, entry: VersionEntry) -> Iterator[tuple[str, str | bytes]]:
    content = store.content(entry)
    yield "version.json", _json(describe(entry) | {"identity": entry.identity, "parts": sorted(content)})
    yield "summary.json", _json(entry.summary)
    if entry.mapping:
        yield "mapping.toml", entry.mapping
    yield from content.items()


def describe(entry: VersionEntry) -> dict[str, Any]:
    """A version's provenance as plain values."""
    return {
        "study": entry.study_id,
        "title": entry.title,
        "version": entry.number,
        "published_at": entry.published_at.isoformat(),
        "author": entry.author,
        "product_version": entry.product_version,
        "method_digest": entry.method_digest,
        "counts_digest": entry.counts_digest,
        "since": entry.since,
        "as_of": entry.as_of,
        "evidence_level": entry.evidence_level,
        "seed": entry.seed,
        "assumptions": entry.assumptions_text,
        "sources": [vars(file) for file in entry.sources],
    }


def _audit_line(line: AuditEntry) -> dict[str, Any]:
    return {**vars(line), "at": line.at.isoformat()}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_ABOUT = """Everything a store of published studies holds. No customer's id or name is in it: only counts. Some are by exact day (counts_tenure_days,
counts_clock, counts_observed_clock) and count single departures: keep this archive as you keep the store, for those who may see that.

studies/<study>/study.json               title, description, targets and notes, order of categories, what is taken together for viewers
studies/<study>/<version>/version.json   who published it, when, from which files (SHA-256), with which assumptions and product version
studies/<study>/<version>/summary.json   the estimate, as `python -m iceberg estimate --json` writes it
studies/<study>/<version>/mapping.toml   how the columns were read
studies/<study>/<version>/counts_*       the counts: Parquet tables, explained in counts.json.gz (gzipped JSON)
studies/<study>/<version>/draws_*        joint draws of the estimate: Parquet, one row per cell, explained in estimate.json.gz
studies/<study>/<version>/warm_start.npz where the next fit starts; for the product alone
audit.json                               who published, exported or deleted what
settings.json                            retention

`python -m iceberg studies import` brings it back, also into a store of another kind.
"""
