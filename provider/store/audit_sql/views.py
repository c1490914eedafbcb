"""Which views there are, the statements that make and drop them, and the broken rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sqlalchemy
from sqlalchemy import Connection

from provider.domain.findings import Violation
from provider.store.audit_sql import holds, lifetimes, people, reliability, runs
from provider.store.audit_sql.dialect import DIALECTS, Dialect
from provider.store.audit_sql.fleet_rules import fleet_checks
from provider.store.audit_sql.intent_rules import intent_checks
from provider.store.audit_sql.log_rules import CUT, LOGGED, LOGGED_0005, log_checks
from provider.store.audit_sql.rules import violations

View = Callable[[Dialect], str]


def all_violations(dialect: Dialect, *, cut: str, logged: str = LOGGED) -> str:
    """One row per broken invariant; `cut` is SQL for the position up to which the log was archived away."""
    return violations(logged, [*log_checks(cut), *fleet_checks(dialect, cut), *intent_checks(dialect, cut)])


def violations_0004(dialect: Dialect) -> str:
    """One row per broken invariant, over a log that was never pruned."""
    return all_violations(dialect, cut="0")


REVISION_0004: dict[str, View] = {
    "v_container_lifetimes": lifetimes.container_lifetimes,
    "v_deaths": lifetimes.deaths,
    "v_evictions": lifetimes.evictions,
    "v_restarts": lifetimes.restarts,
    "v_holds": holds.holds,
    "v_operator_actions": people.operator_actions,
    "v_sweeps": runs.sweeps,
    "v_worker_lifetimes": runs.worker_lifetimes,
    "v_daily_reliability": reliability.daily_reliability,
    "v_violations": violations_0004,
}


def violations_0005(dialect: Dialect) -> str:
    """One row per broken invariant; what was archived is no gap."""
    return all_violations(dialect, cut=CUT, logged=LOGGED_0005)


REVISION_0005: dict[str, View] = {"v_violations": violations_0005}
CURRENT: Mapping[str, View] = REVISION_0004 | REVISION_0005
"""The views of the newest schema."""


def create_statements(dialect: str, views: Mapping[str, View] = CURRENT) -> Sequence[str]:
    """Write the statements that make the views in a database of this kind (`sqlite` or `postgresql`)."""
    return [f"CREATE VIEW {name} AS\n{make(DIALECTS[dialect]).strip()}" for name, make in views.items()]


def drop_statements(views: Mapping[str, View] = CURRENT) -> Sequence[str]:
    """Write the statements that drop them, as far as they are there."""
    return [f"DROP VIEW IF EXISTS {name}" for name in views]


def list_missing(connection: Connection) -> Sequence[str]:
    """List the views that the database should have and has not."""
    return sorted(set(CURRENT) - set(sqlalchemy.inspect(connection).get_view_names()))


def restore_missing(connection: Connection) -> None:
    """Make the views that are missing: on PostgreSQL a dropped table takes its views along."""
    missing = {name: CURRENT[name] for name in list_missing(connection)}
    for statement in create_statements(connection.dialect.name, missing):
        connection.exec_driver_sql(statement)


def list_violations(connection: Connection, limit: int = 1000) -> Sequence[Violation]:
    """List up to `limit` broken invariants, by rule; none on a healthy ledger.

    The database's own `v_violations` is not asked: whoever can write the log could have replaced it.
    """
    rules = CURRENT["v_violations"](DIALECTS[connection.dialect.name])
    question = f"SELECT rule, subject, detail, position FROM ({rules}) AS v ORDER BY rule, subject LIMIT {limit:d}"
    return [Violation(*row) for row in connection.exec_driver_sql(question)]
