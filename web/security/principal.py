"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import g

from provider.config.settings import WebRole

How = Literal["local", "session", "bearer", "proxy", "host"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in, as what, and by what they proved it; an operator may do all that a viewer may."""

    name: str
    role: WebRole
    how: How

    def may(self, role: WebRole) -> bool:
        """Whether this is enough for what asks for `role`."""
        return role in (self.role, "viewer")


def find_principal() -> Principal | None:
    """Return who asks; None while nobody has signed in."""
    found: Principal | None = g.get("sandbox_ledger_principal")
    return found


def remember_principal(principal: Principal | None) -> None:
    """Note for the rest of this request who asks."""
    g.sandbox_ledger_principal = principal
