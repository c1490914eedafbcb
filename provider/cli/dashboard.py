"""The dashboard beside another command: a process of its own that ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provider.cli.stderr import tell

if TYPE_CHECKING:
    from provider.settings import Settings

GRACE_SECONDS = 20
BACKEND = "SANDBOX_LEDGER__SANDBOX__BACKEND"


@contextmanager
def dashboard(config: str | None, settings: Settings) -> Iterator[None]:
    """Serve for as long as a block runs; the server itself says where, or why it cannot."""
    command = [sys.executable, "-m", "provider.cli", *(["--config", config] if config else [])]
    # A pipe that only this process holds: it closes even when this process is killed. A session of its own: Ctrl-C at
    # the terminal reaches this process alone, which then ends the server in order.
    server = subprocess.Popen(
        [*command, "serve", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, BACKEND: settings.sandbox.backend},
        start_new_session=True,
    )
    try:
        yield
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
    try:
        server.communicate(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        tell("the dashboard did not end in time: it is killed")
        server.kill()
        server.communicate()
