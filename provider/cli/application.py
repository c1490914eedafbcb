"""The command `sandbox-ledger`: its options, its verbs, and what ends it."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import click

from provider.cli import failures
from provider.cli.invocation import Invocation, output_option
from provider.cli.stderr import log_to_stderr, tell

VERBS = (
    "up", "serve", "demo", "acquire", "exec", "ps", "history", "why", "events", "release", "restart", "destroy",
    "clear", "sweep", "sweeper", "verify", "seal", "export", "archive", "import", "bundle", "open", "what-if", "db",
    "rebuild", "image", "doctor",
)  # fmt: skip


EPILOG = """
\b
Output: tables for people, -o json for programs (one object or array; one object
a line for `events`), always on stdout. Errors: one line on stderr.
\b
Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 3 not found,
4 refused (capacity, back-off), 5 store or engine unavailable, 130 interrupted.
`exec` exits with the code of its command.
\b
ID: an id, a thread (with --user), or at least 4 first digits of an id.
"""
BROKEN_PIPE = 128 + signal.SIGPIPE
INTERRUPTED = 128 + signal.SIGINT


def locate(name: str) -> tuple[str, str]:
    """Return the module of a verb and the command's name in it."""
    if name in ("release", "restart", "destroy", "clear"):
        return "orders", name
    # What Python does not take as a name gets underscores.
    return f"{name}_" if name in ("exec", "import") else name.replace("-", "_"), "command"


class Verbs(click.Group):
    """A group that imports a verb when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in VERBS:
            return None
        module, attribute = locate(cmd_name)
        command: click.Command = getattr(importlib.import_module(f"provider.cli.verbs.{module}"), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an interruption and a reader that went away are no errors."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            _abandon_stdout()
            ctx.exit(BROKEN_PIPE)
        return status


@click.command(
    cls=Verbs, epilog=EPILOG, no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--config",
    metavar="FILE",
    help="Configuration; default: $SANDBOX_LEDGER_CONFIG, else ./config.yaml.",
)
@output_option
@click.option("-v", "--verbose", is_flag=True, help="Log to stderr, with tracebacks.")
@click.version_option(package_name="sandbox-ledger")
@click.pass_obj
def root(invocation: Invocation, config: str | None, verbose: bool) -> None:
    """Keep the sandboxes of AI agents in a ledger: every step an event in your SQL database."""
    invocation.config = config
    invocation.verbose = verbose
    log_to_stderr(verbose=verbose)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing is raised."""
    # Through `finally` blocks, so that a terminated command lets go of its sandbox.
    signal.signal(signal.SIGTERM, _leave)
    invocation = Invocation()
    try:
        status = root.main(list(arguments), prog_name="sandbox-ledger", standalone_mode=False, obj=invocation)
    except click.ClickException as wrong:
        tell(failures.describe_usage(wrong))
        return failures.WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        logging.getLogger(__name__).error("%s", error, exc_info=error, extra={"action": "command_line"})
        tell(failures.describe(error))
        return failures.exit_code(error)
    return status if isinstance(status, int) else 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere: the interpreter flushes once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
