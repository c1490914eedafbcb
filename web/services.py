"""What a request may use: the read side of the ledger, opened by the first request of each process."""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import g

from provider.bootstrap import open_insights
from provider.runtime.insights import Insights
from provider.settings import Settings
from web.lazily import Lazily

if TYPE_CHECKING:
    from web.security.login import SignIn


class Services:
    """Everything behind the views. Safe from any thread and after `fork()`; nothing is opened before it is used."""

    def __init__(self, settings: Settings, sign_in: SignIn | None = None) -> None:
        self.settings = settings
        self.sign_in = sign_in
        self._insights = Lazily(lambda: open_insights(settings), Insights.close)
        self._closers: list[Callable[[], None]] = [self._insights.close]
        atexit.register(self.close)

    @property
    def insights(self) -> Insights:
        """The read side. May raise `StoreUnavailable`: the error page says so, and the next request tries again."""
        return self._insights.get()

    def closes(self, close: Callable[[], None]) -> None:
        """Call this when the server ends, before what was opened earlier is closed."""
        self._closers.append(close)

    def close(self) -> None:
        """Close what was opened, the latest first. Idempotent."""
        atexit.unregister(self.close)
        with contextlib.ExitStack() as all_of_them:
            for close in self._closers:
                all_of_them.callback(close)


def services() -> Services:
    """Give the services of the dashboard that answers this request."""
    found: Services = g.sandbox_ledger
    return found
