"""From errors to exit codes and to one line for people."""

from __future__ import annotations

import click

FAILED = 1
WRONG_USE = 2
NOT_FOUND = 3
REFUSED = 4
UNAVAILABLE = 5


def exit_code(error: Exception) -> int:
    """Choose the exit code for an error."""
    from provider.domain import errors

    match error:
        case (
            errors.ConfigError() | errors.InvalidIdError() | errors.InvalidPositionError() | errors.InvalidActionError()
        ):
            return WRONG_USE
        case errors.SandboxNotFound():
            return NOT_FOUND
        case errors.CapacityExceeded() | errors.CrashLoopBackOff() | errors.IdentityCollision():
            return REFUSED
        case errors.StoreUnavailable() | errors.BackendUnavailable():
            return UNAVAILABLE
        case _:
            return FAILED


def describe(error: Exception) -> str:
    """Describe what happened, for an unexpected error also where to look."""
    from provider.domain.errors import SandboxError

    if isinstance(error, (SandboxError, TimeoutError)):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}; run again with -v for the traceback, and report it"


def describe_usage(error: click.ClickException) -> str:
    """Describe what is wrong with the command line, and where its help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "sandbox-ledger"
    return f"{error.format_message().rstrip('.')}; see `{path} --help`"
