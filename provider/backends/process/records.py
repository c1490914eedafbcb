"""The directory of one process sandbox: everything known about it, readable by any worker on the machine."""

from __future__ import annotations

import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provider.backends.process.procfs import ProcessIdentity


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """What was decided before the process was started; written once."""

    container_id: str
    labels: dict[str, str]
    host: str
    created_at: str


@dataclass(frozen=True, slots=True)
class ExitRecord:
    """How the process ended."""

    exit_code: int
    finished_at: datetime


class ContainerDirectory:
    """Reads and writes one container's directory. Holds nothing; files appear and vanish under it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The container's name."""
        return self.path.name

    @property
    def root(self) -> Path:
        """Where the sandbox works."""
        return self.path / "root"

    @property
    def log(self) -> Path:
        """What the sandbox process wrote."""
        return self.path / "log"

    @property
    def port_file(self) -> Path:
        """Where the sandbox process writes the port it listens on."""
        return self.path / "port"

    def find_container(self) -> ContainerRecord | None:
        """Return the record; None where there is no such container (any more)."""
        found = _read_json(self.path / "container.json")
        return None if found is None else ContainerRecord(**found)

    def find_process(self) -> ProcessIdentity | None:
        """Return which process it is; None before it was started."""
        found = _read_json(self.path / "process.json")
        return None if found is None else ProcessIdentity(**found)

    def find_exit(self) -> ExitRecord | None:
        """Return how it ended; None while it runs, or when its supervisor was killed."""
        found = _read_json(self.path / "exit.json")
        return (
            None if found is None else ExitRecord(found["exit_code"], datetime.fromtimestamp(found["finished_at"], UTC))
        )

    def find_port(self) -> int | None:
        """Return the port it listens on; None before it listens."""
        found = _read_text(self.port_file)
        return None if found is None else int(found)

    def read_log_end(self, size: int) -> tuple[bytes, bool]:
        """Return the last bytes of the log, and whether there are more before them."""
        try:
            with self.log.open("rb") as stream:
                total = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, total - size))
                return stream.read(size), total > size
        except FileNotFoundError:
            return b"", False

    def make(self, record: ContainerRecord) -> bool:
        """Make the directory with its record in one step; False when the name is taken."""
        new = self.path.with_name(f".new-{uuid.uuid4().hex}")
        (new / "root").mkdir(parents=True, mode=0o700)
        (new / "container.json").write_text(json.dumps(asdict(record)))
        try:
            new.rename(self.path)
        except OSError:
            shutil.rmtree(new)
            if self.path.exists():
                return False
            raise
        return True

    def forget_process(self) -> None:
        """Remove what an ended process wrote, so that another can be started in its place."""
        for name in ("process.json", "exit.json", "port"):
            (self.path / name).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the directory; the name is free at once. A missing directory is fine."""
        gone = self.path.with_name(f".gone-{uuid.uuid4().hex}")
        try:
            self.path.rename(gone)
        except FileNotFoundError:
            return
        shutil.rmtree(gone, onerror=_allow_and_retry)


def _read_json(path: Path) -> dict[str, Any] | None:
    text = _read_text(path)
    return None if text is None else dict(json.loads(text))


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _allow_and_retry(function: Callable[..., Any], path: str, error: Any) -> None:
    """Remove what a sandbox made unremovable, such as a directory without write permission."""
    for place in (Path(path).parent, Path(path)):
        if place.is_dir() and not place.is_symlink():
            place.chmod(place.stat().st_mode | stat.S_IRWXU)
    function(path)
