"""The title and the description of a study; a renamed study keeps its address, and versions published under either title go on in it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from iceberg.errors import StoreError
from iceberg.store import schema
from iceberg.store.audit import record
from iceberg.store.connection import reading, writing
from iceberg.store.naming import name_study, tidy_title

LONGEST_DESCRIPTION = 500


@dataclass(frozen=True)
class StudyNames:
    """How a study is shown in the list: its title, its description ("" for none)."""

    title: str
    description: str = ""


def study_named(connection: Connection, title: str) -> str:
    """The address that a version of this title is published under: that of the study of this title, else the one that the title makes."""
    studies = schema.studies
    rows = connection.execute(select(studies.c.id, studies.c.title)).all()
    return next((study_id for study_id, name in rows if _key(name) == _key(title)), name_study(title))


def next_version(engine: Engine, title: str) -> tuple[str, int] | None:
    """The study that a version of this title would join, and the number of its newest version; None where the title begins a study.

    Raises:
        StoreError: When the store cannot be read, or ``title_missing``.
    """
    tidy, versions = tidy_title(title), schema.versions
    with reading(engine) as connection:
        study_id = study_named(connection, tidy)
        shown = connection.scalar(select(schema.studies.c.title).where(schema.studies.c.id == study_id))
        numbers = list(connection.scalars(select(versions.c.number).where(versions.c.study_id == study_id)))
    return (str(shown), max(numbers)) if shown is not None and numbers else None


def read_names(engine: Engine, study_id: str) -> StudyNames:
    """Title and description of a study.

    Raises:
        StoreError: ``study_unknown``.
    """
    with reading(engine) as connection:
        row = connection.execute(select(schema.studies).where(schema.studies.c.id == study_id)).mappings().first()
    if row is None:
        raise StoreError("study_unknown", {"study": study_id})
    return StudyNames(row["title"], row["description"])


def rename_study(engine: Engine, study_id: str, names: StudyNames, *, actor: str) -> None:
    """Give a study another title or description; its address and its versions stay.

    Raises:
        StoreError: ``study_unknown``, ``title_missing``, or ``title_taken`` where another study has this title.
    """
    title, studies = tidy_title(names.title), schema.studies
    description = " ".join(names.description.split())[:LONGEST_DESCRIPTION]
    with writing(engine) as connection:
        known = dict(connection.execute(select(studies.c.id, studies.c.title)).all())
        if study_id not in known:
            raise StoreError("study_unknown", {"study": study_id})
        if any(other != study_id and (_key(name) == _key(title) or other == name_study(title)) for other, name in known.items()):
            raise StoreError("title_taken", {"title": title})
        connection.execute(studies.update().where(studies.c.id == study_id).values(title=title, description=description))
        record(connection, actor=actor, action="rename", study_id=study_id)


def _key(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold()
