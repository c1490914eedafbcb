"""What this process saw when the ledger last answered, for the page that says that it does not answer now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
        """Tell what is remembered; None when the ledger has not answered since this process began."""
        return self._known
