"""The dashboard beside another command: a process of its own that ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provider.cli.stderr import tell

if TYPE_CHECKING:
    from provider.config.settings import Settings

GRACE_SECONDS = 20
BACKEND = "SANDBOX_LEDGER__SANDBOX__BACKEND"


@contextmanager
def dashboard(config: str | None, settings: Settings) -> Iterator[None]:
    """Serve for as long as a block runs; the server itself says where, or why it cannot.

    A server that ends before the block is reported and not started again: what ended it may need somebody to repair it.
    """
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
    is_over = threading.Event()
    threading.Thread(target=_watch, args=(server, is_over), name="dashboard-watch", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()
        _end(server)


def _watch(server: subprocess.Popen[bytes], is_over: threading.Event) -> None:
    code = server.wait()
    if not is_over.is_set():
        tell(f"the dashboard has ended with status {code}; the sweep goes on. `sandbox-ledger serve` starts it again")


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
    try:
        server.communicate(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        tell("the dashboard did not end in time: it is killed")
        server.kill()
        server.communicate()
