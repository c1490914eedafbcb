"""Following the ledger: what other workers did reaches this process's replica through the change feed."""

from __future__ import annotations

import logging
import threading

from provider.domain import events as ev
from provider.domain.errors import CorruptLogError
from provider.domain.log import RecordedEvent
from provider.ports.log import ChangeFeed
from provider.runtime.replica import Replica

logger = logging.getLogger(__name__)

ENDINGS = (ev.SandboxDied, ev.SandboxEvicted, ev.SandboxCreateFailed, ev.SandboxDestroyed)


class Follower:
    """Drops from the replica what the log says is over. One thread; the feed reconnects by itself."""

    def __init__(self, feed: ChangeFeed, replica: Replica) -> None:
        self._feed = feed
        self._replica = replica
        self._thread: threading.Thread | None = None
        self._stopped_by: str | None = None
        self.position = 0

    def start(self, after: int) -> None:
        """Follow in the background from behind a position."""
        self.position = after
        self._thread = threading.Thread(target=self._run, name="sandbox-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._feed.stop()
        if self._thread is not None:
            self._thread.join()

    @property
    def error(self) -> str | None:
        """None while the feed is current, else why it is not."""
        return self._stopped_by or self._feed.error

    def _run(self) -> None:
        try:
            for batch in self._feed.follow(self.position):
                if not batch:
                    continue
                if batch[0].position != self.position + 1:
                    # What came between went into an archive before this process saw it: forget, and read it again.
                    self._replica.clear()
                for recorded in batch:
                    self._apply(recorded)
                self.position = batch[-1].position
        except CorruptLogError as error:
            self._stopped_by = str(error)
            logger.exception("the feed stopped at an altered event", extra={"action": "feed"})
        except Exception as error:
            self._stopped_by = f"the feed stopped: {error!r}"
            logger.exception("the feed stopped", extra={"action": "feed"})

    def _apply(self, recorded: RecordedEvent) -> None:
        event = recorded.event
        if isinstance(event, ENDINGS):
            self._replica.end(recorded.stream.removeprefix("sandbox:"), event.generation)
