"""What listens on every interface of this machine, read from the kernel's tables (proc(5))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

LISTENING = "0A"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def list_open_ports() -> Sequence[int]:
    """List the TCP ports with a listener on every interface, in order; none where the kernel has no such tables."""
    return sorted({port for table in TABLES if table.exists() for port in _read(table)})


def _read(table: Path) -> Iterator[int]:
    for line in table.read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, port = local.partition(":")
        if state == LISTENING and not address.strip("0"):
            yield int(port, 16)
