"""Container names and labels: how a container says whose it is, the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping

from provider.domain.containers import SandboxSpec

LEDGER = "sandbox-ledger.ledger"
SANDBOX = "sandbox-ledger.sandbox"
GENERATION = "sandbox-ledger.generation"
USER = "sandbox-ledger.user"
THREAD = "sandbox-ledger.thread"


def container_name(prefix: str, spec: SandboxSpec) -> str:
    """Name the container of one generation."""
    return f"{prefix}-{spec.sandbox_id}-g{spec.generation}"


def network_name(ledger_id: str, egress: str) -> str:
    """Name the network of a ledger's sandboxes; the one without a way outside is another."""
    return f"sandbox-ledger-{ledger_id[:12]}" + ("-closed" if egress == "none" else "")


def labels_for(ledger_id: str, spec: SandboxSpec) -> dict[str, str]:
    """Label the container of one generation; user and thread only where there are any."""
    labels = {LEDGER: ledger_id, SANDBOX: spec.sandbox_id, GENERATION: str(spec.generation)}
    if spec.user_id is not None:
        labels[USER] = spec.user_id
    if spec.thread_id is not None:
        labels[THREAD] = spec.thread_id
    return labels


def find_identity(labels: Mapping[str, str], ledger_id: str) -> tuple[str, int] | None:
    """Read (sandbox id, generation) from a container's labels; None when it is not this ledger's."""
    sandbox_id, generation = labels.get(SANDBOX), labels.get(GENERATION, "")
    if labels.get(LEDGER) != ledger_id or not sandbox_id or not generation.isdecimal():
        return None
    return sandbox_id, int(generation)
