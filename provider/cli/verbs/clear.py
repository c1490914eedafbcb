"""`sandbox-ledger clear`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, reason_option, user_option, verb
from provider.cli.ordering import order_about
from provider.cli.outcome import write_outcome


@verb("clear")
@click.argument("reference", metavar="ID")
@user_option
@reason_option
def command(invocation: Invocation, reference: str, user: str | None, reason: str) -> None:
    """End a sandbox's crash-loop back-off and forgive its crashes.

    It may then be started at once.
    """
    with invocation.insights() as insights:
        sandbox_id = insights.get(reference, user).sandbox_id
        report = order_about(invocation, "clear", sandbox_id, reason)
        write_outcome(invocation, insights, sandbox_id, report.detail)
