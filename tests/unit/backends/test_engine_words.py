from __future__ import annotations

from provider.backends.docker.engine import explain


def test_what_the_system_said_is_found_in_wrapped_exceptions() -> None:
    refused = ConnectionRefusedError(111, "Connection refused")
    assert explain(ConnectionError(RuntimeError("Connection aborted.", refused))) == "Connection refused"


def test_an_exception_of_nobody_we_know_is_named() -> None:
    assert explain(ValueError("the answer\nis not a list")) == "ValueError: the answer is not a list"
