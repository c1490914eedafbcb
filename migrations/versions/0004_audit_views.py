"""Views for auditors: restarts, evictions, deaths, holds, and broken invariants.

Their text is in `provider/store/audit_sql`, where what a revision has made never changes.

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

from provider.store.audit_sql.views import REVISION_0004, create_statements, drop_statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the views."""
    for statement in create_statements(op.get_context().dialect.name, REVISION_0004):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for statement in drop_statements(REVISION_0004):
        op.execute(statement)
