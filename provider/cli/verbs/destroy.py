"""`sandbox-ledger destroy`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, operator, user_option, verb
from provider.cli.outcome import write_outcome
from provider.cli.stderr import progress


@verb("destroy")
@click.argument("reference", metavar="ID")
@user_option
def command(invocation: Invocation, reference: str, user: str | None) -> None:
    """Take a sandbox out of use and remove its container.

    Whoever holds it. Its history stays.
    """
    with invocation.insights() as insights:
        before = insights.get(reference, user)
        with progress("removing the container"), invocation.provider() as provider:
            provider.destroy(before.sandbox_id, actor=operator())
        done = "was gone already" if before.status == "gone" else "destroyed"
        write_outcome(invocation, insights, before.sandbox_id, done)
