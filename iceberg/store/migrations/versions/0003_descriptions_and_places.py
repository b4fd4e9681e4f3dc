"""What people write about a study, and the order in which its categories have their colours and places."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision; a study that is older takes the order of its versions when it is published next."""
    op.add_column("studies", sa.Column("description", sa.String(500), nullable=False, server_default=""))
    op.add_column("studies", sa.Column("places", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "targets",
        sa.Column("study_id", sa.String(80), sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("rate", sa.Float, nullable=False),
        sa.Column("until", sa.String(10)),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("written_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study_id", sa.String(80), sa.ForeignKey("studies.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("text", sa.String(500), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("written_at", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    """Back to the revision before: descriptions, targets and notes are lost."""
    op.drop_table("notes")
    op.drop_table("targets")
    op.drop_column("studies", "places")
    op.drop_column("studies", "description")
