"""How an operator's verbs give an order: by the use case that the dashboard has, so that the audit shows both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.cli.invocation import Invocation, operator_name

if TYPE_CHECKING:
    from provider.domain.actions import SandboxAction
    from provider.runtime.operators.actions import ActionReport


def order_about(invocation: Invocation, action: SandboxAction, sandbox_id: str, reason: str) -> ActionReport:
    """Have something done to a sandbox; raise what kept it from being done."""
    from provider.domain.actions import Order

    order = Order(operator=operator_name(), action=action, target=sandbox_id, reason=reason)
    with invocation.actions() as actions:
        report = actions.perform(order)
    if report.error is not None:
        raise report.error
    return report
