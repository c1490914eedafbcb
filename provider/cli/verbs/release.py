"""`sandbox-ledger release`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, reason_option, user_option, verb
from provider.cli.ordering import order_about
from provider.cli.outcome import write_outcome


@verb("release")
@click.argument("reference", metavar="ID")
@user_option
@reason_option
def command(invocation: Invocation, reference: str, user: str | None, reason: str) -> None:
    """Take every worker's hold off a sandbox, so that it is warm.

    For holds of workers that are gone. One that still lives is not stopped, but its sandbox may be reaped.
    """
    with invocation.insights() as insights:
        sandbox_id = insights.get(reference, user).sandbox_id
        report = order_about(invocation, "release", sandbox_id, reason)
        write_outcome(invocation, insights, sandbox_id, report.detail)
