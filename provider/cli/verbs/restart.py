"""`sandbox-ledger restart`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, reason_option, user_option, verb
from provider.cli.ordering import order_about
from provider.cli.outcome import write_outcome
from provider.cli.stderr import progress


@verb("restart")
@click.argument("reference", metavar="ID")
@user_option
@reason_option
def command(invocation: Invocation, reference: str, user: str | None, reason: str) -> None:
    """Give a sandbox a fresh container under the same id.

    Files and processes of the old one are lost; whoever holds the sandbox goes on holding it.
    """
    with invocation.insights() as insights:
        sandbox_id = insights.get(reference, user).sandbox_id
        with progress("replacing the container"):
            order_about(invocation, "restart", sandbox_id, reason)
        write_outcome(invocation, insights, sandbox_id, "restarted")
