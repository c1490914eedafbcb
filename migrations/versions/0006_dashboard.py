"""What the dashboard reads in order: indexes over times and types.

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Partial, and over times that are set once or twice in the life of a container: an append writes every index that a
# changed column is in.
GENERATIONS = {
    "ix_generations_ready_at": ("ready_at, sandbox_id, generation", "ready_at IS NOT NULL"),
    "ix_generations_died_at": ("died_at, sandbox_id, generation", "died_at IS NOT NULL"),
    "ix_generations_ended_at": (
        "ended_at, sandbox_id, generation, end_reason, expected, died_at", "ended_at IS NOT NULL",
    ),
    "ix_generations_end_reason": ("end_reason, ended_at, sandbox_id, generation", "end_reason IS NOT NULL"),
    "ix_generations_later": ("creating_at, sandbox_id, generation", "generation > 1"),
}  # fmt: skip
EVENTS = {
    "ix_events_operator_actions": ("recorded_at, position", "OperatorActionRequested"),
    "ix_events_operator_outcomes": ("stream, correlation_id, version", "OperatorActionCompleted"),
    "ix_events_orphans_removed": ("stream, type, version", "OrphanRemoved"),
}


def upgrade() -> None:
    """Add the indexes."""
    for name, (columns, among) in GENERATIONS.items():
        op.execute(f"CREATE INDEX {name} ON generations ({columns}) WHERE {among}")
    for name, (columns, event) in EVENTS.items():
        op.execute(f"CREATE INDEX {name} ON events ({columns}) WHERE type = '{event}'")
    op.create_index("ix_sandboxes_created_at_sandbox_id", "sandboxes", ["created_at", "sandbox_id"])


def downgrade() -> None:
    """Remove them again."""
    op.drop_index("ix_sandboxes_created_at_sandbox_id", "sandboxes")
    for name in (*EVENTS, *GENERATIONS):
        op.execute(f"DROP INDEX {name}")
