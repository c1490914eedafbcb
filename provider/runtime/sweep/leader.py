"""The lead: of all processes that could sweep, one does, by a lease in the database with a fencing token.

The token grows with every change of hands. Who wakes up after his lease passed on finds another token there and stops;
what he still does before he looks is decided on current state under a version check, like everything, so it does no
harm.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from provider.domain.errors import SandboxError
from provider.domain.sweeps import SWEEP_LEASE
from provider.ports.coordination import Leases

logger = logging.getLogger(__name__)

SHARE_OF_LEASE = 2 / 3
LOOKS_PER_LEASE = 6
"""The lease runs for two thirds of `worker.lease_time` and is looked at six times in it: handed over in five sixths."""


class LeadLost(SandboxError):
    """Another process leads now, or this one is stopping; the rest of the sweep is left to the next."""


@dataclass(frozen=True, slots=True)
class Term:
    """One uninterrupted time of leading."""

    token: int
    until: float


class Leader:
    """One process's candidacy. `stand` is called from one thread, the rest from any."""

    def __init__(self, leases: Leases, holder: str, lease_time: float) -> None:
        self._leases = leases
        self._holder = holder
        self._seconds = lease_time * SHARE_OF_LEASE
        self._term: Term | None = None

    @property
    def term(self) -> Term | None:
        """The present term; None while another process leads."""
        return self._term

    def stand(self) -> Term | None:
        """Take the lead if it is free, or keep it; None while another process has it."""
        # The local end is counted from before the call, so it is never later than the database's.
        until = time.monotonic() + self._seconds
        token = self._leases.acquire(SWEEP_LEASE, self._holder, self._seconds)
        before, self._term = self._term, Term(token, until) if token is not None else None
        if (before and before.token) != token:
            message = "leads the sweep (token %s)" if token is not None else "no longer leads the sweep (token %s)"
            logger.info(message, token if token is not None else before and before.token, extra={"action": "lead"})
        return self._term

    def require(self, token: int) -> None:
        """Raise `LeadLost` unless this process still leads under that token.

        The database is asked only when the lease should have been renewed by now.
        """
        term = self._term
        standing = term is not None and term.token == token
        in_time = term is not None and time.monotonic() < term.until
        if not (standing and (in_time or self._leases.holds(SWEEP_LEASE, self._holder, token))):
            raise LeadLost(
                f"the lead of the sweep has passed on (token {token}); what is left is done by the next sweep"
            )

    def step_down(self) -> None:
        """Stop leading in this process at once; a sweep under way ends after the steps it has begun."""
        self._term = None

    def resign(self) -> None:
        """Return the lease, so that another process need not wait for its end."""
        self.step_down()
        self._leases.release(SWEEP_LEASE, self._holder)
