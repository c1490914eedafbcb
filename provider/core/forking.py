"""After `fork()`: every open provider in the child begins anew and leaves the parent's things alone."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that must begin anew in a forked child."""

    def begin_anew(self) -> None:
        """Replace everything inherited. Called in the child, before any other code: no I/O, no inherited lock."""


_OPEN: weakref.WeakSet[Forkable] = weakref.WeakSet()
_REGISTERED: list[bool] = []


def renew_after_fork(subject: Forkable) -> None:
    """Call `subject.begin_anew` in every child that is forked while it lives."""
    if not _REGISTERED:
        os.register_at_fork(after_in_child=_renew_all)
        _REGISTERED.append(True)
    _OPEN.add(subject)


def _renew_all() -> None:
    for subject in list(_OPEN):
        subject.begin_anew()
