from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from provider.cli.failures import describe, describe_usage, exit_code
from provider.domain import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SandboxStartError("0" * 16, "readiness", "no answer"), 1),
        (errors.CorruptLogError(7, "altered"), 1),
        (ZeroDivisionError(), 1),
        (errors.ConfigError("wrong"), 2),
        (errors.InvalidIdError("wrong"), 2),
        (errors.SandboxNotFound("0" * 16), 3),
        (errors.CapacityExceeded("full"), 4),
        (errors.CrashLoopBackOff("0" * 16, datetime(2026, 7, 30, tzinfo=UTC), None), 4),
        (errors.IdentityCollision("0" * 16, ("user", "thread")), 4),
        (errors.StoreUnavailable("down"), 5),
        (errors.SchemaError("newer"), 5),
        (errors.BackendUnavailable("down"), 5),
    ],
)
def test_every_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_a_foreseen_error_speaks_for_itself_and_another_one_says_where_to_look() -> None:
    assert describe(errors.StoreUnavailable("database down")) == "database down"
    assert describe(KeyError("x")) == "unexpected KeyError: 'x'; run again with -v for the traceback, and report it"


def test_wrong_use_names_the_help() -> None:
    assert describe_usage(click.UsageError("Missing argument.")) == "Missing argument; see `sandbox-ledger --help`"
