"""The demonstration: a sandbox that loses its container, and a worker that loses its memory. All of it real."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from provider.cli.event_lines import write_event_table
from provider.cli.invocation import operator
from provider.cli.plain import visible_lines
from provider.cli.render import write_line, write_wrapped
from provider.cli.stderr import progress
from provider.cli.verbs.why import write_narrative
from provider.domain.errors import SandboxError, SandboxGone
from provider.domain.ids import derive_sandbox_id

if TYPE_CHECKING:
    from provider.api import SandboxProvider
    from provider.config.settings import Settings
    from provider.reading.insights import Insights
    from provider.sandbox.sandbox import Sandbox

USER = "demo"
# The sandbox's server is the parent of every command. SIGKILL does not reach the first process of a container from
# inside, SIGTERM does; but only root's, which commands of the demonstration are for that.
END_THE_CONTAINER = "kill -KILL $PPID; kill -TERM $PPID"
NOTE = "note.txt"
PATIENCE_SECONDS = 10.0


class DemonstrationError(SandboxError):
    """Something did not go as the demonstration says it must."""


class Demonstration:
    """One run of it, with a thread of its own that nobody else uses."""

    def __init__(self, settings: Settings, insights: Insights) -> None:
        security = replace(settings.sandbox.security, user="root")
        self._settings = replace(settings, sandbox=replace(settings.sandbox, security=security))
        self._insights = insights
        self._thread = f"demo-{secrets.token_hex(3)}"
        self._sandbox_id = derive_sandbox_id(USER, self._thread)

    def run(self) -> None:
        """Run it; the container is removed at the end, its history stays."""
        try:
            with self._open() as provider:
                self._crash(provider)
            write_line("\n4. The worker restarts: a new process, with nothing in its memory.")
            with self._open() as provider:
                self._find_again(provider)
        finally:
            self._clean_up()
        self._show()

    def _clean_up(self) -> None:
        if self._insights.find(self._sandbox_id) is not None:
            with self._open() as provider:
                provider.destroy(self._sandbox_id, actor=operator())

    def _open(self) -> SandboxProvider:
        from provider.bootstrap import open_provider

        return open_provider(self._settings)

    def _crash(self, provider: SandboxProvider) -> None:
        write_line(f"1. Thread {self._thread} acquires a sandbox.")
        sandbox = self._ensure(provider)
        _run(sandbox, "uname -sm")
        _run(sandbox, f"echo 'remember me' > {NOTE} && cat {NOTE}")
        write_line("\n2. The container is killed behind everybody's back.")
        _end_container(sandbox)
        _wait_until_gone(provider, sandbox)
        write_line("\n3. The agent goes on: the same thread, the next command.")
        fresh = self._ensure(provider)
        if fresh.id != sandbox.id or fresh.generation != sandbox.generation + 1 or fresh.restarted is None:
            raise DemonstrationError(f"sandbox {sandbox.id}: was not restarted; got {fresh!r}")
        from provider.reading.narrative import tell_restarted

        write_wrapped(f"told: {tell_restarted(fresh.id, fresh.generation, fresh.restarted)}", indent="   ")
        _run(fresh, f"cat {NOTE}")
        _run(fresh, f"echo 'second life' > {NOTE}")

    def _find_again(self, provider: SandboxProvider) -> None:
        sandbox = self._ensure(provider)
        if sandbox.generation != 2:
            raise DemonstrationError(f"sandbox {self._sandbox_id}: was not found again; got {sandbox!r}")
        _run(sandbox, f"cat {NOTE}")

    def _ensure(self, provider: SandboxProvider) -> Sandbox:
        began = time.monotonic()
        with progress("acquiring a sandbox"):
            sandbox = provider.ensure(self._thread, user_id=USER)
        seconds = time.monotonic() - began
        write_line(f"   sandbox {sandbox.id}, generation {sandbox.generation}, in {seconds * 1000:.0f} ms")
        return sandbox

    def _show(self) -> None:
        from provider.reading.narrative import tell_ending

        sandbox_id = self._sandbox_id
        write_line(f"\n5. What the ledger says (`sandbox-ledger history {sandbox_id}`):\n")
        write_event_table(self._insights.history(sandbox_id))
        first = self._insights.find_ending(self._insights.get(sandbox_id), 1)
        if first is not None:
            write_line(f"\n6. How the first container ended (`sandbox-ledger why {sandbox_id} --generation 1`):\n")
            write_narrative(tell_ending(first, self._insights.now()))


def _run(sandbox: Sandbox, command: str) -> None:
    write_line(f"   $ {command}")
    result = sandbox.execute_command(command, timeout=30)
    for line in visible_lines(result.output):
        write_line(f"   {line}")


def _end_container(sandbox: Sandbox) -> None:
    write_line(f"   $ {END_THE_CONTAINER}")
    try:
        sandbox.execute_command(END_THE_CONTAINER, timeout=5)
    except (SandboxGone, TimeoutError) as error:
        write_line(f"   {type(error).__name__}: nobody answers any more")


def _wait_until_gone(provider: SandboxProvider, sandbox: Sandbox) -> None:
    """Wait for the engine to know it too: it needs some milliseconds after the kill."""
    _wait(lambda: provider.get(sandbox.id) is None, f"sandbox {sandbox.id}: its container survived the kill")


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise DemonstrationError(otherwise)
        time.sleep(0.02)
