"""`sandbox-ledger events`."""

from __future__ import annotations

from datetime import timedelta

import click

from provider.cli.event_lines import follow_events, show_events
from provider.cli.invocation import Invocation, verb
from provider.cli.options import When, after_option, since_option, types_option


@verb("events")
@click.option("-f", "--follow", is_flag=True, help="Stay, and show events as they come.")
@after_option
@types_option
@since_option
def command(invocation: Invocation, follow: bool, after: int, types: frozenset[str], since: When | None) -> None:
    """Show the log, checked against its hash chain; as JSON, one object a line."""
    with invocation.insights() as insights:
        moment = insights.now() - since if isinstance(since, timedelta) else since
        start = insights.start_of(after, moment)
        events = follow_events(insights.feed(), start, types) if follow else insights.events(start, types)
        show_events(invocation, events)
