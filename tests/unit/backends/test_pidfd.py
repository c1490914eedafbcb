"""The kernel probe."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from provider.backends.pidfd import PidfdLiveness, open_pidfd, open_proven, wait_ended


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that does nothing."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def open_probe(pid: int) -> PidfdLiveness:
    """Open a probe without proof."""
    probe = open_proven(pid, lambda _: True)
    assert probe is not None
    return probe


def test_a_zombie_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    probe = open_probe(sleeper.pid)
    assert probe.probe() is True
    sleeper.kill()
    assert wait_ended(probe.fileno(), 10)
    assert probe.probe() is False
    probe.close()


def test_an_unproven_process_has_no_probe_and_leaks_no_descriptor(sleeper: subprocess.Popen[bytes]) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    asked: list[int] = []

    def refuse(pid: int) -> bool:
        asked.append(pid)
        return False

    assert open_proven(sleeper.pid, refuse) is None
    assert asked == [sleeper.pid]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_no_process_has_no_probe(pid: int) -> None:
    assert open_pidfd(pid) is None


def test_the_descriptor_goes_with_the_probe(sleeper: subprocess.Popen[bytes]) -> None:
    probe = open_probe(sleeper.pid)
    fd = probe.fileno()
    os.fstat(fd)
    probe.close()
    assert probe.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    dropped = open_probe(sleeper.pid)
    fd = dropped.fileno()
    del dropped
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_threads_share_a_probe_and_closing_meets_no_one(sleeper: subprocess.Popen[bytes]) -> None:
    probe = open_probe(sleeper.pid)
    answers: set[bool | None] = set()
    closed = threading.Event()

    def ask() -> None:
        while not closed.is_set():
            answers.add(probe.probe())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2000):
        answers.add(probe.probe())
    probe.close()
    closed.set()
    for thread in threads:
        thread.join()
    assert answers <= {True, None}


def test_a_child_can_ask_too(sleeper: subprocess.Popen[bytes]) -> None:
    probe = open_probe(sleeper.pid)
    child = os.fork()
    if child == 0:
        answer = probe.probe()
        probe.close()
        os._exit(0 if answer is True else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert probe.probe() is True
    probe.close()
