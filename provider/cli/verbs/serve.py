"""`sandbox-ledger serve`."""

from __future__ import annotations

import os
import signal
import threading

import click

from provider.cli.invocation import Invocation, verb
from provider.cli.stderr import tell


@verb("serve")
@click.option("--until-stdin-closes", is_flag=True, hidden=True, help="End with the process that started this one.")
def command(invocation: Invocation, until_stdin_closes: bool) -> None:
    """Serve the dashboard until Ctrl-C or SIGTERM.

    Any number may run, on every machine that reaches the database. Who may see it, and from where: web.auth.
    """
    from web.serving import serve

    settings = invocation.settings()
    if until_stdin_closes:
        threading.Thread(target=_end_with_stdin, name="serve-until", daemon=True).start()
    serve(settings, lambda url: tell(f"dashboard {url}"))


def _end_with_stdin() -> None:
    """Wait until nobody can write to stdin any more, which is so even when a starter was killed; then end in order."""
    # Not through `sys.stdin`: this thread would hold its lock for good, and the interpreter abort at its end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
