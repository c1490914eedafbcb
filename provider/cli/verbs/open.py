"""`sandbox-ledger open`."""

from __future__ import annotations

from pathlib import Path

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.plain import visible
from provider.cli.render import write_json, write_line
from provider.cli.stderr import tell
from provider.domain.wording import count_of

EXISTING = click.Path(path_type=Path, exists=True, dir_okay=False)


@verb("open", writes_file=True)
@click.argument("bundles", nargs=-1, required=True, metavar="BUNDLE...", type=EXISTING)
@click.option(
    "--output", "directory", required=True, type=click.Path(path_type=Path), metavar="DIR",
    help="A directory, new or empty.",
)  # fmt: skip
def command(invocation: Invocation, *, bundles: tuple[Path, ...], directory: Path) -> None:
    """Make a ledger for reading of a bundle.

    An incident's, or archives from the log's beginning on. Every event is checked; the new directory has a SQLite file
    and a configuration for it. Nothing can be recorded in that ledger, and no engine is asked.
    """
    from provider.bootstrap.administration import open_bundle_ledger

    report = open_bundle_ledger(invocation.settings(), bundles, directory)
    for name in report.unproven:
        tell(f"{visible(name)}: whole, but without an HMAC that could be checked: nothing proves who made it")
    if invocation.is_json:
        write_json({"ledger_id": report.ledger_id, "events": report.events, "config": str(directory / "config.yaml")})
    else:
        config = visible(str(directory / "config.yaml"))
        write_line(f"{count_of(report.events, 'event')} of ledger {visible(report.ledger_id)}; look at them with")
        write_line(f"  sandbox-ledger --config {config} ps --all   (or history, why, events, verify, serve)")
