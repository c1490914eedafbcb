"""What a request may use: the read side of the ledger, opened by the first request of each process."""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import g

from provider.bootstrap import open_actions, open_reports
from provider.config.settings import Settings
from provider.core.per_process import PerProcess
from provider.domain.errors import StoreUnavailable
from provider.reading.insights import Insights
from provider.reading.reports import Reports
from provider.runtime.operators.actions import OperatorActions
from web.invariants import Invariants
from web.last_known import LastKnown
from web.live.places import Places
from web.live.tailer import Tailer

if TYPE_CHECKING:
    from web.security.login import SignIn


class Services:
    """Everything behind the views. Safe from any thread and after `fork()`; nothing is opened before it is used."""

    def __init__(self, settings: Settings, sign_in: SignIn | None = None) -> None:
        self.settings = settings
        self.sign_in = sign_in
        self.streams = Places(settings.web.threads // 2)
        self._reports = PerProcess(lambda: open_reports(settings), Reports.close)
        self._actions = PerProcess(lambda: open_actions(settings), OperatorActions.close)
        self.last_known = LastKnown()
        self.invariants = Invariants()
        self._tailer = PerProcess(lambda: Tailer(lambda: self._reports.get().insights).start(), Tailer.stop)
        self._closers: list[Callable[[], None]] = [self._reports.close, self._actions.close, self._tailer.close]
        atexit.register(self.close)

    @property
    def reports(self) -> Reports:
        """The read side. May raise `StoreUnavailable`: the error page says so, and the next request tries again.

        While the look-out finds that the ledger does not answer, that is raised at once: a request that waited for the
        database would keep a thread from others.
        """
        tailer = self._tailer.find()
        fresh = tailer.freshness() if tailer is not None else None
        if fresh is not None and fresh.stale_since is not None:
            raise StoreUnavailable(fresh.error)
        return self._reports.get()

    @property
    def insights(self) -> Insights:
        """What the read side tells about single sandboxes and events."""
        return self.reports.insights

    @property
    def actions(self) -> OperatorActions:
        """What carries out operators' actions, as a worker of its own."""
        return self._actions.get()

    def open_tailer(self) -> Tailer:
        """Give the look-out of this process, which begins with its first use."""
        return self._tailer.get()

    def position(self) -> int:
        """Tell which event the look-out has seen last; 0 before it began."""
        tailer = self._tailer.find()
        return tailer.freshness().position if tailer is not None else 0

    def leave(self) -> None:
        """End all streams: the server is about to end. A handler of signals may call this."""
        tailer = self._tailer.find()
        if tailer is not None:
            tailer.leave()

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
