"""What `doctor` says about settings that open something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provider.cli.diagnosis import Finding, diagnose
from provider.config.loading import load_settings


def look(directory: Path, sandbox: dict[str, Any]) -> list[Finding]:
    raw = {"database": {"url": f"sqlite:///{directory}/none.db"}, "sandbox": {"backend": "process", **sandbox}}
    return [finding for finding in diagnose(load_settings(raw, environ={})) if finding.subject == "security"]


def test_the_defaults_allow_nothing_dangerous(tmp_path: Path) -> None:
    assert [finding.status for finding in look(tmp_path, {})] == ["ok"]


def test_each_danger_that_is_allowed_by_name_is_shown(tmp_path: Path) -> None:
    security = {"seccomp": "unconfined", "allow_unsafe": ["sandbox.security.seccomp"]}
    found = look(tmp_path, {"security": security, "auth": "none"})
    assert [finding.status for finding in found] == ["warn", "warn"]
    assert found[0].message.startswith("sandbox.security.seccomp (unconfined)")
    assert found[1].message.startswith("sandbox.auth (none)")
