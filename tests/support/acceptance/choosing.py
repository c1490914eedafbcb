"""Which engines a test runs on, where it is not all of them."""

from __future__ import annotations

import pytest

_PARAMETERS = {"docker": pytest.param("docker", marks=pytest.mark.docker)}


def on(*engines: str) -> pytest.MarkDecorator:
    """Run a test on these engines only."""
    chosen = [_PARAMETERS.get(engine, engine) for engine in engines]
    return pytest.mark.parametrize("engine", chosen, indirect=True)
