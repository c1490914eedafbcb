"""`sandbox-ledger archive`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provider.cli.invocation import Invocation, operator, verb
from provider.cli.options import read_as_of
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress
from provider.domain.wording import count_of

if TYPE_CHECKING:
    from provider.domain.times import AsOf


@verb("archive", writes_file=True)
@click.option(
    "--before", required=True, callback=read_as_of, metavar="TIME|POSITION",
    help="What is older: than a time, than an age such as 90d, or than this position.",
)  # fmt: skip
@click.option(
    "--output", "directory", required=True, metavar="DIR", help="Directory of the bundle, made where there is none.",
    type=click.Path(path_type=Path, file_okay=False, writable=True),
)  # fmt: skip
def command(invocation: Invocation, *, before: AsOf, directory: Path) -> None:
    """Move the oldest part of the log into a bundle.

    The bundle is written, read back and recorded before anything leaves the database. Run it again after an
    interruption: it goes on where it was. Keep the bundles: `import` makes the whole log of them again.
    """
    from provider.archive.new_file import refused
    from provider.bootstrap import open_administration

    settings = invocation.existing()
    with refused(directory):
        directory.mkdir(exist_ok=True)
    with closing(open_administration(settings, migrate=True)) as ledger, progress("archiving") as step:
        report = ledger.archive(before, directory, operator(), step)
    if invocation.is_json:
        base = report.base._asdict()
        write_json({"bundles": list(report.bundles), "pruned": report.pruned, "base": base})
        return
    for name in report.bundles:
        write_line(f"archived {directory / name}")
    where = f"the log in the database begins behind event {report.base.position}"
    write_line(
        f"removed {count_of(report.pruned, 'event')}; {where}" if report.pruned else f"nothing to archive; {where}"
    )
