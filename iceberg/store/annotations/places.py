"""The order in which the categories of a study have their colours and places: set by its first version, and only ever appended to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from iceberg.store import schema
from iceberg.store.connection import reading


def read_places(engine: Engine, study_id: str) -> tuple[str, ...]:
    """The categories in order; empty where there is no such study.

    Raises:
        StoreError: When the store cannot be read.
    """
    with reading(engine) as connection:
        return _stored(connection, study_id)


def extend_places(connection: Connection, study_id: str, summary: Mapping[str, Any]) -> None:
    """Append the categories of a version that the study did not have, the largest first."""
    places = _extended(_stored(connection, study_id), [summary])
    connection.execute(schema.studies.update().where(schema.studies.c.id == study_id).values(places=list(places)))


def _stored(connection: Connection, study_id: str) -> tuple[str, ...]:
    places = connection.scalar(select(schema.studies.c.places).where(schema.studies.c.id == study_id))
    if places:
        return tuple(places)
    versions = schema.versions  # a study that was published before its order was stored
    summaries = connection.scalars(select(versions.c.summary).where(versions.c.study_id == study_id).order_by(versions.c.number))
    return _extended((), list(summaries))


def _extended(places: Sequence[str], summaries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    order = dict.fromkeys(places)
    for summary in summaries:
        categories = sorted(summary.get("categories", ()), key=lambda one: (-_size(one), str(one["category"])))
        order |= dict.fromkeys(str(one["category"]) for one in categories if one["category"] not in order)
    return tuple(order)


def _size(category: Mapping[str, Any]) -> float:
    churn = category.get("silent_churn")
    return float(churn["median"]) if churn else 0.0
