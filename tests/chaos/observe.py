"""Take the observation: read the whole log, the projections and the engine's listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provider.ports.engine import SandboxBackend
from provider.store.database import open_database
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import find_differences
from tests.chaos.observation import Called, Handed, Observation, Row


def observe(
    url: str,
    backend: SandboxBackend,
    *,
    replicas: int,
    handed: Sequence[Handed] = (),
    called: Sequence[Called] = (),
    secrets: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
) -> Observation:
    """Read what is left; nobody may be working any more."""
    store = SqlEventStore(open_database(url))
    try:
        events = list(store.read_all())
        states = [store.load(s) for s in sorted({e.stream[8:] for e in events if e.stream.startswith("sandbox:")})]
        return Observation(
            events=events,
            rows=[Row(s.sandbox_id, s.status, s.generation, s.holders) for s in states],
            containers=backend.discover(),
            replicas=replicas,
            handed=handed,
            called=called,
            differences=[*find_differences(store.database), *_list_violations(store)],
            secrets=secrets,
            texts=texts or {},
        )
    finally:
        store.close()


def _list_violations(store: SqlEventStore) -> list[str]:
    """Ask the ledger's own view as well: it must see nothing where this checker sees nothing."""
    with store.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT rule, subject, detail FROM v_violations").all()
    return [f"v_violations: {row.rule}: {row.subject}: {row.detail}" for row in rows]
