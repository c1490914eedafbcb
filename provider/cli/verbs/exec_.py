"""`sandbox-ledger exec`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, verb
from provider.cli.options import user_option
from provider.cli.render import write_json, write_text
from provider.cli.stderr import progress, tell

if TYPE_CHECKING:
    from provider.api import SandboxProvider
    from provider.reading.insights import Insights
    from provider.sandbox.results import CommandResult
    from provider.sandbox.sandbox import Sandbox

SHORTEST_PREFIX = 8


@verb("exec")
@click.argument("reference", metavar="THREAD_OR_ID")
@user_option
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it after that.")
@click.argument("words", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def command(
    invocation: Invocation, reference: str, user: str | None, timeout: float | None, words: tuple[str, ...]
) -> int:
    """Run a COMMAND in a sandbox and exit with its code.

    The code is 124 after a timeout. The sandbox is acquired first, made if need be, and released afterwards. One word
    is a line for the shell, several are passed as they are. An id may be cut to its first 8 digits. When the container
    was made anew, a line on stderr says what was lost.
    """
    line = words[0] if len(words) == 1 else shlex.join(words)
    with (
        invocation.insights(make=True) as insights,
        invocation.provider() as provider,
        _held(provider, insights, reference, user) as sandbox,
    ):
        _tell_restart(sandbox, insights)
        result = sandbox.execute_command(line, timeout=timeout)
    if result.timed_out:
        tell(f"sandbox {sandbox.id}: the command was stopped after its time was over")
    if invocation.is_json:
        write_json(_document(sandbox, result))
    else:
        write_text(result.output)
    return result.exit_code if 0 <= result.exit_code <= 255 else FAILED


@contextmanager
def _held(provider: SandboxProvider, insights: Insights, reference: str, user: str | None) -> Iterator[Sandbox]:
    """Hold the sandbox for the time of a command."""
    from provider.domain.errors import SandboxGone

    thread, owner, sandbox_id = _resolve(insights, reference, user)
    with progress("acquiring the sandbox"):
        sandbox = provider.ensure(thread, user_id=owner) if thread is not None else provider.get(sandbox_id)
    if sandbox is None:
        raise SandboxGone(sandbox_id, f"is not running and has no thread; try `sandbox-ledger restart {sandbox_id}`")
    try:
        yield sandbox
    finally:
        provider.release(sandbox.id)


def _resolve(insights: Insights, reference: str, user: str | None) -> tuple[str | None, str | None, str]:
    """Return thread, user and id of what is meant; a thread that has no sandbox yet has no id."""
    from provider.domain.errors import SandboxNotFound
    from provider.domain.ids import is_sandbox_id

    # A new thread may be called "1234": so few digits must not lead into somebody else's sandbox.
    found = insights.find(reference, user, shortest_prefix=SHORTEST_PREFIX)
    if found is not None:
        return found.thread_id, found.user_id, found.sandbox_id
    if user is None and is_sandbox_id(reference):
        raise SandboxNotFound(reference)
    return reference, user, ""


def _tell_restart(sandbox: Sandbox, insights: Insights) -> None:
    """Report what was lost, to whoever uses the new container first."""
    from provider.reading.insights import is_first_use
    from provider.reading.narrative import tell_restarted

    lost = sandbox.restarted
    if lost is None or not is_first_use(insights.history(sandbox.id), sandbox.generation):
        return
    tell(tell_restarted(sandbox.id, sandbox.generation, lost))


def _document(sandbox: Sandbox, result: CommandResult) -> dict[str, object]:
    return {
        "sandbox_id": sandbox.id, "generation": sandbox.generation, "output": result.output,
        "exit_code": result.exit_code, "truncated": result.truncated, "timed_out": result.timed_out,
        "duration_seconds": result.duration_seconds,
    }  # fmt: skip
