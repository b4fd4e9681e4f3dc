"""Targets and notes of a study's categories: what each is to come down to, what was done about it, by whom, from which day on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from iceberg.errors import StoreError
from iceberg.store import schema
from iceberg.store.audit import record
from iceberg.store.connection import reading, writing

LONGEST_NOTE, LONGEST_OWNER = 500, 120
WHOLE_COMPANY = ""


@dataclass(frozen=True)
class Target:
    """What a category is to come down to.

    Attributes:
        category: Its name; "" for the whole company.
        rate: Silent leavers per 1,000 customers at risk and month.
        until: The day by which; None for no day.
        author: Who set it.
    """

    category: str
    rate: float
    until: date | None = None
    author: str = ""


@dataclass(frozen=True)
class Note:
    """Something done about a category.

    Attributes:
        category: Its name; "" for the whole company.
        day: When it began.
        text: What it is.
        owner: Who answers for it; "" for nobody.
        author: Who wrote this down.
        number: Identity in the store; 0 before it is stored.
    """

    category: str
    day: date
    text: str
    owner: str = ""
    author: str = ""
    number: int = 0


@dataclass(frozen=True)
class Plans:
    """Everything planned in a study: targets by category, notes by day."""

    targets: Mapping[str, Target]
    notes: tuple[Note, ...]

    def of(self, category: str) -> tuple[Target | None, tuple[Note, ...]]:
        """The target and the notes of one category."""
        return self.targets.get(category), tuple(note for note in self.notes if note.category == category)


NO_PLANS = Plans({}, ())


def read_plans(engine: Engine, study_id: str) -> Plans:
    """The targets and notes of a study; none where there is no such study.

    Raises:
        StoreError: When the store cannot be read.
    """
    targets, notes = schema.targets, schema.notes
    with reading(engine) as connection:
        aims = connection.execute(select(targets).where(targets.c.study_id == study_id)).mappings().all()
        written = connection.execute(select(notes).where(notes.c.study_id == study_id).order_by(notes.c.day, notes.c.id)).mappings().all()
    return Plans({row["category"]: _target(row) for row in aims}, tuple(_note(row) for row in written))


def set_target(engine: Engine, study_id: str, category: str, target: Target | None, *, actor: str) -> None:
    """Set the target of a category, or take it away.

    Raises:
        StoreError: ``target_range`` for a rate that is no positive number, ``study_unknown``.
    """
    if target is not None and not (math.isfinite(target.rate) and target.rate > 0):
        raise StoreError("target_range", {"value": str(target.rate)})
    table = schema.targets
    with writing(engine) as connection:
        _require(connection, study_id)
        connection.execute(table.delete().where(table.c.study_id == study_id, table.c.category == category))
        if target is not None:
            connection.execute(table.insert().values(_target_row(study_id, target, actor)))
        record(connection, actor=actor, action="target", study_id=study_id)


def add_note(engine: Engine, study_id: str, note: Note, *, actor: str) -> None:
    """Write a note.

    Raises:
        StoreError: ``note_empty``, ``study_unknown``.
    """
    if not note.text.strip():
        raise StoreError("note_empty")
    with writing(engine) as connection:
        _require(connection, study_id)
        connection.execute(schema.notes.insert().values(_note_row(study_id, note, actor)))
        record(connection, actor=actor, action="note", study_id=study_id)


def delete_note(engine: Engine, study_id: str, number: int, *, actor: str) -> None:
    """Delete a note; one that is gone already stays gone.

    Raises:
        StoreError: When the store cannot be written.
    """
    table = schema.notes
    with writing(engine) as connection:
        connection.execute(table.delete().where(table.c.study_id == study_id, table.c.id == number))
        record(connection, actor=actor, action="note", study_id=study_id)


def plans_document(plans: Plans) -> dict[str, Any]:
    """The plans as JSON, for an export."""
    targets = [{"category": one.category, "rate": one.rate, "until": _iso(one.until), "author": one.author} for one in plans.targets.values()]
    notes = [
        {"category": one.category, "day": one.day.isoformat(), "text": one.text, "owner": one.owner, "author": one.author} for one in plans.notes
    ]
    return {"targets": targets, "notes": notes}


def insert_plans(connection: Connection, study_id: str, document: Mapping[str, Any]) -> None:
    """Write the plans of an export into a study that has none yet."""
    targets = [Target(row["category"], float(row["rate"]), _day(row["until"]), row["author"]) for row in document.get("targets", ())]
    notes = [Note(row["category"], date.fromisoformat(row["day"]), row["text"], row["owner"], row["author"]) for row in document.get("notes", ())]
    _insert(connection, schema.targets, [_target_row(study_id, one, one.author) for one in targets])
    _insert(connection, schema.notes, [_note_row(study_id, one, one.author) for one in notes])


def _insert(connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:  # noqa: ANN401  # a table
    if rows:
        connection.execute(table.insert(), [dict(row) for row in rows])


def _require(connection: Connection, study_id: str) -> None:
    if connection.scalar(select(schema.studies.c.id).where(schema.studies.c.id == study_id)) is None:
        raise StoreError("study_unknown", {"study": study_id})


def _target_row(study_id: str, target: Target, actor: str) -> dict[str, Any]:
    row = {"category": target.category, "rate": float(target.rate), "until": _iso(target.until), "author": (target.author or actor)[:200]}
    return row | {"study_id": study_id, "written_at": datetime.now(UTC)}


def _note_row(study_id: str, note: Note, actor: str) -> dict[str, Any]:
    text, owner = " ".join(note.text.split())[:LONGEST_NOTE], " ".join(note.owner.split())[:LONGEST_OWNER]
    row = {"category": note.category, "day": note.day.isoformat(), "text": text, "owner": owner, "author": (note.author or actor)[:200]}
    return row | {"study_id": study_id, "written_at": datetime.now(UTC)}


def _target(row: Mapping[Any, Any]) -> Target:
    return Target(row["category"], float(row["rate"]), _day(row["until"]), row["author"])


def _note(row: Mapping[Any, Any]) -> Note:
    return Note(row["category"], date.fromisoformat(row["day"]), row["text"], row["owner"], row["author"], int(row["id"]))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
