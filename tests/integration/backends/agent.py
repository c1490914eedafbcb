"""What an agent does inside a sandbox, over its HTTP API."""

from __future__ import annotations

import httpx

from provider.domain.containers import SandboxInfo


def run_command(info: SandboxInfo, command: str) -> str:
    """Run a shell command in the sandbox and return its output."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        answer = client.post(f"{info.url}/v1/shell/exec", json={"command": command}).raise_for_status().json()
    return str(answer["data"]["output"])
