"""The audit trail: who published, exported or deleted what, and when. It holds no figure, and deleting a study leaves it in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, select

from iceberg.store import schema
from iceberg.store.connection import reading, writing

Action = Literal["publish", "export", "delete", "retention", "expire", "refused", "import", "rename", "target", "note"]

_SIGN_OUT = "sign_out."  # of the settings: followed by the digest of a person
_SIGN_OUT_DAYS = 31  # a cookie lasts 30


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
