"""Choosing a backend contacts nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from provider.backends.addresses import sandbox_url
from provider.backends.labels import LEDGER, find_identity, labels_for
from provider.backends.registry import create_backend
from provider.config.settings import SandboxSettings
from provider.domain.containers import SandboxSpec
from provider.domain.errors import ConfigError


def test_each_backend_is_made_without_an_engine(tmp_path: Path) -> None:
    nowhere = SandboxSettings(engine="unix:///nowhere/docker.sock")
    assert create_backend(nowhere, "ledger", tmp_path).name == "docker"
    assert create_backend(replace(nowhere, backend="process"), "ledger", tmp_path).name == "process"


def test_an_unknown_backend_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    settings = replace(SandboxSettings(), backend="podman")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"'podman'.*docker, process"):
        create_backend(settings, "ledger", tmp_path)


def test_the_registry_imports_no_sdk() -> None:
    check = "import sys, provider.backends.registry; sys.exit('docker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_labels_lead_back_to_the_sandbox() -> None:
    spec = SandboxSpec("00112233445566aa", 4, None, "t")
    labels = labels_for("mine", spec)
    assert find_identity(labels, "mine") == ("00112233445566aa", 4)
    assert find_identity(labels, "yours") is None
    assert find_identity({LEDGER: "mine"}, "mine") is None


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("", "http://10.0.0.5:80"),
        ("::", "http://10.0.0.5:80"),
        ("::1", "http://[::1]:80"),
    ],
)
def test_urls(host: str, url: str) -> None:
    assert sandbox_url(host, 80, everywhere="10.0.0.5") == url
