"""The option `--as-of`: the ledger as it was at a time, an age ago, or a position."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from provider.cli.verbs.events import read_since

AsOf = datetime | timedelta | int | None


def read_as_of(context: click.Context, parameter: click.Parameter, text: str | None) -> AsOf:
    """Read a position of the log, a moment, or an age such as 10m."""
    if text is not None and text.isdecimal() and text.isascii():
        return int(text)
    return read_since(context, parameter, text)


as_of_option = click.option(
    "--as-of", callback=read_as_of, metavar="TIME|POSITION",
    help="As it was then: a time, an age such as 10m, or a position of the log.",
)  # fmt: skip
