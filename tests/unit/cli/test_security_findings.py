"""What `doctor` says about settings that open something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provider.cli.diagnosis import Finding, diagnose
from provider.config.loading import load_settings


def unsafe(directory: Path, sandbox: dict[str, Any]) -> list[Finding]:
    raw = {"database": {"url": f"sqlite:///{directory}/none.db"}, "sandbox": {"backend": "process", **sandbox}}
    return [finding for finding in diagnose(load_settings(raw, environ={})) if finding.status == "unsafe"]


def test_the_defaults_allow_nothing_unsafe(tmp_path: Path) -> None:
    assert unsafe(tmp_path, {}) == []


def test_what_is_allowed_by_name_is_shown_with_its_key_and_the_reason(tmp_path: Path) -> None:
    security = {"seccomp": "unconfined", "allow_unsafe": ["sandbox.security.seccomp"]}
    found = unsafe(tmp_path, {"security": security, "auth": "none"})
    assert [finding.subject for finding in found] == ["sandbox.security.seccomp", "sandbox.auth"]
    assert "lets a sandbox make every system call; allowed by sandbox.security.allow_unsafe" in found[0].message
    assert "whoever reaches a sandbox's port runs commands in it" in found[1].message
