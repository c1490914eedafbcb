"""A sandbox object that is closed while a call begins says so. Found by the chaos run."""

from __future__ import annotations

import time
from typing import Any

import pytest

from provider.domain.errors import SandboxError
from provider.sandbox.transport import Transport


def test_a_call_that_meets_the_close_names_it() -> None:
    transport = Transport("http://127.0.0.1:9", "0123456789abcdef")

    class Closing(dict[str, str]):
        """Closes the transport when the body is built: after the pool was found, before it is used."""

        def items(self) -> Any:
            transport.close()
            return super().items()

    with pytest.raises(SandboxError, match="was closed"):
        transport.send("POST", "/v1/shell/exec", deadline=time.monotonic() + 1, body=Closing(command="true"))
