from __future__ import annotations

import pytest

from provider.config.settings import WebSettings
from web.security.origins import Hosts

WEB = WebSettings(
    host="10.0.0.5", allowed_hosts=("ledger.example", "exact.example:8443"), public_url="https://public.example:444/x"
)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8642", "LocalHost:9999", "127.0.0.1:8642", "[::1]:8642", "[::1]", "10.0.0.5:8642",
        "ledger.example", "ledger.example:1234", "ledger.example.", "exact.example:8443", "public.example:444",
    ],
)  # fmt: skip
def test_own_names_are_allowed(host: str) -> None:
    assert Hosts(WEB).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8642", "localhost.evil.example", "evillocalhost", "10.0.0.6", "exact.example",
        "exact.example:8444", "public.example", "127.0.0.1.evil.example", "localhost:8642:1", "localhost@evil.example",
        "", "localhost/..", "[::2]", "2130706433", "localhost\n",
    ],
)  # fmt: skip
def test_foreign_names_are_refused(host: str) -> None:
    assert not Hosts(WEB).allows(host)


def test_an_address_that_means_every_address_is_no_name() -> None:
    assert not Hosts(WebSettings(host="0.0.0.0")).allows("0.0.0.0:8642")
