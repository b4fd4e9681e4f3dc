"""What is taken together for viewers in every version of a study; a study that is older begins without a group."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this revision."""
    groups = op.create_table(
        "groups",
        sa.Column("study_id", sa.String(80), sa.ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
    )
    for (study_id,) in op.get_bind().execute(sa.text("SELECT id FROM studies")).fetchall():
        op.get_bind().execute(groups.insert().values(study_id=study_id, last_number=0, groups={}))


def downgrade() -> None:
    """Back to the revision before: viewers of that program have groups of each version."""
    op.drop_table("groups")
