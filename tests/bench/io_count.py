"""Counting the I/O of one thread, to prove that something does none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.pool import Pool

from provider.testing import FakeBackend


@contextmanager
def counted(engine: FakeBackend) -> Iterator[Counter[str]]:
    """Count the I/O of this thread, and all engine calls but the probes; complete at the end."""
    calls, thread, before = Counter[str](), threading.get_ident(), engine.calls.copy()

    def checkout(*_: object) -> None:
        calls["store"] += threading.get_ident() == thread

    event.listen(Pool, "checkout", checkout)
    system_calls = _system_calls()
    looking = _system_calls() - system_calls  # what looking itself needs
    try:
        yield calls
    finally:
        calls["system"] += _system_calls() - system_calls - 2 * looking
        event.remove(Pool, "checkout", checkout)
        calls["engine"] += sum((engine.calls - before - Counter(probe=engine.calls["probe"])).values())


def _system_calls() -> int:
    lines = Path("/proc/thread-self/io").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("syscr", "syscw")))
