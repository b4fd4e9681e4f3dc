"""The audit trail: who published, exported or deleted what, and when. It holds no figure, and deleting a study leaves it in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, select

from iceberg.store import schema
from iceberg.store.connection import reading, writing

Action = Literal["publish", "export", "delete", "retention", "expire", "refused", "import"]


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
