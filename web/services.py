"""What a request may use: the read side of the ledger, opened by the first request of each process."""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g

from provider.bootstrap import open_actions, open_reports
from provider.config.settings import Settings
from provider.core.per_process import PerProcess
from provider.domain.errors import StoreUnavailable
from provider.reading.insights import Insights
from provider.reading.reports import Reports
from provider.runtime.operators.actions import OperatorActions
from web.invariants import Invariants
from web.live.head_poller import HeadPoller
from web.live.streams import Places
from web.route import NavigationEntry
from web.security.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class Known:
    """What was true at a moment."""

    sentence: str
    at: datetime


class LastKnown:
    """Remembers one thing. Safe from any thread: it is replaced as a whole."""

    def __init__(self) -> None:
        self._known: Known | None = None

    def remember(self, sentence: str, at: datetime) -> None:
        """Replace what is remembered."""
        self._known = Known(sentence, at)

    def recall(self) -> Known | None:
        """Return what is remembered; None when the ledger has not answered since this process began."""
        return self._known


class Services:
    """Everything behind the views. Safe from any thread and after `fork()`; nothing is opened before it is used."""

    def __init__(
        self, settings: Settings, sign_in: SignIn | None = None, navigation: Sequence[NavigationEntry] = ()
    ) -> None:
        self.settings = settings
        self.sign_in = sign_in
        self.navigation = navigation
        self.streams = Places(settings.web.threads // 2)
        self._reports = PerProcess(lambda: open_reports(settings), Reports.close)
        self._actions = PerProcess(lambda: open_actions(settings), OperatorActions.close)
        self.last_known = LastKnown()
        self.invariants = Invariants()
        self._head_poller = PerProcess(
            lambda: HeadPoller(lambda: self._reports.get().insights).start(), HeadPoller.stop
        )
        self._closers: list[Callable[[], None]] = [self._reports.close, self._actions.close, self._head_poller.close]
        atexit.register(self.close)

    @property
    def reports(self) -> Reports:
        """The read side. May raise `StoreUnavailable`: the error page says so, and the next request tries again.

        While the head poller finds that the ledger does not answer, that is raised at once: a request that waited for
        the database would keep a thread from others.
        """
        poller = self._head_poller.find()
        fresh = poller.freshness() if poller is not None else None
        if fresh is not None and fresh.stale_since is not None:
            raise StoreUnavailable(fresh.error)
        return self._reports.get()

    @property
    def insights(self) -> Insights:
        """What the read side knows of single sandboxes and events."""
        return self.reports.insights

    @property
    def actions(self) -> OperatorActions:
        """What carries out operators' actions, as a worker of its own."""
        return self._actions.get()

    def open_head_poller(self) -> HeadPoller:
        """Return the head poller of this process, which begins with its first use."""
        return self._head_poller.get()

    def position(self) -> int:
        """Return which event the head poller has seen last; 0 before it began."""
        poller = self._head_poller.find()
        return poller.freshness().position if poller is not None else 0

    def leave(self) -> None:
        """End all streams: the server is about to end. A handler of signals may call this."""
        poller = self._head_poller.find()
        if poller is not None:
            poller.leave()

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
    """Return the services of the dashboard that answers this request."""
    found: Services = g.sandbox_ledger
    return found
