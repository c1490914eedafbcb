"""How far the log is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegritySummary:
    """The newest seal of the log; all None where it was never sealed.

    `events_since` counts the events that no seal covers, but for the seal itself. Nothing was verified for this:
    `sandbox-ledger verify` does that.
    """

    sealed_position: int | None
    sealed_at: datetime | None
    sealed_by: str | None
    key_id: str | None
    events_since: int

    @property
    def is_sealed(self) -> bool:
        """Whether the log has a seal at all."""
        return self.sealed_position is not None

    @property
    def is_keyed(self) -> bool:
        """Whether the newest seal has an HMAC."""
        return self.key_id is not None
