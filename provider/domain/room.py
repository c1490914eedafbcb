"""Room: how much of the capacity is taken, by whom, and which warm sandboxes must go when it is more than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from provider.domain.policy import Capacity
from provider.domain.sweeps import OpenSandbox


@dataclass(slots=True)
class Room:
    """Counts live sandboxes against the limits. Who has no name shares no limit with others who have none."""

    capacity: Capacity
    taken: int = 0
    taken_by: Counter[str] = field(default_factory=Counter)

    def take(self, user_id: str | None) -> None:
        """Count a sandbox in."""
        self.taken += 1
        if user_id is not None:
            self.taken_by[user_id] += 1

    def leave(self, user_id: str | None) -> None:
        """Count a sandbox out."""
        self.taken -= 1
        if user_id is not None:
            self.taken_by[user_id] -= 1

    def has_place_for(self, user_id: str | None) -> bool:
        """Return whether one more sandbox of this user fits."""
        return self.taken < self.capacity.replicas and self._left_to(user_id) > 0

    def evict_surplus(self, warm: Sequence[OpenSandbox]) -> Iterator[tuple[OpenSandbox, str]]:
        """Choose from warm sandboxes, the least recently used first, until the limits hold again; tell why.

        A user's limit comes first: what goes for it makes room for all.
        """
        gone: set[str] = set()
        for sandbox in warm:
            if self._left_to(sandbox.user_id) < 0:
                why = f"user {sandbox.user_id} has {self.taken_by[str(sandbox.user_id)]} live sandboxes, "
                yield sandbox, f"{why}at most {self.capacity.per_user} may be"
                gone.add(sandbox.sandbox_id)
                self.leave(sandbox.user_id)
        for sandbox in warm:
            if self.taken > self.capacity.replicas and sandbox.sandbox_id not in gone:
                yield sandbox, f"{self.taken} sandboxes are live, at most {self.capacity.replicas} may be"
                self.leave(sandbox.user_id)

    def _left_to(self, user_id: str | None) -> int:
        if user_id is None or self.capacity.per_user is None:
            return 1
        return self.capacity.per_user - self.taken_by[user_id]
