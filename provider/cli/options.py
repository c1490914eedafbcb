"""Options and arguments that several verbs take, and how their texts are read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from provider.domain.times import AsOf

When = datetime | timedelta
"""A moment, or an age."""

reason_option = click.option(
    "--reason", metavar="TEXT", default="from the command line", help="Why, for those who read the audit later."
)  # fmt: skip
user_option = click.option("--user", metavar="USER", help="The user whose thread it is.")


def read_time(context: click.Context, parameter: click.Parameter, text: str | None) -> When | None:
    """Read a moment (ISO-8601; without a zone UTC) or an age such as 90s, 10m, 2h or 1d."""
    if text is None:
        return None
    from provider.domain.times import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; give 2026-07-30T12:00:00Z, or an age such as 90s, 10m, 2h, 1d") from None


def read_as_of(context: click.Context, parameter: click.Parameter, text: str | None) -> AsOf | None:
    """Read a position of the log, a moment, or an age such as 10m."""
    if text is None:
        return None
    from provider.domain.times import parse_as_of

    try:
        return parse_as_of(text)
    except ValueError as error:
        hint = "give 2026-07-30T12:00:00Z, an age such as 90s, 10m, 2h, 1d, or a position of the log"
        raise click.BadParameter(f"{error}; {hint}") from None


def read_types(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> frozenset[str]:
    """Accept names of events that the log can hold."""
    from provider.domain.events import REGISTRY

    for name in names:
        if name not in REGISTRY:
            raise click.BadParameter(f"{name!r} is no event; there are {', '.join(sorted(REGISTRY))}")
    return frozenset(names)


as_of_option = click.option(
    "--as-of", callback=read_as_of, metavar="TIME|POSITION",
    help="As it was then: a time, an age such as 10m, or a position of the log.",
)  # fmt: skip
since_option = click.option(
    "--since", callback=read_time, metavar="TIME", help="Since then, or not older than 90s, 10m, 2h, 1d."
)
until_option = click.option("--until", callback=read_time, metavar="TIME", help="Before then.")
types_option = click.option(
    "--type", "types", multiple=True, callback=read_types, metavar="TYPE", help="Only these; repeatable."
)
after_option = click.option(
    "--after", type=click.IntRange(min=0), default=0, metavar="POSITION", help="Only those behind it."
)
force_option = click.option("--force", is_flag=True, help="Replace a file that is there.")
