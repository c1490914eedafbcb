"""`sandbox-ledger sweeper`."""

from __future__ import annotations

import dataclasses
import signal
import threading
from types import FrameType

from provider.cli.invocation import Invocation, verb
from provider.cli.stderr import tell


@verb("sweeper")
def command(invocation: Invocation) -> None:
    """Sweep on schedule until Ctrl-C or SIGTERM.

    Any number may run, and every worker process sweeps as well unless sweeper.enabled is false: one at a time does.
    """
    from provider.bootstrap import open_provider

    settings = invocation.settings()
    wanted = dataclasses.replace(settings.sweeper, enabled=True)
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    with open_provider(dataclasses.replace(settings, sweeper=wanted)) as provider:
        tell(f"worker {provider.worker_id}: sweeps every {wanted.interval:g} s while it has the lead; Ctrl-C ends")
        stop.wait()
