"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g

from web.routes import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in, and as what; an operator may do everything that a viewer may."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Tell whether this is enough for what asks for `role`."""
        return role in (self.role, "viewer")


def find_principal() -> Principal | None:
    """Tell who asks; None while nobody has signed in."""
    found: Principal | None = g.get("sandbox_ledger_principal")
    return found
