"""How people name a sandbox: by its id, by its thread, or by the first digits of its id."""

from __future__ import annotations

import re

from provider.domain.errors import InvalidIdError
from provider.domain.ids import check_name, derive_sandbox_id, is_sandbox_id
from provider.ports.reading.queries import LedgerQueries
from provider.ports.reading.sandboxes import SandboxRecord

SHORTEST_PREFIX = 4

_DIGITS = re.compile(r"[0-9a-f]{1,15}")


def find_sandbox(
    queries: LedgerQueries, reference: str, user_id: str | None, shortest_prefix: int
) -> SandboxRecord | None:
    """Find a sandbox by its id, by its thread, or by the first digits of its id, in this order.

    With a user, `reference` is a thread. Raise `InvalidIdError` when several ids start with these digits.
    """
    if user_id is None and is_sandbox_id(reference):
        found = queries.find_sandbox(reference)
        if found is not None:
            return found
    thread = str(check_name("thread_id", reference))
    found = queries.find_sandbox(derive_sandbox_id(check_name("user_id", user_id), thread))
    if found is not None or user_id is not None:
        return found
    return _find_by_digits(queries, reference, shortest_prefix)


def _find_by_digits(queries: LedgerQueries, digits: str, shortest: int) -> SandboxRecord | None:
    if len(digits) < shortest or not _DIGITS.fullmatch(digits):
        return None
    ids = queries.list_ids(digits, 3)
    if len(ids) > 1:
        raise InvalidIdError(f"sandbox id {digits}: {', '.join(ids)} start with it; give more digits")
    return queries.find_sandbox(ids[0]) if ids else None
