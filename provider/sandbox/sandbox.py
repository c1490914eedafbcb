"""The sandbox as an agent holds it: the client, and who it is."""

from __future__ import annotations

from provider.domain.containers import Restarted
from provider.sandbox.client import Activity, SandboxClient


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
        token: str | None = None,
        restarted: Restarted | None = None,
        timeout: float = 60.0,
        command_timeout: float = 600.0,
        activity: Activity | None = None,
    ) -> None:
        super().__init__(
            url, sandbox_id=sandbox_id, token=token, timeout=timeout, command_timeout=command_timeout, activity=activity
        )
        self.id = sandbox_id
        self.generation = generation
        self.url = url
        self.restarted = restarted

    def __repr__(self) -> str:
        return f"Sandbox({self.id!r}, generation={self.generation})"
