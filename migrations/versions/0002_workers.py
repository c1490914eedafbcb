"""Many workers: heartbeats, leases, the capacity count in the head row, crash times, and notification of commits.

Revision: 0002
Revises: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSTGRES_RESERVE = """
CREATE FUNCTION ledger_reserve(p_live bigint, p_limit integer, p_user text, p_user_limit integer)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p_user_limit IS NOT NULL AND p_user_limit <= (
        SELECT count(*) FROM sandboxes
        WHERE user_id IS NOT DISTINCT FROM p_user AND status IN ('creating', 'active', 'warm')
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'SLC02',
            MESSAGE = 'capacity: user ' || coalesce(p_user, '-') || ' has ' || p_user_limit || ' sandboxes already';
    END IF;
    IF p_live > p_limit THEN
        RAISE EXCEPTION USING ERRCODE = 'SLC01',
            MESSAGE = 'capacity: ' || p_live || ' sandboxes would be live, ' || p_limit || ' are allowed';
    END IF;
    RETURN p_live;
END $$
"""


def upgrade() -> None:
    """Add what several workers need to share one ledger."""
    sqlite = op.get_context().dialect.name == "sqlite"
    time: sa.types.TypeEngine[Any] = sa.Text() if sqlite else sa.DateTime(timezone=True)
    json: sa.types.TypeEngine[Any] = sa.Text() if sqlite else JSONB()
    op.add_column("ledger_head", sa.Column("live", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("sandboxes", sa.Column("crashes", json, nullable=False, server_default="[]"))
    op.execute(
        "UPDATE ledger_head SET live = (SELECT count(*) FROM sandboxes WHERE status IN ('creating', 'active', 'warm'))"
    )
    op.create_table(
        "workers",
        sa.Column("worker_id", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", time, nullable=False),
        sa.Column("heartbeat_at", time, nullable=False),
        sa.Column("ended_at", time),
        sa.Column("ended_as", sa.Text),
        sa.PrimaryKeyConstraint("worker_id", name="pk_workers"),
    )
    op.create_index("ix_workers_ended_at_heartbeat_at", "workers", ["ended_at", "heartbeat_at"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "waiters",
        sa.Column("waiter_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("enqueued_at", time, nullable=False),
        sa.Column("seen_at", time, nullable=False),
        sa.PrimaryKeyConstraint("waiter_id", name="pk_waiters"),
    )
    if not sqlite:
        op.execute(POSTGRES_RESERVE)


def downgrade() -> None:
    """Remove it again."""
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION ledger_reserve(bigint, integer, text, integer)")
    for table in ("waiters", "leases", "workers"):
        op.drop_table(table)
    op.drop_column("sandboxes", "crashes")
    op.drop_column("ledger_head", "live")
