"""The tables: the log (`ledger_head`, `streams`, `events`) and its projections (`sandboxes`, `generations`)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from provider.store.types import JsonDocument, UtcTimestamp

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


@event.listens_for(metadata, "before_create")
def _apply_options(target: MetaData, connection: Connection, **_: object) -> None:
    """Pass what tables and indexes have in `info` on to the dialect in use: an option imports its whole dialect."""
    name = connection.dialect.name
    for table in target.tables.values():
        if name == "sqlite" and "with_rowid" in table.info:
            table.dialect_options[name]["with_rowid"] = table.info["with_rowid"]
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options[name]["where"] = index.info["where"]


ledger_head = Table(
    "ledger_head",
    metadata,
    Column("ledger_id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("recorded_at", UtcTimestamp, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("live", BigInteger, nullable=False, server_default="0"),
)

streams = Table(
    "streams",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    info={"with_rowid": False},
)

events = Table(
    "events",
    metadata,
    # On SQLite INTEGER, not BIGINT: it is then the rowid itself, which nothing can replace behind its back.
    Column("position", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("data", JsonDocument, nullable=False),
    Column("recorded_at", UtcTimestamp, nullable=False),
    Column("actor", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("command_id", Text),
    Column("hash", Text, nullable=False),
    UniqueConstraint("stream", "version"),
)
# Every index is one more page to write for each event: none where a scan or the position's order does as well.
_has_command = events.c.command_id.is_not(None)
Index("uq_events_command_id", events.c.command_id, unique=True, info={"where": _has_command})
# Rare types only: other events pay nothing for them.
_e = events.c
_RARE = {
    "ix_events_operator_actions": ((_e.recorded_at, _e.position), "OperatorActionRequested"),
    # As the view of operators' actions asks for what came of one.
    "ix_events_operator_outcomes": ((_e.stream, _e.correlation_id, _e.version), "OperatorActionCompleted"),
    "ix_events_orphans_removed": ((_e.stream, _e.type, _e.version), "OrphanRemoved"),
    "ix_events_seals": ((_e.stream, _e.version), "LedgerSealed"),
}
for _name, (_columns, _type) in _RARE.items():
    Index(_name, *_columns, info={"where": _e.type == _type})

sandboxes = Table(
    "sandboxes",
    metadata,
    Column("sandbox_id", Text, primary_key=True),
    Column("user_id", Text),
    Column("thread_id", Text),
    Column("status", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("holders", JsonDocument, nullable=False),
    Column("container_id", Text),
    Column("url", Text),
    Column("retry_at", UtcTimestamp),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_activity_at", UtcTimestamp),
    Column("crashes", JsonDocument, nullable=False, server_default="[]"),
    CheckConstraint("status IN ('absent', 'creating', 'active', 'warm', 'dead', 'evicting', 'gone')", name="status"),
    Index(None, "user_id"),
    Index(None, "thread_id"),
    Index("ix_sandboxes_retry_at", "sandbox_id", info={"where": text("retry_at IS NOT NULL")}),
    Index(None, "status"),
    Index(None, "created_at", "sandbox_id"),
    info={"with_rowid": False},
)

generations = Table(
    "generations",
    metadata,
    Column("sandbox_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("backend", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("worker_id", Text),
    Column("container_id", Text),
    Column("container_name", Text, nullable=False),
    Column("host", Text),
    Column("url", Text),
    Column("creating_at", UtcTimestamp, nullable=False),
    Column("started_at", UtcTimestamp),
    Column("ready_at", UtcTimestamp),
    Column("startup_seconds", Double),
    Column("died_at", UtcTimestamp),
    Column("detected_by", Text),
    Column("ended_at", UtcTimestamp),
    Column("end_reason", Text),
    Column("expected", Boolean),
    Column("error", Text),
    Column("exit_code", BigInteger),
    Column("oom_killed", Boolean),
    Column("finished_at", UtcTimestamp),
    Column("evidence_position", BigInteger),
    Column("removed_at", UtcTimestamp),
    Column("removal_failures", Integer, nullable=False),
    Column("removal_error", Text),
    PrimaryKeyConstraint("sandbox_id", "generation"),
    Index("ix_generations_open", "sandbox_id", info={"where": text("removed_at IS NULL")}),
    # What lists are narrowed down by. Each is written once per container.
    Index(None, "image"),
    Index(None, "host"),
    Index(None, "worker_id"),
    info={"with_rowid": False},
)
# Each is written once or twice in the life of a container, and orders what the dashboard shows by time.
_g = generations.c
_KEY = (_g.sandbox_id, _g.generation)
_ORDERS = {
    "ix_generations_ready_at": ((_g.ready_at, *_KEY), _g.ready_at.is_not(None)),
    "ix_generations_died_at": ((_g.died_at, *_KEY), _g.died_at.is_not(None)),
    # With all that tells one kind of end from another, so that counting looks up no container.
    "ix_generations_ended_at": (
        (_g.ended_at, *_KEY, _g.end_reason, _g.expected, _g.died_at), _g.ended_at.is_not(None),
    ),
    "ix_generations_end_reason": ((_g.end_reason, _g.ended_at, *_KEY), _g.end_reason.is_not(None)),
    "ix_generations_later": ((_g.creating_at, *_KEY), _g.generation > 1),
}  # fmt: skip
for _name, (_columns, _among) in _ORDERS.items():
    Index(_name, *_columns, info={"where": _among})

workers = Table(
    "workers",
    metadata,
    Column("worker_id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("heartbeat_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp),
    Column("ended_as", Text),
    Column("jobs", JsonDocument, nullable=False, server_default="[]"),
    Index(None, "ended_at", "heartbeat_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcTimestamp, nullable=False),
)

waiters = Table(
    "waiters",
    metadata,
    Column("waiter_id", Text, primary_key=True),
    Column("user_id", Text),
    Column("enqueued_at", UtcTimestamp, nullable=False),
    Column("seen_at", UtcTimestamp, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", Text, primary_key=True),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("finished_at", UtcTimestamp),
    Column("leader", Text, nullable=False),
    Column("token", BigInteger),
    Column("expected", Integer, nullable=False, server_default="0"),
    Column("observed", Integer, nullable=False, server_default="0"),
    Column("dead", Integer, nullable=False, server_default="0"),
    Column("idle", Integer, nullable=False, server_default="0"),
    Column("orphaned", Integer, nullable=False, server_default="0"),
    Column("lost_workers", Integer, nullable=False, server_default="0"),
    Column("actions", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Index(None, "started_at"),
)

ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("purpose", Text, primary_key=True),
    Column("secret", Text, nullable=False),
)

archives = Table(
    "archives",
    metadata,
    Column("through_position", BigInteger, primary_key=True, autoincrement=False),
    Column("through_hash", Text, nullable=False),
    Column("through_recorded_at", UtcTimestamp, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("bundle", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("archived_at", UtcTimestamp, nullable=False),
    Column("event_position", BigInteger, nullable=False),
    Column("baseline", LargeBinary, nullable=False),
)
