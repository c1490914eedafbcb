"""`sandbox-ledger release`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, operator, user_option, verb
from provider.cli.outcome import write_outcome


@verb("release")
@click.argument("reference", metavar="ID")
@user_option
def command(invocation: Invocation, reference: str, user: str | None) -> None:
    """Take every worker's hold off a sandbox, so that it is warm.

    For holds of workers that are gone. One that still lives is not stopped, but its sandbox may be reaped.
    """
    from provider.bootstrap import release_sandbox

    with invocation.insights() as insights:
        sandbox_id = insights.get(reference, user).sandbox_id
        holders = release_sandbox(invocation.settings(), sandbox_id, operator())
        released = f"released from {', '.join(holders)}" if holders else "was held by nobody"
        write_outcome(invocation, insights, sandbox_id, released)
