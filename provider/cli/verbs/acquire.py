"""`sandbox-ledger acquire`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import user_option
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress


@verb("acquire")
@click.argument("thread")
@user_option
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Longest wait for a start elsewhere.")
def command(invocation: Invocation, thread: str, user: str | None, timeout: float | None) -> None:
    """Make or find the sandbox of a THREAD; print its id.

    A command cannot hold a sandbox longer than it runs: the sandbox is warm afterwards, running and ready for the next
    one who acquires it, until it is unused for sandbox.idle_timeout.
    """
    with progress("acquiring a sandbox"), invocation.provider() as provider:
        sandbox_id = provider.acquire(thread, user_id=user, timeout=timeout)
        # Not left to the end of the worker: sandbox.on_shutdown may say that what it holds is destroyed then.
        provider.release(sandbox_id)
    if not invocation.is_json:
        write_line(sandbox_id)
        return
    from provider.reading.documents import sandbox_document

    with invocation.insights() as insights:
        write_json(sandbox_document(insights.get(sandbox_id)))
