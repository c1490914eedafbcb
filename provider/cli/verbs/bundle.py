"""`sandbox-ledger bundle`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.options import When, force_option, since_option, until_option, user_option
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress
from provider.domain.wording import count_of


@verb("bundle", writes_file=True)
@click.option("--sandbox", metavar="ID", help="This sandbox, and the workers that had to do with it.")
@user_option
@since_option
@until_option
@click.option("--output", "path", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The bundle.")
@force_option
def command(
    invocation: Invocation, *, sandbox: str | None, user: str | None, since: When | None,
    until: When | None, path: Path, force: bool,
) -> None:  # fmt: skip
    """Put one incident into a file.

    A sandbox, a span of time, or both. `open` makes a ledger of it that every reading verb and the dashboard can show,
    wherever the file is taken. Pass it on with care: it has everything that was recorded.
    """
    from provider.archive.incident import IncidentRequest
    from provider.bootstrap import open_administration

    if sandbox is None and (user is not None or (since is None and until is None)):
        raise click.UsageError("say which incident: --sandbox ID, or a span with --since and --until")
    wanted = IncidentRequest(sandbox=sandbox, user_id=user, since=since, until=until)
    settings = invocation.existing()
    with closing(open_administration(settings, migrate=True)) as ledger, progress("reading what came before") as step:
        manifest = ledger.write_incident(
            path,
            wanted,
            replace=force,
            progress=lambda position: step(f"read {count_of(position, 'event')}"),
        )
    if invocation.is_json:
        write_json({"events": manifest.events, "output": str(path), "sha256": manifest.sha256})
    else:
        written = f"wrote {count_of(manifest.events, 'event')} to {path}"
        write_line(f"{written}; `sandbox-ledger open {path} --output DIR` shows them")
