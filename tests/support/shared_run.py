"""What all processes of one test run share: a short directory, and servers that are started once.

The process that the user started (the controller, with pytest-xdist) owns the directory. Whichever worker needs a
server first starts it there; the owner stops it at the end. A run that was killed leaves a directory whose lock nobody
holds: the next run stops what still runs in there.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.requirements import UnavailableError

# Sockets are made below it and their paths may have 107 characters, so the directory is not under a long TMPDIR. In
# memory where there is such a place: what the servers keep is needed by nobody afterwards.
ROOT = next(place for place in (Path("/dev/shm"), Path("/tmp")) if os.access(place, os.W_OK))
PREFIX = "sl-run-"

Stop = Callable[[Path], None]
"""Stops whatever runs in a directory; does nothing when nothing does."""


class SharedRun:
    """The shared directory, seen from any process of the run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def once(self, name: str, make: Callable[[Path], dict[str, str]]) -> dict[str, str]:
        """Return what `make` returned, calling it in the first process that asks and making the others wait.

        `make` gets a directory of that name. When it raises UnavailableError, every process that asks gets that error.
        """
        answer = self.directory / f"{name}.json"
        with _locked(self.directory / f"{name}.lock"):
            if not answer.exists():
                place = self.directory / name
                place.mkdir()
                try:
                    made = {"made": make(place)}
                except UnavailableError as error:
                    made = {"unavailable": {"reason": str(error)}}
                answer.write_text(json.dumps(made))
        known: dict[str, dict[str, str]] = json.loads(answer.read_text())
        if "unavailable" in known:
            raise UnavailableError(known["unavailable"]["reason"])
        return known["made"]


class OwnedRun(SharedRun):
    """The shared directory, seen from the process that made it and removes it."""

    def __init__(self, directory: Path, lock: IO[str], stops: dict[str, Stop]) -> None:
        super().__init__(directory)
        self._lock = lock
        self._stops = stops

    @classmethod
    def make(cls, stops: dict[str, Stop], *, root: Path = ROOT) -> OwnedRun:
        """Make the directory of a new run, after stopping what killed runs left behind.

        `stops` tells for each name given to `once` how to stop what runs in its directory.
        """
        _stop_abandoned(root, stops)
        directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        directory.chmod(0o755)
        # Locked before it gets its name: at no moment does this run look abandoned.
        lock = (directory / "owner.new").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "owner.new").rename(directory / "owner")
        return cls(directory, lock, stops)

    def close(self) -> None:
        """Stop what was started and remove the directory."""
        try:
            _stop_all(self.directory, self._stops)
        finally:
            self._lock.close()


def _stop_abandoned(root: Path, stops: dict[str, Stop]) -> None:
    for directory in root.glob(f"{PREFIX}*"):
        try:
            with (directory / "owner").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop_all(directory, stops)
        except (FileNotFoundError, PermissionError, BlockingIOError):
            continue  # being made or removed, somebody else's, or in use


def _stop_all(directory: Path, stops: dict[str, Stop]) -> None:
    try:
        for name, stop in stops.items():
            if (directory / name).is_dir():
                stop(directory / name)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
