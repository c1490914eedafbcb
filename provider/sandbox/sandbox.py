"""The sandbox as an agent holds it: the client, and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provider.sandbox.client import Activity, SandboxClient


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was lost before this generation: the files and processes of a container that died."""

    previous_generation: int
    cause: str
    exit_code: int | None = None
    died_at: datetime | None = None
    downtime_seconds: float | None = None


class Sandbox(SandboxClient):
    """One generation of a sandbox.

    `restarted` is None unless this generation replaced a dead one; then an agent should know that earlier files and
    processes may be missing.
    """

    def __init__(
        self,
        sandbox_id: str,
        generation: int,
        url: str,
        *,
        restarted: Restarted | None = None,
        timeout: float = 60.0,
        command_timeout: float = 600.0,
        activity: Activity | None = None,
    ) -> None:
        super().__init__(
            url, sandbox_id=sandbox_id, timeout=timeout, command_timeout=command_timeout, activity=activity
        )
        self.id = sandbox_id
        self.generation = generation
        self.url = url
        self.restarted = restarted

    def __repr__(self) -> str:
        return f"Sandbox({self.id!r}, generation={self.generation})"
