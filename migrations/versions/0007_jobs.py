"""How each worker's recurring jobs are doing, written with its heartbeat.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no index, because whoever reads it reads the few workers that run."""
    sqlite = op.get_context().dialect.name == "sqlite"
    json: sa.types.TypeEngine[Any] = sa.Text() if sqlite else JSONB()
    op.add_column("workers", sa.Column("jobs", json, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Remove it again."""
    op.drop_column("workers", "jobs")
