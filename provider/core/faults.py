"""Fault injection: a named point at every boundary of every use case, silent unless a test installs a hook.

Use cases consist of appends and engine calls only, so the points sit where those are made (`core.commit` and
`GuardedEngine`): `append.<EventType>.before` / `.after` (named after the first event) and `engine.<action>.before` /
`.after`.
A new use case, event or engine call has its points without another line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Hook = Callable[[str], None]

_HOOKS: Final[list[Hook]] = []


def install(hook: Hook | None) -> None:
    """Call `hook` with the name of every point passed in this process; None removes it. For tests only."""
    _HOOKS[:] = [] if hook is None else [hook]


def point(name: str) -> None:
    """Pass a point: the hook may kill or pause the process here, or raise."""
    for hook in _HOOKS:
        hook(name)
