"""The schema as it is, compared with what the migrations make: tables, indexes, triggers, functions and views.

What is compared with is made by the migrations themselves: on SQLite in memory, on PostgreSQL in a schema of its own
inside a transaction that is rolled back. So both sides are described by the same server in the same words.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy
from sqlalchemy import Connection, text

from provider.domain.verification import SchemaComparison
from provider.store import migrate
from provider.store.database import Database
from provider.store.engine import sqlite_module

READ_ONLY = """CREATE TRIGGER events_for_reading BEFORE INSERT ON events
BEGIN SELECT RAISE(ABORT, 'this ledger is a copy for reading: nothing can be recorded in it'); END"""
"""The guard that a ledger opened for reading has beyond its migrations."""

UNCHECKED = "it takes a role that may make a schema to compare with, such as the owner of the database"
_MAY_CREATE = """
SELECT current_schema(),
    has_database_privilege(current_database(), 'CREATE') AND current_setting('transaction_read_only') = 'off'
"""
_SQLITE = """
SELECT type AS kind, name, sql AS definition FROM sqlite_schema WHERE sql IS NOT NULL
UNION ALL
SELECT 'column', t.name || '.' || c.name, c.type || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '') || c.pk
FROM sqlite_schema AS t JOIN pragma_table_xinfo(t.name) AS c WHERE t.type = 'table'
"""
_POSTGRES = text("""
SELECT 'column' AS kind, c.relname || '.' || a.attname AS name, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid)) AS definition
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r'
UNION ALL
SELECT 'table', c.relname, concat_ws(' ', c.relpersistence::text, c.relrowsecurity::text, c.relforcerowsecurity::text)
FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r'
UNION ALL
SELECT 'constraint', k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k WHERE k.connamespace = to_regnamespace(:schema) AND k.contype <> 'n'
UNION ALL
SELECT 'index', c.relname, concat_ws(' ', pg_get_indexdef(c.oid), i.indisvalid::text)
FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid WHERE c.relnamespace = to_regnamespace(:schema)
UNION ALL
SELECT 'trigger', t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled::text)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = to_regnamespace(:schema) AND NOT t.tgisinternal
UNION ALL
SELECT 'rule', r.rulename, pg_get_ruledef(r.oid)
FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
WHERE c.relnamespace = to_regnamespace(:schema) AND r.rulename <> '_RETURN'
UNION ALL
SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_functiondef(p.oid)
FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace(:schema) AND p.prokind IN ('f', 'p')
UNION ALL
SELECT 'view', c.relname, pg_get_viewdef(c.oid)
FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'v'
""")
_ACTING = ("trigger", "rule")
"""What acts by itself: one more than there should be is a difference, one more table or view is not."""
_INSIDE = {"column": ".", "function": "("}
"""Nor may there be one more column in a table of ours, or one more function under a name of ours."""
Definitions = Mapping[tuple[str, str], str]


def compare_schema(database: Database) -> SchemaComparison:
    """Compare the schema with what the migrations make; nothing is changed, and no lock of others is waited for."""
    if database.is_sqlite:
        with database.reading() as connection:
            found = _read_sqlite(connection)
        return SchemaComparison(tuple(_differences(found, _made_in_memory())))
    with database.translated(), database.engine.connect() as pooled:
        connection = pooled.execution_options(isolation_level="READ COMMITTED")
        try:
            schema, may_create = connection.exec_driver_sql(_MAY_CREATE).one()
            if not may_create:
                return SchemaComparison(unchecked=UNCHECKED)
            found = _read_postgres(connection, schema)
            shipped = _made_in_a_schema(connection)
        finally:
            connection.rollback()
    return SchemaComparison(tuple(_differences(found, shipped)))


def _made_in_memory() -> Definitions:
    engine = sqlalchemy.create_engine("sqlite://", module=sqlite_module(), connect_args={"isolation_level": None})
    try:
        with engine.connect() as connection:
            migrate.migrate_connection(connection)
            return _read_sqlite(connection)
    finally:
        engine.dispose()


def _made_in_a_schema(connection: Connection) -> Definitions:
    name = f"ledger_check_{uuid.uuid4().hex}"
    connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    connection.exec_driver_sql(f"SET LOCAL search_path = {name}")
    migrate.migrate_connection(connection)
    return _read_postgres(connection, name)


def _read_sqlite(connection: Connection) -> Definitions:
    rows = connection.exec_driver_sql(_SQLITE).all()
    return {(row.kind, row.name): " ".join(row.definition.replace('"', "").split()) for row in rows}


def _read_postgres(connection: Connection, schema: str) -> Definitions:
    # With nothing else in the path, every name of the schema is written out, and can be taken away.
    connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
    rows = connection.execute(_POSTGRES, {"schema": f'"{schema}"'}).all()
    quoted = (f'"{schema}".', f"{schema}.")
    return {(row.kind, row.name): _without(row.definition, quoted) for row in rows}


def _without(definition: str, prefixes: Sequence[str]) -> str:
    for prefix in prefixes:
        definition = definition.replace(prefix, "")
    return definition


def _differences(found: Definitions, shipped: Definitions) -> list[str]:
    guard = ("trigger", "events_for_reading")
    is_for_reading = found.get(guard) == " ".join(READ_ONLY.split())
    ours = {(kind, name.partition(_INSIDE[kind])[0]) for kind, name in shipped if kind in _INSIDE}
    differences = []
    for kind, name in sorted({*found, *shipped}):
        key = (kind, name)
        if key not in found:
            differences.append(f"{kind} {name} is missing")
        elif key not in shipped:
            is_inside = kind in _INSIDE and (kind, name.partition(_INSIDE[kind])[0]) in ours
            if (kind in _ACTING or is_inside) and not (key == guard and is_for_reading):
                differences.append(f"{kind} {name} is none of this schema")
        elif found[key] != shipped[key]:
            differences.append(f"{kind} {name} is not as the migrations make it")
    return differences
