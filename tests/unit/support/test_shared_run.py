"""A server is started once for all processes of a run, and stopped even when the run was killed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.requirements import UnavailableError
from tests.support.shared_run import OwnedRun, SharedRun


class Starts:
    """Counts how often a server is started and stopped."""

    def __init__(self, unavailable: str = "") -> None:
        self.started: list[Path] = []
        self.stopped: list[Path] = []
        self._unavailable = unavailable

    def start(self, directory: Path) -> dict[str, str]:
        self.started.append(directory)
        if self._unavailable:
            raise UnavailableError(self._unavailable)
        return {"port": "5432"}

    def stop(self, directory: Path) -> None:
        self.stopped.append(directory)


def test_the_second_process_gets_what_the_first_started(tmp_path: Path) -> None:
    server = Starts()
    owner = OwnedRun.make({"server": server.stop}, root=tmp_path)
    worker = SharedRun(owner.directory)
    assert owner.once("server", server.start) == worker.once("server", server.start) == {"port": "5432"}
    assert len(server.started) == 1
    owner.close()


def test_what_cannot_start_is_tried_once(tmp_path: Path) -> None:
    server = Starts(unavailable="no server (not installed)")
    owner = OwnedRun.make({"server": server.stop}, root=tmp_path)
    for run in (owner, SharedRun(owner.directory)):
        with pytest.raises(UnavailableError, match="not installed"):
            run.once("server", server.start)
    assert len(server.started) == 1
    owner.close()


def test_closing_stops_what_was_started_and_leaves_nothing(tmp_path: Path) -> None:
    used, unused = Starts(), Starts()
    owner = OwnedRun.make({"used": used.stop, "unused": unused.stop}, root=tmp_path)
    owner.once("used", used.start)
    owner.close()
    assert (len(used.stopped), len(unused.stopped)) == (1, 0)
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_stops_what_a_killed_one_left(tmp_path: Path) -> None:
    server = Starts()
    living = OwnedRun.make({"server": server.stop}, root=tmp_path)
    living.once("server", server.start)
    left = tmp_path / "sl-run-left"
    shutil.copytree(living.directory, left)
    successor = OwnedRun.make({"server": server.stop}, root=tmp_path)
    assert server.stopped == [left / "server"]
    assert living.directory.exists(), "a run whose owner lives is left alone"
    assert not left.exists()
    living.close()
    successor.close()
