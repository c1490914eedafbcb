"""A worker in a process of its own, told by lines of JSON what to call.

    python -m tests.support.acceptance.worker_process CONFIGURATION [METHOD MOMENT]

With a method and a moment (`before`, `after`) every such call to the engine is held there for ever; the line `held` on
standard output says that one is.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from provider import SandboxProvider, open_provider
from provider.bootstrap.engines import open_backend
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from provider.ports.engine import SandboxBackend
from provider.testing import Gate
from tests.support.acceptance.observed import observe


def main(configuration: str, method: str = "", moment: str = "") -> None:
    """Serve until standard input ends; then leave without shutting down, as a killed worker does."""
    settings = load_settings(json.loads(configuration))
    provider = open_provider(settings, backend=_held_backend(settings, method, moment) if method else None)
    _say(provider.worker_id)
    for line in sys.stdin:
        _say(_do(provider, json.loads(line)))


def _do(provider: SandboxProvider, command: dict[str, Any]) -> Any:
    sandbox_id: str = getattr(provider, command["call"])(*command["arguments"], **command["options"])
    return sandbox_id


def _held_backend(settings: Settings, method: str, moment: str) -> SandboxBackend:
    store = open_store(settings)
    backend = observe(open_backend(settings, store.ledger_id))
    store.close()
    threading.Thread(
        target=_announce, args=(backend.hold(method, moment="after" if moment == "after" else "before"),), daemon=True
    ).start()
    return backend


def _announce(gate: Gate) -> None:
    gate.wait_entered(timeout=60)
    _say("held")


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
