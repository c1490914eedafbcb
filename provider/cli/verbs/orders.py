"""`sandbox-ledger release|restart|destroy|clear`: what an operator has done to one sandbox.

Each goes through the use case that the dashboard has too, so that the audit shows both alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provider.cli.invocation import Invocation, operator_name, verb
from provider.cli.options import reason_option, user_option
from provider.cli.render import write_json, write_line
from provider.cli.stderr import progress

if TYPE_CHECKING:
    from provider.domain.actions import SandboxAction

DOING = {
    "release": "taking every hold off it",
    "restart": "replacing the container",
    "destroy": "removing the container",
    "clear": "ending the back-off",
}


def _order_verb(action: SandboxAction, help_text: str) -> click.Command:
    """Make the verb that has one action done to the sandbox it names."""

    @verb(action, help_text=help_text)
    @click.argument("reference", metavar="ID")
    @user_option
    @reason_option
    def carry_out(invocation: Invocation, reference: str, user: str | None, reason: str) -> None:
        _carry_out(invocation, action, (reference, user), reason)

    return carry_out


def _carry_out(invocation: Invocation, action: SandboxAction, named: tuple[str, str | None], reason: str) -> None:
    """Have it done and write how the sandbox is then, as JSON its row; raise what kept it from being done."""
    from provider.domain.actions import Order
    from provider.reading.documents import sandbox_document

    with invocation.insights() as insights:
        sandbox_id = insights.get(*named).sandbox_id
        order = Order(operator=operator_name(), action=action, target=sandbox_id, reason=reason)
        with progress(DOING[action]), invocation.actions() as actions:
            report = actions.perform(order)
        if report.error is not None:
            raise report.error
        record = insights.get(sandbox_id)
    if invocation.is_json:
        write_json(sandbox_document(record))
    else:
        done = "restarted" if action == "restart" else report.detail
        write_line(f"sandbox {sandbox_id}: {done}; {record.status}, generation {record.generation}")


release = _order_verb(
    "release",
    """Take every worker's hold off a sandbox, so that it is warm.

    For holds of workers that are gone. One that still lives is not stopped, but its sandbox may be reaped.
    """,
)
restart = _order_verb(
    "restart",
    """Give a sandbox a fresh container under the same id.

    Files and processes of the old one are lost; whoever holds the sandbox goes on holding it.
    """,
)
destroy = _order_verb(
    "destroy",
    """Take a sandbox out of use and remove its container.

    Whoever holds it. Its history stays.
    """,
)
clear = _order_verb(
    "clear",
    """End a sandbox's crash-loop back-off and forgive its crashes.

    It may then be started at once.
    """,
)
