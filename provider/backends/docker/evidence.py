"""What an ended container left behind, read from the engine and cleaned of secrets."""

from __future__ import annotations

from collections.abc import Iterable

from docker.errors import APIError

from provider.backends.docker.engine import Engine, Inspection, explain
from provider.backends.docker.inspection import is_running, limits_of, parse_time
from provider.backends.redaction import log_tail
from provider.domain.containers import Evidence

# The engine keeps lines of at most 16 KiB, so this bounds what is read of any log to 4 MiB.
LOG_LINES = 256


def collect_evidence(engine: Engine, found: Inspection, secrets: Iterable[str]) -> Evidence:
    """Read the container's end out of its inspection, and the end of its log."""
    state, running, secrets = found["State"], is_running(found), list(secrets)
    return Evidence(
        found=True,
        exit_code=None if running else state.get("ExitCode"),
        oom_killed=bool(state.get("OOMKilled")),
        engine_error=log_tail((state.get("Error") or "").encode(), secrets),
        finished_at=None if running else parse_time(state.get("FinishedAt")),
        limits=limits_of(found),
        log_tail=read_log(engine, found["Id"], secrets),
    )


def read_log(engine: Engine, container_id: str, secrets: Iterable[str]) -> str:
    """Return the redacted end of a container's log; a refusal of the engine is told in its place."""
    with engine.asking(f"read the log of container {container_id[:12]}") as client:
        try:
            raw = client.logs(container_id, tail=LOG_LINES, stream=False)
        except APIError as error:
            if not error.is_client_error():
                raise
            return f"(the engine gives no log: {explain(error)})"
    return log_tail(raw, secrets)
