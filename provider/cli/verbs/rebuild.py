"""`sandbox-ledger rebuild`."""

from __future__ import annotations

from contextlib import closing

from provider.cli.invocation import Invocation, verb
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress
from provider.domain.wording import count_of


@verb("rebuild")
def command(invocation: Invocation) -> None:
    """Make the tables again from the log.

    These are `sandboxes` and `generations`; workers wait meanwhile.
    """
    from provider.bootstrap import open_administration

    with closing(open_administration(invocation.existing())) as ledger, progress("reading the log") as step:
        events = ledger.maintenance.rebuild(lambda position: step(f"read {count_of(position, 'event')}"))
    if invocation.is_json:
        write_json({"events": events})
    else:
        write_line(f"rebuilt from {count_of(events, 'event')}")
