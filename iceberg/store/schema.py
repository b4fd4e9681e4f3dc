"""The tables of the store. One schema for SQLite and PostgreSQL; `migrations` upgrades an older store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

HEAD = "0003"  # the last revision in migrations/versions; a test keeps both together


class UtcTime(TypeDecorator[datetime]):
    """A moment as ISO text in UTC: sorts as time, reads the same in both databases and without this package."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text; a moment without a time zone is a defect."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401  # the driver's own
        """From text."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

# A study is what a link points at; it lives as long as one of its versions.
studies = Table(
    "studies",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("description", String(500), nullable=False, server_default=""),
    Column("places", JSON, nullable=False, server_default="[]"),
)

# A version never changes. `identity` is what it was made from: the same again is the same version.
versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("identity", String(64), nullable=False),
    Column("published_at", UtcTime, nullable=False, index=True),
    Column("author", String(200), nullable=False),
    Column("product_version", String(40), nullable=False),
    Column("method_digest", String(64), nullable=False),
    Column("counts_digest", String(64), nullable=False),
    Column("since", String(10)),
    Column("as_of", String(10)),
    Column("evidence_level", String(2), nullable=False),
    Column("seed", String(20), nullable=False),
    Column("assumptions", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("mapping", Text, nullable=False),
    UniqueConstraint("study_id", "number", name="uq_versions_study_number"),
    UniqueConstraint("study_id", "identity", name="uq_versions_study_identity"),
)

# The files a version was counted from: names and digests, never their content.
sources = Table(
    "sources",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("table_name", String(40), nullable=False),
    Column("file_name", String(300), nullable=False),
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("rows_read", BigInteger),
    Column("rows_kept", BigInteger),
    Column("rows_rejected", BigInteger),
)

# Content by its SHA-256: what two versions share is held once.
blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

parts = Table(
    "parts",
    metadata,
    Column("version_id", ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("sha256", ForeignKey("blobs.sha256"), nullable=False, index=True),
)

# What is taken together for viewers in every version up to `last_number`; later versions only merge further.
groups = Table(
    "groups",
    metadata,
    Column("study_id", ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    Column("last_number", Integer, nullable=False),
    Column("groups", JSON, nullable=False),
)

# What a category is to come down to: silent leavers per 1,000 customers and month; category "" is the whole company.
targets = Table(
    "targets",
    metadata,
    Column("study_id", ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("rate", Float, nullable=False),
    Column("until", String(10)),
    Column("author", String(200), nullable=False),
    Column("written_at", UtcTime, nullable=False),
)

# What was done about a category, by whom, from which day on.
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("studies.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("category", Text, nullable=False),
    Column("day", String(10), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("text", String(500), nullable=False),
    Column("author", String(200), nullable=False),
    Column("written_at", UtcTime, nullable=False),
)

# Who did what; it outlives what was deleted, and holds no figure.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("actor", String(200), nullable=False),
    Column("action", String(40), nullable=False),
    Column("study_id", String(80)),
    Column("version", Integer),
    Column("detail", JSON, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
