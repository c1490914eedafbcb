"""`sandbox-ledger import`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.plain import visible
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress, tell
from provider.domain.wording import count_of


@verb("import")
@click.argument(
    "bundles",
    nargs=-1,
    required=True,
    metavar="BUNDLE...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--accept-unsigned", is_flag=True, help="Take bundles without the HMAC of audit.seal_key, too.")
def command(invocation: Invocation, *, bundles: tuple[Path, ...], accept_unsigned: bool) -> None:
    """Make a ledger again from its bundles.

    The configured database must be empty. All bundles from the first event on, in any order: archives, and an export
    with --format bundle of what was not archived. Every event is checked; all are taken, or none.
    """
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.settings(), migrate=True)) as ledger, progress("importing") as step:
        report = ledger.import_bundles(
            bundles, accept_unsigned=accept_unsigned,
            progress=lambda position: step(f"imported {count_of(position, 'event')}"),
        )  # fmt: skip
    for name in report.unproven:
        tell(f"{visible(name)}: whole, but without an HMAC that could be checked: nothing proves who made it")
    if invocation.is_json:
        write_json({"ledger_id": report.ledger_id, "events": report.events, "unproven": list(report.unproven)})
    else:
        write_line(f"imported {count_of(report.events, 'event')} of ledger {visible(report.ledger_id)}")
