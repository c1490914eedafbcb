"""`sandbox-ledger events`."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.showing import follow_events, show_events


def read_since(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | timedelta | None:
    """Read a moment (ISO-8601; without a zone UTC) or an age such as 90s, 10m, 2h or 1d."""
    if text is None:
        return None
    from provider.domain.times import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; give 2026-07-30T12:00:00Z, or an age such as 90s, 10m, 2h, 1d") from None


def read_types(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> frozenset[str]:
    """Accept names of events that the log can hold."""
    from provider.domain.events import REGISTRY

    for name in names:
        if name not in REGISTRY:
            raise click.BadParameter(f"{name!r} is no event; there are {', '.join(sorted(REGISTRY))}")
    return frozenset(names)


@verb("events")
@click.option("-f", "--follow", is_flag=True, help="Stay, and show events as they come.")
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="POSITION", help="Only those behind it.")
@click.option("--type", "types", multiple=True, callback=read_types, metavar="TYPE", help="Only these; repeatable.")
@click.option("--since", callback=read_since, metavar="TIME", help="Since then, or not older than 90s, 10m, 2h, 1d.")
def command(
    invocation: Invocation, follow: bool, after: int, types: frozenset[str], since: datetime | timedelta | None
) -> None:
    """Show the log, checked against its hash chain; as JSON, one object a line."""
    with invocation.insights() as insights:
        moment = insights.now() - since if isinstance(since, timedelta) else since
        start = insights.start_of(after, moment)
        events = follow_events(insights.feed(), start, types) if follow else insights.events(start, types)
        show_events(invocation, events)
