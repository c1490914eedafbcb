"""The only place that wires adapters together: settings, store and backend become what a caller asks for.

Its doors, each imported when it is first used, so that a caller pays only for what is behind it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provider.bootstrap.actions import open_actions
    from provider.bootstrap.administration import open_administration
    from provider.bootstrap.insights import open_insights, open_past
    from provider.bootstrap.reports import open_reports
    from provider.bootstrap.workers import open_provider

__all__ = ["open_actions", "open_administration", "open_insights", "open_past", "open_provider", "open_reports"]

_ROOMS = {
    "open_actions": "provider.bootstrap.actions",
    "open_administration": "provider.bootstrap.administration",
    "open_insights": "provider.bootstrap.insights",
    "open_past": "provider.bootstrap.insights",
    "open_provider": "provider.bootstrap.workers",
    "open_reports": "provider.bootstrap.reports",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_ROOMS[name]), name)
    return found
