"""How the fleet is doing: everything about now, in a constant number of statements that see one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, func, select, union_all

from provider.domain.events import UNEXPECTED_REASONS
from provider.domain.sweeps import LeaseRow, SweepRow
from provider.domain.verdict import Reason
from provider.ports.reading.fleet import FleetReading, Freshness, UnexpectedEnd, Workers
from provider.store.coordination.leases import lease_row
from provider.store.coordination.sweeps import sweep_row
from provider.store.coordination.workers import worker_row
from provider.store.database import Database, database_now
from provider.store.reports import facts, marks, tallies
from provider.store.tables import generations, leases, ledger_head, sandboxes, sweeps, workers

SHOWN_STATUSES = ("absent", "creating", "active", "warm", "dead", "evicting")
"""All but `gone`: those that are gone are many, and their number says nothing about now."""
TOP = 10
LATEST = 10
SILENT = 20
MARKS = 100

g = generations.c
_AT = func.coalesce(g.died_at, g.ended_at)
_SHOWN = (
    g.sandbox_id, g.generation, g.image, g.host, g.worker_id, _AT.label("ended_at"),
    g.end_reason.label("reason"), g.exit_code, g.oom_killed, g.detected_by,
)  # fmt: skip
_REASONS = sorted(UNEXPECTED_REASONS)
_STILL_OPEN = select(*_SHOWN).where(g.removed_at.is_(None), g.ended_at.is_(None), _AT.is_not(None))
"""Dead and not examined yet: among the few that are open, not among all deaths, whose index SQLite would prefer."""


class SqlFleetQueries:
    """Reads how the fleet is doing. Safe from any thread; raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def freshness(self) -> Freshness:
        """Return the database's time and the last event."""
        with self._database.reading() as connection:
            return freshness(connection)[0]

    def read_fleet(
        self, *, window_seconds: int, bucket_seconds: int, baseline_seconds: int, lease_seconds: float, lease: str
    ) -> FleetReading:
        """Read everything about now and the time before it; the last bucket of the strip is the one of now."""
        with self._database.snapshot() as connection:
            fresh, head = freshness(connection)
            last = int(fresh.now.timestamp()) // bucket_seconds * bucket_seconds
            since = datetime.fromtimestamp(last + bucket_seconds - window_seconds, UTC)
            spans = tallies.Spans(
                baseline=since - timedelta(seconds=baseline_seconds),
                before=since - timedelta(seconds=window_seconds),
                current=since,
                until=fresh.now,
            )
            current, before, baseline = tallies.read_tallies(connection, spans)
            return FleetReading(
                freshness=fresh,
                begun_at=head["created_at"],
                statuses=count_statuses(connection),
                live=head["live"],
                current=current,
                before=before,
                baseline=baseline,
                strip=tallies.read_strip(connection, since, window_seconds // bucket_seconds, bucket_seconds),
                marks=marks.read_marks(connection, since, fresh.now, MARKS)[0],
                top_reasons=_top_reasons(connection, spans),
                workers=_workers(connection, fresh.now, lease_seconds),
                last_sweep=_last_sweep(connection),
                last_good_sweep_at=_last_good_sweep_at(connection),
                leader=_leader(connection, lease, fresh.now),
                latest=_latest_ends(connection),
                last_start_error=_last_start_error(connection, since),
            )


def freshness(connection: Connection) -> tuple[Freshness, Mapping[Any, Any]]:
    """Return what moment a connection sees, and the head row."""
    head = connection.execute(select(ledger_head)).mappings().one()
    recorded_at = head["recorded_at"] if head["position"] else None
    fresh = Freshness(
        ledger_id=head["ledger_id"], now=database_now(connection), head_position=head["position"],
        recorded_at=recorded_at,
    )  # fmt: skip
    return fresh, head


def count_statuses(connection: Connection) -> Mapping[str, int]:
    """Count the sandboxes in each status but `gone`, along the index of the statuses."""
    among = sandboxes.c.status.in_(SHOWN_STATUSES)
    rows = connection.execute(select(sandboxes.c.status, func.count()).where(among).group_by(sandboxes.c.status))
    return {row[0]: row[1] for row in rows}


def _top_reasons(connection: Connection, spans: tallies.Spans) -> tuple[Reason, ...]:
    part = facts.facts(spans.current, spans.until, (generations.c.image, generations.c.host))
    count = func.count().label("count")
    statement = (
        select(part.c.reason, part.c.image, part.c.host, count, func.max(part.c.at).label("last_at"))
        .where(part.c.kind == facts.UNEXPECTED_END)
        .group_by(part.c.reason, part.c.image, part.c.host)
        .order_by(count.desc(), part.c.image, part.c.host, part.c.reason)
        .limit(TOP)
    )
    return tuple(Reason(**row) for row in connection.execute(statement).mappings())


def _workers(connection: Connection, now: datetime, lease_seconds: float) -> Workers:
    lapsed = workers.c.heartbeat_at < now - timedelta(seconds=lease_seconds)
    running = workers.c.ended_at.is_(None)
    counts = select(func.count(), func.coalesce(func.sum(case((lapsed, 1), else_=0)), 0)).where(running)
    found, silent = connection.execute(counts).one()
    rows = connection.execute(select(workers).where(running, lapsed).order_by(workers.c.heartbeat_at).limit(SILENT))
    return Workers(
        running=found, silent=int(silent), silent_workers=tuple(worker_row(row, now) for row in rows)
    )  # fmt: skip


def _last_sweep(connection: Connection) -> SweepRow | None:
    newest = select(sweeps).order_by(sweeps.c.started_at.desc(), sweeps.c.sweep_id.desc()).limit(1)
    row = connection.execute(newest).mappings().one_or_none()
    return sweep_row(row) if row is not None else None


def _last_good_sweep_at(connection: Connection) -> datetime | None:
    good = select(sweeps.c.finished_at).where(sweeps.c.finished_at.is_not(None), sweeps.c.error.is_(None))
    found: datetime | None = connection.execute(good.order_by(sweeps.c.started_at.desc()).limit(1)).scalar_one_or_none()
    return found


def _leader(connection: Connection, name: str, now: datetime) -> LeaseRow | None:
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    return lease_row(row, now) if row is not None else None


def _last_start_error(connection: Connection, since: datetime) -> str | None:
    failed = select(g.error).where(g.ended_at >= since, facts.FAILED_TO_START).order_by(g.ended_at.desc()).limit(1)
    found: str | None = connection.execute(failed).scalar_one_or_none()
    return found


def _latest_ends(connection: Connection) -> tuple[UnexpectedEnd, ...]:
    """List the latest unexpected ends, the newest first: a few for each reason along its index, then the newest."""
    ended = (select(*_SHOWN).where(g.end_reason == reason).order_by(g.ended_at.desc()) for reason in _REASONS)
    parts = (_first(part) for part in (*ended, _STILL_OPEN.order_by(_AT.desc())))
    both = union_all(*parts).subquery("latest")
    statement = (
        select(both, sandboxes.c.user_id, sandboxes.c.thread_id)
        .join(sandboxes, sandboxes.c.sandbox_id == both.c.sandbox_id)
        .order_by(both.c.ended_at.desc(), both.c.sandbox_id, both.c.generation.desc())
        .limit(LATEST)
    )
    return tuple(UnexpectedEnd(**row) for row in connection.execute(statement).mappings())


def _first(statement: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    return select(statement.limit(LATEST).subquery())
