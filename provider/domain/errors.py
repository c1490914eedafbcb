"""Every error a caller may handle, under one root.

Messages say what happened, to which sandbox, and what to do next.
"""

from __future__ import annotations

from datetime import datetime
from errno import EFBIG
from typing import Any


class SandboxError(Exception):
    """Root of all errors raised by this library."""


class ConfigError(SandboxError):
    """The configuration is wrong; the message names the file, the key and what is allowed."""


class InvalidIdError(SandboxError, ValueError):
    """An id given by the caller cannot be used (empty, too long, or with control characters)."""


class InvalidSearchError(SandboxError, ValueError):
    """A search cannot be read; the message names the key and what is allowed."""


class InvalidCursorError(SandboxError, ValueError):
    """A cursor was not made by this question, or was altered: ask for the first page again."""


class InvalidPositionError(SandboxError, ValueError):
    """The log has no event at this position."""


class SandboxNotFound(SandboxError):
    """No sandbox with this id was ever recorded in the ledger."""

    def __init__(self, sandbox_id: str) -> None:
        super().__init__(f"sandbox {sandbox_id}: not in the ledger; list the known ones with `sandbox-ledger ps --all`")
        self.sandbox_id = sandbox_id


class SandboxGone(SandboxError):
    """The sandbox existed, but its container no longer answers or was taken out of use."""

    def __init__(self, sandbox_id: str, message: str) -> None:
        super().__init__(f"sandbox {sandbox_id}: {message}")
        self.sandbox_id = sandbox_id


class AccessRefused(SandboxError):
    """The sandbox's server does not take this ledger's token: it is another sandbox's, or not ours at all."""

    def __init__(self, sandbox_id: str, message: str) -> None:
        super().__init__(
            f"sandbox {sandbox_id}: its server refused the call ({message}); "
            "look whether something else answers at its address, or restart it"
        )
        self.sandbox_id = sandbox_id


class SandboxTimeout(SandboxError, TimeoutError):
    """The sandbox did not answer in time; what it was asked for may still be at work."""

    def __init__(self, sandbox_id: str, call: str, seconds: float) -> None:
        super().__init__(f"sandbox {sandbox_id}: no answer to {call} within {seconds:.3g} s; it may still be at work")
        self.sandbox_id = sandbox_id


class AnswerTooLarge(SandboxError, OSError):
    """A sandbox's answer, or a file in it, has more bytes than the caller takes (`errno` is EFBIG)."""

    def __init__(self, sandbox_id: str, limit: int) -> None:
        super().__init__(EFBIG, f"sandbox {sandbox_id}: the answer has more than {limit} bytes")
        self.sandbox_id = sandbox_id


class CapacityExceeded(SandboxError):
    """All replicas are in use and none became free in time; `per_user` tells which of the two limits it was."""

    def __init__(self, message: str, *, per_user: bool = False) -> None:
        super().__init__(message)
        self.per_user = per_user


class CrashLoopBackOff(SandboxError):
    """The sandbox crashed too often; it may be started again at `retry_at`."""

    def __init__(self, sandbox_id: str, retry_at: datetime, evidence: dict[str, Any] | None) -> None:
        super().__init__(
            f"sandbox {sandbox_id}: crashed too often, no new start before {retry_at.isoformat()}; "
            f"read `sandbox-ledger why {sandbox_id}`, then wait or clear the back-off"
        )
        self.sandbox_id = sandbox_id
        self.retry_at = retry_at
        self.evidence = evidence


class SandboxStartError(SandboxError):
    """The container could not be created or never became ready.

    `stage` is one of `image`, `create`, `start`, `readiness`; `log_tail` holds the container's last
    log lines (redacted) where a container existed.
    """

    def __init__(self, sandbox_id: str, stage: str, message: str, *, log_tail: str = "") -> None:
        tail = f"\nlast log lines:\n{log_tail}" if log_tail else ""
        super().__init__(f"sandbox {sandbox_id}: start failed at stage {stage}: {message}{tail}")
        self.sandbox_id = sandbox_id
        self.stage = stage
        self.reason = message
        self.log_tail = log_tail


class IdentityCollision(SandboxError):
    """The sandbox id derived for this (user, thread) is already bound to another pair."""

    def __init__(self, sandbox_id: str, bound_to: tuple[str | None, str | None]) -> None:
        super().__init__(
            f"sandbox {sandbox_id}: already bound to user {bound_to[0]!r}, thread {bound_to[1]!r}; "
            "refused, nothing was merged: use another thread id"
        )
        self.sandbox_id = sandbox_id
        self.bound_to = bound_to


class ConcurrencyError(SandboxError):
    """Another writer changed the stream first, more often than the retry limit allows."""


class VersionConflict(ConcurrencyError):
    """The stream is not at the expected version: reload, and decide again."""


class DuplicateCommand(ConcurrencyError):
    """An event with this `command_id` is in the log already; nothing was written again."""


class InvalidActionError(SandboxError, ValueError):
    """An operator's action cannot be asked for like this; nothing was recorded."""


class CountMismatch(SandboxError):
    """Another number of sandboxes matches than the operator expected; nothing was done."""


class CommandReused(ConcurrencyError):
    """An idempotency key was used for another request before; nothing was done."""


class ActionUnderWay(ConcurrencyError):
    """The same request was made before, and its outcome is not on record yet."""


class CorruptLogError(SandboxError):
    """An event in the log cannot be read or does not match its hash; `position` says which."""

    def __init__(
        self, position: int, message: str, advice: str = "the log was altered or damaged: restore it from a backup"
    ) -> None:
        super().__init__(f"event {position}: {message}; {advice}")
        self.position = position


class FileError(SandboxError):
    """A file could not be read or written; nothing half is left behind."""

    def __init__(self, path: object, message: str) -> None:
        super().__init__(f"file {path}: {message}")


class BundleError(SandboxError):
    """A bundle cannot be used: damaged, cut off, forged, of an unknown format, or none that fits here."""

    def __init__(self, message: str, *, position: int | None = None, bundle: str = "bundle") -> None:
        at = f"event {position}: " if position is not None else ""
        super().__init__(f"{bundle}: {at}{message}; nothing was changed")
        self.reason = message
        self.position = position


class LedgerNotEmpty(SandboxError):
    """A ledger that has events is never imported into."""


class StoreUnavailable(SandboxError):
    """The database could not answer. Nothing was lost; what was committed stays committed."""


class SchemaError(StoreUnavailable):
    """The database's schema is not the one this version of the library works with."""


class BackendUnavailable(SandboxError):
    """The container engine cannot tell. Unknown is not dead: nothing is evicted on this."""
