"""Whether this server works: `/livez` asks nothing, `/readyz` looks at what it needs to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Response, request
from flask.typing import ResponseReturnValue

from provider.domain.errors import SandboxError
from web.live.head_poller import HeadFreshness
from web.route import Route
from web.security.principal import find_principal
from web.services import services

PATIENCE_SECONDS = 3.0


def livez() -> ResponseReturnValue:
    """Answer that this process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


def readyz() -> ResponseReturnValue:
    """Answer whether pages can be read now; `?verbose` also compares the schema and lists what was looked at."""
    fresh = services().open_head_poller().first_look(PATIENCE_SECONDS)
    is_verbose = "verbose" in request.args
    checks = {"store": _check_store(fresh), "feed": fresh.error}
    if is_verbose:
        checks["schema"] = _check_schema()
    is_ready = all(problem is None for problem in checks.values())
    word, status = ("ready", 200) if is_ready else ("not ready", 503)
    if not is_verbose:
        return Response(f"{word}\n", status, content_type="text/plain; charset=utf-8")
    document = {"status": word, "checks": _tell(checks), **_tell_feed(fresh)}
    return Response(json.dumps(document), status, content_type="application/json")


def _check_store(fresh: HeadFreshness) -> str | None:
    return None if fresh.stale_since is None and fresh.as_of is not None else fresh.error or "has not answered yet"


def _check_schema() -> str | None:
    try:
        system = services().reports.system.describe()
    except SandboxError as error:
        return str(error)
    if system.schema_matches:
        return None
    return f"is {system.schema_current}, must be {system.schema_needed}; run `sandbox-ledger db upgrade`, start anew"


def _tell(checks: Mapping[str, str | None]) -> Mapping[str, str]:
    """Keep addresses and errors from those who have not signed in: probes ask without."""
    is_known = find_principal() is not None
    return {
        name: "ok" if problem is None else f"failed: {problem}" if is_known else "failed"
        for name, problem in checks.items()
    }


def _tell_feed(fresh: HeadFreshness) -> Mapping[str, object]:
    return {
        "position": fresh.position,
        "as_of": fresh.as_of.isoformat() if fresh.as_of else None,
        "stale_since": fresh.stale_since.isoformat() if fresh.stale_since else None,
    }


ROUTES = (
    Route(path="/livez", endpoint="livez", view=livez, role=None),
    Route(path="/readyz", endpoint="readyz", view=readyz, role=None),
)
