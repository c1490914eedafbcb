"""Archives of the log's oldest part, and the one path on which archived events may leave the table.

Seals are events and need no table.

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

from provider.store.audit_sql.views import REVISION_0004, REVISION_0005, create_statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COVERED = """EXISTS (
        SELECT 1 FROM archives AS a JOIN events AS e ON e.position = a.event_position
        WHERE a.through_position >= OLD.position AND e.stream = 'ledger' AND e.type = 'LogArchived'
    )"""
SQLITE_TRIGGERS = {
    "events_no_delete": f"""BEFORE DELETE ON events WHEN NOT {COVERED}
        BEGIN SELECT RAISE(ABORT, 'events is append-only: no DELETE of what no archive has'); END""",
    "archives_no_update": """BEFORE UPDATE ON archives
        BEGIN SELECT RAISE(ABORT, 'archives is append-only: no UPDATE'); END""",
    "archives_no_delete": """BEFORE DELETE ON archives
        BEGIN SELECT RAISE(ABORT, 'archives is append-only: no DELETE'); END""",
    "archives_recorded": """BEFORE INSERT ON archives
        WHEN NEW.through_position <= (SELECT coalesce(max(through_position), -1) FROM archives)
          OR NOT EXISTS (
            SELECT 1 FROM events AS e
            WHERE e.position = NEW.event_position AND e.position > NEW.through_position AND e.stream = 'ledger'
              AND e.type IN ('LogArchived', 'ExtractOpened')
              AND json_extract(e.data, '$.through_position') = NEW.through_position
              AND json_extract(e.data, '$.through_hash') = NEW.through_hash
          )
        BEGIN SELECT RAISE(ABORT, 'archives is append-only: no row without the event that recorded it'); END""",
}
OLD_SQLITE_TRIGGER = (
    "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
    "BEGIN SELECT RAISE(ABORT, 'events is append-only: no DELETE'); END"
)
POSTGRES_FUNCTIONS = {
    "events_refuse_delete": f"""
BEGIN
    IF {COVERED} THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION USING
        MESSAGE = 'events is append-only: no DELETE of what no archive has', ERRCODE = 'restrict_violation';
END""",
    "archives_refuse_change": """
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'archives is append-only: no ' || TG_OP, ERRCODE = 'restrict_violation';
END""",
    "archives_require_event": """
BEGIN
    IF NEW.through_position > (SELECT coalesce(max(through_position), -1) FROM archives) AND EXISTS (
        SELECT 1 FROM events AS e
        WHERE e.position = NEW.event_position AND e.position > NEW.through_position AND e.stream = 'ledger'
            AND e.type IN ('LogArchived', 'ExtractOpened')
            AND e.data ->> 'through_position' = NEW.through_position::text
            AND e.data ->> 'through_hash' = NEW.through_hash
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        MESSAGE = 'archives is append-only: no row without the event that recorded it', ERRCODE = 'restrict_violation';
END""",
}
POSTGRES_TRIGGERS = {
    "events_no_update": ("events", "BEFORE UPDATE ON events FOR EACH ROW", "events_refuse_change"),
    "events_no_delete": ("events", "BEFORE DELETE ON events FOR EACH ROW", "events_refuse_delete"),
    "archives_no_change": ("archives", "BEFORE UPDATE OR DELETE ON archives FOR EACH ROW", "archives_refuse_change"),
    "archives_no_truncate": ("archives", "BEFORE TRUNCATE ON archives FOR EACH STATEMENT", "archives_refuse_change"),
    "archives_recorded": ("archives", "BEFORE INSERT ON archives FOR EACH ROW", "archives_require_event"),
}


def upgrade() -> None:
    """Make the table, guard it, and let archived events be deleted."""
    sqlite = op.get_context().dialect.name == "sqlite"
    time: sa.types.TypeEngine[Any] = sa.Text() if sqlite else sa.DateTime(timezone=True)
    op.create_table(
        "archives",
        sa.Column("through_position", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("through_hash", sa.Text, nullable=False),
        sa.Column("through_recorded_at", time, nullable=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("archived_at", time, nullable=False),
        sa.Column("event_position", sa.BigInteger, nullable=False),
        sa.Column("baseline", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("through_position", name="pk_archives"),
    )
    if sqlite:
        op.execute("DROP TRIGGER events_no_delete")
        for name, body in SQLITE_TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {body}")
    else:
        _guard_postgres()
    _replace_view(REVISION_0005["v_violations"])


def downgrade() -> None:
    """Drop the table; refuse while events are in archives, which the older schema knows nothing of."""
    if not context.is_offline_mode() and op.get_bind().execute(sa.text("SELECT count(*) FROM archives")).scalar_one():
        raise RuntimeError("events of this log are in archives: the older schema would lose where the log begins")
    _replace_view(REVISION_0004["v_violations"])
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER events_no_delete")
        op.drop_table("archives")
        op.execute(OLD_SQLITE_TRIGGER)
        return
    op.execute("DROP TRIGGER events_no_update ON events")
    op.execute("DROP TRIGGER events_no_delete ON events")
    op.drop_table("archives")
    for name in POSTGRES_FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}()")
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW "
        "EXECUTE FUNCTION events_refuse_change()"
    )
    op.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_no_change")


def _guard_postgres() -> None:
    for name, body in POSTGRES_FUNCTIONS.items():
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body} $$")
    op.execute("DROP TRIGGER events_no_change ON events")
    for name, (table, when, function) in POSTGRES_TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _replace_view(make: Any) -> None:
    op.execute("DROP VIEW IF EXISTS v_violations")
    for statement in create_statements(op.get_context().dialect.name, {"v_violations": make}):
        op.execute(statement)
