from __future__ import annotations

import pytest

from web.security.addresses import Trusted, group_of, is_loopback, parse_address

TRUSTED = Trusted(["10.0.0.0/24", "192.0.2.7", "2001:db8::/64"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        (None, None, "None"),
    ],
)
def test_the_client_is_behind_all_trusted_proxies(peer: str | None, forwarded: str | None, client: str) -> None:
    assert str(TRUSTED.find_client(peer, forwarded)) == client


@pytest.mark.parametrize(("text", "loopback"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False),
    ("localhost", False), ("", False), (None, False),
])  # fmt: skip
def test_loopback_is_known(text: str | None, loopback: bool) -> None:
    assert is_loopback(text) is loopback


def test_all_addresses_of_one_ipv6_customer_count_as_one() -> None:
    first, second, other = (parse_address(text) for text in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"))
    assert group_of(first) == group_of(second) != group_of(other)
    assert group_of(parse_address("192.0.2.1")) != group_of(parse_address("192.0.2.2"))
    assert group_of(None) == "None"
