"""`sandbox-ledger seal`."""

from __future__ import annotations

from contextlib import closing

import click

from provider.cli.failures import FAILED
from provider.cli.invocation import Invocation, operator, verb
from provider.cli.render import write_line
from provider.cli.stderr import tell


@verb("seal")
@click.option("--accept", is_flag=True, help="Also a log that does not go on from the last seal made on this host.")
def command(invocation: Invocation, accept: bool) -> int:
    """Seal the log now and print the seal, one line of JSON.

    Keep the line where nobody who can write the database can change it; `verify --seal FILE` takes a file of such lines
    and finds a log that was cut off or rewritten since. When nothing happened since the last seal, that one is printed.
    This host keeps its seals too, and seals no log that does not go on from the last of them: give --accept when the
    ledger was put back from a backup on purpose.
    """
    from provider.bootstrap import open_administration
    from provider.domain.seals import format_seal

    with closing(open_administration(invocation.existing(), migrate=True)) as ledger:
        sealed = ledger.seal(operator(), accept=accept)
    if sealed is None:
        tell("the log is empty: there is nothing to seal")
        return FAILED
    write_line(format_seal(sealed.seal))
    return 0
