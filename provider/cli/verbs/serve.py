"""`sandbox-ledger serve`."""

from __future__ import annotations

from provider.cli.invocation import Invocation, verb
from provider.cli.stderr import tell


@verb("serve")
def command(invocation: Invocation) -> None:
    """Serve the dashboard until Ctrl-C or SIGTERM.

    It reads the ledger only: any number may run, on any machine that reaches the database.
    """
    from web.serving import serve

    serve(invocation.settings(), lambda url: tell(f"dashboard {url}"))
