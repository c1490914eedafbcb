"""The ledger's own keys: what the tokens of sandboxes are made from. Not for readers, and in no export.

Revision: 0009
Revises: 0008
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import context, op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A script is read and kept by people: there the database makes the key when the script runs.
_IN_SCRIPT = {
    "postgresql": "replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')",
    "sqlite": "lower(hex(randomblob(32)))",
}


def upgrade() -> None:
    """Make the table, and the key for tokens in it."""
    op.create_table(
        "ledger_keys",
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("purpose", name="pk_ledger_keys"),
    )
    in_script = context.is_offline_mode()
    secret = _IN_SCRIPT[op.get_context().dialect.name] if in_script else f"'{secrets.token_hex(32)}'"
    op.execute(f"INSERT INTO ledger_keys (purpose, secret) VALUES ('sandbox-token', {secret})")  # noqa: S608 -- hex


def downgrade() -> None:
    """Drop the keys: running sandboxes then answer nobody, and have to be restarted."""
    op.drop_table("ledger_keys")
