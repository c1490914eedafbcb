"""The option `--as-of`: the ledger as it was at a time, an age ago, or a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from provider.domain.times import AsOf


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


as_of_option = click.option(
    "--as-of", callback=read_as_of, metavar="TIME|POSITION",
    help="As it was then: a time, an age such as 10m, or a position of the log.",
)  # fmt: skip
