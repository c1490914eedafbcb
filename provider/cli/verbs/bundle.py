"""`sandbox-ledger bundle`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from provider.cli.invocation import Invocation, user_option, verb
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress
from provider.cli.verbs.events import read_since


@verb("bundle", writes_file=True)
@click.option("--sandbox", metavar="ID", help="This sandbox, and the workers that had to do with it.")
@user_option
@click.option("--since", callback=read_since, metavar="TIME", help="Since then, or not older than 90s, 10m, 2h, 1d.")
@click.option("--until", callback=read_since, metavar="TIME", help="Before then.")
@click.option("--output", "path", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The bundle.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(
    invocation: Invocation, *, sandbox: str | None, user: str | None, since: datetime | timedelta | None,
    until: datetime | timedelta | None, path: Path, force: bool,
) -> None:  # fmt: skip
    """Put one incident into a file.

    A sandbox, a span of time, or both. `open` makes a ledger of it that every reading verb and the dashboard can show,
    wherever the file is taken. Pass it on with care: it has everything that was recorded.
    """
    from provider.archive.incident import Wanted
    from provider.bootstrap import write_incident

    if sandbox is None and (user is not None or (since is None and until is None)):
        raise click.UsageError("say which incident: --sandbox ID, or a span with --since and --until")
    wanted = Wanted(sandbox=sandbox, user_id=user, since=since, until=until)
    with progress("reading what came before") as step:
        manifest = write_incident(
            invocation.settings(),
            path,
            wanted,
            replace=force,
            progress=lambda position: step(f"read {position} events"),
        )
    if invocation.is_json:
        write_json({"events": manifest.events, "output": str(path), "sha256": manifest.sha256})
    else:
        write_line(f"wrote {manifest.events} events to {path}; `sandbox-ledger open {path} --output DIR` shows them")
