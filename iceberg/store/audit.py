"""The audit trail: who published, exported or deleted what, and when. It holds no figure, and deleting a study leaves it in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, select

from iceberg.store import schema
from iceberg.store.connection import reading, writing

Action = Literal[
    "publish", "export", "delete", "retention", "expire", "refused", "import", "rename", "target", "note", "announcing", "announced", "unannounced"
]

_SIGN_OUT = "sign_out."  # of the settings: followed by the digest of a person
_SIGN_OUT_DAYS = 31  # a cookie lasts 30
_SENDING = timedelta(minutes=10)  # judgement: a message that is being sent for so long was ended in the middle


@dataclass(frozen=True)
class AuditEntry:
    """One line of the trail."""

    at: datetime
    actor: str
    action: str
    study_id: str | None
    version: int | None
    detail: dict[str, Any] = field(default_factory=dict)


def record(
    connection: Connection,
    *,
    actor: str,
    action: Action,
    study_id: str | None = None,
    version: int | None = None,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Write one line, in the transaction of the action itself."""
    connection.execute(
        schema.audit.insert().values(
            at=at or datetime.now(UTC), actor=actor[:200], action=action, study_id=study_id, version=version, detail=dict(detail or {})
        )
    )


def write_audit(
    engine: Engine, *, actor: str, action: Action, study_id: str | None = None, version: int | None = None, **detail: str | int
) -> None:
    """Write one line about something that happened outside the store: a report that was opened, a page that was refused.

    Raises:
        StoreError: When it cannot be written.
    """
    with writing(engine) as connection:
        record(connection, actor=actor, action=action, study_id=study_id, version=version, detail=detail)


def read_audit(engine: Engine, *, study_id: str | None = None, last: int = 1000) -> tuple[AuditEntry, ...]:
    """The last lines, newest first.

    Raises:
        StoreError: When it cannot be read.
    """
    wanted = select(schema.audit).order_by(schema.audit.c.id.desc()).limit(last)
    if study_id is not None:
        wanted = wanted.where(schema.audit.c.study_id == study_id)
    with reading(engine) as connection:
        rows = connection.execute(wanted).mappings().all()
    return tuple(AuditEntry(row["at"], row["actor"], row["action"], row["study_id"], row["version"], dict(row["detail"])) for row in rows)


def announced_versions(engine: Engine, *, study_id: str, target: str | None = None) -> tuple[int, ...]:
    """Numbers of the versions of a study that were announced to the target of this digest, or to any.

    Raises:
        StoreError: When the trail cannot be read.
    """
    audit = schema.audit
    wanted = select(audit.c.version, audit.c.detail).where(audit.c.study_id == study_id, audit.c.action == "announced")
    with reading(engine) as connection:
        rows = connection.execute(wanted).all()
    return tuple(int(version) for version, detail in rows if target is None or detail.get("target") == target)


@dataclass(frozen=True)
class Announcement:
    """The message about one version to one target, which is named by a digest."""

    study_id: str
    version: int
    target: str
    actor: str


def claim_announcement(engine: Engine, one: Announcement) -> Literal["already", "busy"] | None:
    """Claim the message about a version to a target, so that of two runs one sends it. `end_announcement` says what became of it.

    Returns:
        None where it is claimed; ``already`` where it was sent, ``busy`` where another run is sending it.

    Raises:
        StoreError: When the trail cannot be written.
    """
    audit, now = schema.audit, datetime.now(UTC)
    of_version = (audit.c.study_id == one.study_id, audit.c.version == one.version)
    wanted = select(audit.c.action, audit.c.at, audit.c.detail).where(*of_version).order_by(audit.c.id)
    with writing(engine) as connection:  # of two such transactions the second begins when the first has ended
        lines = [(action, at) for action, at, detail in connection.execute(wanted) if detail.get("target") == one.target]
        if any(action == "announced" for action, _ in lines):
            return "already"
        if lines and lines[-1][0] == "announcing" and now - lines[-1][1] < _SENDING:
            return "busy"
        _record_announcement(connection, one, "announcing")
    return None


def end_announcement(engine: Engine, one: Announcement, *, sent: bool) -> None:
    """Write whether a claimed message was sent. One that was not can be claimed again.

    Raises:
        StoreError: When it cannot be written.
    """
    with writing(engine) as connection:
        _record_announcement(connection, one, "announced" if sent else "unannounced")


def _record_announcement(connection: Connection, one: Announcement, action: Action) -> None:
    record(connection, actor=one.actor, action=action, study_id=one.study_id, version=one.version, detail={"target": one.target})


def write_sign_out(engine: Engine, *, person: str, began: int) -> None:
    """Store that a person's sign-ins up to the one that began then have ended; what no cookie can be as old as is forgotten.

    Args:
        engine: Of the store.
        person: Digest of the person.
        began: Seconds since 1970.

    Raises:
        StoreError: When it cannot be written.
    """
    table, name = schema.settings, f"{_SIGN_OUT}{person}"
    oldest = int((datetime.now(UTC) - timedelta(days=_SIGN_OUT_DAYS)).timestamp())
    with writing(engine) as connection:
        rows = connection.execute(select(table).where(table.c.name.startswith(_SIGN_OUT, autoescape=True))).mappings().all()
        ended = {row["name"]: int(row["value"]) for row in rows}
        gone = [one for one, value in ended.items() if value < oldest or one == name]
        connection.execute(delete(table).where(table.c.name.in_(gone)))
        connection.execute(table.insert().values(name=name, value=str(max(began, ended.get(name, 0)))))


def read_sign_outs(engine: Engine) -> dict[str, int]:
    """By person, when the last sign-in that was ended began.

    Raises:
        StoreError: When it cannot be read.
    """
    table = schema.settings
    with reading(engine) as connection:
        rows = connection.execute(select(table).where(table.c.name.startswith(_SIGN_OUT, autoescape=True))).mappings().all()
    return {row["name"].removeprefix(_SIGN_OUT): int(row["value"]) for row in rows}
