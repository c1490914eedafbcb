"""What happens at a point: nothing but a note, SIGKILL, SIGSTOP, or an error as a lost connection makes it."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from provider.domain.errors import BackendUnavailable, StoreUnavailable

Kind = Literal["kill", "pause", "raise"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Place:
    """The n-th time that a worker passes a point."""

    point: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.point}#{self.occurrence}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` gives."""
        point, _, occurrence = text.partition("#")
        return cls(point, int(occurrence))


class Hook:
    """Counts the points passed and does what is wanted at one of them."""

    def __init__(self, notes: Path, place: Place | None, kind: Kind) -> None:
        self._notes = notes
        self._place = place
        self._kind = kind
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ignored: tuple[str, ...] = ()

    def ignore(self, *prefixes: str) -> None:
        """Leave out these points from now on."""
        self._ignored = prefixes

    def __call__(self, name: str) -> None:
        if self._ignored and name.startswith(self._ignored):
            return
        with self._lock:
            self._passed[name] += 1
            here = Place(name, self._passed[name])
            with self._notes.open("a") as notes:
                notes.write(f"{here.point} {here.occurrence}\n")
        if here == self._place:
            self._strike(name)

    def _strike(self, name: str) -> None:
        if self._kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._kind == "pause":
            # To this very thread, which stops before it goes on; sent to the process, another thread may take it.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        elif name.startswith("engine."):
            raise BackendUnavailable(f"injected at {name}")
        else:
            raise StoreUnavailable(f"injected at {name}")


def read_places(notes: Path) -> list[Place]:
    """Read which points were passed, in order."""
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [Place(point, int(occurrence)) for point, occurrence in (line.split() for line in lines)]
