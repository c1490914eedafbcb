"""The ledger: head, streams, events (append-only), and the projections of sandboxes.

Revision: 0001
Revises: -
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE_TRIGGERS = {
    "events_no_update": "BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only: no UPDATE'); END",
    "events_no_delete": "BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only: no DELETE'); END",
    "events_no_replace": """BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position)
          OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
        BEGIN SELECT RAISE(ABORT, 'events is append-only: position or version is taken'); END""",
    "events_no_repeat": """BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE command_id = NEW.command_id)
        BEGIN SELECT RAISE(ABORT, 'events is append-only: command_id is taken'); END""",
}
POSTGRES_FUNCTION = """
CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'events is append-only: no ' || TG_OP, ERRCODE = 'restrict_violation';
END $$
"""
POSTGRES_TRIGGERS = {
    "events_no_change": "BEFORE UPDATE OR DELETE ON events FOR EACH ROW",
    "events_no_truncate": "BEFORE TRUNCATE ON events FOR EACH STATEMENT",
}


def upgrade() -> None:
    """Create everything, and the ledger's head row with a fresh UUID."""
    sqlite = op.get_context().dialect.name == "sqlite"
    time: sa.types.TypeEngine[Any] = sa.Text() if sqlite else sa.DateTime(timezone=True)
    json: sa.types.TypeEngine[Any] = sa.Text() if sqlite else JSONB()
    _create_log(time, json)
    _create_sandboxes(time, json)
    _create_generations(time)
    if sqlite:
        for name, body in SQLITE_TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {body}")
        _insert_head(_SQLITE_UUID, "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'")
        return
    op.execute(POSTGRES_FUNCTION)
    for name, when in POSTGRES_TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION events_refuse_change()")
        op.execute(f"ALTER TABLE events ENABLE ALWAYS TRIGGER {name}")
    _insert_head("gen_random_uuid()::text", "clock_timestamp()")


def downgrade() -> None:
    """Drop everything, the log too."""
    for table in ("generations", "sandboxes", "events", "streams", "ledger_head"):
        op.drop_table(table)
    if op.get_context().dialect.name != "sqlite":
        op.execute("DROP FUNCTION events_refuse_change()")


_SQLITE_UUID = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' || "
    "substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)


def _insert_head(uuid: str, now: str) -> None:
    zeros = "0" * 64
    op.execute(
        "INSERT INTO ledger_head (ledger_id, position, hash, previous_hash, recorded_at, created_at) "  # noqa: S608
        f"VALUES ({uuid}, 0, '{zeros}', '{zeros}', {now}, {now})"
    )


def _create_log(time: sa.types.TypeEngine[Any], json: sa.types.TypeEngine[Any]) -> None:
    op.create_table(
        "ledger_head",
        sa.Column("ledger_id", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("recorded_at", time, nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.PrimaryKeyConstraint("ledger_id", name="pk_ledger_head"),
    )
    op.create_table(
        "streams",
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("stream", name="pk_streams"),
        sqlite_with_rowid=False,
    )
    # On SQLite INTEGER, not BIGINT: it is then the rowid itself, which INSERT OR REPLACE could else replace unseen.
    position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "events",
        sa.Column("position", position, nullable=False, autoincrement=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("data", json, nullable=False),
        sa.Column("recorded_at", time, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("correlation_id", sa.Text, nullable=False),
        sa.Column("command_id", sa.Text),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("stream", "version", name="uq_events_stream_version"),
    )
    # Every index is one more page to write for each event: none where a scan or the position's order does as well.
    has_command = sa.text("command_id IS NOT NULL")
    op.create_index(
        "uq_events_command_id", "events", ["command_id"], unique=True, postgresql_where=has_command,
        sqlite_where=has_command,
    )  # fmt: skip


def _create_sandboxes(time: sa.types.TypeEngine[Any], json: sa.types.TypeEngine[Any]) -> None:
    op.create_table(
        "sandboxes",
        sa.Column("sandbox_id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("thread_id", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("holders", json, nullable=False),
        sa.Column("container_id", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("retry_at", time),
        sa.Column("created_at", time, nullable=False),
        sa.Column("updated_at", time, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("last_activity_at", time),
        sa.PrimaryKeyConstraint("sandbox_id", name="pk_sandboxes"),
        sa.CheckConstraint(
            "status IN ('absent', 'creating', 'active', 'warm', 'dead', 'evicting', 'gone')",
            name=op.f("ck_sandboxes_status"),
        ),
        sqlite_with_rowid=False,
    )
    # One each: the two longest ids together are more than a PostgreSQL index entry may hold.
    op.create_index("ix_sandboxes_user_id", "sandboxes", ["user_id"])
    op.create_index("ix_sandboxes_thread_id", "sandboxes", ["thread_id"])
    op.create_index("ix_sandboxes_status", "sandboxes", ["status"])


def _create_generations(time: sa.types.TypeEngine[Any]) -> None:
    op.create_table(
        "generations",
        sa.Column("sandbox_id", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("image", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("worker_id", sa.Text),
        sa.Column("container_id", sa.Text),
        sa.Column("container_name", sa.Text, nullable=False),
        sa.Column("host", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("creating_at", time, nullable=False),
        sa.Column("started_at", time),
        sa.Column("ready_at", time),
        sa.Column("startup_seconds", sa.Double),
        sa.Column("died_at", time),
        sa.Column("detected_by", sa.Text),
        sa.Column("ended_at", time),
        sa.Column("end_reason", sa.Text),
        sa.Column("expected", sa.Boolean),
        sa.Column("error", sa.Text),
        sa.Column("exit_code", sa.BigInteger),
        sa.Column("oom_killed", sa.Boolean),
        sa.Column("finished_at", time),
        sa.Column("evidence_position", sa.BigInteger),
        sa.Column("removed_at", time),
        sa.Column("removal_failures", sa.Integer, nullable=False),
        sa.Column("removal_error", sa.Text),
        sa.PrimaryKeyConstraint("sandbox_id", "generation", name="pk_generations"),
        sqlite_with_rowid=False,
    )
