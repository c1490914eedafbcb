"""What lists are narrowed down by, and the newest seal among all that the ledger notes about itself: indexes.

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = ("image", "host", "worker_id")


def upgrade() -> None:
    """Add the indexes."""
    for column in COLUMNS:
        op.create_index(f"ix_generations_{column}", "generations", [column])
    op.execute("CREATE INDEX ix_events_seals ON events (stream, version) WHERE type = 'LedgerSealed'")


def downgrade() -> None:
    """Remove them again."""
    op.drop_index("ix_events_seals", "events")
    for column in COLUMNS:
        op.drop_index(f"ix_generations_{column}", "generations")
