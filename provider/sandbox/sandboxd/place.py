"""What every request handler is given: where it may work, its limits, and the processes."""

from __future__ import annotations

import errno
import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .account import Account
    from .children import Children
    from .guard import Guard


class Place:
    """The place this server works in."""

    def __init__(self, roots: list[str], workdir: str, max_output: int, max_body: int, guard: Guard) -> None:
        self.guard = guard
        self.account: Account | None = None
        self.workdir = workdir
        self.max_output = max_output
        self.max_body = max_body
        self.roots = roots
        self._real_roots = [os.path.realpath(root).rstrip("/") for root in roots]
        self._children: Children | None = None
        self._has_children = threading.Event()

    @property
    def children(self) -> Children:
        """The processes; waits for them in the first milliseconds, when requests are already answered."""
        self._has_children.wait()
        assert self._children is not None  # noqa: S101 -- the event says so
        return self._children

    def start(self, children: Children) -> None:
        """Open the place for commands."""
        self._children = children
        self._has_children.set()

    def resolve(self, path: str) -> str:
        """Give the real path, symbolic links followed, of a path that has to lie within the roots.

        A relative path starts at the working directory.
        """
        real = os.path.realpath(os.path.join(self.workdir, path))
        if not any(real == root or real.startswith(f"{root}/") for root in self._real_roots):
            raise PermissionError(errno.EACCES, "outside the directories of this sandbox", path)
        return real


def printable(path: str) -> str:
    """Make a file name fit for JSON; bytes that are not UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
