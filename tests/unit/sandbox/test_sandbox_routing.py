"""S46: which addresses are reached without a proxy."""

from __future__ import annotations

import pytest

from provider.sandbox.routing import is_direct

DIRECT = ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "10.1.2.3", "172.17.0.2", "192.168.1.9", "169.254.1.1"]
DIRECT += ["[fe80::1]", "[fd00::7]", "sandbox-5a4d-g1", "a.localhost", "host.docker.internal"]
BY_ENVIRONMENT = ["8.8.8.8", "[2606:4700::1111]", "sandbox.example.com", "172.32.0.1", "localhost.example.com"]


@pytest.mark.parametrize("host", DIRECT)
def test_near_addresses_are_reached_directly(host: str) -> None:
    assert is_direct(f"http://{host}:8080")


@pytest.mark.parametrize("host", BY_ENVIRONMENT)
def test_other_addresses_follow_the_environment(host: str) -> None:
    assert not is_direct(f"http://{host}:8080")
