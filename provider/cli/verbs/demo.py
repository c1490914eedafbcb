"""`sandbox-ledger demo`."""

from __future__ import annotations

import click

from provider.cli.invocation import Invocation, verb


@verb("demo")
def command(invocation: Invocation) -> None:
    """Kill a container and a worker before your eyes; takes seconds."""
    if invocation.is_json:
        raise click.UsageError("demo is for people and has no JSON output; `-o json events` shows what it recorded")
    from provider.cli.demonstration import Demonstration

    with invocation.insights(make=True) as insights:
        Demonstration(invocation.settings(), insights).run()
