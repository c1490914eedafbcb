"""End a process sandbox: politely, then by force, with everything it started."""

from __future__ import annotations

import os
import signal
import time

from provider.backends.pidfd import open_pidfd, wait_ended
from provider.backends.process.containers import ProcessContainer
from provider.backends.process.procfs import ProcessIdentity, kill_marked
from provider.domain.errors import BackendUnavailable

KILL_SECONDS = 5.0
POLL_SECONDS = 0.005


def end(container: ProcessContainer, stop_timeout: float) -> None:
    """Stop the container's processes and remove its directory.

    SIGTERM, SIGKILL after `stop_timeout`. Raise `BackendUnavailable` when something survives both.
    """
    process = container.directory.find_process()
    if process is not None and container.is_running():
        _ask_to_stop(process, stop_timeout)
    # Also when it has ended: its commands run in sessions of their own and may be left.
    _kill_all(container, time.monotonic() + KILL_SECONDS)
    container.directory.remove()


def _ask_to_stop(process: ProcessIdentity, stop_timeout: float) -> None:
    fd = open_pidfd(process.pid)
    if fd is None:
        return
    try:
        if process.is_running():  # looked at after the pidfd was opened: nobody else is signalled
            signal.pidfd_send_signal(fd, signal.SIGTERM)
            wait_ended(fd, stop_timeout)
    except ProcessLookupError:
        return
    finally:
        os.close(fd)


def _kill_all(container: ProcessContainer, deadline: float) -> None:
    # More than one round: a process may start another between the listing and its own end.
    while kill_marked(container.record.container_id):
        if time.monotonic() > deadline:
            raise BackendUnavailable(
                f"sandbox {container.sandbox_id}: processes of {container.directory.name} survive SIGKILL; "
                f"its directory stays, the removal can be repeated"
            )
        time.sleep(POLL_SECONDS)
