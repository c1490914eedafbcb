"""The sweep: a row for each run, and quick ways to what is open.

Revision: 0003
Revises: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTS = ("expected", "observed", "dead", "idle", "orphaned", "lost_workers", "actions", "failures")


def upgrade() -> None:
    """Add what the sweep needs."""
    dialect = op.get_context().dialect.name
    time: sa.types.TypeEngine[Any] = sa.Text() if dialect == "sqlite" else sa.DateTime(timezone=True)
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", sa.Text, nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("finished_at", time),
        sa.Column("leader", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTS),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("sweep_id", name="pk_sweeps"),
    )
    op.create_index("ix_sweeps_started_at", "sweeps", ["started_at"])
    # Open containers are few, those that ever existed are many: a sweep must not read them all.
    op.execute("CREATE INDEX ix_generations_open ON generations (sandbox_id) WHERE removed_at IS NULL")
    op.execute("CREATE INDEX ix_sandboxes_retry_at ON sandboxes (sandbox_id) WHERE retry_at IS NOT NULL")


def downgrade() -> None:
    """Remove it again."""
    op.execute("DROP INDEX ix_sandboxes_retry_at")
    op.execute("DROP INDEX ix_generations_open")
    op.drop_table("sweeps")
