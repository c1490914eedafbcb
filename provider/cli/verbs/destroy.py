"""`sandbox-ledger destroy`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, reason_option, user_option, verb
from provider.cli.ordering import order_about
from provider.cli.outcome import write_outcome
from provider.cli.stderr import progress


@verb("destroy")
@click.argument("reference", metavar="ID")
@user_option
@reason_option
def command(invocation: Invocation, reference: str, user: str | None, reason: str) -> None:
    """Take a sandbox out of use and remove its container.

    Whoever holds it. Its history stays.
    """
    with invocation.insights() as insights:
        sandbox_id = insights.get(reference, user).sandbox_id
        with progress("removing the container"):
            report = order_about(invocation, "destroy", sandbox_id, reason)
        write_outcome(invocation, insights, sandbox_id, report.detail)
